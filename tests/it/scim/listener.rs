//! The side port of the running binary: S10's second, S36's limits on the wire, TLS, and the commands for tokens.

use std::time::{Duration, Instant};

use reqwest::Certificate;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::world::person;
use crate::world::person::Person;
use crate::world::{Wishes, World};

/// The promise.
const SECOND: Duration = Duration::from_secs(1);
const ADA: &str = "ada@acme.example";

fn token(world: &World) -> String {
    let printed = world.run(&["scim-token", "issue", "acme"]);
    assert_eq!(printed.lines().count(), 1, "the token alone: {printed}");
    printed.trim().to_owned()
}

async fn ask(world: &World, token: &str, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
    let url = format!("http://{}/scim/v2{path}", world.scim);
    let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
    let mut request = reqwest::Client::new().request(method, url).bearer_auth(token);
    if let Some(body) = body {
        request = request.json(&body);
    }
    let answered = request.send().await.unwrap();
    (answered.status().as_u16(), serde_json::from_str(&answered.text().await.unwrap()).unwrap_or_default())
}

/// An open WebSocket to the app, through the gate.
async fn web_socket(world: &World, person: &Person) -> TcpStream {
    let mut socket = TcpStream::connect(world.gate).await.unwrap();
    let head = format!(
        "GET /ws HTTP/1.1\r\nHost: localhost:{}\r\nCookie: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        world.gate.port(),
        person.cookies(&world.public_url)
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut seen = vec![0; 512];
    let count = socket.read(&mut seen).await.unwrap();
    let told = String::from_utf8_lossy(&seen[..count]).into_owned();
    assert!(told.starts_with("HTTP/1.1 101"), "{told}");
    socket
}

async fn is_closed(socket: &mut TcpStream, since: Instant) -> Duration {
    let mut rest = Vec::new();
    let closed = tokio::time::timeout(SECOND, socket.read_to_end(&mut rest)).await;
    assert!(closed.is_ok(), "still open after a second");
    since.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s10_deactivation_closes_an_open_web_socket_within_a_second() {
    let world = World::start().await;
    let token = token(&world);
    let mut ada = Person::new(&world);
    ada.sign_in(&world, ADA).await;
    let (_, list) = ask(&world, &token, "GET", &format!("/Users?filter=userName+eq+%22{ADA}%22"), None).await;
    let id = list["Resources"][0]["id"].as_str().expect("whoever came by signing in is listed").to_owned();
    for (method, body) in [
        ("PATCH", Some(json!({ "Operations": [{ "op": "replace", "value": { "active": false } }] }))),
        ("DELETE", None),
    ] {
        let mut socket = web_socket(&world, &ada).await;
        let since = Instant::now();
        let (status, told) = ask(&world, &token, method, &format!("/Users/{id}"), body).await;
        assert!(status < 300, "{told}");
        let took = is_closed(&mut socket, since).await;
        println!("{method}: closed after {took:?}");
        let seen = ada.open(&format!("{}/", world.public_url)).await;
        assert_eq!(seen.url.path(), "/.vestibule/sign-in", "{seen:?}");
        if method == "PATCH" {
            let on = json!({ "Operations": [{ "op": "replace", "value": { "active": true } }] });
            assert_eq!(ask(&world, &token, "PATCH", &format!("/Users/{id}"), Some(on)).await.0, 200);
            ada = Person::new(&world);
            ada.sign_in(&world, ADA).await;
        }
    }
    // D17: single sign-on does not bring back whom provisioning took out.
    let mut again = Person::new(&world);
    let seen = again.sign_in(&world, ADA).await;
    assert_ne!((seen.url.path(), seen.status.as_u16()), ("/", 200), "{seen:?}");
    // An invitation by hand does.
    world.run(&["user", "add", "acme", ADA]);
    let mut invited = Person::new(&world);
    let seen = invited.sign_in(&world, ADA).await;
    assert_eq!((seen.url.path(), seen.status.as_u16()), ("/", 200), "{seen:?}");
    let metrics = reqwest::get(format!("http://{}/metrics", world.ops)).await.unwrap().text().await.unwrap();
    for metric in ["vestibule_revocation_lag_seconds", "vestibule_scim_requests_total", "vestibule_scim_seconds"] {
        assert!(metrics.contains(metric), "{metric} is measured");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s1_tokens_are_issued_replaced_and_revoked_by_command() {
    let world = World::start().await;
    let first = token(&world);
    assert_eq!(ask(&world, &first, "GET", "/Users", None).await.0, 200);
    let second = token(&world);
    assert_eq!(ask(&world, &first, "GET", "/Users", None).await.0, 401);
    assert_eq!(ask(&world, &second, "GET", "/Users", None).await.0, 200);
    world.run(&["scim-token", "revoke", "acme"]);
    assert_eq!(ask(&world, &second, "GET", "/Users", None).await.0, 401);
    let missing = world.try_run(&["scim-token", "issue", "nobody"]);
    assert_eq!(missing.status.code(), Some(1));
    let audit = world.run(&["audit", "--org", "acme"]);
    let everything = format!("{audit}{}", world.log());
    assert!(audit.contains("scim-token.issue") && audit.contains("scim-token.revoke"), "{audit}");
    assert!(!everything.contains(&first) && !everything.contains(&second), "no token is told");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d16_an_admin_organization_that_ends_takes_along_whom_its_groups_brought() {
    let world = World::start().await;
    world.run(&["org", "create", "group", "--name", "The Group", "--admin"]);
    world.run(&["domain", "claim", "group", "group.example", "--trusted"]);
    let code = world.run(&["link", "code", "group", "--json"]);
    let code: Value = serde_json::from_str(&code).unwrap();
    world.run(&["link", "join", "acme", code["code"].as_str().unwrap()]);
    world.run(&["org", "set", "acme", "scim_name=Acme"]);
    let token = world.run(&["scim-token", "issue", "group"]).trim().to_owned();
    let mut members = Vec::new();
    for name in ["bo", "cy"] {
        let (status, made) =
            ask(&world, &token, "POST", "/Users", Some(person(&format!("{name}@group.example")))).await;
        assert_eq!(status, 201, "{made}");
        members.push(json!({ "value": made["id"] }));
    }
    world.run(&["user", "add", "acme", "cy@group.example"]);
    let group = json!({ "displayName": "Acme", "members": members });
    assert_eq!(ask(&world, &token, "POST", "/Groups", Some(group)).await.0, 201);
    let before = world.run(&["user", "list", "acme"]);
    assert!(before.contains("bo@group.example") && before.contains("cy@group.example"), "{before}");
    world.run(&["org", "delete", "group"]);
    let after = world.run(&["user", "list", "acme"]);
    assert!(!after.contains("bo@group.example"), "whom provisioning put in leaves: {after}");
    assert!(after.contains("cy@group.example"), "who was there by hand stays: {after}");
    let audit = world.run(&["audit", "--org", "acme"]);
    assert!(audit.contains("scim.member.remove"), "{audit}");
    assert_eq!(ask(&world, &token, "GET", "/Users", None).await.0, 401);
    world.run(&["check", "--store"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s36_slow_and_large_clients_hold_nobody_up() {
    let world = World::start().await;
    let token = token(&world);
    let mut slow = Vec::new();
    for _ in 0..100 {
        let mut stream = TcpStream::connect(world.scim).await.unwrap();
        stream.write_all(b"POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nContent-Le").await.unwrap();
        slow.push(stream);
    }
    for _ in 0..10 {
        let mut stream = TcpStream::connect(world.scim).await.unwrap();
        let head = format!(
            "POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{{"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        slow.push(stream);
    }
    let since = Instant::now();
    assert_eq!(ask(&world, &token, "POST", "/Users", Some(person("bo@acme.example"))).await.0, 201);
    assert!(since.elapsed() < Duration::from_secs(2), "{:?}", since.elapsed());
    // Chunked, so that no length announces it.
    let url = format!("http://{}/scim/v2/Users", world.scim);
    let pieces = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b' '; 256 * 1024]));
    let body = reqwest::Body::wrap_stream(futures_util::StreamExt::take(pieces, 40));
    let sent = reqwest::Client::new().post(&url).bearer_auth(&token).body(body).send().await;
    assert!(sent.is_ok_and(|answered| answered.status() == 413));
    let endless = "x".repeat(300 * 1024);
    let refused = reqwest::Client::new().get(&url).bearer_auth(&token).header("x-long", endless).send().await;
    assert!(refused.is_err() || refused.is_ok_and(|answered| answered.status() == 431));
    assert_eq!(ask(&world, &token, "GET", "/Users?count=1", None).await.0, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_side_port_speaks_tls_with_the_sites_certificate() {
    let world = World::with(Wishes { https: true, ..Wishes::default() }).await;
    let token = token(&world);
    let certificate = Certificate::from_pem(world.certificate.as_ref().unwrap().as_bytes()).unwrap();
    let client = reqwest::Client::builder().tls_certs_merge([certificate]).build().unwrap();
    let url = format!("https://localhost:{}/scim/v2/Users", world.scim.port());
    let made = client.post(&url).bearer_auth(&token).json(&person("bo@acme.example")).send().await.unwrap();
    assert_eq!(made.status(), 201);
    let location = made.headers()["location"].to_str().unwrap().to_owned();
    assert!(location.starts_with(&format!("{url}/")), "S16: from the configuration: {location}");
    let plain = reqwest::get(format!("http://{}/scim/v2/Users", world.scim)).await;
    assert!(plain.is_err(), "nothing is answered in the clear");
}
