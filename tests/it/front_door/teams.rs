//! Teams at the gate: routes, roles and what the app is told follow within a second, and so do open streams.

use std::time::Duration;

use vestibule::directory::{DirectoryError, Origin, Team, team, team_member};
use vestibule::kernel::{Role, SystemRng};
use vestibule::store::Tx;

use super::raw::{self, Connection};
use super::world::World;

const SECOND: Duration = Duration::from_secs(1);

async fn create(world: &World, name: &str, role: Option<Role>) -> Team {
    let make = async |tx: Tx| {
        let made = team::create(&tx, &SystemRng, &world.acme, name, Origin::Hand, None).await?;
        team::set_role(&tx, &SystemRng, &made, role)
    };
    world.store.transaction::<_, DirectoryError, _, _>("test", make).await.unwrap()
}

async fn join(world: &World, team: &Team) {
    let add = async |tx: Tx| team_member::add(&tx, &SystemRng, &world.acme, team, &world.ada, Origin::Hand).await;
    assert!(world.store.transaction("test", add).await.unwrap());
}

async fn leave(world: &World, team: &Team) {
    let remove = async |tx: Tx| team_member::remove(&tx, &SystemRng, team, world.ada.id).await;
    assert!(world.store.transaction("test", remove).await.unwrap());
}

async fn answers_within_a_second(world: &World, path: &str, cookie: &str, status: u16) {
    tokio::time::timeout(SECOND, async {
        while raw::get(world.gate, path, &[("Cookie", cookie)]).await.status != status {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .unwrap_or_else(|_| panic!("{path} answers {status} within a second"));
}

#[tokio::test]
async fn a_route_is_for_a_team_in_any_letter_case() {
    let world = World::new().await;
    let cookie = world.sign_in().await;
    let ops = create(&world, "OPS STRASSE", None).await;
    answers_within_a_second(&world, "/ops/a", &cookie, 403).await;
    join(&world, &ops).await;
    answers_within_a_second(&world, "/ops/a", &cookie, 200).await;
    let rename = async |tx: Tx| team::rename(&tx, &SystemRng, &world.acme, &ops, "Others").await;
    let others = world.store.transaction("test", rename).await.unwrap();
    answers_within_a_second(&world, "/ops/a", &cookie, 403).await;
    let back = async |tx: Tx| team::rename(&tx, &SystemRng, &world.acme, &others, "ops straße").await;
    let back = world.store.transaction("test", back).await.unwrap();
    answers_within_a_second(&world, "/ops/a", &cookie, 200).await;
    let delete = async |tx: Tx| team::delete(&tx, &SystemRng, &back).await;
    world.store.transaction("test", delete).await.unwrap();
    answers_within_a_second(&world, "/ops/a", &cookie, 403).await;
}

#[tokio::test]
async fn the_app_is_told_of_teams_and_the_stronger_role() {
    let world = World::new().await;
    let cookie = world.sign_in().await;
    for name in ["Zebra", "Ärzte \"A\""] {
        join(&world, &create(&world, name, Some(Role::BillingAdmin)).await).await;
    }
    // Of no concern to Ada.
    create(&world, "Nobody", None).await;
    let mut told = String::new();
    tokio::time::timeout(SECOND, async {
        while !told.contains("Zebra") || !told.contains("rzte") {
            raw::get(world.gate, "/deals", &[("Cookie", &cookie)]).await;
            told = world.app.take_one().header("x-vestibule-teams").unwrap().to_owned();
        }
    })
    .await
    .expect("within a second");
    let decoded = percent_encoding::percent_decode_str(&told).decode_utf8().unwrap();
    let teams: Vec<String> = serde_json::from_str(&decoded).expect("a JSON array");
    assert_eq!(teams, ["Zebra", "Ärzte \"A\""]);
    raw::get(world.gate, "/deals", &[("Cookie", &cookie)]).await;
    let received = world.app.take_one();
    assert_eq!(received.header("x-vestibule-role"), Some("admin"), "her own is the stronger");
    let claims = super::decisions::verified_claims(&world, received.header("x-vestibule-assertion").unwrap());
    assert_eq!(claims["teams"], serde_json::json!(teams));
    assert_eq!(claims.get("truncated"), None);
}

#[tokio::test]
async fn d21_a_list_that_is_too_long_is_left_out_and_the_route_still_decided() {
    let world = World::new().await;
    let cookie = world.sign_in().await;
    for number in 0..30 {
        join(&world, &create(&world, &format!("{number:0150}"), None).await).await;
    }
    join(&world, &create(&world, "Ops Straße", None).await).await;
    answers_within_a_second(&world, "/ops/a", &cookie, 200).await;
    let received = world.app.received().pop().expect("a request");
    assert_eq!(received.header("x-vestibule-teams"), None);
    let claims = super::decisions::verified_claims(&world, received.header("x-vestibule-assertion").unwrap());
    assert_eq!((claims.get("teams"), &claims["truncated"]), (None, &true.into()));
}

#[tokio::test]
async fn a_role_by_team_holds_while_they_are_in_it_and_streams_end_with_it() {
    let world = World::new().await;
    let cookie = world.sign_in().await;
    let ops = create(&world, "Ops Straße", None).await;
    join(&world, &ops).await;
    answers_within_a_second(&world, "/ops/a", &cookie, 200).await;
    let mut events = Connection::open(world.gate).await;
    events.write(format!("GET /ops/events HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n\r\n").as_bytes()).await;
    events.read_until("data: tick").await;
    leave(&world, &ops).await;
    tokio::time::timeout(SECOND, events.read_to_end()).await.expect("the stream ends within a second");
    assert_eq!(raw::get(world.gate, "/deals", &[("Cookie", &cookie)]).await.status, 200, "the session lives");
}

#[tokio::test]
async fn d2_a_team_raises_a_role_and_its_change_is_heard() {
    let world = World::with(|settings| {
        for route in &mut settings.routes {
            if let vestibule::proxy::Access::Only { roles, .. } = &mut route.access
                && !roles.is_empty()
            {
                *roles = vec![Role::Admin];
            }
        }
    })
    .await;
    let member =
        async |tx: Tx| vestibule::directory::member::set_role(&tx, &world.acme, &world.ada, Role::Member).await;
    world.store.transaction("test", member).await.unwrap();
    let cookie = world.sign_in().await;
    assert_eq!(raw::get(world.gate, "/admin/a", &[("Cookie", &cookie)]).await.status, 403);
    let leads = create(&world, "Leads", Some(Role::Admin)).await;
    join(&world, &leads).await;
    answers_within_a_second(&world, "/admin/a", &cookie, 200).await;
    let lower = async |tx: Tx| team::set_role(&tx, &SystemRng, &leads, Some(Role::BillingAdmin));
    world.store.transaction("test", lower).await.unwrap();
    answers_within_a_second(&world, "/admin/a", &cookie, 403).await;
}
