//! In headless Chromium: what went wrong in a sign-in, and who may see it; the token of provisioning; the audit; and what
//! would happen if, by clicks.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::world::World;
use crate::world::person::Person;

use super::walk::Walk;

const ADA: &str = "ada@acme.example";

/// Ada's sign-in, in which somebody on the way put another address in place of hers.
async fn forged(world: &World) {
    let mut ada = Person::new(world);
    let question = ada.open(&format!("{}/", world.public_url)).await;
    let people = ada.send(&question, question.form().fill("email", ADA)).await;
    let answer = ada.send(&people, people.form().fill("person", ADA)).await;
    let form = answer.form();
    let message = BASE64.decode(form.value("SAMLResponse").expect("a response")).expect("Base64");
    let message = String::from_utf8(message).expect("XML").replace(ADA, "eve@acme.example");
    let refused = ada.send(&answer, form.fill("SAMLResponse", &BASE64.encode(message))).await;
    assert!(refused.status.is_client_error(), "{refused:?}");
}

async fn sign_in_log(walk: &mut Walk<'_>) {
    walk.go("acme", "logins", "Sign-in log").await;
    walk.picks("outcome", "refused").await;
    walk.send("Search").await;
    let found = walk.sees("refused", "refused").await;
    assert!(!found.contains("signed in\t"), "{found}");
    walk.find("//tbody//a").await.click().await.unwrap();
    walk.sees("The message", "message").await;
    let line =
        "return [...document.querySelectorAll('#decoded > .line')].find(line => line.innerText.includes('eve@'))";
    let (text, within) = (format!("{line}.innerText"), format!("{line}.offsetHeight < 60"));
    let text = walk.browser.ask(&text).await.as_str().expect("a line").to_owned();
    assert!(text.starts_with('<') && text.ends_with("Value>"), "one element a line: {text}");
    assert_eq!(walk.browser.ask(&within).await, true, "{text}");
    let page = walk.browser.url().await;
    walk.send("Make a link").await;
    walk.sees("This link is shown once.", "link").await;
    let link = walk.copies("Link").await;
    walk.browser.go(&link).await;
    walk.sees("A sign-in by single sign-on", "shown").await;
    walk.browser.go(&page).await;
    walk.send("End all links of this sign-in").await;
    walk.sees("The links show nothing any more.", "ended").await;
    walk.browser.go(&link).await;
    walk.browser.sees("This link shows nothing any more").await;
}

async fn provisioning(walk: &mut Walk<'_>) {
    walk.go("acme", "scim", "SCIM is off").await;
    walk.send("Make the token").await;
    walk.sees("It is shown this once, and kept nowhere.", "token").await;
    let token = walk.copies("Token").await;
    let base = walk.copies("Base URL").await;
    let asked = reqwest::Client::new().get(format!("http://{}/scim/v2/Users", walk.world.scim)).bearer_auth(&token);
    assert!(asked.send().await.expect("an answer").status().is_success(), "{base}");
    walk.go("acme", "scim", "Make a new token").await;
    assert!(!walk.browser.text().await.contains(&token), "once");
    walk.send("End the token").await;
    walk.sees("The token opens nothing any more.", "no_token").await;
}

async fn audit(walk: &mut Walk<'_>) {
    walk.go("acme", "audit", "Is it whole?").await;
    walk.types("since", "yesterday").await;
    walk.send("Filter").await;
    walk.sees("A time is a day such as", "wrong_time").await;
    walk.types("since", "").await;
    walk.types("action", "scim").await;
    walk.send("Filter").await;
    let found = walk.sees("scim", "filtered").await;
    assert!(!found.contains("domain.claim"), "{found}");
    let folder = tempfile::tempdir().expect("a directory");
    walk.browser.downloads_to(folder.path()).await;
    walk.follows("Export as JSON lines").await;
    let file = folder.path().join("audit-acme.jsonl");
    for _ in 0..200 {
        if file.exists() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let exported = std::fs::read_to_string(&file).expect("the export");
    assert!(!exported.is_empty() && exported.lines().all(|line| line.contains("\"scim")), "{exported}");
    walk.send("Look at the whole chain").await;
    walk.sees("each as it was written", "whole").await;
    let kept = walk.copies("Number and hash").await;
    walk.types("expect", "anything").await;
    walk.send("Look at the whole chain").await;
    walk.sees("is a number and a hash", "no_hash").await;
    walk.types("expect", &kept).await;
    walk.send("Look at the whole chain").await;
    walk.browser.sees("each as it was written").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sign_ins_the_token_and_the_audit_are_looked_into_by_clicks() {
    let world = World::start().await;
    Person::new(&world).sign_in(&world, ADA).await;
    forged(&world).await;
    let mut walk = Walk::as_operator(&world, "records").await;
    walk.go("acme", "", "Needs attention").await;
    walk.sees("Sign-ins of the last seven days", "home").await;
    sign_in_log(&mut walk).await;
    provisioning(&mut walk).await;
    audit(&mut walk).await;
    walk.go("acme", "explain", "What would happen if").await;
    walk.types("email", "mallory@nowhere.example").await;
    walk.types("url", "/owners/").await;
    walk.send("Explain").await;
    walk.sees("stop", "explained").await;
    walk.ends();
    world.run(&["check", "--store"]);
}
