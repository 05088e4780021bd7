//! What silent and greedy clients can take of the side port.

use std::net::SocketAddr;

use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpSocket, TcpStream};

use super::*;

const ASKED: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
const PATIENCE: Duration = Duration::from_millis(400);
const LONG: Duration = Duration::from_secs(20);

/// A side port within these bounds that answers everything with 404.
fn port(bounds: Bounds) -> SocketAddr {
    let listener = StdTcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let port = SidePort { bounds, ..SidePort::new(listener, Router::new(), None).unwrap() };
    tokio::spawn(port.serve());
    address
}

/// What comes until the connection is closed.
async fn until_closed(stream: &mut TcpStream) -> Vec<u8> {
    let mut seen = Vec::new();
    let closed = tokio::time::timeout(LONG, stream.read_to_end(&mut seen)).await;
    assert!(closed.is_ok(), "still open");
    seen
}

async fn is_answered(mut stream: TcpStream) {
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
