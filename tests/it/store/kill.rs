//! The embedded store under `kill -9`: what was acknowledged is there, whole, each of fifty times.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use vestibule::kernel::{Rng, SeededRng, SystemClock};
use vestibule::store::{Backend, Key, RowKey, SledBackend, Store, StoreError, Table, Tx, check_store, checker};

const ROUNDS: u64 = 50;
const WRITERS: u64 = 64;
/// At most so many acknowledgements are awaited before the kill.
const MOST_ACKNOWLEDGED: u64 = 1500;
/// Names the directory for the child: a test that finds it set is the child.
const DIRECTORY: &str = "VESTIBULE_TEST_KILL_DIRECTORY";
const ROUND: &str = "VESTIBULE_TEST_KILL_ROUND";

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Entry {
    tag: String,
    padding: String,
}

/// (round, writer, number) → entry; its tag leads back.
const ENTRIES: Table<(u64, u64, u64), Entry> = Table::new("kill_entry");
const BY_TAG: Table<String, (u64, u64, u64)> = Table::new("kill_by_tag");
/// The last number of each writer: the same row again and again.
const LAST: Table<u64, (u64, u64)> = Table::new("kill_last");

fn tag(key: (u64, u64, u64)) -> String {
    // Scattered, so that entry and index row live in different pages.
    format!("{:016x}", (key.0 * 1_000_003 + key.1 * 7919 + key.2 * 104_729).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

async fn open(path: &Path) -> (Arc<SledBackend>, Store) {
    let backend = SledBackend::open(path).expect("it opens again");
    let store = Store::open(Arc::clone(&backend) as _, Arc::new(SystemClock)).await.expect("it opens again");
    (backend, store)
}

async fn write(store: &Store, key: (u64, u64, u64)) {
    let entry = Entry { tag: tag(key), padding: "x".repeat(usize::try_from(key.2 * 37 % 600).unwrap_or(0)) };
    let body = async |tx: Tx| {
        tx.put(&ENTRIES, &key, &entry)?;
        tx.put(&BY_TAG, &entry.tag, &key)?;
        tx.put(&LAST, &key.1, &(key.0, key.2))?;
        if key.2 % 3 == 2 {
            let old = (key.0, key.1, key.2 - 1);
            tx.delete(&ENTRIES, &old);
            tx.delete(&BY_TAG, &tag(old));
        }
        Ok::<_, StoreError>(())
    };
    store.transaction("kill", body).await.expect("it commits");
}

/// The child: writes for ever, and tells each write once it is acknowledged. Without its variable it is no child.
#[test]
fn writer_to_be_killed() {
    let Some(path) = std::env::var_os(DIRECTORY) else { return };
    let round: u64 = std::env::var(ROUND).expect("a round").parse().expect("a number");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let (backend, store) = open(Path::new(&path)).await;
        let mut running = JoinSet::new();
        for writer in 0..WRITERS {
            let (backend, store) = (Arc::clone(&backend), store.clone());
            running.spawn(async move {
                for number in 0.. {
                    write(&store, (round, writer, number)).await;
                    let mut key = Vec::new();
                    (round, writer, number).encode(&mut key);
                    let record = backend.get(&RowKey { table: ENTRIES.name, key }).await.expect("it reads");
                    let version = record.expect("what is acknowledged is there").version;
                    writeln!(std::io::stdout().lock(), "ack {writer} {number} {version}").expect("the parent listens");
                }
            });
        }
        running.join_all().await;
    });
}

fn start_child(path: &Path, round: u64) -> Child {
    Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "store::kill::writer_to_be_killed", "--nocapture", "--test-threads=1"])
        .env(DIRECTORY, path)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the child starts")
}

/// Runs the child until so many acknowledgements came, kills it, and gives all that it acknowledged:
/// writer → (last number, its version).
fn run_and_kill(path: &Path, round: u64, until: u64) -> BTreeMap<u64, (u64, u64)> {
    let mut child = start_child(path, round);
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut acknowledged = BTreeMap::new();
    let mut count = 0;
    let mut line = String::new();
    while lines.read_line(&mut line).expect("the pipe is read") > 0 {
        // The last line may be cut by the kill.
        let parts: Option<Vec<u64>> = line
            .strip_suffix('\n')
            .and_then(|line| line.split_once("ack "))
            .map(|(_, rest)| rest.split(' ').map(|part| part.parse().expect("a number")).collect());
        if let Some(&[writer, number, version]) = parts.as_deref() {
            acknowledged.insert(writer, (number, version));
            count += 1;
        }
        if count == until {
            child.kill().expect("SIGKILL is sent");
            count += 1;
        }
        line.clear();
    }
    let status = child.wait().expect("the child has ended");
    assert!(count > until && !status.success(), "the child was killed, and did not fail by itself: {status}");
    acknowledged
}

async fn check_round(path: &Path, round: u64, acknowledged: &BTreeMap<u64, (u64, u64)>, last: u64) -> u64 {
    let (backend, store) = open(path).await;
    let reader = store.reader();
    let mut newest = 0;
    for (writer, (number, version)) in acknowledged {
        for number in 0..=*number {
            // Every third deletes the one before it.
            let deleted_by = (number % 3 == 1).then_some(number + 1);
            let found = reader.get(&ENTRIES, &(round, *writer, number)).await.expect("it reads");
            let may_be_gone = deleted_by.is_some();
            assert!(found.is_some() || may_be_gone, "round {round}: {writer} {number} is lost");
        }
        let last = reader.get(&LAST, writer).await.expect("it reads").expect("it is there");
        assert!(last >= (round, *number), "round {round}: writer {writer} fell back to {last:?}");
        newest = newest.max(*version);
    }
    assert!(acknowledged.values().all(|(_, version)| *version > last), "round {round}: a version came twice");
    let sequence = backend.snapshot().await.expect("a snapshot").sequence();
    assert!(sequence >= newest, "round {round}: numbers go on at {sequence}, but {newest} was given");
    sequence
}

async fn check_everything(path: &Path) -> u64 {
    let (_backend, store) = open(path).await;
    let entries = checker(&ENTRIES, async |tx: Tx, key: (u64, u64, u64), entry: Entry| {
        let back = tx.get(&BY_TAG, &entry.tag).await?;
        Ok((back != Some(key)).then(|| format!("{key:?} has the index row {back:?}")))
    });
    let tags = checker(&BY_TAG, async |tx: Tx, text: String, key: (u64, u64, u64)| {
        let there = tx.get(&ENTRIES, &key).await?.is_some_and(|entry| entry.tag == text);
        Ok((!there).then(|| format!("{text} leads to {key:?}, which is not there")))
    });
    let report = check_store(&store, &[entries, tags]).await.expect("it checks");
    assert_eq!(report.findings, [], "records and index rows agree");
    report.tables[ENTRIES.name]
}

#[test]
fn nothing_acknowledged_is_lost_by_fifty_kills() {
    let place = tempfile::tempdir().expect("a directory");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let rng: Box<dyn Rng> = Box::new(SeededRng::new(2));
    let (mut last, mut total) = (0, 0);
    for round in 0..ROUNDS {
        let until = 1 + u64::from_be_bytes(rng.bytes()) % MOST_ACKNOWLEDGED;
        let acknowledged = run_and_kill(place.path(), round, until);
        total += acknowledged.values().map(|(number, _)| number + 1).sum::<u64>();
        last = runtime.block_on(check_round(place.path(), round, &acknowledged, last));
        if round % 10 == 9 {
            runtime.block_on(check_everything(place.path()));
        }
    }
    let kept = runtime.block_on(check_everything(place.path()));
    println!("{ROUNDS} kills, {total} acknowledged writes, none lost; {kept} entries remain");
}
