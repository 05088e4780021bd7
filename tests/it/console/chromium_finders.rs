//! In headless Chromium: an owner says who finds the organization, and decides on requests and on members that sleep.

use crate::mail::town::Town;
use crate::sign_in::chromium_people::sign_up;
use crate::world::person::Person;

use super::walk::Walk;

const OLGA: &str = "olga@initech.example";

/// Somebody new, who asks to be let in.
async fn asks(town: &Town, email: &str) {
    let mut person = Person::new(&town.world);
    let offered = town.ask(&mut person, email).await;
    person.send(&offered, offered.form()).await;
    let link = town.mail.mail_to(email, 1).await.link();
    let question = person.open(&link).await;
    let found = person.send(&question, question.form()).await;
    let found =
        if found.url.path() == "/.vestibule/join" { found } else { town.open(&mut person, "/.vestibule/join").await };
    assert!(found.body.contains("Ask to join"), "{found:?}");
    let asked = person.send(&found, found.form()).await;
    assert!(asked.body.contains("Your request is on its way"), "{asked:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_decides_who_finds_the_organization_and_who_gets_in_by_clicks() {
    let town = Town::start().await;
    for slug in ["initech", "first", "second"] {
        town.world.run(&["org", "create", slug, "--name", slug]);
    }
    town.world.run(&["org", "set", "initech", "discoverability=approval", "discoverable_domains=initech.example"]);
    town.world.run(&["user", "add", "initech", OLGA, "--role", "owner"]);
    town.world.run(&["domain", "claim", "first", "bought.example", "--trusted"]);
    for email in ["una@bought.example", "a.person.with.a.very.long.name.indeed@bought.example"] {
        town.world.run(&["user", "add", "initech", email]);
    }
    town.world.run(&["domain", "release", "first", "bought.example"]);
    town.world.run(&["domain", "claim", "second", "bought.example", "--trusted"]);
    town.mail.mail_to(OLGA, 1).await;
    asks(&town, "eve@initech.example").await;
    asks(&town, "fay@initech.example").await;
    town.mail.mail_to(OLGA, 3).await;

    let mut walk = Walk::begin(&town.world, "finders").await;
    sign_up(&town.world, &town.mail, &walk.browser, OLGA, 4).await;
    walk.browser.sees("verified").await;
    walk.go("initech", "discoverability", "Requests to join").await;
    walk.sees("Members to confirm", "asked").await;
    walk.send("Confirm una@bought.example").await;
    walk.sees("The member is confirmed, and can enter again.", "confirmed").await;
    walk.send("Remove a.person.with.a.very.long.name.indeed@bought.example").await;
    walk.browser.sees("The membership is over.").await;
    walk.send("Let in eve@initech.example").await;
    walk.sees("They are a member now, and are told by mail.", "let_in").await;
    walk.send("Decline fay@initech.example").await;
    walk.browser.sees("The request was declined").await;
    walk.types("domains", "initech.example\ngmail.com").await;
    walk.send("Save").await;
    walk.sees("verybody can have an address of gmail.com", "wrong").await;
    walk.types("domains", "initech.example\ninitech.test").await;
    walk.browser.choose("joins by themselves").await;
    walk.send("Save").await;
    walk.sees("Saved.", "saved").await;
    let shown = town.world.run(&["org", "show", "initech"]);
    assert!(shown.contains("open") && shown.contains("initech.test"), "{shown}");
    walk.ends();
    town.world.run(&["check", "--store"]);
}
