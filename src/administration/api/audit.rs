//! `audit`: what goes over the socket.

use serde::{Deserialize, Serialize};

use crate::kernel::{Slug, Timestamp};
use crate::store::ChainHash;

/// Which chains.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Chains {
    /// Every organization's, and the operator's.
    All,
    /// The operator's: what belongs to no organization.
    Operator,
    /// An organization's, even if it was deleted.
    Org(Slug),
}

/// `audit`: entries, oldest first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Audit {
    /// Whose.
    pub chains: Chains,
    /// Those since then; `None`: whenever.
    pub since: Option<Timestamp>,
    /// Behind this number: the next page of one chain.
    pub after: Option<u64>,
    /// The newest so many alone; `None`: all since `since`, page by page if it is one chain.
    pub last: Option<usize>,
}

/// Entries.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AuditPage {
    /// Oldest first.
    pub entries: Vec<AuditView>,
    /// There are more behind this number.
    pub next: Option<u64>,
    /// There were too many: the older ones are left out.
    pub left_out: bool,
}

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditView {
    /// The organization; `None`: the operator's own chain.
    pub org: Option<Slug>,
    /// Its number in the chain, from one.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// The same for people: RFC 3339.
    pub time: String,
    /// Who.
    pub actor: String,
    /// From where.
    pub from: String,
    /// What was done, such as `member.role`.
    pub action: String,
    /// What it was done to.
    pub object: String,
    /// How it was.
    pub before: String,
    /// How it is.
    pub after: String,
    /// Written by a version without chain, and chained later.
    pub chained_later: bool,
}

/// A look into one organization's audit, newest first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AuditSearch {
    /// Whose.
    pub slug: Slug,
    /// Before this number; `None`: from the newest on.
    pub before: Option<u64>,
    /// Not older than this.
    pub since: Option<Timestamp>,
    /// Older than this.
    pub until: Option<Timestamp>,
    /// Whose name holds this text.
    pub actor: String,
    /// What was done holds this text.
    pub action: String,
}

/// What a look found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AuditFound {
    /// Newest first.
    pub entries: Vec<AuditView>,
    /// There may be more before this number.
    pub next: Option<u64>,
    /// The number of the newest entry.
    pub last: u64,
}

/// `audit --follow`: a stream of lines, each an [`AuditView`] as JSON, or empty while nothing happens.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AuditFollow {
    /// Whose.
    pub chains: Chains,
    /// Those since then come first; `None`: the newest `last`.
    pub since: Option<Timestamp>,
    /// How many come first, without `since`.
    pub last: usize,
}

/// `audit --verify`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AuditVerify {
    /// Which.
    pub chains: Chains,
    /// What an earlier look showed of one chain: a number, and the hash that it had.
    pub expect: Option<(u64, ChainHash)>,
}

/// What a look at chains found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AuditVerified {
    /// Each chain.
    pub chains: Vec<ChainView>,
    /// How many problems there are in all.
    pub problems: usize,
}

/// A chain.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ChainView {
    /// The organization; `None`: the operator's own chain.
    pub org: Option<Slug>,
    /// How many entries it has.
    pub entries: u64,
    /// Its end, to be noted elsewhere: a number and a hash, with a colon between; `None`: it has none.
    pub end: Option<String>,
    /// What is wrong, a sentence each.
    pub problems: Vec<String>,
    /// How many problems it has, told or not.
    pub count: usize,
}
