//! A row that moves whenever an account gains a session, a half one or a trusted browser: whoever ends all of them reads
//! it, since what a scan saw is not looked at again at the commit.

use std::time::Duration;

use crate::kernel::{Timestamp, UserId};
use crate::store::{StoreError, Table, TableChecker, Tx, decodes};

/// When an account last gained something, by account.
const STAMPS: Table<UserId, Timestamp> = Table::new("gain_stamps");
/// How long it is kept: far longer than any transaction takes.
const KEPT: Duration = Duration::from_secs(3600);

/// Notes that the account gains a session, a half one or a trusted browser in this transaction.
///
/// # Errors
/// The store's.
pub fn moved(tx: &Tx, user: UserId) -> Result<(), StoreError> {
    tx.put_until(&STAMPS, &user, &tx.now(), tx.now().plus(KEPT))
}

/// To be called before a scan that has to see all that the account has: if it gains more until the commit, the
/// transaction is run again.
///
/// # Errors
/// The store's.
pub async fn watch(tx: &Tx, user: UserId) -> Result<(), StoreError> {
    tx.get(&STAMPS, &user).await.map(|_| ())
}

/// What is promised of the rows.
pub(super) fn checkers() -> Vec<TableChecker> {
    vec![decodes(&STAMPS)]
}
