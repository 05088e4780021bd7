//! `link`: what goes over the socket.

use serde::{Deserialize, Serialize};

use super::Difference;
use crate::kernel::{DomainName, Slug};

/// `link code`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LinkCode {
    /// The Admin organization.
    pub slug: Slug,
}

/// A code: whoever has it can link one organization.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LinkCodeView {
    /// The Admin organization.
    pub slug: Slug,
    /// The code.
    pub code: String,
    /// Until when it is good.
    pub ends: String,
}

/// `link join`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "named as in CONTRACT.md")]
pub struct LinkJoin {
    pub slug: Slug,
    pub code: String,
    /// How long the old connection goes on counting, in seconds; `None`: seven days.
    pub window_seconds: Option<u64>,
}

/// `link preview`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "named as in CONTRACT.md")]
pub struct LinkPreview {
    pub slug: Slug,
    pub code: String,
}

/// `link leave`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LinkLeave {
    /// The linked organization.
    pub slug: Slug,
}

/// `link list`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LinkList {
    /// The Admin organization.
    pub slug: Slug,
}

/// What an organization is linked to, and where its settings come from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LinkShow {
    /// The organization.
    pub slug: Slug,
}

/// An organization as its link leaves it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LinkStateView {
    /// Its link; `None`: it has none.
    pub link: Option<LinkView>,
    /// The Admin organization's name.
    pub admin_name: Option<String>,
    /// What holds in it.
    pub settings: Vec<HeldSetting>,
}

/// A setting as it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldSetting {
    /// What it is, for people.
    pub name: String,
    /// How it is.
    pub value: String,
    /// Whose.
    pub from: HeldFrom,
}

/// Whose setting holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldFrom {
    /// The organization's own.
    Own,
    /// The Admin organization's.
    Admin,
}

/// A link.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LinkView {
    /// The linked organization.
    pub slug: Slug,
    /// Its name.
    pub name: String,
    /// The Admin organization.
    pub admin: Slug,
    /// Since when.
    pub since: String,
    /// Until when its own connection counts for its own domains.
    pub window_ends: String,
    /// Whether that still runs.
    pub in_window: bool,
    /// By what name a group of the Admin organization stands for it.
    #[serde(default)]
    pub scim_name: Option<String>,
    /// Its own setting: whether the Admin organization's people are added to it.
    pub idp_managed_access: bool,
    /// Verified domains that are its own still, and rest once the window is over.
    pub own_domains: Vec<DomainName>,
    /// Domains that it handed over.
    pub moved_domains: Vec<DomainName>,
    /// How often its own connection was used since it is linked.
    pub old_connection_uses: u64,
    /// When last, and by whom.
    pub old_connection_last: Option<String>,
}

/// What a link would change.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LinkPreviewView {
    /// The organization.
    pub slug: Slug,
    /// The Admin organization of the code, which stays good.
    pub admin: Slug,
    /// What holds in the organization, now and then.
    pub settings: Vec<Difference>,
    /// What becomes of the organization's claims, and which collide.
    pub domains: Vec<DomainChange>,
    /// Members who sign in differently afterwards, at most [`PREVIEW_LIMIT`].
    pub people: Vec<PersonChange>,
    /// How many members sign in differently.
    pub people_changed: usize,
    /// How many sign in as before.
    pub people_unchanged: usize,
    /// What to see to before joining.
    pub warnings: Vec<String>,
}

/// Up to how many people a preview names.
pub const PREVIEW_LIMIT: usize = 200;

/// What becomes of a claim.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DomainChange {
    /// The domain.
    pub domain: DomainName,
    /// Both organizations claim it.
    pub collides: bool,
    /// What becomes of it.
    pub what: String,
}

/// How a member signs in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonChange {
    /// Who.
    pub email: String,
    /// Their role.
    pub role: String,
    /// Now.
    pub now: String,
    /// Once the window is over, if no domain is handed over before.
    pub then: String,
    /// The same, once the domains are handed over.
    pub handed_over: String,
}
