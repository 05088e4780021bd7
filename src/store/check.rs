//! The check of a whole store: every record decodes, every expiry has its marker, and what the rooms promise holds.

use std::collections::BTreeMap;
use std::pin::Pin;

use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::Store;
use super::backend::{Row, RowKey};
use super::error::StoreError;
use super::key::Key;
use super::table::{EXPIRY, Table, intern};
use super::tx::{Tx, hex};

/// How many findings are reported at most; more are only counted.
pub const FINDINGS_LIMIT: usize = 1000;
/// How many rows are read at once.
const PAGE: usize = 500;

/// Something wrong with one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The table's name.
    pub table: String,
    /// The record's key, in hexadecimal.
    pub key: String,
    /// What is wrong, in a sentence. No values.
    pub problem: String,
}

/// What a check found.
#[derive(Clone, Debug, Default)]
pub struct CheckReport {
    /// How many records each table has, the expired ones among them.
    pub tables: BTreeMap<String, u64>,
    /// What is wrong, at most [`FINDINGS_LIMIT`].
    pub findings: Vec<Finding>,
    /// How many findings there are in all.
    pub problems: usize,
}

/// What is wrong with one record, if anything.
type Answer = Pin<Box<dyn Future<Output = Result<Option<String>, StoreError>> + Send>>;

type Check = dyn Fn(&Tx, &[u8], &[u8]) -> Answer + Send + Sync;

/// What a room promises of each record of one of its tables. Made by [`checker`].
pub struct TableChecker {
    table: &'static str,
    check: Box<Check>,
}

impl TableChecker {
    /// The table's name.
    pub const fn table(&self) -> &'static str {
        self.table
    }
}

/// A checker for `table`: `check` gets each live record and says what is wrong with it, if anything: an index row that
/// leads nowhere, a record whose index row is missing. It reads what it needs through the [`Tx`].
pub fn checker<K, V, F, Fut>(table: &'static Table<K, V>, check: F) -> TableChecker
where
    K: Key + Send + Sync + 'static,
    V: Serialize + DeserializeOwned + Send + Sync + 'static,
    F: Fn(Tx, K, V) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Option<String>, StoreError>> + Send + 'static,
{
    let check = move |tx: &Tx, key: &[u8], value: &[u8]| -> Answer {
        let decoded = table.decode_key(key).and_then(|key| Ok((key, table.decode_value(value)?)));
        match decoded {
            Ok((key, value)) => Box::pin(check(tx.clone(), key, value)),
            Err(error) => Box::pin(std::future::ready(Ok(Some(error.to_string())))),
        }
    };
    TableChecker { table: table.name, check: Box::new(check) }
}

/// A checker of no more than that each key and value of `table` decodes.
pub fn decodes<K, V>(table: &'static Table<K, V>) -> TableChecker
where
    K: Key + Send + Sync + 'static,
    V: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    checker(table, |_: Tx, _: K, _: V| std::future::ready(Ok(None)))
}

/// Looks at every record, while the store may be in use. What seems wrong is looked at again in a transaction, so that
/// a change in between is never taken for a fault.
///
/// # Errors
/// [`StoreError::Backend`] if the backend fails. Whatever is wrong with the records is in the report.
pub async fn check_store(store: &Store, checkers: &[TableChecker]) -> Result<CheckReport, StoreError> {
    let mut report = CheckReport::default();
    let mut snapshot = store.backend().snapshot().await?;
    let reader = store.reader();
    loop {
        let page = snapshot.next(PAGE).await?;
        if page.is_empty() {
            return Ok(report);
        }
        for (table, row) in page {
            if check_row(&reader, &table, &row, checkers).await?.is_some() {
                let key = RowKey { table: intern(&table), key: row.key };
                if let Some(problem) = recheck(store, &key, checkers).await? {
                    report.problems += 1;
                    if report.findings.len() < FINDINGS_LIMIT {
                        report.findings.push(Finding { table: table.clone(), key: hex(&key.key), problem });
                    }
                }
            }
            *report.tables.entry(table).or_default() += 1;
        }
    }
}

async fn recheck(store: &Store, key: &RowKey, checkers: &[TableChecker]) -> Result<Option<String>, StoreError> {
    store
        .transaction("check", async |tx: Tx| {
            let Some(record) = tx.get_raw(key).await? else { return Ok(None) };
            check_row(&tx, key.table, &Row { key: key.key.clone(), record }, checkers).await
        })
        .await
}

async fn check_row(tx: &Tx, table: &str, row: &Row, checkers: &[TableChecker]) -> Result<Option<String>, StoreError> {
    let value = &row.record.value;
    if let Err(error) = serde_json::from_slice::<IgnoredAny>(value) {
        return Ok(Some(format!("the value is not JSON: {error}")));
    }
    if table == EXPIRY.name && EXPIRY.decode_key(&row.key).is_err() {
        return Ok(Some("the expiry marker has another form".to_owned()));
    }
    if let Some(expires) = row.record.expires {
        let marker = (expires, table.to_owned(), hex(&row.key));
        if tx.get(&EXPIRY, &marker).await?.is_none() {
            return Ok(Some("it expires, and has no marker: no sweep will remove it".to_owned()));
        }
        if expires <= tx.now() {
            return Ok(None);
        }
    }
    for checker in checkers.iter().filter(|checker| checker.table == table) {
        match (checker.check)(tx, &row.key, value).await {
            Ok(None) => {}
            Ok(Some(problem)) => return Ok(Some(problem)),
            // What it leads to is broken: that is a finding, not a failure.
            Err(error @ StoreError::Decode { .. }) => return Ok(Some(error.to_string())),
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}
