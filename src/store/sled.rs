//! Records in one sled tree: a commit is atomic across a crash, and durable before it is acknowledged.
//!
//! One tree, because a sled batch is atomic within one tree, and because many trees open slowly and break oftener.
//! Its keys are `table 0x00 key`; its values are a header of 16 bytes (version, expiry) and the encoded value.

use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::sync::broadcast;

use super::backend::{Backend, Batch, CommitError, Record, Row, RowKey, Snapshot, Write};
use super::chain::link;
use super::error::StoreError;
use super::feed::{Change, Feed};
use super::flush::{Done, FlushQueue, Flusher, durable};
use super::pending::{Pair, Rows};
use super::place::{self, Place};
use super::snapshot::{BeforeImages, SledSnapshot};
use crate::kernel::Timestamp;

/// How long opening waits for another process to let go: after `kill -9` the old lock can outlive its owner a little.
pub const OPEN_PATIENCE: Duration = Duration::from_secs(5);
/// The most memory that sled's page cache takes, in bytes.
const CACHE_BYTES: u64 = 128 * 1024 * 1024;
/// The size of a log segment, in bytes. A page larger than a quarter of it is written to a file of its own, which sled
/// never syncs: 16 records of `VALUE_LIMIT` must fit in a page, with room to spare.
const SEGMENT_BYTES: usize = 2 * 1024 * 1024;
/// How many sequence numbers are set aside at once. After a restart counting goes on behind those set aside, so that
/// a number that somebody saw before a crash is never given to another commit.
const SEQUENCE_BLOCK: u64 = 10_000;
/// Where the end of the numbers set aside is kept. No table has an empty name.
pub(super) const CEILING_KEY: &[u8] = b"\0ceiling";
/// Version and expiry before a value, in bytes.
const HEADER_BYTES: usize = 16;
/// What stands for «never expires» in a header.
const NEVER: i64 = i64::MAX;

/// The embedded store: one process, one directory.
pub struct SledBackend {
    rows: Arc<Rows>,
    writer: Mutex<Writer>,
    queue: Arc<FlushQueue>,
    changes: broadcast::Sender<Arc<Change>>,
    // Declared last: dropped last, when nothing can be queued any more.
    _flusher: Flusher,
}

/// What only one commit at a time may touch.
struct Writer {
    /// The last sequence number that was given.
    sequence: u64,
    /// The last sequence number that is set aside.
    ceiling: u64,
    /// Where to keep what a write replaces, for each snapshot in progress.
    snapshots: Vec<Weak<Mutex<BeforeImages>>>,
}

impl SledBackend {
    /// Opens the store in the directory `path`, and makes it if there is none; waits [`OPEN_PATIENCE`] for its lock.
    ///
    /// # Errors
    /// [`StoreError::Locked`] if another process keeps it open; [`StoreError::Damaged`] if its files can't be read or
    /// have lost what they held; [`StoreError::Backend`] if the directory can't be made.
    pub fn open(path: &Path) -> Result<Arc<Self>, StoreError> {
        Self::open_with_patience(path, OPEN_PATIENCE)
    }

    /// As [`open`](Self::open), but waits `patience` for the lock.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with_patience(path: &Path, patience: Duration) -> Result<Arc<Self>, StoreError> {
        let place = Place::take(path, patience)?;
        let tree = place.open_database(patience, config())?;
        let mark = place.read_mark()?;
        let ceiling = read_ceiling(&tree).map_err(|error| place.damaged(&error.to_string()))?;
        if ceiling < mark {
            return Err(place.damaged("it holds less than was acknowledged"));
        }
        Self::start(tree, ceiling, Some(place))
    }

    /// A store in memory, for tests and demonstrations: gone when it is dropped.
    ///
    /// # Errors
    /// [`StoreError::Backend`] if the system has no room for it.
    pub fn temporary() -> Result<Arc<Self>, StoreError> {
        let path = place::temporary()?;
        let tree = guarded(|| config().path(path).temporary(true).open())?;
        Self::start(tree, 0, None)
    }

    /// The last sequence number that is set aside: what the mark must say at least.
    pub(super) fn ceiling(&self) -> u64 {
        self.writer.lock().ceiling
    }

    fn start(tree: sled::Db, ceiling: u64, place: Option<Place>) -> Result<Arc<Self>, StoreError> {
        let (changes, _) = broadcast::channel(super::FEED_CAPACITY);
        let queue = Arc::new(FlushQueue::default());
        let rows = Arc::new(Rows::new(tree));
        let flusher = Flusher::start(Arc::clone(&queue), Arc::clone(&rows), place, changes.clone())?;
        let writer = Mutex::new(Writer { sequence: ceiling, ceiling, snapshots: Vec::new() });
        Ok(Arc::new(SledBackend { rows, writer, queue, changes, _flusher: flusher }))
    }

    /// Makes a batch what everybody reads, and queues it for the flush. No other commit comes between.
    fn apply(&self, batch: Batch) -> Result<Applied, CommitError> {
        let mut writer = self.writer.lock();
        self.queue.check()?;
        for (row, version) in &batch.expected {
            let found = read(&self.rows, row)?.map(|record| record.version);
            if found != *version {
                return Err(CommitError::Conflict);
            }
        }
        let mut writes = batch.writes;
        // Under the same lock as the write: no other commit comes between, so that no head needs to be expected.
        writes.extend(link(batch.appends, |head| Ok(read(&self.rows, head)?.map(|record| record.value)))?);
        if writes.is_empty() {
            return Ok(Applied::Nothing(writer.sequence));
        }
        let rows = writes.iter().map(|write| write.row().clone()).collect();
        let sequence = self.write(&mut writer, |sequence| {
            let pairs = writes.into_iter().map(|write| match write {
                Write::Put { row, value, expires } => (tree_key(&row), Some(encode(sequence, expires, &value))),
                Write::Delete { row } => (tree_key(&row), None),
            });
            pairs.collect()
        })?;
        let done = self.queue.push(Some(Arc::new(Change { sequence, rows })), writer.ceiling);
        Ok(Applied::Queued(sequence, done))
    }

    /// Writes keys under the next sequence number, all or none; the flush puts them into the tree.
    fn write(&self, writer: &mut Writer, fill: impl FnOnce(u64) -> Vec<Pair>) -> Result<u64, StoreError> {
        let sequence = writer.sequence + 1;
        let mut pairs = fill(sequence);
        self.keep_images(writer, &pairs)?;
        if sequence > writer.ceiling {
            writer.ceiling = sequence + SEQUENCE_BLOCK;
            pairs.push((CEILING_KEY.to_vec(), Some(writer.ceiling.to_be_bytes().to_vec())));
        }
        self.rows.keep(sequence, pairs);
        writer.sequence = sequence;
        Ok(sequence)
    }

    /// Has a range of the tree show what waits. What fails in sled leaves memory and log at odds, so that it ends all
    /// writing.
    fn settle_range(&self, start: &[u8], prefix: &[u8]) -> Result<(), StoreError> {
        self.rows.settle_range(start, prefix).inspect_err(|error| self.queue.poison(error))
    }

    /// Keeps what the keys hold before they are written, for the snapshots in progress. A key without an image was not
    /// written since the snapshot, which settled everything before it: the tree holds what it held.
    fn keep_images(&self, writer: &mut Writer, pairs: &[Pair]) -> Result<(), StoreError> {
        writer.snapshots.retain(|snapshot| snapshot.strong_count() > 0);
        for images in writer.snapshots.iter().filter_map(Weak::upgrade) {
            for (key, _) in pairs {
                let held = images.lock().contains_key(key);
                if !held {
                    let image = guarded(|| self.rows.tree.get(key))?;
                    images.lock().insert(key.clone(), image);
                }
            }
        }
        Ok(())
    }
}

/// What became of a batch.
enum Applied {
    /// It had nothing to write.
    Nothing(u64),
    /// It waits for the flush.
    Queued(u64, Done),
}

#[async_trait]
impl Backend for SledBackend {
    async fn get(&self, row: &RowKey) -> Result<Option<Record>, StoreError> {
        read(&self.rows, row)
    }

    async fn scan(
        &self,
        table: &'static str,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let first = tree_key(&RowKey { table, key: prefix.to_vec() });
        let after = after.filter(|after| *after >= prefix).map(|after| join(table, after));
        self.settle_range(after.as_ref().unwrap_or(&first), &first)?;
        let start = after.map_or_else(|| Bound::Included(first.clone()), Bound::Excluded);
        let mut found = Vec::new();
        let mut entries = self.rows.tree.range((start, Bound::Unbounded));
        while found.len() < limit {
            let next = guarded(|| entries.next().transpose())?;
            let Some((key, value)) = next.filter(|(key, _)| key.starts_with(&first)) else { break };
            found.push(read_row(&key, &value)?.1);
        }
        Ok(found)
    }

    async fn commit(&self, batch: Batch) -> Result<u64, CommitError> {
        match self.apply(batch)? {
            Applied::Nothing(sequence) => Ok(sequence),
            Applied::Queued(sequence, done) => {
                durable(done).await?;
                Ok(sequence)
            }
        }
    }

    fn feed(&self) -> Feed {
        Feed::new(self.changes.subscribe())
    }

    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        let images = Arc::default();
        let mut writer = self.writer.lock();
        self.rows.settle().inspect_err(|error| self.queue.poison(error))?;
        writer.snapshots.push(Arc::downgrade(&images));
        Ok(Box::new(SledSnapshot::new(self.rows.tree.clone(), writer.sequence, images)))
    }

    async fn load(&self, rows: Vec<(String, Row)>, above: u64) -> Result<(), StoreError> {
        let done = {
            let mut writer = self.writer.lock();
            self.queue.check()?;
            writer.sequence = writer.sequence.max(above);
            self.write(&mut writer, |sequence| {
                let encoded = |row: &Row| encode(sequence, row.record.expires, &row.record.value);
                rows.iter().map(|(table, row)| (join(table, &row.key), Some(encoded(row)))).collect()
            })?;
            self.queue.push(None, writer.ceiling)
        };
        durable(done).await
    }
}

fn config() -> sled::Config {
    let config = sled::Config::new().mode(sled::Mode::LowSpace).cache_capacity(CACHE_BYTES);
    config.segment_size(SEGMENT_BYTES).flush_every_ms(None)
}

/// Runs a call into sled; its panics count as failures.
pub(super) fn guarded<T>(call: impl FnOnce() -> sled::Result<T>) -> Result<T, StoreError> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result.map_err(|error| StoreError::Backend(error.to_string())),
        Err(_) => Err(StoreError::Backend("the embedded database stopped on an inner contradiction".to_owned())),
    }
}

fn read_ceiling(tree: &sled::Db) -> Result<u64, StoreError> {
    let bytes = guarded(|| tree.get(CEILING_KEY))?;
    let number = bytes.as_deref().map(|bytes| bytes.try_into().map(u64::from_be_bytes));
    number
        .transpose()
        .map_err(|_| StoreError::Backend("its sequence number does not decode".to_owned()))
        .map(Option::unwrap_or_default)
}

fn read(rows: &Rows, row: &RowKey) -> Result<Option<Record>, StoreError> {
    rows.get(&tree_key(row))?.map(|bytes| decode(row.table, &bytes)).transpose()
}

/// A row and its table from an entry of the tree.
pub(super) fn read_row(key: &[u8], value: &[u8]) -> Result<(String, Row), StoreError> {
    let (table, key) = split(key)?;
    let record = decode(super::table::intern(table), value)?;
    Ok((table.to_owned(), Row { key: key.to_vec(), record }))
}

fn tree_key(row: &RowKey) -> Vec<u8> {
    join(row.table, &row.key)
}

fn join(table: &str, key: &[u8]) -> Vec<u8> {
    [table.as_bytes(), &[0], key].concat()
}

fn split(bytes: &[u8]) -> Result<(&str, &[u8]), StoreError> {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let key = bytes.get(end + 1..);
    let table = std::str::from_utf8(&bytes[..end]).ok();
    table.zip(key).ok_or_else(|| StoreError::Backend("a key in the database has no table".to_owned()))
}

fn encode(version: u64, expires: Option<Timestamp>, value: &[u8]) -> Vec<u8> {
    let expires = expires.map_or(NEVER, Timestamp::millis);
    [&version.to_be_bytes()[..], &expires.to_be_bytes(), value].concat()
}

fn decode(table: &'static str, bytes: &[u8]) -> Result<Record, StoreError> {
    let header = bytes.split_at_checked(HEADER_BYTES);
    let parts = header.and_then(|(head, value)| Some((head.split_first_chunk::<8>()?, value)));
    let Some(((version, expires), value)) = parts else {
        return Err(StoreError::Decode { table, reason: "it is shorter than its header".to_owned() });
    };
    let expires = i64::from_be_bytes(expires.try_into().unwrap_or([0; 8]));
    Ok(Record {
        version: u64::from_be_bytes(*version),
        expires: (expires != NEVER).then(|| Timestamp::from_millis(expires)),
        value: value.to_vec(),
    })
}
