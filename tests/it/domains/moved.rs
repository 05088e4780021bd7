//! A domain changes hands in front of everybody: through the running server, with people who are signed in.

use serde_json::Value;

use crate::world::dns::{DnsServer, Zone};
use crate::world::person::{Person, Seen};
use crate::world::{Wishes, World};

async fn sign_in(world: &World, email: &str) -> (Person, Seen) {
    let mut person = Person::new(world);
    let question = person.open(&format!("{}/", world.public_url)).await;
    let people = person.send(&question, question.form().fill("email", email)).await;
    assert!(people.url.as_str().starts_with(&world.idp_url), "{people:?}");
    let answer = person.send(&people, people.form().fill("person", email)).await;
    let seen = person.send(&answer, answer.form()).await;
    (person, seen)
}

fn json(world: &World, arguments: &[&str]) -> Value {
    serde_json::from_str(&world.run(&[arguments, &["--json"]].concat())).expect("JSON")
}

/// How the one membership that `user list` shows stands.
fn asleep(world: &World, slug: &str) -> Vec<(String, bool)> {
    let users = json(world, &["user", "list", slug]);
    let one = |user: &Value| {
        (user["email"].as_str().unwrap().to_owned(), user["memberships"][0]["asleep"].as_bool().unwrap())
    };
    users.as_array().unwrap().iter().map(one).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_released_domain_that_another_proves_signs_its_people_out_and_their_memberships_sleep() {
    let dns = DnsServer::start().await;
    let configuration = format!("[dns]\nservers = [\"{}\"]\n", dns.address);
    let world = World::with(Wishes { configuration, ..Wishes::default() }).await;
    world.run(&["org", "create", "partner", "--name", "Partner"]);
    world.run(&["user", "add", "partner", "ada@acme.example", "--role", "admin"]);
    let (mut ada, app) = sign_in(&world, "ada@acme.example").await;
    assert!(app.body.contains("ada@acme.example"), "{app:?}");
    let (mut alan, app) = sign_in(&world, "alan@globex.example").await;
    assert!(app.body.contains("alan@globex.example"), "{app:?}");

    let record = json(&world, &["domain", "claim", "globex", "acme.example"])["record"].as_str().unwrap().to_owned();
    dns.set("acme.example", Zone::Txt(vec![vec![record]]));
    assert!(!world.try_run(&["domain", "verify", "globex", "acme.example"]).status.success(), "acme holds it");
    let still = ada.open(&format!("{}/", world.public_url)).await;
    assert!(still.body.contains("ada@acme.example"), "nothing has changed: {still:?}");
    world.run(&["domain", "release", "acme", "acme.example"]);
    world.run(&["domain", "verify", "globex", "acme.example"]);

    let home = format!("{}/", world.public_url);
    let mut asked = ada.open(&home).await;
    for _ in 0..50 {
        if asked.url.path() == "/.vestibule/sign-in" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        asked = ada.open(&home).await;
    }
    assert_eq!(asked.url.path(), "/.vestibule/sign-in", "signed out: {asked:?}");
    assert!(alan.open(&home).await.body.contains("alan@globex.example"), "others are not");
    assert_eq!(asleep(&world, "partner"), [("ada@acme.example".to_owned(), true)]);
    assert_eq!(asleep(&world, "acme"), [("ada@acme.example".to_owned(), true)]);
    assert!(world.run(&["user", "list", "partner"]).contains("asleep until confirmed"));
    let explained = world.run(&["user", "show", "ada@acme.example"]);
    assert!(explained.contains("admin, asleep until confirmed of partner"), "{explained}");

    let explained = world.run(&["explain", "ada@acme.example"]);
    assert!(explained.contains("`vestibule user confirm partner ada@acme.example`"), "{explained}");

    // Acme's identity provider no longer speaks for her.
    let tile = ada.open(&format!("{}/.vestibule/sso/acme", world.public_url)).await;
    let answer = ada.send(&tile, tile.form().fill("person", "ada@acme.example")).await;
    let refused = ada.send(&answer, answer.form()).await;
    assert!(refused.status.is_client_error(), "{refused:?}");
    assert!(world.run(&["logins", "--org", "acme", "--last", "1"]).contains("email_domain"));

    assert!(world.run(&["user", "confirm", "partner", "ada@acme.example"]).contains("asleep → awake"));
    assert_eq!(asleep(&world, "partner"), [("ada@acme.example".to_owned(), false)]);
    assert!(world.run(&["user", "confirm", "partner", "ada@acme.example"]).contains("it is so already"));
    let audit = world.run(&["audit", "--org", "partner"]);
    assert!(audit.contains("member.asleep") && audit.contains("member.confirm"), "{audit}");
    assert_eq!(json(&world, &["check", "--store"])["store"]["problems"], serde_json::json!([]));
}
