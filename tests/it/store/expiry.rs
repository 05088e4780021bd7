//! Any backend: what is for once, or for a time.

use std::time::Duration;

use tokio::task::JoinSet;
use vestibule::store::{StoreError, Table, Tx, Window, count, release_lease, take_lease};

use super::{NOTES, START, World};

const USED: Table<String, ()> = Table::new("used");
const COUNTS: Table<String, Window> = Table::new("counts");
const MINUTE: Duration = Duration::from_secs(60);
const ALMOST_A_MINUTE: Duration = Duration::from_millis(59_999);

fn key(text: &str) -> String {
    text.to_owned()
}

async fn note_until(world: &World, name: &str, seconds: u64) {
    let expires = world.store.now().plus(Duration::from_secs(seconds));
    let body = async |tx: Tx| tx.put_until(&NOTES, &key(name), &key("brief"), expires);
    world.store.transaction::<_, StoreError, _, _>("test", body).await.expect("it commits");
}

pub async fn of_many_that_use_a_thing_once_one_wins(world: World) {
    for round in 0..5 {
        let mut running = JoinSet::new();
        for _ in 0..64 {
            let store = world.store.clone();
            running.spawn(async move {
                let name = format!("assertion {round}");
                let until = store.now().plus(MINUTE);
                let body = async |tx: Tx| tx.use_once(&USED, &name, until).await;
                store.transaction::<_, StoreError, _, _>("use", body).await.expect("it commits")
            });
        }
        let winners = running.join_all().await.into_iter().filter(|won| *won).count();
        assert_eq!(winners, 1);
    }
}

pub async fn what_expires_is_gone_at_that_very_moment(world: World) {
    note_until(&world, "a", 60).await;
    world.clock.advance(ALMOST_A_MINUTE);
    assert_eq!(world.read("a").await, Some(key("brief")));
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(world.read("a").await, None);
    assert_eq!(world.notes().await, []);
    let again = world.store.transaction("test", async |tx: Tx| {
        let gone = tx.get(&NOTES, &key("a")).await?.is_none();
        tx.put(&NOTES, &key("a"), &key("lasting"))?;
        Ok::<_, StoreError>(gone)
    });
    assert!(again.await.expect("it commits"));
    assert_eq!(world.read("a").await, Some(key("lasting")));
}

pub async fn a_sweep_removes_the_expired_and_nothing_else(world: World) {
    for number in 0..1200 {
        note_until(&world, &format!("brief {number}"), 60).await;
    }
    note_until(&world, "longer", 120).await;
    note_until(&world, "renewed", 60).await;
    note_until(&world, "renewed", 120).await;
    note_until(&world, "made lasting", 60).await;
    world.note("made lasting", "x").await;
    world.note("lasting", "x").await;
    assert_eq!(world.store.sweep().await.expect("it sweeps"), 0);
    world.clock.set(START.plus(MINUTE));
    world.store.sweep().await.expect("it sweeps");
    let rows = world.backend.scan(NOTES.name, &[], None, 10_000).await.expect("it scans");
    assert_eq!(rows.len(), 4, "the expired rows are gone from the backend itself");
    let names: Vec<String> = world.notes().await.into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["lasting", "longer", "made lasting", "renewed"]);
    assert_eq!(world.backend.scan("expiry", &[], None, 10).await.expect("it scans").len(), 2, "their markers too");
    world.clock.set(START.plus(2 * MINUTE));
    assert_eq!(world.store.sweep().await.expect("it sweeps"), 2);
    assert_eq!(world.notes().await.len(), 2);
}

pub async fn a_taken_row_is_gone(world: World) {
    world.note("a", "mine").await;
    let take = async || {
        let body = async |tx: Tx| tx.take(&NOTES, &key("a")).await;
        world.store.transaction::<_, StoreError, _, _>("take", body).await.expect("it commits")
    };
    assert_eq!(take().await, Some(key("mine")));
    assert_eq!(take().await, None);
}

pub async fn a_lease_has_one_holder_at_a_time(world: World) {
    let take = async |holder: &'static str| {
        let body = async |tx: Tx| take_lease(&tx, "sweep", holder, MINUTE).await;
        world.store.transaction::<_, StoreError, _, _>("lease", body).await.expect("it commits")
    };
    let release = async |holder: &'static str| {
        let body = async |tx: Tx| release_lease(&tx, "sweep", holder).await;
        world.store.transaction::<_, StoreError, _, _>("lease", body).await.expect("it commits");
    };
    assert!(take("one").await);
    assert!(!take("two").await);
    release("two").await;
    assert!(!take("two").await, "only the holder can release");
    world.clock.advance(MINUTE / 2);
    assert!(take("one").await, "the holder renews");
    world.clock.advance(MINUTE / 2);
    assert!(!take("two").await, "the renewed lease lasts longer");
    world.clock.advance(MINUTE / 2);
    assert!(take("two").await, "an expired lease is free");
    release("two").await;
    assert!(take("one").await, "a released lease is free");
}

pub async fn a_counter_starts_anew_with_its_window(world: World) {
    let once_more = async |name: &'static str| {
        let body = async |tx: Tx| count(&tx, &COUNTS, &key(name), MINUTE).await;
        world.store.transaction::<_, StoreError, _, _>("count", body).await.expect("it commits")
    };
    assert_eq!((once_more("a").await, once_more("a").await, once_more("b").await), (1, 2, 1));
    world.clock.advance(ALMOST_A_MINUTE);
    assert_eq!(once_more("a").await, 3, "the window does not move with each count");
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(once_more("a").await, 1);
}
