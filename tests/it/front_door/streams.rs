//! What flows: large uploads, kept connections, answers in pieces.

use std::time::Duration;

use tokio::io::AsyncWriteExt as _;

use super::raw::{self, Connection};
use super::world::World;

#[tokio::test]
async fn a_large_upload_is_streamed_whole() {
    let world = World::new().await;
    let length = 40 * 1024 * 1024;
    let mut connection = Connection::open(world.gate).await;
    let head = format!("POST /public/upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n");
    connection.write(head.as_bytes()).await;
    let piece = vec![b'x'; 1024 * 1024];
    for _ in 0..40 {
        connection.0.write_all(&piece).await.unwrap();
    }
    assert!(connection.read_until("app /public/upload").await.contains("200 OK"));
    assert_eq!(world.app.take_one().body, length);
}

#[tokio::test]
async fn a_chunked_body_comes_through() {
    let world = World::new().await;
    let body = "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n";
    let head = "POST /public/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(raw::send(world.gate, format!("{head}{body}")).await.status, 200);
    assert_eq!(world.app.take_one().body, 11);
}

#[tokio::test]
async fn one_connection_serves_one_after_the_other_and_forgets_between() {
    let world = World::new().await;
    let cookie = world.sign_in().await;
    let mut connection = Connection::open(world.gate).await;
    let signed_in = format!("GET /deals HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n\r\n");
    connection.write(signed_in.as_bytes()).await;
    connection.read_until("app /deals").await;
    world.app.take_one();
    connection.write(b"GET /deals HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert!(connection.read_until("sign_in_required").await.contains("401"));
    connection.write(b"GET /public/a HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    connection.read_until("app /public/a").await;
    assert_eq!(world.app.take_one().headers("x-vestibule-user"), [""; 0]);
}

#[tokio::test]
async fn a_refusal_of_an_unread_body_ends_the_connection() {
    let world = World::new().await;
    let mut connection = Connection::open(world.gate).await;
    connection.write(b"POST /deals HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n").await;
    let closed = tokio::time::timeout(Duration::from_secs(5), connection.read_to_end()).await.expect("closed");
    assert!(String::from_utf8_lossy(&closed).starts_with("HTTP/1.1 401"));
}
