//! Addresses that provisioning took out of an organization: signing in adds them to it no more (D17).

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

/// Whether the address was taken out, and not brought back.
///
/// # Errors
/// [`StoreError`].
pub async fn is(tx: &Tx, organization: OrgId, email: &EmailAddress) -> Result<bool, StoreError> {
    Ok(tx.get(&BARRED, &(organization, email.clone())).await?.is_some())
}
