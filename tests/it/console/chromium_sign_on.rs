//! In headless Chromium: everything that can be set about single sign-on, by clicks: what the identity provider hands in,
//! wrong and right, its certificates, options, who gets in.

use crate::world::World;
use crate::world::person::Person;

use super::walk::Walk;

const ADA: &str = "ada@acme.example";

/// A certificate of some other identity provider, PEM.
fn certificate() -> String {
    let path = format!("{}/tests/saml/keys/idp_next.cert.pem", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

async fn hand_in(walk: &mut Walk<'_>, metadata: &str) {
    walk.go("acme", "sso", "Hand in its metadata").await;
    walk.pastes("metadata", &certificate()).await;
    walk.send_within("/sso/metadata", "Save").await;
    walk.sees("certificate", "wrong_metadata").await;
    walk.find("//summary[contains(., 'type it by hand')]").await.click().await.unwrap();
    walk.types("sign_in_url", "nowhere").await;
    walk.send_within("/sso/hand", "Save").await;
    walk.sees("nowhere", "by_hand_wrong").await;
    walk.types("sign_in_url", "https://idp.acme.example/sso").await;
    walk.send_within("/sso/hand", "Save").await;
    walk.sees("Saved. Now test it", "by_hand").await;
    walk.pastes("metadata", metadata).await;
    walk.send_within("/sso/metadata", "Save").await;
    walk.browser.sees("Saved. Now test it").await;
}

async fn certificates_and_options(walk: &mut Walk<'_>, metadata: &str) {
    walk.go("acme", "sso/certificates", "Add a certificate").await;
    walk.pastes("certificate", metadata).await;
    walk.send("Add").await;
    walk.sees("metadata", "wrong_certificate").await;
    walk.pastes("certificate", &certificate()).await;
    walk.send("Add").await;
    walk.sees("Added: from now on what it signed is taken, too.", "two_certificates").await;
    walk.send_within("next", "Remove").await;
    walk.sees("Removed: what it signed is not taken any more.", "one_certificate").await;
    walk.go("acme", "sso/options", "Clock skew").await;
    walk.types("skew_seconds", "9999").await;
    walk.send("Save").await;
    walk.sees("clock skew is 0 to 300 seconds", "options_wrong").await;
    walk.types("skew_seconds", "60").await;
    walk.browser.choose("Sign our requests").await;
    walk.send("Save").await;
    walk.sees("Saved.", "options").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn single_sign_on_is_handed_in_rolled_over_and_required_by_clicks() {
    let world = World::start().await;
    world.run(&["user", "add", "acme", ADA, "--role", "owner"]);
    world.run(&["user", "add", "acme", "guest@partner.example"]);
    let metadata = std::fs::read_to_string(world.path("acme.xml")).unwrap();
    let mut walk = Walk::as_operator(&world, "sign_on").await;
    hand_in(&mut walk, &metadata).await;
    certificates_and_options(&mut walk, &metadata).await;
    walk.go("acme", "sso/access", "Who gets in").await;
    walk.browser.choose("Take sign-ins that the identity provider begins").await;
    walk.send("Save").await;
    walk.sees("Saved.", "access").await;
    walk.follows("See who would be locked out").await;
    walk.sees("First an owner or admin signs in by it", "unproved").await;
    let address = walk.copies("Address").await;
    assert!(address.starts_with(&format!("{}/.vestibule/sso/acme?again=yes&", world.public_url)), "{address}");
    Person::new(&world).sign_in(&world, ADA).await;
    walk.go("acme", "sso/require", "shown to work").await;
    walk.sees("guest@partner.example", "require").await;
    walk.browser.choose("I have looked at who would be locked out").await;
    walk.send("Require single sign-on").await;
    walk.sees("Single sign-on is required from now on.", "required").await;
    walk.follows("See who, or take it back").await;
    walk.sees("Take it back", "take_back").await;
    walk.send("Do not require single sign-on any more").await;
    walk.browser.sees("Single sign-on is not required any more.").await;
    walk.ends();
    world.run(&["check", "--store"]);
}
