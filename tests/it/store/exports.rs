//! Any backend: snapshots, exports, imports, and the check of a whole store.

use std::sync::Arc;
use std::time::Duration;

use vestibule::kernel::Timestamp;
use vestibule::store::{Backend, StoreError, Table, Tx, check_store, checker, export, import, verify_export};

use super::{NOTES, START, World};

const BY_TEXT: Table<String, String> = Table::new("note_by_text");

async fn exported(world: &World) -> Vec<u8> {
    let mut bytes = Vec::new();
    export(&*world.backend, START, &mut bytes).await.expect("it exports");
    bytes
}

async fn everything(backend: &dyn Backend) -> Vec<(String, Vec<u8>, Vec<u8>, Option<Timestamp>)> {
    let mut snapshot = backend.snapshot().await.expect("a snapshot");
    let mut all = Vec::new();
    loop {
        let page = snapshot.next(7).await.expect("a page");
        if page.is_empty() {
            return all;
        }
        let rows = page.into_iter();
        all.extend(rows.map(|(table, row)| (table, row.key, row.record.value, row.record.expires)));
    }
}

pub async fn roundtrip(first: Arc<dyn Backend>, second: Arc<dyn Backend>) {
    let world = World::on(first).await;
    for number in 0..600 {
        world.note(&format!("{number} «ü»\0\u{1}"), "text with \"quotes\" and ü").await;
    }
    let expires = START.plus(Duration::from_secs(60));
    let body = async |tx: Tx| tx.put_until(&NOTES, &"brief".to_owned(), &"x".to_owned(), expires);
    world.store.transaction::<_, StoreError, _, _>("test", body).await.expect("it commits");
    let bytes = exported(&world).await;

    let summary = verify_export(bytes.as_slice()).expect("it verifies");
    assert_eq!((summary.created, summary.tables["note"]), (START, 601));
    assert_eq!(import(&*second, bytes.as_slice(), 0).await.expect("it imports"), summary);
    assert_eq!(everything(&*second).await, everything(&*world.backend).await);
    let copy = World::on(second).await;
    assert_eq!(copy.notes().await, world.notes().await);
    let rows = copy.backend.scan(NOTES.name, &[], None, 1000).await.expect("it scans");
    assert!(rows.iter().all(|row| row.record.version > summary.sequence + 1_000_000), "versions rise");
    copy.note("a", "later").await;
    let check = check_store(&copy.store, &[]).await.expect("it checks");
    assert_eq!(check.findings, []);
}

pub async fn a_snapshot_shows_one_moment(world: World) {
    for name in ["a", "c", "e", "g", "i"] {
        world.note(name, "before").await;
    }
    let before = everything(&*world.backend).await;
    let mut snapshot = world.backend.snapshot().await.expect("a snapshot");
    let mut seen = Vec::new();
    // Between any two pages, everything changes: rows appear, change, go, and come back.
    for round in 0.. {
        for name in ["a", "b", "e", "i", "z"] {
            world.note(name, &format!("after {round}")).await;
        }
        let body = async |tx: Tx| {
            for name in ["c", "g", "e"] {
                tx.delete(&NOTES, &name.to_owned());
            }
            Ok::<_, StoreError>(())
        };
        world.store.transaction("test", body).await.expect("it commits");
        let page = snapshot.next(1).await.expect("a page");
        if page.is_empty() {
            break;
        }
        seen.extend(page.into_iter().map(|(table, row)| (table, row.key, row.record.value, None)));
    }
    assert_eq!(seen, before);
}

pub async fn a_snapshot_hides_what_comes_later(world: World) {
    let mut snapshot = world.backend.snapshot().await.expect("a snapshot");
    world.note("later", "x").await;
    let sequence = snapshot.sequence();
    while let Some((table, row)) = snapshot.next(1).await.expect("a page").pop() {
        assert_ne!(table, NOTES.name);
        assert!(row.record.version <= sequence);
    }
}

pub async fn a_cut_or_changed_export_is_refused(world: World) {
    for number in 0..20 {
        world.note(&number.to_string(), "honest").await;
    }
    let whole = String::from_utf8(exported(&world).await).expect("it is text");
    let lines: Vec<&str> = whole.lines().collect();
    let join = |lines: &[&str]| lines.join("\n") + "\n";
    let mut swapped = lines.clone();
    swapped.swap(2, 3);
    let wrong = [
        ("nothing", String::new()),
        ("not an export", "{}\n".to_owned()),
        ("no last line", join(&lines[..lines.len() - 1])),
        ("the last newline is missing", whole.trim_end().to_owned()),
        ("cut in a line", whole[..whole.len() / 2].to_owned()),
        ("a line is missing", join(&[&lines[..3], &lines[4..]].concat())),
        ("lines are swapped", join(&swapped)),
        ("a value is changed", whole.replacen("honest", "forged", 1)),
        ("a table has another name", whole.replacen("\"note\"", "\"../x\"", 1)),
        ("a line is endless", format!("{}\n{}", lines[0], "x".repeat(100_000))),
    ];
    for (what, text) in wrong {
        let result = verify_export(text.as_bytes());
        assert!(matches!(result, Err(StoreError::Export { .. })), "{what}: {result:?}");
    }
    let result = verify_export(whole.replacen("\"schema\":1", "\"schema\":2", 1).as_bytes());
    assert!(matches!(result, Err(StoreError::Schema { found: 2, .. })), "{result:?}");
}

pub async fn an_import_wants_an_empty_store(world: World) {
    let bytes = exported(&world).await;
    let result = import(&*world.backend, bytes.as_slice(), 0).await;
    assert!(matches!(&result, Err(StoreError::Backend(why)) if why.contains("empty")), "{result:?}");
}

pub async fn a_check_names_what_is_wrong(world: World) {
    static NOTES_TABLE: &Table<String, String> = &NOTES;
    world.note("indexed", "one").await;
    world.note("forgotten", "two").await;
    let numbers: Table<String, u64> = Table::new("note");
    let body = async |tx: Tx| {
        tx.put(&BY_TEXT, &"one".to_owned(), &"indexed".to_owned())?;
        tx.put(&numbers, &"a number".to_owned(), &7)
    };
    world.store.transaction::<_, StoreError, _, _>("test", body).await.expect("it commits");
    let indexed = checker(NOTES_TABLE, async |tx: Tx, name: String, text: String| {
        let held = tx.get(&BY_TEXT, &text).await?;
        Ok((held != Some(name)).then(|| "its index row is missing".to_owned()))
    });
    let report = check_store(&world.store, &[indexed]).await.expect("it checks");
    assert_eq!((report.tables["note"], report.problems), (3, 2));
    let problems: Vec<&str> = report.findings.iter().map(|finding| finding.problem.as_str()).collect();
    assert!(problems[0].contains("does not decode") && problems[1] == "its index row is missing", "{problems:?}");
    assert_eq!(report.findings[1].key, "666f72676f7474656e00", "the key of «forgotten»");
}

pub async fn a_check_never_blames_a_change_in_between(world: World) {
    world.note("a", "1").await;
    let store = world.store.clone();
    // The first look finds a fault and repairs it at once, as another's commit would between snapshot and look.
    let repairs = checker(&NOTES, move |tx: Tx, name: String, text: String| {
        let store = store.clone();
        async move {
            if text == "2" {
                return Ok(None);
            }
            let body = async |tx: Tx| tx.put(&NOTES, &name, &"2".to_owned());
            store.transaction::<_, StoreError, _, _>("test", body).await?;
            tx.get(&BY_TEXT, &name).await.map(|_| Some("it is old".to_owned()))
        }
    });
    let report = check_store(&world.store, &[repairs]).await.expect("it checks");
    assert_eq!(report.problems, 0);
}
