//! Who may act on whom (D1, D5): a pure decision for every door, and the facts it looks at.
//!
//! An account belongs to its person. What concerns all of it is for the operator, and for the organization that has the
//! verified claim of the domain of its address. Any other organization acts on its own membership of that account, and
//! on sessions while they are in that organization.

use super::user::User;
use super::{effective, member, team, team_member};
use crate::kernel::{OrgId, Role};
use crate::store::{StoreError, Tx};

/// Who acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Whoever has the admin socket.
    Operator,
    /// A member of an organization, for it, with the role that their teams may give them.
    Member {
        /// The organization that they act for.
        organization: OrgId,
        /// Their role there.
        role: Role,
    },
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Resets the account's second factor.
    ResetSecondFactor,
    /// Switches the account off.
    Deactivate,
    /// Switches it on again.
    Activate,
    /// Ends its sessions, wherever they are.
    EndAllSessions,
    /// Ends its sessions in this organization.
    EndSessionsIn(OrgId),
    /// Makes it a member of this organization, with a role.
    Add(OrgId, Role),
    /// Gives it another role in this organization.
    SetRole(OrgId, Role),
    /// Confirms its membership of this organization, which sleeps.
    Confirm(OrgId),
    /// Ends its membership of this organization.
    Remove(OrgId),
    /// Sees how this organization is run; the account is nobody's.
    See(OrgId),
    /// Sets up this organization: single sign-on, domains, rules, teams, provisioning; the account is nobody's.
    Manage(OrgId),
    /// Does in this organization what is for owners: links, and what teams' roles are; the account is nobody's.
    Own(OrgId),
    /// Says who finds this organization by themselves; the account is nobody's.
    SetDiscoverability(OrgId),
    /// Puts it into a team of this organization, or takes it out; the role is the team's.
    MoveInTeam(OrgId, Option<Role>),
}

/// What is known of the account that it is done to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// The organization that has the verified claim of its domain, if anyone has; one whose claims rest has none (D14).
    pub holder: Option<OrgId>,
    /// Its role in the organization that the actor acts for, if it is a member there.
    pub role: Option<Role>,
}

/// Why somebody may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// The account is not theirs to act on: its domain is another organization's, or nobody's (D5).
    NotTheirAccount,
    /// It is the affair of another organization.
    NotTheirOrganization,
    /// Their role does not allow it (D1).
    NotTheirRole,
    /// Only owners do that, or act on an owner (D1).
    OwnersAffair,
}

/// Decides.
///
/// # Errors
/// Why not.
pub fn may(actor: Actor, act: Act, target: Target) -> Result<(), Denied> {
    let Actor::Member { organization, role } = actor else { return Ok(()) };
    match act {
        Act::ResetSecondFactor | Act::Deactivate | Act::Activate | Act::EndAllSessions => {
            if target.holder != Some(organization) {
                return Err(Denied::NotTheirAccount);
            }
            manages(role, target.role)
        }
        Act::EndSessionsIn(place) | Act::Remove(place) => {
            within(organization, place)?;
            manages(role, target.role)
        }
        Act::See(place) => {
            within(organization, place)?;
            if role == Role::Member { Err(Denied::NotTheirRole) } else { Ok(()) }
        }
        Act::Manage(place) => {
            within(organization, place)?;
            manages(role, None)
        }
        // Whoever says that a person is still meant answers for the organization.
        Act::Confirm(place) | Act::Own(place) => {
            within(organization, place)?;
            manages(role, Some(Role::Owner))
        }
        Act::SetDiscoverability(place) => {
            within(organization, place)?;
            match role {
                Role::Owner | Role::BillingAdmin => Ok(()),
                Role::Admin => Err(Denied::OwnersAffair),
                Role::Member => Err(Denied::NotTheirRole),
            }
        }
        Act::Add(place, given) | Act::SetRole(place, given) => {
            within(organization, place)?;
            manages(role, target.role)?;
            manages(role, Some(given))
        }
        Act::MoveInTeam(place, given) => {
            within(organization, place)?;
            manages(role, target.role)?;
            manages(role, given)
        }
    }
}

fn within(organization: OrgId, place: OrgId) -> Result<(), Denied> {
    if organization == place { Ok(()) } else { Err(Denied::NotTheirOrganization) }
}

/// Owners do everything, admins all but owners' affairs, others nothing to anybody else (D1).
fn manages(role: Role, target: Option<Role>) -> Result<(), Denied> {
    match (role, target) {
        (Role::Admin, Some(Role::Owner)) => Err(Denied::OwnersAffair),
        (Role::Owner | Role::Admin, _) => Ok(()),
        (Role::BillingAdmin | Role::Member, _) => Err(Denied::NotTheirRole),
    }
}

/// The actor that an account is when it acts for an organization; `None` if it is no member there, or switched off.
///
/// # Errors
/// [`StoreError`].
pub async fn actor(tx: &Tx, organization: OrgId, account: &User) -> Result<Option<Actor>, StoreError> {
    let role = team::role_of(tx, organization, account.id).await?.filter(|_| account.active);
    Ok(role.map(|role| Actor::Member { organization, role }))
}

/// What is known of an account, seen from whoever acts. A membership that sleeps counts with its role: an admin can't
/// end an owner's.
///
/// # Errors
/// [`StoreError`].
pub async fn target(tx: &Tx, actor: Actor, account: &User) -> Result<Target, StoreError> {
    let holder = effective::of_domain(tx, &account.email.domain()).await?.map(|held| held.organization.id);
    let role = match actor {
        Actor::Operator => None,
        Actor::Member { organization, .. } => {
            let held = member::record(tx, organization, account.id).await?.map(|member| member.role);
            let teams = team_member::of_user(tx, organization, account.id).await?;
            held.map(|own| team::effective_role(own, &teams))
        }
    };
    Ok(Target { holder, role })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINE: OrgId = OrgId::from_bytes([1; 16]);
    const OTHER: OrgId = OrgId::from_bytes([2; 16]);
    const THIRD: OrgId = OrgId::from_bytes([3; 16]);

    /// What concerns the whole account.
    const WHOLE: [Act; 4] = [Act::ResetSecondFactor, Act::Deactivate, Act::Activate, Act::EndAllSessions];

    /// What concerns a membership of one organization, gives no more than `member`, and is an admin's, too.
    fn in_one(place: OrgId) -> [Act; 5] {
        [
            Act::EndSessionsIn(place),
            Act::Add(place, Role::Member),
            Act::SetRole(place, Role::Member),
            Act::Remove(place),
            Act::MoveInTeam(place, None),
        ]
    }

    fn of(organization: OrgId, role: Role) -> Actor {
        Actor::Member { organization, role }
    }

    /// Everything that an account can be to whoever acts.
    fn targets() -> Vec<Target> {
        let roles = Role::ALL.map(Some).into_iter().chain([None]);
        let holders = [Some(MINE), Some(OTHER), Some(THIRD), None];
        roles.flat_map(|role| holders.map(|holder| Target { holder, role })).collect()
    }

    #[test]
    fn d5_no_role_of_another_organization_acts_on_an_account() {
        let mut tried = 0;
        for role in Role::ALL {
            for target in targets().into_iter().filter(|target| target.holder != Some(OTHER)) {
                for act in WHOLE {
                    assert_eq!(
                        may(of(OTHER, role), act, target),
                        Err(Denied::NotTheirAccount),
                        "{role} {act:?} {target:?}"
                    );
                    tried += 1;
                }
            }
        }
        assert_eq!(tried, 4 * 15 * 4);
    }

    #[test]
    fn d5_no_role_of_another_organization_acts_in_this_one() {
        for role in Role::ALL {
            for target in targets() {
                let own = [
                    Act::Confirm(MINE),
                    Act::See(MINE),
                    Act::SetDiscoverability(MINE),
                    Act::Manage(MINE),
                    Act::Own(MINE),
                ];
                for act in in_one(MINE).into_iter().chain(own) {
                    let told = may(of(OTHER, role), act, target);
                    assert_eq!(told, Err(Denied::NotTheirOrganization), "{role} {act:?} {target:?}");
                }
            }
        }
    }

    #[test]
    fn d5_every_organization_acts_on_its_own_membership_whoever_has_the_domain() {
        for holder in [Some(MINE), Some(OTHER), None] {
            let target = Target { holder, role: Some(Role::Member) };
            for act in in_one(MINE) {
                assert_eq!(may(of(MINE, Role::Owner), act, target), Ok(()), "{act:?} {target:?}");
                assert_eq!(may(of(MINE, Role::Admin), act, target), Ok(()), "{act:?} {target:?}");
            }
        }
    }

    #[test]
    fn d1_within_the_organization_by_role() {
        let check = |role: Role, target: Option<Role>, expected: Result<(), Denied>| {
            let target = Target { holder: Some(MINE), role: target };
            for act in WHOLE.into_iter().chain(in_one(MINE)) {
                assert_eq!(may(of(MINE, role), act, target), expected, "{role} {act:?} {target:?}");
            }
        };
        for target in Role::ALL {
            check(Role::Owner, Some(target), Ok(()));
            let expected = if target == Role::Owner { Err(Denied::OwnersAffair) } else { Ok(()) };
            check(Role::Admin, Some(target), expected);
            check(Role::BillingAdmin, Some(target), Err(Denied::NotTheirRole));
            check(Role::Member, Some(target), Err(Denied::NotTheirRole));
        }
        // Accounts of the domain that are no members are the organization's to act on, too.
        check(Role::Admin, None, Ok(()));
    }

    #[test]
    fn d1_only_owners_make_owners() {
        let member = Target { holder: None, role: Some(Role::Member) };
        for act in [Act::Add(MINE, Role::Owner), Act::SetRole(MINE, Role::Owner)] {
            assert_eq!(may(of(MINE, Role::Owner), act, member), Ok(()));
            assert_eq!(may(of(MINE, Role::Admin), act, member), Err(Denied::OwnersAffair));
        }
        let team = Act::MoveInTeam(MINE, Some(Role::Admin));
        assert_eq!(may(of(MINE, Role::Admin), team, member), Ok(()));
        assert_eq!(may(of(MINE, Role::BillingAdmin), team, member), Err(Denied::NotTheirRole));
    }

    #[test]
    fn d1_owners_confirm_and_owners_and_billing_admins_say_who_finds_the_organization() {
        let check = |act: Act, expected: [Result<(), Denied>; 4]| {
            for target in targets() {
                let told = Role::ALL.map(|role| may(of(MINE, role), act, target));
                assert_eq!(told, expected, "{act:?} {target:?}");
            }
        };
        let (owners, not) = (Err(Denied::OwnersAffair), Err(Denied::NotTheirRole));
        // owner, admin, billing admin, member
        check(Act::Confirm(MINE), [Ok(()), owners, not, not]);
        check(Act::Own(MINE), [Ok(()), owners, not, not]);
        check(Act::Manage(MINE), [Ok(()), Ok(()), not, not]);
        check(Act::See(MINE), [Ok(()), Ok(()), Ok(()), not]);
        check(Act::SetDiscoverability(MINE), [Ok(()), owners, Ok(()), not]);
    }

    #[test]
    fn the_operator_may_all() {
        for target in targets() {
            for act in WHOLE.into_iter().chain(in_one(MINE)).chain([Act::Confirm(MINE), Act::See(MINE)]) {
                assert_eq!(may(Actor::Operator, act, target), Ok(()));
            }
        }
    }
}
