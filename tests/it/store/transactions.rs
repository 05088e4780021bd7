//! Any backend: transactions are whole, isolated, and run again when they lose.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::task::JoinSet;
use vestibule::store::{Batch, CommitError, Key, RowKey, Store, StoreError, Table, Tx, VALUE_LIMIT, Write};

use super::{NOTES, World};

const NUMBERS: Table<String, u64> = Table::new("number");
const PAIRS: Table<(String, u64), u64> = Table::new("pair");

fn key(text: &str) -> String {
    text.to_owned()
}

fn row(text: &str) -> RowKey {
    let mut bytes = Vec::new();
    key(text).encode(&mut bytes);
    RowKey { table: NOTES.name, key: bytes }
}

fn put(text: &str) -> Write {
    Write::Put { row: row(text), value: b"\"x\"".to_vec(), expires: None }
}

pub async fn a_transaction_reads_its_own_writes(world: World) {
    world.note("a", "old").await;
    let seen = world.store.transaction("test", async |tx: Tx| {
        tx.put(&NOTES, &key("a"), &key("new"))?;
        let written = tx.get(&NOTES, &key("a")).await?;
        tx.delete(&NOTES, &key("a"));
        let deleted = tx.get(&NOTES, &key("a")).await?;
        tx.put(&NOTES, &key("b"), &key("kept"))?;
        Ok::<_, StoreError>((written, deleted))
    });
    assert_eq!(seen.await.expect("it commits"), (Some(key("new")), None));
    assert_eq!(world.notes().await, [(key("b"), key("kept"))]);
}

pub async fn an_error_rolls_everything_back(world: World) {
    world.note("a", "old").await;
    let result: Result<(), StoreError> = world
        .store
        .transaction("test", async |tx: Tx| {
            tx.put(&NOTES, &key("a"), &key("new"))?;
            tx.put(&NOTES, &key("b"), &key("new"))?;
            Err(StoreError::Contention("refused by the body"))
        })
        .await;
    assert!(matches!(result, Err(StoreError::Contention("refused by the body"))), "{result:?}");
    assert_eq!(world.notes().await, [(key("a"), key("old"))]);
}

pub async fn a_lost_race_is_run_again(world: World) {
    let (tasks, rounds) = (16, 25);
    let mut running = JoinSet::new();
    for _ in 0..tasks {
        let store = world.store.clone();
        running.spawn(async move {
            for _ in 0..rounds {
                increment(&store).await;
            }
        });
    }
    running.join_all().await;
    let total = world.store.reader().get(&NUMBERS, &key("n")).await.expect("it reads");
    assert_eq!(total, Some(tasks * rounds), "no increment is lost");
}

async fn increment(store: &Store) {
    loop {
        let result = store.transaction("increment", async |tx: Tx| {
            let number = tx.get(&NUMBERS, &key("n")).await?.unwrap_or(0);
            tokio::task::yield_now().await;
            tx.put(&NUMBERS, &key("n"), &(number + 1))
        });
        match result.await {
            Ok(()) => return,
            Err(StoreError::Contention(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

pub async fn what_was_read_together_was_true_together(world: World) {
    world.note("a", "1").await;
    world.note("b", "1").await;
    let runs = AtomicUsize::new(0);
    let pair = world.store.transaction("test", async |tx: Tx| {
        let a = tx.get(&NOTES, &key("a")).await?;
        if runs.fetch_add(1, Ordering::SeqCst) == 0 {
            world.note("a", "2").await;
            world.note("b", "2").await;
        }
        let b = tx.get(&NOTES, &key("b")).await?;
        Ok::<_, StoreError>((a, b))
    });
    assert_eq!(pair.await.expect("it commits"), (Some(key("2")), Some(key("2"))));
    assert_eq!(runs.load(Ordering::SeqCst), 2);
}

pub async fn a_row_that_appears_is_a_conflict_too(world: World) {
    let runs = AtomicUsize::new(0);
    let created = world.store.transaction("test", async |tx: Tx| {
        if tx.get(&NOTES, &key("a")).await?.is_some() {
            return Ok(false);
        }
        if runs.fetch_add(1, Ordering::SeqCst) == 0 {
            world.note("a", "another's").await;
        }
        tx.put(&NOTES, &key("a"), &key("mine"))?;
        Ok::<_, StoreError>(true)
    });
    assert!(!created.await.expect("it commits"), "uniqueness holds");
    assert_eq!(world.read("a").await, Some(key("another's")));
}

pub async fn a_transaction_that_always_loses_gives_up(world: World) {
    let runs = AtomicUsize::new(0);
    let result = world.store.transaction("unlucky", async |tx: Tx| {
        tx.get(&NOTES, &key("a")).await?;
        world.note("a", &runs.fetch_add(1, Ordering::SeqCst).to_string()).await;
        tx.put(&NOTES, &key("a"), &key("mine"))
    });
    let result: Result<(), StoreError> = result.await;
    assert!(matches!(result, Err(StoreError::Contention("unlucky"))), "{result:?}");
    assert_eq!(runs.load(Ordering::SeqCst), vestibule::store::MAX_ATTEMPTS);
}

pub async fn a_scan_merges_pending_writes_and_pages(world: World) {
    for name in ["b", "d", "f", "h"] {
        world.note(name, "stored").await;
    }
    let pages = world.store.transaction("test", async |tx: Tx| {
        for name in ["a", "c", "i"] {
            tx.put(&NOTES, &key(name), &key("pending"))?;
        }
        tx.put(&NOTES, &key("d"), &key("changed"))?;
        tx.delete(&NOTES, &key("b"));
        tx.delete(&NOTES, &key("h"));
        let mut pages = Vec::new();
        let mut after = None;
        loop {
            let page = tx.scan(&NOTES, &(), after.as_ref(), 2).await?;
            let Some((last, _)) = page.last() else { return Ok::<_, StoreError>(pages) };
            after = Some(last.clone());
            pages.push(page.iter().map(|(name, text)| format!("{name} {text}")).collect::<Vec<_>>());
        }
    });
    let expected = [vec!["a pending", "c pending"], vec!["d changed", "f stored"], vec!["i pending"]];
    assert_eq!(pages.await.expect("it commits"), expected);
    assert_eq!(world.notes().await.len(), 5);
}

pub async fn a_prefix_selects_whole_parts_of_a_key(world: World) {
    let body = async |tx: Tx| {
        for (name, number) in [("a", 2), ("a", 1), ("ab", 3), ("b", 4)] {
            tx.put(&PAIRS, &(key(name), number), &number)?;
        }
        Ok::<_, StoreError>(())
    };
    world.store.transaction("test", body).await.expect("it commits");
    let reader = world.store.reader();
    let scan = async |prefix: &str, after: Option<u64>, limit| {
        let after = after.map(|number| (key(prefix), number));
        let found = reader.scan(&PAIRS, &key(prefix), after.as_ref(), limit).await.expect("it scans");
        found.into_iter().map(|(_, number)| number).collect::<Vec<_>>()
    };
    assert_eq!(scan("a", None, 10).await, [1, 2]);
    assert_eq!(scan("a", Some(1), 10).await, [2]);
    assert_eq!(scan("a", None, 1).await, [1]);
    assert_eq!(scan("a", None, 0).await, Vec::<u64>::new());
    assert_eq!(scan("none", None, 10).await, Vec::<u64>::new());
}

pub async fn a_batch_is_all_or_nothing_over_tables(world: World) {
    world.note("a", "there").await;
    let version = world.backend.get(&row("a")).await.expect("it reads").expect("it is there").version;
    let other = RowKey { table: NUMBERS.name, key: b"k".to_vec() };
    let batch = |expected: Option<u64>| Batch {
        expected: vec![(row("a"), expected)],
        writes: vec![put("b"), Write::Put { row: other.clone(), value: b"1".to_vec(), expires: None }],
        ..Batch::default()
    };
    for wrong in [None, Some(version - 1), Some(version + 1)] {
        let result = world.backend.commit(batch(wrong)).await;
        assert!(matches!(result, Err(CommitError::Conflict)), "{result:?}");
        assert_eq!(world.backend.get(&other).await.expect("it reads"), None);
    }
    let sequence = world.backend.commit(batch(Some(version))).await.expect("it commits");
    for written in [&row("b"), &other] {
        let record = world.backend.get(written).await.expect("it reads").expect("it is there");
        assert_eq!(record.version, sequence);
    }
}

pub async fn a_value_over_the_limit_is_refused(world: World) {
    let fits = "x".repeat(VALUE_LIMIT - 2);
    world.note("fits", &fits).await;
    assert_eq!(world.read("fits").await, Some(fits.clone()));
    let body = async |tx: Tx| tx.put(&NOTES, &key("over"), &format!("{fits}x"));
    let result: Result<(), StoreError> = world.store.transaction("test", body).await;
    assert!(
        matches!(result, Err(StoreError::TooLarge { table: "note", size }) if size == VALUE_LIMIT + 1),
        "{result:?}"
    );
}

pub async fn versions_never_repeat(world: World) {
    let mut last = 0;
    for round in 0..20 {
        let write = if round % 3 == 2 { Write::Delete { row: row("a") } } else { put("a") };
        let sequence =
            world.backend.commit(Batch { writes: vec![write], ..Batch::default() }).await.expect("it commits");
        assert!(sequence > last, "{sequence} after {last}");
        last = sequence;
    }
}

pub async fn another_schema_is_refused(world: World) {
    let schema: Table<String, u32> = Table::new("meta");
    let body = async |tx: Tx| tx.put(&schema, &key("schema"), &999);
    world.store.transaction::<_, StoreError, _, _>("test", body).await.expect("it commits");
    let result = Store::open(Arc::clone(&world.backend), Arc::clone(&world.clock) as _).await.err();
    assert!(matches!(result, Some(StoreError::Schema { found: 999, .. })), "{result:?}");
}
