//! Who gets through, and what the app is then told.

use std::time::Duration;

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use vestibule::kernel::Role;
use vestibule::proxy::IdentityFact;
use vestibule::session::{Method, NewSession, keys};
use vestibule::store::{StoreError, Tx};

use super::raw;
use super::world::World;

#[tokio::test]
async fn a_navigation_is_sent_to_sign_in_and_a_script_is_told() {
    let world = World::new().await;
    let page = raw::get(world.gate, "/deals?id=1", &[("Accept", "text/html")]).await;
    assert_eq!((page.status, page.header("location")), (302, Some("/.vestibule/sign-in?return_to=/deals%3Fid%3D1")));
    let script = raw::get(world.gate, "/deals", &[("Accept", "application/json")]).await;
    assert_eq!(script.status, 401);
    let told: serde_json::Value = serde_json::from_str(&script.body).unwrap();
    assert_eq!(told["error"], "sign_in_required");
    assert_eq!(told["sign_in"], "http://localhost/.vestibule/sign-in");
    let alias = "GET / HTTP/1.1\r\nHost: 127.0.0.1:1\r\nAccept: text/html\r\nConnection: close\r\n\r\n";
    let alias = raw::send(world.gate, alias).await;
    assert_eq!(alias.header("location"), Some("http://localhost/.vestibule/sign-in?return_to=/"));
    assert!(world.app.received().is_empty());
}

#[tokio::test]
async fn the_app_is_told_who_it_is_and_nothing_else() {
    let world = World::with(|settings| {
        settings.identity_headers = vec![("Remote-User".to_owned(), IdentityFact::Email)];
    })
    .await;
    let cookie = format!("theme=dark; {}; lang=en", world.sign_in().await);
    let answer = raw::get(world.gate, "/deals", &[("Cookie", &cookie)]).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "app /deals"));
    let received = world.app.take_one();
    assert_eq!(received.header("x-vestibule-user"), Some(world.ada.id.to_string().as_str()));
    assert_eq!(received.header("x-vestibule-email"), Some("ada@acme.example"));
    assert_eq!(received.header("x-vestibule-name"), Some("Zo%C3%AB"));
    assert_eq!(received.header("x-vestibule-org"), Some("acme"));
    assert_eq!(received.header("x-vestibule-role"), Some("admin"));
    assert_eq!(received.header("x-vestibule-teams"), Some("[]"));
    assert_eq!(received.header("remote-user"), Some("ada@acme.example"));
    assert_eq!(received.header("cookie"), Some("theme=dark; lang=en"));
    assert_eq!(received.header("x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(received.header("x-forwarded-host"), Some("localhost"));
    assert_eq!(received.header("x-forwarded-proto"), Some("http"));
    let claims = verified_claims(&world, received.header("x-vestibule-assertion").unwrap());
    assert_eq!(claims["iss"], "http://localhost");
    assert_eq!(claims["aud"], "app");
    assert_eq!(claims["sub"], world.ada.id.to_string());
    assert_eq!((&claims["name"], &claims["org"], &claims["amr"][0]), (&"Zoë".into(), &"acme".into(), &"fed".into()));
    let lifetime = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
    assert!((1..=300).contains(&lifetime), "{lifetime} s");
}

/// The claims of an assertion, if its signature is by a key of the key set.
pub fn verified_claims(world: &World, token: &str) -> serde_json::Value {
    let set: serde_json::Value = serde_json::from_str(&world.sessions.jwks()).unwrap();
    let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    let header: serde_json::Value = serde_json::from_slice(&decode(header)).unwrap();
    let key = set["keys"].as_array().unwrap().iter().find(|key| key["kid"] == header["kid"]).expect("a known key");
    let key = UnparsedPublicKey::new(&ED25519, decode(key["x"].as_str().unwrap()));
    key.verify(signed.as_bytes(), &decode(signature)).expect("a good signature");
    serde_json::from_slice(&decode(claims)).unwrap()
}

#[tokio::test]
async fn routes_hold_by_organization_and_role() {
    let world = World::new().await;
    let cookie = world.sign_in().await;
    let check = async |path: &str, cookie: &str, expected: u16| {
        assert_eq!(raw::get(world.gate, path, &[("Cookie", cookie)]).await.status, expected, "{path}");
    };
    check("/public/a", "", 200).await;
    check("/acme/a", "", 401).await;
    check("/acme/a", &cookie, 200).await;
    check("/admin/a", &cookie, 403).await;
    check("/admin", &cookie, 403).await;
    // Many apps mind neither letter case nor last slashes and dots.
    for path in ["/Admin/a", "/ADMIN", "/admin./a", "/admin%20/a"] {
        check(path, &cookie, 400).await;
    }
    check("/Deals/", &cookie, 200).await;
    let nowhere = NewSession::new(world.ada.id, Method::Password, world.store.now());
    let nowhere = world.sign_in_as(&nowhere).await;
    check("/deals", &nowhere, 403).await;
    check("/public/a", &nowhere, 200).await;
}

#[tokio::test]
async fn a_page_that_is_not_for_them_says_who_they_are_and_where_to_go() {
    let world = World::new().await;
    let headers = [("Cookie", &*world.sign_in().await), ("Accept", "text/html")];
    let page = raw::get(world.gate, "/admin/a", &headers).await;
    assert_eq!(page.status, 403);
    for wanted in ["This page is not for you", "ada@acme.example", "/.vestibule/account", "/.vestibule/sign-out"] {
        assert!(page.body.contains(wanted), "{wanted}: {}", page.body);
    }
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("style-src 'sha256-") && !policy.contains("unsafe"), "{policy}");
    let stranger = raw::get(world.gate, "/%ff", &headers).await;
    assert!(stranger.body.contains("bytes that are not UTF-8") && !stranger.body.contains("ada@"), "{}", stranger.body);
}

#[tokio::test]
async fn a_changed_role_holds_within_a_second() {
    let world = World::new().await;
    let cookie = world.sign_in().await;
    assert_eq!(raw::get(world.gate, "/admin/a", &[("Cookie", &cookie)]).await.status, 403);
    let promote =
        async |tx: Tx| vestibule::directory::member::set_role(&tx, &world.acme, &world.ada, Role::Owner).await;
    world.store.transaction("promote", promote).await.unwrap();
    tokio::time::timeout(Duration::from_secs(1), async {
        while raw::get(world.gate, "/admin/a", &[("Cookie", &cookie)]).await.status != 200 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .expect("the new role holds within a second");
}

#[tokio::test]
async fn a_used_session_slides_and_an_unused_one_ends() {
    let world = World::new().await;
    let hour = Duration::from_secs(3600);
    let cookie = world.sign_in().await;
    let get = async |cookie: &str| raw::get(world.gate, "/deals", &[("Cookie", cookie)]).await;
    assert_eq!(get(&cookie).await.header("set-cookie"), None, "fresh enough");
    world.clock.advance(7 * hour);
    let public = raw::get(world.gate, "/public/a", &[("Cookie", &cookie)]).await;
    assert_eq!((public.status, public.header("set-cookie")), (200, None), "what may be cached holds no session");
    let later = get(&cookie).await;
    assert_eq!((later.status, later.header("cache-control")), (200, Some("private, no-store")));
    let renewed = later.header("set-cookie").expect("sealed anew").split(';').next().unwrap().to_owned();
    assert_ne!(renewed, cookie);
    world.clock.advance(2 * hour);
    assert_eq!(get(&cookie).await.status, 401, "the old cookie was not used for nine hours");
    assert_eq!(get(&renewed).await.status, 200);
    world.clock.advance(15 * hour);
    assert_eq!(get(&renewed).await.status, 401, "a day is the end");
}

#[tokio::test]
async fn rotating_the_keys_keeps_sessions() {
    let world = World::new().await;
    let cookie = world.sign_in().await;
    let before = world.sessions.jwks();
    let rotate = async |tx: Tx| keys::rotate(&tx, &vestibule::kernel::SystemRng).await;
    world.store.transaction::<_, StoreError, _, _>("rotate", rotate).await.unwrap();
    tokio::time::timeout(Duration::from_secs(1), async {
        while world.sessions.jwks() == before {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("the new keys arrive");
    let answer = raw::get(world.gate, "/deals", &[("Cookie", &cookie)]).await;
    assert_eq!(answer.status, 200);
    assert!(answer.header("set-cookie").is_some(), "sealed anew under the new key");
    verified_claims(&world, world.app.take_one().header("x-vestibule-assertion").unwrap());
    let set: serde_json::Value = serde_json::from_str(&world.sessions.jwks()).unwrap();
    assert_eq!(set["keys"].as_array().unwrap().len(), 2, "the previous key is still published");
}
