//! The outbox: an event to be delivered is a row for each endpoint, written in the transaction of what it tells.
//!
//! Rows are told apart by endpoint, moment and id, and nothing is counted: however many transactions queue at once, none
//! waits for another. A row leaves only when the endpoint has taken the event, or when it is dead; the dead are kept a while.

use serde::{Deserialize, Serialize};
use std::time::Duration;

use crate::kernel::{Timestamp, WebhookId};
use crate::store::{StoreError, Table, TableChecker, Tx, checker, decodes};

/// Events to be delivered, by endpoint and the moment of their next try.
pub(super) const QUEUE: Table<(String, Timestamp, WebhookId), Delivery> = Table::new("webhook_queue");
/// The same by endpoint and subject, in the order in which they happened; the value is the moment of the next try.
const LINE: Table<(String, String, WebhookId), Timestamp> = Table::new("webhook_line");
/// What could not be delivered, by endpoint.
const DEAD: Table<(String, WebhookId), Delivery> = Table::new("webhook_dead");
/// The endpoints that said they are gone for good (410), and when.
const GONE: Table<String, Timestamp> = Table::new("webhook_gone");

/// For how long a dead event is kept.
pub const DEAD_FOR: Duration = Duration::from_secs(30 * 24 * 3600);
/// How many dead events of one endpoint are kept; the oldest go first.
pub const DEAD_LIMIT: usize = 10_000;
/// How many rows of an endpoint are counted for lists and metrics.
pub const COUNT_LIMIT: usize = 10_000;
/// How many rows one transaction moves at most.
const PAGE: usize = 200;

/// An event on its way to an endpoint.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The event's id, the same at each try and at each endpoint: `webhook-id`.
    pub id: WebhookId,
    /// The endpoint's name.
    pub endpoint: String,
    /// The event's type.
    pub kind: String,
    /// Whom or what it is about.
    pub subject: String,
    /// The body.
    pub body: String,
    /// When it happened.
    pub queued: Timestamp,
    /// When it is tried next or, if it is dead, since when it is.
    pub due: Timestamp,
    /// How often it failed.
    #[serde(default)]
    pub failures: u32,
    /// What came of the last try: a status, or what went wrong.
    #[serde(default)]
    pub last: String,
}

impl std::fmt::Debug for Delivery {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Without the body: it names people.
        write!(formatter, "Delivery({} {} to {}, failed {})", self.id, self.kind, self.endpoint, self.failures)
    }
}

impl Delivery {
    /// One that is due at once.
    pub(super) fn new(id: WebhookId, endpoint: &str, kind: &str, subject: &str, body: String, now: Timestamp) -> Self {
        let (endpoint, kind, subject) = (endpoint.to_owned(), kind.to_owned(), subject.to_owned());
        Delivery { id, endpoint, kind, subject, body, queued: now, due: now, failures: 0, last: String::new() }
    }

    fn place(&self) -> (String, Timestamp, WebhookId) {
        (self.endpoint.clone(), self.due, self.id)
    }

    fn in_line(&self) -> (String, String, WebhookId) {
        (self.endpoint.clone(), self.subject.clone(), self.id)
    }
}

/// What waits for an endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// How many, up to [`COUNT_LIMIT`].
    pub count: usize,
    /// When the oldest of them happened.
    pub oldest: Option<Timestamp>,
}

/// Queues an event in the caller's transaction.
pub(super) fn queue(tx: &Tx, delivery: &Delivery) -> Result<(), StoreError> {
    tx.put(&LINE, &delivery.in_line(), &delivery.due)?;
    tx.put(&QUEUE, &delivery.place(), delivery)
}

/// What is due at an endpoint, the longest first, at most `limit`.
pub(super) async fn due(tx: &Tx, endpoint: &str, limit: usize) -> Result<Vec<Delivery>, StoreError> {
    let rows = tx.scan(&QUEUE, &endpoint.to_owned(), None, limit).await?;
    Ok(rows.into_iter().map(|(_, delivery)| delivery).take_while(|delivery| delivery.due <= tx.now()).collect())
}

/// What of the same subject happened before `delivery` and waits still, in its order, at most `limit`.
pub(super) async fn earlier(tx: &Tx, delivery: &Delivery, limit: usize) -> Result<Vec<Delivery>, StoreError> {
    let prefix = (delivery.endpoint.clone(), delivery.subject.clone());
    let mut found = Vec::new();
    for ((endpoint, _, id), due) in tx.scan(&LINE, &prefix, None, limit).await? {
        if id >= delivery.id {
            break;
        }
        found.extend(tx.get(&QUEUE, &(endpoint, due, id)).await?);
    }
    Ok(found)
}

/// Takes an event out of the queue; `false` if it is there no more.
pub(super) async fn remove(tx: &Tx, delivery: &Delivery) -> Result<bool, StoreError> {
    let there = tx.take(&QUEUE, &delivery.place()).await?.is_some();
    if there {
        tx.delete(&LINE, &delivery.in_line());
    }
    Ok(there)
}

/// Puts an event off until `due`: it failed once more.
pub(super) async fn put_off(tx: &Tx, delivery: &Delivery, due: Timestamp, last: &str) -> Result<(), StoreError> {
    if remove(tx, delivery).await? {
        let failures = delivery.failures.saturating_add(1);
        queue(tx, &Delivery { due, failures, last: last.to_owned(), ..delivery.clone() })?;
    }
    Ok(())
}

/// Gives an event up: it is dead, and kept for [`DEAD_FOR`].
pub(super) async fn bury(tx: &Tx, delivery: &Delivery, last: &str) -> Result<(), StoreError> {
    if remove(tx, delivery).await? {
        let failures = delivery.failures.saturating_add(1);
        let dead = Delivery { due: tx.now(), failures, last: last.to_owned(), ..delivery.clone() };
        tx.put_until(&DEAD, &(dead.endpoint.clone(), dead.id), &dead, tx.now().plus(DEAD_FOR))?;
    }
    Ok(())
}

/// Dead events of an endpoint, or of all, in the order in which they happened, at most `limit`.
pub async fn dead(tx: &Tx, endpoint: Option<&str>, limit: usize) -> Result<Vec<Delivery>, StoreError> {
    let rows = match endpoint {
        Some(endpoint) => tx.scan(&DEAD, &endpoint.to_owned(), None, limit).await?,
        None => tx.scan(&DEAD, &(), None, limit).await?,
    };
    Ok(rows.into_iter().map(|(_, delivery)| delivery).collect())
}

/// Queues a dead event anew, due at once, with all its tries; `false` if it is not among the dead.
pub(super) async fn revive(tx: &Tx, endpoint: &str, id: WebhookId) -> Result<bool, StoreError> {
    let Some(dead) = tx.take(&DEAD, &(endpoint.to_owned(), id)).await? else { return Ok(false) };
    queue(tx, &Delivery { due: tx.now(), failures: 0, ..dead })?;
    Ok(true)
}

/// Drops the oldest of an endpoint's dead over [`DEAD_LIMIT`]; gives how many it has.
pub(super) async fn trim(tx: &Tx, endpoint: &str) -> Result<usize, StoreError> {
    let rows = dead(tx, Some(endpoint), DEAD_LIMIT + PAGE).await?;
    let over = rows.len().saturating_sub(DEAD_LIMIT);
    for gone in rows.iter().take(over) {
        tx.delete(&DEAD, &(gone.endpoint.clone(), gone.id));
    }
    Ok(rows.len() - over)
}

/// What waits for an endpoint.
pub async fn waiting(tx: &Tx, endpoint: &str) -> Result<Waiting, StoreError> {
    let rows = tx.scan(&QUEUE, &endpoint.to_owned(), None, COUNT_LIMIT).await?;
    Ok(Waiting { count: rows.len(), oldest: rows.iter().map(|(_, delivery)| delivery.queued).min() })
}

/// Buries what waits for endpoints that are configured no more, a page of it; gives how much that was.
pub(super) async fn bury_orphans(tx: &Tx, known: &[&str], last: &str) -> Result<usize, StoreError> {
    let (mut count, mut after) = (0, None);
    loop {
        let Some((key, delivery)) = tx.scan(&QUEUE, &(), after.as_ref(), 1).await?.pop() else { return Ok(count) };
        if known.contains(&delivery.endpoint.as_str()) {
            // Behind all that this endpoint has: names are told apart by their first difference.
            after = Some((key.0, Timestamp::MAX, WebhookId::from_bytes([0xff; 16])));
            continue;
        }
        bury(tx, &delivery, last).await?;
        after = Some(key);
        count += 1;
        if count == PAGE {
            return Ok(count);
        }
    }
}

/// Buries what has waited for an endpoint since before `moment`, a page of it.
pub(super) async fn bury_older(tx: &Tx, endpoint: &str, moment: Timestamp, last: &str) -> Result<(), StoreError> {
    for (_, delivery) in tx.scan(&QUEUE, &endpoint.to_owned(), None, PAGE).await? {
        if delivery.queued < moment {
            bury(tx, &delivery, last).await?;
        }
    }
    Ok(())
}

/// Notes that an endpoint said it is gone for good.
pub(super) fn set_gone(tx: &Tx, endpoint: &str) -> Result<(), StoreError> {
    tx.put(&GONE, &endpoint.to_owned(), &tx.now())
}

/// Since when an endpoint has been gone, if it has.
pub(super) async fn gone(tx: &Tx, endpoint: &str) -> Result<Option<Timestamp>, StoreError> {
    tx.get(&GONE, &endpoint.to_owned()).await
}

/// Notes that an endpoint is there again; `false` if it was.
pub(super) async fn set_back(tx: &Tx, endpoint: &str) -> Result<bool, StoreError> {
    Ok(tx.take(&GONE, &endpoint.to_owned()).await?.is_some())
}

/// What is promised of the outbox's records.
pub fn checkers() -> Vec<TableChecker> {
    let record = checker(&QUEUE, async |tx: Tx, key, record: Delivery| {
        if record.place() != key {
            return Ok(Some("the event says otherwise than its key".to_owned()));
        }
        let right = tx.get(&LINE, &record.in_line()).await? == Some(record.due);
        Ok((!right).then(|| "the event is missing among those of its subject".to_owned()))
    });
    let line = checker(&LINE, async |tx: Tx, (endpoint, _, id), due| {
        let right = tx.get(&QUEUE, &(endpoint, due, id)).await?.is_some();
        Ok((!right).then(|| "the subject lists an event which does not wait".to_owned()))
    });
    let dead = checker(&DEAD, async |_: Tx, (endpoint, id), record: Delivery| {
        let right = record.endpoint == endpoint && record.id == id;
        Ok((!right).then(|| "the dead event says otherwise than its key".to_owned()))
    });
    vec![record, line, dead, decodes(&GONE)]
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::kernel::{Clock as _, ManualClock, SeededRng};
    use crate::store::{SledBackend, Store, check_store};
    use crate::webhook::event::Ids;

    async fn store() -> (Store, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_800_000_000)));
        (Store::open(SledBackend::temporary().unwrap(), clock.clone()).await.unwrap(), clock)
    }

    async fn run<T>(store: &Store, change: impl AsyncFn(&Tx) -> Result<T, StoreError>) -> T {
        store.transaction::<_, StoreError, _, _>("test", |tx: Tx| async { change(&{ tx }).await }).await.unwrap()
    }

    async fn fill(store: &Store, endpoint: &str, subjects: &[&str]) -> Vec<Delivery> {
        run(store, async |tx| {
            let ids = Ids::default().take(tx.now(), subjects.len(), &SeededRng::new(1));
            let make = |(subject, id): (&&str, _)| Delivery::new(id, endpoint, "x", subject, "{}".to_owned(), tx.now());
            let made: Vec<Delivery> = subjects.iter().zip(ids).map(make).collect();
            made.iter().try_for_each(|one| queue(tx, one))?;
            Ok(made)
        })
        .await
    }

    async fn is_right(store: &Store) {
        let findings = check_store(store, &checkers()).await.unwrap().findings;
        assert!(findings.is_empty(), "{findings:?}");
    }

    #[tokio::test]
    async fn an_event_waits_until_it_is_taken_or_dead_and_can_be_brought_back() {
        let (store, clock) = store().await;
        let made = fill(&store, "app", &["a", "b", "a"]).await;
        fill(&store, "apple", &["a"]).await;
        assert_eq!(run(&store, async |tx| due(tx, "app", 10).await).await, made, "of one endpoint, in their order");
        let later = clock.now().plus(Duration::from_secs(60));
        run(&store, async |tx| put_off(tx, &made[0], later, "500").await).await;
        assert_eq!(run(&store, async |tx| due(tx, "app", 10).await).await, made[1..]);
        let before = run(&store, async |tx| earlier(tx, &made[2], 10).await).await;
        assert_eq!((before.len(), before[0].id, before[0].failures), (1, made[0].id, 1));
        is_right(&store).await;
        run(&store, async |tx| put_off(tx, &made[0], later, "500").await).await;
        assert_eq!(run(&store, async |tx| waiting(tx, "app").await).await.count, 3, "who lost it moves nothing");
        assert!(!run(&store, async |tx| remove(tx, &made[0]).await).await);
        is_right(&store).await;
        assert!(run(&store, async |tx| remove(tx, &made[1]).await).await);
        run(&store, async |tx| bury(tx, &before[0], "500").await).await;
        let lost = run(&store, async |tx| dead(tx, Some("app"), 10).await).await;
        assert_eq!((lost.len(), lost[0].id, lost[0].failures), (1, made[0].id, 2));
        is_right(&store).await;
        assert!(run(&store, async |tx| revive(tx, "app", made[0].id).await).await);
        assert!(!run(&store, async |tx| revive(tx, "app", made[0].id).await).await);
        assert_eq!(run(&store, async |tx| waiting(tx, "app").await).await.count, 2);
        run(&store, async |tx| bury(tx, &made[2], "500").await).await;
        clock.advance(DEAD_FOR);
        assert_eq!(run(&store, async |tx| dead(tx, None, 10).await).await, [], "their time is over");
        is_right(&store).await;
    }

    #[tokio::test]
    async fn what_waits_for_endpoints_that_are_no_more_is_buried_and_the_rest_stays() {
        let (store, _) = store().await;
        for name in ["a", "b", "c", "d"] {
            fill(&store, name, &["x", "y"]).await;
        }
        assert_eq!(run(&store, async |tx| bury_orphans(tx, &["b", "d"], "gone").await).await, 4);
        let dead = run(&store, async |tx| dead(tx, None, 10).await).await;
        let of: Vec<&str> = dead.iter().map(|one| one.endpoint.as_str()).collect();
        assert_eq!(of, ["a", "a", "c", "c"]);
        assert_eq!(run(&store, async |tx| bury_orphans(tx, &["b", "d"], "gone").await).await, 0);
        is_right(&store).await;
    }
}
