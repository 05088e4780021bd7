//! Speaks to the running server over its admin socket.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use tokio::net::UnixStream;

use super::failure::Failure;
use crate::administration::api::{Call, Refused};

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
        let runtime = super::local::runtime()?;
        let body = serde_json::to_vec(call).map_err(|error| Failure(format!("can't ask: {error}")))?;
        let answered = runtime.block_on(async { tokio::time::timeout(PATIENCE, self.post(C::VERB, body)).await });
        let (good, body) = answered.map_err(|_| self.broken("it did not answer in time"))??;
        if !good {
            return Err(self.refused(&body));
        }
        serde_json::from_slice(&body).map_err(|_| self.broken("its answer is not understood"))
    }

    /// Writes what the server streams at `path` to `file`.
    ///
    /// # Errors
    /// That no server answers, or that the file can't be written.
    pub fn download(&self, path: &str, file: &mut std::fs::File) -> Result<(), Failure> {
        let runtime = super::local::runtime()?;
        runtime.block_on(async {
            let mut answer = self.send(Request::get(path).header("host", "admin").body(Full::default())).await?;
            if !answer.status().is_success() {
                return Err(self.broken("it refused"));
            }
            while let Some(frame) = answer.frame().await {
                let frame = frame.map_err(|error| self.broken(&error.to_string()))?;
                if let Ok(data) = frame.into_data() {
                    file.write_all(&data).map_err(|error| Failure(format!("can't write the file: {error}")))?;
                }
            }
            Ok(())
        })
    }

    /// Asks at `path`, and gives each line of the answer to `line` as it comes, until the server stops.
    ///
    /// # Errors
    /// What the server refuses, or what `line` says; that no server answers.
    pub fn stream<C: Serialize>(
        &self,
        path: &str,
        call: &C,
        mut line: impl FnMut(&str) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let runtime = super::local::runtime()?;
        let body = serde_json::to_vec(call).map_err(|error| Failure(format!("can't ask: {error}")))?;
        runtime.block_on(async {
            let request = Request::post(path).header("host", "admin").body(Full::new(Bytes::from(body)));
            let mut answer = self.send(request).await?;
            if !answer.status().is_success() {
                let body = answer.collect().await.map_err(|error| self.broken(&error.to_string()))?.to_bytes();
                return Err(self.refused(&body));
            }
            let mut waiting = Vec::new();
            while let Some(frame) = answer.frame().await {
                let Ok(data) = frame.map_err(|error| self.broken(&error.to_string()))?.into_data() else { continue };
                waiting.extend_from_slice(&data);
                while let Some(end) = waiting.iter().position(|byte| *byte == b'\n') {
                    let text: Vec<u8> = waiting.drain(..=end).collect();
                    let text = String::from_utf8_lossy(&text);
                    if !text.trim().is_empty() {
                        line(text.trim_end())?;
                    }
                }
            }
            Ok(())
        })
    }

    fn refused(&self, body: &[u8]) -> Failure {
        let refused = serde_json::from_slice::<Refused>(body);
        refused.map_or_else(|_| self.broken("it speaks another language"), |refused| Failure(refused.error))
    }

    async fn post(&self, verb: &str, body: Vec<u8>) -> Result<(bool, Bytes), Failure> {
        let request = Request::post(format!("/v1/{verb}")).header("host", "admin").body(Full::new(Bytes::from(body)));
        let answer = self.send(request).await?;
        let (status, body) = (answer.status(), answer.into_body());
        let body = body.collect().await.map_err(|error| self.broken(&error.to_string()))?.to_bytes();
        Ok((status.is_success(), body))
    }

    async fn send(&self, request: http::Result<Request<Full<Bytes>>>) -> Result<Response<Incoming>, Failure> {
        let stream = UnixStream::connect(&self.socket).await.map_err(|error| self.absent(&error))?;
        let broken = |error: hyper::Error| self.broken(&error.to_string());
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        // Ends with the connection, or with the runtime of this one question.
        tokio::spawn(connection);
        let request = request.map_err(|error| self.broken(&error.to_string()))?;
        sender.send_request(request).await.map_err(broken)
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
