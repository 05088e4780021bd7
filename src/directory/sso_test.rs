//! The last test of each organization's single sign-on: what a sign-in would have come to, which signed nobody in.

use super::login::{KEPT_FOR, LoginRecord};
use crate::kernel::OrgId;
use crate::store::{StoreError, Table, TableChecker, Tx, decodes};

/// The last test, by the organization of the connection.
const TESTS: Table<OrgId, LoginRecord> = Table::new("sso_tests");

/// Keeps a test in place of the one before, as long as a sign-in is kept.
///
/// # Errors
/// [`StoreError`].
pub fn keep(tx: &Tx, connection: OrgId, record: &LoginRecord) -> Result<(), StoreError> {
    tx.put_until(&TESTS, &connection, &record.fitted(), record.at.plus(KEPT_FOR))
}

/// The last test of a connection.
///
/// # Errors
/// [`StoreError`].
pub async fn last(tx: &Tx, connection: OrgId) -> Result<Option<LoginRecord>, StoreError> {
    tx.get(&TESTS, &connection).await
}

/// What is promised of the records.
pub(super) fn checkers() -> Vec<TableChecker> {
    vec![decodes(&TESTS)]
}
