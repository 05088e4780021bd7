//! `domain`: what goes over the socket.

use serde::{Deserialize, Serialize};

use crate::directory::{ClaimState, Event, Observation};
use crate::kernel::{DomainName, Slug};

/// `domain claim`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "named as in CONTRACT.md")]
pub struct DomainClaim {
    pub slug: Slug,
    pub domain: DomainName,
    /// On the operator's own word, without DNS.
    pub trusted: bool,
}

/// `domain verify`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "named as in CONTRACT.md")]
pub struct DomainVerify {
    pub slug: Slug,
    pub domain: DomainName,
}

/// A claim after a look into DNS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainChecked {
    /// As it is now.
    #[serde(flatten)]
    pub claim: DomainView,
    /// What the look changed; `None`: nothing.
    pub event: Option<Event>,
}

/// `domain list`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DomainList {
    /// Of one organization, or of all.
    pub slug: Option<Slug>,
    /// Those too that rest under a link.
    #[serde(default)]
    pub all: bool,
}

/// `domain transfer`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DomainTransfer {
    /// The domain.
    pub domain: DomainName,
    /// The Admin organization.
    pub to: Slug,
}

/// `domain release`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "named as in CONTRACT.md")]
pub struct DomainRelease {
    pub slug: Slug,
    pub domain: DomainName,
}

/// A claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainView {
    /// The domain.
    pub domain: DomainName,
    /// Who claims it.
    pub slug: Slug,
    /// Where it stands.
    pub state: ClaimState,
    /// On the operator's own word.
    pub trusted: bool,
    /// Since when it is verified.
    pub verified: Option<String>,
    /// When it was claimed.
    pub claimed: String,
    /// What the TXT record at the domain has to hold; `None`: it needs none.
    pub record: Option<String>,
    /// When the record was last seen.
    pub seen: Option<String>,
    /// When DNS was last asked.
    pub checked: Option<String>,
    /// Since when DNS has given no answer.
    pub failing: Option<String>,
    /// When DNS is asked next; `None`: not by itself.
    pub next_check: Option<String>,
    /// Since when the record has been gone, while the grace runs.
    pub lapsing: Option<String>,
    /// When the domain is lost, if the record stays away.
    pub lapses: Option<String>,
    /// The other organization that holds the domain, for whoever may know which: the operator, and those linked to it.
    pub held_by: Option<Slug>,
    /// Another organization holds the domain.
    #[serde(default)]
    pub held_elsewhere: bool,
    /// Its organization is linked to an Admin organization, so it rests.
    pub rests: bool,
    /// What each DNS server answered when it was last asked.
    pub answers: Vec<AnswerView>,
}

/// What a DNS server answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerView {
    /// Its address.
    pub server: String,
    /// What that says of the record.
    pub observation: Observation,
    /// The same in words.
    pub detail: String,
}
