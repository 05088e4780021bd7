//! Leases: of all nodes, one at a time holds a named one, so that a job runs once.

use std::time::Duration;

use super::error::StoreError;
use super::table::Table;
use super::tx::Tx;

/// Who holds which lease. An expired lease is free.
const LEASES: Table<String, String> = Table::new("lease");

/// Takes the lease `name` for `holder`, or renews it if `holder` has it, for `duration` from now; `false` if another
/// holds it. A job that may last longer than its lease renews it on the way, and stops if it can't.
///
/// # Errors
/// [`StoreError::Backend`] and [`StoreError::Decode`].
pub async fn take_lease(tx: &Tx, name: &str, holder: &str, duration: Duration) -> Result<bool, StoreError> {
    let key = name.to_owned();
    if tx.get(&LEASES, &key).await?.is_some_and(|other| other != holder) {
        return Ok(false);
    }
    tx.put_until(&LEASES, &key, &holder.to_owned(), tx.now().plus(duration))?;
    Ok(true)
}

/// Gives the lease `name` back if `holder` has it; else does nothing.
///
/// # Errors
/// [`StoreError::Backend`] and [`StoreError::Decode`].
pub async fn release_lease(tx: &Tx, name: &str, holder: &str) -> Result<(), StoreError> {
    let key = name.to_owned();
    if tx.get(&LEASES, &key).await?.is_some_and(|other| other == holder) {
        tx.delete(&LEASES, &key);
    }
    Ok(())
}
