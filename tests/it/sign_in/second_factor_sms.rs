//! Codes by SMS at the pages: set-up, answer, what is said of messages that don't arrive, and the switch to an app and back.

use std::time::Duration;

use http::StatusCode;
use vestibule::credential::Policy;
use vestibule::second_factor::factors;

use super::browser::Page;
use super::second_factor::{CHALLENGE, SET_UP, STEP, secret_of};
use super::{Browser, PUBLIC_URL, Site};
use crate::world::sms_gateway::SmsGateway;

const SEND: &str = "/.vestibule/second-factor/sms";
const SEND_SET_UP: &str = "/.vestibule/second-factor/setup/sms";
const NUMBER: &str = "+49 151 234567-89";
const E164: &str = "+4915123456789";
/// A pause between messages.
const PAUSE: Duration = Duration::from_secs(30);

impl Site {
    async fn with_sms() -> (Site, SmsGateway) {
        let gateway = SmsGateway::start().await;
        (Site::made(PUBLIC_URL, Policy::default(), Some(gateway.settings())).await, gateway)
    }

    /// Bob's phone, set up in the sign-in that asks for it.
    async fn with_phone() -> (Site, SmsGateway) {
        let (site, gateway) = Site::with_sms().await;
        site.change(&site.globex, |globex| globex.set("two_factor", "password")).await;
        let (mut bob, _) = site.bob_comes().await;
        assert_eq!(bob.post(SEND_SET_UP, &[("number", NUMBER)]).await.status, StatusCode::SEE_OTHER);
        let (_, code) = gateway.code(1).await;
        let done = bob.post(SET_UP, &[("way", "sms"), ("code", &code)]).await;
        assert!(done.body.contains("recovery codes") && bob.has_session(), "{done:?}");
        site.clock.advance(PAUSE);
        (site, gateway)
    }
}

async fn answer(bob: &mut Browser, code: &str) -> Page {
    bob.post(CHALLENGE, &[("way", "sms"), ("code", code)]).await
}

#[tokio::test]
async fn a_phone_is_set_up_by_its_first_code_and_answers_from_then_on() {
    let (site, gateway) = Site::with_sms().await;
    site.change(&site.globex, |globex| globex.set("two_factor", "password")).await;
    let (mut bob, page) = site.bob_comes().await;
    assert_eq!(page.location(), SET_UP);
    assert!(bob.get(SET_UP).await.body.contains("href=\"/.vestibule/second-factor/setup?way=sms"));
    let page = bob.get("/.vestibule/second-factor/setup?way=sms").await;
    assert!(page.body.contains("autocomplete=\"tel\"") && !page.body.contains("Turn it on"), "{page:?}");
    let wrong = bob.post(SEND_SET_UP, &[("number", "0151 23456789")]).await;
    assert_eq!(wrong.status, StatusCode::FORBIDDEN);
    assert!(wrong.body.contains("code of its country, such as") && gateway.count() == 0, "{wrong:?}");
    let sent = bob.post(SEND_SET_UP, &[("number", NUMBER)]).await;
    assert_eq!(sent.location(), "/.vestibule/second-factor/setup?way=sms");
    let page = bob.get(sent.location()).await;
    assert!(page.body.contains("the number that ends in 89") && page.body.contains("one-time-code"), "{page:?}");
    assert!(!page.body.contains("234567"), "{page:?}");
    let (to, code) = gateway.code(1).await;
    assert_eq!(to, E164);
    let wrong = bob.post(SET_UP, &[("way", "sms"), ("code", "000000")]).await;
    assert_eq!((wrong.status, bob.has_session()), (StatusCode::FORBIDDEN, false), "{wrong:?}");
    let again = bob.post(SEND_SET_UP, &[("number", NUMBER)]).await;
    assert!(again.body.contains("Please wait 30 seconds"), "{again:?}");
    let done = bob.post(SET_UP, &[("way", "sms"), ("code", &code)]).await;
    assert!(done.body.contains("Your recovery codes") && bob.has_session(), "{done:?}");

    site.clock.advance(PAUSE);
    let (mut bob, page) = site.bob_comes().await;
    assert_eq!((page.location(), bob.has_session()), (CHALLENGE, false));
    let page = bob.get(CHALLENGE).await;
    assert!(page.body.contains("Send a code to the number that ends in 89") && gateway.count() == 1, "{page:?}");
    assert!(!page.body.contains("name=\"code\""), "there is nothing to type yet: {page:?}");
    let sent = bob.post(SEND, &[]).await;
    assert_eq!(sent.location(), "/.vestibule/second-factor?way=sms");
    let page = bob.get(sent.location()).await;
    assert!(page.body.contains("name=\"code\"") && page.body.contains("Send another code"), "{page:?}");
    let (_, code) = gateway.code(2).await;
    let (mut thief, _) = site.bob_comes().await;
    let elsewhere = answer(&mut thief, &code).await;
    assert_eq!((elsewhere.status, thief.has_session()), (StatusCode::FORBIDDEN, false), "it is of another sign-in");
    assert_eq!(answer(&mut bob, "000000").await.status, StatusCode::FORBIDDEN);
    let right = answer(&mut bob, &code).await;
    assert_eq!((right.location(), bob.has_session()), ("/deals", true), "{right:?}");
    let method = site.only_session_of_bob().await.second_factor.expect("it was shown").method;
    assert_eq!(method, vestibule::session::SecondMethod::Sms);
    let report = vestibule::store::check_store(&site.store, &vestibule::second_factor::checkers()).await.unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}

#[tokio::test]
async fn what_does_not_arrive_is_shown_and_another_way_is_open() {
    let (site, gateway) = Site::with_phone().await;
    let (mut bob, _) = site.bob_comes().await;
    gateway.refuse(&[500, 429]);
    let sent = bob.post(SEND, &[]).await;
    let page = bob.get(sent.location()).await;
    assert!(page.body.contains("We go on trying") && page.body.contains("Use a recovery code"), "{page:?}");
    let (_, code) = gateway.code(4).await;
    assert_eq!(answer(&mut bob, &code).await.location(), "/deals", "the third try went through");

    site.clock.advance(PAUSE);
    let (mut bob, _) = site.bob_comes().await;
    gateway.fate("undelivered");
    let sent = bob.post(SEND, &[]).await;
    let start = std::time::Instant::now();
    while !bob.get(sent.location()).await.body.contains("was not delivered: the phone may be off") {
        assert!(start.elapsed() < Duration::from_secs(20), "it is never said");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }

    site.clock.advance(PAUSE);
    let (mut bob, _) = site.bob_comes().await;
    gateway.refuse(&[401]);
    let sent = bob.post(SEND, &[]).await;
    let page = bob.get(sent.location()).await;
    assert!(page.body.contains("could not be sent") && page.body.contains("role=\"alert\""), "{page:?}");
}

#[tokio::test]
async fn five_wrong_codes_pause_messages_too() {
    let (site, gateway) = Site::with_phone().await;
    let (mut bob, _) = site.bob_comes().await;
    bob.post(SEND, &[]).await;
    let (_, code) = gateway.code(2).await;
    for wrong in 1..=5 {
        let expected = if wrong < 5 { StatusCode::FORBIDDEN } else { StatusCode::TOO_MANY_REQUESTS };
        assert_eq!(answer(&mut bob, "000000").await.status, expected, "{wrong}");
    }
    let paused = answer(&mut bob, &code).await;
    assert_eq!((paused.status, bob.has_session()), (StatusCode::TOO_MANY_REQUESTS, false), "{paused:?}");
    site.clock.advance(PAUSE);
    let refused = bob.post(SEND, &[]).await;
    assert_eq!((refused.status, gateway.count()), (StatusCode::TOO_MANY_REQUESTS, 2), "{refused:?}");
    site.clock.advance(PAUSE);
    assert_eq!(answer(&mut bob, &code).await.location(), "/deals");
}

#[tokio::test]
async fn from_a_phone_to_an_app_and_back() {
    let (site, gateway) = Site::with_phone().await;
    let (mut bob, _) = site.bob_comes().await;
    bob.post(SEND, &[]).await;
    let (_, code) = gateway.code(2).await;
    answer(&mut bob, &code).await;
    let account = bob.get("/.vestibule/account").await;
    assert!(account.body.contains("Text messages to the number that ends in 89"), "{account:?}");
    let refused = bob.post("/.vestibule/account/second-factor/remove", &[("method", "sms")]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "it is the last one, and globex asks for one: {refused:?}");

    let page = bob.get(SET_UP).await;
    assert!(page.body.contains("Set up a second factor") && !page.body.contains("Not now"), "{page:?}");
    let secret = secret_of(&page);
    let done = bob.post(SET_UP, &[("code", &site.code(&secret))]).await;
    assert_eq!(done.location(), "/.vestibule/account", "the recovery codes stay: {done:?}");
    site.clock.advance(STEP);
    let (mut other, _) = site.bob_comes().await;
    let page = other.get(CHALLENGE).await;
    assert!(page.body.contains("Code from your authenticator app"), "the safer one first: {page:?}");
    assert!(page.body.contains("Get a code by text message instead") && page.body.contains("Use a recovery code"));
    let page = other.get("/.vestibule/second-factor?way=sms").await;
    assert!(page.body.contains("Use the authenticator app instead"), "{page:?}");
    other.post(SEND, &[]).await;
    let (_, code) = gateway.code(3).await;
    assert_eq!(answer(&mut other, &code).await.location(), "/deals", "either does");

    let removed = other.post("/.vestibule/account/second-factor/remove", &[("method", "sms")]).await;
    assert_eq!(removed.location(), "/.vestibule/account");
    let held = factors::of(&site.store.reader(), site.bob().await).await.unwrap();
    assert!(held.phone.is_none() && held.app.is_some());
    site.clock.advance(STEP);
    let (mut bob, _) = site.bob_comes().await;
    assert_eq!(bob.post(SEND, &[]).await.status, StatusCode::OK, "there is no phone: the page asks for the app");
    assert_eq!(gateway.count(), 3);
    assert_eq!(bob.post(CHALLENGE, &[("code", &site.code(&secret))]).await.location(), "/deals");
}

#[tokio::test]
async fn without_a_gateway_there_are_no_codes_by_sms() {
    let site = Site::with_passwords().await;
    let (mut bob, _) = site.bob_comes().await;
    let page = bob.get("/.vestibule/second-factor/setup?way=sms").await;
    assert!(page.body.contains("authenticator app") && !page.body.contains("text message"), "{page:?}");
    assert_eq!(bob.post(SEND_SET_UP, &[("number", NUMBER)]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(bob.post(SEND, &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(bob.post_cross_site(SEND, &[]).await.status, StatusCode::FORBIDDEN);
}
