//! The change feed: what was committed, in order, so that caches and revocation follow without being called.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::broadcast;

use super::backend::RowKey;
use super::key::Key;
use super::table::Table;

/// How often a quiet feed says that it is still alive.
pub const FEED_HEARTBEAT: Duration = Duration::from_secs(1);

/// One commit: which rows it wrote or removed.
#[derive(Clone, Debug)]
pub struct Change {
    /// The commit's sequence number.
    pub sequence: u64,
    /// The rows, whatever was done to them.
    pub rows: Vec<RowKey>,
}

impl Change {
    /// The keys of `table` that this commit touched.
    pub fn keys<K: Key, V: Serialize + DeserializeOwned>(&self, table: &Table<K, V>) -> impl Iterator<Item = K> {
        self.rows.iter().filter(move |row| row.table == table.name).filter_map(|row| K::decode(&mut row.key.as_slice()))
    }

    /// Whether this commit touched `table`.
    pub fn touches<K, V>(&self, table: &Table<K, V>) -> bool {
        self.rows.iter().any(|row| row.table == table.name)
    }
}

/// What a feed tells.
#[derive(Clone, Debug)]
pub enum FeedEvent {
    /// A commit.
    Change(Arc<Change>),
    /// Nothing happened for [`FEED_HEARTBEAT`], and the feed is alive.
    Quiet,
    /// Changes were missed: whoever derives state from the feed must read it anew.
    Lost,
    /// The store is closed; nothing comes any more.
    Closed,
}

/// A place in the stream of changes.
pub struct Feed(broadcast::Receiver<Arc<Change>>);

impl Feed {
    /// A feed over a broadcast channel of changes.
    pub fn new(receiver: broadcast::Receiver<Arc<Change>>) -> Self {
        Feed(receiver)
    }

    /// Waits for the next event, at most for [`FEED_HEARTBEAT`].
    pub async fn next(&mut self) -> FeedEvent {
        match tokio::time::timeout(FEED_HEARTBEAT, self.0.recv()).await {
            Ok(Ok(change)) => FeedEvent::Change(change),
            Ok(Err(broadcast::error::RecvError::Lagged(_))) => FeedEvent::Lost,
            Ok(Err(broadcast::error::RecvError::Closed)) => FeedEvent::Closed,
            Err(_) => FeedEvent::Quiet,
        }
    }

    /// The next event that has happened already, without waiting. Whatever was acknowledged before this was called is
    /// among those that it gives until it gives `None`.
    pub fn next_ready(&mut self) -> Option<FeedEvent> {
        match self.0.try_recv() {
            Ok(change) => Some(FeedEvent::Change(change)),
            Err(broadcast::error::TryRecvError::Lagged(_)) => Some(FeedEvent::Lost),
            Err(broadcast::error::TryRecvError::Closed) => Some(FeedEvent::Closed),
            Err(broadcast::error::TryRecvError::Empty) => None,
        }
    }
}
