//! Exports as files: written whole or not at all, made by themselves now and then, and the way back from one.

use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::AsyncWriteExt;

use super::backend::Backend;
use super::error::StoreError;
use super::export::{ExportSummary, export, import, verify_export};
use super::place::{Place, list_exports, make_private_directory, partial_name, sync_directory};
use super::sled::{OPEN_PATIENCE, SledBackend};
use crate::kernel::Timestamp;

/// How much is gathered before it is written to the file, in bytes.
const BUFFER_BYTES: usize = 256 * 1024;

/// When exports are made by themselves, where, and how many are kept.
#[derive(Clone, Debug)]
pub struct ExportSchedule {
    /// The directory that they go to: see [`exports_directory`](super::exports_directory).
    pub directory: PathBuf,
    /// The time between two of them.
    pub every: Duration,
    /// How many are kept; at least one is.
    pub keep: usize,
}

/// Writes the whole store into the file `path`, readable by its owner alone. It is there whole and durable, or not at
/// all; what was there before is replaced.
///
/// # Errors
/// [`StoreError::Backend`] if reading or writing fails.
pub async fn export_to_file(backend: &dyn Backend, now: Timestamp, path: &Path) -> Result<ExportSummary, StoreError> {
    let failed = |error: io::Error| StoreError::Backend(format!("{}: {error}", path.display()));
    let partial = partial_name(path);
    let mut options = tokio::fs::OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(&partial).await.map_err(failed)?;
    let mut writer = tokio::io::BufWriter::with_capacity(BUFFER_BYTES, file);
    let summary = export(backend, now, &mut writer).await?;
    writer.shutdown().await.map_err(failed)?;
    writer.into_inner().sync_all().await.map_err(failed)?;
    tokio::fs::rename(&partial, path).await.map_err(failed)?;
    let directory = tokio::fs::File::open(parent(path)).await.map_err(failed)?;
    directory.sync_all().await.map_err(failed)?;
    Ok(summary)
}

/// Makes an export if the newest is older than the schedule wants, and removes the oldest ones; gives the new file.
///
/// # Errors
/// [`StoreError::Backend`] if reading or writing fails.
pub async fn export_if_due(
    backend: &dyn Backend,
    schedule: &ExportSchedule,
    now: Timestamp,
) -> Result<Option<PathBuf>, StoreError> {
    let directory = &schedule.directory;
    let failed = |error: io::Error| StoreError::Backend(format!("{}: {error}", directory.display()));
    make_private_directory(directory).map_err(failed)?;
    let made = list_exports(directory).map_err(failed)?;
    // One that seems to come from the future was made while the clock was wrong: it does not count.
    let recent = |moment: Timestamp| moment <= now && now.since(moment) < schedule.every;
    if made.iter().filter_map(|path| moment_of(path)).any(recent) {
        return Ok(None);
    }
    let path = directory.join(format!("vestibule-{}.jsonl", now.to_string().replace(':', "")));
    export_to_file(backend, now, &path).await?;
    let mut old: Vec<PathBuf> = list_exports(directory).map_err(failed)?;
    old.retain(|other| *other != path);
    let surplus = (old.len() + 1).saturating_sub(schedule.keep.max(1));
    for path in old.into_iter().take(surplus) {
        fs::remove_file(path).map_err(failed)?;
    }
    Ok(Some(path))
}

/// When an automatic export was made, by its name: `vestibule-2026-01-31T120000Z.jsonl`.
fn moment_of(path: &Path) -> Option<Timestamp> {
    let name = path.file_stem()?.to_str()?.strip_prefix("vestibule-")?;
    let (hour, rest) = name.split_at_checked(13)?;
    let (minute, second) = rest.split_at_checked(2)?;
    Timestamp::parse_rfc3339(&format!("{hour}:{minute}:{second}"))
}

/// Starts the store at `path` anew from the export `file`. What is there is set aside under a name that tells the
/// moment, never deleted; until the export is found whole, nothing is touched.
///
/// # Errors
/// [`StoreError::Export`] and [`StoreError::Schema`] if the file won't do, [`StoreError::Locked`] while a server has
/// the store open, [`StoreError::Backend`] if files can't be written.
pub async fn restore(path: &Path, file: &Path, now: Timestamp) -> Result<ExportSummary, StoreError> {
    let open = || File::open(file).map(BufReader::new).map_err(|error| failed(file, &error));
    verify_export(open()?)?;
    let place = Place::take(path, OPEN_PATIENCE)?;
    let fresh = path.join("restoring");
    match fs::remove_dir_all(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(&fresh, &error)),
        // Nothing there, or what an interrupted restore had begun.
        _ => {}
    }
    let backend = SledBackend::open(&fresh)?;
    // A mark that can't be read is one more damage that this repairs.
    let summary = import(&*backend, open()?, place.read_mark().unwrap_or(0)).await?;
    let reached = backend.ceiling();
    drop(backend);
    let swap = || {
        let database = place.database();
        if database.exists() {
            fs::rename(&database, place.set_aside(now))?;
        }
        // Between the two moves the mark keeps an empty place from passing for a new store.
        fs::rename(fresh.join("sled"), database)?;
        sync_directory(path)
    };
    swap().map_err(|error| failed(path, &error))?;
    place.write_mark(reached)?;
    fs::remove_dir_all(&fresh).map_err(|error| failed(&fresh, &error))?;
    Ok(summary)
}

fn failed(path: &Path, error: &io::Error) -> StoreError {
    StoreError::Backend(format!("{}: {error}", path.display()))
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
