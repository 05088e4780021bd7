//! `scim-token`: what goes over the socket.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ScimRequestView;
use crate::kernel::{EmailAddress, Role, Slug, UserId};

/// `scim-token issue`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ScimTokenIssue {
    /// Whose.
    pub slug: Slug,
}

/// `scim-token revoke`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ScimTokenRevoke {
    /// Whose.
    pub slug: Slug,
}

/// A new token: shown this once.
#[derive(Clone, Serialize, Deserialize)]
pub struct ScimTokenView {
    /// Whose.
    pub slug: Slug,
    /// By which the audit names it.
    pub id: String,
    /// The token itself.
    pub token: String,
    /// Whether it ended another.
    pub replaced: bool,
    /// The Admin organization under whose link the token rests (D15).
    pub rests_under: Option<Slug>,
}

impl fmt::Debug for ScimTokenView {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ScimTokenView({}, {})", self.slug, self.id)
    }
}

/// How provisioning of an organization stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ScimShow {
    /// Which.
    pub slug: Slug,
}

/// The answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ScimStateView {
    /// What is typed at the identity provider.
    pub base_url: String,
    /// What is known of its token; `None`: there is none.
    pub token: Option<ScimTokenState>,
    /// The Admin organization under whose link a token rests (D15).
    pub rests_under: Option<Slug>,
    /// The last request of those that are kept.
    pub last: Option<ScimRequestView>,
    /// Since when nothing has come, if that is long, and a token is there that counts.
    pub silent: Option<String>,
    /// How many people it keeps, up to a limit.
    pub people: usize,
    /// The teams that it keeps.
    pub groups: Vec<String>,
}

/// What is known of a token; not the token itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScimTokenState {
    /// By which the audit names it.
    pub id: String,
    /// Since when.
    pub since: String,
}

/// Whom provisioning keeps.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ScimPeople {
    /// Whose.
    pub slug: Slug,
    /// Behind this one.
    pub after: Option<UserId>,
}

/// A page of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ScimPeopleView {
    /// In the order of their ids.
    pub people: Vec<ScimPersonView>,
    /// There may be more behind this one.
    pub next: Option<UserId>,
}

/// Somebody whom provisioning keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScimPersonView {
    /// Who.
    pub email: EmailAddress,
    /// The name for people, else the address.
    pub name: String,
    /// What the identity provider calls them.
    pub external_id: Option<String>,
    /// The account is on.
    pub active: bool,
    /// They are a member of this organization.
    pub member: bool,
    /// When provisioning last changed them.
    pub modified: String,
}

/// Who has slipped by provisioning.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ScimDrift {
    /// Whose.
    pub slug: Slug,
    /// Look at the members behind this one.
    pub after: Option<UserId>,
}

/// What a look at a bounded number of members found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ScimDriftView {
    /// Provisioning is on: there is a token that counts.
    pub on: bool,
    /// Who.
    pub slips: Vec<SlipView>,
    /// How many members were looked at.
    pub looked: usize,
    /// There may be more members behind this one.
    pub next: Option<UserId>,
    /// Addresses that provisioning took out, and since when; with the first look alone (D17).
    pub barred: Vec<(EmailAddress, String)>,
}

/// A member who has slipped by provisioning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlipView {
    /// Who.
    pub email: EmailAddress,
    /// Their role.
    pub role: Role,
    /// Since when they are a member.
    pub since: String,
    /// How.
    pub how: Slip,
}

/// How a member slipped by provisioning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Slip {
    /// Made a member by hand.
    ByHand,
    /// Made a member at a sign-in.
    BySignIn,
    /// The account is off.
    SwitchedOff,
}

impl Slip {
    /// In words.
    pub const fn told(self) -> &'static str {
        match self {
            Slip::ByHand => "a member by hand: the identity provider does not send them, so it can't take them out",
            Slip::BySignIn => "a member by a sign-in: the identity provider does not send them yet",
            Slip::SwitchedOff => "switched off, and a member still",
        }
    }
}
