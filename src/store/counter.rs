//! Counters with a window: how often something happened since the window's first time, for limits on rates.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::key::Key;
use super::table::Table;
use super::tx::Tx;
use crate::kernel::Timestamp;

/// A count, and when it starts anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// How often it happened.
    pub count: u32,
    /// From when on it counts from zero again.
    pub ends: Timestamp,
}

/// Counts one more at `key` and gives how often that makes. The first time opens a window of `window`; when it is over,
/// counting starts anew. Saturates.
///
/// # Errors
/// [`StoreError::Backend`] and [`StoreError::Decode`].
pub async fn count<K: Key>(tx: &Tx, table: &Table<K, Window>, key: &K, window: Duration) -> Result<u32, StoreError> {
    let held = tx.get(table, key).await?.unwrap_or(Window { count: 0, ends: tx.now().plus(window) });
    let next = Window { count: held.count.saturating_add(1), ends: held.ends };
    tx.put_until(table, key, &next, next.ends)?;
    Ok(next.count)
}
