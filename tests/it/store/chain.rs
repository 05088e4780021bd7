//! Any backend: chains grow in the order of commits, by many writers at once, and no damage to them stays unseen.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::BoxFuture;
use tokio::task::JoinSet;
use vestibule::store::{Chain, ChainHash, Head, Link, Store, StoreError, Table, Tx, check_store, export, import};

use super::World;

const DIARY: Chain<String, String> = Chain::new("diary", "diary_heads");
/// The same tables, open to those who should not write into them.
const LINKS: Table<(String, u64), Link> = Table::new("diary");
const HEADS: Table<String, Head> = Table::new("diary_heads");

fn ada() -> String {
    "ada".to_owned()
}

async fn write(store: &Store, key: &str, text: &str) {
    let body = async |tx: Tx| DIARY.append(&tx, &key.to_owned(), &text.to_owned());
    store.transaction::<_, StoreError, _, _>("test", body).await.expect("it is written");
}

async fn texts(store: &Store, key: &str) -> Vec<(u64, String)> {
    DIARY.page(&store.reader(), &key.to_owned(), 0, 1000).await.expect("it reads")
}

async fn problems(store: &Store) -> Vec<String> {
    DIARY.verify(&store.reader(), &ada()).await.expect("it reads").problems
}

async fn filled(world: &World, count: usize) {
    for number in 1..=count {
        write(&world.store, "ada", &format!("day {number}")).await;
    }
}

pub async fn many_writers_make_one_chain_and_none_runs_again(world: World) {
    let runs = Arc::new(AtomicUsize::new(0));
    let mut writers = JoinSet::new();
    for writer in 0..16 {
        let (store, runs) = (world.store.clone(), Arc::clone(&runs));
        writers.spawn(async move {
            for round in 0..20 {
                let body = async |tx: Tx| {
                    runs.fetch_add(1, Ordering::Relaxed);
                    DIARY.append(&tx, &ada(), &format!("{writer}/{round}"))
                };
                store.transaction::<_, StoreError, _, _>("test", body).await.expect("it is written");
            }
        });
    }
    writers.join_all().await;
    assert_eq!(runs.load(Ordering::Relaxed), 320, "no writer lost a race");
    let found = texts(&world.store, "ada").await;
    assert!(found.iter().map(|(number, _)| *number).eq(1..=320), "every number once");
    for writer in 0..16 {
        let mine = found.iter().filter(|(_, text)| text.starts_with(&format!("{writer}/")));
        assert!(mine.map(|(_, text)| text.clone()).eq((0..20).map(|round| format!("{writer}/{round}"))), "in order");
    }
    assert_eq!(problems(&world.store).await, Vec::<String>::new());
}

pub async fn what_is_not_committed_is_not_in_the_chain(world: World) {
    let failing = async |tx: Tx| {
        DIARY.append(&tx, &ada(), &"never".to_owned())?;
        Err::<(), _>(StoreError::Backend("it fails".to_owned()))
    };
    world.store.transaction("test", failing).await.expect_err("it fails");
    let twice = async |tx: Tx| {
        DIARY.append(&tx, &ada(), &"one".to_owned())?;
        DIARY.append(&tx, &ada(), &"two".to_owned())
    };
    world.store.transaction::<_, StoreError, _, _>("test", twice).await.expect("it is written");
    let expected = [(1, "one".to_owned()), (2, "two".to_owned())];
    assert_eq!(texts(&world.store, "ada").await, expected);
    assert_eq!(problems(&world.store).await, Vec::<String>::new());
}

pub async fn each_chain_is_its_own(world: World) {
    filled(&world, 2).await;
    write(&world.store, "bob", "day 1").await;
    let tx = world.store.reader();
    let heads = DIARY.heads(&tx, None, 10).await.expect("it reads");
    assert_eq!(
        heads.iter().map(|(key, head)| (key.as_str(), head.number)).collect::<Vec<_>>(),
        [("ada", 2), ("bob", 1)]
    );
    let (first, other) =
        (DIARY.hash(&tx, &ada(), 1).await.unwrap(), DIARY.hash(&tx, &"bob".to_owned(), 1).await.unwrap());
    assert_ne!(first, other, "a link fits no other chain");
    let hash = heads[0].1.hash;
    assert_eq!(hash.to_string().parse::<ChainHash>(), Ok(hash));
    assert!("xyz".parse::<ChainHash>().is_err());
}

/// Harm done to a chain.
type Damage = fn(Tx, String) -> BoxFuture<'static, ()>;

async fn link(tx: &Tx, key: &str, number: u64) -> Link {
    tx.get(&LINKS, &(key.to_owned(), number)).await.unwrap().unwrap()
}

fn edit(tx: Tx, key: String) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        let changed = Link { value: "another day".into(), ..link(&tx, &key, 3).await };
        tx.put(&LINKS, &(key, 3), &changed).unwrap();
    })
}

fn swap(tx: Tx, key: String) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        let (two, three) = (link(&tx, &key, 2).await, link(&tx, &key, 3).await);
        tx.put(&LINKS, &(key.clone(), 2), &three).unwrap();
        tx.put(&LINKS, &(key, 3), &two).unwrap();
    })
}

fn lengthen(tx: Tx, key: String) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        let last = link(&tx, &key, 5).await;
        tx.put(&LINKS, &(key, 6), &last).unwrap();
    })
}

fn garble(tx: Tx, key: String) -> BoxFuture<'static, ()> {
    const TEXTS: Table<(String, u64), String> = Table::new("diary");
    Box::pin(async move { tx.put(&TEXTS, &(key, 3), &"no link".to_owned()).unwrap() })
}

fn behead(tx: Tx, key: String) -> BoxFuture<'static, ()> {
    Box::pin(async move { tx.delete(&HEADS, &key) })
}

fn remove<const NUMBER: u64>(tx: Tx, key: String) -> BoxFuture<'static, ()> {
    Box::pin(async move { tx.delete(&LINKS, &(key, NUMBER)) })
}

fn nothing(_: Tx, _: String) -> BoxFuture<'static, ()> {
    Box::pin(async {})
}

pub async fn every_damage_is_found(world: World) {
    let (round, seen) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let check = async |damage: Damage, expected: &[&str]| {
        let key = format!("round {}", round.fetch_add(1, Ordering::Relaxed));
        for number in 1..=5 {
            write(&world.store, &key, &format!("day {number}")).await;
        }
        let harm = async |tx: Tx| {
            damage(tx, key.clone()).await;
            Ok::<_, StoreError>(())
        };
        world.store.transaction("test", harm).await.expect("it is done");
        let found = DIARY.verify(&world.store.reader(), &key).await.expect("it reads").problems;
        assert_eq!(found, expected, "{key}");
        let all = check_store(&world.store, &DIARY.checkers()).await.expect("it is looked at").problems;
        let before = seen.swap(all, Ordering::Relaxed);
        assert_eq!(all > before, !expected.is_empty(), "the check of the whole store, {key}: {before}, then {all}");
    };
    let changed = |number: u64| format!("entry {number} was changed: its hash is another");
    let replaced =
        |number: u64| format!("entry {number} does not follow the one before it: one of the two was replaced");
    check(nothing, &[]).await;
    check(edit, &[&changed(3)]).await;
    check(remove::<3>, &["entry 3 is missing"]).await;
    check(remove::<1>, &["entry 1 is missing"]).await;
    check(remove::<5>, &["entry 5 is missing at the end"]).await;
    check(swap, &[&replaced(2), &changed(2), &replaced(3), &changed(3), &replaced(4)]).await;
    check(lengthen, &[&replaced(6), &changed(6), "entry 6 stands behind the chain's end, 5"]).await;
    check(behead, &["the chain's end is not known: its head is missing"]).await;
    check(garble, &["entry 3 can't be read"]).await;
}

pub async fn what_is_appended_meanwhile_is_no_damage(world: World) {
    filled(&world, 3).await;
    let store = world.store.clone();
    let writing = tokio::spawn(async move {
        for number in 0..200 {
            write(&store, "ada", &format!("later {number}")).await;
        }
    });
    while !writing.is_finished() {
        assert_eq!(problems(&world.store).await, Vec::<String>::new());
        tokio::task::yield_now().await;
    }
    writing.await.expect("it wrote");
    assert_eq!(texts(&world.store, "ada").await.len(), 203);
}

pub async fn an_export_keeps_chains_whole(world: World) {
    filled(&world, 3).await;
    let mut file = Vec::new();
    export(&*world.backend, world.store.now(), &mut file).await.expect("it is exported");
    let other = super::fresh_sled().await;
    import(&*other, file.as_slice(), 0).await.expect("it is imported");
    let store = World::on(other).await.store;
    write(&store, "ada", "the day after").await;
    assert_eq!(problems(&store).await, Vec::<String>::new());
    assert_eq!(texts(&store, "ada").await.len(), 4);
}
