//! Whether a chain is whole: what was changed, removed, put in between or cut off at its end.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::chain::{Chain, ChainHash, Head, Link};
use super::check::{TableChecker, checker};
use super::error::StoreError;
use super::key::Key;
use super::tx::Tx;

/// How many links are read at once.
const PAGE: usize = 500;
/// How many problems of a chain are told; more are only counted.
pub const PROBLEM_LIMIT: usize = 100;

/// What a look at a whole chain found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChainReport {
    /// Its end as the store has it; `None`: there is no such chain, or its end is gone.
    pub head: Option<Head>,
    /// How many links were read.
    pub links: u64,
    /// What is wrong, a sentence each, at most [`PROBLEM_LIMIT`].
    pub problems: Vec<String>,
    /// How many problems there are in all.
    pub count: usize,
}

impl ChainReport {
    /// Adds a problem.
    pub fn tell(&mut self, problem: String) {
        self.count += 1;
        if self.problems.len() < PROBLEM_LIMIT {
            self.problems.push(problem);
        }
    }
}

/// How far a walk along a chain has come: the last number, and the hash that the next link must follow, if known.
struct Place {
    number: u64,
    hash: Option<ChainHash>,
}

impl<K: Key + Clone, V: Serialize + DeserializeOwned> Chain<K, V> {
    /// Walks along the whole chain of `key`, while it may become longer.
    ///
    /// # Errors
    /// [`StoreError::Backend`]. Whatever is wrong with the chain is in the report.
    pub async fn verify(&self, tx: &Tx, key: &K) -> Result<ChainReport, StoreError> {
        let mut report = ChainReport::default();
        let mut place = Place { number: 0, hash: Some(ChainHash::START) };
        let mut limit = PAGE;
        loop {
            // Read before the links that it must lead to, and after those that were seen: whatever is put there
            // meanwhile is no fault.
            match tx.scan(&self.heads, key, None, 1).await {
                Ok(found) => report.head = found.into_iter().next().map(|(_, head)| head),
                Err(StoreError::Decode { .. }) => report.head = None,
                Err(error) => return Err(error),
            }
            let end = report.head.map_or(u64::MAX, |head| head.number);
            match tx.scan(&self.links, key, Some(&(key.clone(), place.number)), limit).await {
                Ok(page) if page.is_empty() => break,
                Ok(page) => {
                    limit = PAGE;
                    for ((_, number), link) in page {
                        self.step(&mut report, &mut place, key, number, &link);
                    }
                }
                // One of them can't be read: one at a time from here, to tell which.
                Err(StoreError::Decode { .. }) if limit > 1 => limit = 1,
                Err(StoreError::Decode { .. }) if place.number < end && report.count <= PROBLEM_LIMIT => {
                    place = Place { number: place.number + 1, hash: None };
                    report.tell(format!("entry {} can't be read", place.number));
                }
                Err(StoreError::Decode { .. }) => {
                    report.tell(format!("what is behind entry {} can't be read", place.number));
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        finish(&mut report, &place);
        Ok(report)
    }

    fn step(&self, report: &mut ChainReport, place: &mut Place, key: &K, number: u64, link: &Link) {
        report.links += 1;
        let next = place.number + 1;
        if number > next {
            report.tell(gone(next, number - 1, "missing"));
        } else if place.hash.is_some_and(|hash| hash != link.previous) {
            report.tell(format!("entry {number} does not follow the one before it: one of the two was replaced"));
        }
        if self.seal(key, number, link.previous, &link.value) != link.hash {
            report.tell(format!("entry {number} was changed: its hash is another"));
        }
        *place = Place { number, hash: Some(link.hash) };
    }

    /// What is promised of each link and each head, for [`check_store`](super::check_store).
    pub fn checkers(&'static self) -> Vec<TableChecker>
    where
        K: Send + Sync + 'static,
        V: 'static,
    {
        let link = checker(&self.links, move |tx: Tx, (key, number): (K, u64), link: Link| async move {
            if self.seal(&key, number, link.previous, &link.value) != link.hash {
                return Ok(Some(format!("entry {number} was changed: its hash is another")));
            }
            let before = match number {
                1 => Some(ChainHash::START),
                _ => self.hash(&tx, &key, number - 1).await?,
            };
            Ok(match before {
                None => Some(format!("entry {} is missing", number - 1)),
                Some(before) if before != link.previous => {
                    Some(format!("entry {number} does not follow the one before it"))
                }
                Some(_) => {
                    let inside = self.head(&tx, &key).await?.is_some_and(|head| number <= head.number);
                    (!inside).then(|| format!("entry {number} stands behind the chain's end"))
                }
            })
        });
        let head = checker(&self.heads, move |tx: Tx, key: K, head: Head| async move {
            let last = self.hash(&tx, &key, head.number).await?;
            let text = || format!("the chain ends with entry {}, and that is missing or another", head.number);
            Ok((last != Some(head.hash)).then(text))
        });
        vec![link, head]
    }
}

fn finish(report: &mut ChainReport, place: &Place) {
    match report.head {
        None if place.number > 0 => report.tell("the chain's end is not known: its head is missing".to_owned()),
        Some(head) if place.number < head.number => {
            report.tell(gone(place.number + 1, head.number, "missing at the end"));
        }
        Some(head) if place.number > head.number => {
            report.tell(format!("entry {} stands behind the chain's end, {}", place.number, head.number));
        }
        Some(head) if place.hash.is_some_and(|hash| hash != head.hash) => {
            report.tell(format!("entry {} is another than the chain ended with", head.number));
        }
        None | Some(_) => {}
    }
}

fn gone(first: u64, last: u64, how: &str) -> String {
    if first == last { format!("entry {first} is {how}") } else { format!("entries {first} to {last} are {how}") }
}
