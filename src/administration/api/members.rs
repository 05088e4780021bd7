//! Members and their second factors, page by page, as the console shows them: nothing of it goes over the socket.

use super::{MembershipView, SecondFactorView, UserView};
use crate::directory::{TwoFactor, member_index};
use crate::kernel::{EmailAddress, Role, Slug, TeamId, UserId};

/// A page of an organization's members.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "as in `user list`")]
pub struct MemberList {
    pub slug: Slug,
    /// What the address or the name begins with; empty: anything.
    pub search: String,
    /// Where the page begins; `None`: at the start.
    pub after: Option<member_index::Place>,
}

/// A page of members.
#[derive(Clone, Debug)]
pub struct MemberPage {
    /// Each with the membership asked for, and no other.
    pub members: Vec<UserView>,
    /// Where the next page begins, if there is one.
    pub next: Option<member_index::Place>,
    /// Whether the site sends mail, so that people can be invited by it.
    pub mail: bool,
}

/// One member of an organization.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "as in `user show`")]
pub struct MemberShow {
    pub slug: Slug,
    pub user: UserId,
}

/// Whose an account is, seen from an organization: who has the verified claim of its domain (D5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountOf {
    /// This organization.
    Own,
    /// Another one, which is not named (D19).
    Another,
    /// Nobody.
    Nobody,
}

/// What whoever asks may do to a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberActs {
    /// To the membership: role, teams, removal, sessions in the organization.
    pub membership: bool,
    /// To the account: switch it off, reset what it signs in with, end all of its sessions (D5).
    pub account: bool,
    /// What only owners do.
    pub own: bool,
}

/// A team that somebody is in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "as in `team list`")]
pub struct MemberTeam {
    pub id: TeamId,
    pub name: String,
    pub role: Option<Role>,
    /// Whether people are moved in and out by hand; otherwise provisioning does.
    pub by_hand: bool,
}

/// A member, told to their own organization: of other memberships, nothing.
#[derive(Clone, Debug)]
pub struct MemberView {
    /// The account.
    pub user: UserView,
    /// The membership.
    pub membership: MembershipView,
    /// The teams, by name.
    pub teams: Vec<MemberTeam>,
    /// Whose the account is.
    pub account: AccountOf,
    /// What it has as second factor; `None`: not theirs to know (D5).
    pub second_factor: Option<SecondFactorView>,
    /// Whether it has a password; `None`: not theirs to know.
    pub password: Option<bool>,
    /// What may be done.
    pub may: MemberActs,
}

/// What holds of second factors in an organization.
#[derive(Clone, Debug)]
pub struct TwoFactorShow {
    /// Which.
    pub slug: Slug,
}

/// What holds of second factors in an organization, and from where.
#[derive(Clone, Debug)]
pub struct TwoFactorView {
    /// The organization's own policy.
    pub own: TwoFactor,
    /// The Admin organization's name and policy, under a link.
    pub above: Option<(String, TwoFactor)>,
    /// What holds: the stricter of both (D12).
    pub holds: TwoFactor,
    /// How many sign-ins are left to whoever has none.
    pub grace_sign_ins: u32,
    /// For how many days a browser may be trusted.
    pub trusted_browser_days: Option<u32>,
    /// Whether a second factor at the identity provider counts; under a link, as the Admin organization has it.
    pub trust_idp_mfa: bool,
    /// Who has one, of those that were counted.
    pub counts: FactorCounts,
}

/// Who has a second factor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FactorCounts {
    /// How many members were looked at.
    pub members: usize,
    /// There are more members.
    pub more: bool,
    /// Of how many the account is the organization's.
    pub theirs: usize,
    /// How many of these have a second factor.
    pub with: usize,
}

/// A page of an organization's members with their second factors.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "as in `user list`")]
pub struct FactorList {
    pub slug: Slug,
    /// Only those who have none, as far as that is the organization's to know.
    pub without: bool,
    /// Where the page begins; `None`: at the start.
    pub after: Option<member_index::Place>,
}

/// A page of members with their second factors.
#[derive(Clone, Debug)]
pub struct FactorPage {
    /// The members.
    pub members: Vec<MemberFactors>,
    /// Where the next page begins, if there is one.
    pub next: Option<member_index::Place>,
}

/// A member with their second factors.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "as in `user show`")]
pub struct MemberFactors {
    pub id: UserId,
    pub email: EmailAddress,
    pub name: Option<String>,
    /// `None`: the account is not the organization's, so it is not told (D5).
    pub held: Option<HeldFactors>,
}

/// Which methods somebody has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldFactors {
    /// An authenticator app.
    pub app: bool,
    /// A phone that gets codes.
    pub phone: bool,
    /// How many passkeys.
    pub passkeys: usize,
    /// How many recovery codes are left.
    pub recovery_codes: usize,
}

impl HeldFactors {
    /// Whether there is any method; recovery codes alone are none.
    pub fn any(&self) -> bool {
        self.app || self.phone || self.passkeys > 0
    }
}
