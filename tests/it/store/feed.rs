//! Any backend: the change feed.

use tokio::task::JoinSet;
use vestibule::store::{FEED_CAPACITY, Feed, FeedEvent, StoreError, Table, Tx};

use super::{NOTES, World};

const OTHERS: Table<String, String> = Table::new("other");

async fn change(feed: &mut Feed) -> (u64, Vec<String>) {
    match feed.next().await {
        FeedEvent::Change(change) => (change.sequence, change.keys(&NOTES).collect()),
        other => panic!("not a change: {other:?}"),
    }
}

pub async fn a_feed_tells_commits_in_order(world: World) {
    let mut feed = world.store.feed();
    let mut running = JoinSet::new();
    for task in 0..8 {
        let store = world.store.clone();
        running.spawn(async move {
            for number in 0..20 {
                let name = format!("{task} {number}");
                let body = async |tx: Tx| tx.put(&NOTES, &name, &name);
                store.transaction::<_, StoreError, _, _>("note", body).await.expect("it commits");
            }
        });
    }
    running.join_all().await;
    let mut last = 0;
    let mut seen = Vec::new();
    for _ in 0..160 {
        let (sequence, keys) = change(&mut feed).await;
        assert!(sequence > last, "{sequence} after {last}");
        last = sequence;
        seen.extend(keys);
    }
    for task in 0..8 {
        let own: Vec<String> = seen.iter().filter(|name| name.starts_with(&format!("{task} "))).cloned().collect();
        assert_eq!(own, (0..20).map(|number| format!("{task} {number}")).collect::<Vec<_>>());
    }
}

pub async fn a_feed_is_told_before_the_commit_returns(world: World) {
    let mut feed = world.store.feed();
    let body = async |tx: Tx| {
        tx.put(&NOTES, &"a".to_owned(), &"x".to_owned())?;
        tx.put(&OTHERS, &"b".to_owned(), &"x".to_owned())
    };
    world.store.transaction::<_, StoreError, _, _>("test", body).await.expect("it commits");
    let FeedEvent::Change(change) = feed.next().await else { panic!("a change is there at once") };
    assert!(change.touches(&NOTES) && change.touches(&OTHERS));
    assert_eq!(change.keys(&NOTES).collect::<Vec<_>>(), ["a"]);
    assert_eq!(change.rows.len(), 2);
}

pub async fn a_feed_that_falls_behind_hears_that_it_lost(world: World) {
    let mut feed = world.store.feed();
    let mut running = JoinSet::new();
    for task in 0..64 {
        let store = world.store.clone();
        running.spawn(async move {
            for _ in 0..=FEED_CAPACITY / 64 {
                let body = async |tx: Tx| tx.put(&NOTES, &format!("{task}"), &"x".to_owned());
                store.transaction::<_, StoreError, _, _>("note", body).await.expect("it commits");
            }
        });
    }
    running.join_all().await;
    assert!(matches!(feed.next().await, FeedEvent::Lost));
    assert!(matches!(feed.next().await, FeedEvent::Change(_)), "it goes on from what is left");
}

pub async fn a_quiet_feed_says_that_it_lives(world: World) {
    let mut feed = world.store.feed();
    let failed: Result<(), StoreError> =
        world.store.transaction("test", async |_: Tx| Err(StoreError::Contention("refused"))).await;
    assert!(failed.is_err());
    assert!(matches!(feed.next().await, FeedEvent::Quiet), "what was rolled back is no change");
}

pub async fn a_closed_store_closes_its_feeds(world: World) {
    let mut feed = world.store.feed();
    drop(world);
    assert!(matches!(feed.next().await, FeedEvent::Closed));
}
