//! A half session opens nothing, and what ends sessions ends it too.

use http::{Method, StatusCode};
use vestibule::directory::one_time_link::Purpose;
use vestibule::directory::{DirectoryError, Organization, member, user};
use vestibule::session::{Scope, records};
use vestibule::store::Tx;

use super::second_factor::{CHALLENGE, LATER, SET_UP, STEP, secret_of};
use super::{Browser, Site};

const HALF: &str = "vestibule-half";

/// Somebody of globex, who asks for a second factor, between the two.
async fn halfway(site: &Site) -> (Browser, String) {
    site.change(&site.globex, |globex| globex.set("two_factor", "password")).await;
    let (mut bob, _) = site.bob_comes().await;
    let (secret, _) = site.set_up(&mut bob).await;
    let (bob, page) = site.bob_comes().await;
    assert_eq!(page.location(), CHALLENGE);
    assert!(bob.cookies.contains_key(HALF) && !bob.has_session());
    (bob, secret)
}

#[tokio::test]
async fn a_half_session_opens_no_page_of_the_portal_under_any_name() {
    let site = Site::with_passwords().await;
    let (bob, _) = halfway(&site).await;
    let token = bob.cookies[HALF].clone();
    for name in [HALF, "vestibule", "__Host-vestibule", "vestibule-trusted", "vestibule-known"] {
        let mut browser = site.browser();
        browser.cookies.insert(name.to_owned(), token.clone());
        for path in ["/.vestibule/account", "/.vestibule/join", "/.vestibule/account/password", "/.vestibule/access"] {
            let page = browser.get(path).await;
            assert!(page.status != StatusCode::OK || !page.body.contains("bob@globex"), "{name} {path}: {page:?}");
            assert!(!page.body.contains("bob@globex"), "{name} {path}: {page:?}");
        }
        for path in [
            "/.vestibule/account/organization",
            "/.vestibule/account/sessions/end-others",
            "/.vestibule/account/recovery-codes",
            "/.vestibule/account/second-factor/remove",
            "/.vestibule/account/trusted-browsers/forget",
            "/.vestibule/account/password",
            "/.vestibule/join",
        ] {
            let page = browser.post(path, &[("organization", "globex")]).await;
            assert!(page.location().starts_with("/.vestibule/sign-in"), "{name} {path}: {page:?}");
        }
        let sessions =
            browser.cookies.iter().filter(|(held, _)| ["vestibule", "__Host-vestibule"].contains(&held.as_str()));
        assert!(sessions.into_iter().all(|(_, value)| *value == token), "{name}");
    }
    assert_eq!(records::list(&site.store.reader(), Scope::User(site.bob().await)).await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_pages_of_the_second_factor_take_no_post_of_another_site() {
    let site = Site::with_passwords().await;
    let (mut bob, secret) = halfway(&site).await;
    let code = site.code(&secret);
    for path in [CHALLENGE, SET_UP, LATER, "/.vestibule/second-factor/codes", "/.vestibule/second-factor/fresh"] {
        let form = super::browser::encode(&[("code", &code)]);
        let headers = [("sec-fetch-site", "cross-site"), ("content-type", "application/x-www-form-urlencoded")];
        let page = bob.send(Method::POST, path, &headers, form.into(), true).await;
        assert_eq!((page.status, bob.has_session()), (StatusCode::FORBIDDEN, false), "{path}");
    }
}

#[tokio::test]
async fn whoever_has_no_half_session_is_sent_to_sign_in() {
    let site = Site::with_passwords().await;
    let mut nobody = site.browser();
    for path in [CHALLENGE, SET_UP] {
        assert!(nobody.get(path).await.location().starts_with("/.vestibule/sign-in"), "{path}");
        assert!(nobody.post(path, &[("code", "000000")]).await.location().starts_with("/.vestibule/sign-in"), "{path}");
    }
    let (bob, secret) = halfway(&site).await;
    let mut twice = bob.clone();
    twice.cookies.insert(HALF.to_owned(), format!("{}; {HALF}=x", bob.cookies[HALF]));
    let page = twice.post(CHALLENGE, &[("code", &site.code(&secret))]).await;
    assert!(page.location().starts_with("/.vestibule/sign-in"), "of two cookies none counts: {page:?}");
}

/// What happens while somebody is between the factors.
enum Event {
    Ended(Scope),
    Deactivated,
    Removed,
    RequiresSso,
    Late,
    Deleted,
}

#[tokio::test]
async fn what_happens_between_the_factors_voids_the_half_session() {
    let site = Site::with_passwords().await;
    let (_, secret) = halfway(&site).await;
    let (bob, globex) = (site.bob().await, site.globex.id);
    for (name, event) in [
        ("all", Event::Ended(Scope::All)),
        ("user", Event::Ended(Scope::User(bob))),
        ("organization", Event::Ended(Scope::Organization(globex))),
        ("membership", Event::Ended(Scope::Membership(globex, bob))),
        ("late", Event::Late),
        ("required", Event::RequiresSso),
        ("removed", Event::Removed),
        ("deactivated", Event::Deactivated),
    ] {
        site.clock.advance(STEP);
        let (mut browser, page) = site.bob_comes().await;
        assert_eq!(page.location(), CHALLENGE, "{name}");
        happen(&site, &site.globex, &event).await;
        let page = browser.post(CHALLENGE, &[("code", &site.code(&secret))]).await;
        assert_eq!((page.status, browser.has_session()), (StatusCode::UNAUTHORIZED, false), "{name}: {page:?}");
        assert!(page.body.contains("This sign-in is over") && !browser.cookies.contains_key(HALF), "{name}");
        restore(&site, &event).await;
    }
    site.clock.advance(STEP);
    let (mut browser, _) = site.bob_comes().await;
    assert_eq!(browser.post(CHALLENGE, &[("code", &site.code(&secret))]).await.location(), "/deals", "else it is good");
    let (mut browser, page) = site.bob_comes().await;
    assert_eq!(page.location(), CHALLENGE);
    happen(&site, &site.globex, &Event::Deleted).await;
    site.clock.advance(STEP);
    let page = browser.post(CHALLENGE, &[("code", &site.code(&secret))]).await;
    assert_eq!((page.status, browser.has_session()), (StatusCode::UNAUTHORIZED, false), "{page:?}");
}

async fn happen(site: &Site, globex: &Organization, event: &Event) {
    let email = "bob@globex.example".parse().unwrap();
    let run = async |tx: Tx| {
        match event {
            Event::Ended(scope) => records::revoke(&tx, *scope).await?,
            Event::Deactivated => {
                user::set_active(&tx, &email, false).await?;
            }
            Event::Removed => {
                member::remove(&tx, globex, &user::by_email(&tx, &email).await?).await?;
            }
            Event::Deleted => vestibule::directory::organization::delete(&tx, &site.rng, globex).await?,
            Event::RequiresSso | Event::Late => {}
        }
        Ok::<_, DirectoryError>(())
    };
    site.store.transaction("test", run).await.unwrap();
    if let Event::Late = event {
        site.clock.advance(vestibule::session::half::GOOD_FOR);
    }
    if let Event::RequiresSso = event {
        site.change(globex, |globex| globex.set("require_sso", "true")).await;
    }
}

async fn restore(site: &Site, event: &Event) {
    match event {
        Event::Deactivated => {
            let on = async |tx: Tx| user::set_active(&tx, &"bob@globex.example".parse().unwrap(), true).await;
            site.store.transaction("test", on).await.unwrap();
        }
        Event::Removed => site.add(&site.globex, "bob@globex.example", vestibule::kernel::Role::Member).await,
        Event::RequiresSso => site.change(&site.globex, |globex| globex.set("require_sso", "false")).await,
        Event::Ended(_) | Event::Late | Event::Deleted => {}
    }
    // Whatever is made from now on is made after it.
    site.clock.advance(STEP);
}

#[tokio::test]
async fn a_new_password_voids_what_is_halfway() {
    let site = Site::with_passwords().await;
    let (mut thief, secret) = halfway(&site).await;
    let token = site.link_for_bob(Purpose::Reset).await;
    let mut bob = site.browser();
    let page = bob.post("/.vestibule/password/new", &[("token", &token), ("password", "wicker basket of plums")]).await;
    assert_eq!((page.location(), bob.has_session()), (CHALLENGE, false), "a link by mail is one factor, too");
    let void = thief.post(CHALLENGE, &[("code", &site.code(&secret))]).await;
    assert_eq!((void.status, thief.has_session()), (StatusCode::UNAUTHORIZED, false), "{void:?}");
    assert_eq!(bob.post(CHALLENGE, &[("code", &site.code(&secret))]).await.location(), "/");
}

#[tokio::test]
async fn a_set_up_belongs_to_its_own_sign_in() {
    let site = Site::with_passwords().await;
    site.change(&site.globex, |globex| globex.set("two_factor", "password")).await;
    let (mut bob, _) = site.bob_comes().await;
    let (mut thief, _) = site.bob_comes().await;
    let (his, other) = (secret_of(&bob.get(SET_UP).await), secret_of(&thief.get(SET_UP).await));
    assert_ne!(his, other);
    assert_eq!(secret_of(&bob.get(SET_UP).await), his, "the page can be loaded again");
    assert_eq!(bob.post(SET_UP, &[("code", &site.code(&his))]).await.status, StatusCode::OK);
    let late = thief.post(SET_UP, &[("code", &site.code(&other))]).await;
    assert_eq!((late.location(), thief.has_session()), (CHALLENGE, false), "{late:?}");
}

#[tokio::test]
async fn d10_a_password_that_became_an_emergency_in_between_is_void() {
    let site = Site::with_passwords().await;
    site.add(&site.globex, "bob@globex.example", vestibule::kernel::Role::Owner).await;
    site.change(&site.globex, |globex| globex.set("two_factor", "password")).await;
    let password = "wicker basket of plums";
    let token = site.link_for_bob(Purpose::Reset).await;
    site.browser().post("/.vestibule/password/new", &[("token", &token), ("password", password)]).await;
    let comes = async || {
        let mut bob = site.browser();
        site.clock.advance(STEP);
        let form = [("email", "bob@globex.example"), ("password", password)];
        let page = bob.post("/.vestibule/password", &form).await;
        assert_eq!((page.location(), bob.has_session()), (SET_UP, false), "{page:?}");
        bob
    };
    let mut before = comes().await;
    happen(&site, &site.globex, &Event::RequiresSso).await;
    let page = before.post(LATER, &[]).await;
    assert_eq!((page.status, before.has_session()), (StatusCode::UNAUTHORIZED, false), "{page:?}");
    let mut after = comes().await;
    let page = after.get(SET_UP).await;
    assert!(page.body.contains("asks for a second factor") && !page.body.contains("Not now"), "{page:?}");
    assert_eq!(after.post(LATER, &[]).await.status, StatusCode::FORBIDDEN, "nothing is put off in an emergency");
    assert!(!after.has_session());
}

#[tokio::test]
async fn signing_out_or_in_as_somebody_else_ends_what_is_halfway() {
    let site = Site::with_passwords().await;
    let (_, secret) = halfway(&site).await;
    for path in ["/.vestibule/sign-out", "/.vestibule/sign-out/half"] {
        site.clock.advance(STEP);
        let (mut bob, _) = site.bob_comes().await;
        assert!(bob.get(CHALLENGE).await.body.contains("action=\"/.vestibule/sign-out/half\""));
        let mut kept = bob.clone();
        let cross = bob.post_cross_site(path, &[]).await;
        assert_eq!(cross.status, StatusCode::FORBIDDEN, "{path}");
        bob.post(path, &[]).await;
        assert!(!bob.cookies.contains_key(HALF), "{path}: {:?}", bob.cookies);
        let page = kept.post(CHALLENGE, &[("code", &site.code(&secret))]).await;
        assert_eq!((page.status, kept.has_session()), (StatusCode::UNAUTHORIZED, false), "{path}: {page:?}");
    }
}

#[tokio::test]
async fn from_the_account_page_the_session_is_meant_whoever_is_halfway() {
    let site = Site::with_passwords().await;
    site.change(&site.globex, |globex| globex.set("two_factor", "password")).await;
    let (bob, _) = site.bob_comes().await;
    let mut ada = site.browser();
    site.sign_in_ada(&mut ada).await;
    ada.cookies.insert(HALF.to_owned(), bob.cookies[HALF].clone());
    let account = ada.get("/.vestibule/account").await;
    let link = "/.vestibule/second-factor/setup?return_to=/.vestibule/account";
    assert!(account.body.contains(&format!("href=\"{link}\"")), "{account:?}");
    let page = ada.get(link).await;
    assert!(page.body.contains("ada@acme.example") && !page.body.contains("bob@globex"), "{page:?}");
    assert!(page.body.contains("name=\"return_to\" value=\"/.vestibule/account\""), "{page:?}");
    let form = [("code", &*site.code(&secret_of(&page))), ("return_to", "/.vestibule/account")];
    assert_eq!(ada.post(SET_UP, &form).await.status, StatusCode::OK);
    let (ada, bob) = (site.account("ada@acme.example").await.unwrap().id, site.bob().await);
    let has = async |id| vestibule::second_factor::factors::of(&site.store.reader(), id).await.unwrap().any();
    assert_eq!((has(ada).await, has(bob).await), (true, false));
}
