//! The same decision for another proxy: believed only if it is listed.

use vestibule::proxy::GateSettings;

use super::raw::{self, Answer};
use super::world::World;

fn trusting(settings: &mut GateSettings) {
    settings.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
}

async fn ask(world: &World, uri: &str, cookie: &str) -> Answer {
    let headers = [
        ("X-Forwarded-Method", "GET"),
        ("X-Forwarded-Proto", "http"),
        ("X-Forwarded-Host", "localhost"),
        ("X-Forwarded-Uri", uri),
        ("Cookie", cookie),
    ];
    raw::get(world.gate, "/.vestibule/auth", &headers).await
}

#[tokio::test]
async fn a_listed_proxy_gets_the_decision_and_the_identity() {
    let world = World::with(trusting).await;
    let cookie = world.sign_in().await;
    let known = ask(&world, "/deals?x=1", &cookie).await;
    assert_eq!((known.status, known.header("x-vestibule-email")), (200, Some("ada@acme.example")));
    assert!(known.header("x-vestibule-assertion").is_some());
    assert_eq!(ask(&world, "/deals", "").await.status, 401);
    assert_eq!(ask(&world, "/admin/", &cookie).await.status, 403);
    let public = ask(&world, "/public/a", "").await;
    assert_eq!((public.status, public.header("x-vestibule-user")), (200, None));
    for path in
        ["/public/../deals", "/public/..%2fdeals", "//deals/../public/a", "/x/%2e%2e/public/a", "/public/%00", "deals"]
    {
        assert_eq!(ask(&world, path, "").await.status, 403, "{path}");
    }
    for path in ["/Admin/x", "/ADMIN", "/admin./x", "/ADMIN/../x"] {
        assert_eq!(ask(&world, path, &cookie).await.status, 403, "{path}");
    }
    assert!(world.app.received().is_empty());
}

#[tokio::test]
async fn without_the_original_address_there_is_no_decision() {
    let world = World::with(trusting).await;
    let cookie = world.sign_in().await;
    let only = |name| [(name, "/public/a"), ("Cookie", cookie.as_str())];
    for headers in [only("X-Original-URI"), only("X-Forwarded-Uri")] {
        assert_eq!(raw::get(world.gate, "/.vestibule/auth", &headers).await.status, 400);
    }
    for twice in [("X-Forwarded-Uri", "/deals"), ("X-Forwarded-Host", "localhost")] {
        let headers = [("X-Forwarded-Host", "localhost"), ("X-Forwarded-Uri", "/public/a"), twice];
        assert_eq!(raw::get(world.gate, "/.vestibule/auth", &headers).await.status, 400, "{twice:?}");
    }
    let other = [("X-Forwarded-Host", "evil.example"), ("X-Forwarded-Uri", "/public/a")];
    assert_eq!(raw::get(world.gate, "/.vestibule/auth", &other).await.status, 403);
}

#[tokio::test]
async fn nobody_else_gets_any() {
    let world = World::new().await;
    let cookie = world.sign_in().await;
    let answer = ask(&world, "/public/a", &cookie).await;
    assert_eq!((answer.status, answer.header("x-vestibule-user")), (400, None));
}

#[tokio::test]
async fn a_listed_proxy_in_front_is_believed_about_the_client() {
    let world = World::with(trusting).await;
    let headers = [
        ("X-Forwarded-For", "203.0.113.7, 198.51.100.9"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "app.example"),
    ];
    assert_eq!(raw::get(world.gate, "/public/a", &headers).await.status, 200);
    let received = world.app.take_one();
    assert_eq!(received.header("x-forwarded-for"), Some("203.0.113.7, 198.51.100.9, 127.0.0.1"));
    assert_eq!(received.header("x-forwarded-proto"), Some("https"));
    assert_eq!(received.header("x-forwarded-host"), Some("app.example"));
    let seen = raw::get(world.gate, "/.vestibule/sign-in", &headers).await;
    assert_eq!(seen.body, "198.51.100.9");
}
