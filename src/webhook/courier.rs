//! The background job over the outbox: each endpoint has its own pace, so that one which is slow or dead delays no other.
//!
//! One node sends, under a lease. What is under way is in its memory alone: killed in between, the next one sends it again,
//! under the same id. Of one subject no two events are under way at once, and before a later one goes out, an earlier one
//! that failed is tried again: so they arrive in their order, unless the endpoint goes on refusing the earlier one.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use parking_lot::Mutex;

use super::delivery::{Outcome, Transport};
use super::endpoint::Endpoint;
use super::gauges::{begin, counted, tell};
use super::outbox::{self, Delivery, Waiting};
use super::schedule::Rules;
use crate::kernel::{Rng, Timestamp};
use crate::store::{Store, StoreError, Tx, release_lease, take_lease};

/// How many events are under way to one endpoint at once.
const AT_ONCE: usize = 8;
/// How many that are due are looked at for some that can go.
const LOOK_AHEAD: usize = 64;
/// How many earlier events of a subject are tried again before a later one.
const EARLIER_LIMIT: usize = 16;
/// How often what waits and what is dead is counted, and the dead over the limit dropped.
const COUNT_EVERY: Duration = Duration::from_secs(10);
/// For how long one node is the one that sends.
const LEASE_FOR: Duration = Duration::from_secs(10);
/// How often it says that it still is.
const RENEW_EVERY: Duration = Duration::from_secs(3);
/// The lease's name.
const LEASE: &str = "webhooks";
/// For how long events wait for an endpoint that answered 410; as long as the tries of one take.
const GONE_KEEPS: Duration = Duration::from_secs(4 * 24 * 3600);
/// What is said of events whose endpoint is configured no more.
const ORPHANED: &str = "no endpoint of this name is configured any more";

/// The job.
pub struct Courier {
    pub(super) store: Store,
    pub(super) rng: Arc<dyn Rng>,
    rules: Rules,
    pub(super) transport: Transport,
    pub(super) posts: Vec<Post>,
    holder: String,
    /// Whether this node is the one that sends.
    sends: AtomicBool,
}

/// An endpoint, and how it is doing.
pub(super) struct Post {
    pub endpoint: Endpoint,
    pub rest: Mutex<Rest>,
}

/// How often in a row an endpoint failed as a whole, and until when it is left alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rest {
    failures: u32,
    until: Timestamp,
}

impl Rest {
    /// None is needed.
    pub const NONE: Rest = Rest { failures: 0, until: Timestamp::EPOCH };
}

impl Courier {
    /// One for these endpoints over the outbox of `store`.
    ///
    /// # Errors
    /// A sentence for the operator, if TLS can't be set up.
    pub fn new(store: Store, rng: Arc<dyn Rng>, endpoints: &[Endpoint], rules: Rules) -> Result<Arc<Self>, String> {
        let transport = Transport::new(rules.answer_within)
            .map_err(|error| format!("webhooks can't be sent: TLS can't be set up: {error}"))?;
        let rest = || Mutex::new(Rest::NONE);
        let posts = endpoints.iter().map(|endpoint| Post { endpoint: endpoint.clone(), rest: rest() }).collect();
        let holder = rng.token::<12>();
        let courier = Courier { store, rng, rules, transport, posts, holder, sends: AtomicBool::new(false) };
        courier.posts.iter().for_each(|post| begin(post.endpoint.name.as_str()));
        Ok(Arc::new(courier))
    }

    /// Sends until it is dropped.
    pub async fn run(&self) {
        let posts = join_all(self.posts.iter().map(|post| self.serve(post)));
        tokio::select! {
            () = self.keep_lease() => {}
            () = self.count() => {}
            _ = posts, if !self.posts.is_empty() => {}
        }
    }

    /// Lets another node send at once.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn stop(&self) -> Result<(), StoreError> {
        self.sends.store(false, Ordering::Relaxed);
        let release = async |tx: Tx| release_lease(&tx, LEASE, &self.holder).await;
        self.store.transaction("release the lease of webhooks", release).await
    }

    async fn keep_lease(&self) {
        loop {
            let lease = async |tx: Tx| take_lease(&tx, LEASE, &self.holder, LEASE_FOR).await;
            let held = self.store.transaction("take the lease of webhooks", lease).await;
            let held = held.unwrap_or_else(|error: StoreError| {
                tracing::error!(%error, "the lease of webhooks can't be taken");
                false
            });
            let first = held && !self.sends.swap(held, Ordering::Relaxed);
            self.sends.store(held, Ordering::Relaxed);
            if first && let Err(error) = self.bury_orphans().await {
                tracing::error!(%error, "events of endpoints that are configured no more can't be buried");
            }
            tokio::time::sleep(RENEW_EVERY).await;
        }
    }

    async fn bury_orphans(&self) -> Result<(), StoreError> {
        let known: Vec<&str> = self.posts.iter().map(|post| post.endpoint.name.as_str()).collect();
        loop {
            let bury = async |tx: Tx| outbox::bury_orphans(&tx, &known, ORPHANED).await;
            let count: usize = self.store.transaction("bury webhooks", bury).await?;
            if count == 0 {
                return Ok(());
            }
            tracing::warn!(count, "events wait for an endpoint that is configured no more: they are dead");
        }
    }

    async fn serve(&self, post: &Post) {
        let mut under_way = FuturesUnordered::new();
        let mut busy: BTreeSet<String> = BTreeSet::new();
        loop {
            match self.next(post, &busy).await {
                Ok(ready) => {
                    for delivery in ready {
                        busy.insert(delivery.subject.clone());
                        under_way.push(self.go(post, delivery));
                    }
                }
                Err(error) => tracing::error!(%error, "the webhooks that are due can't be read"),
            }
            tokio::select! {
                Some(subject) = under_way.next(), if !under_way.is_empty() => {
                    busy.remove(&subject);
                }
                () = tokio::time::sleep(self.rules.look_every) => {}
            }
        }
    }

    /// What can go out now: of each subject one, and of an endpoint in trouble one alone.
    async fn next(&self, post: &Post, busy: &BTreeSet<String>) -> Result<Vec<Delivery>, StoreError> {
        let rest = *post.rest.lock();
        let most = if rest.failures > 0 { 1 } else { AT_ONCE };
        let room = most.saturating_sub(busy.len());
        if room == 0 || !self.sends.load(Ordering::Relaxed) || self.store.now() < rest.until {
            return Ok(Vec::new());
        }
        let tx = self.store.reader();
        let (name, mut seen) = (post.endpoint.name.as_str(), busy.clone());
        let mut due = outbox::due(&tx, name, LOOK_AHEAD).await?;
        if due.is_empty() || outbox::gone(&tx, name).await?.is_some() {
            return Ok(Vec::new());
        }
        due.retain(|delivery| seen.insert(delivery.subject.clone()));
        due.truncate(room);
        Ok(due)
    }

    /// Tries an event, after what of its subject came before it; gives the subject.
    async fn go(&self, post: &Post, delivery: Delivery) -> String {
        let subject = delivery.subject.clone();
        if let Err(error) = self.deliver(post, delivery).await {
            tracing::error!(%error, "what came of a webhook can't be kept");
            // Whatever it is, it must not be tried as fast as it fails.
            tokio::time::sleep(self.rules.longest_rest).await;
        }
        subject
    }

    async fn deliver(&self, post: &Post, delivery: Delivery) -> Result<(), StoreError> {
        for earlier in outbox::earlier(&self.store.reader(), &delivery, EARLIER_LIMIT).await? {
            match self.transport.send(&post.endpoint, &earlier, self.store.now()).await {
                Outcome::Taken(_) => self.taken(post, &earlier).await?,
                // Not its turn yet: it keeps its place in the schedule, and the later one goes ahead.
                Outcome::Refused(_) | Outcome::Resting(..) => break,
                Outcome::Gone => return self.failed(post, &delivery, Outcome::Gone).await,
            }
        }
        match self.transport.send(&post.endpoint, &delivery, self.store.now()).await {
            Outcome::Taken(_) => self.taken(post, &delivery).await,
            outcome => self.failed(post, &delivery, outcome).await,
        }
    }

    async fn taken(&self, post: &Post, delivery: &Delivery) -> Result<(), StoreError> {
        *post.rest.lock() = Rest::NONE;
        counted(&delivery.endpoint, "delivered");
        tracing::debug!(endpoint = %delivery.endpoint, webhook = %delivery.id, kind = %delivery.kind, "a webhook was taken");
        self.store.transaction("remove webhook", async |tx: Tx| outbox::remove(&tx, delivery).await).await?;
        Ok(())
    }

    async fn failed(&self, post: &Post, delivery: &Delivery, outcome: Outcome) -> Result<(), StoreError> {
        let now = self.store.now();
        let (last, asked) = match outcome {
            Outcome::Taken(status) => (status.to_string(), None),
            Outcome::Gone => {
                self.switch_off(post).await?;
                ("410".to_owned(), None)
            }
            Outcome::Refused(last) => {
                *post.rest.lock() = Rest::NONE;
                (last, None)
            }
            Outcome::Resting(last, asked) => {
                let mut rest = post.rest.lock();
                // Of several that were under way when it failed, the first counts.
                if now >= rest.until {
                    let failures = rest.failures.saturating_add(1);
                    *rest = Rest { failures, until: now.plus(self.rules.rest(failures, asked)) };
                }
                (last, asked)
            }
        };
        let failures = delivery.failures.saturating_add(1);
        let (endpoint, webhook, kind) = (&delivery.endpoint, delivery.id, &delivery.kind);
        if let Some(next) = self.rules.next(now, failures, asked, &*self.rng) {
            counted(endpoint, "failed");
            tracing::warn!(%endpoint, %webhook, %kind, failures, answer = %last, %next, "a webhook was not taken");
            let put_off = async |tx: Tx| outbox::put_off(&tx, delivery, next, &last).await;
            return self.store.transaction("put webhook off", put_off).await;
        }
        counted(endpoint, "dead");
        tracing::error!(%endpoint, %webhook, %kind, failures, answer = %last, "a webhook was given up: `vestibule webhook list --dead`");
        self.store.transaction("bury webhook", async |tx: Tx| outbox::bury(&tx, delivery, &last).await).await
    }

    /// The endpoint wants no events: none is sent until a test of it is taken.
    async fn switch_off(&self, post: &Post) -> Result<(), StoreError> {
        let endpoint = &post.endpoint.name;
        tracing::error!(
            %endpoint,
            "the endpoint answered 410 Gone: nothing is sent there until `vestibule webhook test {endpoint}` is taken"
        );
        let off = async |tx: Tx| outbox::set_gone(&tx, endpoint.as_str());
        self.store.transaction("switch endpoint off", off).await
    }

    async fn count(&self) {
        loop {
            for post in &self.posts {
                let name = post.endpoint.name.as_str();
                match self.store.transaction("trim webhooks", async |tx: Tx| trim(&tx, name).await).await {
                    Ok((dead, waiting)) => tell(name, dead, waiting, self.store.now()),
                    Err(error) => tracing::error!(%error, "webhooks can't be counted"),
                }
            }
            tokio::time::sleep(COUNT_EVERY).await;
        }
    }
}

/// Drops the dead over the limit, and buries what has waited too long for an endpoint that is gone; gives how many are dead,
/// and what waits.
async fn trim(tx: &Tx, endpoint: &str) -> Result<(usize, Waiting), StoreError> {
    if outbox::gone(tx, endpoint).await?.is_some() {
        outbox::bury_older(tx, endpoint, tx.now().minus(GONE_KEEPS), "410").await?;
    }
    Ok((outbox::trim(tx, endpoint).await?, outbox::waiting(tx, endpoint).await?))
}
