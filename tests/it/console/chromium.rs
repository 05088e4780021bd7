//! In headless Chromium, against the running binary: every page of the console is looked at, narrow and wide, in light and
//! in dark, and held to axe-core's rules; none asks anything of another host.

use crate::world::World;
use crate::world::browser::Browser;

use super::door::PAGES;

/// Where each thing that a page asked for came from.
const ORIGINS: &str = "return [...new Set([location.href, ...performance.getEntriesByType('resource').map(one => \
                       one.name)].map(one => new URL(one).origin))]";

/// Signs the operator in by the link that the command prints.
pub async fn operator(world: &World, browser: &Browser) {
    let link = world.run(&["console"]);
    assert!(link.trim().starts_with(&world.public_url), "{link}");
    browser.go(link.trim()).await;
    browser.sees("Sign in as the operator").await;
    browser.press("Open the console").await;
    browser.sees("You are the operator").await;
}

/// Looks at the page that is open.
pub async fn look(world: &World, browser: &Browser, name: &str) {
    browser.look(&format!("console_{name}")).await;
    for dark in [false, true] {
        browser.scheme(dark).await;
        browser.accessible(name).await;
    }
    let asked = browser.ask(ORIGINS).await;
    assert_eq!(asked, serde_json::json!([world.public_url]), "{name}: nothing is asked of another host");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_of_the_console_can_be_read_by_everybody() {
    let world = World::start().await;
    let browser = Browser::start().await;
    operator(&world, &browser).await;
    look(&world, &browser, "organizations").await;
    for rest in PAGES {
        browser.go(&format!("{}/.vestibule/console/o/acme{rest}", world.public_url)).await;
        browser.sees("You are the operator").await;
        let name = if rest.is_empty() { "home".to_owned() } else { rest[1..].replace('/', "_") };
        look(&world, &browser, &name).await;
    }
    browser.press("Leave").await;
    browser.go(&format!("{}/.vestibule/console/o/acme", world.public_url)).await;
    browser.sees("Sign in").await;
}
