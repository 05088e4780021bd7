//! Slow bodies: what a request announces excuses none, and an app that has begun a stream may be fed slowly.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use http::{Request, Version};
use http_body_util::StreamBody;
use hyper::body::Frame;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};
use vestibule::proxy::limits::{BODY_GRACE, BODY_SILENCE};

use super::raw::Connection;
use super::world::World;

/// Longer than any body that is waited for.
const LONG: Duration = BODY_GRACE.saturating_add(Duration::from_secs(2));
/// What a loaded machine may add.
const SLACK: Duration = Duration::from_secs(8);

const ANNOUNCED: [&str; 5] = [
    "",
    "Accept: text/event-stream\r\n",
    "Content-Type: application/grpc\r\n",
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
    "Upgrade: websocket\r\n",
];

/// How long a body lasts that comes a byte a second, or not at all after its first byte.
async fn lasts(world: &World, announced: &str, drips: bool) -> Duration {
    let begun = Instant::now();
    let mut connection = Connection::open(world.gate).await;
    let head = "POST /public/plain HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999\r\n";
    connection.write(format!("{head}{announced}\r\nx").as_bytes()).await;
    let (mut read, mut write) = connection.0.into_split();
    let drip = async {
        while drips && tokio::io::AsyncWriteExt::write_all(&mut write, b"x").await.is_ok() {
            sleep(Duration::from_secs(1)).await;
        }
        std::future::pending::<()>().await;
    };
    let mut answer = Vec::new();
    let gone = tokio::io::AsyncReadExt::read_to_end(&mut read, &mut answer);
    tokio::select! { () = drip => {}, _ = timeout(LONG + SLACK, gone) => {} }
    let answer = String::from_utf8_lossy(&answer);
    let refused = answer.is_empty() || answer.starts_with("HTTP/1.1 408") || answer.starts_with("HTTP/1.1 400");
    assert!(refused, "{announced:?}: {answer}");
    begun.elapsed()
}

#[tokio::test]
async fn no_announcement_excuses_a_slow_body() {
    let world = World::new().await;
    let all = ANNOUNCED.iter().flat_map(|announced| [false, true].map(|drips| (*announced, drips)));
    let all: Vec<_> = all.collect();
    let lasted = join_all(all.iter().map(|(announced, drips)| lasts(&world, announced, *drips))).await;
    for ((announced, drips), lasted) in all.iter().zip(lasted) {
        let most = BODY_SILENCE.max(BODY_GRACE) + SLACK;
        assert!(lasted < most, "{announced:?}, dripping: {drips}: held for {lasted:?}");
    }
}

#[tokio::test]
async fn no_announcement_excuses_a_slow_body_over_http2() {
    let world = World::new().await;
    let stream = TcpStream::connect(world.gate).await.unwrap();
    let (sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let lasts = async |announced: (&'static str, &'static str), drips: bool| {
        let first = futures_util::stream::once(async { Frame::data(Bytes::from_static(b"x")) });
        let drops = futures_util::stream::unfold((), move |()| async move {
            if !drips {
                std::future::pending::<()>().await;
            }
            sleep(Duration::from_secs(1)).await;
            Some((Frame::data(Bytes::from_static(b"x")), ()))
        });
        let body = StreamBody::new(Box::pin(first.chain(drops).map(Ok::<_, Infallible>)));
        let request = Request::post("http://localhost/public/plain").version(Version::HTTP_2);
        let begun = Instant::now();
        let answer = sender.clone().send_request(request.header(announced.0, announced.1).body(body).unwrap());
        let answer = timeout(LONG + SLACK, answer).await;
        let refused = answer.is_ok_and(|answer| answer.is_err() || answer.is_ok_and(|answer| answer.status() == 408));
        assert!(refused, "{announced:?}, dripping: {drips}: refused");
        begun.elapsed()
    };
    let (silent, dripping, call, events) = tokio::join!(
        lasts(("x-any", "1"), false),
        lasts(("x-any", "1"), true),
        lasts(("content-type", "application/grpc"), false),
        lasts(("accept", "text/event-stream"), true),
    );
    for lasted in [silent, dripping, call, events] {
        assert!(lasted < BODY_GRACE + SLACK, "{lasted:?}");
    }
}

#[tokio::test]
async fn an_answered_stream_may_be_fed_as_slowly_as_it_likes() {
    let world = World::new().await;
    let duplex = async {
        let mut connection = Connection::open(world.gate).await;
        let head = "POST /public/duplex HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
        connection.write(format!("{head}1\r\na\r\n").as_bytes()).await;
        connection.read_until("heard").await;
        sleep(LONG).await;
        connection.write(b"1\r\nb\r\n").await;
        assert!(connection.read_until("heard").await.contains("heard"), "a body that is fed slowly");
    };
    let socket = async {
        let mut connection = Connection::open(world.gate).await;
        let head = "GET /public/socket HTTP/1.1\r\nHost: localhost\r\n";
        connection.write(format!("{head}{}\r\n", ANNOUNCED[3]).as_bytes()).await;
        connection.read_until("101 Switching").await;
        sleep(LONG).await;
        connection.write(b"still here").await;
        assert!(connection.read_until("still here").await.contains("still here"), "a WebSocket");
    };
    tokio::join!(duplex, socket);
}
