//! Groups of an Admin organization: who is in one is a member of the linked organization that it stands for (S9).
//!
//! A group whose name no linked organization has is kept, and counts once one has it (G.c). Members are rows of their own
//! with a mirror, as those of teams.

use serde::{Deserialize, Serialize};

use super::error::ProvisioningError;
use super::group::{Group, Moved, addresses};
use super::mapping::{self, Taken};
use super::scope::ProvisioningScope;
use crate::directory::barred;
use crate::directory::organization::Organization;
use crate::directory::team::{self, EXTERNAL_ID_LIMIT, TeamStamp};
use crate::directory::user::User;
use crate::kernel::{OrgId, Rng, TeamId, Timestamp, UserId};
use crate::store::{StoreError, Table, Tx};

/// Groups by Admin organization and id.
pub(in crate::directory) const GROUPS: Table<(OrgId, TeamId), LinkedGroup> = Table::new("scim_groups");
/// Which group has a name, folded.
pub(in crate::directory) const BY_NAME: Table<(OrgId, String), TeamId> = Table::new("scim_group_by_name");
/// Who is in a group.
pub(in crate::directory) const MEMBERS: Table<(OrgId, TeamId, UserId), Timestamp> = Table::new("scim_group_members");
/// The other way round: the groups of an account.
pub(in crate::directory) const BY_PERSON: Table<(UserId, OrgId, TeamId), ()> = Table::new("scim_group_by_person");
/// When a group, or who is in it, last changed. Written without being read, like the stamps of teams.
pub(in crate::directory) const STAMPS: Table<(OrgId, TeamId), TeamStamp> = Table::new("scim_group_stamps");

/// When somebody was last put into a group, or by one into a linked organization. Written without being read; whoever
/// takes a person out of all their groups reads it, and is run again if they are put into one meanwhile.
pub(in crate::directory) const PERSON_STAMPS: Table<(OrgId, UserId), Timestamp> =
    Table::new("scim_group_person_stamps");

/// How many rows one step of a listing reads.
const PAGE: usize = 500;

/// A group of an Admin organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkedGroup {
    /// The id; never used again.
    pub id: TeamId,
    /// The Admin organization.
    pub organization: OrgId,
    /// The name as it was sent; unique there without case.
    pub name: String,
    /// What the identity provider calls it.
    #[serde(default)]
    pub external_id: Option<String>,
    /// Since when.
    pub created: Timestamp,
}

pub(super) async fn view(tx: &Tx, group: LinkedGroup) -> Result<Group, StoreError> {
    let stamp = stamp(tx, &group).await?;
    Ok(Group {
        id: group.id,
        display_name: group.name,
        external_id: group.external_id,
        created: group.created,
        modified: stamp.updated,
        version: stamp.version,
    })
}

pub(super) async fn stamp(tx: &Tx, group: &LinkedGroup) -> Result<TeamStamp, StoreError> {
    let held = tx.get(&STAMPS, &(group.organization, group.id)).await?;
    Ok(held.unwrap_or_else(|| TeamStamp { updated: group.created, version: "0".to_owned() }))
}

fn touch(tx: &Tx, rng: &dyn Rng, organization: OrgId, group: TeamId) -> Result<(), StoreError> {
    tx.put(&STAMPS, &(organization, group), &TeamStamp { updated: tx.now(), version: rng.token::<9>() })
}

/// Says that somebody is put into a group, or by one into a linked organization.
pub(super) fn touch_person(tx: &Tx, organization: OrgId, account: UserId) -> Result<(), StoreError> {
    tx.put(&PERSON_STAMPS, &(organization, account), &tx.now())
}

/// From here on the transaction is run again if somebody is put into a group meanwhile: before the first scan.
pub(super) async fn watch_person(tx: &Tx, organization: OrgId, account: UserId) -> Result<(), StoreError> {
    tx.get(&PERSON_STAMPS, &(organization, account)).await?;
    Ok(())
}

pub(super) async fn by_id(tx: &Tx, organization: OrgId, id: TeamId) -> Result<Option<LinkedGroup>, StoreError> {
    tx.get(&GROUPS, &(organization, id)).await
}

pub(super) async fn by_name(tx: &Tx, organization: OrgId, name: &str) -> Result<Option<LinkedGroup>, StoreError> {
    match tx.get(&BY_NAME, &(organization, team::fold(name))).await? {
        Some(id) => by_id(tx, organization, id).await,
        None => Ok(None),
    }
}

pub(super) async fn list(
    tx: &Tx,
    organization: OrgId,
    after: Option<TeamId>,
    limit: usize,
) -> Result<Vec<LinkedGroup>, StoreError> {
    let after = after.map(|group| (organization, group));
    let rows = tx.scan(&GROUPS, &organization, after.as_ref(), limit).await?;
    Ok(rows.into_iter().map(|(_, group)| group).collect())
}

pub(super) async fn has(tx: &Tx, organization: OrgId, group: TeamId, account: UserId) -> Result<bool, StoreError> {
    Ok(tx.get(&MEMBERS, &(organization, group, account)).await?.is_some())
}

pub(super) async fn accounts(tx: &Tx, organization: OrgId, group: TeamId) -> Result<Vec<UserId>, StoreError> {
    let mut found: Vec<UserId> = Vec::new();
    loop {
        let after = found.last().map(|last| (organization, group, *last));
        let page = tx.scan(&MEMBERS, &(organization, group), after.as_ref(), PAGE).await?;
        if page.is_empty() {
            return Ok(found);
        }
        found.extend(page.into_iter().map(|((.., account), _)| account));
    }
}

pub(super) async fn of_person(
    tx: &Tx,
    organization: OrgId,
    account: UserId,
) -> Result<Vec<(TeamId, String)>, StoreError> {
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = tx.scan(&BY_PERSON, &(account, organization), after.as_ref(), PAGE).await?;
        let Some((last, ())) = page.last() else { return Ok(found) };
        after = Some(*last);
        for ((.., id), ()) in page {
            found.extend(by_id(tx, organization, id).await?.map(|group| (group.id, group.name)));
        }
    }
}

fn valid_external_id(external_id: Option<String>) -> Result<Option<String>, ProvisioningError> {
    if external_id.as_ref().is_some_and(|id| id.len() > EXTERNAL_ID_LIMIT) {
        let text = format!("externalId has at most {EXTERNAL_ID_LIMIT} bytes");
        return Err(ProvisioningError::InvalidValue(text));
    }
    Ok(external_id)
}

pub(super) async fn create(
    tx: &Tx,
    rng: &dyn Rng,
    organization: OrgId,
    name: &str,
    external_id: Option<String>,
) -> Result<LinkedGroup, ProvisioningError> {
    let name = team::valid_name(name)?;
    let place = (organization, team::fold(&name));
    if tx.get(&BY_NAME, &place).await?.is_some() {
        return Err(ProvisioningError::GroupNameTaken);
    }
    let external_id = valid_external_id(external_id)?;
    let group = LinkedGroup { id: TeamId::random(rng), organization, name, external_id, created: tx.now() };
    tx.put(&BY_NAME, &place, &group.id)?;
    tx.put(&GROUPS, &(organization, group.id), &group)?;
    touch(tx, rng, organization, group.id)?;
    Ok(group)
}

/// Another name ends what the group stood for, and may be the name of another linked organization (G.f).
pub(super) async fn describe(
    tx: &Tx,
    rng: &dyn Rng,
    scope: &ProvisioningScope,
    held: &LinkedGroup,
    name: &str,
    external_id: Option<String>,
) -> Result<LinkedGroup, ProvisioningError> {
    let (organization, name) = (held.organization, team::valid_name(name)?);
    let after = LinkedGroup { name, external_id: valid_external_id(external_id)?, ..held.clone() };
    let (old, new) = ((organization, team::fold(&held.name)), (organization, team::fold(&after.name)));
    if old != new {
        if tx.get(&BY_NAME, &new).await?.is_some() {
            return Err(ProvisioningError::GroupNameTaken);
        }
        unmap(tx, rng, scope, held).await?;
        tx.delete(&BY_NAME, &old);
        tx.put(&BY_NAME, &new, &held.id)?;
        if let Some(linked) = mapping::stands_for(tx, organization, &after.name).await? {
            let members = mapping::seen(tx, organization, accounts(tx, organization, held.id).await?).await?;
            let added = mapping::put_kept_in(tx, organization, &linked, &members).await?;
            tell(tx, rng, scope, &linked, &after.name, (&[], &added))?;
        }
    }
    tx.put(&GROUPS, &(organization, held.id), &after)?;
    touch(tx, rng, organization, held.id)?;
    Ok(after)
}

/// Whom provisioning put into the linked organization that the group stands for leaves it (D16).
async fn unmap(tx: &Tx, rng: &dyn Rng, scope: &ProvisioningScope, held: &LinkedGroup) -> Result<(), ProvisioningError> {
    // Having read the stamp, this is run again if somebody is put in meanwhile.
    stamp(tx, held).await?;
    if let Some(linked) = mapping::stands_for(tx, held.organization, &held.name).await? {
        let removed = mapping::empty(tx, held.organization, &linked, &held.name).await?;
        tell(tx, rng, scope, &linked, &held.name, (&removed, &[]))?;
    }
    Ok(())
}

async fn put_all_in(tx: &Tx, linked: &Organization, members: &[User]) -> Result<Vec<User>, ProvisioningError> {
    let mut added = Vec::new();
    for account in members {
        if mapping::put_in(tx, linked, account).await? {
            added.push(account.clone());
        }
    }
    Ok(added)
}

fn tell(
    tx: &Tx,
    rng: &dyn Rng,
    scope: &ProvisioningScope,
    linked: &Organization,
    group: &str,
    (before, after): (&[User], &[User]),
) -> Result<(), StoreError> {
    if before.is_empty() && after.is_empty() {
        return Ok(());
    }
    scope.audit(tx, rng, linked.id, "scim.member.move", group, (addresses(before), addresses(after)))
}

/// Puts people in and takes others out, and with them in and out of the linked organization; gives who moved.
pub(super) async fn move_members(
    tx: &Tx,
    rng: &dyn Rng,
    scope: &ProvisioningScope,
    held: &LinkedGroup,
    (come, gone): (&[User], &[User]),
    moved: &mut Moved,
) -> Result<(Vec<User>, Vec<User>), ProvisioningError> {
    let (organization, group) = (held.organization, held.id);
    let linked = mapping::stands_for(tx, organization, &held.name).await?;
    let (mut added, mut removed, mut joined, mut left) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for account in gone {
        let key = (organization, group, account.id);
        if tx.take(&MEMBERS, &key).await?.is_none() {
            continue;
        }
        tx.delete(&BY_PERSON, &(account.id, organization, group));
        removed.push(account.clone());
        let Some(linked) = &linked else { continue };
        match mapping::take_out(tx, linked, account, false).await? {
            Taken::Out => left.push(account.clone()),
            Taken::LastOwner => moved.kept += 1,
            Taken::Nothing => {}
        }
        // Signing in must not undo it (S10).
        barred::bar(tx, linked.id, &account.email)?;
    }
    for account in come {
        touch_person(tx, organization, account.id)?;
        let key = (organization, group, account.id);
        if tx.get(&MEMBERS, &key).await?.is_some() {
            continue;
        }
        tx.put(&MEMBERS, &key, &tx.now())?;
        tx.put(&BY_PERSON, &(account.id, organization, group), &())?;
        added.push(account.clone());
    }
    if let Some(linked) = &linked {
        joined = put_all_in(tx, linked, come).await?;
        tell(tx, rng, scope, linked, &held.name, (&left, &joined))?;
    }
    if !added.is_empty() || !removed.is_empty() || !joined.is_empty() {
        touch(tx, rng, organization, group)?;
    }
    Ok((added, removed))
}

pub(super) async fn delete(
    tx: &Tx,
    rng: &dyn Rng,
    scope: &ProvisioningScope,
    held: &LinkedGroup,
) -> Result<(), ProvisioningError> {
    unmap(tx, rng, scope, held).await?;
    Ok(remove(tx, held).await?)
}

async fn remove(tx: &Tx, held: &LinkedGroup) -> Result<(), StoreError> {
    let place = (held.organization, held.id);
    for account in accounts(tx, held.organization, held.id).await? {
        tx.delete(&MEMBERS, &(held.organization, held.id, account));
        tx.delete(&BY_PERSON, &(account, held.organization, held.id));
    }
    tx.delete(&BY_NAME, &(held.organization, team::fold(&held.name)));
    tx.delete(&GROUPS, &place);
    tx.delete(&STAMPS, &place);
    Ok(())
}

/// Takes somebody who was deleted out of every group, so that no ghost stays (S33).
pub(super) async fn forget_person(tx: &Tx, organization: OrgId, account: UserId) -> Result<(), StoreError> {
    watch_person(tx, organization, account).await?;
    loop {
        let page = tx.scan(&BY_PERSON, &(account, organization), None, PAGE).await?;
        if page.is_empty() {
            break;
        }
        for ((.., group), ()) in page {
            tx.delete(&MEMBERS, &(organization, group, account));
            tx.delete(&BY_PERSON, &(account, organization, group));
            // Where no chance is at hand, who and when say what no other change says.
            let version = format!("{account}-{}", tx.now().millis());
            tx.put(&STAMPS, &(organization, group), &TeamStamp { updated: tx.now(), version })?;
        }
    }
    tx.delete(&PERSON_STAMPS, &(organization, account));
    Ok(())
}

/// Removes all groups of an organization that ends.
pub(super) async fn remove_all(tx: &Tx, organization: OrgId) -> Result<(), StoreError> {
    loop {
        let page = list(tx, organization, None, PAGE).await?;
        if page.is_empty() {
            break;
        }
        for group in page {
            stamp(tx, &group).await?;
            remove(tx, &group).await?;
        }
    }
    loop {
        let page = tx.scan(&PERSON_STAMPS, &organization, None, PAGE).await?;
        if page.is_empty() {
            return Ok(());
        }
        for (key, _) in page {
            tx.delete(&PERSON_STAMPS, &key);
        }
    }
}
