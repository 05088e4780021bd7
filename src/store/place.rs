//! Where an embedded store lives: its directory, its lock, and the mark by which lost data is noticed.
//!
//! `<path>/sled/` is the database, `<path>/exports/` its automatic exports, `<path>/lock` is locked while it is in use,
//! and `<path>/mark` holds a number that the database must have reached: sled cuts a damaged log off silently, and what is left must not pass for the whole.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::error::StoreError;
use crate::kernel::Timestamp;

/// How long to wait between two attempts to get the lock.
const LOCK_PAUSE: Duration = Duration::from_millis(50);
/// What sled says when another process has the lock.
const LOCK_REFUSED: &str = "could not acquire lock";

/// A store's directory, locked for as long as this is held.
pub(super) struct Place {
    path: PathBuf,
    _lock: File,
}

impl Place {
    /// The directory at `path`, made if need be, closed to other users, and locked: tries for `patience` while another
    /// process has it.
    pub(super) fn take(path: &Path, patience: Duration) -> Result<Self, StoreError> {
        let failed = |error: io::Error| StoreError::Backend(format!("{}: {error}", path.display()));
        make_private_directory(path).map_err(failed)?;
        let lock = File::options().write(true).create(true).truncate(false).mode(0o600).open(path.join("lock"));
        let lock = lock.map_err(failed)?;
        let locked = persist(patience, || match lock.try_lock() {
            Ok(()) => Some(Ok(())),
            Err(TryLockError::WouldBlock) => None,
            Err(TryLockError::Error(error)) => Some(Err(failed(error))),
        });
        locked.unwrap_or_else(|| Err(StoreError::Locked(path.display().to_string())))?;
        Ok(Place { path: path.to_owned(), _lock: lock })
    }

    /// Opens the database, and makes it if there is none. sled's own lock may outlive its owner a little.
    pub(super) fn open_database(&self, patience: Duration, config: sled::Config) -> Result<sled::Db, StoreError> {
        let directory = self.database();
        if !directory.exists() {
            let made = DirBuilder::new().mode(0o700).create(&directory);
            made.and_then(|()| sync_directory(&self.path)).map_err(|error| self.failed(&error))?;
        }
        let config = config.path(directory);
        let opened = persist(patience, || match catch_unwind(AssertUnwindSafe(|| config.open())) {
            Ok(Ok(tree)) => Some(Ok(tree)),
            Ok(Err(sled::Error::Io(error))) if error.to_string().contains(LOCK_REFUSED) => None,
            Ok(Err(sled::Error::Io(error))) if is_surroundings(error.kind()) => Some(Err(self.failed(&error))),
            Ok(Err(error)) => Some(Err(self.damaged(&error.to_string()))),
            Err(_) => Some(Err(self.damaged("the database can't make sense of its files"))),
        });
        opened.unwrap_or_else(|| Err(StoreError::Locked(self.path.display().to_string())))
    }

    /// The directory that sled has to itself.
    pub(super) fn database(&self) -> PathBuf {
        self.path.join("sled")
    }

    /// Where the database goes when another takes its place: a name that is free.
    pub(super) fn set_aside(&self, now: Timestamp) -> PathBuf {
        let name = format!("sled.aside-{}", now.to_string().replace(':', ""));
        let mut path = self.path.join(&name);
        let mut number = 1;
        while path.exists() {
            number += 1;
            path = self.path.join(format!("{name}-{number}"));
        }
        path
    }

    /// A handle of our own to the file that sled writes; the entries of its directory are durable from here on.
    pub(super) fn database_file(&self) -> Result<File, StoreError> {
        let open = || {
            sync_directory(&self.database())?;
            File::open(self.database().join("db"))
        };
        open().map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &io::Error) -> StoreError {
        StoreError::Backend(format!("{}: {error}", self.path.display()))
    }

    /// What went wrong, and the way back.
    pub(super) fn damaged(&self, reason: &str) -> StoreError {
        let newest = newest_export(&exports_directory(&self.path));
        StoreError::Damaged {
            path: self.path.display().to_string(),
            reason: reason.to_owned(),
            export: newest.map(|path| path.display().to_string()),
        }
    }

    /// The sequence number that the database must have reached: zero if it is new.
    pub(super) fn read_mark(&self) -> Result<u64, StoreError> {
        match fs::read_to_string(self.path.join("mark")) {
            Ok(text) => text.trim().parse().map_err(|_| self.damaged("its file «mark» does not hold a number")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// Remembers that the database has reached `number`.
    pub(super) fn write_mark(&self, number: u64) -> Result<(), StoreError> {
        write_atomically(&self.path.join("mark"), |file| writeln!(file, "{number}"))
            .map_err(|error| self.failed(&error))
    }
}

/// Asks until there is an answer, for `patience` at most.
fn persist<T>(patience: Duration, mut attempt: impl FnMut() -> Option<T>) -> Option<T> {
    let started = Instant::now();
    loop {
        let answer = attempt();
        if answer.is_some() || started.elapsed() >= patience {
            return answer;
        }
        std::thread::sleep(LOCK_PAUSE);
    }
}

/// Whether an error tells of what is around the files, not of what is in them.
fn is_surroundings(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{NotFound, OutOfMemory, PermissionDenied, ReadOnlyFilesystem, StorageFull};
    matches!(kind, NotFound | OutOfMemory | PermissionDenied | ReadOnlyFilesystem | StorageFull)
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

/// Makes a directory closed to other users, durably, unless it is there.
pub(super) fn make_private_directory(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    sync_directory(path.parent().unwrap_or(path))
}

/// What a file is called until it is whole.
pub(super) fn partial_name(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    path.with_file_name(name)
}

/// Writes a file that is there whole or not at all, whatever happens; readable by its owner alone.
pub(super) fn write_atomically(path: &Path, fill: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let partial = partial_name(path);
    let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&partial)?;
    fill(&mut file)?;
    file.sync_all()?;
    fs::rename(&partial, path)?;
    sync_directory(path.parent().unwrap_or(path))
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
