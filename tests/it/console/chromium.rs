//! In headless Chromium, against the running binary: every page of the console is looked at, narrow and wide, in light and
//! in dark, and held to axe-core's rules; none asks anything of another host.

use crate::world::World;
use crate::world::browser::Browser;
use crate::world::person::Person;

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

/// Everything that a page can show, and names that try to be more than text.
async fn fill(world: &World) {
    for (email, role) in
        [("ada@acme.example", "owner"), ("bob@acme.example", "admin"), ("guest@partner.example", "member")]
    {
        world.run(&["user", "add", "acme", email, "--role", role]);
    }
    world.run(&["team", "create", "acme", "<b>Help</b> \u{202e}desk"]);
    world.run(&["team", "add", "acme", "<b>Help</b> \u{202e}desk", "bob@acme.example"]);
    world.run(&["domain", "claim", "acme", "acme.test"]);
    world.run(&["org", "set", "acme", "two_factor=password"]);
    let token = world.run(&["scim-token", "issue", "acme"]).trim().to_owned();
    let client = reqwest::Client::new();
    let base = format!("http://{}/scim/v2", world.scim);
    let person = serde_json::json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "cy@acme.example", "active": true,
        "name": { "givenName": "<script>", "familyName": "Young" },
    });
    for body in [person, serde_json::json!({ "userName": "cy@elsewhere.example" })] {
        client.post(format!("{base}/Users")).bearer_auth(&token).json(&body).send().await.expect("an answer");
    }
    let mut ada = Person::new(world);
    ada.sign_in(world, "ada@acme.example").await;
    world.run(&["org", "create", "group", "--name", "Group", "--admin"]);
    world.run(&["org", "create", "sub", "--name", "Sub"]);
    let code = world.run(&["link", "code", "group"]);
    let code = code.split_whitespace().next().unwrap_or_default().to_owned();
    world.run(&["link", "join", "sub", &code]);
}

/// The first address on the page that begins with this path, and goes on.
async fn first_below(browser: &Browser, path: &str) -> Option<String> {
    let script = format!(
        "return [...document.querySelectorAll('main a')].map(one => one.pathname).find(one => one.startsWith('{path}/')) ?? null"
    );
    browser.ask(&script).await.as_str().map(str::to_owned)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_of_the_console_can_be_read_by_everybody() {
    let world = World::start().await;
    fill(&world).await;
    let browser = Browser::start().await;
    operator(&world, &browser).await;
    look(&world, &browser, "organizations").await;
    for rest in PAGES {
        browser.go(&format!("{}/.vestibule/console/o/acme{rest}", world.public_url)).await;
        browser.sees("You are the operator").await;
        let name = if rest.is_empty() { "home".to_owned() } else { rest[1..].replace('/', "_") };
        look(&world, &browser, &name).await;
    }
    for page in ["members", "teams", "logins", "scim/requests"] {
        let path = format!("/.vestibule/console/o/acme/{page}");
        browser.go(&format!("{}{path}", world.public_url)).await;
        browser.sees("You are the operator").await;
        let below =
            first_below(&browser, &path).await.unwrap_or_else(|| panic!("{page} leads to one of what it lists"));
        browser.go(&format!("{}{below}", world.public_url)).await;
        browser.sees("You are the operator").await;
        look(&world, &browser, &format!("{}_one", page.replace('/', "_"))).await;
    }
    for (slug, page) in [("group", ""), ("group", "/shared"), ("sub", "/shared"), ("sub", "/sso"), ("sub", "/domains")]
    {
        browser.go(&format!("{}/.vestibule/console/o/{slug}{page}", world.public_url)).await;
        browser.sees("You are the operator").await;
        look(&world, &browser, &format!("{slug}{}", page.replace('/', "_"))).await;
    }
    let explained = "/.vestibule/console/o/acme/explain?email=ada%40acme.example&url=%2Fowners%2F";
    browser.go(&format!("{}{explained}", world.public_url)).await;
    look(&world, &browser, "explained").await;
    browser.press("Leave").await;
    browser.leaves("/explain").await;
    browser.go(&format!("{}/.vestibule/console/o/acme", world.public_url)).await;
    browser.sees("Sign in").await;
}
