//! The words for people and what they have, the same on every page; and the addresses of the pages of long lists.

use crate::directory::{Origin, TwoFactor};
use crate::kernel::Role;

/// A role, for people.
pub const fn role(role: Role) -> &'static str {
    match role {
        Role::Owner => "owner",
        Role::Admin => "admin",
        Role::BillingAdmin => "billing admin",
        Role::Member => "member",
    }
}

/// How a membership came to be (D16).
pub const fn origin(origin: Origin) -> &'static str {
    match origin {
        Origin::Hand => "by hand",
        Origin::Jit => "at sign-in",
        Origin::Scim => "by provisioning",
    }
}

/// When a second factor is asked for.
pub const fn policy(policy: TwoFactor) -> &'static str {
    match policy {
        TwoFactor::Off => "not asked for",
        TwoFactor::Password => "asked for after a password or a mailed link",
        TwoFactor::Always => "always asked for",
    }
}

/// How a person stands: the class of the tag, and its word.
pub const fn state(active: bool, asleep: bool) -> (&'static str, &'static str) {
    match (active, asleep) {
        (false, _) => ("bad", "deactivated"),
        (true, true) => ("bad", "to be confirmed"),
        (true, false) => ("good", "active"),
    }
}

/// The roles that somebody may give: owner is for owners.
pub fn roles(own: bool) -> Vec<Choice> {
    let all = [Role::Member, Role::BillingAdmin, Role::Admin, Role::Owner];
    let offered = all.into_iter().filter(|role| own || *role != Role::Owner);
    offered.map(|one| Choice { value: one.as_str(), word: role(one) }).collect()
}

/// A choice of a form.
pub struct Choice {
    /// What is posted.
    pub value: &'static str,
    /// What is shown.
    pub word: &'static str,
}

/// A number that was counted up to a limit: `12`, or `500+`.
pub fn counted(count: usize, more: bool) -> String {
    if more { format!("{count}+") } else { count.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn admins_are_offered_no_role_of_owner() {
        let offered = |own| roles(own).iter().map(|choice| choice.value).collect::<Vec<_>>();
        assert_eq!(offered(false), ["member", "billing_admin", "admin"]);
        assert_eq!(offered(true), ["member", "billing_admin", "admin", "owner"]);
    }
}
