//! The audit: who changed what, kept beside the change in the same transaction (R59).

use serde::{Deserialize, Serialize};

use crate::kernel::{LoginId, OrgId, Rng, Timestamp};
use crate::store::{StoreError, Table, Tx};

/// Entries by organization and moment.
pub const AUDIT: Table<(OrgId, Timestamp, LoginId), AuditEntry> = Table::new("audit");
/// The longest text before or after a change, in bytes; longer ones are cut.
const TEXT_LIMIT: usize = 1000;

/// One change or one decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// Who: `operator`, or an e-mail address.
    pub actor: String,
    /// What: a verb of the field, such as `sso.set` or `member.add`.
    pub action: String,
    /// What it was done to.
    pub object: String,
    /// How it was.
    pub before: String,
    /// How it is.
    pub after: String,
}

/// Appends an entry. Its texts hold no secrets.
pub fn append(tx: &Tx, rng: &dyn Rng, organization: OrgId, entry: &AuditEntry) -> Result<(), StoreError> {
    let mut entry = entry.clone();
    for text in [&mut entry.object, &mut entry.before, &mut entry.after] {
        text.truncate(text.floor_char_boundary(TEXT_LIMIT));
    }
    tx.put(&AUDIT, &(organization, entry.at, LoginId::random(rng)), &entry)
}
