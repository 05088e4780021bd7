//! Each door: the commands, SCIM, the first sign-in, the portal's pages.

use serde_json::{Value, json};

use super::app::App;
use crate::mail::town::Town;
use crate::world::mail_server::MailServer;
use crate::world::person::Person;
use crate::world::{Wishes, World};

async fn scim(world: &World, token: &str, method: &str, path: &str, body: Value) -> Value {
    let url = format!("http://{}/scim/v2{path}", world.scim);
    let request = reqwest::Client::new().request(method.parse().unwrap(), url).bearer_auth(token);
    let answer = request.header("content-type", "application/scim+json").body(body.to_string()).send().await.unwrap();
    assert!(answer.status().is_success(), "{method} {path}: {}", answer.status());
    serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_commands_and_scim_change_is_told() {
    let app = App::start(true).await;
    let world = World::with(Wishes { configuration: app.configuration("app"), ..Wishes::default() }).await;
    let seen = &mut 0;
    world.run(&["user", "add", "acme", "grace@acme.example"]);
    app.tells(seen, &["user.created grace@acme.example", "membership.created acme grace@acme.example member"]).await;
    world.run(&["user", "set", "acme", "grace@acme.example", "--role", "owner"]);
    world.run(&["user", "set", "acme", "grace@acme.example", "--role", "owner"]);
    app.tells(seen, &["membership.updated acme grace@acme.example owner"]).await;
    world.run(&["team", "create", "acme", "Ops"]);
    world.run(&["team", "add", "acme", "Ops", "grace@acme.example"]);
    app.tells(seen, &["team.created acme Ops", "team_member.added acme Ops grace@acme.example"]).await;
    world.run(&["user", "deactivate", "grace@acme.example"]);
    world.run(&["user", "remove", "acme", "grace@acme.example"]);
    app.tells(
        seen,
        &[
            "user.deactivated grace@acme.example",
            "team_member.removed acme Ops grace@acme.example",
            "membership.deleted acme grace@acme.example owner",
        ],
    )
    .await;

    let token = world.run(&["scim-token", "issue", "acme"]).trim().to_owned();
    let person = json!({ "userName": "kay@acme.example", "name": { "givenName": "Kay", "familyName": "McNulty" } });
    let made = scim(&world, &token, "POST", "/Users", person).await;
    let id = made["id"].as_str().unwrap();
    app.tells(seen, &["user.created kay@acme.example", "membership.created acme kay@acme.example member"]).await;
    let told = app.events();
    assert_eq!((&told[*seen - 2]["data"]["name"], &told[*seen - 2]["data"]["id"]), (&json!("Kay McNulty"), &json!(id)));
    let crew = scim(&world, &token, "POST", "/Groups", json!({ "displayName": "Crew", "members": [{ "value": id }] }));
    let group = format!("/Groups/{}", crew.await["id"].as_str().unwrap());
    app.tells(seen, &["team.created acme Crew", "team_member.added acme Crew kay@acme.example"]).await;
    let operations = |operations: Value| json!({ "Operations": operations });
    let out = operations(json!([{ "op": "remove", "path": format!("members[value eq \"{id}\"]") }]));
    scim(&world, &token, "PATCH", &group, out).await;
    app.tells(seen, &["team_member.removed acme Crew kay@acme.example"]).await;
    let user = format!("/Users/{id}");
    for (active, event) in [(false, "user.deactivated"), (true, "user.activated")] {
        let change = operations(json!([{ "op": "replace", "path": "active", "value": active }]));
        scim(&world, &token, "PATCH", &user, change).await;
        app.tells(seen, &[&format!("{event} kay@acme.example")]).await;
    }
    scim(&world, &token, "DELETE", &user, Value::Null).await;
    app.tells(seen, &["user.deactivated kay@acme.example", "membership.deleted acme kay@acme.example member"]).await;
    world.run(&["org", "delete", "acme"]);
    let events = app.until(|events| events.len() >= *seen + 2).await;
    let mut told: Vec<String> = events[*seen..].iter().map(super::app::words).collect();
    told.sort();
    assert_eq!(told, ["team.deleted acme Crew", "team.deleted acme Ops"]);

    assert!(!world.log().contains("@acme.example"), "nobody is named in the log");
    let metrics = reqwest::get(format!("http://{}/metrics", world.ops)).await.unwrap().text().await.unwrap();
    let delivered =
        metrics.lines().find(|line| line.starts_with("vestibule_webhooks_total") && line.contains("delivered"));
    let count: usize = delivered.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or(0);
    assert_eq!(count, events.len(), "{metrics}");
    for line in ["vestibule_webhooks_waiting{endpoint=\"app\"} 0", "vestibule_webhooks_dead{endpoint=\"app\"} 0"] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
    assert!(!world.run(&["check", "--store"]).contains("problem"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_sign_in_is_told_with_the_names_that_the_identity_provider_sends_and_what_owners_decide_too() {
    let app = App::start(true).await;
    let town = Town::with(MailServer::start().await, &app.configuration("app")).await;
    let seen = &mut 0;
    let mut ada = Person::new(&town.world);
    let people = town.ask(&mut ada, "ada@acme.example").await;
    let answer = ada.send(&people, people.form().fill("person", "ada@acme.example")).await;
    ada.send(&answer, answer.form()).await;
    app.tells(seen, &["user.created ada@acme.example", "membership.created acme ada@acme.example member"]).await;
    let name = app.events()[0]["data"]["name"].as_str().unwrap().to_owned();
    assert!(name.starts_with("Ada "), "{name}");
    // Somebody asks to be let in, and an owner grants it on the page.
    let world = &town.world;
    town.member("hooli", "gavin@hooli.example", "owner", crate::mail::town::GOOD);
    app.tells(seen, &["user.created gavin@hooli.example", "membership.created hooli gavin@hooli.example owner"]).await;
    world.run(&["user", "add", "acme", "gavin@hooli.example"]);
    app.tells(seen, &["membership.created acme gavin@hooli.example member"]).await;
    world.run(&["domain", "release", "hooli", "hooli.example"]);
    world.run(&["domain", "claim", "acme", "hooli.example", "--trusted"]);
    app.tells(seen, &["membership.deleted hooli gavin@hooli.example owner"]).await;
    world.run(&["user", "confirm", "hooli", "gavin@hooli.example"]);
    app.tells(seen, &["membership.created hooli gavin@hooli.example owner"]).await;
}
