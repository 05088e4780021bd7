//! Sign-ins that the identity provider begins: off unless the organization says otherwise, and never without a question.

use std::time::Duration;

use http::StatusCode;
use vestibule::directory::organization::OrgKind;
use vestibule::directory::{DirectoryError, claim, link, sso};
use vestibule::kernel::Role;
use vestibule::store::Tx;

use super::admission::touch_connection;
use super::browser::{Page, Sent};
use super::idp::Answer;
use super::{Browser, Site};

const ADA: &str = "ada@acme.example";

impl Site {
    async fn allow(&self) {
        self.change(&self.acme, |acme| acme.set("idp_initiated", "true")).await;
    }

    /// An answer of acme's identity provider that nobody asked for.
    async fn unasked(&self, relay_state: &str) -> Answer<'_> {
        let sent: Sent = self.browser().ask(ADA, "/").await;
        let mut answer = self.acme_idp.answer(&sent);
        answer.in_response_to = None;
        relay_state.clone_into(&mut answer.relay_state);
        answer
    }
}

/// The path and the handle of the question.
fn question(page: &Page) -> (String, String) {
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{page:?}");
    let location = page.location();
    let (path, login) = location.split_once("?login=").expect("a handle");
    assert!(path.ends_with("/unasked"), "{location}");
    (path.to_owned(), login.to_owned())
}

/// Presses the button, and follows.
async fn press(browser: &mut Browser, (path, login): &(String, String)) -> Page {
    let pressed = browser.post(path, &[("login", login)]).await;
    if pressed.status != StatusCode::TEMPORARY_REDIRECT {
        return pressed;
    }
    let last = pressed.location().to_owned();
    browser.post(&last, &[("login", login)]).await
}

#[tokio::test]
async fn r46_an_answer_to_nothing_is_refused_unless_the_organization_takes_such_and_then_a_page_asks() {
    let site = Site::new().await;
    let mut browser = site.browser();
    let answer = site.unasked("/deals?x=1").await;
    let refused = browser.return_with(&answer).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{refused:?}");
    assert_eq!(site.last_code(&site.acme).await, "unsolicited");

    site.allow().await;
    let handle = question(&browser.bring(&answer).await);
    assert_eq!(site.session_count().await, 0, "nobody is in by an answer alone");
    let asked = browser.get(&format!("{}?login={}", handle.0, handle.1)).await;
    for text in ["Sign in as <strong>ada@acme.example</strong> at <strong>acme</strong>", "Sign in as ada@acme.example"]
    {
        assert!(asked.body.contains(text), "{asked:?}");
    }
    let early = browser.get(&format!("/.vestibule/saml/acme/finish?login={}", handle.1)).await;
    assert!(early.status.is_client_error(), "not past the question: {early:?}");
    assert_eq!(browser.post_cross_site(&handle.0, &[("login", &handle.1)]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(site.session_count().await, 0);
    let entered = press(&mut browser, &handle).await;
    assert_eq!(entered.location(), "/deals?x=1", "{entered:?}");
    assert_eq!(site.current(&mut browser).await.as_deref(), Some("acme"));
    assert_eq!(site.last_code(&site.acme).await, "accepted");
    let session = site.only_session().await;
    assert_eq!((session.connection, session.organization), (Some(site.acme.id), Some(site.acme.id)));
    assert_eq!(press(&mut browser, &handle).await.status, StatusCode::NOT_FOUND, "the button works once");
    let replayed = site.browser().return_with(&answer).await;
    assert!(replayed.status.is_client_error(), "{replayed:?}");
    assert_eq!(site.last_code(&site.acme).await, "replayed", "R32");
    site.check_store().await;
}

#[tokio::test]
async fn the_button_is_of_the_browser_that_brought_the_answer_for_ten_minutes_and_while_it_is_allowed() {
    let site = Site::new().await;
    site.allow().await;
    let mut browser = site.browser();
    let handle = question(&browser.bring(&site.unasked("").await).await);
    let mut other = site.browser();
    assert_eq!(other.get(&format!("{}?login={}", handle.0, handle.1)).await.status, StatusCode::NOT_FOUND);
    assert_eq!(press(&mut other, &handle).await.status, StatusCode::NOT_FOUND, "a handle alone is nothing");
    site.change(&site.acme, |acme| acme.set("idp_initiated", "false")).await;
    assert_eq!(press(&mut browser, &handle).await.status, StatusCode::NOT_FOUND, "it was taken back");
    site.allow().await;
    site.clock.advance(Duration::from_secs(10 * 60));
    assert_eq!(press(&mut browser, &handle).await.status, StatusCode::NOT_FOUND);
    assert_eq!(site.session_count().await, 0);
}

#[tokio::test]
async fn r41_the_button_counts_for_nothing_once_the_connection_changed() {
    let site = Site::new().await;
    site.allow().await;
    let mut browser = site.browser();
    let handle = question(&browser.bring(&site.unasked("").await).await);
    touch_connection(&site).await;
    assert_eq!(press(&mut browser, &handle).await.status, StatusCode::FORBIDDEN);
    assert_eq!(site.last_code(&site.acme).await, "sso_configuration");
    assert_eq!(site.session_count().await, 0);
}

#[tokio::test]
async fn r46_no_answer_that_names_a_request_passes_as_one_to_nothing() {
    let site = Site::new().await;
    site.allow().await;
    let mut answer = site.unasked("").await;
    answer.in_response_to = Some("_0000000000000000000000000000000000000000".to_owned());
    let refused = site.browser().return_with(&answer).await;
    assert!(refused.status.is_client_error(), "{refused:?}");
    assert_eq!(site.last_code(&site.acme).await, "in_response_to_unknown");
    // A request of this very browser is pending: its RelayState makes it no answer to that.
    let mut browser = site.browser();
    let sent = browser.ask(ADA, "/").await;
    let mut answer = site.acme_idp.answer(&sent);
    answer.in_response_to = None;
    assert!(browser.return_with(&answer).await.status.is_client_error());
    assert_eq!(site.last_code(&site.acme).await, "unsolicited");
    // Asked for, all is as ever.
    let sent = browser.ask(ADA, "/deals").await;
    assert_eq!(browser.return_with(&site.acme_idp.answer(&sent).email(ADA)).await.location(), "/deals");
}

#[tokio::test]
async fn r47_a_relay_state_leads_to_a_path_of_this_site_alone() {
    let site = Site::new().await;
    site.allow().await;
    for (relay_state, expected) in [
        ("", "/"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("/.vestibule/sign-out", "/"),
        ("opaque-token-of-the-idp", "/"),
        ("/reports/7?x=1", "/reports/7?x=1"),
    ] {
        let mut browser = site.browser();
        let handle = question(&browser.bring(&site.unasked(relay_state).await).await);
        assert_eq!(press(&mut browser, &handle).await.location(), expected, "{relay_state}");
    }
}

#[tokio::test]
async fn no_other_organization_is_entered_and_who_is_signed_in_is_told() {
    let site = Site::new().await;
    site.allow().await;
    let mut answer = site.unasked("").await;
    "globex".clone_into(&mut answer.brought_to);
    let refused = site.browser().return_with(&answer).await;
    assert!(refused.status.is_client_error(), "brought to another organization's ACS: {refused:?}");
    let mut browser = site.browser();
    let handle = question(&browser.bring(&site.unasked("").await.email("alan@globex.example")).await);
    let refused = press(&mut browser, &handle).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "R37: {refused:?}");
    assert_eq!(site.last_code(&site.acme).await, "email_domain");

    let mut browser = site.browser();
    site.sign_in_ada(&mut browser).await;
    let handle = question(&browser.bring(&site.unasked("/").await.email("bob@acme.example")).await);
    let asked = browser.get(&format!("{}?login={}", handle.0, handle.1)).await;
    assert!(asked.body.contains("you are signed in as <strong>ada@acme.example</strong>"), "{asked:?}");
    assert_eq!(site.current(&mut browser).await.as_deref(), Some("acme"), "nothing changed yet");
    assert_eq!(press(&mut browser, &handle).await.location(), "/", "asked once, not twice");
    assert!(browser.get("/.vestibule/account").await.body.contains("bob@acme.example"));
}

#[tokio::test]
async fn d12_the_admin_organizations_setting_counts_for_those_linked_to_it() {
    let site = Site::new().await;
    let mother = site.found("mother", OrgKind::Admin).await;
    let daughter = site.found("daughter", OrgKind::Customer).await;
    let set_up = async |tx: Tx| {
        claim::claim_trusted(&tx, &mother, &"mother.example".parse().unwrap()).await?;
        let connection = sso::connection(&tx, site.acme.id).await?.expect("acme's");
        sso::set(&tx, &mother, &connection).await?;
        let code = link::code(&tx, &site.rng, &mother)?.expose().clone();
        link::join(&tx, &daughter, &code, Duration::ZERO).await?;
        Ok::<_, DirectoryError>(())
    };
    site.store.transaction("test", set_up).await.unwrap();
    site.add(&daughter, "dora@mother.example", Role::Member).await;
    let unasked = async || {
        let mut answer = site.unasked("").await.email("dora@mother.example");
        for slug in [&mut answer.slug, &mut answer.brought_to] {
            "mother".clone_into(slug);
        }
        answer
    };
    site.change(&daughter, |daughter| daughter.set("idp_initiated", "true")).await;
    let refused = site.browser().return_with(&unasked().await).await;
    assert!(refused.status.is_client_error(), "its own setting counts for nothing: {refused:?}");
    site.change(&mother, |mother| mother.set("idp_initiated", "true")).await;
    let mut browser = site.browser();
    let handle = question(&browser.bring(&unasked().await).await);
    assert_eq!(press(&mut browser, &handle).await.location(), "/");
    assert_eq!(site.current(&mut browser).await.as_deref(), Some("daughter"));
}
