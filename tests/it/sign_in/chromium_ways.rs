//! The second factor by SMS and by passkey in headless Chromium, after single sign-on, and the switch between the ways.

use fantoccini::Locator;
use vestibule::kernel::{Clock as _, SystemClock};

use super::chromium::{go_to_idp, until_at};
use super::second_factor::shown;
use crate::world::browser::Browser;
use crate::world::sms_gateway::SmsGateway;
use crate::world::{Wishes, World};

const ADA: &str = "ada@acme.example";

struct Town {
    world: World,
    browser: Browser,
}

impl Town {
    /// A site whose organization asks for a second factor at once.
    async fn with(configuration: String) -> Self {
        let world = World::with(Wishes { configuration, ..Wishes::default() }).await;
        world.run(&["org", "set", "acme", "two_factor=always", "grace_sign_ins=0"]);
        Town { world, browser: Browser::start().await }
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.world.public_url)
    }

    /// Ada shows her first factor.
    async fn comes(&self) {
        go_to_idp(&self.world, &self.browser, ADA).await;
        self.browser.press(ADA).await;
        until_at(&self.browser, &self.at("/.vestibule/second-factor")).await;
    }

    async fn is_in(&self) {
        until_at(&self.browser, &self.at("/")).await;
        self.browser.sees("verified").await;
    }

    async fn goes(&self) {
        self.browser.go(&self.at("/.vestibule/sign-out")).await;
        self.browser.press("Sign out").await;
        self.browser.sees("You are signed out").await;
    }

    async fn types(&self, label: &str, code: &str, button: &str) {
        self.browser.fill(label, code).await;
        self.browser.press(button).await;
    }

    async fn asks(&self, script: &str) -> serde_json::Value {
        self.browser.client.execute(script, vec![]).await.expect("an answer")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn codes_by_sms_are_set_up_asked_for_and_changed_for_an_app() {
    let gateway = SmsGateway::start().await;
    let town = Town::with(gateway.configuration()).await;
    let browser = &town.browser;
    town.comes().await;
    browser.press("Get codes by text message instead").await;
    browser.sees("Phone number, with the code of its country").await;
    browser.look("sms_number").await;
    town.types("Phone number", "0151 23456789", "Send a code").await;
    browser.sees("with the code of its country, such as").await;
    town.types("Phone number", "+49 151 23456789", "Send a code").await;
    let page = browser.sees("Code from the message").await;
    assert!(page.contains("the number that ends in 89") && !page.contains("234567"), "{page}");
    let hints = "const c = document.querySelector('#code'); return c.autocomplete + ' ' + c.inputMode";
    assert_eq!(town.asks(hints).await, "one-time-code numeric");
    browser.look("sms_first_code").await;
    let (to, code) = gateway.code(1).await;
    assert_eq!(to, "+4915123456789");
    town.types("Code from the message", &code, "Turn it on").await;
    browser.sees("Your recovery codes").await;
    browser.press("I have kept them").await;
    town.is_in().await;

    town.goes().await;
    town.comes().await;
    browser.sees("Send a code to the number that ends in 89").await;
    browser.look("sms_ask").await;
    gateway.fate("undelivered");
    browser.press("Send a code").await;
    browser.sees("Code from the message").await;
    town.types("Code from the message", "000000", "Continue").await;
    browser.sees("This code is wrong, or too old").await;
    let (_, code) = gateway.code(2).await;
    // What became of it is looked up while the code is awaited.
    for _ in 0..100 {
        if browser.text().await.contains("was not delivered") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        browser.go(&town.at("/.vestibule/second-factor?way=sms")).await;
    }
    browser.sees("was not delivered: the phone may be off").await;
    browser.look("sms_undelivered").await;
    town.types("Code from the message", &code, "Continue").await;
    town.is_in().await;

    browser.go(&town.at("/.vestibule/account")).await;
    browser.sees("Text messages to the number that ends in 89").await;
    browser.look("account_sms").await;
    browser.press("Set up").await;
    let secret = browser.client.find(Locator::Css("#secret")).await.expect("a secret").text().await.expect("text");
    town.types("Code from the app", &shown(&secret, SystemClock.now()), "Turn it on").await;
    browser.sees("Authenticator app").await;
    town.goes().await;
    gateway.fate("delivered");
    town.comes().await;
    browser.sees("Code from your authenticator app").await;
    browser.press("Get a code by text message instead").await;
    browser.press("Use the authenticator app instead").await;
    browser.sees("Code from your authenticator app").await;
    browser.press("Get a code by text message instead").await;
    browser.press("Send a code").await;
    let (_, code) = gateway.code(3).await;
    town.types("Code from the message", &code, "Continue").await;
    town.is_in().await;
    let log = town.world.log();
    assert!(!log.contains("4915123456789") && !log.contains(&code), "neither number nor code is logged");
    town.world.run(&["check", "--store"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_passkey_is_made_and_asked_for() {
    let town = Town::with(String::new()).await;
    let browser = &town.browser;
    let authenticator = browser.authenticator().await;
    town.comes().await;
    browser.press("Use a passkey instead").await;
    browser.sees("keeps the passkey").await;
    browser.look("passkey_set_up").await;
    town.types("A name for it", "Laptop", "Make a passkey").await;
    browser.sees("Your recovery codes").await;
    browser.press("I have kept them").await;
    town.is_in().await;

    town.goes().await;
    town.comes().await;
    browser.sees("Use your passkey").await;
    browser.look("passkey_ask").await;
    browser.verifies(&authenticator, false).await;
    browser.press("Use your passkey").await;
    browser.sees("No passkey was used").await;
    browser.look("passkey_not_used").await;
    browser.verifies(&authenticator, true).await;
    browser.press("Use your passkey").await;
    town.is_in().await;

    browser.go(&town.at("/.vestibule/session")).await;
    browser.sees(ADA).await;
    browser.go(&town.at("/.vestibule/account")).await;
    browser.sees("Passkey: Laptop").await;
    browser.look("account_passkey").await;
    browser.press("Remove").await;
    browser.sees("asks for a second factor").await;
    town.world.run(&["check", "--store"]);
}
