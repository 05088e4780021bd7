//! What can go wrong with the data.

use std::borrow::Cow;

use crate::kernel::{Explain, FaultKind};

/// A failure of the store. None of them is the visitor's doing.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The backend failed: disk full, file damaged, connection lost.
    #[error("the store failed: {0}")]
    Backend(String),
    /// The store can't be opened because another process has it open.
    #[error("the store at {0} is open in another process: stop that one first, or use its admin socket")]
    Locked(String),
    /// The embedded store's files can't be read, or have lost what they held.
    #[error("the store at {path} is damaged: {reason}; {}", way_back(export.as_deref()))]
    Damaged {
        /// The store's directory.
        path: String,
        /// What was found.
        reason: String,
        /// The newest automatic export, if there is any.
        export: Option<String>,
    },
    /// A record does not decode.
    #[error("a record of table {table} does not decode: {reason}")]
    Decode {
        /// The table's name.
        table: &'static str,
        /// What the decoder said.
        reason: String,
    },
    /// A value is larger than [`VALUE_LIMIT`](super::VALUE_LIMIT).
    #[error("a record of table {table} would be {size} bytes: at most 16384 are kept")]
    TooLarge {
        /// The table's name.
        table: &'static str,
        /// The encoded size in bytes.
        size: usize,
    },
    /// An export that can't be read back.
    #[error("the export is wrong at line {line}: {reason}")]
    Export {
        /// The line, counted from one.
        line: u64,
        /// What is wrong there.
        reason: String,
    },
    /// Written by another schema version.
    #[error("the store has schema version {found}, this binary knows {known}: run the version that wrote it")]
    Schema {
        /// What the store says.
        found: u32,
        /// What this binary knows.
        known: u32,
    },
    /// Too many lost races.
    #[error("the transaction «{0}» lost too many races")]
    Contention(&'static str),
}

fn way_back(export: Option<&str>) -> String {
    let file = export.unwrap_or("FILE");
    let known = if export.is_some() { "its newest export is" } else { "it has no automatic export, so with your own:" };
    format!("{known} {file}: `vestibule restore {file}` sets the damaged files aside and starts from it")
}

impl Explain for StoreError {
    fn kind(&self) -> FaultKind {
        match self {
            StoreError::Contention(_) => FaultKind::Unavailable,
            StoreError::TooLarge { .. } => FaultKind::TooLarge,
            _ => FaultKind::Internal,
        }
    }

    fn public(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            StoreError::Contention(_) => "Too much is changing at once. Please try again in a moment.",
            StoreError::TooLarge { .. } => "One of the values is too long. Please shorten it.",
            _ => "Something went wrong on this side. Please try again in a moment.",
        })
    }

    fn detail(&self) -> String {
        self.to_string()
    }
}
