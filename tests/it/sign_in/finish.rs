//! From the IdP's answer to the session: once, in the browser that asked, however often it is sent (R32, R33, R34).

use std::time::Duration;

use http::{Method, StatusCode};

use vestibule::directory::audit;
use vestibule::directory::claim;
use vestibule::store::Tx;

use super::Site;

#[tokio::test]
async fn a_good_answer_makes_a_session_and_leads_back() {
    let site = Site::new().await;
    let mut browser = site.browser();
    let sent = browser.ask("ada@acme.example", "/deals?id=7").await;
    let page = browser.return_with(&site.acme_idp.answer(&sent)).await;
    assert_eq!((page.status, page.location()), (StatusCode::SEE_OTHER, "/deals?id=7"));
    assert!(browser.has_session());
    assert_eq!(browser.cookies.len(), 1, "the login cookie is taken back: {:?}", browser.cookies);
    assert_eq!(site.last_code(&site.acme).await, "accepted");
    let record = &site.logins(&site.acme).await[0];
    assert_eq!(record.email.as_deref(), Some("ada@acme.example"));
    assert_eq!(record.client, "192.0.2.7");
    assert!(record.checks.iter().all(|check| check.passed), "{:?}", record.checks);
    assert!(record.checks.len() > 8 && record.assertion_id.is_some(), "{record:?}");
    let account = browser.get("/.vestibule/account").await;
    assert!(account.body.contains("ada@acme.example") && account.body.contains("Test/1.0"), "{}", account.body);
}

#[tokio::test]
async fn d23_the_acs_needs_no_cookie_and_makes_no_session() {
    let site = Site::new().await;
    let mut browser = site.browser();
    let sent = browser.ask("ada@acme.example", "/").await;
    let page = site.browser().bring(&site.acme_idp.answer(&sent)).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    assert!(page.location().starts_with("/.vestibule/saml/acme/finish?login="), "{}", page.location());
    assert!(page.headers.get("set-cookie").is_none());
    assert_eq!(site.session_count().await, 0);
    let finish = page.location().to_owned();
    assert_eq!(browser.get(&finish).await.location(), "/");
    assert!(browser.has_session());
}

#[tokio::test]
async fn r33_an_answer_counts_in_the_browser_that_asked_alone() {
    let site = Site::new().await;
    let (mut ours, mut theirs) = (site.browser(), site.browser());
    let sent = theirs.ask("ada@acme.example", "/").await;
    ours.ask("ada@acme.example", "/").await;
    let page = ours.return_with(&site.acme_idp.answer(&sent)).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(!ours.has_session());
    assert_eq!(site.last_code(&site.acme).await, "in_response_to_unknown");
    let record = &site.logins(&site.acme).await[0];
    assert_eq!(page.reference(), record.reference);
    assert_eq!(record.checks.last().map(|check| (check.name.as_str(), check.passed)), Some(("same browser", false)));
    assert_eq!(site.session_count().await, 0);
    let audited = audit::page(&site.store.reader(), site.acme.id, 0, 10).await.unwrap();
    assert!(audited.is_empty(), "whoever has the link can't fill the audit: {audited:?}");
    let own = theirs.get(&format!("/.vestibule/saml/acme/finish?login={}", sent.request_id)).await;
    assert_eq!(own.location(), "/", "the browser that asked still gets in");
}

#[tokio::test]
async fn r34_the_back_button_leads_to_the_app_and_makes_no_second_session() {
    let site = Site::new().await;
    let mut browser = site.browser();
    let sent = browser.ask("ada@acme.example", "/deals").await;
    let answer = site.acme_idp.answer(&sent);
    assert_eq!(browser.return_with(&answer).await.location(), "/deals");
    let session = browser.cookies.clone();
    site.clock.advance(Duration::from_secs(3600));
    assert_eq!(browser.return_with(&answer).await.location(), "/deals");
    assert_eq!(browser.cookies, session);
    assert_eq!(site.session_count().await, 1);
    assert_eq!(site.last_code(&site.acme).await, "replayed");
}

#[tokio::test]
async fn r32_a_used_answer_in_another_browser_is_refused() {
    let site = Site::new().await;
    let mut browser = site.browser();
    let sent = browser.ask("ada@acme.example", "/deals").await;
    let answer = site.acme_idp.answer(&sent);
    assert_eq!(browser.return_with(&answer).await.location(), "/deals");
    let mut thief = site.browser();
    let page = thief.return_with(&answer).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(
        page.body.contains("already used") && page.body.contains("/.vestibule/sso/acme?return_to=%2Fdeals"),
        "{}",
        page.body
    );
    assert!(!thief.has_session());
    browser.post("/.vestibule/sign-out", &[]).await;
    assert_eq!(browser.return_with(&answer).await.status, StatusCode::FORBIDDEN, "signed out, it leads nowhere");
    assert_eq!(site.last_code(&site.acme).await, "replayed");
}

#[tokio::test]
async fn r34_of_a_double_click_both_lead_in() {
    let site = Site::new().await;
    let mut browser = site.browser();
    let sent = browser.ask("ada@acme.example", "/deals").await;
    let answer = site.acme_idp.answer(&sent);
    let (mut one, mut two) = (browser.clone(), browser.clone());
    let (first, second) = tokio::join!(one.bring(&answer), two.bring(&answer));
    assert_eq!((first.status, second.status), (StatusCode::SEE_OTHER, StatusCode::SEE_OTHER));
    assert_eq!(first.location(), second.location());
    // The browser drops the first answer and follows the second one alone.
    let finish = second.location().to_owned();
    assert_eq!(browser.get(&finish).await.location(), "/deals");
    assert_eq!(browser.get(&finish).await.location(), "/deals");
    assert_eq!(site.session_count().await, 1);
}

#[tokio::test]
async fn two_tabs_at_once_both_get_in() {
    let site = Site::new().await;
    let mut browser = site.browser();
    let one = browser.ask("ada@acme.example", "/one").await;
    let two = browser.ask("ada@acme.example", "/two").await;
    assert_eq!(browser.return_with(&site.acme_idp.answer(&two)).await.location(), "/two");
    assert_eq!(browser.return_with(&site.acme_idp.answer(&one)).await.location(), "/one");
    assert_eq!(browser.return_with(&site.acme_idp.answer(&two)).await.location(), "/two", "and back");
}

#[tokio::test]
async fn a_browser_changes_hands_only_if_its_person_agrees() {
    let site = Site::new().await;
    let mut browser = site.browser();
    site.sign_in_ada(&mut browser).await;
    let sent = {
        let page = browser.get("/.vestibule/sso/globex").await;
        super::browser::read_sent(page.location())
    };
    site.change(&site.globex, |globex| globex.set("idp_managed_access", "true")).await;
    let page = browser.return_with(&site.globex_idp.answer(&sent).email("bob@globex.example")).await;
    let asked =
        page.body.contains("signed in as <strong>ada@acme.example") && page.body.contains("Go on as bob@globex");
    assert!(page.status == StatusCode::OK && asked && !page.headers.contains_key("set-cookie"), "{page:?}");
    assert!(site.account("bob@globex.example").await.is_none(), "nothing is written before the person agrees");
    let (finish, login) = ("/.vestibule/saml/globex/finish", [("login", sent.request_id.as_str())]);
    assert_eq!(browser.clone().post_cross_site(finish, &login).await.status, StatusCode::FORBIDDEN);
    assert!(browser.get("/.vestibule/account").await.body.contains("ada@acme.example"), "still Ada");
    assert_eq!(browser.post(finish, &login).await.location(), "/");
    assert_eq!(site.session_count().await, 1, "Ada's is over");
    assert!(browser.get("/.vestibule/account").await.body.contains("bob@globex.example"));
}

#[tokio::test]
async fn the_same_person_in_another_organization_is_asked_too() {
    let site = Site::new().await;
    site.change(&site.globex, |globex| globex.set("idp_managed_access", "true")).await;
    let mut browser = site.browser();
    site.sign_in_ada(&mut browser).await;
    let release = async |tx: Tx| {
        claim::release(&tx, &site.acme, &"acme.example".parse().unwrap()).await?;
        claim::claim_trusted(&tx, &site.globex, &"acme.example".parse().unwrap()).await
    };
    site.store.transaction("test", release).await.unwrap();
    let sent = super::browser::read_sent(browser.get("/.vestibule/sso/globex").await.location());
    let page = browser.return_with(&site.globex_idp.answer(&sent).email("ada@acme.example")).await;
    assert!(page.status == StatusCode::OK && page.body.contains("<strong>globex</strong>"), "{page:?}");
    let agreed = browser.post("/.vestibule/saml/globex/finish", &[("login", &sent.request_id)]).await;
    assert_eq!(agreed.location(), "/");
}

#[tokio::test]
async fn r28_the_idp_may_end_the_session_early() {
    let site = Site::new().await;
    let mut browser = site.browser();
    let sent = browser.ask("ada@acme.example", "/").await;
    let mut answer = site.acme_idp.answer(&sent);
    answer.session_end = Some(site.store.now().plus(Duration::from_secs(600)));
    assert_eq!(browser.return_with(&answer).await.location(), "/");
    site.clock.advance(Duration::from_secs(599));
    assert_eq!(browser.get("/.vestibule/account").await.status, StatusCode::OK);
    site.clock.advance(Duration::from_secs(1));
    assert_eq!(browser.get("/.vestibule/account").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn whoever_only_looks_finishes_nothing() {
    let site = Site::new().await;
    let mut browser = site.browser();
    let sent = browser.ask("ada@acme.example", "/").await;
    let page = browser.bring(&site.acme_idp.answer(&sent)).await;
    let finish = page.location().to_owned();
    let looked = browser.send(Method::HEAD, &finish, &[], axum::body::Body::empty(), true).await;
    assert!(!looked.status.is_success() && looked.body.is_empty());
    assert_eq!(site.session_count().await, 0);
    assert_eq!(browser.get(&finish).await.location(), "/");
}

#[tokio::test]
async fn the_last_step_waits_two_minutes() {
    let site = Site::new().await;
    let mut browser = site.browser();
    let sent = browser.ask("ada@acme.example", "/").await;
    let page = browser.bring(&site.acme_idp.answer(&sent)).await;
    let finish = page.location().to_owned();
    site.clock.advance(Duration::from_secs(120));
    assert_eq!(browser.get(&finish).await.status, StatusCode::FORBIDDEN);
    assert_eq!(site.last_code(&site.acme).await, "in_response_to_unknown");
}
