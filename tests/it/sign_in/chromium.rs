//! In headless Chromium, which holds cookies and policies to its own rules: the site on localhost, the IdP on 127.0.0.1,
//! so that each step between them crosses sites.

use vestibule::kernel::Slug;

use crate::world::browser::Browser;
use crate::world::{Wishes, World};

const QUESTION: &str = "Work e-mail address";

/// Waits until the browser is at an address that starts so.
pub async fn until_at(browser: &Browser, start: &str) {
    for _ in 0..600 {
        if browser.url().await.starts_with(start) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("not at {start} but at {}: {}", browser.url().await, browser.text().await);
}

/// From the app to the IdP's question who somebody is.
pub async fn go_to_idp(world: &World, browser: &Browser, email: &str) {
    browser.go(&format!("{}/", world.public_url)).await;
    until_at(browser, &format!("{}/.vestibule/sign-in", world.public_url)).await;
    browser.fill(QUESTION, email).await;
    browser.press("Continue").await;
    until_at(browser, &world.idp_url).await;
}

/// At the IdP: says who they are, and is taken to the app.
async fn say_who(world: &World, browser: &Browser, email: &str) {
    browser.press(email).await;
    until_at(browser, &format!("{}/", world.public_url)).await;
    browser.sees(email).await;
    browser.sees("verified").await;
}

pub async fn sign_in(world: &World, browser: &Browser, email: &str) {
    go_to_idp(world, browser, email).await;
    say_who(world, browser, email).await;
}

async fn sign_out(world: &World, browser: &Browser) {
    browser.go(&format!("{}/.vestibule/sign-out", world.public_url)).await;
    browser.press("Sign out").await;
    browser.sees("You are signed out").await;
    browser.go(&format!("{}/", world.public_url)).await;
    until_at(browser, &format!("{}/.vestibule/sign-in", world.public_url)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_signs_in_and_out_on_http() {
    let world = World::start().await;
    let browser = Browser::start().await;
    browser.go(&format!("{}/.vestibule/sign-in", world.public_url)).await;
    for width in [360, 1280] {
        browser.width(width).await;
        browser.picture(&format!("sign_in_{width}")).await;
        let wider = browser.client.execute("return document.documentElement.scrollWidth > innerWidth", vec![]).await;
        assert_eq!(wider.expect("an answer"), false, "nothing is cut off at {width} pixels");
    }
    sign_in(&world, &browser, "ada@acme.example").await;
    browser.go(&format!("{}/.vestibule/account", world.public_url)).await;
    browser.sees("Ada Lovelace").await;
    browser.picture("account").await;
    sign_out(&world, &browser).await;
    sign_in(&world, &browser, "alan@globex.example").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_signs_in_and_out_on_https() {
    let world = World::with(Wishes { https: true, ..Wishes::default() }).await;
    let browser = Browser::start().await;
    sign_in(&world, &browser, "ada@acme.example").await;
    let cookies = browser.client.get_all_cookies().await.expect("cookies");
    let [cookie] = cookies.as_slice() else { panic!("one cookie, not {cookies:?}") };
    assert_eq!((cookie.name(), cookie.secure(), cookie.http_only()), ("__Host-vestibule", Some(true), Some(true)));
    sign_out(&world, &browser).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idp_may_want_its_requests_by_post() {
    let world = World::start().await;
    let acme: Slug = "acme".parse().unwrap();
    let file = world.path(&format!("{acme}.xml")).display().to_string();
    world.run(&["sso", "set", acme.as_str(), "--metadata", &file, "--binding", "post"]);
    let browser = Browser::start().await;
    browser.go(&format!("{}/.vestibule/sign-in", world.public_url)).await;
    browser.fill(QUESTION, "ada@acme.example").await;
    browser.press("Continue").await;
    browser.sees("Continue to Acme").await;
    browser.press("Continue").await;
    until_at(&browser, &world.idp_url).await;
    say_who(&world, &browser, "ada@acme.example").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_tabs_sign_in_at_once() {
    let world = World::start().await;
    let browser = Browser::start().await;
    let first = browser.client.window().await.expect("a tab");
    go_to_idp(&world, &browser, "ada@acme.example").await;
    let second = browser.client.new_window(true).await.expect("a second tab").handle;
    browser.client.switch_to_window(second).await.expect("the second tab");
    sign_in(&world, &browser, "ada@acme.example").await;
    browser.client.switch_to_window(first).await.expect("the first tab");
    say_who(&world, &browser, "ada@acme.example").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_idps_page_opened_again_is_no_error() {
    let world = World::start().await;
    let browser = Browser::start().await;
    go_to_idp(&world, &browser, "ada@acme.example").await;
    let question = browser.url().await;
    say_who(&world, &browser, "ada@acme.example").await;
    let sessions = world.run(&["session", "list", "--user", "ada@acme.example"]);
    browser.go(&question).await;
    say_who(&world, &browser, "ada@acme.example").await;
    assert_eq!(world.run(&["session", "list", "--user", "ada@acme.example"]), sessions, "no second session");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_back_button_is_no_error_wherever_it_leads() {
    let world = World::start().await;
    let browser = Browser::start().await;
    sign_in(&world, &browser, "ada@acme.example").await;
    let sessions = world.run(&["session", "list", "--user", "ada@acme.example"]);
    for steps in 1..=4 {
        for _ in 0..steps {
            browser.back().await;
        }
        let page = browser.text().await;
        assert!(!page.contains("Reference"), "{steps} back, at {}: {page}", browser.url().await);
        if browser.url().await.starts_with(&world.idp_url) && page.contains("ada@acme.example") {
            say_who(&world, &browser, "ada@acme.example").await;
        }
        browser.go(&format!("{}/", world.public_url)).await;
        browser.sees("ada@acme.example").await;
        let now = world.run(&["session", "list", "--user", "ada@acme.example"]);
        assert_eq!(now, sessions, "{steps} back: no second session");
    }
}
