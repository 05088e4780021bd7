//! S35: what was acknowledged survives `kill -9`, and every index agrees with its records afterwards.
//!
//! The running binary is killed in the middle of a load of creates, renames, deactivations, pushes and deletes; then
//! `vestibule check --store` looks at everything.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::world::World;

/// How many clients write at once.
const WRITERS: usize = 6;
/// How long they write before the kill.
const LOAD: Duration = Duration::from_millis(1500);
const ROUNDS: usize = 2;

/// What was acknowledged of each person, by id: the name last confirmed, or none once they were deleted.
type Acknowledged = Arc<Mutex<BTreeMap<String, Option<String>>>>;

struct Client {
    base: String,
    token: String,
    http: reqwest::Client,
}

impl Client {
    /// The status and body of an answer that came whole; none if the server died meanwhile.
    async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Option<(u16, Value)> {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.http.request(method, format!("{}{path}", self.base)).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answered = request.send().await.ok()?;
        let status = answered.status().as_u16();
        let text = answered.text().await.ok()?;
        Some((status, serde_json::from_str(&text).unwrap_or_default()))
    }

    async fn write(&self, writer: usize, round: usize, told: &Acknowledged, stop: &AtomicBool) {
        for number in 0.. {
            if stop.load(Ordering::SeqCst) || self.one(&format!("r{round}w{writer}n{number}"), told).await.is_none() {
                return;
            }
        }
    }

    /// One life: made, renamed, put into a group; every third deleted. None once the server is gone.
    async fn one(&self, name: &str, told: &Acknowledged) -> Option<()> {
        let first = format!("{name}@acme.example");
        let (status, made) = self.ask("POST", "/Users", Some(json!({ "userName": first, "externalId": name }))).await?;
        assert_eq!(status, 201, "{made}");
        let id = made["id"].as_str()?.to_owned();
        told.lock().insert(id.clone(), Some(first));
        let second = format!("{name}.renamed@acme.example");
        // Until this is answered either name may be right.
        told.lock().remove(&id);
        let operations = json!([{ "op": "replace", "path": "userName", "value": second }]);
        let (status, _) = self.ask("PATCH", &format!("/Users/{id}"), Some(json!({ "Operations": operations }))).await?;
        assert_eq!(status, 200);
        told.lock().insert(id.clone(), Some(second));
        let group = json!({ "displayName": format!("G {name}"), "members": [{ "value": id }] });
        assert_eq!(self.ask("POST", "/Groups", Some(group)).await?.0, 201);
        if name.ends_with(['3', '6', '9']) {
            told.lock().remove(&id);
            assert_eq!(self.ask("DELETE", &format!("/Users/{id}"), None).await?.0, 204);
            told.lock().insert(id, None);
        }
        Some(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s35_no_acknowledged_write_is_lost_by_a_kill_and_every_index_is_right() {
    let mut world = World::start().await;
    let token = world.run(&["scim-token", "issue", "acme"]).trim().to_owned();
    let base = format!("http://{}/scim/v2", world.scim);
    let client = Arc::new(Client { base, token, http: reqwest::Client::new() });
    let told = Acknowledged::default();
    for round in 0..ROUNDS {
        let stop = Arc::new(AtomicBool::new(false));
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (client, told, stop) = (Arc::clone(&client), Arc::clone(&told), Arc::clone(&stop));
                tokio::spawn(async move { client.write(writer, round, &told, &stop).await })
            })
            .collect();
        tokio::time::sleep(LOAD).await;
        world.crash_and_restart().await;
        stop.store(true, Ordering::SeqCst);
        for writer in writers {
            writer.await.unwrap();
        }
    }
    let told = told.lock().clone();
    assert!(told.len() > 20, "only {} people were acknowledged", told.len());
    for (id, name) in &told {
        let (status, body) = client.ask("GET", &format!("/Users/{id}"), None).await.unwrap();
        match name {
            Some(name) => {
                assert_eq!((status, body["userName"].as_str()), (200, Some(name.as_str())), "{id}");
                let filter = format!("/Users?filter=userName+eq+%22{name}%22");
                let (_, list) = client.ask("GET", &filter, None).await.unwrap();
                assert_eq!(list["Resources"][0]["id"].as_str(), Some(id.as_str()), "{name}");
            }
            None => assert_eq!(status, 404, "{id} was deleted"),
        }
    }
    println!("{ROUNDS} kills, {} people acknowledged, none lost", told.len());
    let checked = world.run(&["check", "--store"]);
    assert!(!checked.contains("problem"), "{checked}");
}
