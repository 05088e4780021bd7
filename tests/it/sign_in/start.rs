//! From the e-mail question to the IdP.

use http::StatusCode;
use vestibule::directory::{Binding, sso};
use vestibule::store::Tx;

use super::Site;
use super::browser::read_sent;

#[tokio::test]
async fn the_question_leads_to_the_idp_of_the_domain_with_a_cookie_for_this_request() {
    let site = Site::new().await;
    let mut browser = site.browser();
    let page = browser.get("/.vestibule/sign-in?return_to=%2Fdeals%3Fid%3D7").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("value=\"/deals?id=7\""), "{}", page.body);

    let sent = browser.ask(" Ada@ACME.example ", "/deals").await;
    assert_eq!(sent.destination, "https://idp.acme.example/sso");
    assert!(sent.xml.contains("AssertionConsumerServiceURL=\"http://localhost:8080/.vestibule/saml/acme/acs\""));
    assert!(sent.relay_state.len() <= 80 && !sent.relay_state.contains('/'), "R44: {}", sent.relay_state);
    assert_eq!(browser.cookies.len(), 1, "{:?}", browser.cookies);
    assert_eq!(site.session_count().await, 0);
}

#[tokio::test]
async fn the_sign_on_url_leads_there_without_the_question() {
    let site = Site::new().await;
    let mut browser = site.browser();
    let page = browser.get("/.vestibule/sso/globex?return_to=%2Fa").await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    assert_eq!(read_sent(page.location()).destination, "https://idp.globex.example/sso");
    for unknown in ["nobody", "ACME", "%00", "a%2Fb"] {
        assert_eq!(browser.get(&format!("/.vestibule/sso/{unknown}")).await.status, StatusCode::NOT_FOUND, "{unknown}");
    }
}

#[tokio::test]
async fn who_is_signed_in_goes_straight_back() {
    let site = Site::new().await;
    let mut browser = site.browser();
    site.sign_in_ada(&mut browser).await;
    assert_eq!(browser.get("/.vestibule/sso/acme?return_to=%2Fa").await.location(), "/a");
    assert_eq!(browser.get("/.vestibule/sign-in?return_to=%2Fb").await.location(), "/b");
    let other = browser.get("/.vestibule/sso/globex").await;
    assert!(
        other.location().starts_with("https://idp.globex.example/sso"),
        "D6: another organization has its own rules"
    );
}

#[tokio::test]
async fn d9_the_answer_is_the_same_for_every_address_of_a_domain() {
    let site = Site::new().await;
    let mut browser = site.browser();
    let mut bodies = Vec::new();
    for email in ["ada@nobody.example", "bob@nobody.example"] {
        let page = browser.post("/.vestibule/sign-in", &[("email", email)]).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND);
        assert!(page.body.contains("This address has no organization here"), "{}", page.body);
        bodies.push(page.body.replace(page.reference(), ""));
    }
    assert_eq!(bodies[0], bodies[1]);
    let subdomain = browser.post("/.vestibule/sign-in", &[("email", "ada@mail.acme.example")]).await;
    assert_eq!(subdomain.status, StatusCode::NOT_FOUND, "R37: a subdomain is another domain");
}

#[tokio::test]
async fn what_is_no_address_is_asked_for_again() {
    let site = Site::new().await;
    let mut browser = site.browser();
    for typed in ["", "ada", "ada@", "ada@@acme.example", "\"><script>alert(1)</script>"] {
        let page = browser.post("/.vestibule/sign-in", &[("email", typed), ("return_to", "/a")]).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{typed}");
        assert!(page.body.contains("role=\"alert\"") && page.body.contains("value=\"/a\""), "{}", page.body);
        assert!(!page.body.contains("<script"), "{}", page.body);
    }
    let twice = browser.post("/.vestibule/sign-in", &[("email", "a@acme.example"), ("email", "b@acme.example")]).await;
    assert_eq!(twice.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn an_organization_without_single_sign_on_says_whom_to_ask() {
    let site = Site::new().await;
    site.store.transaction("test", async |tx: Tx| sso::remove(&tx, site.globex.id).await).await.unwrap();
    let mut browser = site.browser();
    let page = browser.post("/.vestibule/sign-in", &[("email", "bob@globex.example")]).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert!(page.body.contains("ask an owner or administrator of globex"), "{}", page.body);
    assert_eq!(browser.get("/.vestibule/sso/globex").await.status, StatusCode::NOT_FOUND);
    assert!(browser.cookies.is_empty());
}

#[tokio::test]
async fn an_idp_that_wants_posts_gets_a_form_with_a_button() {
    let site = Site::new().await;
    site.change_sso(&site.acme, |settings| {
        settings.sign_in_binding = Binding::Post;
        settings.sign_requests = true;
    })
    .await;
    let mut browser = site.browser();
    let page = browser.post("/.vestibule/sign-in", &[("email", "ada@acme.example")]).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("action=\"https://idp.acme.example/sso\""), "{}", page.body);
    assert!(page.body.contains("name=\"SAMLRequest\"") && page.body.contains("name=\"RelayState\""), "{}", page.body);
    assert!(page.body.contains("<button"), "it works without script");
    assert_eq!(browser.cookies.len(), 1);
}

#[tokio::test]
async fn a_form_that_another_site_posts_starts_nothing() {
    let site = Site::new().await;
    let mut browser = site.browser();
    let page = browser.post_cross_site("/.vestibule/sign-in", &[("email", "ada@acme.example")]).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(browser.cookies.is_empty());
}

#[tokio::test]
async fn a_browser_has_at_most_five_pending_sign_ins() {
    let site = Site::new().await;
    let mut browser = site.browser();
    let first = browser.ask("ada@acme.example", "/first").await;
    for _ in 0..4 {
        site.clock.advance(std::time::Duration::from_secs(1));
        browser.ask("ada@acme.example", "/").await;
    }
    site.clock.advance(std::time::Duration::from_secs(1));
    let last = browser.ask("ada@acme.example", "/last").await;
    assert_eq!(browser.cookies.len(), 5);
    assert_eq!(browser.return_with(&site.acme_idp.answer(&last)).await.location(), "/last");
    let forgotten = browser.return_with(&site.acme_idp.answer(&first)).await;
    assert_eq!(forgotten.status, StatusCode::FORBIDDEN);
    assert_eq!(site.last_code(&site.acme).await, "in_response_to_unknown");
}
