//! The socket itself: mode 0600, never taken from a server that lives.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::Path;

use tokio::net::{UnixListener, UnixSocket};

/// How many connections wait to be accepted.
const BACKLOG: u32 = 64;

/// Why the socket can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// A server answers there.
    #[error("a server answers at {0} already: stop it first, or give this one another «admin_socket»")]
    Taken(String),
    /// Something else is there.
    #[error("{0} is not a socket: move it away, or set another «admin_socket»")]
    NotASocket(String),
    /// The system refuses.
    #[error("can't open the admin socket {path}: {error}")]
    Io {
        /// Where.
        path: String,
        /// Why.
        error: io::Error,
    },
}

/// Opens the socket at `path`, for this user alone. A socket that a dead server left is replaced.
/// To be called within a tokio runtime.
///
/// # Errors
/// [`SocketError`].
pub fn bind(path: &Path) -> Result<UnixListener, SocketError> {
    let name = || path.display().to_string();
    let io = |error| SocketError::Io { path: name(), error };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(io)?;
    }
    match fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => return Err(SocketError::NotASocket(name())),
        Ok(_) if StdUnixStream::connect(path).is_ok() => return Err(SocketError::Taken(name())),
        Ok(_) => fs::remove_file(path).map_err(io)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(io(error)),
    }
    let socket = UnixSocket::new_stream().map_err(io)?;
    // On Linux the file takes over the mode that the socket has when it is bound, so that nobody is quicker than us.
    let handle = socket.as_fd().try_clone_to_owned().map_err(io)?;
    File::from(handle).set_permissions(Permissions::from_mode(0o600)).map_err(io)?;
    socket.bind(path).map_err(io)?;
    fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(io)?;
    socket.listen(BACKLOG).map_err(io)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_living_server_keeps_its_socket_and_a_dead_ones_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/admin.sock");
        let first = bind(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(matches!(bind(&path), Err(SocketError::Taken(_))));
        drop(first);
        assert!(path.exists());
        bind(&path).unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "mine").unwrap();
        assert!(matches!(bind(&file), Err(SocketError::NotASocket(_))));
        assert_eq!(fs::read(&file).unwrap(), b"mine");
    }
}
