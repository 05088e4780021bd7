//! Passkeys at the pages, as far as they go without a key: what browsers are asked for, which script may run, what is
//! refused.

use http::StatusCode;
use vestibule::credential::Policy;

use super::Site;
use super::second_factor::{CHALLENGE, SET_UP};

const PAGE: &str = "/.vestibule/second-factor/setup?way=passkey";

#[tokio::test]
async fn a_page_for_passkeys_runs_their_script_and_no_other() {
    let site = Site::with_passwords().await;
    site.change(&site.globex, |globex| globex.set("two_factor", "password")).await;
    let (mut bob, _) = site.bob_comes().await;
    assert!(bob.get(SET_UP).await.body.contains("setup?way=passkey"), "they are offered first");
    let page = bob.get(PAGE).await;
    assert!(page.body.contains("data-passkey=\"create\"") && page.body.contains("&#34;challenge&#34;"), "{page:?}");
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.ends_with("; script-src http://localhost:8080/.vestibule/passkeys.js"), "{policy}");
    assert!(policy.starts_with("default-src 'none'") && !page.body.contains("<script>"), "{policy}");
    let script = bob.get("/.vestibule/passkeys.js").await;
    assert_eq!(script.headers["content-type"], "text/javascript; charset=utf-8");
    assert!(script.body.contains("navigator.credentials.create"));
    let other = bob.get(SET_UP).await;
    assert!(!other.headers["content-security-policy"].to_str().unwrap().contains("script-src"));
    for said in ["", "{}", "nonsense"] {
        bob.get(PAGE).await;
        let wrong = bob.post(SET_UP, &[("way", "passkey"), ("name", "Key"), ("response", said)]).await;
        assert_eq!((wrong.status, bob.has_session()), (StatusCode::FORBIDDEN, false), "{wrong:?}");
        assert!(wrong.body.contains("This passkey was not taken"), "{wrong:?}");
    }
}

#[tokio::test]
async fn an_answer_without_a_passkey_is_wrong() {
    let site = Site::with_passwords().await;
    let (mut bob, _) = site.bob_comes().await;
    site.set_up(&mut bob).await;
    let (mut bob, _) = site.bob_comes().await;
    let wrong = bob.post(CHALLENGE, &[("way", "passkey"), ("response", "{}")]).await;
    assert_eq!((wrong.status, bob.has_session()), (StatusCode::FORBIDDEN, false), "{wrong:?}");
    assert!(wrong.body.contains("Code from your authenticator app"), "what there is is asked for: {wrong:?}");
}

#[tokio::test]
async fn a_site_without_a_name_has_no_passkeys() {
    let site = Site::made("http://127.0.0.1:8080", Policy::default(), None).await;
    let (mut bob, _) = site.bob_comes().await;
    let page = bob.get(PAGE).await;
    assert!(page.body.contains("authenticator app") && !page.body.contains("passkey"), "{page:?}");
    let refused = bob.post(SET_UP, &[("way", "passkey"), ("response", "{}")]).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND, "{refused:?}");
}
