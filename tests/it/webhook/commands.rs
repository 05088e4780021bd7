//! `vestibule webhook list | retry | test`, over an endpoint that is taken out of the configuration and put back.

use serde_json::Value;

use super::app::{App, words};
use crate::world::{Wishes, World};

fn json(world: &World, arguments: &[&str]) -> Value {
    serde_json::from_str(&world.run(&[arguments, &["--json"]].concat())).unwrap()
}

/// Asks until the server, which has to take its lease first, shows so many dead events.
async fn until_dead(world: &World, count: usize) -> Value {
    for _ in 0..1200 {
        let dead = json(world, &["webhook", "list", "--dead"]);
        if dead.as_array().unwrap().len() == count {
            return dead;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("{}", json(world, &["webhook", "list", "--dead"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_could_not_be_delivered_is_listed_and_queued_anew_and_an_endpoint_is_tested() {
    let app = App::start(false).await;
    let mut world = World::with(Wishes { configuration: app.configuration("app"), ..Wishes::default() }).await;
    world.run(&["user", "add", "acme", "grace@acme.example"]);
    let listed = json(&world, &["webhook", "list"]);
    let place = format!("http://{}", app.address);
    assert_eq!(
        (&listed[0]["name"], &listed[0]["place"], &listed[0]["waiting"]),
        (&"app".into(), &place.into(), &2.into())
    );
    assert!(world.run(&["webhook", "list"]).starts_with("NAME  AT"), "{}", world.run(&["webhook", "list"]));

    let configured = std::fs::read_to_string(world.path("vestibule.toml")).unwrap();
    std::fs::write(world.path("vestibule.toml"), configured.replace(&app.configuration("app"), "")).unwrap();
    world.crash_and_restart().await;
    let dead = until_dead(&world, 2).await;
    assert_eq!((&dead[0]["type"], &dead[0]["endpoint"]), (&"user.created".into(), &"app".into()));
    assert!(!dead.to_string().contains("grace"), "{dead}");
    let id = dead[0]["id"].as_str().unwrap();
    let refused = |arguments: &[&str], words: &str| {
        let output = world.try_run(arguments);
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(1) && told.contains(words), "{arguments:?}: {told}");
    };
    refused(&["webhook", "retry", id], "no endpoint of its name is configured");
    refused(&["webhook", "retry", "01988f2a-6c31-7000-8004-5d1f7c09be22"], "no dead event has the id");
    refused(&["webhook", "test", "app"], "no [[webhook]] of the name «app» is configured: none is");
    assert_eq!(world.run(&["webhook", "list"]).trim(), "No [[webhook]] is configured.");

    std::fs::write(world.path("vestibule.toml"), configured).unwrap();
    world.crash_and_restart().await;
    app.open();
    let tested = json(&world, &["webhook", "test", "app"]);
    assert_eq!((&tested["taken"], &tested["answer"]), (&true.into(), &"200".into()));
    assert!(world.run(&["webhook", "retry", id]).starts_with("1 event is queued anew."));
    assert!(world.run(&["webhook", "retry", "--all"]).starts_with("1 event is queued anew."));
    assert_eq!(world.run(&["webhook", "list", "--dead"]).trim(), "Nothing is dead.");
    let events = app.until(|events| events.len() >= 3).await;
    let mut told: Vec<String> = events.iter().map(words).collect();
    told.sort();
    let expected =
        ["membership.created acme grace@acme.example member", "user.created grace@acme.example", "webhook.test"];
    assert_eq!(told, expected);
    let audited = world.run(&["audit", "--operator", "--json"]);
    assert_eq!(audited.matches("webhook.retry").count(), 2, "{audited}");
}
