//! Which organization a person was in last: where they go after a sign-in that names none (D13).

use crate::kernel::{OrgId, UserId};
use crate::store::{StoreError, Table, Tx};

/// The organization that somebody's newest session was made in.
pub(super) const LAST_USED: Table<UserId, OrgId> = Table::new("last_used_organization");

/// Notes that `user` is in `organization` now; whoever makes a session does.
///
/// # Errors
/// The store's.
pub fn note(tx: &Tx, user: UserId, organization: OrgId) -> Result<(), StoreError> {
    tx.put(&LAST_USED, &user, &organization)
}

/// Where `user` was last; they need not be a member there any more, nor need it exist.
///
/// # Errors
/// The store's.
pub async fn find(tx: &Tx, user: UserId) -> Result<Option<OrgId>, StoreError> {
    tx.get(&LAST_USED, &user).await
}
