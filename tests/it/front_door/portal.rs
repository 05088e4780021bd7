//! The portal behind the gate: called in process, told the client's address, its body capped.

use axum::Router;
use axum::body::Bytes;
use axum::extract::Extension;
use axum::routing::{get, post};
use vestibule::kernel::{Client, form_limit};

use super::raw::{self, send};
use super::world::World;
use crate::console::door::FORMS;

/// A stand-in for the portal.
pub fn stub() -> Router {
    let address = async |Extension(client): Extension<Client>| client.to_string();
    Router::new()
        .route("/.vestibule/sign-in", get(address))
        .route("/.vestibule/echo", post(async |body: Bytes| body))
        .route("/.vestibule/saml/{slug}/acs", post(async |body: Bytes| body.len().to_string()))
        .route("/.vestibule/console/{*rest}", post(async |body: Bytes| body.len().to_string()))
        .layer(axum::extract::DefaultBodyLimit::disable())
}

#[tokio::test]
async fn the_portal_answers_what_is_its_own_and_the_app_never_sees_it() {
    let world = World::new().await;
    let forged = [("X-Forwarded-For", "198.51.100.9")];
    let answer = raw::get(world.gate, "/.vestibule/sign-in?return_to=/", &forged).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "127.0.0.1"));
    assert_eq!(raw::get(world.gate, "/.vestibule/nothing", &[]).await.status, 404);
    assert_eq!(raw::get(world.gate, "/.vestibule", &[]).await.status, 404);
    assert_eq!(raw::get(world.gate, "/x/../.%76estibule//sign-in", &[]).await.body, "127.0.0.1");
    assert!(world.app.received().is_empty());
}

#[tokio::test]
async fn a_form_comes_through_in_every_form() {
    let world = World::new().await;
    let head = "POST /.vestibule/echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
    let plain = send(world.gate, format!("{head}Content-Length: 5\r\n\r\nhello")).await;
    assert_eq!((plain.status, plain.body.as_str()), (200, "hello"));
    let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n");
    assert_eq!(send(world.gate, chunked).await.body, "hello");
    let mut connection = raw::Connection::open(world.gate).await;
    connection.write(format!("{head}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n").as_bytes()).await;
    assert!(connection.read_until("100 Continue").await.contains("100 Continue"));
    connection.write(b"hello").await;
    assert!(connection.read_until("hello").await.contains("200 OK"));
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused() {
    let world = World::new().await;
    let head = "POST /.vestibule/echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
    assert_eq!(send(world.gate, format!("{head}Content-Length: 99999999\r\n\r\n")).await.status, 413);
    let mut chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n").into_bytes();
    for _ in 0..40 {
        chunked.extend_from_slice(b"10000\r\n");
        chunked.extend_from_slice(&vec![b'x'; 0x10000]);
        chunked.extend_from_slice(b"\r\n");
    }
    assert_eq!(send(world.gate, chunked).await.status, 413);
    let sized = |path: &str, method: &str, size: usize| {
        let head = format!("{method} /.vestibule/{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
        format!("{head}Content-Length: {size}\r\n\r\n{}", "x".repeat(size))
    };
    assert_eq!(send(world.gate, sized("echo", "POST", 16 * 1024)).await.status, 200);
    assert_eq!(send(world.gate, sized("echo", "POST", 16 * 1024 + 1)).await.status, 413);
    assert_eq!(send(world.gate, sized("saml/acme/acs", "POST", 500_000)).await.body, "500000");
}

#[tokio::test]
async fn each_form_of_the_console_comes_through_as_far_as_it_is_read_there() {
    let world = World::new().await;
    for form in FORMS {
        let path = format!("/.vestibule/console/o/acme{form}");
        let head = format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
        let limit = form_limit(&path);
        let sized = |size: usize| format!("{head}Content-Length: {size}\r\n\r\n{}", "x".repeat(size));
        assert_eq!(send(world.gate, sized(limit)).await.body, limit.to_string(), "{form}");
        assert_eq!(send(world.gate, sized(limit + 1)).await.status, 413, "{form}");
    }
}

#[tokio::test]
async fn bodies_that_are_under_way_have_an_end() {
    let world = World::new().await;
    let head = "POST /.vestibule/echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
    let mut held = Vec::new();
    for _ in 0..vestibule::proxy::limits::BODIES_A_CLIENT {
        let mut connection = raw::Connection::open(world.gate).await;
        let waiting = format!("{head}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n");
        connection.write(waiting.as_bytes()).await;
        connection.read_until("100 Continue").await;
        held.push(connection);
    }
    let hello = format!("{head}Content-Length: 5\r\n\r\nhello");
    assert_eq!(send(world.gate, &hello).await.status, 503);
    assert_eq!(raw::get(world.gate, "/.vestibule/sign-in", &[]).await.status, 200, "reading needs no permit");
    let mut first = held.pop().unwrap();
    first.write(b"hello").await;
    assert!(first.read_until("hello").await.contains("200 OK"));
    assert_eq!(send(world.gate, &hello).await.body, "hello");
}

/// What an answer says of caching.
fn caching(answer: &raw::Answer) -> Vec<&str> {
    let lines = answer.head.lines().filter_map(|line| line.split_once(": "));
    lines.filter(|(name, _)| name.eq_ignore_ascii_case("cache-control")).map(|(_, value)| value).collect()
}

#[tokio::test]
async fn the_keys_and_the_session_are_told() {
    let world = World::new().await;
    let answer = raw::get(world.gate, "/.vestibule/jwks.json", &[]).await;
    assert_eq!(caching(&answer), ["public, max-age=300"], "the keys may be kept for a while");
    let keys: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(keys["keys"][0]["crv"], "Ed25519");
    let nobody = raw::get(world.gate, "/.vestibule/session", &[]).await;
    assert_eq!((nobody.status, caching(&nobody)), (401, vec!["no-store"]));
    let cookie = world.sign_in().await;
    let ada = raw::get(world.gate, "/.vestibule/session", &[("Cookie", &cookie)]).await;
    assert_eq!(caching(&ada), ["no-store"], "who somebody is stays with them");
    let told: serde_json::Value = serde_json::from_str(&ada.body).unwrap();
    assert_eq!(
        (&told["email"], &told["org"], &told["role"]),
        (&"ada@acme.example".into(), &"acme".into(), &"admin".into())
    );
}
