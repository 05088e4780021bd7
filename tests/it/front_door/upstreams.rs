//! Several addresses: taken in turn, the dead ones left out, and a plain word when none answers.

use std::collections::BTreeSet;

use vestibule::proxy::{Access, RouteSettings, UpstreamSettings};

use super::app::App;
use super::raw;
use super::world::{World, free_port};

fn address(app: &App) -> (String, u16) {
    ("127.0.0.1".to_owned(), app.address.port())
}

#[tokio::test]
async fn addresses_are_taken_in_turn_and_dead_ones_left_out() {
    let (one, two) = (App::start("one").await, App::start("two").await);
    let dead = ("127.0.0.1".to_owned(), free_port().port());
    let addresses = vec![address(&one), dead, address(&two)];
    let world = World::with(|settings| settings.upstreams = vec![UpstreamSettings::plain("app", addresses)]).await;
    let mut seen = BTreeSet::new();
    for turn in 0..12 {
        // A POST goes on to the next address too: nothing of it was sent yet.
        let request = "POST /public/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi";
        let answer = raw::send(world.gate, request).await;
        assert_eq!(answer.status, 200, "turn {turn}: {answer:?}");
        seen.insert(answer.header("x-app").unwrap().to_owned());
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), ["one", "two"]);
}

#[tokio::test]
async fn an_app_that_does_not_answer_is_told_with_a_reference() {
    let dead = vec![("127.0.0.1".to_owned(), free_port().port())];
    let world = World::with(|settings| settings.upstreams = vec![UpstreamSettings::plain("app", dead)]).await;
    let page = raw::get(world.gate, "/public/a", &[("Accept", "text/html")]).await;
    assert_eq!(page.status, 502);
    assert!(page.body.contains("The app does not answer") && page.body.contains("Reference <code>"), "{}", page.body);
    let json = raw::get(world.gate, "/public/a", &[]).await;
    let told: serde_json::Value = serde_json::from_str(&json.body).unwrap();
    assert_eq!(told["error"], "app_unreachable");
    assert!(told["reference"].as_str().is_some_and(|reference| reference.len() >= 8));
}

#[tokio::test]
async fn a_route_names_its_upstream_which_has_its_own_audience() {
    let wiki = App::start("wiki").await;
    let upstream = UpstreamSettings::plain("wiki", vec![address(&wiki)]);
    let world = World::with(|settings| {
        settings.upstreams.push(upstream);
        let route = RouteSettings {
            path: "/wiki/".to_owned(),
            access: Access::SignedIn,
            max_age: None,
            upstream: Some("wiki".to_owned()),
        };
        settings.routes.push(route);
    })
    .await;
    let cookie = world.sign_in().await;
    for (path, expected) in [("/wiki/a", "wiki"), ("/deals", "app")] {
        assert_eq!(raw::get(world.gate, path, &[("Cookie", &cookie)]).await.header("x-app"), Some(expected));
    }
    let assertion = |app: &App| app.take_one().header("x-vestibule-assertion").unwrap().to_owned();
    assert_ne!(assertion(&wiki), assertion(&world.app), "each audience has its own");
}
