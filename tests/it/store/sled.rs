//! The embedded store: its directory, its lock, damage and the way back.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::task::JoinSet;
use vestibule::store::{
    Backend, Batch, CommitError, ExportSchedule, FeedEvent, RowKey, SledBackend, StoreError, Tx, VALUE_LIMIT, Write,
    export_if_due, export_to_file, exports_directory, newest_export, restore,
};

use super::{NOTES, START, World};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn directory() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

async fn opened(path: &Path) -> World {
    World::on(SledBackend::open(path).expect("the store opens")).await
}

fn refused(path: &Path) -> StoreError {
    SledBackend::open_with_patience(path, Duration::ZERO).err().expect("the store must not open")
}

async fn sequence(world: &World) -> u64 {
    world.backend.snapshot().await.expect("a snapshot").sequence()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

#[tokio::test]
async fn everything_is_there_after_opening_again_and_numbers_go_on() {
    let place = directory();
    let path = place.path().join("deep").join("data");
    let mut last = 0;
    for round in 0..4 {
        let world = opened(&path).await;
        assert!(sequence(&world).await >= last);
        for earlier in 0..round {
            assert_eq!(world.read(&earlier.to_string()).await, Some("x".repeat(1000)));
        }
        world.note(&round.to_string(), &"x".repeat(1000)).await;
        assert!(sequence(&world).await > last);
        last = sequence(&world).await;
    }
    assert_eq!((mode(&path), mode(&path.join("sled")), mode(&path.join("mark"))), (0o700, 0o700, 0o600));
}

#[tokio::test]
async fn a_store_that_is_open_is_not_opened_again() {
    let place = directory();
    let world = opened(place.path()).await;
    let error = refused(place.path());
    assert!(matches!(error, StoreError::Locked(_)), "{error}");
    drop(world);
    opened(place.path()).await;
}

#[tokio::test]
async fn opening_waits_until_the_lock_is_free() {
    let place = directory();
    let world = opened(place.path()).await;
    let path = place.path().to_owned();
    let (started, waiting) = std::sync::mpsc::channel();
    let second = std::thread::spawn(move || {
        started.send(refused(&path)).expect("the test listens");
        SledBackend::open_with_patience(&path, Duration::from_secs(60)).map(|_| ())
    });
    waiting.recv().expect("the second has met the lock");
    drop(world);
    second.join().expect("no panic").expect("the store opens");
}

#[tokio::test]
async fn the_largest_values_never_leave_the_synced_file() {
    let place = directory();
    let world = opened(place.path()).await;
    let value = "x".repeat(VALUE_LIMIT - 2);
    let mut running = JoinSet::new();
    for task in 0..16 {
        let (store, value) = (world.store.clone(), value.clone());
        running.spawn(async move {
            for number in 0..40 {
                let name = format!("{:02} {task:02}", number % 20);
                let body = async |tx: Tx| tx.put(&NOTES, &name, &value);
                store.transaction::<_, StoreError, _, _>("note", body).await.expect("it commits");
            }
        });
    }
    running.join_all().await;
    let apart = fs::read_dir(place.path().join("sled").join("blobs")).expect("it is there").count();
    assert_eq!(apart, 0, "sled keeps no page in a file of its own, which it would not sync");
}

#[tokio::test]
async fn a_commit_whose_caller_went_away_stands() {
    let place = directory();
    let world = opened(place.path()).await;
    let mut feed = world.store.feed();
    let note = world.note("a", "x");
    let gone = tokio::time::timeout(Duration::ZERO, note).await;
    assert!(gone.is_err() || world.read("a").await.is_some());
    drop(world);
    let world = opened(place.path()).await;
    let kept = world.read("a").await.is_some();
    let told = matches!(feed.next().await, FeedEvent::Change(_));
    assert_eq!(kept, told, "what the feed told is kept, and what is kept was told");
}

#[tokio::test]
async fn after_a_failed_flush_nothing_is_acknowledged_any_more() {
    let place = directory();
    let mark = place.path().join("mark");
    let backend = SledBackend::open(place.path()).expect("the store opens");
    fs::create_dir(&mark).expect("it stands where the flush must write");
    let mut feed = backend.feed();
    let write = || Batch {
        writes: vec![Write::Delete { row: RowKey { table: NOTES.name, key: Vec::new() } }],
        ..Batch::default()
    };
    for _ in 0..2 {
        let result = backend.commit(write()).await;
        assert!(matches!(result, Err(CommitError::Store(StoreError::Backend(_)))), "{result:?}");
        fs::remove_dir(&mark).ok();
    }
    drop(backend);
    assert!(matches!(feed.next().await, FeedEvent::Closed), "no feed was told");
    opened(place.path()).await.note("a", "works again").await;
}

async fn damaged(damage: impl Fn(&Path)) {
    let place = directory();
    let path = place.path();
    let world = opened(path).await;
    for number in 0..50 {
        world.note(&number.to_string(), "precious").await;
    }
    let schedule = ExportSchedule { directory: exports_directory(path), every: DAY, keep: 3 };
    let file = export_if_due(&*world.backend, &schedule, START).await.expect("it exports").expect("it is due");
    world.note("not in the export", "x").await;
    let (last, before) = (sequence(&world).await, world.notes().await);
    drop(world);

    damage(&path.join("sled"));
    let error = refused(path);
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains(&format!("vestibule restore {}", file.display())), "{text}");

    let summary = restore(path, &file, START).await.expect("it restores");
    assert_eq!(summary.tables["note"], 50);
    let world = opened(path).await;
    assert_eq!(world.notes().await.len(), before.len() - 1);
    assert_eq!(world.read("7").await, Some("precious".to_owned()));
    assert!(sequence(&world).await > last, "versions never go back");
    world.note("life", "goes on").await;
    let aside = fs::read_dir(path).expect("it lists").filter_map(Result::ok);
    let aside = aside.filter(|entry| entry.file_name().to_string_lossy().starts_with("sled.aside-")).count();
    assert_eq!(aside, usize::from(path.join("sled.aside-2027-01-15T080000Z").exists()));
}

#[tokio::test]
async fn a_lost_database_is_noticed_and_restored() {
    damaged(|database| fs::remove_dir_all(database).expect("it is removed")).await;
}

#[tokio::test]
async fn an_emptied_database_is_noticed_and_restored() {
    damaged(|database| fs::write(database.join("db"), []).expect("it is emptied")).await;
}

#[tokio::test]
async fn a_cut_database_is_noticed_and_restored() {
    damaged(|database| {
        let file = fs::File::options().write(true).open(database.join("db")).expect("it opens");
        let text = fs::read(database.join("db")).expect("it reads");
        let used = text.iter().rposition(|byte| *byte != 0).expect("it holds something");
        file.set_len(u64::try_from(used).expect("it fits") - 100).expect("it is cut");
    })
    .await;
}

#[tokio::test]
async fn a_database_with_a_spoilt_record_is_noticed_and_restored() {
    for wanted in ["\"precious\"", "schema", "ceiling"] {
        damaged(|database| {
            let mut bytes = fs::read(database.join("db")).expect("it reads");
            let places = bytes.windows(wanted.len()).position(|window| window == wanted.as_bytes());
            bytes[places.expect("it is in the log")] ^= 1;
            fs::write(database.join("db"), bytes).expect("it is written");
        })
        .await;
    }
}

#[tokio::test]
async fn a_spoilt_mark_is_noticed_and_repaired() {
    damaged(|database| fs::write(database.with_file_name("mark"), "x").expect("it is written")).await;
}

#[tokio::test]
async fn an_overwritten_database_is_noticed_and_restored() {
    for byte in [0, 0x5a, 0xff] {
        damaged(|database| {
            let length = fs::metadata(database.join("db")).expect("it is there").len();
            fs::write(database.join("db"), vec![byte; usize::try_from(length).expect("it fits")]).expect("written");
        })
        .await;
    }
}

#[tokio::test]
async fn a_restore_from_a_bad_file_or_under_a_running_server_touches_nothing() {
    let place = directory();
    let world = opened(place.path()).await;
    world.note("a", "x").await;
    let file = place.path().join("export");
    export_to_file(&*world.backend, START, &file).await.expect("it exports");
    assert_eq!(mode(&file), 0o600);
    let text = fs::read_to_string(&file).expect("it is text");
    fs::write(place.path().join("cut"), &text[..text.len() - 20]).expect("it is written");
    drop(world);

    let error = restore(place.path(), &place.path().join("cut"), START).await.expect_err("it is cut");
    assert!(matches!(error, StoreError::Export { .. }), "{error}");
    let error = restore(place.path(), &place.path().join("absent"), START).await.expect_err("it is absent");
    assert!(error.to_string().contains("absent"), "{error}");
    let world = opened(place.path()).await;
    let error = restore(place.path(), &file, START).await.expect_err("the store is open");
    assert!(matches!(error, StoreError::Locked(_)), "{error}");
    assert_eq!(world.read("a").await, Some("x".to_owned()));
    assert!(!place.path().join("restoring").exists());
}

#[tokio::test]
async fn exports_are_made_when_due_and_the_newest_are_kept() {
    let place = directory();
    let exports = exports_directory(place.path());
    let backend: Arc<dyn Backend> = SledBackend::temporary().expect("a store");
    let schedule = ExportSchedule { directory: exports.clone(), every: DAY, keep: 3 };
    let due = async |after: Duration| {
        export_if_due(&*backend, &schedule, START.plus(after)).await.expect("it exports").is_some()
    };
    assert!(due(Duration::ZERO).await);
    assert!(!due(Duration::from_secs(24 * 60 * 60 - 1)).await);
    for day in 1..6 {
        assert!(due(DAY * day).await);
    }
    let mut names: Vec<_> =
        fs::read_dir(&exports).expect("it lists").map(|entry| entry.expect("an entry").path()).collect();
    names.sort();
    assert_eq!(names.len(), 3);
    assert_eq!(newest_export(&exports), names.pop());
    assert!(names[0].ends_with("vestibule-2027-01-18T080000Z.jsonl"), "{names:?}");
}
