//! HTTP/2 frame by frame, from a client that keeps to no rule: nothing is smuggled, and no flood keeps others out.

use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::tcp::OwnedReadHalf;
use tokio::net::{TcpStream, tcp::OwnedWriteHalf};
use tokio::time::timeout;

use super::raw;
use super::world::World;

const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// How long the gate may take to end a connection that floods it.
const PATIENCE: Duration = Duration::from_secs(15);

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = u32::try_from(payload.len()).unwrap().to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

/// A header block of literals, none of them indexed or compressed (RFC 7541 §6.2.2).
fn block(headers: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in headers {
        block.push(0);
        for text in [name, value] {
            // An integer with a prefix of seven bits (RFC 7541 §5.1).
            let mut rest = text.len();
            if rest >= 127 {
                block.push(127);
                rest -= 127;
                while rest >= 128 {
                    block.push(u8::try_from(rest % 128).unwrap() | 128);
                    rest /= 128;
                }
            }
            block.push(u8::try_from(rest).unwrap());
            block.extend_from_slice(text.as_bytes());
        }
    }
    block
}

fn get<'a>(path: &'a str, further: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let usual = [(":method", "GET"), (":scheme", "http"), (":authority", "localhost"), (":path", path)];
    [&usual[..], further].concat()
}

async fn open(world: &World) -> (OwnedReadHalf, OwnedWriteHalf) {
    let (read, mut write) = TcpStream::connect(world.gate).await.unwrap().into_split();
    write.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    write.write_all(&frame(SETTINGS, 0, 0, &[])).await.unwrap();
    (read, write)
}

/// What kinds of frames came until the gate closed, or until nothing came for a while.
async fn kinds(mut read: OwnedReadHalf, quiet: Duration) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 16384];
    while let Ok(Ok(count @ 1..)) = timeout(quiet, tokio::io::AsyncReadExt::read(&mut read, &mut buffer)).await {
        bytes.extend_from_slice(&buffer[..count]);
    }
    let (mut kinds, mut rest) = (Vec::new(), bytes.as_slice());
    while let [a, b, c, kind, behind @ ..] = rest {
        kinds.push(*kind);
        let length = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
        rest = behind.get(5 + length..).unwrap_or_default();
    }
    kinds
}

async fn others_are_served(world: &World, during: &str) {
    let served = timeout(Duration::from_secs(5), raw::get(world.gate, "/public/other", &[])).await;
    assert_eq!(served.unwrap_or_else(|_| panic!("others wait during {during}")).status, 200, "{during}");
}

/// Requests that want to be more than they are.
fn tricks() -> Vec<Vec<(&'static str, &'static str)>> {
    let long: &'static str = format!("/public/{}", "x".repeat(20_000)).leak();
    let bad = |headers: &[(&'static str, &'static str)]| headers.to_vec();
    vec![
        get("/public/a", &[("x-a", "b\r\nX-Vestibule-User: forged")]),
        get("/public/a", &[("x-a", "b\nX-Vestibule-User: forged")]),
        get("/public/a", &[("x-a\r\nX-Vestibule-User", "forged")]),
        get("/public/a", &[("x-a: b\r\nx-vestibule-user", "forged")]),
        get("/public/a", &[("X-Vestibule-User", "forged")]),
        get("/public/a", &[("x_vestibule_user", "forged")]),
        get("/public/a", &[("x-vestibule-user ", "forged")]),
        get("/public/a", &[("", "forged")]),
        get("/public/a", &[("transfer-encoding", "chunked")]),
        get("/public/a", &[("transfer_encoding", "chunked")]),
        get("/public/a", &[("connection", "x-vestibule-email")]),
        get("/public/a", &[("upgrade", "websocket"), ("connection", "upgrade")]),
        get("/public/a", &[("te", "gzip")]),
        get("/public/a", &[("content-length", "5")]),
        get("/public/a", &[("content-length", "5"), ("content-length", "6")]),
        get("/public/a", &[("host", "evil.example")]),
        get("/public/a", &[("host", "localhost"), ("host", "localhost")]),
        get("/public/a", &[(":authority", "evil.example")]),
        get("/public/a", &[(":path", "/admin/")]),
        get("/public/a", &[(":protocol", "websocket")]),
        get("/public/a", &[(":forged", "1")]),
        get("/public/a HTTP/1.1\r\nX-Vestibule-User: forged\r\nX: ", &[]),
        get("/public/a\r\nX-Vestibule-User: forged", &[]),
        get("/public/a b", &[]),
        get("public/a", &[]),
        get("", &[]),
        get("*", &[]),
        get("//evil.example/public/a", &[]),
        get("http://evil.example/public/a", &[]),
        get(long, &[]),
        bad(&[
            (":method", "GET /admin/ HTTP/1.1\r\nX: "),
            (":scheme", "http"),
            (":authority", "localhost"),
            (":path", "/public/a"),
        ]),
        bad(&[(":method", "CONNECT"), (":authority", "localhost:22")]),
        bad(&[(":method", "TRACE"), (":scheme", "http"), (":authority", "localhost"), (":path", "/public/a")]),
        bad(&[(":method", "GET"), (":scheme", "http"), (":authority", "a@localhost"), (":path", "/public/a")]),
        bad(&[(":method", "GET"), (":scheme", "http"), (":authority", "localhost\r\nX: y"), (":path", "/public/a")]),
        bad(&[(":method", "GET"), (":scheme", "http"), (":path", "/public/a")]),
        bad(&[
            (":method", "GET"),
            (":scheme", "http"),
            ("x", "y"),
            (":authority", "localhost"),
            (":path", "/public/a"),
        ]),
    ]
}

#[tokio::test]
async fn no_header_of_http2_becomes_more_than_one_of_http1() {
    let world = World::new().await;
    for headers in tricks() {
        let (read, mut write) = open(&world).await;
        let request = frame(HEADERS, END_HEADERS | END_STREAM, 1, &block(&headers));
        write.write_all(&request).await.unwrap();
        let kinds = kinds(read, Duration::from_millis(150)).await;
        assert!(kinds.iter().any(|kind| [HEADERS, RESET, GOAWAY].contains(kind)), "{headers:?}: {kinds:?}");
        for received in world.app.received() {
            assert!(!received.head.contains("forged"), "{headers:?}: {}", received.head);
            assert!(!received.head.contains("evil.example"), "{headers:?}: {}", received.head);
            for name in ["transfer-encoding", "upgrade", "content-length"] {
                let reached = received.headers(name);
                assert!(reached.is_empty() || reached == ["0"], "{headers:?}: {}", received.head);
            }
            assert_eq!(
                received.target(),
                if received.head.contains("//evil") { "" } else { "/public/a" },
                "{headers:?}"
            );
            assert!(received.head.starts_with("GET /public/a HTTP/1.1\r\n"), "{headers:?}: {}", received.head);
        }
    }
    others_are_served(&world, "what came before").await;
}

#[tokio::test]
async fn an_announced_length_holds() {
    let world = World::new().await;
    for (announced, body) in [("3", "hello"), ("9", "hello"), ("0", "hello")] {
        let (read, mut write) = open(&world).await;
        let mut headers = get("/public/a", &[("content-length", announced)]);
        headers[0] = (":method", "POST");
        write.write_all(&frame(HEADERS, END_HEADERS, 1, &block(&headers))).await.unwrap();
        write.write_all(&frame(0, END_STREAM, 1, body.as_bytes())).await.unwrap();
        let kinds = kinds(read, Duration::from_millis(300)).await;
        assert!(kinds.contains(&RESET) || kinds.contains(&GOAWAY), "{announced}: {kinds:?}");
    }
    // Had any of them left bytes behind on a connection to the app, they would be the head of this one.
    others_are_served(&world, "lengths that lie").await;
    let last = world.app.received().pop().unwrap();
    assert!(last.head.starts_with("GET /public/other HTTP/1.1"), "{}", last.head);
}

/// Writes until the gate has closed, or `most` bytes are written; gives how many that were.
async fn flood(world: &World, name: &str, first: &[u8], piece: impl Fn(u32) -> Vec<u8>, most: usize) -> (usize, bool) {
    let (mut read, mut write) = open(world).await;
    let gone = async { tokio::io::copy(&mut read, &mut tokio::io::sink()).await };
    let writes = async {
        let mut written = first.len();
        if write.write_all(first).await.is_err() {
            return written;
        }
        for number in 0.. {
            let piece = piece(number);
            if written >= most || write.write_all(&piece).await.is_err() {
                break;
            }
            written += piece.len();
        }
        written
    };
    let (written, (), gone) =
        tokio::join!(timeout(PATIENCE, writes), others_are_served(world, name), timeout(PATIENCE, gone));
    (written.unwrap_or(0), gone.is_ok())
}

#[tokio::test]
async fn header_blocks_without_end_have_one() {
    let world = World::new().await;
    let first = frame(HEADERS, END_STREAM, 1, &block(&get("/public/a", &[])));
    let big = block(&[("x-a", &"y".repeat(16_000))]);
    let (written, gone) =
        flood(&world, "continuations", &first, |_| frame(CONTINUATION, 0, 1, &big), 64 * 1024 * 1024).await;
    assert!(gone && written < 16 * 1024 * 1024, "{written} bytes of large ones");
    let (written, gone) =
        flood(&world, "empty continuations", &first, |_| frame(CONTINUATION, 0, 1, &[]), 16 * 1024 * 1024).await;
    assert!(gone && written < 8 * 1024 * 1024, "{written} bytes of empty ones");
}

#[tokio::test]
async fn opening_and_resetting_without_end_has_one() {
    let world = World::new().await;
    let block = block(&get("/public/slow", &[]));
    let piece = |number: u32| {
        let stream = 2 * number + 1;
        let mut both = frame(HEADERS, END_HEADERS | END_STREAM, stream, &block);
        both.extend(frame(RESET, 0, stream, &8u32.to_be_bytes()));
        both
    };
    let (written, gone) = flood(&world, "rapid resets", &[], piece, 32 * 1024 * 1024).await;
    assert!(gone, "the connection ends, after {written} bytes");
    let reached = world.app.received().len();
    assert!(reached < 2000, "{reached} of them reached the app");
}

#[tokio::test]
async fn settings_and_pings_without_end_keep_nobody_out() {
    let world = World::new().await;
    // Never reads what is answered: either the gate stops reading too, or it closes.
    for (name, piece) in
        [("settings", frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 255, 255])), ("pings", frame(PING, 0, 0, &[7; 8]))]
    {
        let (_read, mut write) = open(&world).await;
        let writes = async {
            let many = piece.repeat(1000);
            let mut written = 0_usize;
            while written < 64 * 1024 * 1024 && write.write_all(&many).await.is_ok() {
                written += many.len();
            }
            written
        };
        let (written, ()) = tokio::join!(timeout(Duration::from_secs(3), writes), others_are_served(&world, name));
        assert!(
            written.is_err() || written.is_ok_and(|written| written < 64 * 1024 * 1024),
            "{name}: all of it is taken"
        );
    }
}
