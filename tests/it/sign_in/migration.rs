//! Moving an organization to Shared SSO, from the demo's IdP to SimpleSAMLphp, while its people sign in: none fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use vestibule::saml::service_provider::ServiceProvider;

use super::end_to_end::encryption_certificate;
use crate::world::World;
use crate::world::person::{Person, Seen};
use crate::world::simplesamlphp::{ADA, Registration, SimpleSamlPhp, Variant};

/// A sign-in under way: where the person waits while something is changed.
struct UnderWay {
    person: Person,
    seen: Seen,
    /// Which steps are still to be taken.
    stop: Stop,
}

/// Where a sign-in can be when the ground moves.
#[derive(Clone, Copy, Debug)]
enum Stop {
    /// The address is not typed yet.
    Question,
    /// At the IdP.
    Idp,
    /// The IdP has answered; the answer is not sent on yet.
    Answer,
}

/// Both IdPs ask in their own way.
async fn answer_idp(person: &mut Person, seen: &Seen) -> Seen {
    let form = seen.form();
    if form.value("username").is_some() {
        return person.send(seen, form.fill("username", ADA.0).fill("password", ADA.1)).await;
    }
    person.send(seen, form.fill("person", ADA.2)).await
}

impl UnderWay {
    async fn until(world: &World, stop: Stop) -> UnderWay {
        let mut person = Person::new(world);
        let mut seen = person.open(&format!("{}/", world.public_url)).await;
        assert_eq!(seen.url.path(), "/.vestibule/sign-in", "{seen:?}");
        if !matches!(stop, Stop::Question) {
            seen = person.send(&seen, seen.form().fill("email", ADA.2)).await;
        }
        if matches!(stop, Stop::Answer) {
            seen = answer_idp(&mut person, &seen).await;
        }
        UnderWay { person, seen, stop }
    }

    /// Goes on to the app, as acme's Ada.
    async fn arrives(mut self, world: &World, when: &str) {
        let mut seen = self.seen;
        if matches!(self.stop, Stop::Question) {
            seen = self.person.send(&seen, seen.form().fill("email", ADA.2)).await;
        }
        if !matches!(self.stop, Stop::Answer) {
            seen = answer_idp(&mut self.person, &seen).await;
        }
        let app = self.person.send(&seen, seen.form()).await;
        let logins = || world.run(&["logins", "--last", "2"]);
        assert_eq!(
            (app.url.path(), app.status.as_u16()),
            ("/", 200),
            "{:?} over {when}: {app:?} {}",
            self.stop,
            logins()
        );
        assert!(app.body.contains(ADA.2) && app.body.contains("acme"), "{:?} over {when}: {}", self.stop, app.body);
    }
}

/// Makes one step of the migration while people stand at every place of a sign-in, and one comes afterwards.
async fn step(world: &World, what: &str, arguments: &[&str]) -> String {
    let mut waiting = Vec::new();
    for stop in [Stop::Question, Stop::Idp, Stop::Answer] {
        waiting.push(UnderWay::until(world, stop).await);
    }
    let told = tokio::task::block_in_place(|| world.run(arguments));
    for person in waiting {
        person.arrives(world, what).await;
    }
    UnderWay::until(world, Stop::Question).await.arrives(world, what).await;
    told
}

/// The last step: the original organization's SCIM name, and a push of the group of that name.
async fn push_the_group(world: &World) {
    let token = world.run(&["scim-token", "issue", "group"]).trim().to_owned();
    let ask = async |method: reqwest::Method, path: &str, body: serde_json::Value| -> serde_json::Value {
        let url = format!("http://{}/scim/v2{path}", world.scim);
        let sent = reqwest::Client::new().request(method, url).bearer_auth(&token).json(&body).send().await;
        sent.expect("an answer").json().await.expect("JSON")
    };
    let find = format!("/Users?filter=userName+eq+%22{}%22", ADA.2);
    let found = ask(reqwest::Method::GET, &find, serde_json::Value::Null).await;
    let id = found["Resources"][0]["id"].as_str().expect("the linked organization's people are the group's (D15)");
    step(world, "the SCIM name", &["org", "set", "acme", "scim_name=Acme"]).await;
    let group = serde_json::json!({ "displayName": "Acme", "members": [{ "value": id }] });
    let pushed = ask(reqwest::Method::POST, "/Groups", group).await;
    assert_eq!(pushed["members"][0]["value"], id, "{pushed}");
    UnderWay::until(world, Stop::Question).await.arrives(world, "the push").await;
}

/// SimpleSAMLphp as the group's IdP, with the group's own entity ID and ACS registered.
async fn groups_idp(world: &World) -> SimpleSamlPhp {
    let provider = ServiceProvider::new(&world.public_url);
    let slug = "group".parse().unwrap();
    let (entity_id, acs_url) = (provider.entity_id(&slug), provider.acs_url(&slug));
    let certificate = encryption_certificate(&world.get("/.vestibule/saml/group/metadata").await);
    SimpleSamlPhp::start(&Registration { entity_id, acs_url, certificate }, Variant::SignedAssertion).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_fails_to_sign_in_at_any_step_of_a_migration() {
    let world = Arc::new(World::start().await);
    world.run(&["user", "add", "acme", ADA.2, "--role", "owner"]);
    let (over, came) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let every_second = tokio::spawn({
        let (world, over, came) = (Arc::clone(&world), Arc::clone(&over), Arc::clone(&came));
        async move {
            while !over.load(Ordering::Acquire) {
                UnderWay::until(&world, Stop::Question).await.arrives(&world, "the second").await;
                came.fetch_add(1, Ordering::AcqRel);
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    });
    step(&world, "the Admin organization", &["org", "create", "group", "--name", "The Group", "--admin"]).await;
    let idp = groups_idp(&world).await;
    let metadata = world.path("group.xml");
    std::fs::write(&metadata, idp.metadata().await).unwrap();
    let file = metadata.display().to_string();
    step(&world, "its single sign-on", &["sso", "set", "group", "--metadata", &file]).await;
    let code = step(&world, "the code", &["link", "code", "group"]).await.trim().to_owned();
    let preview = world.run(&["link", "preview", "acme", &code]);
    assert!(preview.contains(ADA.2) && preview.contains("handed over single sign-on of group"), "{preview}");
    let joined = step(&world, "the link", &["link", "join", "acme", &code]).await;
    assert!(joined.contains("domain transfer acme.example --to group"), "{joined}");
    step(&world, "the transfer", &["domain", "transfer", "acme.example", "--to", "group"]).await;
    let list = world.run(&["link", "list", "group", "--json"]);
    let links: serde_json::Value = serde_json::from_str(&list).unwrap();
    assert_eq!(links[0]["moved_domains"][0], "acme.example", "{list}");
    assert!(links[0]["old_connection_uses"].as_u64().unwrap() > 0, "each use of the old connection is counted: {list}");
    let explained = world.run(&["explain", ADA.2]);
    assert!(explained.contains("The Group (group), an Admin organization"), "{explained}");
    assert!(world.run(&["domain", "list", "acme", "--all"]).contains("No claimed domains"));
    assert!(world.run(&["org", "show", "acme"]).contains("linked to"));
    push_the_group(&world).await;
    // Leaving brings no domain back, and yet nobody is locked out: acme's people enter it by the group's (D11).
    // No linked organization adds the group's people any more: its own setting leads them straight on (D9).
    world.run(&["org", "set", "group", "idp_managed_access=true"]);
    let left = step(&world, "leaving", &["link", "leave", "acme"]).await;
    assert!(left.contains("- acme: linked to: group"), "{left}");
    while came.load(Ordering::Acquire) <= 2 && !every_second.is_finished() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    over.store(true, Ordering::Release);
    every_second.await.expect("nobody failed");
    let people: serde_json::Value = serde_json::from_str(&world.run(&["user", "list", "acme", "--json"])).unwrap();
    assert_eq!(people.as_array().unwrap().len(), 1, "one account all along: {people}");
}
