//! Logical exports: the whole store as JSON lines, written at one moment, refused if cut or changed.
//!
//! The first line is a header, the last a count and a checksum; each line between is one record. Keys are hexadecimal.

use std::collections::BTreeMap;
use std::io::BufRead;

use aws_lc_rs::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::backend::{Backend, Record, Row};
use super::error::StoreError;
use super::tx::{hex, unhex};
use super::{SCHEMA_VERSION, VALUE_LIMIT};
use crate::kernel::Timestamp;

/// The version of the form of exports.
const FORMAT: u32 = 1;
/// How many rows are read and written at once.
const PAGE: usize = 500;
/// The longest line, in bytes: a value, its key in hexadecimal, and what is around them.
const LINE_LIMIT: usize = VALUE_LIMIT + 8 * 1024;
/// How far versions jump at an import: farther than any store gets between its last export and its loss, so that no
/// version that somebody remembers is given to something else.
const VERSION_JUMP: u64 = 1 << 32;

/// The first line.
#[derive(Serialize, Deserialize)]
struct Header {
    vestibule_export: u32,
    schema: u32,
    sequence: u64,
    created: Timestamp,
}

/// A record.
#[derive(Serialize, Deserialize)]
struct Line<'a> {
    table: &'a str,
    key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<Timestamp>,
    #[serde(borrow)]
    value: &'a RawValue,
}

/// The last line.
#[derive(Serialize, Deserialize)]
struct Footer {
    end: u64,
    sha256: String,
}

/// What an export holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportSummary {
    /// When it was made.
    pub created: Timestamp,
    /// The sequence number of the newest commit in it.
    pub sequence: u64,
    /// How many records each table has.
    pub tables: BTreeMap<String, u64>,
}

impl ExportSummary {
    /// How many records there are in all.
    pub fn records(&self) -> u64 {
        self.tables.values().sum()
    }
}

/// Writes the whole store to `writer`, as it is at this moment; commits go on meanwhile.
///
/// # Errors
/// [`StoreError::Backend`] if reading or writing fails, [`StoreError::Decode`] if a record is not JSON.
pub async fn export(
    backend: &dyn Backend,
    now: Timestamp,
    writer: &mut (impl AsyncWrite + Unpin),
) -> Result<ExportSummary, StoreError> {
    let mut snapshot = backend.snapshot().await?;
    let mut summary = ExportSummary { created: now, sequence: snapshot.sequence(), tables: BTreeMap::new() };
    let mut checksum = Context::new(&SHA256);
    let header = Header {
        vestibule_export: FORMAT,
        schema: SCHEMA_VERSION,
        sequence: summary.sequence,
        created: summary.created,
    };
    let mut text = line(&header)?;
    loop {
        let page = snapshot.next(PAGE).await?;
        let last = page.is_empty();
        for (table, row) in page {
            text.extend_from_slice(&record_line(&table, &row)?);
            *summary.tables.entry(table).or_default() += 1;
        }
        checksum.update(&text);
        writer.write_all(&text).await.map_err(|error| failed(&error))?;
        text.clear();
        if last {
            break;
        }
    }
    let footer = Footer { end: summary.records(), sha256: hex(checksum.finish().as_ref()) };
    writer.write_all(&line(&footer)?).await.map_err(|error| failed(&error))?;
    writer.flush().await.map_err(|error| failed(&error))?;
    Ok(summary)
}

/// Reads an export to its end and says what it holds, or at which line it is wrong.
///
/// # Errors
/// [`StoreError::Export`] if it is cut, changed, or not one; [`StoreError::Schema`].
pub fn verify_export(reader: impl BufRead) -> Result<ExportSummary, StoreError> {
    let mut export = ExportReader::open(reader)?;
    while export.next_row()?.is_some() {}
    Ok(export.summary)
}

/// Writes an export into an empty store. Versions begin far above those of the export, and above `floor`. Whoever
/// wants all or nothing runs [`verify_export`] first, and throws the store away on an error.
///
/// # Errors
/// As [`verify_export`]; [`StoreError::Backend`] if the store is not empty, or fails.
pub async fn import(backend: &dyn Backend, reader: impl BufRead, floor: u64) -> Result<ExportSummary, StoreError> {
    let mut export = ExportReader::open(reader)?;
    if !backend.snapshot().await?.next(1).await?.is_empty() {
        return Err(StoreError::Backend("an export is only read into an empty store".to_owned()));
    }
    let above = floor.max(export.summary.sequence.saturating_add(VERSION_JUMP));
    let mut page = Vec::with_capacity(PAGE);
    while let Some(row) = export.next_row()? {
        page.push(row);
        if page.len() == PAGE {
            backend.load(std::mem::take(&mut page), above).await?;
        }
    }
    backend.load(page, above).await?;
    Ok(export.summary)
}

fn failed(error: &std::io::Error) -> StoreError {
    StoreError::Backend(format!("the export can't be written: {error}"))
}

fn line(value: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    let mut bytes = serde_json::to_vec(value).map_err(|error| StoreError::Backend(error.to_string()))?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn record_line(table: &str, row: &Row) -> Result<Vec<u8>, StoreError> {
    let value: &RawValue = serde_json::from_slice(&row.record.value)
        .map_err(|error| StoreError::Decode { table: super::table::intern(table), reason: error.to_string() })?;
    line(&Line { table, key: hex(&row.key), expires: row.record.expires, value })
}

/// Reads an export line by line.
struct ExportReader<R> {
    reader: R,
    number: u64,
    checksum: Context,
    text: String,
    summary: ExportSummary,
}

impl<R: BufRead> ExportReader<R> {
    fn open(reader: R) -> Result<Self, StoreError> {
        let summary = ExportSummary { created: Timestamp::EPOCH, sequence: 0, tables: BTreeMap::new() };
        let checksum = Context::new(&SHA256);
        let mut export = ExportReader { reader, number: 0, checksum, text: String::new(), summary };
        export.read_line()?;
        let header: Header = serde_json::from_str(&export.text).map_err(|_| export.wrong("it is not an export"))?;
        if header.vestibule_export != FORMAT {
            return Err(export.wrong("it is of another form: use the version that wrote it"));
        }
        if header.schema != SCHEMA_VERSION {
            return Err(StoreError::Schema { found: header.schema, known: SCHEMA_VERSION });
        }
        export.checksum.update(export.text.as_bytes());
        export.summary.created = header.created;
        export.summary.sequence = header.sequence;
        Ok(export)
    }

    /// The next record; `None` at the last line, once that is found right.
    fn next_row(&mut self) -> Result<Option<(String, Row)>, StoreError> {
        self.read_line()?;
        if let Ok(footer) = serde_json::from_str::<Footer>(&self.text) {
            return self.close(&footer).map(|()| None);
        }
        let line: Line = serde_json::from_str(&self.text).map_err(|error| self.wrong(&error.to_string()))?;
        let key = unhex(&line.key).ok_or_else(|| self.wrong("its key is not hexadecimal"))?;
        let value = line.value.get().as_bytes();
        if value.len() > VALUE_LIMIT {
            return Err(self.wrong("its value is too large"));
        }
        if !super::table::is_table_name(line.table) {
            return Err(self.wrong("its table has no proper name"));
        }
        let record = Record { version: 0, expires: line.expires, value: value.to_vec() };
        let row = (line.table.to_owned(), Row { key, record });
        self.checksum.update(self.text.as_bytes());
        *self.summary.tables.entry(row.0.clone()).or_default() += 1;
        Ok(Some(row))
    }

    fn close(&mut self, footer: &Footer) -> Result<(), StoreError> {
        if footer.end != self.summary.records() || footer.sha256 != hex(self.checksum.clone().finish().as_ref()) {
            return Err(self.wrong("lines are missing or changed"));
        }
        Ok(())
    }

    fn read_line(&mut self) -> Result<(), StoreError> {
        self.number += 1;
        self.text.clear();
        let limit = u64::try_from(LINE_LIMIT).unwrap_or(u64::MAX);
        let read = std::io::Read::take(&mut self.reader, limit).read_line(&mut self.text);
        read.map_err(|error| self.wrong(&error.to_string()))?;
        if !self.text.ends_with('\n') {
            return Err(self.wrong("it ends before its last line, or the line is too long"));
        }
        Ok(())
    }

    fn wrong(&self, reason: &str) -> StoreError {
        StoreError::Export { line: self.number, reason: reason.to_owned() }
    }
}
