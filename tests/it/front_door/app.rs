//! An app that records what reaches it, byte for byte, and knows nothing of Vestibule.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A request as the app received it.
#[derive(Clone, Debug)]
pub struct Received {
    pub head: String,
    pub body: usize,
}

impl Received {
    pub fn target(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }

    /// All values of a header, by its name in any case and with `_` and `.` read as `-`.
    pub fn headers(&self, name: &str) -> Vec<&str> {
        let fold = |text: &str| text.to_ascii_lowercase().replace(['_', '.'], "-");
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        lines.filter(|(found, _)| fold(found) == fold(name)).map(|(_, value)| value.trim()).collect()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        match self.headers(name)[..] {
            [] => None,
            [value] => Some(value),
            ref several => panic!("{name} came {} times: {several:?}", several.len()),
        }
    }
}

/// The app.
#[derive(Clone)]
pub struct App {
    pub address: SocketAddr,
    name: &'static str,
    received: Arc<Mutex<Vec<Received>>>,
}

impl App {
    pub async fn start(name: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = App { address, name, received: Arc::default() };
        let serving = app.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serving.clone().serve(stream));
            }
        });
        app
    }

    /// Everything that was received so far.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// The only request that was received; forgets it.
    pub fn take_one(&self) -> Received {
        let mut received = self.received.lock().unwrap();
        assert_eq!(received.len(), 1, "one request reached the app: {received:?}");
        received.remove(0)
    }

    async fn serve(self, mut stream: TcpStream) {
        let mut buffer = Vec::new();
        while let Some(end) = read_head(&mut stream, &mut buffer).await {
            let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
            buffer.drain(..end + 4);
            let request = Received { head, body: 0 };
            let slot = {
                let mut received = self.received.lock().unwrap();
                received.push(request.clone());
                received.len() - 1
            };
            let path = request.target().split('?').next().unwrap_or_default().to_owned();
            if request.header("upgrade").is_some() && !path.ends_with("/plain") {
                return tunnel(stream).await;
            }
            if path.ends_with("/duplex") {
                return duplex(stream, !buffer.is_empty()).await;
            }
            if path.ends_with("/events") {
                return events(stream).await;
            }
            let body = read_body(&mut stream, &mut buffer, &request).await;
            if let Some(request) = self.received.lock().unwrap().get_mut(slot) {
                request.body = body;
            }
            if path == "/slow" {
                tokio::time::sleep(Duration::from_secs(3600)).await;
            }
            let text = format!("{} {path}", self.name);
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nX-App: {}\r\n\r\n", text.len(), self.name);
            let text = if request.head.starts_with("HEAD") { String::new() } else { text };
            if stream.write_all(format!("{answer}{text}").as_bytes()).await.is_err() {
                return;
            }
        }
    }
}

async fn read_head(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<usize> {
    loop {
        if let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            return Some(end);
        }
        if stream.read_buf(buffer).await.unwrap_or(0) == 0 {
            return None;
        }
    }
}

/// Reads a body and gives its length.
async fn read_body(stream: &mut TcpStream, buffer: &mut Vec<u8>, request: &Received) -> usize {
    if let Some(length) = request.header("content-length") {
        let length: usize = length.parse().unwrap();
        let mut left = length.saturating_sub(buffer.len());
        buffer.drain(..length.min(buffer.len()));
        let mut sink = vec![0; 65536];
        while left > 0 {
            let space = left.min(sink.len());
            match stream.read(&mut sink[..space]).await {
                Ok(count @ 1..) => left -= count,
                _ => break,
            }
        }
        return length - left;
    }
    let mut total = 0;
    if request.header("transfer-encoding").is_some() {
        loop {
            let Some(line) = buffer.windows(2).position(|two| two == b"\r\n") else {
                if stream.read_buf(buffer).await.unwrap_or(0) == 0 {
                    return total;
                }
                continue;
            };
            let size = usize::from_str_radix(std::str::from_utf8(&buffer[..line]).unwrap(), 16).unwrap();
            while buffer.len() < line + 2 + size + 2 {
                if stream.read_buf(buffer).await.unwrap_or(0) == 0 {
                    return total;
                }
            }
            buffer.drain(..line + 2 + size + 2);
            total += size;
            if size == 0 {
                return total;
            }
        }
    }
    0
}

/// After a 101: sends back whatever comes.
async fn tunnel(mut stream: TcpStream) {
    let head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
    let _ = stream.write_all(head.as_bytes()).await;
    let (mut read, mut write) = stream.split();
    let _ = tokio::io::copy(&mut read, &mut write).await;
}

/// An event now and then, without end.
async fn events(mut stream: TcpStream) {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
    let _ = stream.write_all(head.as_bytes()).await;
    while stream.write_all(b"data: tick\n\n").await.is_ok() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Answers at once, and then says «heard» for whatever comes of the body.
async fn duplex(mut stream: TcpStream, mut came: bool) {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    let _ = stream.write_all(head.as_bytes()).await;
    let mut buffer = [0; 4096];
    while came || matches!(stream.read(&mut buffer).await, Ok(1..)) {
        came = false;
        if stream.write_all(b"5\r\nheard\r\n").await.is_err() {
            return;
        }
    }
}
