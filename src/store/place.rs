//! Where an embedded store lives: its directory, its lock, and the mark by which lost data is noticed.
//!
//! `<path>/sled/` is the database, `<path>/exports/` its automatic exports, `<path>/mark` a number that the database
//! must have reached: sled cuts a damaged log off silently, and an empty store must not pass for a new one.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::error::StoreError;
use super::sled::guarded;

/// How long to wait between two attempts to get the lock.
const LOCK_PAUSE: Duration = Duration::from_millis(50);
/// What sled says when another process has the lock.
const LOCK_REFUSED: &str = "could not acquire lock";

/// A store's directory.
#[derive(Clone, Debug)]
pub(super) struct Place(PathBuf);

impl Place {
    /// The directory at `path`, made if need be, closed to other users.
    pub(super) fn prepare(path: &Path) -> Result<Self, StoreError> {
        let failed = |error: io::Error| StoreError::Backend(format!("{}: {error}", path.display()));
        if !path.exists() {
            DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
            if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
                sync_directory(parent).map_err(failed)?;
            }
        }
        let place = Place(path.to_owned());
        let database = place.database();
        if !database.exists() {
            DirBuilder::new().mode(0o700).create(&database).map_err(failed)?;
            sync_directory(path).map_err(failed)?;
        }
        fs::set_permissions(&database, fs::Permissions::from_mode(0o700)).map_err(failed)?;
        Ok(place)
    }

    /// The directory that sled has to itself.
    pub(super) fn database(&self) -> PathBuf {
        self.0.join("sled")
    }

    /// Where automatic exports of the store at `path` are kept.
    pub(super) fn exports(&self) -> PathBuf {
        exports_directory(&self.0)
    }

    /// Opens the database, and tries for `patience` while another process has it open.
    pub(super) fn open_patiently(&self, patience: Duration, config: &sled::Config) -> Result<sled::Db, StoreError> {
        let started = Instant::now();
        loop {
            let error = match guarded(|| config.open()) {
                Ok(tree) => return Ok(tree),
                Err(error) => error.to_string(),
            };
            if !error.contains(LOCK_REFUSED) {
                return Err(self.damaged(&error));
            }
            if started.elapsed() >= patience {
                return Err(StoreError::Locked(self.0.display().to_string()));
            }
            std::thread::sleep(LOCK_PAUSE);
        }
    }

    /// A handle of our own to the file that sled writes; the entries of its directory are durable from here on.
    pub(super) fn database_file(&self) -> Result<File, StoreError> {
        let open = || {
            sync_directory(&self.database())?;
            File::open(self.database().join("db"))
        };
        open().map_err(|error| StoreError::Backend(format!("{}: {error}", self.0.display())))
    }

    /// What went wrong, and the way back.
    pub(super) fn damaged(&self, reason: &str) -> StoreError {
        let newest = newest_export(&self.exports());
        StoreError::Damaged {
            path: self.0.display().to_string(),
            reason: reason.to_owned(),
            export: newest.map(|path| path.display().to_string()),
        }
    }

    /// The sequence number that the database must have reached: zero if it is new.
    pub(super) fn read_mark(&self) -> Result<u64, StoreError> {
        match fs::read_to_string(self.0.join("mark")) {
            Ok(text) => text.trim().parse().map_err(|_| self.damaged("its file «mark» does not hold a number")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(StoreError::Backend(format!("{}: {error}", self.0.join("mark").display()))),
        }
    }

    /// Remembers that the database has reached `number`.
    pub(super) fn write_mark(&self, number: u64) -> Result<(), StoreError> {
        write_atomically(&self.0.join("mark"), |file| writeln!(file, "{number}"))
            .map_err(|error| StoreError::Backend(format!("{}: {error}", self.0.join("mark").display())))
    }
}

/// Where automatic exports of the store at `path` are kept.
pub fn exports_directory(path: &Path) -> PathBuf {
    path.join("exports")
}

/// The newest automatic export in `directory`, if there is any: their names sort by time.
pub fn newest_export(directory: &Path) -> Option<PathBuf> {
    list_exports(directory).ok()?.pop()
}

/// The automatic exports in `directory`, oldest first.
pub(super) fn list_exports(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with("vestibule-") && path.extension().is_some_and(|end| end == "jsonl") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Writes a file that is there whole or not at all, whatever happens; readable by its owner alone.
pub(super) fn write_atomically(path: &Path, fill: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    let partial = path.with_file_name(name);
    let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&partial)?;
    fill(&mut file)?;
    file.sync_all()?;
    fs::rename(&partial, path)?;
    sync_directory(path.parent().unwrap_or(Path::new(".")))
}

/// Makes the entries of a directory durable.
pub(super) fn sync_directory(path: &Path) -> io::Result<()> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    File::open(path)?.sync_all()
}

/// A fresh directory that is closed to other users, in memory where the system offers that.
pub(super) fn temporary() -> Result<PathBuf, StoreError> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let shared_memory = PathBuf::from("/dev/shm");
    let base = if shared_memory.is_dir() { shared_memory } else { std::env::temp_dir() };
    loop {
        let name = format!("vestibule-{}-{}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed));
        let path = base.join(name);
        match DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(StoreError::Backend(format!("{}: {error}", path.display()))),
        }
    }
}
