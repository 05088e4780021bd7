//! Passwords of accounts, as hashes. Who may use one where is decided elsewhere: an organization that requires single
//! sign-on takes none.

use serde::{Deserialize, Serialize};

use super::user;
use crate::kernel::{Secret, Timestamp, UserId};
use crate::store::{StoreError, Table, TableChecker, Tx, checker};

/// The password of an account.
const PASSWORDS: Table<UserId, Password> = Table::new("passwords");

/// An account's password.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Password {
    /// The hash in PHC form: `$argon2id$v=19$m=…,t=…,p=…$salt$hash`.
    hash: Secret<String>,
    /// When it was set.
    pub set: Timestamp,
}

impl PartialEq for Password {
    fn eq(&self, other: &Self) -> bool {
        self.hash.expose() == other.hash.expose() && self.set == other.set
    }
}
impl Eq for Password {}

impl Password {
    /// The hash. Never log it.
    pub fn hash(&self) -> &str {
        self.hash.expose()
    }
}

/// The password of an account, if it has one.
///
/// # Errors
/// The store's.
pub async fn find(tx: &Tx, user: UserId) -> Result<Option<Password>, StoreError> {
    tx.get(&PASSWORDS, &user).await
}

/// Gives an account a password, by its hash.
///
/// # Errors
/// The store's.
pub fn set(tx: &Tx, user: UserId, hash: &str) -> Result<(), StoreError> {
    tx.put(&PASSWORDS, &user, &Password { hash: Secret::new(hash.to_owned()), set: tx.now() })
}

/// Writes the same password under another hash, unless it was changed meanwhile.
///
/// # Errors
/// The store's.
pub async fn upgrade(tx: &Tx, user: UserId, held: &Password, hash: &str) -> Result<(), StoreError> {
    if find(tx, user).await?.as_ref() == Some(held) {
        tx.put(&PASSWORDS, &user, &Password { hash: Secret::new(hash.to_owned()), set: held.set })?;
    }
    Ok(())
}

/// Takes an account's password away: whoever had it need not be who has the address now. Gives whether there was one.
///
/// # Errors
/// The store's.
pub async fn forget(tx: &Tx, user: UserId) -> Result<bool, StoreError> {
    Ok(tx.take(&PASSWORDS, &user).await?.is_some())
}

/// What is promised of the records.
pub(super) fn checkers() -> Vec<TableChecker> {
    vec![checker(&PASSWORDS, async |tx: Tx, user, _: Password| {
        let there = user::by_id(&tx, user).await?.is_some();
        Ok((!there).then(|| "there is no such account".to_owned()))
    })]
}
