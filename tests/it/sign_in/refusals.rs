//! What the ACS refuses: each with its code in the sign-in log, a page that does not say why, and no session.

use std::time::Duration;

use axum::body::Body;
use http::{Method, StatusCode};

use super::Site;
use super::browser::{Browser, Page, encode};

/// The page is a refusal that says nothing but a reference, which the log holds with `code`; nobody has a session.
async fn refused(site: &Site, browser: &Browser, page: &Page, code: &str) {
    assert!(page.status.is_client_error(), "{code}: {page:?}");
    assert_eq!(site.last_code(&site.acme).await, code);
    assert_eq!(page.reference(), site.logins(&site.acme).await[0].reference);
    for hint in ["signature", "issuer", "audience", "certificate", "Okta", code] {
        assert!(!page.body.to_lowercase().contains(hint), "R56: «{hint}» in {}", page.body);
    }
    assert!(!browser.has_session());
    assert_eq!(site.session_count().await, 0);
    // The log is told by time.
    site.clock.advance(Duration::from_millis(10));
}

#[tokio::test]
async fn r35_an_answer_for_one_organization_counts_at_no_other() {
    let site = Site::new().await;
    let mut browser = site.browser();
    let page = browser.get("/.vestibule/sso/globex").await;
    let sent = super::browser::read_sent(page.location());
    let mut answer = site.globex_idp.answer(&sent).email("ada@acme.example");
    answer.brought_to = "acme".to_owned();
    let page = browser.return_with(&answer).await;
    refused(&site, &browser, &page, "signature_invalid").await;
    answer.slug = "acme".to_owned();
    let page = browser.return_with(&answer).await;
    refused(&site, &browser, &page, "signature_invalid").await;
    let sent = browser.ask("ada@acme.example", "/").await;
    let page = browser.return_with(&site.globex_idp.answer(&sent)).await;
    refused(&site, &browser, &page, "signature_invalid").await;
}

#[tokio::test]
async fn r37_an_address_of_another_domain_is_refused() {
    let site = Site::new().await;
    for email in ["bob@globex.example", "ada@mail.acme.example", "ada@nobody.example"] {
        let mut browser = site.browser();
        let sent = browser.ask("ada@acme.example", "/").await;
        let page = browser.return_with(&site.acme_idp.answer(&sent).email(email)).await;
        refused(&site, &browser, &page, "email_domain").await;
        assert!(site.account(email).await.is_none(), "no account is made");
    }
}

#[tokio::test]
async fn an_answer_that_comes_too_late_is_refused() {
    let site = Site::new().await;
    let mut browser = site.browser();
    let sent = browser.ask("ada@acme.example", "/").await;
    site.clock.advance(Duration::from_secs(600));
    let mut answer = site.acme_idp.answer(&sent);
    answer.issued = site.store.now();
    let page = browser.return_with(&answer).await;
    refused(&site, &browser, &page, "in_response_to_unknown").await;
}

#[tokio::test]
async fn r46_an_answer_that_nobody_asked_for_is_refused() {
    let site = Site::new().await;
    let mut browser = site.browser();
    let sent = browser.ask("ada@acme.example", "/").await;
    let mut answer = site.acme_idp.answer(&sent);
    answer.in_response_to = None;
    answer.relay_state = String::new();
    let page = browser.return_with(&answer).await;
    refused(&site, &browser, &page, "unsolicited").await;
    let fix = format!("{:?}", site.logins(&site.acme).await[0].outcome);
    assert!(fix.contains("/.vestibule/sso/acme"), "the fix names the sign-on URL: {fix}");
}

#[tokio::test]
async fn a_changed_relay_state_is_refused_and_a_missing_one_is_not_needed() {
    let site = Site::new().await;
    let mut browser = site.browser();
    let sent = browser.ask("ada@acme.example", "/").await;
    let other = browser.ask("ada@acme.example", "/other").await;
    for tampered in ["x", "https://evil.example/", &"a".repeat(5000), &other.relay_state] {
        let mut answer = site.acme_idp.answer(&sent);
        tampered.clone_into(&mut answer.relay_state);
        let page = browser.return_with(&answer).await;
        refused(&site, &browser, &page, "in_response_to_unknown").await;
    }
    let mut answer = site.acme_idp.answer(&sent);
    answer.relay_state = String::new();
    assert_eq!(browser.return_with(&answer).await.location(), "/");
}

#[tokio::test]
async fn r32_an_assertion_counts_once_even_for_two_requests() {
    let site = Site::new().await;
    let mut browser = site.browser();
    let first = browser.ask("ada@acme.example", "/").await;
    let first = site.acme_idp.answer(&first);
    browser.bring(&first).await;
    let second = browser.ask("ada@acme.example", "/").await;
    let mut second = site.acme_idp.answer(&second);
    second.assertion_id.clone_from(&first.assertion_id);
    let page = browser.return_with(&second).await;
    refused(&site, &browser, &page, "replayed").await;
}

#[tokio::test]
async fn r48_an_answer_is_one_form_posted_once() {
    let site = Site::new().await;
    let mut browser = site.browser();
    let sent = browser.ask("ada@acme.example", "/").await;
    let (acs, response, relay_state) = site.acme_idp.answer(&sent).form();
    let form = [("SAMLResponse", response.as_str()), ("RelayState", relay_state.as_str())];
    let twice = [form[0], form[0], form[1]];
    for fields in [&twice[..], &[form[0], form[1], form[1]], &[form[1]], &[]] {
        let page = browser.post_cross_site(&acs, fields).await;
        refused(&site, &browser, &page, "wrong_binding").await;
    }
    let in_query = format!("{acs}?{}", encode(&form));
    let page = browser.get(&in_query).await;
    assert_eq!(page.headers["allow"], "POST");
    refused(&site, &browser, &page, "wrong_binding").await;
    let page = browser.post_cross_site(&in_query, &form).await;
    refused(&site, &browser, &page, "wrong_binding").await;
    for content_type in ["text/plain", "application/json", "multipart/form-data; boundary=x"] {
        let body = Body::from(encode(&form));
        let page = browser.send(Method::POST, &acs, &[("content-type", content_type)], body, false).await;
        refused(&site, &browser, &page, "wrong_binding").await;
    }
    let bare = browser.get(&acs).await;
    assert_eq!(bare.status, StatusCode::METHOD_NOT_ALLOWED, "a person who comes by hand is shown where to start");
    assert!(bare.body.contains("/.vestibule/sso/acme"), "{}", bare.body);
}

#[tokio::test]
async fn rubbish_is_refused_whatever_it_is() {
    let site = Site::new().await;
    let mut browser = site.browser();
    let sent = browser.ask("ada@acme.example", "/").await;
    let mut check = async |response: &str, code: &str| {
        let form = [("SAMLResponse", response), ("RelayState", sent.relay_state.as_str())];
        let page = browser.post_cross_site("/.vestibule/saml/acme/acs", &form).await;
        refused(&site, &browser, &page, code).await;
    };
    check("", "malformed").await;
    check("%%%", "malformed").await;
    check("bm90IHhtbA==", "malformed").await;
    check("PGE+PC9hPg==", "structure").await;
    check(&"A".repeat(1024 * 1024), "too_large").await;
    let page = browser.post_cross_site("/.vestibule/saml/nobody/acs", &[("SAMLResponse", "x")]).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_tampered_answer_is_refused_and_the_good_one_still_counts() {
    let site = Site::new().await;
    let mut browser = site.browser();
    let sent = browser.ask("ada@acme.example", "/").await;
    let good = site.acme_idp.answer(&sent);
    let (acs, _, relay_state) = good.form();
    let forged = good.xml().replace("ada@acme.example", "eve@acme.example");
    let response = {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(forged)
    };
    let page = browser.post_cross_site(&acs, &[("SAMLResponse", &response), ("RelayState", &relay_state)]).await;
    refused(&site, &browser, &page, "signature_invalid").await;
    assert_eq!(browser.return_with(&good).await.location(), "/", "a stranger can't use up somebody's sign-in");
}
