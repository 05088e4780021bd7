//! What silent and greedy clients can take of the side port.

use std::net::SocketAddr;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::*;

const ASKED: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
const PATIENCE: Duration = Duration::from_millis(400);
const LONG: Duration = Duration::from_secs(20);

/// A side port within these bounds that answers everything with 404.
fn port(bounds: Bounds) -> SocketAddr {
    port_with(bounds, None)
}

fn port_with(bounds: Bounds, tls: Option<TlsFiles>) -> SocketAddr {
    let listener = StdTcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let port = SidePort { bounds, ..SidePort::new(listener, Router::new(), tls).unwrap() };
    tokio::spawn(port.serve());
    address
}

/// Writes a fresh certificate for localhost and its key; gives a client that trusts it alone.
fn certified(folder: &TempDir) -> (TlsFiles, TlsConnector) {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let files = TlsFiles { certificate: folder.path().join("certificate.pem"), key: folder.path().join("key.pem") };
    std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    std::fs::write(&files.certificate, made.cert.pem()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    (files, TlsConnector::from(Arc::new(config)))
}

/// A TLS connection, if the certificate is one that the client trusts.
async fn greeted(address: SocketAddr, client: &TlsConnector) -> Option<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await.unwrap();
    client.connect(ServerName::try_from("localhost").unwrap(), stream).await.ok()
}

/// What comes until the connection is closed.
async fn until_closed(stream: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
    let mut seen = Vec::new();
    let closed = tokio::time::timeout(LONG, stream.read_to_end(&mut seen)).await;
    assert!(closed.is_ok(), "still open");
    seen
}

async fn is_answered(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    stream.write_all(ASKED).await.unwrap();
    let seen = until_closed(&mut stream).await;
    assert!(seen.starts_with(b"HTTP/1.1 404"), "{}", String::from_utf8_lossy(&seen));
}

#[tokio::test]
async fn s36_silent_connections_give_their_places_back() {
    let address = port(Bounds { connections: 4, header: PATIENCE, ..Bounds::default() });
    let mut silent = Vec::new();
    // The last ones begin as HTTP/2 would, and as a request might.
    for begins in [b"".as_slice(), b"", b"P", &PREFACE[..20]] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(begins).await.unwrap();
        silent.push(stream);
    }
    is_answered(TcpStream::connect(address).await.unwrap()).await;
    for mut stream in silent {
        assert_eq!(until_closed(&mut stream).await, b"");
    }
}

#[tokio::test]
async fn s36_silent_tls_connections_give_their_places_back() {
    let folder = TempDir::new().unwrap();
    let (files, client) = certified(&folder);
    let bounds = Bounds { connections: 4, handshake: PATIENCE, header: PATIENCE, ..Bounds::default() };
    let address = port_with(bounds, Some(files));
    let mut silent = Vec::new();
    // The last one begins a record, and leaves it there.
    for begins in [b"".as_slice(), b"", &[22, 3, 1, 2, 0, 1]] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(begins).await.unwrap();
        silent.push(stream);
    }
    let mut greeted_only = greeted(address, &client).await.unwrap();
    // All places are taken: this one is answered once they are given back.
    is_answered(greeted(address, &client).await.unwrap()).await;
    for mut stream in silent {
        assert_eq!(until_closed(&mut stream).await, b"");
    }
    // Closed without a farewell, which TLS takes for an error.
    let ended = tokio::time::timeout(LONG, greeted_only.read_to_end(&mut Vec::new())).await;
    assert!(ended.is_ok_and(|read| read.map_or(true, |count| count == 0)), "still open after the handshake");
}

#[tokio::test]
async fn the_certificate_of_the_side_port_follows_its_files() {
    let folder = TempDir::new().unwrap();
    let (files, first) = certified(&folder);
    let address = port_with(Bounds::default(), Some(files));
    let mut before = greeted(address, &first).await.unwrap();
    let (_, second) = certified(&folder);
    let renewed = async {
        while greeted(address, &second).await.is_none() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(LONG, renewed).await.expect("the new certificate is taken up");
    assert!(greeted(address, &first).await.is_none(), "the old one is gone");
    // A connection from before goes on.
    before.write_all(ASKED).await.unwrap();
    let mut seen = vec![0; 12];
    before.read_exact(&mut seen).await.unwrap();
    assert_eq!(seen, b"HTTP/1.1 404");
}

#[tokio::test]
async fn s36_an_http2_connection_without_requests_ends() {
    let address = port(Bounds { header: PATIENCE, idle: PATIENCE, ..Bounds::default() });
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The preface, in two pieces, and SETTINGS of nothing: all that a connection needs.
    stream.write_all(&PREFACE[..7]).await.unwrap();
    tokio::task::yield_now().await;
    stream.write_all(&[&PREFACE[7..], &[0, 0, 0, 4, 0, 0, 0, 0, 0]].concat()).await.unwrap();
    let since = Instant::now();
    let seen = until_closed(&mut stream).await;
    assert!(seen.len() > 9 && seen[3] == 4, "HTTP/2 is spoken, and begins with SETTINGS: {seen:?}");
    assert!(since.elapsed() >= PATIENCE);
}

#[tokio::test]
async fn s36_one_address_takes_no_more_than_its_share() {
    let address = port(Bounds { connections_of_one: 2, ..Bounds::default() });
    let from = async |own: &str| {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(format!("{own}:0").parse().unwrap()).unwrap();
        socket.connect(address).await.unwrap()
    };
    let held = [from("127.0.0.1").await, from("127.0.0.1").await];
    assert_eq!(until_closed(&mut from("127.0.0.1").await).await, b"", "the third is closed");
    is_answered(from("127.0.0.2").await).await;
    drop(held);
    let answered = async {
        loop {
            let mut stream = from("127.0.0.1").await;
            let _ = stream.write_all(ASKED).await;
            let mut seen = Vec::new();
            let _ = stream.read_to_end(&mut seen).await;
            if seen.starts_with(b"HTTP/1.1 404") {
                return;
            }
        }
    };
    assert!(tokio::time::timeout(LONG, answered).await.is_ok(), "what was given back is there again");
}

#[test]
fn s36_an_ipv6_client_is_its_network() {
    let same = |one: &str, other: &str| network(one.parse().unwrap()) == network(other.parse().unwrap());
    assert!(same("2001:db8:1:2::1", "2001:db8:1:2:ffff::7"));
    assert!(!same("2001:db8:1:2::1", "2001:db8:1:3::1"));
    assert!(same("::ffff:192.0.2.1", "192.0.2.1"));
    assert!(!same("192.0.2.1", "192.0.2.2"));
}
