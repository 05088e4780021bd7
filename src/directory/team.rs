//! Teams of a customer organization: a name, optionally a role that their members have at least (D2), and a stamp.
//!
//! Who is in a team stands in [`team_member`], in rows of its own: moving one person never rewrites
//! a team, so of many that change a team at once nobody loses what another did.

use serde::{Deserialize, Serialize};

use super::error::DirectoryError;
use super::member::{self, Origin};
use super::organization::{self, OrgKind, Organization};
use super::provisioning::token;
use super::team_member;
use crate::kernel::{OrgId, Rng, Role, TeamId, Timestamp, UserId};
use crate::store::{StoreError, Table, Tx};

/// Teams by organization and id.
pub const TEAMS: Table<(OrgId, TeamId), Team> = Table::new("teams");
/// Which team has a name, folded.
pub(super) const BY_NAME: Table<(OrgId, String), TeamId> = Table::new("team_by_name");
/// When a team, or who is in it, last changed. Written without being read, so that changes don't wait for each other;
/// [`ALL_TEAMS`] stands for the organization's list of teams.
pub(super) const STAMPS: Table<(OrgId, TeamId), TeamStamp> = Table::new("team_stamps");

/// The place of the stamp of an organization's list of teams.
pub(super) const ALL_TEAMS: TeamId = TeamId::from_bytes([0; 16]);
/// The longest name of a team, in characters.
pub const NAME_LIMIT: usize = 200;
/// The longest name of a team once folded, in bytes: it must fit a key of the store.
const FOLDED_LIMIT: usize = 800;
/// The longest external id, in bytes.
pub const EXTERNAL_ID_LIMIT: usize = 1000;
/// How many teams one page of a listing holds at most.
pub const PAGE: usize = 500;

/// A team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Team {
    /// The id; never used again.
    pub id: TeamId,
    /// Whose it is.
    pub organization: OrgId,
    /// The name as it was typed; unique within the organization without case.
    pub name: String,
    /// The role that its members have at least, set by hand (D2). Never owner.
    #[serde(default)]
    pub role: Option<Role>,
    /// Made by hand, or kept by provisioning: then its name and its members are not changed by hand.
    pub origin: Origin,
    /// What provisioning calls it.
    #[serde(default)]
    pub external_id: Option<String>,
    /// Since when.
    pub created: Timestamp,
}

/// When a team last changed, itself or in its members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamStamp {
    /// When.
    pub updated: Timestamp,
    /// Another text after each change, for entity tags.
    pub version: String,
}

/// A name as it is compared: «Ops» and «OPS» are one.
pub fn fold(name: &str) -> String {
    name.trim().to_uppercase().to_lowercase()
}

/// A team's name: trimmed, 1 to [`NAME_LIMIT`] characters, no control characters.
///
/// # Errors
/// [`DirectoryError::InvalidSetting`].
pub fn valid_name(text: &str) -> Result<String, DirectoryError> {
    let name = text.trim();
    let fits = !name.is_empty() && name.chars().count() <= NAME_LIMIT && fold(name).len() <= FOLDED_LIMIT;
    if !fits || name.chars().any(char::is_control) {
        let text = format!("a team's name has 1 to {NAME_LIMIT} characters, none of them a control character");
        return Err(DirectoryError::InvalidSetting(text));
    }
    Ok(name.to_owned())
}

/// A role that a team can carry (D2).
///
/// # Errors
/// [`DirectoryError::InvalidSetting`] for owner: owners are made one by one.
pub fn valid_role(role: Option<Role>) -> Result<Option<Role>, DirectoryError> {
    if role == Some(Role::Owner) {
        let text = "a team can't make owners: give it admin, billing_admin or member, and name owners one by one";
        return Err(DirectoryError::InvalidSetting(text.to_owned()));
    }
    Ok(role)
}

/// Makes a team, without a role.
///
/// # Errors
/// [`DirectoryError::NoTeamsHere`] for an Admin organization; [`DirectoryError::TeamNameTaken`];
/// [`DirectoryError::InvalidSetting`] for the name; [`DirectoryError::NoSuchOrganization`] if it is gone.
pub async fn create(
    tx: &Tx,
    rng: &dyn Rng,
    organization: &Organization,
    name: &str,
    origin: Origin,
    external_id: Option<String>,
) -> Result<Team, DirectoryError> {
    if organization.kind == OrgKind::Admin {
        return Err(DirectoryError::NoTeamsHere(organization.slug.clone()));
    }
    let name = valid_name(name)?;
    if organization::by_id(tx, organization.id).await?.is_none() {
        return Err(DirectoryError::NoSuchOrganization(organization.slug.clone()));
    }
    let place = (organization.id, fold(&name));
    if tx.get(&BY_NAME, &place).await?.is_some() {
        return Err(DirectoryError::TeamNameTaken(organization.slug.clone(), name));
    }
    let id = TeamId::random(rng);
    let external_id = valid_external_id(external_id)?;
    let team = Team { id, organization: organization.id, name, role: None, origin, external_id, created: tx.now() };
    tx.put(&BY_NAME, &place, &id)?;
    tx.put(&TEAMS, &(organization.id, id), &team)?;
    touch(tx, rng, organization.id, id)?;
    touch(tx, rng, organization.id, ALL_TEAMS)?;
    Ok(team)
}

fn valid_external_id(external_id: Option<String>) -> Result<Option<String>, DirectoryError> {
    if external_id.as_ref().is_some_and(|id| id.len() > EXTERNAL_ID_LIMIT) {
        let text = format!("an external id has at most {EXTERNAL_ID_LIMIT} bytes");
        return Err(DirectoryError::InvalidSetting(text));
    }
    Ok(external_id)
}

/// Moves the stamp of a team.
pub(super) fn touch(tx: &Tx, rng: &dyn Rng, organization: OrgId, team: TeamId) -> Result<(), StoreError> {
    let stamp = TeamStamp { updated: tx.now(), version: rng.token::<9>() };
    tx.put(&STAMPS, &(organization, team), &stamp)
}

/// Moves the stamp of a team that somebody left with the organization: where no chance is at hand, who and when say
/// what no other change says.
pub(super) fn touch_for_leaver(tx: &Tx, organization: OrgId, team: TeamId, user: UserId) -> Result<(), StoreError> {
    let stamp = TeamStamp { updated: tx.now(), version: format!("{user}-{}", tx.now().millis()) };
    tx.put(&STAMPS, &(organization, team), &stamp)
}

/// When a team last changed. Having read it, a transaction is run again if the team or its members change meanwhile.
pub async fn stamp(tx: &Tx, team: &Team) -> Result<TeamStamp, StoreError> {
    let held = tx.get(&STAMPS, &(team.organization, team.id)).await?;
    Ok(held.unwrap_or_else(|| TeamStamp { updated: team.created, version: "0".to_owned() }))
}

/// From here on the transaction is run again if the team, or who is in it, changes meanwhile, even where it moves the stamp
/// itself.
pub async fn watch(tx: &Tx, team: &Team) -> Result<(), StoreError> {
    tx.before(&STAMPS, &(team.organization, team.id)).await.map(|_| ())
}

/// The team with this id in this organization.
pub async fn by_id(tx: &Tx, organization: OrgId, id: TeamId) -> Result<Option<Team>, StoreError> {
    tx.get(&TEAMS, &(organization, id)).await
}

/// The team of this name, without case.
pub async fn find_by_name(tx: &Tx, organization: OrgId, name: &str) -> Result<Option<Team>, StoreError> {
    let folded = fold(name);
    if folded.len() > FOLDED_LIMIT {
        return Ok(None);
    }
    match tx.get(&BY_NAME, &(organization, folded)).await? {
        Some(id) => by_id(tx, organization, id).await,
        None => Ok(None),
    }
}

/// The team of this name, without case.
///
/// # Errors
/// [`DirectoryError::NoSuchTeam`].
pub async fn by_name(tx: &Tx, organization: &Organization, name: &str) -> Result<Team, DirectoryError> {
    let found = find_by_name(tx, organization.id, name).await?;
    found.ok_or_else(|| DirectoryError::NoSuchTeam(organization.slug.clone(), name.trim().to_owned()))
}

/// The teams of an organization behind `after`, in the order of their ids, at most `limit`.
pub async fn list(tx: &Tx, organization: OrgId, after: Option<TeamId>, limit: usize) -> Result<Vec<Team>, StoreError> {
    let after = after.map(|team| (organization, team));
    let rows = tx.scan(&TEAMS, &organization, after.as_ref(), limit).await?;
    Ok(rows.into_iter().map(|(_, team)| team).collect())
}

/// Every team of an organization, in the order of their names.
pub async fn list_all(tx: &Tx, organization: OrgId) -> Result<Vec<Team>, StoreError> {
    let mut found: Vec<Team> = Vec::new();
    loop {
        let page = list(tx, organization, found.last().map(|last| last.id), PAGE).await?;
        if page.is_empty() {
            found.sort_by_cached_key(|team| fold(&team.name));
            return Ok(found);
        }
        found.extend(page);
    }
}

/// The teams of an organization in the order of their names, behind the folded name `after`, at most `limit`.
pub async fn list_by_name(
    tx: &Tx,
    organization: OrgId,
    after: Option<String>,
    limit: usize,
) -> Result<Vec<Team>, StoreError> {
    let after = after.map(|name| (organization, name));
    let mut found = Vec::new();
    for (_, id) in tx.scan(&BY_NAME, &organization, after.as_ref(), limit).await? {
        found.extend(by_id(tx, organization, id).await?);
    }
    Ok(found)
}

/// Refuses a change by hand of what provisioning keeps: the next push would undo it. Where no push can come, since there
/// is no token, or it rests under a link, teams are changed by hand again.
///
/// # Errors
/// [`DirectoryError::TeamIsProvisioned`].
pub async fn by_hand(tx: &Tx, organization: &Organization, team: &Team) -> Result<(), DirectoryError> {
    if is_by_hand(tx, organization, team).await? {
        return Ok(());
    }
    Err(DirectoryError::TeamIsProvisioned(organization.slug.clone(), team.name.clone()))
}

/// Whether a team is changed by hand: see [`by_hand`].
pub async fn is_by_hand(tx: &Tx, organization: &Organization, team: &Team) -> Result<bool, StoreError> {
    match team.origin {
        Origin::Scim => Ok(!token::counts(tx, organization.id).await?),
        Origin::Hand | Origin::Jit => Ok(true),
    }
}

/// Gives a team another name.
///
/// # Errors
/// [`DirectoryError::TeamNameTaken`]; [`DirectoryError::InvalidSetting`] for the name.
pub async fn rename(
    tx: &Tx,
    rng: &dyn Rng,
    organization: &Organization,
    team: &Team,
    name: &str,
) -> Result<Team, DirectoryError> {
    let name = valid_name(name)?;
    let place = (organization.id, fold(&name));
    if tx.get(&BY_NAME, &place).await?.is_some_and(|holder| holder != team.id) {
        return Err(DirectoryError::TeamNameTaken(organization.slug.clone(), name));
    }
    tx.delete(&BY_NAME, &(organization.id, fold(&team.name)));
    tx.put(&BY_NAME, &place, &team.id)?;
    save(tx, rng, Team { name, ..team.clone() })
}

/// Sets or takes away the role that a team's members have at least (D2).
///
/// # Errors
/// [`DirectoryError::InvalidSetting`] for owner.
pub fn set_role(tx: &Tx, rng: &dyn Rng, team: &Team, role: Option<Role>) -> Result<Team, DirectoryError> {
    save(tx, rng, Team { role: valid_role(role)?, ..team.clone() })
}

/// Says who keeps a team from now on, and what provisioning calls it. The role stays (D2).
///
/// # Errors
/// [`DirectoryError::InvalidSetting`] for an external id over [`EXTERNAL_ID_LIMIT`].
pub fn set_origin(
    tx: &Tx,
    rng: &dyn Rng,
    team: &Team,
    origin: Origin,
    external_id: Option<String>,
) -> Result<Team, DirectoryError> {
    let external_id = valid_external_id(external_id)?;
    save(tx, rng, Team { origin, external_id, ..team.clone() })
}

/// Writes a team that the caller read in this transaction with [`by_id`] or by its name.
fn save(tx: &Tx, rng: &dyn Rng, team: Team) -> Result<Team, DirectoryError> {
    tx.put(&TEAMS, &(team.organization, team.id), &team)?;
    touch(tx, rng, team.organization, team.id)?;
    Ok(team)
}

/// Removes a team; whoever was in it stays a member of the organization.
pub async fn delete(tx: &Tx, rng: &dyn Rng, team: &Team) -> Result<(), StoreError> {
    let place = (team.organization, team.id);
    // Reading the stamp has this run again if somebody is put into the team meanwhile.
    tx.get(&STAMPS, &place).await?;
    team_member::remove_all_of_team(tx, rng, team.organization, team.id).await?;
    tx.delete(&BY_NAME, &(team.organization, fold(&team.name)));
    tx.delete(&TEAMS, &place);
    tx.delete(&STAMPS, &place);
    touch(tx, rng, team.organization, ALL_TEAMS)
}

/// Removes all teams of an organization that ends.
pub(super) async fn remove_all(tx: &Tx, organization: OrgId) -> Result<(), StoreError> {
    // As in `delete`: whoever makes a team meanwhile has this run again.
    tx.get(&STAMPS, &(organization, ALL_TEAMS)).await?;
    for team in list_all(tx, organization).await? {
        tx.get(&STAMPS, &(organization, team.id)).await?;
        tx.delete(&BY_NAME, &(organization, fold(&team.name)));
        tx.delete(&TEAMS, &(organization, team.id));
        tx.delete(&STAMPS, &(organization, team.id));
    }
    tx.delete(&STAMPS, &(organization, ALL_TEAMS));
    team_member::remove_all_of_organization(tx, organization).await
}

/// The role that somebody has in an organization, their teams considered (D2): what every decision about roles asks.
/// `None`: they are no member, or their membership sleeps.
pub async fn role_of(tx: &Tx, organization: OrgId, user: UserId) -> Result<Option<Role>, StoreError> {
    let Some(member) = member::find(tx, organization, user).await? else { return Ok(None) };
    Ok(Some(effective_role(member.role, &team_member::of_user(tx, organization, user).await?)))
}

/// The role that a member has: their own, or that of one of their teams, whichever is stronger (D2).
pub fn effective_role(own: Role, teams: &[Team]) -> Role {
    teams.iter().filter_map(|team| team.role).fold(own, Role::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d2_the_stronger_role_counts() {
        let check = |own: Role, teams: &[Option<Role>], expected: Role| {
            let team = |role: &Option<Role>| Team {
                id: TeamId::from_bytes([1; 16]),
                organization: OrgId::from_bytes([1; 16]),
                name: "Ops".to_owned(),
                role: *role,
                origin: Origin::Hand,
                external_id: None,
                created: Timestamp::EPOCH,
            };
            let teams: Vec<Team> = teams.iter().map(team).collect();
            assert_eq!(effective_role(own, &teams), expected, "{own} {teams:?}");
        };
        check(Role::Member, &[], Role::Member);
        check(Role::Member, &[None], Role::Member);
        check(Role::Member, &[None, Some(Role::BillingAdmin)], Role::BillingAdmin);
        check(Role::Member, &[Some(Role::Admin), Some(Role::BillingAdmin)], Role::Admin);
        check(Role::Admin, &[Some(Role::BillingAdmin)], Role::Admin);
        check(Role::Owner, &[Some(Role::Admin), Some(Role::Member)], Role::Owner);
        assert!(valid_role(Some(Role::Owner)).is_err(), "no team makes owners");
        assert!(valid_role(Some(Role::Admin)).is_ok());
    }

    #[test]
    fn a_name_is_compared_without_case_and_kept_as_typed() {
        assert_eq!(fold(" Ops Straße "), fold("OPS STRASSE"));
        assert_ne!(fold("Ops"), fold("Op s"));
        assert_eq!(valid_name(" Ops ").unwrap(), "Ops");
        for wrong in ["", "  ", "a\nb", &"x".repeat(NAME_LIMIT + 1)] {
            assert!(valid_name(wrong).is_err(), "{wrong:?}");
        }
    }
}
