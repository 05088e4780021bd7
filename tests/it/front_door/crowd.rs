//! Many who send bodies to Vestibule's own pages, slowly and from several networks: whoever is honest still gets through.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use vestibule::proxy::limits::{ANSWER_BODY_LIMIT, CROWDED_SILENCE, LARGE_BODIES};

use super::raw::{Connection, send};
use super::world::World;

/// A gate that believes us which address a request comes from.
async fn world() -> World {
    World::with(|settings| settings.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()]).await
}

fn head(from: &str, path: &str, length: usize) -> String {
    format!(
        "POST /.vestibule/{path} HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: {from}\r\nConnection: close\r\n\
         Content-Length: {length}\r\n\r\n"
    )
}

/// Says that a megabyte will come, sends as much as makes a body large, and then nothing.
async fn stall(world: &World, from: &str) -> Connection {
    let mut connection = Connection::open(world.gate).await;
    connection.write(head(from, "saml/acme/acs", ANSWER_BODY_LIMIT).as_bytes()).await;
    connection.write(&vec![b'x'; 20 * 1024]).await;
    connection
}

async fn crowd(world: &World, from: impl Fn(usize) -> String) -> Vec<Connection> {
    let mut crowd = Vec::new();
    for number in 0..LARGE_BODIES {
        crowd.push(stall(world, &from(number)).await);
    }
    // Their bytes are on the way: the gate takes them in well under this.
    sleep(CROWDED_SILENCE.saturating_add(Duration::from_secs(1))).await;
    crowd
}

async fn is_served(world: &World, from: &str, size: usize) {
    let begun = Instant::now();
    let request = format!("{}{}", head(from, "saml/acme/acs", size), "y".repeat(size));
    let answer = send(world.gate, request).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, size.to_string().as_str()), "{from}, {size} bytes");
    assert!(begun.elapsed() < Duration::from_secs(5), "{from}, {size} bytes: {:?}", begun.elapsed());
}

#[tokio::test]
async fn four_addresses_that_stall_keep_nobody_out() {
    let world = world().await;
    let mut crowd = crowd(&world, |number| format!("198.51.100.{}", number % 4)).await;
    is_served(&world, "203.0.113.1", 100_000).await;
    is_served(&world, "203.0.113.1", 5_000).await;
    is_served(&world, "198.51.100.77", 5_000).await;
    let form = format!("{}hello", head("203.0.113.2", "echo", 5));
    assert_eq!(send(world.gate, &form).await.body, "hello");
    // One of them had to go, and was told so.
    let mut told = 0;
    for connection in &mut crowd {
        let mut answer = [0; 12];
        let read = tokio::io::AsyncReadExt::read_exact(&mut connection.0, &mut answer);
        if tokio::time::timeout(Duration::from_millis(20), read).await.is_ok_and(|read| read.is_ok()) {
            assert_eq!(&answer, b"HTTP/1.1 408");
            told += 1;
        }
    }
    assert_eq!(told, 1);
}

#[tokio::test]
async fn a_network_for_each_body_that_stalls_keeps_nobody_out_either() {
    let world = world().await;
    let _crowd = crowd(&world, |number| format!("10.0.{number}.1")).await;
    for number in 0..8 {
        is_served(&world, &format!("203.0.113.{number}"), 100_000).await;
    }
}
