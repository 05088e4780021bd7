//! Why a command failed: one sentence that says what is wrong and what to do. Exit code 1.

use crate::config::{ConfigError, FileError};
use crate::kernel::Fault;
use crate::store::StoreError;

/// The sentence.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Failure(pub String);

macro_rules! from {
    ($($error:ty),*) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Failure(error.to_string())
            }
        }
    )*};
}
from!(
    ConfigError,
    FileError,
    Fault,
    StoreError,
    crate::admin::SocketError,
    crate::server::ServerError,
    crate::telemetry::TelemetryError
);
