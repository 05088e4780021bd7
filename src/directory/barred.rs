//! Addresses that provisioning took out of an organization: signing in adds them to it no more (D17).

use super::claim;
use super::effective;
use super::link;
use super::user::{self, User};
use crate::kernel::{EmailAddress, OrgId, Timestamp};
use crate::store::{StoreError, Table, Tx};

/// Who was taken out, and when.
pub(super) const BARRED: Table<(OrgId, EmailAddress), Timestamp> = Table::new("barred_addresses");

/// Provisioning deleted or deactivated this address.
///
/// # Errors
/// [`StoreError`].
pub fn bar(tx: &Tx, organization: OrgId, email: &EmailAddress) -> Result<(), StoreError> {
    tx.put(&BARRED, &(organization, email.clone()), &tx.now())
}

/// Somebody of the organization, or provisioning itself, brings the address back.
pub fn lift(tx: &Tx, organization: OrgId, email: &EmailAddress) {
    tx.delete(&BARRED, &(organization, email.clone()));
}

/// Somebody of the organization makes `account` a member again: what provisioning ended is lifted, its switching off too,
/// if the domain is the organization's (D5, D17). Gives the account as it is then.
///
/// # Errors
/// [`StoreError`].
pub async fn bring_back(tx: &Tx, organization: OrgId, account: User) -> Result<User, StoreError> {
    if !is(tx, organization, &account.email).await? {
        return Ok(account);
    }
    lift(tx, organization, &account.email);
    if account.active || !effective::holds(tx, organization, &account.email.domain()).await? {
        return Ok(account);
    }
    let account = User { active: true, ..account };
    user::save(tx, &account).await?;
    Ok(account)
}

/// An account's address changes: what bars the old one bars the new one, at the organization whose domain the old one is
/// of and at those linked to it.
///
/// # Errors
/// [`StoreError`].
pub async fn follow(tx: &Tx, old: &EmailAddress, new: &EmailAddress) -> Result<(), StoreError> {
    let Some(holder) = claim::holder(tx, &old.domain()).await? else { return Ok(()) };
    let linked = link::linked_to(tx, holder.id).await?;
    for organization in std::iter::once(holder.id).chain(linked.into_iter().map(|linked| linked.id)) {
        if let Some(since) = tx.take(&BARRED, &(organization, old.clone())).await? {
            tx.put(&BARRED, &(organization, new.clone()), &since)?;
        }
    }
    Ok(())
}

/// Whether the address was taken out, and not brought back.
///
/// # Errors
/// [`StoreError`].
pub async fn is(tx: &Tx, organization: OrgId, email: &EmailAddress) -> Result<bool, StoreError> {
    Ok(tx.get(&BARRED, &(organization, email.clone())).await?.is_some())
}

/// The addresses that were taken out of an organization and not brought back, with when, at most `limit`.
///
/// # Errors
/// [`StoreError`].
pub async fn list(tx: &Tx, organization: OrgId, limit: usize) -> Result<Vec<(EmailAddress, Timestamp)>, StoreError> {
    let rows = tx.scan(&BARRED, &organization, None, limit).await?;
    Ok(rows.into_iter().map(|((_, email), since)| (email, since)).collect())
}
