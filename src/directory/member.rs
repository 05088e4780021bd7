//! Members: a user in an organization, with one role and the origin of the membership (D16).

use serde::{Deserialize, Serialize};

use super::error::DirectoryError;
use super::member_index;
use super::organization::Organization;
use super::team_member;
use super::user::{self, User};
use crate::kernel::{OrgId, Role, Timestamp, UserId};
use crate::store::{StoreError, Table, Tx};

/// Members by organization and user.
pub const MEMBERS: Table<(OrgId, UserId), Member> = Table::new("members");
/// The other way round: the organizations of a user.
pub(super) const BY_USER: Table<(UserId, OrgId), ()> = Table::new("member_by_user");
/// The memberships that sleep, so that they are found among many.
pub(super) const ASLEEP: Table<(OrgId, UserId), ()> = Table::new("members_asleep");

/// How many members one page of a listing holds at most.
pub const PAGE: usize = 500;
/// How many organizations one account can be in.
pub const MEMBERSHIP_LIMIT: usize = 500;

/// How a membership came to be (D16).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// By a person's or the operator's hand.
    Hand,
    /// At the first sign-in, by `idp_managed_access`.
    Jit,
    /// By provisioning.
    Scim,
}

/// A user in an organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The organization.
    pub organization: OrgId,
    /// The user.
    pub user: UserId,
    /// The role.
    pub role: Role,
    /// How it came to be.
    pub origin: Origin,
    /// Since when.
    pub created: Timestamp,
    /// It counts for nothing until somebody of the organization confirms it: the domain of the address changed hands,
    /// and whoever has the address now need not be who was meant.
    #[serde(default)]
    pub asleep: bool,
}

/// Adds a member. A membership that sleeps is none: it is replaced.
///
/// # Errors
/// [`DirectoryError::AlreadyAMember`]; [`DirectoryError::InvalidSetting`] over [`MEMBERSHIP_LIMIT`].
pub async fn add(
    tx: &Tx,
    organization: &Organization,
    user: &User,
    role: Role,
    origin: Origin,
) -> Result<Member, DirectoryError> {
    let key = (organization.id, user.id);
    let held = record(tx, organization.id, user.id).await?;
    // Before anything is written: provisioning passes over whom the limit stops.
    if held.is_none() && of_user(tx, user.id).await?.len() >= MEMBERSHIP_LIMIT {
        let text = format!("{} is in {MEMBERSHIP_LIMIT} organizations already: that is the limit", user.email);
        return Err(DirectoryError::InvalidSetting(text));
    }
    match held {
        Some(member) if !member.asleep => {
            return Err(DirectoryError::AlreadyAMember(organization.slug.clone(), user.email.clone()));
        }
        // Nor are its teams taken over: whoever has the address now need not be who was put into them.
        Some(_) => {
            team_member::remove_all_of_user(tx, organization.id, user.id).await?;
            tx.delete(&ASLEEP, &key);
        }
        None => {}
    }
    let created = tx.now();
    let member = Member { organization: organization.id, user: user.id, role, origin, created, asleep: false };
    tx.put(&MEMBERS, &key, &member)?;
    tx.put(&BY_USER, &(user.id, organization.id), &())?;
    let account = user::by_id(tx, user.id).await?;
    if let Some(account) = &account {
        // Unchanged: whoever changes the address meanwhile looks again at where it is listed.
        tx.put(&user::USERS, &user.id, account)?;
    }
    member_index::list(tx, organization.id, account.as_ref().unwrap_or(user))?;
    Ok(member)
}

/// The membership of `user` in `organization`, if there is one that counts: what every decision asks.
pub async fn find(tx: &Tx, organization: OrgId, user: UserId) -> Result<Option<Member>, StoreError> {
    Ok(record(tx, organization, user).await?.filter(|member| !member.asleep))
}

/// The record of a membership, even if it sleeps: for lists and checks alone.
pub async fn record(tx: &Tx, organization: OrgId, user: UserId) -> Result<Option<Member>, StoreError> {
    tx.get(&MEMBERS, &(organization, user)).await
}

/// Puts the membership to sleep; gives it if it was awake.
pub async fn put_to_sleep(tx: &Tx, organization: OrgId, user: UserId) -> Result<Option<Member>, StoreError> {
    let Some(member) = find(tx, organization, user).await? else {
        return Ok(None);
    };
    let member = Member { asleep: true, ..member };
    tx.put(&MEMBERS, &(organization, user), &member)?;
    tx.put(&ASLEEP, &(organization, user), &())?;
    Ok(Some(member))
}

/// Wakes a membership that sleeps: somebody of the organization says that this person is meant. `false`: it was awake.
///
/// # Errors
/// [`DirectoryError::NotAMember`].
pub async fn wake(tx: &Tx, organization: &Organization, user: &User) -> Result<bool, DirectoryError> {
    let Some(member) = record(tx, organization.id, user.id).await? else {
        return Err(DirectoryError::NotAMember(organization.slug.clone(), user.email.clone()));
    };
    let slept = member.asleep;
    if slept {
        tx.put(&MEMBERS, &(organization.id, user.id), &Member { asleep: false, ..member })?;
        tx.delete(&ASLEEP, &(organization.id, user.id));
    }
    Ok(slept)
}

/// Changes a member's role.
///
/// # Errors
/// [`DirectoryError::NotAMember`]; [`DirectoryError::Asleep`] if the membership sleeps.
pub async fn set_role(tx: &Tx, organization: &Organization, user: &User, role: Role) -> Result<Member, DirectoryError> {
    let Some(mut member) = record(tx, organization.id, user.id).await? else {
        return Err(DirectoryError::NotAMember(organization.slug.clone(), user.email.clone()));
    };
    if member.asleep {
        return Err(DirectoryError::Asleep(organization.slug.clone(), user.email.clone()));
    }
    member.role = role;
    tx.put(&MEMBERS, &(organization.id, user.id), &member)?;
    Ok(member)
}

/// Ends a membership, in the organization and in its teams; sessions in that organization end within a second, by way
/// of the change feed.
///
/// # Errors
/// [`DirectoryError::NotAMember`].
pub async fn remove(tx: &Tx, organization: &Organization, user: &User) -> Result<Member, DirectoryError> {
    let Some(member) = tx.take(&MEMBERS, &(organization.id, user.id)).await? else {
        return Err(DirectoryError::NotAMember(organization.slug.clone(), user.email.clone()));
    };
    tx.delete(&BY_USER, &(user.id, organization.id));
    tx.delete(&ASLEEP, &(organization.id, user.id));
    let account = user::by_id(tx, user.id).await?;
    member_index::unlist(tx, organization.id, account.as_ref().unwrap_or(user));
    team_member::remove_all_of_user(tx, organization.id, user.id).await?;
    Ok(member)
}

/// The members of an organization behind `after`, at most [`PAGE`]; those whose membership sleeps too.
pub async fn list(tx: &Tx, organization: OrgId, after: Option<UserId>) -> Result<Vec<Member>, StoreError> {
    let after = after.map(|user| (organization, user));
    let rows = tx.scan(&MEMBERS, &organization, after.as_ref(), PAGE).await?;
    Ok(rows.into_iter().map(|(_, member)| member).collect())
}

/// Whether somebody owns the organization: awake, and with an account that is on.
pub async fn has_owner(tx: &Tx, organization: OrgId) -> Result<bool, StoreError> {
    let mut after = None;
    loop {
        let page = list(tx, organization, after).await?;
        let Some(last) = page.last() else { return Ok(false) };
        after = Some(last.user);
        for owner in page.iter().filter(|member| member.role == Role::Owner && !member.asleep) {
            // Read again by their keys, so that of two who take each other's ownership at once one is refused.
            let still = find(tx, organization, owner.user).await?.is_some_and(|held| held.role == Role::Owner);
            if still && user::by_id(tx, owner.user).await?.is_some_and(|account| account.active) {
                return Ok(true);
            }
        }
    }
}

/// The memberships of an organization that sleep, at most `limit`.
pub async fn sleeping(tx: &Tx, organization: OrgId, limit: usize) -> Result<Vec<Member>, StoreError> {
    let mut found = Vec::new();
    for ((_, user), ()) in tx.scan(&ASLEEP, &organization, None, limit).await? {
        found.extend(record(tx, organization, user).await?);
    }
    Ok(found)
}

/// The organizations that a user is a member of, awake or not, at most [`MEMBERSHIP_LIMIT`].
pub async fn of_user(tx: &Tx, user: UserId) -> Result<Vec<OrgId>, StoreError> {
    let rows = tx.scan(&BY_USER, &user, None, MEMBERSHIP_LIMIT).await?;
    Ok(rows.into_iter().map(|((_, organization), ())| organization).collect())
}

/// Ends all memberships of an organization.
pub(super) async fn remove_all(tx: &Tx, organization: OrgId) -> Result<(), StoreError> {
    member_index::remove_all(tx, organization).await?;
    loop {
        let page = list(tx, organization, None).await?;
        if page.is_empty() {
            return Ok(());
        }
        for member in page {
            tx.delete(&MEMBERS, &(organization, member.user));
            tx.delete(&BY_USER, &(member.user, organization));
            tx.delete(&ASLEEP, &(organization, member.user));
        }
    }
}
