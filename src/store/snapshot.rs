//! A view of the sled tree at one moment, while commits go on: they keep for it what they replace.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;

use super::backend::{Row, Snapshot};
use super::error::StoreError;
use super::sled::{guarded, read_row};

/// What stood at a key of the tree when the snapshot was taken; `None`: nothing. Only keys written since are here.
pub(super) type BeforeImages = BTreeMap<Vec<u8>, Option<sled::IVec>>;

/// A snapshot in progress. It costs memory for what is written meanwhile; dropping it ends that.
pub(super) struct SledSnapshot {
    tree: sled::Db,
    sequence: u64,
    images: Arc<Mutex<BeforeImages>>,
    /// Where the next page begins; `None`: all pages were given.
    start: Option<Bound<Vec<u8>>>,
}

impl SledSnapshot {
    /// A snapshot of the moment at which `images` was registered with the writer.
    pub(super) fn new(tree: sled::Db, sequence: u64, images: Arc<Mutex<BeforeImages>>) -> Self {
        // 0x01: behind the keys that are no table's.
        SledSnapshot { tree, sequence, images, start: Some(Bound::Included(vec![1])) }
    }

    /// One page as it was. The tree is read first: a commit keeps the image before it changes the tree, so that
    /// whatever the page shows too new has its image by now.
    fn page(&mut self, start: Bound<Vec<u8>>, limit: usize) -> Result<BTreeMap<Vec<u8>, sled::IVec>, StoreError> {
        let mut page = BTreeMap::new();
        let mut entries = self.tree.range((start.clone(), Bound::Unbounded));
        while page.len() < limit {
            let Some((key, value)) = guarded(|| entries.next().transpose())? else { break };
            page.insert(key.to_vec(), value);
        }
        let last = page.last_key_value().filter(|_| page.len() == limit).map(|(key, _)| key.clone());
        let end = last.clone().map_or(Bound::Unbounded, Bound::Included);
        for (key, image) in self.images.lock().range((start, end)) {
            match image {
                Some(value) => page.insert(key.clone(), value.clone()),
                None => page.remove(key),
            };
        }
        self.start = last.map(Bound::Excluded);
        Ok(page)
    }
}

#[async_trait]
impl Snapshot for SledSnapshot {
    fn sequence(&self) -> u64 {
        self.sequence
    }

    async fn next(&mut self, limit: usize) -> Result<Vec<(String, Row)>, StoreError> {
        while let Some(start) = self.start.take() {
            let page = self.page(start, limit)?;
            if !page.is_empty() {
                return page.iter().map(|(key, value)| read_row(key, value)).collect();
            }
        }
        Ok(Vec::new())
    }
}
