//! `kill -9` with events outstanding and a load of changes: whatever was acknowledged is told, at least once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::json;

use super::app::{App, words};
use crate::world::{Wishes, World};

/// How many clients write at once.
const WRITERS: usize = 4;
/// How long they write before the kill.
const LOAD: Duration = Duration::from_millis(1000);

/// Makes people until the server is gone; notes those that were acknowledged.
async fn write(base: String, token: String, name: String, made: Arc<Mutex<BTreeSet<String>>>, stop: Arc<AtomicBool>) {
    let client = reqwest::Client::new();
    for number in 0.. {
        let email = format!("{name}n{number}@acme.example");
        let body = json!({ "userName": email }).to_string();
        let request = client.post(format!("{base}/Users")).bearer_auth(&token).body(body);
        let answer = request.header("content-type", "application/scim+json").send().await;
        if stop.load(Ordering::SeqCst) || !answer.is_ok_and(|answer| answer.status() == 201) {
            return;
        }
        made.lock().insert(email);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_event_of_an_acknowledged_change_is_lost_by_a_kill() {
    // Shut: events are under way and wait, and none has been taken, when the server is killed.
    let app = App::start(false).await;
    let mut world = World::with(Wishes { configuration: app.configuration("app"), ..Wishes::default() }).await;
    let token = world.run(&["scim-token", "issue", "acme"]).trim().to_owned();
    let (made, base) = (Arc::new(Mutex::new(BTreeSet::new())), format!("http://{}/scim/v2", world.scim));
    for round in 0..2 {
        let stop = Arc::new(AtomicBool::new(false));
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let name = format!("r{round}w{writer}");
                tokio::spawn(write(base.clone(), token.clone(), name, Arc::clone(&made), Arc::clone(&stop)))
            })
            .collect();
        tokio::time::sleep(LOAD).await;
        world.crash_and_restart().await;
        stop.store(true, Ordering::SeqCst);
        for writer in writers {
            writer.await.unwrap();
        }
    }
    let made = made.lock().clone();
    assert!(made.len() > 10, "only {} people were acknowledged", made.len());
    app.open();
    let mut wanted: BTreeSet<String> = made.iter().map(|email| format!("user.created {email}")).collect();
    wanted.extend(made.iter().map(|email| format!("membership.created acme {email} member")));
    app.until(|events| {
        let told: BTreeSet<String> = events.iter().map(words).collect();
        wanted.is_subset(&told)
    })
    .await;
    println!("2 kills, {} people acknowledged, all told of", made.len());
    assert!(!world.run(&["check", "--store"]).contains("problem"));
}
