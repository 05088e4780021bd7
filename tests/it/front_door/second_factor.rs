//! Routes that want a second factor of late; and what somebody between the two factors can do here: nothing.

use std::time::Duration;

use vestibule::proxy::{Access, GateSettings, RouteSettings};
use vestibule::session::{Method, NewSession, SecondFactor, SecondMethod};

use super::raw;
use super::world::World;

const QUARTER: Duration = Duration::from_secs(900);

fn with_money(settings: &mut GateSettings) {
    settings.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let (path, max_age) = ("/money/".to_owned(), Some(QUARTER));
    settings.routes.insert(0, RouteSettings { path, access: Access::SignedIn, max_age, upstream: None });
}

/// A cookie of Ada's, who showed a second factor so long ago.
async fn signed_in(world: &World, ago: Option<Duration>) -> String {
    let at = |ago| world.store.now().minus(ago);
    let second_factor = ago.map(|ago| SecondFactor { at: at(ago), method: SecondMethod::App });
    let organization = Some(world.acme.id);
    let new = NewSession::new(world.ada.id, Method::Password, world.store.now());
    world.sign_in_as(&NewSession { organization, second_factor, ..new }).await
}

#[tokio::test]
async fn a_route_may_want_a_second_factor_of_late() {
    let world = World::with(with_money).await;
    let minute = Duration::from_secs(60);
    for (ago, goes_through) in
        [(None, false), (Some(Duration::ZERO), true), (Some(14 * minute), true), (Some(16 * minute), false)]
    {
        let cookie = signed_in(&world, ago).await;
        let plain = raw::get(world.gate, "/deals", &[("Cookie", &cookie)]).await;
        assert_eq!(plain.status, 200, "{ago:?}: elsewhere it does not matter");
        let script = raw::get(world.gate, "/money/x?y=1", &[("Cookie", &cookie), ("Accept", "application/json")]).await;
        let page = raw::get(world.gate, "/money/x?y=1", &[("Cookie", &cookie), ("Accept", "text/html")]).await;
        let asked = [("X-Forwarded-Host", "localhost"), ("X-Forwarded-Uri", "/money/x"), ("Cookie", cookie.as_str())];
        let auth = raw::get(world.gate, "/.vestibule/auth", &asked).await;
        if goes_through {
            assert_eq!([script.status, page.status, auth.status], [200, 200, 200], "{ago:?}");
            continue;
        }
        assert_eq!(
            (page.status, page.header("location")),
            (302, Some("/.vestibule/second-factor?return_to=/money/x%3Fy%3D1"))
        );
        assert_eq!(auth.header("x-vestibule-page"), Some("/.vestibule/second-factor"));
        for answer in [script, auth] {
            let told: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
            assert_eq!((answer.status, &told["error"]), (401, &"second_factor_required".into()), "{ago:?}");
            assert_eq!(told["second_factor"], "http://localhost/.vestibule/second-factor");
        }
        // As an app might read it.
        let dots = raw::get(world.gate, "/MONEY/x", &[("Cookie", &cookie)]).await;
        assert_eq!(dots.status, 400, "{ago:?}: {}", dots.body);
    }
    let nobody = raw::get(world.gate, "/money/x", &[("Accept", "application/json")]).await;
    assert!(nobody.body.contains("sign_in_required"), "{}", nobody.body);
}

#[tokio::test]
async fn the_token_of_a_half_session_opens_nothing_at_the_gate() {
    let world = World::with(with_money).await;
    let half = vestibule::session::HalfSession {
        created: world.store.now(),
        new: NewSession {
            organization: Some(world.acme.id),
            ..NewSession::new(world.ada.id, Method::Password, world.store.now())
        },
        first: vestibule::directory::two_factor::FirstFactor::Password,
        asking: Some(world.acme.id),
        story: vestibule::directory::Story {
            organizations: vec![world.acme.id],
            record: None,
            actor: "ada@acme.example".to_owned(),
            action: "login.accepted".to_owned(),
            object: "session".to_owned(),
            after: "pwd".to_owned(),
        },
        return_to: "/".to_owned(),
    };
    let rng = vestibule::kernel::SystemRng;
    let begin = async |tx: vestibule::store::Tx| vestibule::session::half::begin(&tx, &rng, &half).await;
    let token = world.store.transaction("test", begin).await.unwrap();
    for name in ["vestibule-half", "__Host-vestibule-half", "vestibule", "__Host-vestibule", "vestibule-trusted"] {
        let cookie = format!("{name}={token}");
        for path in ["/", "/deals", "/admin/", "/acme/x", "/ops/", "/money/", "/.vestibule/session"] {
            let answer = raw::get(world.gate, path, &[("Cookie", &cookie), ("Accept", "application/json")]).await;
            assert_eq!(answer.status, 401, "{name} {path}: {}", answer.body);
        }
        let mut socket = raw::Connection::open(world.gate).await;
        let handshake = format!(
            "GET /socket HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        socket.write(handshake.as_bytes()).await;
        assert!(socket.read_until("\r\n\r\n").await.starts_with("HTTP/1.1 401"), "{name}");
        let asked = [("X-Forwarded-Host", "localhost"), ("X-Forwarded-Uri", "/deals"), ("Cookie", cookie.as_str())];
        assert_eq!(raw::get(world.gate, "/.vestibule/auth", &asked).await.status, 401, "{name}");
        let public = raw::get(world.gate, "/public/a", &[("Cookie", &cookie)]).await;
        assert_eq!(public.status, 200);
        let received = world.app.take_one();
        assert_eq!((received.header("x-vestibule-user"), received.header("cookie")), (None, None), "{name}");
    }
    for header in ["Authorization", "X-Vestibule-User", "X-Vestibule-Assertion", "X-Forwarded-User"] {
        let answer = raw::get(world.gate, "/deals", &[(header, &format!("Bearer {token}"))]).await;
        assert_eq!(answer.status, 401, "{header}");
    }
}
