//! A session that ends is over within a second, wherever it is, and its open streams with it.

use std::time::Duration;

use vestibule::directory::{DirectoryError, member, organization, user};
use vestibule::kernel::{Role, SystemRng};
use vestibule::session::{Scope, records};
use vestibule::store::{StoreError, Tx};

use super::raw::{self, Connection};
use super::world::World;

/// The promise.
const SECOND: Duration = Duration::from_secs(1);

async fn is_over_within_a_second(world: &World, cookie: &str) {
    tokio::time::timeout(SECOND, async {
        while raw::get(world.gate, "/deals", &[("Cookie", cookie)]).await.status != 401 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .expect("the session is over within a second");
}

async fn revoke(world: &World, scope: Scope) {
    let revoke = async |tx: Tx| records::revoke(&tx, scope).await;
    world.store.transaction::<_, StoreError, _, _>("revoke", revoke).await.unwrap();
}

#[tokio::test]
async fn every_scope_of_revocation_ends_it() {
    let world = World::new().await;
    for name in ["session", "user", "organization", "connection", "all"] {
        let cookie = world.sign_in().await;
        assert_eq!(raw::get(world.gate, "/deals", &[("Cookie", &cookie)]).await.status, 200, "{name}");
        let listed = records::list(&world.store.reader(), Scope::User(world.ada.id)).await.unwrap();
        assert_eq!(listed.len(), 1, "{name}: the ended ones are not listed");
        revoke(
            &world,
            match name {
                "session" => Scope::Session(listed[0].id),
                "user" => Scope::User(world.ada.id),
                "organization" => Scope::Organization(world.acme.id),
                "connection" => Scope::Connection(world.acme.id),
                _ => Scope::All,
            },
        )
        .await;
        is_over_within_a_second(&world, &cookie).await;
        world.clock.advance(Duration::from_millis(1));
    }
}

#[tokio::test]
async fn what_the_directory_ends_takes_its_sessions_along_for_good() {
    let world = World::new().await;
    let cookie = world.sign_in().await;
    let set_active = async |active| {
        let change = async |tx: Tx| user::set_active(&tx, &world.ada.email, active).await;
        world.store.transaction::<_, DirectoryError, _, _>("activate", change).await.unwrap();
    };
    set_active(false).await;
    is_over_within_a_second(&world, &cookie).await;
    set_active(true).await;
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(raw::get(world.gate, "/deals", &[("Cookie", &cookie)]).await.status, 401, "it never comes back");

    let cookie = world.sign_in().await;
    assert_eq!(raw::get(world.gate, "/deals", &[("Cookie", &cookie)]).await.status, 200);
    let remove = async |tx: Tx| member::remove(&tx, &world.acme, &world.ada).await;
    world.store.transaction::<_, DirectoryError, _, _>("remove", remove).await.unwrap();
    is_over_within_a_second(&world, &cookie).await;
}

#[tokio::test]
async fn an_organization_that_goes_ends_the_sessions_in_it() {
    let world = World::new().await;
    let cookie = world.sign_in().await;
    assert_eq!(raw::get(world.gate, "/deals", &[("Cookie", &cookie)]).await.status, 200);
    let delete = async |tx: Tx| organization::delete(&tx, &SystemRng, &world.acme).await;
    world.store.transaction::<_, DirectoryError, _, _>("delete", delete).await.unwrap();
    is_over_within_a_second(&world, &cookie).await;
}

#[tokio::test]
async fn a_silent_feed_closes_the_gate_to_all_but_what_is_public() {
    let world = World::deaf().await;
    let cookie = world.sign_in().await;
    let get = async |path: &str, cookie: &str| raw::get(world.gate, path, &[("Cookie", cookie)]).await.status;
    assert_eq!(get("/deals", &cookie).await, 503);
    assert_eq!(get("/.vestibule/session", &cookie).await, 503);
    assert_eq!(get("/public/a", &cookie).await, 200);
    assert_eq!(world.app.take_one().headers("x-vestibule-user"), [""; 0], "nobody can say who it is");
    assert_eq!(get("/deals", "").await, 401);
}

async fn open(world: &World, request: &str, sign: &str) -> Connection {
    let mut connection = Connection::open(world.gate).await;
    connection.write(request.as_bytes()).await;
    connection.read_until(sign).await;
    connection
}

async fn closes_within_a_second(connection: &mut Connection, name: &str) {
    let closed = tokio::time::timeout(SECOND, connection.read_to_end()).await;
    assert!(closed.is_ok(), "{name} is closed within a second");
}

fn upgrade(path: &str, cookie: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
}

fn plain(path: &str, cookie: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n\r\n")
}

#[tokio::test]
async fn open_streams_end_with_their_session_and_no_others() {
    let world = World::new().await;
    let (cookie, other) = (world.sign_in().await, world.sign_in().await);
    let mine = records::list(&world.store.reader(), Scope::User(world.ada.id)).await.unwrap().pop().unwrap();
    let mut socket = open(&world, &upgrade("/socket", &cookie), "101 Switching").await;
    let mut other_socket = open(&world, &upgrade("/socket", &other), "101 Switching").await;
    let mut events = open(&world, &plain("/events", &cookie), "data: tick").await;
    let mut slow = Connection::open(world.gate).await;
    slow.write(plain("/slow", &cookie).as_bytes()).await;
    socket.write(b"hello through the tunnel").await;
    socket.read_until("through the tunnel").await;
    while world.app.received().len() < 4 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    revoke(&world, Scope::Session(mine.id)).await;
    closes_within_a_second(&mut socket, "the WebSocket").await;
    closes_within_a_second(&mut events, "the event stream").await;
    closes_within_a_second(&mut slow, "the request that waits").await;
    other_socket.write(b"still here").await;
    assert!(other_socket.read_until("still here").await.contains("still here"));
}

async fn set_role(world: &World, role: Role) {
    let set = async |tx: Tx| member::set_role(&tx, &world.acme, &world.ada, role).await;
    world.store.transaction::<_, DirectoryError, _, _>("role", set).await.unwrap();
}

#[tokio::test]
async fn open_streams_end_when_their_route_is_not_for_the_person_any_more() {
    let world = World::new().await;
    let cookie = world.sign_in().await;
    set_role(&world, Role::Owner).await;
    tokio::time::timeout(SECOND, async {
        while raw::get(world.gate, "/admin/", &[("Cookie", &cookie)]).await.status != 200 {}
    })
    .await
    .expect("an owner is let in within a second");
    let mut socket = open(&world, &upgrade("/admin/socket", &cookie), "101 Switching").await;
    let mut events = open(&world, &plain("/admin/events", &cookie), "data: tick").await;
    let mut elsewhere = open(&world, &upgrade("/socket", &cookie), "101 Switching").await;
    let mut in_public = open(&world, &plain("/public/events", &cookie), "data: tick").await;

    set_role(&world, Role::Member).await;
    closes_within_a_second(&mut socket, "the WebSocket").await;
    closes_within_a_second(&mut events, "the event stream").await;
    elsewhere.write(b"still here").await;
    assert!(elsewhere.read_until("still here").await.contains("still here"));
    assert!(in_public.read_until("data: tick").await.contains("data: tick"));
    assert_eq!(raw::get(world.gate, "/deals", &[("Cookie", &cookie)]).await.status, 200, "the session lives");

    // Those that were woken and went on hear the next word too.
    revoke(&world, Scope::User(world.ada.id)).await;
    closes_within_a_second(&mut elsewhere, "the other WebSocket").await;
    closes_within_a_second(&mut in_public, "the event stream in public").await;
}

#[tokio::test]
async fn a_stream_on_a_connection_that_was_used_and_woken_before_ends_too() {
    let world = World::new().await;
    let cookie = world.sign_in().await;
    let mut connection = Connection::open(world.gate).await;
    for role in [Role::Admin, Role::Member] {
        connection.write(plain("/deals", &cookie).as_bytes()).await;
        connection.read_until("200 OK").await;
        let heard = world.sessions.wakes();
        set_role(&world, role).await;
        while world.sessions.wakes() == heard {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    connection.write(upgrade("/socket", &cookie).as_bytes()).await;
    connection.read_until("101 Switching").await;
    revoke(&world, Scope::User(world.ada.id)).await;
    closes_within_a_second(&mut connection, "the WebSocket").await;
}
