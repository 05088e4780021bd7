//! `vestibule scim-log`: what came, what it did, why it was refused, and nobody's values (S11).

use std::time::Duration;

use serde_json::{Value, json};

use crate::world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s11_the_log_tells_what_came_and_why_it_was_refused_without_anybodys_values() {
    let world = World::start().await;
    let token = world.run(&["scim-token", "issue", "acme"]).trim().to_owned();
    let users = format!("http://{}/scim/v2/Users", world.scim);
    let client = reqwest::Client::new();
    for (email, expected) in [("ada@acme.example", 201), ("eve@elsewhere.example", 403)] {
        let body = json!({ "userName": email, "password": "hunter2-hunter2" });
        let sent = client.post(&users).bearer_auth(&token).json(&body).send().await.unwrap();
        assert_eq!(sent.status(), expected);
    }
    let lookup = format!("{users}?filter=userName+eq+%22ada%40acme.example%22");
    assert_eq!(client.get(&lookup).bearer_auth(&token).send().await.unwrap().status(), 200);
    assert_eq!(client.get(&users).bearer_auth("of-a-stranger").send().await.unwrap().status(), 401);
    let mut told = Vec::new();
    for _ in 0..100 {
        told = serde_json::from_str::<Vec<Value>>(&world.run(&["scim-log", "--org", "acme", "--json"])).unwrap();
        if told.len() >= 3 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let statuses: Vec<_> = told.iter().map(|request| request["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses.len(), 3, "a stranger's request belongs to nobody: {told:?}");
    let of = |status: u64| told.iter().find(|request| request["status"] == status).unwrap();
    assert_eq!(of(200)["target"], "/scim/v2/Users?filter=userName eq \"…\"");
    assert_eq!(of(201)["body"], "{\"password\":…,\"userName\":…}");
    assert!(of(403)["refused"].as_str().unwrap().contains("elsewhere.example"), "{}", of(403));
    let text = world.run(&["scim-log", "--org", "acme"]);
    for secret in ["hunter2", "ada@", &token] {
        assert!(!text.contains(secret) && !world.log().contains(secret), "{secret} is told: {text}");
    }
    assert_eq!(
        world.run(&["scim-log", "--org", "globex"]).trim(),
        "No SCIM requests yet. They appear here within a second."
    );
}
