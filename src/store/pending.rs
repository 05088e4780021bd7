//! Commits on their way into the sled tree: read as if they were there, and put there many at once, in one batch.
//!
//! sled writes its log twice for every batch, and wakes all its threads for each writing: a batch for each commit would
//! cost more than everything else that a commit does. What is in a batch becomes durable as a whole or not at all, and a
//! batch holds whole commits in their order, so that a crash leaves what some number of them left.

use std::collections::BTreeMap;

use parking_lot::{Mutex, RwLock};

use super::error::StoreError;
use super::sled::guarded;

/// A key of the tree, and what is to stand there; `None`: nothing.
pub(super) type Pair = (Vec<u8>, Option<Vec<u8>>);

/// What is to stand at a key, and by which commit.
type Write = (u64, Option<sled::IVec>);

/// The tree, with what is not in it yet.
pub(super) struct Rows {
    pub(super) tree: sled::Db,
    waiting: RwLock<BTreeMap<Vec<u8>, Write>>,
    /// Held while a batch goes into the tree, so that none overtakes another.
    settling: Mutex<()>,
}

impl Rows {
    pub(super) fn new(tree: sled::Db) -> Self {
        Rows { tree, waiting: RwLock::default(), settling: Mutex::default() }
    }

    /// What stands at a key. The tree is read last: what has left `waiting` is in it.
    pub(super) fn get(&self, key: &[u8]) -> Result<Option<sled::IVec>, StoreError> {
        if let Some((_, value)) = self.waiting.read().get(key) {
            return Ok(value.clone());
        }
        guarded(|| self.tree.get(key))
    }

    /// Keeps all that one commit writes. To be called in the order of commits.
    pub(super) fn keep(&self, sequence: u64, pairs: Vec<Pair>) {
        let writes = pairs.into_iter().map(|(key, value)| (key, (sequence, value.map(sled::IVec::from))));
        self.waiting.write().extend(writes);
    }

    /// Puts into the tree all that was kept until now.
    pub(super) fn settle(&self) -> Result<(), StoreError> {
        let _settling = self.settling.lock();
        let (batch, last) = self.batch();
        if last > 0 {
            guarded(|| self.tree.apply_batch(batch))?;
            self.settled(last);
        }
        Ok(())
    }

    /// As [`settle`](Self::settle), if anything waits at a key from `start` on that begins with `prefix`: then a range of
    /// the tree shows it.
    pub(super) fn settle_range(&self, start: &[u8], prefix: &[u8]) -> Result<(), StoreError> {
        let waits = {
            let waiting = self.waiting.read();
            waiting.range(start.to_vec()..).next().is_some_and(|(key, _)| key.starts_with(prefix))
        };
        if waits { self.settle() } else { Ok(()) }
    }

    /// All that waits, and the last commit among it; 0 for none.
    fn batch(&self) -> (sled::Batch, u64) {
        let (mut batch, mut last) = (sled::Batch::default(), 0);
        for (key, (sequence, value)) in &*self.waiting.read() {
            last = last.max(*sequence);
            match value {
                Some(value) => batch.insert(key.as_slice(), value.clone()),
                None => batch.remove(key.as_slice()),
            }
        }
        (batch, last)
    }

    /// Everything up to this commit is in the tree; what came meanwhile waits on, at the same keys, too.
    fn settled(&self, last: u64) {
        self.waiting.write().retain(|_, (sequence, _)| *sequence > last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Rows {
        Rows::new(sled::Config::new().temporary(true).open().unwrap())
    }

    fn put(key: &str, value: &str) -> Pair {
        (key.as_bytes().to_vec(), Some(value.as_bytes().to_vec()))
    }

    #[track_caller]
    fn check(rows: &Rows, key: &str, expected: Option<&str>) {
        let found = rows.get(key.as_bytes()).unwrap();
        assert_eq!(found.as_deref(), expected.map(str::as_bytes), "{key}");
    }

    #[test]
    fn what_waits_is_read_as_if_it_were_in_the_tree() {
        let rows = rows();
        rows.keep(1, vec![put("a", "1"), put("b", "1")]);
        rows.settle().unwrap();
        rows.keep(2, vec![put("a", "2"), (b"b".to_vec(), None)]);
        check(&rows, "a", Some("2"));
        check(&rows, "b", None);
        assert_eq!(rows.tree.get("a").unwrap().as_deref(), Some(&b"1"[..]), "it is not there yet");
        rows.settle().unwrap();
        check(&rows, "a", Some("2"));
        check(&rows, "b", None);
        assert_eq!(rows.tree.get("a").unwrap().as_deref(), Some(&b"2"[..]));
        assert!(rows.waiting.read().is_empty());
    }

    #[test]
    fn a_write_that_comes_while_an_older_one_settles_waits_on() {
        let rows = rows();
        rows.keep(1, vec![put("a", "1"), put("b", "1")]);
        let (batch, last) = rows.batch();
        rows.keep(2, vec![put("a", "2"), put("c", "2")]);
        rows.tree.apply_batch(batch).unwrap();
        rows.settled(last);
        check(&rows, "a", Some("2"));
        check(&rows, "b", Some("1"));
        check(&rows, "c", Some("2"));
        rows.settle().unwrap();
        assert_eq!(rows.tree.get("a").unwrap().as_deref(), Some(&b"2"[..]));
    }

    #[test]
    fn a_range_is_settled_only_for_what_is_in_it() {
        let check = |start: &str, prefix: &str, expected: bool| {
            let rows = rows();
            rows.keep(1, vec![put("people/b", "1")]);
            rows.settle_range(start.as_bytes(), prefix.as_bytes()).unwrap();
            assert_eq!(rows.tree.contains_key("people/b").unwrap(), expected, "{start} {prefix}");
        };
        check("people/", "people/", true);
        check("people/b", "people/", true);
        check("people/c", "people/", false);
        check("groups/", "groups/", false);
        check("zebras/", "zebras/", false);
    }
}
