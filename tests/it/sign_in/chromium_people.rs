//! In headless Chromium, with mail over a real mail server: a new person asks to be let in, an owner decides, and both go
//! on; a person in two organizations switches.

use crate::world::browser::Browser;
use crate::world::mail_server::MailServer;
use crate::world::{Wishes, World};

use super::chromium::{sign_in, until_at};

const QUESTION: &str = "Work e-mail address";

/// Signs in by a link in the mail.
pub async fn sign_up(world: &World, mail: &MailServer, browser: &Browser, email: &str, count: usize) {
    browser.go(&format!("{}/.vestibule/sign-in", world.public_url)).await;
    browser.fill(QUESTION, email).await;
    browser.press("Continue").await;
    browser.sees("Continue by e-mail").await;
    if count == 1 {
        browser.look("sign_up").await;
    }
    browser.press("Send the link").await;
    browser.sees("Look into your mail").await;
    browser.go(&mail.mail_to(email, count).await.link()).await;
    browser.sees(&format!("You sign in as {email}")).await;
    if count == 1 {
        browser.look("verify").await;
    }
    browser.press("Go on as").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_person_asks_and_an_owner_lets_them_in() {
    let mail = MailServer::start().await;
    let world = World::with(Wishes { configuration: mail.configuration(), ..Wishes::default() }).await;
    world.run(&["org", "create", "initech", "--name", "Initech"]);
    world.run(&["org", "create", "annex", "--name", "Initech Annex: Department of Long Names and Further Matters"]);
    world.run(&["org", "set", "initech", "discoverability=approval", "discoverable_domains=initech.example"]);
    world.run(&["org", "set", "annex", "discoverability=open", "discoverable_domains=initech.example"]);
    let shown = world.run(&["org", "show", "initech"]);
    assert!(shown.contains("approval") && shown.contains("initech.example"), "{shown}");
    let refused = world.try_run(&["org", "set", "initech", "discoverable_domains=gmail.com"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("gmail.com"), "{refused:?}");
    world.run(&["user", "add", "initech", "olga@initech.example", "--role", "owner"]);

    let (eve, olga) = (Browser::start().await, Browser::start().await);
    sign_up(&world, &mail, &eve, "eve@initech.example", 1).await;
    eve.sees("Welcome").await;
    eve.look("join").await;
    eve.go(&format!("{}/", world.public_url)).await;
    let closed = eve.sees("This page is not for you").await;
    assert!(closed.contains("eve@initech.example"), "{closed}");
    eve.press("Account").await;
    eve.press("What you can join").await;
    eve.press("Ask to join").await;
    eve.sees("Your request is on its way").await;
    eve.look("asked").await;

    let link = mail.mail_to("olga@initech.example", 1).await.link();
    olga.go(&link).await;
    until_at(&olga, &format!("{}/.vestibule/sign-in", world.public_url)).await;
    sign_up(&world, &mail, &olga, "olga@initech.example", 2).await;
    until_at(&olga, &format!("{}/", world.public_url)).await;
    olga.go(&link).await;
    olga.sees("Request to join Initech").await;
    olga.look("access").await;
    olga.press("Let in").await;
    olga.sees("They are told by mail").await;

    mail.mail_to("eve@initech.example", 2).await;
    eve.go(&format!("{}/.vestibule/account", world.public_url)).await;
    eve.press("Switch").await;
    eve.sees("eve@initech.example").await;
    eve.sees("verified").await;
    eve.go(&format!("{}/.vestibule/join", world.public_url)).await;
    eve.press("Join").await;
    until_at(&eve, &format!("{}/", world.public_url)).await;
    eve.go(&format!("{}/.vestibule/account", world.public_url)).await;
    eve.sees("at Initech Annex").await;
    eve.look("account_two").await;
    world.run(&["check", "--store"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_app_is_told_of_all_organizations_and_of_the_current_one() {
    let world = World::start().await;
    world.run(&["user", "add", "globex", "ada@acme.example", "--role", "admin"]);
    let browser = Browser::start().await;
    sign_in(&world, &browser, "ada@acme.example").await;
    let session = format!("{}/.vestibule/session", world.public_url);
    browser.go(&session).await;
    browser.sees("\"org\":\"acme\"").await;
    browser.go(&format!("{}/.vestibule/account", world.public_url)).await;
    browser.press("Switch").await;
    browser.sees("verified").await;
    browser.go(&session).await;
    let told = browser.sees("\"org\":\"globex\"").await;
    assert!(told.contains("\"role\":\"admin\"") && told.contains("acme"), "{told}");
}
