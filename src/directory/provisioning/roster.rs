//! Who an organization's provisioning may see, in memory and in order, so that a list of a million people tells its true
//! length, and a page of it anywhere costs about what the first one does (S21, S40).
//!
//! Made at the first list by reading the memberships once, kept by the change feed. Whoever asks waits until all that was
//! committed before is taken in, so that a client reads what it wrote (S28).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::domain_list::DomainList;
use super::ordered::OrderedIds;
use super::person;
use super::scope::ProvisioningScope;
use crate::directory::claim::{self, CLAIMS};
use crate::directory::link::{self, LINKED};
use crate::directory::member::MEMBERS;
use crate::directory::user::{self, BY_DOMAIN};
use crate::kernel::{DomainName, OrgId, UserId};
use crate::store::{Change, Feed, FeedEvent, Store, StoreError, Tx};

/// How often the feed is taken in while nobody asks: often enough that it never runs full.
const TAKE_IN_EVERY: Duration = Duration::from_millis(50);
/// How long a roster that nobody asks for is kept.
const KEPT_UNUSED: Duration = Duration::from_secs(6 * 3600);
/// How many accounts may have changed before it costs less to read everything anew.
const CHANGED_LIMIT: usize = 50_000;
/// How many rows one step of reading takes.
pub(super) const PAGE: usize = 2000;

/// A page of an organization's people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RosterPage {
    /// How many there are in all.
    pub total: usize,
    /// Accounts, in the order of their ids.
    pub accounts: Vec<UserId>,
}

/// The rosters of this node.
pub struct Rosters {
    store: Store,
    shared: Mutex<Shared>,
}

struct Shared {
    feed: Feed,
    held: BTreeMap<OrgId, Held>,
    /// Whose roster an account of a domain belongs to.
    by_domain: BTreeMap<DomainName, OrgId>,
    /// The rosters whose reach is more than their own organization.
    wide: BTreeSet<OrgId>,
}

/// What is known of one organization's roster without waiting for it.
struct Held {
    roster: Arc<tokio::sync::Mutex<Option<OrderedIds>>>,
    /// Whose memberships count.
    reach: BTreeSet<OrgId>,
    /// Which domains' accounts count.
    domains: BTreeSet<DomainName>,
    /// Accounts that may have come or gone.
    changed: BTreeSet<UserId>,
    /// It is to be read anew.
    stale: bool,
    /// How often the claims were written to: perhaps other domains count now.
    claims: u64,
    /// The same as of when the domains were read.
    claims_read: u64,
    used: Instant,
}

impl Shared {
    fn over(feed: Feed) -> Self {
        Shared { feed, held: BTreeMap::new(), by_domain: BTreeMap::new(), wide: BTreeSet::new() }
    }

    /// Takes in all that was committed until now.
    fn take_in(&mut self) {
        while let Some(event) = self.feed.next_ready() {
            match event {
                FeedEvent::Change(change) if !self.held.is_empty() => self.note(&change),
                FeedEvent::Change(_) | FeedEvent::Quiet => {}
                FeedEvent::Lost => self.held.values_mut().for_each(|held| held.stale = true),
                FeedEvent::Closed => return,
            }
        }
    }

    fn note(&mut self, change: &Change) {
        for (organization, account) in change.keys(&MEMBERS) {
            self.changed(organization, account);
            let reached = |admin: &&OrgId| self.held.get(admin).is_some_and(|held| held.reach.contains(&organization));
            let reached: Vec<OrgId> = self.wide.iter().filter(reached).copied().collect();
            for admin in reached {
                self.changed(admin, account);
            }
        }
        for (domain, account) in change.keys(&BY_DOMAIN) {
            if let Some(organization) = self.by_domain.get(&domain).copied() {
                self.changed(organization, account);
            }
        }
        for (organization, _) in change.keys(&CLAIMS) {
            if let Some(held) = self.held.get_mut(&organization) {
                held.claims += 1;
            }
        }
        for (admin, _) in change.keys(&LINKED) {
            if let Some(held) = self.held.get_mut(&admin) {
                held.stale = true;
            }
        }
    }

    fn changed(&mut self, organization: OrgId, account: UserId) {
        let Some(held) = self.held.get_mut(&organization).filter(|held| !held.stale) else { return };
        held.changed.insert(account);
        if held.changed.len() > CHANGED_LIMIT {
            held.changed.clear();
            held.stale = true;
        }
    }

    /// All is about to be read: what is noted from here on, before reach and domains are read, asks for it once more.
    fn renew(&mut self, organization: OrgId) {
        let Some(held) = self.held.get_mut(&organization) else { return };
        held.changed.clear();
        (held.stale, held.claims_read) = (false, held.claims);
    }

    /// From here on changes within this reach and of these domains are noted.
    fn begin(&mut self, organization: OrgId, reach: &BTreeSet<OrgId>, domains: &BTreeSet<DomainName>) {
        self.forget_places(organization);
        let Some(held) = self.held.get_mut(&organization) else { return };
        (held.reach, held.domains) = (reach.clone(), domains.clone());
        self.by_domain.extend(domains.iter().map(|domain| (domain.clone(), organization)));
        if reach.len() > 1 {
            self.wide.insert(organization);
        }
    }

    fn forget_places(&mut self, organization: OrgId) {
        self.by_domain.retain(|_, holder| *holder != organization);
        self.wide.remove(&organization);
    }

    /// Lets go of rosters that nobody has asked for in a long time.
    fn tidy(&mut self) {
        let unused = |(_, held): &(&OrgId, &Held)| held.used.elapsed() >= KEPT_UNUSED;
        let unused: Vec<OrgId> = self.held.iter().filter(unused).map(|(organization, _)| *organization).collect();
        for organization in unused {
            self.held.remove(&organization);
            self.forget_places(organization);
        }
    }
}

/// What has to be done before a roster may answer.
enum Work {
    /// Read it anew.
    Anew,
    /// Look at these accounts again.
    Look(BTreeSet<UserId>),
}

impl Rosters {
    /// None yet; they are made when they are asked for.
    pub fn new(store: Store) -> Arc<Self> {
        let feed = store.feed();
        Arc::new(Rosters { store, shared: Mutex::new(Shared::over(feed)) })
    }

    /// Keeps the rosters while nobody asks for them. To be run once, in the background.
    pub async fn follow(&self) {
        loop {
            tokio::time::sleep(TAKE_IN_EVERY).await;
            let mut shared = self.shared.lock();
            shared.take_in();
            shared.tidy();
        }
    }

    /// The page of people that starts at the place `start`, counted from zero, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn page(&self, scope: &ProvisioningScope, start: usize, limit: usize) -> Result<RosterPage, StoreError> {
        self.with(scope, |ids| RosterPage { total: ids.len(), accounts: ids.page(start, limit) }).await
    }

    /// The page of people behind an account, at most `limit`, and their number in all.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn behind(
        &self,
        scope: &ProvisioningScope,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<RosterPage, StoreError> {
        self.with(scope, |ids| {
            let start = after.map_or(0, |after| {
                let place = ids.rank(after);
                if ids.page(place, 1).first() == Some(&after) { place + 1 } else { place }
            });
            RosterPage { total: ids.len(), accounts: ids.page(start, limit) }
        })
        .await
    }

    async fn with<T>(&self, scope: &ProvisioningScope, answer: impl FnOnce(&OrderedIds) -> T) -> Result<T, StoreError> {
        let organization = scope.organization();
        let roster = self.roster(organization);
        // One at a time for each organization: who waits here finds the work done.
        let mut roster = roster.lock().await;
        let tx = self.store.reader();
        let domains = self.domains_if_changed(&tx, organization).await?;
        let work = self.work(organization, roster.is_none(), domains);
        let ids = match (work, roster.take()) {
            (Work::Look(changed), Some(mut ids)) => {
                look(&tx, scope, &mut ids, changed).await?;
                ids
            }
            _ => self.read(&tx, scope).await?,
        };
        let given = answer(&ids);
        *roster = Some(ids);
        Ok(given)
    }

    fn roster(&self, organization: OrgId) -> Arc<tokio::sync::Mutex<Option<OrderedIds>>> {
        let mut shared = self.shared.lock();
        let held = shared.held.entry(organization).or_insert_with(|| Held {
            roster: Arc::default(),
            reach: BTreeSet::new(),
            domains: BTreeSet::new(),
            changed: BTreeSet::new(),
            stale: true,
            claims: 0,
            claims_read: 0,
            used: Instant::now(),
        });
        held.used = Instant::now();
        Arc::clone(&held.roster)
    }

    /// The verified domains, if the claims were written to since they were read, and as of which writing that is. It may
    /// end early or fail: it is noted only by [`work`](Self::work) that they were read.
    async fn domains_if_changed(
        &self,
        tx: &Tx,
        organization: OrgId,
    ) -> Result<Option<(u64, BTreeSet<DomainName>)>, StoreError> {
        let written = {
            let mut shared = self.shared.lock();
            shared.take_in();
            shared.held.get(&organization).filter(|held| held.claims != held.claims_read).map(|held| held.claims)
        };
        match written {
            Some(written) => Ok(Some((written, domains(tx, organization).await?))),
            None => Ok(None),
        }
    }

    fn work(&self, organization: OrgId, missing: bool, read: Option<(u64, BTreeSet<DomainName>)>) -> Work {
        let mut shared = self.shared.lock();
        shared.take_in();
        let Some(held) = shared.held.get_mut(&organization) else { return Work::Anew };
        if missing || held.stale || read.as_ref().is_some_and(|(_, domains)| *domains != held.domains) {
            held.stale = true;
            return Work::Anew;
        }
        held.claims_read = read.map_or(held.claims_read, |(written, _)| written);
        Work::Look(std::mem::take(&mut held.changed))
    }

    /// Reads everything: the members of all organizations within reach, of whom those count that the domains list.
    async fn read(&self, tx: &Tx, scope: &ProvisioningScope) -> Result<OrderedIds, StoreError> {
        let organization = scope.organization();
        {
            let mut shared = self.shared.lock();
            shared.take_in();
            shared.renew(organization);
        }
        let mut reach = BTreeSet::from([organization]);
        if scope.is_admin() {
            reach.extend(link::linked_to(tx, organization).await?.into_iter().map(|linked| linked.id));
        }
        let domains = domains(tx, organization).await?;
        // Before the first row is read, so that nothing is missed between the reading and the first answer.
        self.shared.lock().begin(organization, &reach, &domains);
        let mut members = Vec::new();
        for place in reach {
            self.members(tx, place, &mut members).await?;
        }
        members.sort_unstable();
        members.dedup();
        let mut ids = OrderedIds::default();
        let mut lists: Vec<DomainList> = domains.into_iter().map(DomainList::of).collect();
        for account in members {
            for list in &mut lists {
                if list.has(self, tx, account).await? {
                    ids.push(account);
                    break;
                }
            }
        }
        let changed = {
            let mut shared = self.shared.lock();
            shared.take_in();
            shared.held.get_mut(&organization).map(|held| std::mem::take(&mut held.changed)).unwrap_or_default()
        };
        look(tx, scope, &mut ids, changed).await?;
        Ok(ids)
    }

    async fn members(&self, tx: &Tx, organization: OrgId, found: &mut Vec<UserId>) -> Result<(), StoreError> {
        let mut after: Option<(OrgId, UserId)> = None;
        loop {
            let page = tx.scan(&MEMBERS, &organization, after.as_ref(), PAGE).await?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after = Some(*last);
            found.extend(page.into_iter().filter(|(_, member)| !member.asleep).map(|((_, account), _)| account));
            self.breathe().await;
        }
    }

    /// Lets others run during a long reading, and keeps the feed from running full.
    pub(super) async fn breathe(&self) {
        self.shared.lock().take_in();
        tokio::task::yield_now().await;
    }
}

/// Looks at accounts again: those that may be seen are in, the others out.
async fn look(
    tx: &Tx,
    scope: &ProvisioningScope,
    ids: &mut OrderedIds,
    changed: BTreeSet<UserId>,
) -> Result<(), StoreError> {
    for account in changed {
        let seen = match user::by_id(tx, account).await? {
            Some(found) => person::is_seen(tx, scope, &found).await?,
            None => false,
        };
        if seen {
            ids.insert(account)
        } else {
            ids.remove(account)
        };
    }
    Ok(())
}

/// The verified domains of an organization.
async fn domains(tx: &Tx, organization: OrgId) -> Result<BTreeSet<DomainName>, StoreError> {
    let claims = claim::list(tx, organization).await?;
    Ok(claims.into_iter().filter(|claim| claim.state.holds()).map(|claim| claim.domain).collect())
}

#[cfg(test)]
#[path = "roster_tests.rs"]
mod tests;
