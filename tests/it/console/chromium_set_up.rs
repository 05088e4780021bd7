//! In headless Chromium: from an empty store to a customer who signs in through a real identity provider, by clicks alone;
//! and how few of them a first test sign-in takes.

use fantoccini::Locator;
use vestibule::demo::companies;
use vestibule::kernel::{Clock as _, SystemClock, SystemRng};
use vestibule::saml::service_provider::{ServiceProvider, ServiceProviderKey};

use crate::world::browser::Browser;
use crate::world::simplesamlphp::{ADA, Registration, SimpleSamlPhp, Variant};
use crate::world::{Wishes, World};

use super::chromium::operator;

/// A browser whose clicks and pastes are counted.
struct Hands<'a> {
    browser: &'a Browser,
    count: usize,
}

impl Hands<'_> {
    /// Pastes into the field with this id.
    async fn paste(&mut self, id: &str, text: &str) {
        self.count += 1;
        let script = "const field = document.getElementById(arguments[0]); field.value = arguments[1]; return !!field";
        let arguments = vec![serde_json::json!(id), serde_json::json!(text)];
        let found = self.browser.client.execute(script, arguments).await.unwrap();
        assert_eq!(found, true, "there is a field {id}");
    }

    /// Presses the button or link with this text.
    async fn press(&mut self, text: &str) {
        self.count += 1;
        self.browser.press(text).await;
    }

    /// Follows a link of the navigation.
    async fn go(&mut self, page: &str) {
        self.count += 1;
        let path = format!("//nav//a[normalize-space(.)='{page}']");
        let link = self.browser.client.find(Locator::XPath(&path)).await;
        link.unwrap_or_else(|error| panic!("{page}: {error}")).click().await.unwrap();
    }

    async fn choose(&mut self, label: &str) {
        self.count += 1;
        self.browser.choose(label).await;
    }
}

/// Makes «Acme», with Ada's domain on the operator's own word.
async fn make_acme(hands: &mut Hands<'_>) {
    hands.paste("name", "Acme").await;
    hands.paste("slug", "acme").await;
    hands.press("Make it").await;
    hands.browser.sees("Needs attention").await;
    hands.go("Domains").await;
    hands.paste("domain", "acme.example").await;
    hands.choose("On your own word").await;
    hands.press("Claim").await;
    hands.browser.sees("acme.example").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_an_empty_store_to_a_customer_who_signs_in_by_clicks_alone() {
    let world = World::with(Wishes { empty: true, ..Wishes::default() }).await;
    let (slug, provider) = ("acme".parse().unwrap(), ServiceProvider::new(&world.public_url));
    let key = ServiceProviderKey::generate("test", SystemClock.now(), &SystemRng).unwrap();
    let registration = Registration {
        entity_id: provider.entity_id(&slug),
        acs_url: provider.acs_url(&slug),
        certificate: key.certificate().to_vec(),
    };
    let idp = SimpleSamlPhp::start(&registration, Variant::SignedAssertion).await;
    let metadata = String::from_utf8(idp.metadata().await).unwrap();

    let (browser, ada) = (Browser::start().await, Browser::start().await);
    operator(&world, &browser).await;
    let mut hands = Hands { browser: &browser, count: 0 };
    make_acme(&mut hands).await;
    hands.go("Members").await;
    browser.sees("Invite").await;
    hands.paste("email", ADA.2).await;
    hands.browser.client.execute("document.getElementById('role').value = 'owner'", vec![]).await.unwrap();
    hands.press("Add").await;
    browser.sees(ADA.2).await;
    hands.go("Single sign-on").await;
    browser.sees("Three steps").await;
    hands.paste("metadata", &metadata).await;
    hands.press("Save").await;
    browser.sees("waiting for your first sign-in").await;
    browser.look("console_set_up_waiting").await;
    hands.press("Test sign-in").await;
    browser.sees("Test the single sign-on of Acme").await;
    hands.press("Test sign-in").await;
    sign_in_at_the_idp(&browser).await;
    let tested = browser.sees("It works").await;
    assert!(tested.contains(ADA.2), "{tested}");
    browser.look("console_set_up_tested").await;
    browser.accessible("tested").await;
    hands.press("Back to the settings").await;
    browser.sees("all is right").await;
    // The customer comes to the app, and her settings are hers.
    ada.go(&format!("{}/", world.public_url)).await;
    ada.fill("e-mail address", ADA.2).await;
    ada.press("Continue").await;
    ada.press("Continue with single sign-on").await;
    sign_in_at_the_idp(&ada).await;
    ada.sees("You are signed in as").await;
    assert!(ada.text().await.contains(ADA.2));
    ada.go(&format!("{}/.vestibule/account", world.public_url)).await;
    ada.press("Settings").await;
    ada.sees("Needs attention").await;
    ada.press("Sign-in log").await;
    ada.sees(ADA.2).await;
    world.run(&["check", "--store"]);
}

/// Types Ada's name and password at SimpleSAMLphp.
async fn sign_in_at_the_idp(browser: &Browser) {
    let field = browser.client.wait().for_element(Locator::Css("[name=username]")).await;
    let Ok(field) = field else { panic!("at {} it says: {}", browser.url().await, browser.text().await) };
    field.send_keys(ADA.0).await.unwrap();
    browser.client.find(Locator::Css("[name=password]")).await.unwrap().send_keys(ADA.1).await.unwrap();
    browser.client.find(Locator::Css("[type=submit]")).await.unwrap().click().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_green_test_sign_in_is_twelve_clicks_and_pastes_away() {
    let world = World::with(Wishes { empty: true, ..Wishes::default() }).await;
    // As a customer begins: with an owner.
    world.run(&["org", "create", "acme", "--name", "Acme"]);
    world.run(&["user", "add", "acme", companies()[0].people[0].email, "--role", "owner"]);
    let metadata = std::fs::read_to_string(world.path("acme.xml")).unwrap();
    let browser = Browser::start().await;
    operator(&world, &browser).await;
    let mut hands = Hands { browser: &browser, count: 0 };
    hands.press("Acme").await;
    browser.sees("Needs attention").await;
    hands.go("Domains").await;
    hands.paste("domain", "acme.example").await;
    hands.choose("On your own word").await;
    hands.press("Claim").await;
    browser.sees("acme.example").await;
    hands.go("Single sign-on").await;
    browser.sees("Three steps").await;
    hands.paste("metadata", &metadata).await;
    hands.press("Save").await;
    browser.sees("waiting for your first sign-in").await;
    hands.press("Test sign-in").await;
    browser.sees("Test the single sign-on of Acme").await;
    hands.press("Test sign-in").await;
    let person = companies()[0].people[0].email;
    browser.sees(person).await;
    hands.press(person).await;
    browser.sees("It works").await;
    assert!(hands.count <= 12, "{} clicks and pastes", hands.count);
}
