//! A fresh second factor in a session, and entering an organization that asks for one.

use std::time::Duration;

use http::StatusCode;
use vestibule::kernel::Role;
use vestibule::session::SecondMethod;

use super::Site;
use super::second_factor::{CHALLENGE, SET_UP, STEP, secret_of};

const MINUTE: Duration = Duration::from_secs(60);
const SWITCH: &str = "/.vestibule/account/organization";

#[tokio::test]
async fn a_fresh_second_factor_leads_back_under_a_new_session() {
    let site = Site::with_passwords().await;
    let (mut bob, _) = site.bob_comes().await;
    let (secret, _) = site.set_up(&mut bob).await;
    let before = site.only_session_of_bob().await;
    site.clock.advance(20 * MINUTE);
    let page = bob.get("/.vestibule/second-factor?return_to=/admin/%3Fx%3D1").await;
    assert!(page.body.contains("fresh second factor") && page.body.contains("value=\"/admin/?x=1\""), "{page:?}");
    let wrong = bob.post(CHALLENGE, &[("code", "000000"), ("return_to", "/admin/?x=1")]).await;
    assert_eq!(wrong.status, StatusCode::FORBIDDEN);
    assert_eq!(site.only_session_of_bob().await.id, before.id);
    let right = bob.post(CHALLENGE, &[("code", &site.code(&secret)), ("return_to", "/admin/?x=1")]).await;
    assert_eq!(right.location(), "/admin/?x=1");
    let after = site.only_session_of_bob().await;
    assert_ne!(after.id, before.id);
    assert_eq!((after.absolute_end, after.auth_time), (before.absolute_end, before.auth_time), "no later end");
    assert_eq!(after.second_factor.map(|second| second.at), Some(site.store.now()));
    let elsewhere = bob.post(CHALLENGE, &[("code", "000000"), ("return_to", "https://evil.example/")]).await;
    assert!(!elsewhere.body.contains("evil.example"), "{elsewhere:?}");
}

#[tokio::test]
async fn whoever_has_none_sets_one_up_right_after_a_sign_in() {
    let site = Site::with_passwords().await;
    let (mut bob, _) = site.bob_comes().await;
    let page = bob.get("/.vestibule/second-factor?return_to=/admin/").await;
    assert_eq!(page.location(), "/.vestibule/second-factor/setup?return_to=%2Fadmin%2F");
    site.clock.advance(11 * MINUTE);
    let stale = bob.get(SET_UP).await;
    assert_eq!(stale.status, StatusCode::FORBIDDEN);
    assert!(stale.body.contains("sign in again first"), "{stale:?}");
    assert_eq!(bob.post(SET_UP, &[("code", "000000")]).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn d24_a_fresh_sign_in_by_sso_makes_the_identity_provider_ask() {
    let site = Site::new().await;
    let mut ada = site.browser();
    site.sign_in_ada(&mut ada).await;
    site.clock.advance(11 * MINUTE);
    let page = ada.get(SET_UP).await;
    assert!(page.body.contains("Sign in again") && page.body.contains("/.vestibule/second-factor/fresh"), "{page:?}");
    let asked = ada.post("/.vestibule/second-factor/fresh", &[]).await;
    let sent = super::browser::read_sent(asked.location());
    assert!(sent.xml.contains("ForceAuthn=\"true\""), "{}", sent.xml);
    let mut old = site.acme_idp.answer(&sent);
    old.issued = site.store.now();
    assert_eq!(ada.return_with(&old).await.location(), SET_UP);
    let page = ada.get(SET_UP).await;
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    let secret = secret_of(&page);
    assert_eq!(ada.post(SET_UP, &[("code", &site.code(&secret))]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_password_is_changed_with_a_fresh_second_factor_alone() {
    let site = Site::with_passwords().await;
    let (mut bob, _) = site.bob_comes().await;
    let (secret, _) = site.set_up(&mut bob).await;
    site.clock.advance(9 * MINUTE);
    let here = "/.vestibule/account/password";
    assert!(bob.get(here).await.body.contains("Set a password"), "a factor was shown just now");
    site.clock.advance(2 * MINUTE);
    let wanted = "/.vestibule/second-factor?return_to=%2F.vestibule%2Faccount%2Fpassword";
    assert_eq!(bob.get(here).await.location(), wanted);
    let refused = bob.post(here, &[("password", "wicker basket of plums")]).await;
    assert_eq!(refused.location(), wanted);
    bob.post(CHALLENGE, &[("code", &site.code(&secret)), ("return_to", here)]).await;
    let set = bob.post(here, &[("password", "wicker basket of plums")]).await;
    assert!(set.body.contains("Your password is set"), "{set:?}");
}

#[tokio::test]
async fn d6_an_organization_that_asks_is_not_entered_without() {
    let site = Site::new().await;
    let mut ada = site.browser();
    site.sign_in_ada(&mut ada).await;
    site.add(&site.globex, "ada@acme.example", Role::Member).await;
    site.change(&site.globex, |globex| globex.set("two_factor", "always")).await;
    site.change(&site.globex, |globex| globex.set("grace_sign_ins", "0")).await;
    let switch = ada.post(SWITCH, &[("organization", "globex"), ("return_to", "/deals")]).await;
    assert_eq!(switch.location(), SET_UP, "{switch:?}");
    assert_eq!(site.current(&mut ada).await.as_deref(), Some("acme"), "the session so far goes on");
    let secret = secret_of(&ada.get(SET_UP).await);
    let codes = ada.post(SET_UP, &[("code", &site.code(&secret))]).await;
    assert!(codes.body.contains("href=\"/deals\""), "{codes:?}");
    assert_eq!(site.current(&mut ada).await.as_deref(), Some("globex"));
    let session = site.only_session().await;
    assert_eq!(session.second_factor.map(|second| second.method), Some(SecondMethod::App));
    // What was shown in this session is not asked for again, wherever it goes on.
    assert_eq!(ada.post(SWITCH, &[("organization", "acme")]).await.location(), "/");
    assert_eq!(ada.post(SWITCH, &[("organization", "globex")]).await.location(), "/");
    site.clock.advance(STEP);
    let mut anew = site.browser();
    site.sign_in_ada_into_last(&mut anew).await;
}

impl Site {
    /// Ada signs in by acme's single sign-on, to where it has her go.
    async fn sign_in_ada_into_last(&self, browser: &mut super::Browser) {
        let sent = browser.ask("ada@acme.example", "/deals").await;
        let page = browser.return_with(&self.acme_idp.answer(&sent)).await;
        assert_eq!(page.location(), "/deals", "acme asks for none");
        let page = browser.post(SWITCH, &[("organization", "globex")]).await;
        assert_eq!(page.location(), CHALLENGE, "{page:?}");
    }
}
