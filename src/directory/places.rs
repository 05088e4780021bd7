//! Where someone may enter by what they showed: gathers the facts for [`entry::decide`], organization by organization.

use super::barred;
use super::claim;
use super::effective::{self, Effective};
use super::entry::{self, Case, DomainOf, Entry, LinkStage, Way, Whose};
use super::link;
use super::member;
use super::organization::{self, OrgKind, Organization};
use super::team;
use super::team_member;
use super::user::User;
use crate::kernel::{DomainName, EmailAddress, OrgId, Role, UserId};
use crate::store::{StoreError, Tx};

/// What somebody showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Showed {
    /// The identity provider of this organization vouches for the address.
    Sso(OrgId),
    /// The account's password.
    Password,
    /// A link that was sent to the address.
    MagicLink,
}

/// Who it is.
#[derive(Clone, Copy, Debug)]
pub struct Person<'a> {
    /// The address: as the identity provider asserts it, or the account's.
    pub email: &'a EmailAddress,
    /// The account, if there is one.
    pub account: Option<&'a User>,
    /// The SSO link and the address mean different accounts (D4).
    pub accounts_differ: bool,
}

impl<'a> Person<'a> {
    /// Somebody with an account, by its own address.
    pub fn of(account: &'a User) -> Self {
        Person { email: &account.email, account: Some(account), accounts_differ: false }
    }
}

/// An organization, and what comes of entering it.
#[derive(Clone, Debug)]
pub struct Place {
    /// The organization, with what holds in it.
    pub target: Effective,
    /// What comes of it.
    pub entry: Entry,
}

/// What comes of entering `target`.
///
/// # Errors
/// [`StoreError`].
pub async fn entry(tx: &Tx, target: &Effective, person: &Person<'_>, showed: Showed) -> Result<Entry, StoreError> {
    Ok(entry::decide(&case(tx, target, person, showed).await?))
}

/// What comes of entering each organization that the person is a member of, in no order: for a password or a magic
/// link, and for switching.
///
/// # Errors
/// [`StoreError`].
pub async fn of_member(tx: &Tx, person: &Person<'_>, showed: Showed) -> Result<Vec<Place>, StoreError> {
    let mut places = Vec::new();
    let Some(account) = person.account else { return Ok(places) };
    for id in member::of_user(tx, account.id).await? {
        let Some(organization) = organization::by_id(tx, id).await? else { continue };
        let target = effective::of_organization(tx, organization).await?;
        let entry = entry(tx, &target, person, showed).await?;
        places.push(Place { target, entry });
    }
    Ok(places)
}

/// The facts of one case.
///
/// # Errors
/// [`StoreError`].
pub async fn case(tx: &Tx, target: &Effective, person: &Person<'_>, showed: Showed) -> Result<Case, StoreError> {
    let Effective { organization, link, rules } = target;
    let domain = person.email.domain();
    let user = person.account.map(|account| account.id);
    let admin = link.as_ref().map(|(_, admin)| admin);
    let holder = claim::holder(tx, &domain).await?;
    let mut domain_of = domain_of(tx, target, &domain, holder.as_ref(), person).await?;
    let way = match showed {
        Showed::Password => Way::Password,
        Showed::MagicLink => Way::MagicLink,
        Showed::Sso(by) if by == organization.id => Way::Sso(Whose::Own),
        Showed::Sso(by) if admin.is_some_and(|admin| admin.id == by) => Way::Sso(Whose::Admins),
        Showed::Sso(by) => {
            // A third organization's word counts for the domains that it holds itself, and for no other third's.
            if holder.is_none_or(|holder| holder.id != by) {
                domain_of = DomainOf::Nobody;
            }
            Way::Sso(Whose::Anothers)
        }
    };
    let mut barred = barred::is(tx, organization.id, person.email).await?;
    if let Some(admin) = admin {
        barred |= barred::is(tx, admin.id, person.email).await?;
    }
    Ok(Case {
        way,
        domain: domain_of,
        link: match link {
            None => LinkStage::Alone,
            Some((link, _)) if link.in_window(tx.now()) => LinkStage::Window,
            Some(_) => LinkStage::Linked,
        },
        require_sso: rules.require_sso,
        // Whoever signs in through an Admin organization is a plain member of it, which opens nothing (D13).
        idp_managed_access: rules.idp_managed_access || organization.kind == OrgKind::Admin,
        role: role(tx, organization.id, user).await?,
        runs_admin: match admin {
            Some(admin) => runs(tx, admin.id, person).await?,
            None => false,
        },
        accounts_differ: person.accounts_differ,
        deactivated: person.account.is_some_and(|account| !account.active),
        barred,
    })
}

async fn domain_of(
    tx: &Tx,
    target: &Effective,
    domain: &DomainName,
    holder: Option<&Organization>,
    person: &Person<'_>,
) -> Result<DomainOf, StoreError> {
    let organization = target.organization.id;
    let Some(holder) = holder else { return Ok(DomainOf::Nobody) };
    if holder.id == organization {
        return Ok(DomainOf::Own);
    }
    if target.link.as_ref().is_some_and(|(link, _)| link.admin == holder.id) {
        let moved = link::was_moved(tx, organization, domain, holder.id).await?;
        return Ok(if moved { DomainOf::Moved } else { DomainOf::Admin });
    }
    let another = effective::of_organization(tx, holder.clone()).await?;
    if !another.own_counts(tx.now()) {
        return Ok(DomainOf::Nobody);
    }
    let mut break_glass = runs(tx, holder.id, person).await?;
    if let Some((link, _)) = &another.link {
        break_glass |= runs(tx, link.admin, person).await?;
    }
    Ok(DomainOf::Another { require_sso: another.rules.require_sso, break_glass })
}

async fn role(tx: &Tx, organization: OrgId, user: Option<UserId>) -> Result<Option<Role>, StoreError> {
    let Some(user) = user else { return Ok(None) };
    let Some(member) = member::find(tx, organization, user).await? else { return Ok(None) };
    let teams = team_member::of_user(tx, organization, user).await?;
    Ok(Some(team::effective_role(member.role, &teams)))
}

/// Whether the person is owner or admin of `organization` (D10).
///
/// # Errors
/// [`StoreError`].
pub async fn runs(tx: &Tx, organization: OrgId, person: &Person<'_>) -> Result<bool, StoreError> {
    let role = role(tx, organization, person.account.map(|account| account.id)).await?;
    Ok(matches!(role, Some(Role::Owner | Role::Admin)))
}
