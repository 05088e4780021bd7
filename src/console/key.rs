//! The key that proves forms: of the store, so that it outlives a restart and is good at every node.

use crate::kernel::{Rng, Secret};
use crate::store::{StoreError, Table, TableChecker, Tx, decodes};

/// The key, at [`PLACE`].
const KEYS: Table<String, Secret<[u8; 32]>> = Table::new("console_key");
const PLACE: &str = "key";

/// The key; made if there is none yet.
///
/// # Errors
/// [`StoreError`].
pub async fn load(tx: &Tx, rng: &dyn Rng) -> Result<Secret<[u8; 32]>, StoreError> {
    if let Some(key) = tx.get(&KEYS, &PLACE.to_owned()).await? {
        return Ok(key);
    }
    let key = Secret::new(rng.bytes());
    tx.put(&KEYS, &PLACE.to_owned(), &key)?;
    Ok(key)
}

/// What is promised of the table.
pub fn checkers() -> Vec<TableChecker> {
    vec![decodes(&KEYS)]
}
