//! `team`: what goes over the socket.

use serde::{Deserialize, Serialize};

use crate::directory::Origin;
use crate::kernel::{EmailAddress, Role, Slug};

/// `team create`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "named as in CONTRACT.md")]
pub struct TeamCreate {
    pub slug: Slug,
    pub name: String,
    pub role: Option<Role>,
}

/// `team list`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TeamList {
    /// Which organization.
    pub slug: Slug,
}

/// `team show`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "named as in CONTRACT.md")]
pub struct TeamShow {
    pub slug: Slug,
    pub name: String,
}

/// `team add`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "named as in CONTRACT.md")]
pub struct TeamAdd {
    pub slug: Slug,
    pub name: String,
    pub email: EmailAddress,
}

/// `team remove`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "named as in CONTRACT.md")]
pub struct TeamRemove {
    pub slug: Slug,
    pub name: String,
    pub email: EmailAddress,
}

/// `team rename`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "as in `team create`")]
pub struct TeamRename {
    pub slug: Slug,
    pub name: String,
    pub new_name: String,
}

/// `team role`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "as in `team create`")]
pub struct TeamSetRole {
    pub slug: Slug,
    pub name: String,
    pub role: Option<Role>,
}

/// `team delete`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "as in `team create`")]
pub struct TeamDelete {
    pub slug: Slug,
    pub name: String,
}

/// A team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamView {
    /// The organization.
    pub slug: Slug,
    /// The name.
    pub name: String,
    /// The role that its members have at least.
    pub role: Option<Role>,
    /// By hand, or kept by provisioning.
    pub origin: Origin,
    /// Since when.
    pub since: String,
    /// How many are in it, up to a limit.
    pub size: usize,
    /// There are more.
    #[serde(default)]
    pub more: bool,
}

/// Somebody in a team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamMemberView {
    /// Who.
    pub email: EmailAddress,
    /// The name for people, if known.
    pub name: Option<String>,
    /// How they came to be in it.
    pub origin: Origin,
    /// Since when.
    pub since: String,
}
