//! The audit: who changed or decided what, kept in the transaction that does it, as one chain for each organization (R59).
//!
//! Each entry is bound to the one before it by a hash, in the order of the commits; the store sees to that when it
//! commits, so that appending reads nothing and no two writers run into each other.

use serde::{Deserialize, Serialize};

use crate::kernel::{LoginId, OrgId, Rng, Timestamp};
use crate::store::{Chain, Store, StoreError, Table, Tx};

/// Every entry, by organization and number.
pub const AUDIT: Chain<OrgId, Audited> = Chain::new("audit_chain", "audit_heads");
/// Entries of a version that had no chain.
const UNCHAINED: Table<(OrgId, Timestamp, LoginId), AuditEntry> = Table::new("audit");
/// Stands for the operator: the chain of what belongs to no organization.
pub const OPERATOR: OrgId = OrgId::from_bytes([0; 16]);
/// The longest text before or after a change, in bytes; longer ones are cut.
const TEXT_LIMIT: usize = 1000;
/// The longest name of somebody, something, or somewhere, in bytes; longer ones are cut.
const NAME_LIMIT: usize = 400;
/// Random bytes in each entry.
const SALT_BYTES: usize = 12;
/// How many entries of an earlier version one transaction moves.
const MOVED_AT_ONCE: usize = 200;
/// How much earlier than the one before an entry may say that it was, in milliseconds: the time is a transaction's
/// start, the order that of commits.
const DISORDER: std::time::Duration = std::time::Duration::from_secs(3600);

/// One change or one decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// Who: `operator`, `vestibule` for what happens by itself, or an e-mail address.
    pub actor: String,
    /// What: a verb of the field, such as `sso.set` or `member.add`.
    pub action: String,
    /// What it was done to.
    pub object: String,
    /// How it was.
    pub before: String,
    /// How it is.
    pub after: String,
    /// From where: a client's address, or `admin socket`; empty for what happens by itself.
    #[serde(default)]
    pub from: String,
}

impl AuditEntry {
    /// An entry of now, to be filled in: how it was and is, and from where.
    pub fn new(tx: &Tx, actor: impl Into<String>, action: impl Into<String>, object: impl std::fmt::Display) -> Self {
        AuditEntry {
            at: tx.now(),
            actor: actor.into(),
            action: action.into(),
            object: object.to_string(),
            before: String::new(),
            after: String::new(),
            from: String::new(),
        }
    }

    /// How it was, and how it is.
    #[must_use]
    pub fn changed(self, before: impl Into<String>, after: impl Into<String>) -> Self {
        AuditEntry { before: before.into(), after: after.into(), ..self }
    }

    /// From where.
    #[must_use]
    pub fn from(self, place: impl std::fmt::Display) -> Self {
        AuditEntry { from: place.to_string(), ..self }
    }

    /// With its texts cut, and without control characters: neither can one entry pass for two in a terminal, nor is
    /// any too large for the store.
    fn tidy(&self) -> AuditEntry {
        let cut = |text: &str, limit: usize| -> String {
            let visible = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
            text[..text.floor_char_boundary(limit)].chars().map(visible).collect()
        };
        AuditEntry {
            at: self.at,
            actor: cut(&self.actor, NAME_LIMIT),
            action: cut(&self.action, NAME_LIMIT),
            object: cut(&self.object, NAME_LIMIT),
            before: cut(&self.before, TEXT_LIMIT),
            after: cut(&self.after, TEXT_LIMIT),
            from: cut(&self.from, NAME_LIMIT),
        }
    }
}

/// An entry as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audited {
    /// The entry.
    #[serde(flatten)]
    pub entry: AuditEntry,
    /// Chance: so that a hash can be given away without telling, to whoever guesses, what it is the hash of.
    pub salt: String,
    /// It was written by a version without chain, and chained later: nothing proves what happened to it before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub chained_later: bool,
}

/// Appends an entry to the chain of an organization, or of [`OPERATOR`]. Its texts hold no secrets.
///
/// # Errors
/// [`StoreError::TooLarge`], which its limits prevent.
pub fn append(tx: &Tx, rng: &dyn Rng, organization: OrgId, entry: &AuditEntry) -> Result<(), StoreError> {
    let audited = Audited { entry: entry.tidy(), salt: rng.token::<SALT_BYTES>(), chained_later: false };
    AUDIT.append(tx, &organization, &audited)
}

/// The entries of a chain behind the number `after`, with theirs, at most `limit`.
pub async fn page(tx: &Tx, chain: OrgId, after: u64, limit: usize) -> Result<Vec<(u64, Audited)>, StoreError> {
    AUDIT.page(tx, &chain, after, limit).await
}

/// The newest entries of a chain, oldest first, at most `last`.
pub async fn newest(tx: &Tx, chain: OrgId, last: usize) -> Result<Vec<(u64, Audited)>, StoreError> {
    let count = AUDIT.head(tx, &chain).await?.map_or(0, |head| head.number);
    page(tx, chain, count.saturating_sub(u64::try_from(last).unwrap_or(u64::MAX)), last).await
}

/// The number behind which every entry since `since` is; some that are older may be, too.
pub async fn number_before(tx: &Tx, chain: OrgId, since: Timestamp) -> Result<u64, StoreError> {
    let since = since.minus(DISORDER);
    let count = AUDIT.head(tx, &chain).await?.map_or(0, |head| head.number);
    // Numbers are dense and times nearly rise: halve what is left.
    let (mut before, mut behind) = (0, count + 1);
    while behind - before > 1 {
        let middle = before + (behind - before) / 2;
        match AUDIT.get(tx, &chain, middle).await? {
            Some(found) if found.entry.at >= since => behind = middle,
            _ => before = middle,
        }
    }
    Ok(before)
}

/// Moves the entries of a version without chain into chains, each marked; done once, when the server starts.
pub(super) async fn chain_older(store: &Store) -> Result<(), StoreError> {
    loop {
        let moved = store
            .transaction("chain older audit entries", async |tx: Tx| {
                let rows = tx.scan(&UNCHAINED, &(), None, MOVED_AT_ONCE).await?;
                for (key, entry) in &rows {
                    let salt = key.2.to_string();
                    AUDIT.append(&tx, &key.0, &Audited { entry: entry.tidy(), salt, chained_later: true })?;
                    tx.delete(&UNCHAINED, key);
                }
                Ok::<_, StoreError>(rows.len())
            })
            .await?;
        if moved < MOVED_AT_ONCE {
            return Ok(());
        }
    }
}
