//! The log of provisioning: the last requests of an organization, what came, what it did, why it was refused. Bodies come
//! here redacted, and nothing of a token ever does.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::kernel::{OrgId, Timestamp};
use crate::store::{StoreError, Table, TableChecker, Tx, decodes};

/// Requests by organization and place: three rings of [`KEPT`], one after the other.
const REQUESTS: Table<(OrgId, u64), ProvisioningRequest> = Table::new("provisioning_requests");
/// How many requests of each kind an organization has sent.
const COUNTERS: Table<OrgId, Counters> = Table::new("provisioning_request_counters");

/// How many requests of an organization are kept of each kind, its newest: refused ones, changes, and the rest. So the
/// many lookups of an identity provider push out neither.
pub const KEPT: u64 = 300;
/// How long a request is kept at most; up to [`HOUR`] less, so that of all that had a place within an hour one marker is
/// left that says when it ends.
pub const KEPT_FOR: Duration = Duration::from_secs(14 * 24 * 3600);
/// An hour, in seconds.
const HOUR: i64 = 3600;
/// The longest text of a record, in bytes; longer ones are cut.
pub const TEXT_LIMIT: usize = 1_500;

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Counters {
    #[serde(default)]
    refused: u64,
    #[serde(default)]
    changes: u64,
    #[serde(default)]
    other: u64,
}

/// A request, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvisioningRequest {
    /// When it was answered.
    pub at: Timestamp,
    /// Its method.
    pub method: String,
    /// Where it went, with what it asked for; values redacted.
    pub target: String,
    /// Its body, values redacted; empty if it had none.
    #[serde(default)]
    pub body: String,
    /// The status of the answer.
    pub status: u16,
    /// Why it was refused: the keyword and the sentence that the client was told.
    #[serde(default)]
    pub refused: Option<String>,
    /// How long it took, in milliseconds.
    #[serde(default)]
    pub took: u64,
    /// The client's address.
    #[serde(default)]
    pub client: String,
}

impl ProvisioningRequest {
    /// Whether something was changed by it.
    fn changed(&self) -> bool {
        self.method != "GET" && self.method != "HEAD" && !self.target.contains("/.search")
    }

    fn fitted(&self) -> Self {
        let mut record = self.clone();
        let texts = [&mut record.method, &mut record.target, &mut record.body, &mut record.client];
        for text in texts.into_iter().chain(record.refused.as_mut()) {
            text.truncate(text.floor_char_boundary(TEXT_LIMIT));
        }
        record
    }
}

/// What is promised of the log's records.
pub(super) fn checkers() -> Vec<TableChecker> {
    vec![decodes(&REQUESTS), decodes(&COUNTERS)]
}

/// Keeps requests of one organization, the oldest first.
///
/// # Errors
/// [`StoreError::Backend`].
pub async fn record(tx: &Tx, organization: OrgId, requests: &[ProvisioningRequest]) -> Result<(), StoreError> {
    let mut counters = tx.get(&COUNTERS, &organization).await?.unwrap_or_default();
    for request in requests {
        let (counter, ring) = match (request.status >= 400, request.changed()) {
            (true, _) => (&mut counters.refused, 0),
            (false, true) => (&mut counters.changes, 1),
            (false, false) => (&mut counters.other, 2),
        };
        let slot = *counter % KEPT + ring * KEPT;
        *counter += 1;
        tx.put_until(&REQUESTS, &(organization, slot), &request.fitted(), ends(request.at))?;
    }
    tx.put(&COUNTERS, &organization, &counters)
}

fn ends(at: Timestamp) -> Timestamp {
    Timestamp::from_seconds(at.plus(KEPT_FOR).seconds() / HOUR * HOUR)
}

/// The requests kept of an organization, newest first, at most `last`.
///
/// # Errors
/// [`StoreError::Backend`].
pub async fn list(tx: &Tx, organization: OrgId, last: usize) -> Result<Vec<ProvisioningRequest>, StoreError> {
    Ok(places(tx, organization, last).await?.into_iter().map(|(_, request)| request).collect())
}

/// The same, each with the place where it is kept until a newer one needs it.
///
/// # Errors
/// [`StoreError::Backend`].
pub async fn places(tx: &Tx, organization: OrgId, last: usize) -> Result<Vec<(u64, ProvisioningRequest)>, StoreError> {
    let mut found: Vec<(u64, ProvisioningRequest)> = Vec::new();
    let mut after: Option<(OrgId, u64)> = None;
    loop {
        let page = tx.scan(&REQUESTS, &organization, after.as_ref(), 200).await?;
        let Some((end, _)) = page.last() else { break };
        after = Some(*end);
        found.extend(page.into_iter().map(|((_, place), request)| (place, request)));
    }
    found.sort_by_key(|(_, request)| std::cmp::Reverse(request.at));
    found.truncate(last);
    Ok(found)
}

/// The request that is kept at a place.
///
/// # Errors
/// [`StoreError::Backend`].
pub async fn at(tx: &Tx, organization: OrgId, place: u64) -> Result<Option<ProvisioningRequest>, StoreError> {
    tx.get(&REQUESTS, &(organization, place)).await
}

/// Removes what is kept of an organization that ends.
///
/// # Errors
/// [`StoreError::Backend`].
pub(super) async fn remove_all(tx: &Tx, organization: OrgId) -> Result<(), StoreError> {
    let mut after: Option<(OrgId, u64)> = None;
    loop {
        let page = tx.scan(&REQUESTS, &organization, after.as_ref(), 200).await?;
        let Some((end, _)) = page.last() else { break };
        after = Some(*end);
        for (key, _) in &page {
            tx.delete(&REQUESTS, key);
        }
    }
    tx.delete(&COUNTERS, &organization);
    Ok(())
}
