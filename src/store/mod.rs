//! The one data door: every change is one named transaction over versioned records, durable before it is acknowledged.
//!
//! Rooms declare their own [`Table`]s and index tables; the store knows none of them. A [`Backend`] is the only thing
//! that knows how records are kept: sled for one node, PostgreSQL for several, behind the same trait.

mod backend;
mod backup;
mod chain;
mod chain_check;
mod check;
mod counter;
mod error;
mod export;
mod feed;
mod flush;
mod key;
mod lease;
mod pending;
mod place;
mod sled;
mod snapshot;
mod table;
mod tx;
mod witness;

use std::future::Future;
use std::sync::Arc;

pub use self::sled::{OPEN_PATIENCE, SledBackend};
pub use backend::{Backend, Batch, CommitError, Record, Row, RowKey, Snapshot, Write};
pub use backup::{ExportSchedule, export_if_due, export_to_file, restore};
pub use chain::{Append, Chain, ChainHash, Head, InvalidHash, Link, link};
pub use chain_check::{ChainReport, PROBLEM_LIMIT};
pub use check::{CheckReport, FINDINGS_LIMIT, Finding, TableChecker, check_store, checker, decodes};
pub use counter::{Window, count};
pub use error::StoreError;
pub use export::{ExportSummary, export, import, verify_export};
pub use feed::{Change, FEED_HEARTBEAT, Feed, FeedEvent};
pub use key::Key;
pub use lease::{release_lease, take_lease};
pub use place::{exports_directory, newest_export};
pub use table::Table;
pub use tx::Tx;
pub use witness::Witness;

use crate::kernel::{Clock, Timestamp};

/// How often a transaction that lost a race is run again before it gives up.
pub const MAX_ATTEMPTS: usize = 64;
/// The largest value of a record, in bytes once encoded.
pub const VALUE_LIMIT: usize = 16 * 1024;
/// The version of what the tables hold; a store of another version is not opened.
pub const SCHEMA_VERSION: u32 = 1;
/// How many changes a feed may fall behind before it is told that it lost some.
pub const FEED_CAPACITY: usize = 4096;
/// How many expired rows one sweep removes at most in one transaction.
const SWEEP_BATCH: usize = 500;

/// A handle to the data: cheap to clone, usable from any thread and any runtime.
#[derive(Clone)]
pub struct Store {
    backend: Arc<dyn Backend>,
    clock: Arc<dyn Clock>,
    witness: Option<Arc<dyn Witness>>,
}

impl Store {
    /// A store over `backend`; refuses one written by another schema version.
    ///
    /// # Errors
    /// [`StoreError::Schema`] if the version differs, [`StoreError::Backend`] if the backend fails.
    pub async fn open(backend: Arc<dyn Backend>, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let store = Store { backend, clock, witness: None };
        let found = store
            .transaction("schema", async |tx: Tx| {
                let found = tx.get(&table::META, &"schema".to_owned()).await?;
                if found.is_none() {
                    tx.put(&table::META, &"schema".to_owned(), &SCHEMA_VERSION)?;
                }
                Ok::<_, StoreError>(found.unwrap_or(SCHEMA_VERSION))
            })
            .await?;
        if found == SCHEMA_VERSION { Ok(store) } else { Err(StoreError::Schema { found, known: SCHEMA_VERSION }) }
    }

    /// The same data, with somebody who looks on at every transaction of this handle and of its clones.
    #[must_use]
    pub fn with_witness(&self, witness: Arc<dyn Witness>) -> Self {
        Store { witness: Some(witness), ..self.clone() }
    }

    /// Runs `body` as one transaction: all of its writes happen, durably, or none.
    ///
    /// What the body read with [`Tx::get`] is checked again at the commit; if any of it changed meanwhile, the body is
    /// run again from the start, so it must have no effect but through its `Tx`; what it returns was true at one moment
    /// even if it writes nothing. A body that returns an error writes nothing, and is not checked. `name` is for logs and metrics.
    ///
    /// # Errors
    /// What the body returns; [`StoreError::Contention`] after [`MAX_ATTEMPTS`]; [`StoreError::Backend`].
    pub async fn transaction<T, E, F, Fut>(&self, name: &'static str, body: F) -> Result<T, E>
    where
        F: Fn(Tx) -> Fut,
        Fut: Future<Output = Result<T, E>>,
        E: From<StoreError>,
    {
        for _ in 0..MAX_ATTEMPTS {
            let tx = self.begin();
            let value = body(tx.clone()).await?;
            if let Some(witness) = &self.witness {
                witness.look(&tx).await?;
            }
            match tx.commit().await {
                Ok(()) => return Ok(value),
                Err(CommitError::Conflict) => {
                    metrics::counter!("vestibule_store_conflicts_total", "transaction" => name).increment(1);
                    tokio::task::yield_now().await;
                }
                Err(CommitError::Store(error)) => return Err(error.into()),
            }
        }
        Err(StoreError::Contention(name).into())
    }

    /// A view for reading: a [`Tx`] that is never committed. Each read sees the newest committed data.
    pub fn reader(&self) -> Tx {
        Tx::reader(Arc::clone(&self.backend), self.clock.now())
    }

    fn begin(&self) -> Tx {
        Tx::begin(Arc::clone(&self.backend), self.clock.now())
    }

    /// Follows all changes from now on.
    pub fn feed(&self) -> Feed {
        self.backend.feed()
    }

    /// The time by which the store judges expiry.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The backend itself, for export, import and checks.
    pub fn backend(&self) -> &Arc<dyn Backend> {
        &self.backend
    }

    /// Removes rows whose time is over; gives how many. To be called now and then.
    ///
    /// # Errors
    /// [`StoreError::Backend`] if the backend fails.
    pub async fn sweep(&self) -> Result<usize, StoreError> {
        let mut removed = 0;
        loop {
            let count = self.transaction("sweep", async |tx: Tx| tx.sweep(SWEEP_BATCH).await).await?;
            removed += count;
            if count < SWEEP_BATCH {
                return Ok(removed);
            }
        }
    }
}
