//! Which linked organization a group of an Admin organization stands for: the one whose SCIM name is the group's (S9).
//!
//! Whoever sets a SCIM name, links or unlinks says so here, in the same transaction; groups ask here by their name.

use super::linked_group;
use super::owners;
use super::scope;
use crate::directory::audit::{self, AuditEntry};
use crate::directory::claim::VERIFIED;
use crate::directory::member::{self, Origin};
use crate::directory::organization::{self, Organization};
use crate::directory::revocation::{self, Scope};
use crate::directory::team;
use crate::directory::user::{self, User};
use crate::directory::{DirectoryError, barred, link};
use crate::kernel::{OrgId, Rng, Role, UserId};
use crate::store::{StoreError, Table, Tx};

/// The linked organization with a SCIM name, folded, by Admin organization: unique there (D15).
pub(in crate::directory) const NAMES: Table<(OrgId, String), OrgId> = Table::new("scim_names");

/// What came of taking somebody out of a linked organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// They are out.
    Out,
    /// They were not in, or not by provisioning.
    Nothing,
    /// They are its last owner, and stay (D18).
    LastOwner,
}

/// The organization linked to `admin` that a group of this name stands for.
pub(super) async fn stands_for(tx: &Tx, admin: OrgId, name: &str) -> Result<Option<Organization>, StoreError> {
    match tx.get(&NAMES, &(admin, team::fold(name))).await? {
        Some(id) => organization::by_id(tx, id).await,
        None => Ok(None),
    }
}

/// From now on the group of `organization`'s SCIM name stands for it: whoever is in that group becomes its member. To
/// be called when it is linked, and when a linked one gets the name.
///
/// # Errors
/// [`DirectoryError::InvalidSetting`] if another one linked to `admin` has that name (D15).
pub async fn connect(tx: &Tx, rng: &dyn Rng, admin: OrgId, organization: &Organization) -> Result<(), DirectoryError> {
    let Some((organization, name)) = &named(tx, organization).await? else { return Ok(()) };
    let place = (admin, team::fold(name));
    match tx.get(&NAMES, &place).await? {
        Some(holder) if holder != organization.id => {
            let text = format!("another organization linked to the same Admin organization has the scim_name «{name}»");
            return Err(DirectoryError::InvalidSetting(text));
        }
        _ => tx.put(&NAMES, &place, &organization.id)?,
    }
    let members = members(tx, admin, name).await?;
    let added = put_kept_in(tx, admin, organization, &members).await?;
    Ok(tell(tx, rng, organization.id, "scim.member.add", name, (&[], &added))?)
}

/// From now on no group stands for `organization`: whom provisioning put in leaves, but for a last owner (D16, G.f). To
/// be called before it is unlinked, and before another name of a linked one is saved.
///
/// # Errors
/// [`DirectoryError::Store`].
pub async fn disconnect(
    tx: &Tx,
    rng: &dyn Rng,
    admin: OrgId,
    organization: &Organization,
) -> Result<(), DirectoryError> {
    let Some((organization, name)) = &named(tx, organization).await? else { return Ok(()) };
    forget(tx, admin, organization).await?;
    let removed = empty(tx, admin, organization, name).await?;
    Ok(tell(tx, rng, organization.id, "scim.member.remove", name, (&removed, &[]))?)
}

/// The same for everything that is linked to `admin`, which ends.
///
/// # Errors
/// [`DirectoryError::Store`].
pub(in crate::directory) async fn disconnect_all(tx: &Tx, rng: &dyn Rng, admin: OrgId) -> Result<(), DirectoryError> {
    for linked in link::linked_to(tx, admin).await? {
        disconnect(tx, rng, admin, &linked).await?;
    }
    Ok(())
}

/// Takes out of `organization` whom provisioning put in by way of the group `name`; gives who left.
pub(super) async fn empty(
    tx: &Tx,
    admin: OrgId,
    organization: &Organization,
    name: &str,
) -> Result<Vec<User>, DirectoryError> {
    let mut removed = Vec::new();
    for account in members(tx, admin, name).await? {
        if take_out(tx, organization, &account, true).await? == Taken::Out {
            removed.push(account);
        }
    }
    Ok(removed)
}

/// Forgets the SCIM name of an organization that is linked no more.
pub(in crate::directory) async fn forget(tx: &Tx, admin: OrgId, organization: &Organization) -> Result<(), StoreError> {
    let Some((organization, name)) = &named(tx, organization).await? else { return Ok(()) };
    let place = (admin, team::fold(name));
    if tx.get(&NAMES, &place).await? == Some(organization.id) {
        tx.delete(&NAMES, &place);
    }
    Ok(())
}

/// The organization as it is in this transaction, with its SCIM name, if it has one.
async fn named(tx: &Tx, organization: &Organization) -> Result<Option<(Organization, String)>, StoreError> {
    let found = organization::by_id(tx, organization.id).await?;
    Ok(found.and_then(|found| found.settings.scim_name.clone().map(|name| (found, name))))
}

/// The accounts in the group of that name. Having asked, a transaction is run again if somebody comes or goes meanwhile.
async fn members(tx: &Tx, admin: OrgId, name: &str) -> Result<Vec<User>, StoreError> {
    let Some(group) = linked_group::by_name(tx, admin, name).await? else { return Ok(Vec::new()) };
    linked_group::stamp(tx, &group).await?;
    seen(tx, admin, linked_group::accounts(tx, admin, group.id).await?).await
}

/// Of the accounts with these ids those that the Admin organization may see and touch: a domain that it lost may be
/// another company's by now (S5, G.b).
pub(super) async fn seen(tx: &Tx, admin: OrgId, ids: Vec<UserId>) -> Result<Vec<User>, StoreError> {
    let mut found = Vec::new();
    for id in ids {
        let Some(account) = user::by_id(tx, id).await? else { continue };
        let held = tx.get(&VERIFIED, &account.email.domain()).await? == Some(admin);
        if held && !scope::awake_within(tx, admin, id).await?.is_empty() {
            found.push(account);
        }
    }
    Ok(found)
}

/// Puts in whom a group has kept, but nobody whose membership sleeps: only a new word of somebody says that they are
/// meant, and what was pushed long ago is none. Gives who came.
pub(super) async fn put_kept_in(
    tx: &Tx,
    admin: OrgId,
    organization: &Organization,
    members: &[User],
) -> Result<Vec<User>, DirectoryError> {
    let mut added = Vec::new();
    for account in members {
        linked_group::touch_person(tx, admin, account.id)?;
        if sleeps(tx, admin, account.id).await? || sleeps(tx, organization.id, account.id).await? {
            continue;
        }
        if put_in(tx, organization, account).await? {
            added.push(account.clone());
        }
    }
    Ok(added)
}

async fn sleeps(tx: &Tx, organization: OrgId, account: UserId) -> Result<bool, StoreError> {
    Ok(member::record(tx, organization, account).await?.is_some_and(|held| held.asleep))
}

/// Somebody's membership of `organization` has ended by hand: once none is left within the reach of the Admin
/// organization, they are in none of its groups either.
///
/// # Errors
/// [`StoreError`].
pub async fn left(tx: &Tx, organization: &Organization, account: UserId) -> Result<(), StoreError> {
    let admin = match link::find(tx, organization.id).await? {
        Some(link) => link.admin,
        None => organization.id,
    };
    linked_group::watch_person(tx, admin, account).await?;
    if scope::awake_within(tx, admin, account).await?.is_empty() {
        linked_group::forget_person(tx, admin, account).await?;
    }
    Ok(())
}

/// Makes somebody a member of a linked organization; `false` if they are one.
pub(super) async fn put_in(tx: &Tx, organization: &Organization, account: &User) -> Result<bool, DirectoryError> {
    barred::lift(tx, organization.id, &account.email);
    if member::find(tx, organization.id, account.id).await?.is_some() {
        return Ok(false);
    }
    match member::add(tx, organization, account, Role::Member, Origin::Scim).await {
        Ok(_) => Ok(true),
        // One person over the limit must not lose the others' push (S32).
        Err(DirectoryError::InvalidSetting(text)) => {
            tracing::warn!(organization = %organization.slug, "provisioning passed somebody over: {text}");
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Ends somebody's membership of a linked organization, whatever its origin or those of provisioning only (D16), and
/// their sessions there in the same commit.
pub(super) async fn take_out(
    tx: &Tx,
    organization: &Organization,
    account: &User,
    only_provisioned: bool,
) -> Result<Taken, DirectoryError> {
    let Some(held) = member::find(tx, organization.id, account.id).await? else { return Ok(Taken::Nothing) };
    if only_provisioned && held.origin != Origin::Scim {
        return Ok(Taken::Nothing);
    }
    if owners::is_last(tx, organization.id, account.id).await? {
        tracing::warn!(organization = %organization.slug, "provisioning left the last owner where they are");
        return Ok(Taken::LastOwner);
    }
    member::remove(tx, organization, account).await?;
    revocation::revoke(tx, Scope::Membership(organization.id, account.id))?;
    Ok(Taken::Out)
}

/// Tells a linked organization's chain who came and went by way of a group.
fn tell(
    tx: &Tx,
    rng: &dyn Rng,
    organization: OrgId,
    action: &str,
    group: &str,
    (before, after): (&[User], &[User]),
) -> Result<(), StoreError> {
    if before.is_empty() && after.is_empty() {
        return Ok(());
    }
    let told = (super::group::addresses(before), super::group::addresses(after));
    let entry = AuditEntry::new(tx, "vestibule", action, group).changed(told.0, told.1);
    audit::append(tx, rng, organization, &entry)
}
