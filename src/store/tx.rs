//! A transaction: reads are remembered with their versions, writes are kept back until the commit.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::backend::{Backend, Batch, CommitError, Record, RowKey, Write};
use super::chain::Append;
use super::error::StoreError;
use super::key::Key;
use super::table::{EXPIRY, Table, encode_key};
use crate::kernel::Timestamp;

/// A transaction in progress. Clones are the same transaction.
#[derive(Clone)]
pub struct Tx {
    backend: Arc<dyn Backend>,
    now: Timestamp,
    state: Arc<Mutex<State>>,
    /// Whether there will be a commit, at which what was read is looked at again.
    commits: bool,
}

#[derive(Default)]
struct State {
    expected: BTreeMap<RowKey, Option<u64>>,
    writes: BTreeMap<RowKey, Pending>,
    appends: Vec<Append>,
}

/// A write kept back; `None`: the row is to be removed.
#[derive(Clone)]
struct Pending(Option<(Vec<u8>, Option<Timestamp>)>);

impl Tx {
    pub(super) fn begin(backend: Arc<dyn Backend>, now: Timestamp) -> Self {
        Tx { backend, now, state: Arc::default(), commits: true }
    }

    /// One that only reads, and is never committed.
    pub(super) fn reader(backend: Arc<dyn Backend>, now: Timestamp) -> Self {
        Tx { commits: false, ..Tx::begin(backend, now) }
    }

    /// The moment at which this transaction happens.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The value at `key`, as this transaction would leave it. If the record has changed by the commit, the
    /// transaction is run again.
    ///
    /// # Errors
    /// [`StoreError::Backend`] and [`StoreError::Decode`].
    pub async fn get<K, V>(&self, table: &Table<K, V>, key: &K) -> Result<Option<V>, StoreError>
    where
        K: Key,
        V: Serialize + DeserializeOwned,
    {
        self.read(table, key, self.commits).await
    }

    /// As [`get`](Self::get), but not looked at again at the commit: for what may be a little old.
    ///
    /// # Errors
    /// [`StoreError::Backend`] and [`StoreError::Decode`].
    pub async fn peek<K, V>(&self, table: &Table<K, V>, key: &K) -> Result<Option<V>, StoreError>
    where
        K: Key,
        V: Serialize + DeserializeOwned,
    {
        self.read(table, key, false).await
    }

    async fn read<K, V>(&self, table: &Table<K, V>, key: &K, checked: bool) -> Result<Option<V>, StoreError>
    where
        K: Key,
        V: Serialize + DeserializeOwned,
    {
        let row = table.row(key);
        let pending = self.state.lock().writes.get(&row).cloned();
        if let Some(Pending(pending)) = pending {
            let live = pending.filter(|(_, expires)| self.is_live(*expires));
            return live.map(|(bytes, _)| table.decode_value(&bytes)).transpose();
        }
        self.committed(table, row, checked).await
    }

    /// The value at `key` as it was before this transaction, which may have written it since. If the record has changed by
    /// the commit, the transaction is run again.
    ///
    /// # Errors
    /// [`StoreError::Backend`] and [`StoreError::Decode`].
    pub async fn before<K, V>(&self, table: &Table<K, V>, key: &K) -> Result<Option<V>, StoreError>
    where
        K: Key,
        V: Serialize + DeserializeOwned,
    {
        self.committed(table, table.row(key), self.commits).await
    }

    async fn committed<K, V>(&self, table: &Table<K, V>, row: RowKey, checked: bool) -> Result<Option<V>, StoreError>
    where
        K: Key,
        V: Serialize + DeserializeOwned,
    {
        let record = self.backend.get(&row).await?;
        if checked {
            let version = record.as_ref().map(|record| record.version);
            self.state.lock().expected.entry(row).or_insert(version);
        }
        let live = record.filter(|record| self.is_live(record.expires));
        live.map(|record| table.decode_value(&record.value)).transpose()
    }

    /// The keys of `table` that this transaction writes or removes, in their order, whether or not that changes anything.
    ///
    /// # Errors
    /// [`StoreError::Decode`].
    pub fn written<K, V>(&self, table: &Table<K, V>) -> Result<Vec<K>, StoreError>
    where
        K: Key,
        V: Serialize + DeserializeOwned,
    {
        let state = self.state.lock();
        let first = RowKey { table: table.name, key: Vec::new() };
        let of_table = state.writes.range(first..).take_while(|(row, _)| row.table == table.name);
        of_table.map(|(row, _)| table.decode_key(&row.key)).collect()
    }

    /// The record itself, expired or not, and not as this transaction would leave it: for checks of the whole store.
    pub(super) async fn get_raw(&self, row: &RowKey) -> Result<Option<Record>, StoreError> {
        let record = self.backend.get(row).await?;
        self.state.lock().expected.entry(row.clone()).or_insert(record.as_ref().map(|record| record.version));
        Ok(record)
    }

    /// The rows whose key starts with `prefix` (`&()`: all) and sorts behind `after`, in key order, at most `limit`,
    /// as this transaction would leave them. Rows that a scan saw are not checked again at the commit: read a row
    /// that a decision depends on with [`get`](Self::get).
    ///
    /// # Errors
    /// [`StoreError::Backend`] and [`StoreError::Decode`].
    pub async fn scan<K, V, P>(
        &self,
        table: &Table<K, V>,
        prefix: &P,
        after: Option<&K>,
        limit: usize,
    ) -> Result<Vec<(K, V)>, StoreError>
    where
        K: Key,
        V: Serialize + DeserializeOwned,
        P: Key,
    {
        let prefix = encode_key(prefix);
        let mut after = after.map(encode_key);
        let mut found: Vec<(K, V)> = Vec::new();
        loop {
            let wanted = limit - found.len();
            let rows = self.backend.scan(table.name, &prefix, after.as_deref(), wanted).await?;
            let end = if rows.len() < wanted { None } else { rows.last().map(|row| row.key.clone()) };
            let live =
                rows.into_iter().filter(|row| self.is_live(row.record.expires)).map(|row| (row.key, row.record.value));
            let merged = self.merge(table.name, &prefix, after.as_deref(), end.as_deref(), live.collect());
            for (key, value) in merged.into_iter().take(wanted) {
                found.push((table.decode_key(&key)?, table.decode_value(&value)?));
            }
            match end {
                Some(end) if found.len() < limit => after = Some(end),
                _ => return Ok(found),
            }
        }
    }

    /// Overlays the writes kept back on rows between `after` (exclusive) and `end` (inclusive, `None`: open).
    fn merge(
        &self,
        table: &'static str,
        prefix: &[u8],
        after: Option<&[u8]>,
        end: Option<&[u8]>,
        rows: BTreeMap<Vec<u8>, Vec<u8>>,
    ) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let mut rows = rows;
        let state = self.state.lock();
        let first = RowKey { table, key: prefix.to_vec() };
        let of_table = state.writes.range(first..).take_while(|(row, _)| row.table == table);
        for (row, Pending(pending)) in of_table.take_while(|(row, _)| row.key.starts_with(prefix)) {
            let key = row.key.as_slice();
            if after.is_some_and(|after| key <= after) || end.is_some_and(|end| key > end) {
                continue;
            }
            match pending {
                Some((value, expires)) if self.is_live(*expires) => rows.insert(row.key.clone(), value.clone()),
                _ => rows.remove(key),
            };
        }
        rows
    }

    /// Writes `value` at `key`, whatever is there.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`].
    pub fn put<K, V>(&self, table: &Table<K, V>, key: &K, value: &V) -> Result<(), StoreError>
    where
        K: Key,
        V: Serialize + DeserializeOwned,
    {
        let value = table.encode_value(value)?;
        self.state.lock().writes.insert(table.row(key), Pending(Some((value, None))));
        Ok(())
    }

    /// Writes `value` at `key` until `expires`; from then on it counts as absent, and a sweep removes it.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`].
    pub fn put_until<K, V>(&self, table: &Table<K, V>, key: &K, value: &V, expires: Timestamp) -> Result<(), StoreError>
    where
        K: Key,
        V: Serialize + DeserializeOwned,
    {
        let value = table.encode_value(value)?;
        let row = table.row(key);
        let marker = EXPIRY.row(&(expires, table.name.to_owned(), hex(&row.key)));
        let mut state = self.state.lock();
        if let Some(Pending(Some((_, Some(before))))) =
            state.writes.insert(row.clone(), Pending(Some((value, Some(expires)))))
        {
            state.writes.remove(&EXPIRY.row(&(before, table.name.to_owned(), hex(&row.key))));
        }
        state.writes.insert(marker, Pending(Some((b"null".to_vec(), None))));
        Ok(())
    }

    /// Removes what is at `key`, if anything.
    pub fn delete<K, V>(&self, table: &Table<K, V>, key: &K)
    where
        K: Key,
        V: Serialize + DeserializeOwned,
    {
        self.state.lock().writes.insert(table.row(key), Pending(None));
    }

    /// Takes what is at `key`: of many that try, at whatever node, one gets it.
    ///
    /// # Errors
    /// [`StoreError::Backend`] and [`StoreError::Decode`].
    pub async fn take<K, V>(&self, table: &Table<K, V>, key: &K) -> Result<Option<V>, StoreError>
    where
        K: Key,
        V: Serialize + DeserializeOwned,
    {
        let found = self.get(table, key).await?;
        if found.is_some() {
            self.delete(table, key);
        }
        Ok(found)
    }

    /// Marks `key` as used until `expires`; `false` if it was used already. Of many that try, one gets `true`.
    ///
    /// # Errors
    /// [`StoreError::Backend`] and [`StoreError::Decode`].
    pub async fn use_once<K: Key>(
        &self,
        table: &Table<K, ()>,
        key: &K,
        expires: Timestamp,
    ) -> Result<bool, StoreError> {
        if self.get(table, key).await?.is_some() {
            return Ok(false);
        }
        self.put_until(table, key, &(), expires)?;
        Ok(true)
    }

    pub(super) fn append(&self, append: Append) {
        self.state.lock().appends.push(append);
    }

    fn is_live(&self, expires: Option<Timestamp>) -> bool {
        expires.is_none_or(|expires| self.now < expires)
    }

    /// Removes at most `limit` expired rows; gives how many markers it worked off.
    pub(super) async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        let due = self.backend.scan(EXPIRY.name, &[], None, limit).await?;
        let mut count = 0;
        for marker in due {
            let (moment, table, key) = EXPIRY.decode_key(&marker.key)?;
            if moment > self.now {
                break;
            }
            count += 1;
            let table = super::table::intern(&table);
            let reason = "the key that expires is not hexadecimal";
            let key = unhex(&key).ok_or(StoreError::Decode { table: EXPIRY.name, reason: reason.to_owned() })?;
            let row = RowKey { table, key };
            let record = self.backend.get(&row).await?;
            let mut state = self.state.lock();
            state.writes.insert(RowKey { table: EXPIRY.name, key: marker.key }, Pending(None));
            if let Some(record) = record.filter(|record| !self.is_live(record.expires)) {
                state.expected.insert(row.clone(), Some(record.version));
                state.writes.insert(row, Pending(None));
            }
        }
        Ok(count)
    }

    pub(super) async fn commit(self) -> Result<(), CommitError> {
        let state = std::mem::take(&mut *self.state.lock());
        // A single read needs no check; several must have been true at one moment.
        if state.writes.is_empty() && state.appends.is_empty() && state.expected.len() < 2 {
            return Ok(());
        }
        let writes = state.writes.into_iter().map(|(row, Pending(pending))| match pending {
            Some((value, expires)) => Write::Put { row, value, expires },
            None => Write::Delete { row },
        });
        let (expected, writes) = (state.expected.into_iter().collect(), writes.collect());
        let batch = Batch { expected, writes, appends: state.appends };
        self.backend.commit(batch).await.map(|_| ())
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok());
    text.as_bytes().chunks(2).map(|pair| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?)).collect()
}
