//! Speaks to the running server over its admin socket.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;

use super::failure::Failure;
use crate::admin::api::{Call, Refused};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// A server's admin socket.
pub struct Client {
    socket: PathBuf,
}

impl Client {
    /// The server that listens at `socket`.
    pub fn new(socket: &Path) -> Self {
        Client { socket: socket.to_owned() }
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// What the server refuses; that no server answers.
    pub fn call<C: Call>(&self, call: &C) -> Result<C::Answer, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure(format!("can't start: {error}")))?;
        let body = serde_json::to_vec(call).map_err(|error| Failure(format!("can't ask: {error}")))?;
        let answered = runtime.block_on(async { tokio::time::timeout(PATIENCE, self.post(C::VERB, body)).await });
        let (good, body) = answered.map_err(|_| self.broken("it did not answer in time"))??;
        if !good {
            let refused = serde_json::from_slice::<Refused>(&body);
            return Err(
                refused.map_or_else(|_| self.broken("it speaks another language"), |refused| Failure(refused.error))
            );
        }
        serde_json::from_slice(&body).map_err(|_| self.broken("its answer is not understood"))
    }

    async fn post(&self, verb: &str, body: Vec<u8>) -> Result<(bool, Bytes), Failure> {
        let stream = UnixStream::connect(&self.socket).await.map_err(|error| self.absent(&error))?;
        let broken = |error: hyper::Error| self.broken(&error.to_string());
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        let driver = tokio::spawn(connection);
        let request = Request::post(format!("/v1/{verb}")).header("host", "admin").body(Full::new(Bytes::from(body)));
        let request = request.map_err(|error| self.broken(&error.to_string()))?;
        let answer = sender.send_request(request).await.map_err(broken)?;
        let (status, body) = (answer.status(), answer.into_body());
        let body = body.collect().await.map_err(broken)?.to_bytes();
        driver.abort();
        Ok((status.is_success(), body))
    }

    fn absent(&self, error: &std::io::Error) -> Failure {
        let socket = self.socket.display();
        if error.kind() == std::io::ErrorKind::PermissionDenied {
            return Failure(format!("this user may not use {socket}: run the command as the server's user"));
        }
        Failure(format!(
            "no server answers at {socket}: start it with `vestibule serve`, or name its file with --config"
        ))
    }

    fn broken(&self, reason: &str) -> Failure {
        let socket = self.socket.display();
        Failure(format!("the server at {socket} did not answer as it should: {reason}; is it of the same version?"))
    }
}
