//! What a backend must offer. Everything else (tables, indexes, expiry, consume-once) is built on this, once.

use async_trait::async_trait;

use super::chain::Append;
use super::error::StoreError;
use super::feed::Feed;
use crate::kernel::Timestamp;

/// Where a record is: its table, and its key within it. Keys sort as bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowKey {
    /// The table's name: at most 32 bytes of `[a-z_]`.
    pub table: &'static str,
    /// The encoded key: at most 1 KiB.
    pub key: Vec<u8>,
}

/// A record as the backend keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The sequence number of the commit that wrote it: never the same for two writes of one key.
    pub version: u64,
    /// From when on it counts as absent.
    pub expires: Option<Timestamp>,
    /// The encoded value.
    pub value: Vec<u8>,
}

/// A record with its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The key within the table.
    pub key: Vec<u8>,
    /// The record.
    pub record: Record,
}

/// One write of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// Writes a record.
    Put {
        /// Where.
        row: RowKey,
        /// The encoded value.
        value: Vec<u8>,
        /// From when on it counts as absent.
        expires: Option<Timestamp>,
    },
    /// Removes a record, if it is there.
    Delete {
        /// Where.
        row: RowKey,
    },
}

impl Write {
    /// Where it writes.
    pub fn row(&self) -> &RowKey {
        match self {
            Write::Put { row, .. } | Write::Delete { row } => row,
        }
    }
}

/// An atomic change: applied whole if every expectation holds, else not at all.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// The version that each row must still have; `None`: it must be absent. Expired rows count with their version.
    pub expected: Vec<(RowKey, Option<u64>)>,
    /// The writes; no row twice.
    pub writes: Vec<Write>,
    /// What is put at the ends of chains, in this order; [`link`](super::link) says what that writes.
    pub appends: Vec<Append>,
}

/// Why a batch was not applied.
#[derive(Clone, Debug)]
pub enum CommitError {
    /// An expectation did not hold: another commit came first.
    Conflict,
    /// The backend failed.
    Store(StoreError),
}

impl From<StoreError> for CommitError {
    fn from(error: StoreError) -> Self {
        CommitError::Store(error)
    }
}

/// All rows as they were at one moment.
#[async_trait]
pub trait Snapshot: Send {
    /// The sequence number of the newest commit that it shows.
    fn sequence(&self) -> u64;

    /// The next rows with their tables, some `limit` of them (one at least), in the order of tables and keys; none
    /// once all were given.
    async fn next(&mut self, limit: usize) -> Result<Vec<(String, Row)>, StoreError>;
}

/// Keeps records. Implementations: [`SledBackend`](super::SledBackend); PostgreSQL to come.
///
/// The suite in `tests/it/store/` is written for any implementation: a new one must pass it unchanged.
#[async_trait]
pub trait Backend: Send + Sync + 'static {
    /// The record at `row`, expired or not.
    async fn get(&self, row: &RowKey) -> Result<Option<Record>, StoreError>;

    /// The rows of `table` whose key starts with `prefix` and sorts behind `after`, in key order, at most `limit`.
    async fn scan(
        &self,
        table: &'static str,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError>;

    /// Applies `batch` and returns once it is durable: it survives `kill -9` and a power cut.
    /// Gives the commit's sequence number, which is greater than every earlier one, also over restarts.
    /// When it returns, every [`Feed`] has been given the change, in the order of commits. A batch without writes
    /// only checks what it expects.
    async fn commit(&self, batch: Batch) -> Result<u64, CommitError>;

    /// Follows all changes from now on.
    fn feed(&self) -> Feed;

    /// A view of every row of every table as they are at this moment, for exports and checks. Commits go on meanwhile.
    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError>;

    /// Writes rows of an export into an empty store, durably; their versions in `rows` don't count, those that they
    /// get are above `above`. No feed is told.
    async fn load(&self, rows: Vec<(String, Row)>, above: u64) -> Result<(), StoreError>;
}
