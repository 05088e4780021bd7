//! The pages themselves: their headers, their methods, sign-out, the account, metadata.

use axum::body::Body;
use http::{Method, StatusCode};

use super::{Site, key};
use vestibule::directory::audit;

#[tokio::test]
async fn every_answer_carries_the_headers_that_keep_others_out() {
    let site = Site::new().await;
    let mut browser = site.browser();
    for path in [
        "/.vestibule/sign-in",
        "/.vestibule/sign-out",
        "/.vestibule/account",
        "/.vestibule/nothing",
        "/.vestibule/sso/acme",
        "/.vestibule/saml/acme/acs",
        "/.vestibule/saml/acme/metadata",
        "/.vestibule/saml/acme/finish?login=x",
    ] {
        let page = browser.get(path).await;
        let header = |name: &str| page.headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        let policy = header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; "), "{path}: {policy}");
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("base-uri 'none'"), "{path}: {policy}");
        assert!(!policy.contains("script") && !policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(header("cache-control"), "no-store", "{path}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("x-frame-options"), "DENY", "{path}");
        assert_eq!(header("referrer-policy"), "same-origin", "{path}");
        assert!(!page.body.contains("<script") && !page.body.contains("src="), "{path}");
    }
}

#[tokio::test]
async fn the_question_may_lead_to_any_idp_and_to_plain_http_only_on_this_machine() {
    let form_action = async |public_url: &str| {
        let page = Site::at(public_url).await.browser().get("/.vestibule/sign-in").await;
        let policy = page.headers["content-security-policy"].to_str().unwrap().to_owned();
        policy.split("form-action ").nth(1).unwrap().split(';').next().unwrap().to_owned()
    };
    assert_eq!(form_action("https://app.example.com").await, "'self' https:");
    assert_eq!(form_action("http://localhost:8080").await, "'self' https: http://localhost:* http://127.0.0.1:*");
}

#[tokio::test]
async fn other_methods_are_refused_and_head_is_get_without_a_body() {
    let site = Site::new().await;
    let mut browser = site.browser();
    let mut send = async |method: Method, path: &str| browser.send(method, path, &[], Body::empty(), true).await;
    for path in ["/.vestibule/sign-in", "/.vestibule/sign-out", "/.vestibule/saml/acme/metadata"] {
        let page = send(Method::DELETE, path).await;
        assert_eq!(page.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
        assert!(page.headers["allow"].to_str().unwrap().contains("GET"), "{path}");
        assert!(page.body.contains("<!doctype html>"), "{path}");
        let head = send(Method::HEAD, path).await;
        assert_eq!((head.status, head.body.as_str()), (StatusCode::OK, ""), "{path}");
    }
    assert_eq!(send(Method::PUT, "/.vestibule/saml/acme/acs").await.status, StatusCode::METHOD_NOT_ALLOWED);
    let head = send(Method::HEAD, "/.vestibule/nothing").await;
    assert_eq!((head.status, head.body.as_str()), (StatusCode::NOT_FOUND, ""));
    assert!(send(Method::HEAD, "/.vestibule/sso/acme").await.headers.get("set-cookie").is_none());
}

#[tokio::test]
async fn sign_out_asks_ends_and_says_so() {
    let site = Site::new().await;
    let mut browser = site.browser();
    site.sign_in_ada(&mut browser).await;
    let question = browser.get("/.vestibule/sign-out").await;
    assert!(question.body.contains("ada@acme.example") && question.body.contains("<button"), "{}", question.body);
    assert!(browser.has_session(), "a link alone ends nothing");
    let foreign = {
        let headers = [("sec-fetch-site", "cross-site")];
        browser.send(Method::POST, "/.vestibule/sign-out", &headers, Body::empty(), true).await
    };
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    assert!(browser.has_session());

    let kept = browser.clone();
    let page = browser.post("/.vestibule/sign-out", &[]).await;
    assert_eq!((page.status, page.location()), (StatusCode::SEE_OTHER, "/.vestibule/sign-out"));
    assert!(!browser.has_session());
    let over = browser.get("/.vestibule/sign-out").await;
    assert!(over.body.contains("You are signed out") && over.body.contains("/.vestibule/sign-in"), "{}", over.body);
    assert_eq!(site.session_count().await, 0);
    let audited = audit::newest(&site.store.reader(), site.acme.id, 1).await.unwrap().remove(0).1.entry;
    assert_eq!((audited.actor.as_str(), audited.action.as_str()), ("ada@acme.example", "session.end"));
    assert!(!audited.from.is_empty(), "from where: {audited:?}");
    let again = browser.post("/.vestibule/sign-out", &[]).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER, "signing out twice is no error");
    until_over(kept).await;
}

/// A copy of the cookie is worth nothing once the session is over.
pub async fn until_over(mut copy: super::Browser) {
    for _ in 0..100 {
        if copy.get("/.vestibule/account").await.status == StatusCode::SEE_OTHER {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the session is still good");
}

#[tokio::test]
async fn the_account_lists_sessions_and_ends_ones_own() {
    let site = Site::new().await;
    let (mut here, mut there) = (site.browser(), site.browser());
    site.sign_in_ada(&mut there).await;
    let ids = |body: &str| -> Vec<String> {
        body.split("name=\"session\" value=\"").skip(1).map(|rest| rest[..36].to_owned()).collect()
    };
    let other = ids(&there.get("/.vestibule/account").await.body).pop().expect("a session");
    site.clock.advance(std::time::Duration::from_secs(1));
    site.sign_in_ada(&mut here).await;
    let page = here.get("/.vestibule/account").await;
    assert_eq!(ids(&page.body).len(), 2, "{}", page.body);
    assert!(page.body.contains("acme") && page.body.contains("member"), "{}", page.body);
    let ended = here.post("/.vestibule/account/sessions/end", &[("session", &other)]).await;
    assert_eq!(ended.location(), "/.vestibule/account");
    assert!(!ids(&here.get("/.vestibule/account").await.body).contains(&other));
    until_over(there).await;
    assert_eq!(here.get("/.vestibule/account").await.status, StatusCode::OK);

    for wrong in [other.as_str(), "x", "00000000-0000-4000-8000-000000000000"] {
        let page = here.post("/.vestibule/account/sessions/end", &[("session", wrong)]).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{wrong}");
    }
    let stranger = site.browser().get("/.vestibule/account").await;
    assert_eq!(stranger.location(), "/.vestibule/sign-in?return_to=%2F.vestibule%2Faccount");
}

#[tokio::test]
async fn r51_metadata_is_there_for_each_organization_without_sign_in() {
    use base64::Engine as _;
    let site = Site::new().await;
    let page = site.browser().get("/.vestibule/saml/acme/metadata").await;
    assert_eq!(page.headers["content-type"], "application/samlmetadata+xml");
    assert!(page.body.contains("entityID=\"http://localhost:8080/.vestibule/saml/acme/metadata\""), "{}", page.body);
    let certificate = base64::engine::general_purpose::STANDARD.encode(key(2).certificate());
    assert!(page.body.contains(&certificate), "{}", page.body);
    assert_eq!(site.browser().get("/.vestibule/saml/nobody/metadata").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn d22_on_https_every_cookie_is_bound_to_the_host() {
    let site = Site::at("https://app.example.com").await;
    let mut browser = site.browser();
    let sent = browser.ask("ada@acme.example", "/").await;
    assert!(browser.cookies.keys().all(|name| name.starts_with("__Host-vestibule-login-")), "{:?}", browser.cookies);
    assert_eq!(browser.return_with(&site.acme_idp.answer(&sent)).await.location(), "/");
    assert_eq!(browser.cookies.keys().collect::<Vec<_>>(), ["__Host-vestibule"]);
}
