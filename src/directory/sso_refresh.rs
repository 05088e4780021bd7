//! Reading a connection's metadata again (R52): when it is due, what it said last, and since when it can't be read.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::sso::{Binding, SSO_SETTINGS};
use crate::kernel::{OrgId, Timestamp};
use crate::store::{StoreError, Table, TableChecker, Tx, checker};

/// One for each connection that has the address of its metadata.
pub const REFRESHES: Table<OrgId, Refresh> = Table::new("sso_refreshes");
/// How many are read at once.
const PAGE: usize = 500;
/// The longest reason that is kept, in bytes; longer ones are cut.
const WHY_LIMIT: usize = 500;

/// What is known of reading a connection's metadata again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refresh {
    /// When it is to be read next.
    pub next: Timestamp,
    /// When it was last read, and taken.
    pub read: Timestamp,
    /// What it said then.
    pub said: Said,
    /// Why it could not be read or taken since.
    #[serde(default)]
    pub failing: Option<Failing>,
}

/// Why metadata can't be read or taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failing {
    /// Since when.
    pub since: Timestamp,
    /// The last reason, in a sentence.
    pub why: String,
}

/// What metadata said: what it says otherwise the next time is followed, what somebody changed by hand stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// Where sign-in requests go.
    pub sign_in_url: String,
    /// How they travel.
    pub sign_in_binding: Binding,
    /// Where logout requests go.
    pub sign_out_url: Option<String>,
    /// Whether requests are to be signed.
    pub sign_requests: bool,
    /// The SHA-256 of each certificate that was named and taken.
    pub certificates: Vec<String>,
    /// The SHA-256 of those that somebody removed by hand since they were taken, the latest last.
    #[serde(default)]
    pub removed: Vec<String>,
}

impl Refresh {
    /// The time between two readings.
    pub const EVERY: Duration = Duration::from_secs(24 * 3600);
    /// The time after a reading that failed.
    pub const AGAIN: Duration = Duration::from_secs(3600);

    /// It was read and taken now.
    pub fn taken(said: Said, now: Timestamp) -> Self {
        Refresh { next: now.plus(Self::EVERY), read: now, said, failing: None }
    }

    /// The same, when it could not be read or taken now.
    #[must_use]
    pub fn failed(self, why: &str, now: Timestamp) -> Self {
        let since = self.failing.map_or(now, |failing| failing.since);
        let why = why[..why.floor_char_boundary(WHY_LIMIT)].to_owned();
        Refresh { next: now.plus(Self::AGAIN), failing: Some(Failing { since, why }), ..self }
    }
}

/// What is known of an organization's.
///
/// # Errors
/// [`StoreError`].
pub async fn find(tx: &Tx, organization: OrgId) -> Result<Option<Refresh>, StoreError> {
    tx.get(&REFRESHES, &organization).await
}

/// Keeps it; its connection has an address.
///
/// # Errors
/// [`StoreError`].
pub fn keep(tx: &Tx, organization: OrgId, refresh: &Refresh) -> Result<(), StoreError> {
    tx.put(&REFRESHES, &organization, refresh)
}

/// The organizations whose metadata is to be read by now, at most `limit`.
///
/// # Errors
/// [`StoreError`].
pub async fn due(tx: &Tx, limit: usize) -> Result<Vec<OrgId>, StoreError> {
    let (mut found, mut after): (Vec<OrgId>, Option<OrgId>) = (Vec::new(), None);
    while found.len() < limit {
        let page = tx.scan(&REFRESHES, &(), after.as_ref(), PAGE).await?;
        let Some((last, _)) = page.last() else { break };
        after = Some(*last);
        found.extend(page.into_iter().filter(|(_, refresh)| refresh.next <= tx.now()).map(|(id, _)| id));
    }
    found.truncate(limit);
    Ok(found)
}

/// What is promised of the records.
pub(super) fn checkers() -> Vec<TableChecker> {
    let record = checker(&REFRESHES, async |tx: Tx, organization, _: Refresh| {
        let settings = tx.get(&SSO_SETTINGS, &organization).await?;
        let right = settings.is_some_and(|settings| settings.metadata_url.is_some());
        Ok((!right).then(|| "metadata is to be read again of a connection that has no address of it".to_owned()))
    });
    vec![record]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_told_from_its_beginning_and_ends_with_a_reading_that_is_taken() {
        let now = Timestamp::from_seconds(1_800_000_000);
        let said = Said {
            sign_in_url: "https://idp.test/".to_owned(),
            sign_in_binding: Binding::Redirect,
            sign_out_url: None,
            sign_requests: false,
            certificates: Vec::new(),
            removed: Vec::new(),
        };
        let taken = Refresh::taken(said.clone(), now);
        assert_eq!((taken.next, taken.read), (now.plus(Refresh::EVERY), now));
        let first = taken.failed("it is slow", now.plus(Refresh::EVERY));
        let then = now.plus(Refresh::EVERY).plus(Refresh::AGAIN);
        assert_eq!((first.next, first.read), (then, now));
        let second = first.failed(&"ä".repeat(WHY_LIMIT), then);
        let failing = second.failing.clone().unwrap();
        assert_eq!(failing.since, now.plus(Refresh::EVERY), "since the first time");
        assert_eq!(failing.why.len(), WHY_LIMIT);
        assert_eq!(Refresh::taken(said, then).failing, None);
    }
}
