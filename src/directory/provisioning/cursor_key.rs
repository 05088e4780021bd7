//! The key that signs cursors: of the store, so that they outlive a restart and are good at every node (S27).

use crate::kernel::{Rng, Secret};
use crate::store::{StoreError, Table, Tx};

/// The key, at [`PLACE`].
pub(in crate::directory) const KEYS: Table<String, Secret<[u8; 32]>> = Table::new("scim_cursor_key");
const PLACE: &str = "key";

/// The key; made if there is none yet.
///
/// # Errors
/// [`StoreError`].
pub async fn cursor_key(tx: &Tx, rng: &dyn Rng) -> Result<Secret<[u8; 32]>, StoreError> {
    if let Some(key) = tx.get(&KEYS, &PLACE.to_owned()).await? {
        return Ok(key);
    }
    let key = Secret::new(rng.bytes());
    tx.put(&KEYS, &PLACE.to_owned(), &key)?;
    Ok(key)
}
