//! Who is in which team: one row for each, and its mirror, so that changes at the same time never undo each other.

use serde::{Deserialize, Serialize};

use super::error::DirectoryError;
use super::member::{self, Origin};
use super::organization::Organization;
use super::team::{self, Team};
use super::user::User;
use crate::kernel::{OrgId, Rng, TeamId, Timestamp, UserId};
use crate::store::{StoreError, Table, Tx};

/// Who is in a team.
pub const TEAM_MEMBERS: Table<(OrgId, TeamId, UserId), TeamMember> = Table::new("team_members");
/// The other way round: the teams of a user in an organization.
pub(super) const BY_USER: Table<(UserId, OrgId, TeamId), ()> = Table::new("team_by_user");
/// When the teams of a member last changed. Written without being read, like the teams' own stamps.
pub(super) const STAMPS: Table<(OrgId, UserId), Timestamp> = Table::new("team_member_stamps");

/// How many members one page of a listing holds at most.
pub const PAGE: usize = 500;
/// How many teams of one organization a person can be in.
pub const TEAM_LIMIT: usize = 500;

/// That somebody is in a team.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamMember {
    /// How it came to be.
    pub origin: Origin,
    /// Since when.
    pub created: Timestamp,
}

/// Puts a member of the organization into a team; `false` if they are in it already.
///
/// # Errors
/// [`DirectoryError::NotAMember`] of the organization; [`DirectoryError::NoSuchTeam`] if the team is gone;
/// [`DirectoryError::InvalidSetting`] over [`TEAM_LIMIT`].
pub async fn add(
    tx: &Tx,
    rng: &dyn Rng,
    organization: &Organization,
    team: &Team,
    user: &User,
    origin: Origin,
) -> Result<bool, DirectoryError> {
    // Both are read here, so that whoever removes one of them meanwhile has this run again.
    if team::by_id(tx, organization.id, team.id).await?.is_none() {
        return Err(DirectoryError::NoSuchTeam(organization.slug.clone(), team.name.clone()));
    }
    if member::find(tx, organization.id, user.id).await?.is_none() {
        return Err(DirectoryError::NotAMember(organization.slug.clone(), user.email.clone()));
    }
    let key = (organization.id, team.id, user.id);
    if tx.get(&TEAM_MEMBERS, &key).await?.is_some() {
        return Ok(false);
    }
    if ids_of_user(tx, organization.id, user.id).await?.len() >= TEAM_LIMIT {
        let text =
            format!("{} is in {TEAM_LIMIT} teams of {} already: that is the limit", user.email, organization.slug);
        return Err(DirectoryError::InvalidSetting(text));
    }
    tx.put(&TEAM_MEMBERS, &key, &TeamMember { origin, created: tx.now() })?;
    tx.put(&BY_USER, &(user.id, organization.id, team.id), &())?;
    touch(tx, rng, key)?;
    Ok(true)
}

/// Takes somebody out of a team; `false` if they are not in it.
pub async fn remove(tx: &Tx, rng: &dyn Rng, team: &Team, user: UserId) -> Result<bool, StoreError> {
    let key = (team.organization, team.id, user);
    if tx.take(&TEAM_MEMBERS, &key).await?.is_none() {
        return Ok(false);
    }
    tx.delete(&BY_USER, &(user, team.organization, team.id));
    touch(tx, rng, key)?;
    Ok(true)
}

fn touch(tx: &Tx, rng: &dyn Rng, (organization, team, user): (OrgId, TeamId, UserId)) -> Result<(), StoreError> {
    tx.put(&STAMPS, &(organization, user), &tx.now())?;
    team::touch(tx, rng, organization, team)
}

/// Whether somebody is in a team, and since when.
pub async fn find(tx: &Tx, team: &Team, user: UserId) -> Result<Option<TeamMember>, StoreError> {
    tx.get(&TEAM_MEMBERS, &(team.organization, team.id, user)).await
}

/// When the teams of a member last changed; `None` if they never did.
pub async fn changed(tx: &Tx, organization: OrgId, user: UserId) -> Result<Option<Timestamp>, StoreError> {
    tx.get(&STAMPS, &(organization, user)).await
}

/// Who is in a team, behind `after`, in the order of their ids, at most `limit`.
pub async fn list(
    tx: &Tx,
    team: &Team,
    after: Option<UserId>,
    limit: usize,
) -> Result<Vec<(UserId, TeamMember)>, StoreError> {
    let after = after.map(|user| (team.organization, team.id, user));
    let rows = tx.scan(&TEAM_MEMBERS, &(team.organization, team.id), after.as_ref(), limit).await?;
    Ok(rows.into_iter().map(|((_, _, user), member)| (user, member)).collect())
}

/// Everybody in a team.
pub async fn list_all(tx: &Tx, team: &Team) -> Result<Vec<UserId>, StoreError> {
    let mut found: Vec<UserId> = Vec::new();
    loop {
        let page = list(tx, team, found.last().copied(), PAGE).await?;
        if page.is_empty() {
            return Ok(found);
        }
        found.extend(page.into_iter().map(|(user, _)| user));
    }
}

/// The teams of a member, in the order of their names.
pub async fn of_user(tx: &Tx, organization: OrgId, user: UserId) -> Result<Vec<Team>, StoreError> {
    let mut found = Vec::new();
    for id in ids_of_user(tx, organization, user).await? {
        found.extend(team::by_id(tx, organization, id).await?);
    }
    found.sort_by_cached_key(|team| team::fold(&team.name));
    Ok(found)
}

async fn ids_of_user(tx: &Tx, organization: OrgId, user: UserId) -> Result<Vec<TeamId>, StoreError> {
    let rows = tx.scan(&BY_USER, &(user, organization), None, TEAM_LIMIT).await?;
    Ok(rows.into_iter().map(|((_, _, team), ())| team).collect())
}

/// Takes somebody whose membership ends out of all teams of the organization.
pub(super) async fn remove_all_of_user(tx: &Tx, organization: OrgId, user: UserId) -> Result<(), StoreError> {
    // Reading the stamp has this run again if they are put into a team meanwhile.
    tx.get(&STAMPS, &(organization, user)).await?;
    for team in ids_of_user(tx, organization, user).await? {
        tx.delete(&TEAM_MEMBERS, &(organization, team, user));
        tx.delete(&BY_USER, &(user, organization, team));
        team::touch_for_leaver(tx, organization, team, user)?;
    }
    tx.delete(&STAMPS, &(organization, user));
    Ok(())
}

/// Takes everybody out of a team that ends.
pub(super) async fn remove_all_of_team(
    tx: &Tx,
    rng: &dyn Rng,
    organization: OrgId,
    team: TeamId,
) -> Result<(), StoreError> {
    let mut after: Option<(OrgId, TeamId, UserId)> = None;
    loop {
        let page = tx.scan(&TEAM_MEMBERS, &(organization, team), after.as_ref(), PAGE).await?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after = Some(*last);
        for (key, _) in page {
            tx.delete(&TEAM_MEMBERS, &key);
            tx.delete(&BY_USER, &(key.2, organization, team));
            touch(tx, rng, key)?;
        }
    }
}

/// Takes everybody out of every team of an organization that ends.
pub(super) async fn remove_all_of_organization(tx: &Tx, organization: OrgId) -> Result<(), StoreError> {
    let mut after: Option<(OrgId, TeamId, UserId)> = None;
    loop {
        let page = tx.scan(&TEAM_MEMBERS, &organization, after.as_ref(), PAGE).await?;
        let Some((last, _)) = page.last() else { break };
        after = Some(*last);
        for (key, _) in page {
            tx.delete(&TEAM_MEMBERS, &key);
            tx.delete(&BY_USER, &(key.2, organization, key.1));
        }
    }
    let mut after: Option<(OrgId, UserId)> = None;
    loop {
        let page = tx.scan(&STAMPS, &organization, after.as_ref(), PAGE).await?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after = Some(*last);
        for (key, _) in page {
            tx.delete(&STAMPS, &key);
        }
    }
}
