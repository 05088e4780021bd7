//! Reads the environment, and files whole, up to a limit, and says what is wrong with them in one sentence.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// The largest file that is read, in bytes.
pub const FILE_LIMIT: u64 = 4 * 1024 * 1024;

/// A file that can't be read.
#[derive(Clone, Debug, thiserror::Error)]
#[error("can't read {file}: {reason}")]
pub struct FileError {
    /// Which.
    pub file: String,
    /// Why.
    pub reason: String,
}

/// That a file is there and can be opened, however large it is.
///
/// # Errors
/// [`FileError`].
pub fn readable(path: &Path) -> Result<(), FileError> {
    let error = |failure| FileError { file: path.display().to_string(), reason: told(&failure) };
    File::open(path).map(|_| ()).map_err(error)
}

/// The bytes of a file.
///
/// # Errors
/// [`FileError`] if it can't be read or is larger than [`FILE_LIMIT`].
pub fn read_bytes(path: &Path) -> Result<Vec<u8>, FileError> {
    let error = |reason: String| FileError { file: path.display().to_string(), reason };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|failure| error(told(&failure)))?;
    file.take(FILE_LIMIT + 1).read_to_end(&mut bytes).map_err(|failure| error(told(&failure)))?;
    if bytes.len() as u64 > FILE_LIMIT {
        return Err(error(format!("it is larger than {} MiB", FILE_LIMIT / 1024 / 1024)));
    }
    Ok(bytes)
}

/// The text of a file.
///
/// # Errors
/// [`FileError`], also if it is not UTF-8.
pub fn read_text(path: &Path) -> Result<String, FileError> {
    let error = |_| FileError { file: path.display().to_string(), reason: "it is not UTF-8 text".to_owned() };
    String::from_utf8(read_bytes(path)?).map_err(error)
}

/// A variable of the environment, unless it is empty or not text.
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// How many files and sockets this process may open (`RLIMIT_NOFILE`, the soft limit), where the system tells.
pub fn open_files() -> Option<u64> {
    soft_limit(&read_text(Path::new("/proc/self/limits")).ok()?)
}

/// The soft limit of open files in what Linux writes in `/proc/self/limits`.
fn soft_limit(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

/// A failure in plain words.
pub fn told(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "this user may not read it".to_owned(),
        io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_of_open_files_is_read() {
        let check = |text: &str, expected| assert_eq!(soft_limit(text), expected, "{text}");
        let before = "Limit                     Soft Limit           Hard Limit           Units\n";
        check(
            &format!("{before}Max open files            1024                 524288               files\n"),
            Some(1024),
        );
        check(&format!("{before}Max open files            unlimited            unlimited            files\n"), None);
        check(before, None);
        check("", None);
    }
}
