//! The sign-in log: each sign-in with its checks and, if it was refused, the reason and the fix (R55, R56, R59).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::kernel::{LoginId, OrgId, Timestamp};
use crate::store::{StoreError, Table, TableChecker, Tx, decodes};

/// Sign-ins by organization and place: three rings of [`KEPT`], one after the other.
const LOGINS: Table<(OrgId, u64), LoginRecord> = Table::new("logins");
/// How many sign-ins of each kind an organization has had.
const COUNTERS: Table<OrgId, Counters> = Table::new("login_counters");

/// How many sign-ins of an organization are kept of each kind, its newest: successful ones, refused ones, and what
/// strangers sent. So whoever posts rubbish neither fills the disk nor pushes out what people did.
pub const KEPT: u64 = 500;
/// How long a sign-in is kept.
pub const KEPT_FOR: Duration = Duration::from_secs(7 * 24 * 3600);
/// The longest text of a check, in bytes; longer ones are cut.
pub const TEXT_LIMIT: usize = 240;
/// How many checks a record has at most.
const CHECK_LIMIT: usize = 48;
/// The largest record, in bytes as it is stored: its texts are cut further until it fits.
const RECORD_LIMIT: usize = 8 * 1024;

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Counters {
    refused: u64,
    accepted: u64,
    #[serde(default)]
    strange: u64,
}

/// One check of a sign-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginCheck {
    /// What was looked at.
    pub name: String,
    /// Whether it was right.
    pub passed: bool,
    /// What was expected.
    pub expected: String,
    /// What came.
    pub received: String,
}

/// How a sign-in ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum LoginOutcome {
    /// A session was made.
    Accepted,
    /// The message was right and the session awaits a further step.
    Continued,
    /// No session.
    Refused {
        /// The reason code (SAML.md, H).
        code: String,
        /// What to do about it, for the admin.
        fix: String,
    },
    /// It was a test: no session, whatever came of it.
    Tested {
        /// Why it would have been refused; `None`: it would not.
        #[serde(default)]
        code: Option<String>,
        /// What to do about that.
        #[serde(default)]
        fix: Option<String>,
    },
}

/// A sign-in, as it is kept: no assertion, no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginRecord {
    /// The attempt.
    pub id: LoginId,
    /// When it ended.
    pub at: Timestamp,
    /// The reference that the person saw.
    pub reference: String,
    /// Who it was about, if that far.
    pub email: Option<String>,
    /// The IdP that was asked.
    pub idp: Option<String>,
    /// The AuthnRequest's id.
    pub request_id: Option<String>,
    /// The assertion's id.
    pub assertion_id: Option<String>,
    /// The client's address.
    pub client: String,
    /// How it ended.
    #[serde(flatten)]
    pub outcome: LoginOutcome,
    /// Each check, in order.
    pub checks: Vec<LoginCheck>,
}

impl LoginRecord {
    /// Whether it was an answer to no request of ours, about nobody that an IdP vouched for: anyone can send these.
    pub(super) fn is_strange(&self) -> bool {
        let refused = matches!(self.outcome, LoginOutcome::Refused { .. });
        refused && self.email.is_none() && self.request_id.is_none()
    }

    /// This record with its texts cut, all alike, until it fits [`RECORD_LIMIT`].
    pub(super) fn fitted(&self) -> LoginRecord {
        let mut record = self.clone();
        record.checks.truncate(CHECK_LIMIT);
        let mut limit = TEXT_LIMIT;
        loop {
            record.cut(limit);
            let size = serde_json::to_vec(&record).map_or(0, |bytes| bytes.len());
            if size <= RECORD_LIMIT || limit < 8 {
                return record;
            }
            limit /= 2;
        }
    }

    fn cut(&mut self, limit: usize) {
        let texts = self.checks.iter_mut().flat_map(|check| [&mut check.expected, &mut check.received]);
        let mine = [&mut self.email, &mut self.idp, &mut self.request_id, &mut self.assertion_id];
        for text in texts.chain(mine.into_iter().flatten()).chain([&mut self.client, &mut self.reference]) {
            text.truncate(text.floor_char_boundary(limit));
        }
        if let LoginOutcome::Refused { fix, .. } | LoginOutcome::Tested { fix: Some(fix), .. } = &mut self.outcome {
            fix.truncate(fix.floor_char_boundary(4 * limit));
        }
    }
}

/// What is promised of the sign-in log's records.
pub(super) fn checkers() -> Vec<TableChecker> {
    vec![decodes(&LOGINS), decodes(&COUNTERS)]
}

/// Keeps a sign-in.
///
/// # Errors
/// [`StoreError::Backend`].
pub async fn record(tx: &Tx, organization: OrgId, record: &LoginRecord) -> Result<(), StoreError> {
    let mut counters = tx.get(&COUNTERS, &organization).await?.unwrap_or_default();
    let refused = matches!(record.outcome, LoginOutcome::Refused { .. });
    let strange = record.is_strange();
    let (counter, ring) = match (refused, strange) {
        (true, false) => (&mut counters.refused, 0),
        (false, _) => (&mut counters.accepted, 1),
        (true, true) => (&mut counters.strange, 2),
    };
    let slot = *counter % KEPT + ring * KEPT;
    *counter += 1;
    tx.put(&COUNTERS, &organization, &counters)?;
    let record = record.fitted();
    tx.put_until(&LOGINS, &(organization, slot), &record, record.at.plus(KEPT_FOR))
}

/// A sign-in of an organization, if it is still kept.
///
/// # Errors
/// [`StoreError`].
pub async fn find(tx: &Tx, organization: OrgId, id: LoginId) -> Result<Option<LoginRecord>, StoreError> {
    Ok(list(tx, organization, usize::MAX).await?.into_iter().find(|record| record.id == id))
}

/// The sign-ins kept of an organization, newest first, at most `last`.
pub async fn list(tx: &Tx, organization: OrgId, last: usize) -> Result<Vec<LoginRecord>, StoreError> {
    let mut found: Vec<LoginRecord> = Vec::new();
    let mut after: Option<(OrgId, u64)> = None;
    loop {
        let page = tx.scan(&LOGINS, &organization, after.as_ref(), 200).await?;
        let Some((end, _)) = page.last() else { break };
        after = Some(*end);
        found.extend(page.into_iter().map(|(_, record)| record));
    }
    found.sort_by_key(|record| std::cmp::Reverse(record.at));
    found.truncate(last);
    Ok(found)
}
