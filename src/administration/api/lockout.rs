//! Who would be locked out: what is asked and answered.

use crate::kernel::{OrgId, Slug, UserId};

/// Who could not enter any more if single sign-on were required?
#[derive(Clone, Debug)]
pub struct Lockout {
    /// Of which organization.
    pub slug: Slug,
    /// From behind this member on.
    pub after: Option<(OrgId, UserId)>,
}

/// A page of them.
#[derive(Clone, Debug, Default)]
pub struct LockoutView {
    /// The organization that asks; `None`: the operator.
    pub asker: Option<OrgId>,
    /// How many members were looked at.
    pub looked_at: usize,
    /// Who could not enter.
    pub locked_out: Vec<LockoutPerson>,
    /// Owners and admins, who keep a password for an emergency (D10).
    pub break_glass: Vec<LockoutPerson>,
    /// From where to go on, if there are more members.
    pub next: Option<(OrgId, UserId)>,
}

/// Somebody, and what becomes of them.
#[derive(Clone, Debug)]
pub struct LockoutPerson {
    /// Their address.
    pub email: String,
    /// The organization that they are a member of.
    pub organization: Slug,
    /// Why, or by what they enter.
    pub why: String,
}
