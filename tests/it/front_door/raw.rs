//! A client that sends exactly the bytes it is given.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// How long an answer may take before a test gives up.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// An answer as it came.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }

    /// The value of a header, by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find_map(|(found, value)| found.eq_ignore_ascii_case(name).then(|| value.trim()))
    }
}

/// An open connection.
pub struct Connection(pub TcpStream);

impl Connection {
    pub async fn open(address: SocketAddr) -> Self {
        Connection(TcpStream::connect(address).await.expect("the gate accepts"))
    }

    pub async fn write(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.expect("the gate reads");
    }

    /// Reads until `needle` was seen; gives all that was read.
    pub async fn read_until(&mut self, needle: &str) -> String {
        let mut seen = Vec::new();
        let mut buffer = vec![0; 4096];
        let read = async {
            while !String::from_utf8_lossy(&seen).contains(needle) {
                match self.0.read(&mut buffer).await {
                    Ok(0) | Err(_) => break,
                    Ok(count) => seen.extend_from_slice(&buffer[..count]),
                }
            }
        };
        tokio::time::timeout(PATIENCE, read).await.unwrap_or_else(|_| panic!("«{needle}» never came"));
        String::from_utf8_lossy(&seen).into_owned()
    }

    /// Reads until the other side closes.
    pub async fn read_to_end(&mut self) -> Vec<u8> {
        let mut seen = Vec::new();
        let mut buffer = vec![0; 16384];
        let read = async {
            while let Ok(count @ 1..) = self.0.read(&mut buffer).await {
                seen.extend_from_slice(&buffer[..count]);
            }
        };
        tokio::time::timeout(PATIENCE, read).await.expect("the gate closes the connection");
        seen
    }
}

/// Sends bytes on a connection of their own and reads the answer until the gate closes.
pub async fn send(address: SocketAddr, bytes: impl AsRef<[u8]>) -> Answer {
    let mut connection = Connection::open(address).await;
    // A gate that refuses early may close before everything is written.
    let _ = connection.0.write_all(bytes.as_ref()).await;
    Answer::parse(&connection.read_to_end().await)
}

/// A GET of `path` with further header lines, closing the connection afterwards.
pub async fn get(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Answer {
    let lines = headers.iter().fold(String::new(), |lines, (name, value)| lines + name + ": " + value + "\r\n");
    send(address, format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{lines}Connection: close\r\n\r\n")).await
}
