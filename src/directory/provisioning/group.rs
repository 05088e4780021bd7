//! Groups as provisioning sees them: a customer organization's teams (S8), or what an Admin organization's stand for (S9).

use std::collections::BTreeSet;

use super::error::ProvisioningError;
use super::linked_group::{self, LinkedGroup};
use super::person::{self, IDS};
use super::scope::ProvisioningScope;
use crate::directory::DirectoryError;
use crate::directory::member::Origin;
use crate::directory::organization::Organization;
use crate::directory::team::{self, Team};
use crate::directory::team_member;
use crate::directory::user::{self, User};
use crate::kernel::{Rng, TeamId, Timestamp, UserId};
use crate::store::{StoreError, Tx};

/// A group, without its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The id.
    pub id: TeamId,
    /// `displayName`
    pub display_name: String,
    /// `externalId`
    pub external_id: Option<String>,
    /// Since when.
    pub created: Timestamp,
    /// When it, or who is in it, last changed.
    pub modified: Timestamp,
    /// Another text after each change, its members' too (S25).
    pub version: String,
}

/// Somebody in a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupMember {
    /// The id of the person in SCIM.
    pub id: UserId,
}

/// What came of a change of a group's members.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// How many were put in.
    pub added: usize,
    /// How many were taken out.
    pub removed: usize,
    /// Ids that mean nobody, and were passed over (G.d).
    pub unknown: usize,
    /// Last owners, who stay where they are (D18).
    pub kept: usize,
}

/// A change of a group's members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemberChange {
    /// Puts these in.
    Add(Vec<UserId>),
    /// Takes these out.
    Remove(Vec<UserId>),
    /// These, and nobody else.
    Replace(Vec<UserId>),
}

async fn of_team(tx: &Tx, team: Team) -> Result<Group, StoreError> {
    let stamp = team::stamp(tx, &team).await?;
    Ok(Group {
        id: team.id,
        display_name: team.name,
        external_id: team.external_id,
        created: team.created,
        modified: stamp.updated,
        version: stamp.version,
    })
}

pub(super) async fn team_of(tx: &Tx, scope: &ProvisioningScope, id: TeamId) -> Result<Team, ProvisioningError> {
    let found = team::by_id(tx, scope.organization(), id).await?;
    found.ok_or_else(|| ProvisioningError::NoSuchResource(id.to_string()))
}

async fn linked_of(tx: &Tx, scope: &ProvisioningScope, id: TeamId) -> Result<LinkedGroup, ProvisioningError> {
    let found = linked_group::by_id(tx, scope.organization(), id).await?;
    found.ok_or_else(|| ProvisioningError::NoSuchResource(id.to_string()))
}

/// The group with this id.
///
/// # Errors
/// [`ProvisioningError::NoSuchResource`].
pub async fn by_id(tx: &Tx, scope: &ProvisioningScope, id: TeamId) -> Result<Group, ProvisioningError> {
    if scope.is_admin() {
        return Ok(linked_group::view(tx, linked_of(tx, scope, id).await?).await?);
    }
    Ok(of_team(tx, team_of(tx, scope, id).await?).await?)
}

/// The group of this name, without case: one look at an index.
///
/// # Errors
/// [`StoreError`].
pub async fn by_name(tx: &Tx, scope: &ProvisioningScope, name: &str) -> Result<Option<Group>, StoreError> {
    if scope.is_admin() {
        return match linked_group::by_name(tx, scope.organization(), name).await? {
            Some(found) => Ok(Some(linked_group::view(tx, found).await?)),
            None => Ok(None),
        };
    }
    match team::find_by_name(tx, scope.organization(), name).await? {
        Some(found) => Ok(Some(of_team(tx, found).await?)),
        None => Ok(None),
    }
}

/// The groups behind `after` in the order of their ids, at most `limit`.
///
/// # Errors
/// [`StoreError`].
pub async fn list(
    tx: &Tx,
    scope: &ProvisioningScope,
    after: Option<TeamId>,
    limit: usize,
) -> Result<Vec<Group>, StoreError> {
    let mut found = Vec::new();
    if scope.is_admin() {
        for group in linked_group::list(tx, scope.organization(), after, limit).await? {
            found.push(linked_group::view(tx, group).await?);
        }
    } else {
        for team in team::list(tx, scope.organization(), after, limit).await? {
            found.push(of_team(tx, team).await?);
        }
    }
    Ok(found)
}

/// The accounts in a group, seen or not.
pub(super) async fn accounts(
    tx: &Tx,
    scope: &ProvisioningScope,
    group: TeamId,
) -> Result<Vec<UserId>, ProvisioningError> {
    if scope.is_admin() {
        return Ok(linked_group::accounts(tx, scope.organization(), group).await?);
    }
    Ok(team_member::list_all(tx, &team_of(tx, scope, group).await?).await?)
}

/// The account that an id means, if the scope may see it.
pub(super) async fn seen(tx: &Tx, scope: &ProvisioningScope, id: UserId) -> Result<Option<User>, StoreError> {
    let account = tx.get(&IDS, &(scope.organization(), id)).await?.unwrap_or(id);
    let Some(account) = user::by_id(tx, account).await? else { return Ok(None) };
    if !person::is_seen(tx, scope, &account).await? || person::id_of(tx, scope, account.id).await? != id {
        return Ok(None);
    }
    Ok(Some(account))
}

/// Makes a group. A team of that name that was made by hand is taken over (S8).
///
/// # Errors
/// [`ProvisioningError::GroupNameTaken`]; [`ProvisioningError::InvalidValue`].
pub async fn create(
    tx: &Tx,
    rng: &dyn Rng,
    scope: &ProvisioningScope,
    name: &str,
    external_id: Option<String>,
) -> Result<Group, ProvisioningError> {
    scope.check(tx).await?;
    let organization = scope.record(tx).await?;
    let made = if scope.is_admin() {
        let made = linked_group::create(tx, rng, scope.organization(), name, external_id).await?;
        linked_group::view(tx, made).await?
    } else {
        let team = match team::find_by_name(tx, organization.id, name).await? {
            Some(held) if held.origin == Origin::Scim => return Err(ProvisioningError::GroupNameTaken),
            Some(held) => team::set_origin(tx, rng, &held, Origin::Scim, external_id)?,
            None => team::create(tx, rng, &organization, name, Origin::Scim, external_id).await?,
        };
        of_team(tx, team).await?
    };
    let told = (String::new(), made.display_name.clone());
    scope.audit(tx, rng, organization.id, "scim.group.create", &made.display_name, told)?;
    Ok(made)
}

/// Gives a group another name or external id. The rename of a mapped one unmaps it (G.f).
///
/// # Errors
/// [`ProvisioningError::GroupNameTaken`]; [`ProvisioningError::InvalidValue`]; [`ProvisioningError::NoSuchResource`].
pub async fn describe(
    tx: &Tx,
    rng: &dyn Rng,
    scope: &ProvisioningScope,
    group: &Group,
    name: &str,
    external_id: Option<String>,
) -> Result<Group, ProvisioningError> {
    scope.check(tx).await?;
    if group.display_name == name.trim() && group.external_id == external_id {
        return Ok(group.clone());
    }
    let after = if scope.is_admin() {
        let held = linked_of(tx, scope, group.id).await?;
        let changed = linked_group::describe(tx, rng, scope, &held, name, external_id).await?;
        linked_group::view(tx, changed).await?
    } else {
        let mut held = team_of(tx, scope, group.id).await?;
        if held.name != name.trim() {
            held = team::rename(tx, rng, &scope.record(tx).await?, &held, name).await?;
        }
        of_team(tx, team::set_origin(tx, rng, &held, Origin::Scim, external_id)?).await?
    };
    let told = |group: &Group| match &group.external_id {
        Some(external_id) => format!("{}, externalId {external_id}", group.display_name),
        None => group.display_name.clone(),
    };
    scope.audit(
        tx,
        rng,
        scope.organization(),
        "scim.group.update",
        &group.display_name,
        (told(group), told(&after)),
    )?;
    Ok(after)
}

/// Changes who is in a group: rows of their own, so that of many changes at once none undoes another (S33).
///
/// # Errors
/// [`ProvisioningError::NoSuchResource`]; [`ProvisioningError::InvalidValue`] over a limit.
pub async fn move_members(
    tx: &Tx,
    rng: &dyn Rng,
    scope: &ProvisioningScope,
    group: &Group,
    change: &MemberChange,
) -> Result<Moved, ProvisioningError> {
    scope.check(tx).await?;
    let (wanted, mut moved) = match change {
        MemberChange::Add(ids) | MemberChange::Remove(ids) | MemberChange::Replace(ids) => {
            known(tx, scope, ids).await?
        }
    };
    let mut gone: Vec<User> = Vec::new();
    match change {
        MemberChange::Add(_) => {}
        MemberChange::Remove(_) => gone.clone_from(&wanted),
        MemberChange::Replace(_) => {
            let stay: BTreeSet<UserId> = wanted.iter().map(|account| account.id).collect();
            for account in accounts(tx, scope, group.id).await? {
                if !stay.contains(&account)
                    && let Some(account) = user::by_id(tx, account).await?
                    && person::is_seen(tx, scope, &account).await?
                {
                    gone.push(account);
                }
            }
        }
    }
    let come = if matches!(change, MemberChange::Remove(_)) { Vec::new() } else { wanted };
    let (added, removed) = if scope.is_admin() {
        let held = linked_of(tx, scope, group.id).await?;
        linked_group::move_members(tx, rng, scope, &held, (&come, &gone), &mut moved).await?
    } else {
        move_in_team(tx, rng, scope, group.id, (&come, &gone)).await?
    };
    (moved.added, moved.removed) = (added.len(), removed.len());
    if !added.is_empty() || !removed.is_empty() {
        let told = (addresses(&removed), addresses(&added));
        scope.audit(tx, rng, scope.organization(), "scim.group.members", &group.display_name, told)?;
    }
    Ok(moved)
}

/// The accounts that ids mean, each once; those that mean nobody are counted.
async fn known(tx: &Tx, scope: &ProvisioningScope, ids: &[UserId]) -> Result<(Vec<User>, Moved), ProvisioningError> {
    let (mut found, mut moved) = (Vec::new(), Moved::default());
    let once: BTreeSet<UserId> = ids.iter().copied().collect();
    for id in once {
        match seen(tx, scope, id).await? {
            Some(account) => found.push(account),
            None => moved.unknown += 1,
        }
    }
    Ok((found, moved))
}

/// Addresses as the audit tells them: all if they fit, and how many there are.
pub(super) fn addresses(accounts: &[User]) -> String {
    let all: Vec<&str> = accounts.iter().map(|account| account.email.as_str()).collect();
    if all.is_empty() { String::new() } else { format!("{}: {}", all.len(), all.join(", ")) }
}

async fn move_in_team(
    tx: &Tx,
    rng: &dyn Rng,
    scope: &ProvisioningScope,
    id: TeamId,
    (come, gone): (&[User], &[User]),
) -> Result<(Vec<User>, Vec<User>), ProvisioningError> {
    let organization: Organization = scope.record(tx).await?;
    let mut team = team_of(tx, scope, id).await?;
    if team.origin != Origin::Scim {
        // From now on it is provisioning's, and read-only by hand (G.h).
        let external_id = team.external_id.clone();
        team = team::set_origin(tx, rng, &team, Origin::Scim, external_id)?;
    }
    let (mut added, mut removed) = (Vec::new(), Vec::new());
    for account in gone {
        if team_member::remove(tx, rng, &team, account.id).await? {
            removed.push(account.clone());
        }
    }
    for account in come {
        match team_member::add(tx, rng, &organization, &team, account, Origin::Scim).await {
            Ok(true) => added.push(account.clone()),
            Ok(false) => {}
            // One person over the limit must not lose the others' push (S32).
            Err(DirectoryError::InvalidSetting(text)) => {
                tracing::warn!(organization = %organization.slug, "provisioning passed somebody over: {text}");
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok((added, removed))
}

/// Deletes a group. Whoever was in a team stays a member of the organization; of a linked organization those leave whom
/// provisioning put in (D16).
///
/// # Errors
/// [`ProvisioningError::NoSuchResource`].
pub async fn delete(tx: &Tx, rng: &dyn Rng, scope: &ProvisioningScope, group: &Group) -> Result<(), ProvisioningError> {
    scope.check(tx).await?;
    if scope.is_admin() {
        let held = linked_of(tx, scope, group.id).await?;
        linked_group::delete(tx, rng, scope, &held).await?;
    } else {
        team::delete(tx, rng, &team_of(tx, scope, group.id).await?).await?;
    }
    let told = (group.display_name.clone(), String::new());
    scope.audit(tx, rng, scope.organization(), "scim.group.delete", &group.display_name, told)?;
    Ok(())
}
