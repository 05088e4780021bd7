//! Chains: values numbered in the order of their commits, each bound to the one before it by a hash.
//!
//! No transaction reads the end of a chain: the backend gives numbers and hashes while it commits, where no other
//! commit comes between. So writers of one chain never run into each other, and no number is given twice or left out.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest::{Context, SHA256};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::VALUE_LIMIT;
use super::backend::{RowKey, Write};
use super::error::StoreError;
use super::feed::Change;
use super::key::Key;
use super::table::{Table, encode_key};
use super::tx::{Tx, hex, unhex};

/// What a hash covers first, so that it is the hash of nothing else.
const DOMAIN: &[u8] = b"vestibule chain 1\0";
/// What a link takes beside its value, in bytes, at most.
const LINK_BYTES: usize = 256;

/// SHA-256 over a value, its place, and the hash before it: in hexadecimal as text.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ChainHash([u8; 32]);

impl ChainHash {
    /// What the first link follows.
    pub const START: ChainHash = ChainHash([0; 32]);
}

impl fmt::Display for ChainHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for ChainHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ChainHash({self})")
    }
}

impl From<ChainHash> for String {
    fn from(hash: ChainHash) -> String {
        hash.to_string()
    }
}

/// The text is no hash of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a hash: 64 hexadecimal digits are wanted")]
pub struct InvalidHash;

impl FromStr for ChainHash {
    type Err = InvalidHash;
    fn from_str(text: &str) -> Result<Self, InvalidHash> {
        let bytes = unhex(text).filter(|_| text.len() == 64).and_then(|bytes| bytes.try_into().ok());
        bytes.map(ChainHash).ok_or(InvalidHash)
    }
}

impl TryFrom<String> for ChainHash {
    type Error = InvalidHash;
    fn try_from(text: String) -> Result<Self, InvalidHash> {
        text.parse()
    }
}

/// The end of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// How many links there are: the number of the last one, since they are counted from one.
    pub number: u64,
    /// The hash of the last one.
    pub hash: ChainHash,
}

/// A value in its place. Kept as JSON, so that the hash covers what this version has no name for, too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The hash of the one before.
    pub previous: ChainHash,
    /// Its own.
    pub hash: ChainHash,
    /// The value.
    pub value: Value,
}

/// Chains of `V`, one for each `K`. Rooms declare theirs as constants.
pub struct Chain<K, V> {
    pub(super) links: Table<(K, u64), Link>,
    pub(super) heads: Table<K, Head>,
    value: std::marker::PhantomData<fn() -> V>,
}

/// What is to be put at the end of a chain once the rest of its batch is committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Append {
    /// The table of the links.
    pub links: &'static str,
    /// Where the chain's head is.
    pub head: RowKey,
    /// The value.
    pub value: Value,
}

impl<K: Key + Clone, V: Serialize + DeserializeOwned> Chain<K, V> {
    /// Chains whose links and heads are in tables of these names.
    pub const fn new(links: &'static str, heads: &'static str) -> Self {
        Chain { links: Table::new(links), heads: Table::new(heads), value: std::marker::PhantomData }
    }

    /// Puts `value` at the end of the chain of `key`, when the transaction commits: until then nobody sees it, this
    /// transaction included.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`].
    pub fn append(&self, tx: &Tx, key: &K, value: &V) -> Result<(), StoreError> {
        let failed =
            |reason: serde_json::Error| StoreError::Decode { table: self.links.name, reason: reason.to_string() };
        let value = serde_json::to_value(value).map_err(failed)?;
        let size = value.to_string().len() + LINK_BYTES;
        if size > VALUE_LIMIT {
            return Err(StoreError::TooLarge { table: self.links.name, size });
        }
        tx.append(Append { links: self.links.name, head: self.heads.row(key), value });
        Ok(())
    }

    /// The end of the chain of `key`; `None` if nothing was ever put there.
    pub async fn head(&self, tx: &Tx, key: &K) -> Result<Option<Head>, StoreError> {
        tx.get(&self.heads, key).await
    }

    /// Every chain behind `after`, in the order of keys, at most `limit`.
    pub async fn heads(&self, tx: &Tx, after: Option<&K>, limit: usize) -> Result<Vec<(K, Head)>, StoreError> {
        tx.scan(&self.heads, &(), after, limit).await
    }

    /// The values behind the number `after`, with theirs, at most `limit`.
    pub async fn page(&self, tx: &Tx, key: &K, after: u64, limit: usize) -> Result<Vec<(u64, V)>, StoreError> {
        let rows = tx.scan(&self.links, key, Some(&(key.clone(), after)), limit).await?;
        rows.into_iter().map(|((_, number), link)| Ok((number, self.read(link)?))).collect()
    }

    /// The value of this number.
    pub async fn get(&self, tx: &Tx, key: &K, number: u64) -> Result<Option<V>, StoreError> {
        tx.get(&self.links, &(key.clone(), number)).await?.map(|link| self.read(link)).transpose()
    }

    /// The hash of this number.
    pub async fn hash(&self, tx: &Tx, key: &K, number: u64) -> Result<Option<ChainHash>, StoreError> {
        Ok(tx.get(&self.links, &(key.clone(), number)).await?.map(|link| link.hash))
    }

    /// Which chains a commit made longer.
    pub fn extended(&self, change: &Change) -> impl Iterator<Item = K> {
        change.keys(&self.heads)
    }

    fn read(&self, link: Link) -> Result<V, StoreError> {
        serde_json::from_value(link.value)
            .map_err(|error| StoreError::Decode { table: self.links.name, reason: error.to_string() })
    }

    /// The hash that the link of this number must have.
    pub(super) fn seal(&self, key: &K, number: u64, previous: ChainHash, value: &Value) -> ChainHash {
        seal(self.links.name, &encode_key(key), number, previous, value)
    }
}

/// The hash of a link. Every part but the last has a known length or tells it.
fn seal(table: &str, key: &[u8], number: u64, previous: ChainHash, value: &Value) -> ChainHash {
    let mut context = Context::new(&SHA256);
    context.update(DOMAIN);
    for part in [table.as_bytes(), key] {
        context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        context.update(part);
    }
    context.update(&number.to_be_bytes());
    context.update(&previous.0);
    context.update(value.to_string().as_bytes());
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    ChainHash(hash)
}

/// What a commit writes for its appends, given the heads as they are at this very moment: for backends.
///
/// # Errors
/// [`StoreError::Decode`] if a head is damaged: nothing is put behind an end that is not known.
pub fn link(
    appends: Vec<Append>,
    head: impl Fn(&RowKey) -> Result<Option<Vec<u8>>, StoreError>,
) -> Result<Vec<Write>, StoreError> {
    let mut heads: BTreeMap<RowKey, Head> = BTreeMap::new();
    let mut writes = Vec::with_capacity(appends.len() + 1);
    for Append { links, head: place, value } in appends {
        let end = match heads.get(&place) {
            Some(end) => *end,
            None => match head(&place)? {
                Some(bytes) => serde_json::from_slice(&bytes)
                    .map_err(|error| StoreError::Decode { table: place.table, reason: error.to_string() })?,
                None => Head { number: 0, hash: ChainHash::START },
            },
        };
        let (number, previous) = (end.number.saturating_add(1), end.hash);
        let hash = seal(links, &place.key, number, previous, &value);
        let mut key = place.key.clone();
        number.encode(&mut key);
        writes.push(put(RowKey { table: links, key }, &Link { previous, hash, value })?);
        heads.insert(place, Head { number, hash });
    }
    for (place, end) in heads {
        writes.push(put(place, &end)?);
    }
    Ok(writes)
}

fn put(row: RowKey, value: &impl Serialize) -> Result<Write, StoreError> {
    let value = serde_json::to_vec(value)
        .map_err(|error| StoreError::Decode { table: row.table, reason: error.to_string() })?;
    Ok(Write::Put { row, value, expires: None })
}
