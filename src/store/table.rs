//! A table: a name and two types. Rooms declare theirs as constants.

use std::collections::BTreeSet;
use std::marker::PhantomData;

use parking_lot::Mutex;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::VALUE_LIMIT;
use super::backend::RowKey;
use super::error::StoreError;
use super::key::Key;
use crate::kernel::Timestamp;

/// The longest name of a table, in bytes.
const NAME_LIMIT: usize = 32;

/// A table of `V` by `K`. Values are kept as JSON, so that an export can be read and a field can be added.
///
/// ```
/// use vestibule::kernel::{OrgId, Slug};
/// use vestibule::store::Table;
/// const BY_SLUG: Table<Slug, OrgId> = Table::new("org_by_slug");
/// ```
pub struct Table<K, V> {
    /// The name: at most 32 bytes of `[a-z_]`, used once in the whole program.
    pub name: &'static str,
    types: PhantomData<fn() -> (K, V)>,
}

pub(super) const META: Table<String, u32> = Table::new("meta");
/// When which row expires: (moment, table, key of the row).
pub(super) const EXPIRY: Table<(Timestamp, String, String), ()> = Table::new("expiry");

impl<K: Key, V: Serialize + DeserializeOwned> Table<K, V> {
    /// A table of that name.
    pub const fn new(name: &'static str) -> Self {
        assert!(is_table_name(name), "a table's name has 1 to 32 bytes of [a-z_]");
        Table { name, types: PhantomData }
    }

    pub(super) fn row(&self, key: &K) -> RowKey {
        RowKey { table: self.name, key: encode_key(key) }
    }

    pub(super) fn decode_key(&self, mut bytes: &[u8]) -> Result<K, StoreError> {
        let key = K::decode(&mut bytes).filter(|_| bytes.is_empty());
        key.ok_or(StoreError::Decode { table: self.name, reason: "the key has another form".to_owned() })
    }

    pub(super) fn decode_value(&self, bytes: &[u8]) -> Result<V, StoreError> {
        serde_json::from_slice(bytes)
            .map_err(|error| StoreError::Decode { table: self.name, reason: error.to_string() })
    }

    pub(super) fn encode_value(&self, value: &V) -> Result<Vec<u8>, StoreError> {
        let bytes = serde_json::to_vec(value)
            .map_err(|error| StoreError::Decode { table: self.name, reason: error.to_string() })?;
        if bytes.len() > VALUE_LIMIT {
            return Err(StoreError::TooLarge { table: self.name, size: bytes.len() });
        }
        Ok(bytes)
    }
}

/// Whether a table may have this name.
pub(super) const fn is_table_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    let mut index = 0;
    while index < bytes.len() {
        if !(bytes[index] == b'_' || bytes[index].is_ascii_lowercase()) {
            return false;
        }
        index += 1;
    }
    !bytes.is_empty() && bytes.len() <= NAME_LIMIT
}

pub(super) fn encode_key(key: &impl Key) -> Vec<u8> {
    let mut out = Vec::with_capacity(32);
    key.encode(&mut out);
    out
}

/// The lasting form of a table's name that was read from data: the number of tables is small and fixed.
pub(super) fn intern(name: &str) -> &'static str {
    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut names = NAMES.lock();
    if let Some(held) = names.get(name) {
        return held;
    }
    let held: &'static str = Box::leak(name.to_owned().into_boxed_str());
    names.insert(held);
    held
}
