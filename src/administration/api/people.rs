//! `user`: what goes over the socket.

use serde::{Deserialize, Serialize};

use crate::directory::Origin;
use crate::kernel::{DomainName, EmailAddress, Role, Secret, Slug, UserId};

/// `user add`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "named as in CONTRACT.md")]
pub struct UserAdd {
    pub slug: Slug,
    pub email: EmailAddress,
    pub role: Role,
    /// The account's password from now on; whoever is a member already stays what they are.
    #[serde(default)]
    pub password: Option<Secret<String>>,
}

/// `user invite`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "named as in the commands")]
pub struct UserInvite {
    pub slug: Slug,
    pub email: EmailAddress,
    pub role: Role,
}

/// `user list`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UserList {
    /// Which organization.
    pub slug: Slug,
}

/// `user show`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UserShow {
    /// Who.
    pub email: EmailAddress,
}

/// `user set`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "named as in CONTRACT.md")]
pub struct UserSet {
    pub slug: Slug,
    pub email: EmailAddress,
    pub role: Role,
}

/// `user activate` and `user deactivate`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UserActivate {
    /// Who.
    pub email: EmailAddress,
    /// On, or off.
    pub active: bool,
}

/// `user reset-password`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UserResetPassword {
    /// Who.
    pub email: EmailAddress,
}

/// `user reset-second-factor`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UserResetSecondFactor {
    /// Who.
    pub email: EmailAddress,
}

/// `user remove`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "named as in CONTRACT.md")]
pub struct UserRemove {
    pub slug: Slug,
    pub email: EmailAddress,
}

/// `user confirm`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "named as in CONTRACT.md")]
pub struct UserConfirm {
    pub slug: Slug,
    pub email: EmailAddress,
}

/// An account.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "named as in CONTRACT.md")]
pub struct UserView {
    pub id: UserId,
    pub email: EmailAddress,
    pub name: Option<String>,
    pub active: bool,
    pub created: String,
    /// Whether they have a password; only where one person is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<bool>,
    /// What they have as second factor, for `user show`.
    #[serde(default)]
    pub second_factor: Option<SecondFactorView>,
    /// Where they are members: all of them, or, in a list, the organization asked for.
    pub memberships: Vec<MembershipView>,
}

/// What an account has as second factor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondFactorView {
    /// The methods, in words, each with since when.
    pub methods: Vec<String>,
    /// How many recovery codes are left.
    pub recovery_codes: usize,
    /// How many browsers are trusted.
    pub trusted_browsers: usize,
}

/// What `user add` made.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UserAdded {
    /// The account.
    #[serde(flatten)]
    pub user: UserView,
    /// The domain of the address, if no organization has claimed it: then nobody's single sign-on speaks for them.
    pub unclaimed_domain: Option<DomainName>,
    /// Whether they can sign in without single sign-on: by a password or a link.
    #[serde(default)]
    pub local: bool,
}

/// A membership.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "named as in CONTRACT.md")]
pub struct MembershipView {
    pub slug: Slug,
    pub role: Role,
    pub origin: Origin,
    pub since: String,
    pub teams: Vec<String>,
    /// The stronger of their own role and those of their teams (D2).
    pub effective_role: Role,
    /// It sleeps until it is confirmed, since the domain of the address changed hands.
    pub asleep: bool,
}
