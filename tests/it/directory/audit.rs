//! The audit: entries in the order of their commits, older ones chained later, texts that fit.

use vestibule::directory::AuditEntry;
use vestibule::directory::audit::{self, AUDIT, OPERATOR};
use vestibule::directory::backfill::backfill;
use vestibule::kernel::{LoginId, OrgId, Timestamp};
use vestibule::store::{StoreError, Table, Tx};

use super::Directory;

const ACME: OrgId = OrgId::from_bytes([7; 16]);
const UNCHAINED: Table<(OrgId, Timestamp, LoginId), serde_json::Value> = Table::new("audit");

async fn append(directory: &Directory, chain: OrgId, object: &str) {
    let body = async |tx: Tx| {
        let entry =
            AuditEntry::new(&tx, "ada@acme.example", "test", object).changed("before", "after").from("192.0.2.7");
        audit::append(&tx, &directory.rng, chain, &entry)
    };
    directory.store.transaction::<_, StoreError, _, _>("test", body).await.expect("it is written");
}

async fn objects(directory: &Directory, chain: OrgId, after: u64) -> Vec<String> {
    let found = audit::page(&directory.store.reader(), chain, after, 1000).await.expect("it reads");
    found.into_iter().map(|(_, audited)| audited.entry.object).collect()
}

#[tokio::test]
async fn an_organization_and_the_operator_have_chains_of_their_own() {
    let directory = Directory::new().await;
    append(&directory, ACME, "one").await;
    append(&directory, OPERATOR, "keys").await;
    append(&directory, ACME, "two").await;
    assert_eq!(objects(&directory, ACME, 0).await, ["one", "two"]);
    assert_eq!(objects(&directory, ACME, 1).await, ["two"]);
    assert_eq!(objects(&directory, OPERATOR, 0).await, ["keys"]);
    let newest = audit::newest(&directory.store.reader(), ACME, 1).await.expect("it reads");
    assert_eq!((newest[0].0, newest[0].1.entry.from.as_str()), (2, "192.0.2.7"));
}

#[tokio::test]
async fn entries_since_a_moment_are_found_without_reading_all() {
    let directory = Directory::new().await;
    let start = directory.store.now();
    for hour in 0..100 {
        append(&directory, ACME, &format!("hour {hour}")).await;
        directory.advance(3600);
    }
    let check = async |hours: u64, expected: u64| {
        let since = start.plus(std::time::Duration::from_secs(hours * 3600));
        let found = audit::number_before(&directory.store.reader(), ACME, since).await.expect("it reads");
        assert_eq!(found, expected, "since hour {hours}");
    };
    check(0, 0).await;
    // An hour more than asked for, since the order is that of commits.
    check(50, 49).await;
    check(1000, 100).await;
}

#[tokio::test]
async fn texts_are_cut_and_no_entry_looks_like_two() {
    let directory = Directory::new().await;
    append(&directory, ACME, &format!("a\nb\u{1b}[2J{}", "\u{7}é\"".repeat(1000))).await;
    let object = objects(&directory, ACME, 0).await.remove(0);
    assert!(object.starts_with("a\u{fffd}b\u{fffd}[2J") && !object.chars().any(char::is_control), "{object:?}");
}

#[tokio::test]
async fn entries_of_a_version_without_chain_are_chained_once_and_marked() {
    let directory = Directory::new().await;
    let fill = async |tx: Tx| {
        for number in 0..450_i64 {
            let at = Timestamp::from_millis(number);
            let old = serde_json::json!({
                "at": number, "actor": "operator", "action": "org.set", "object": format!("{number}"),
                "before": "", "after": "",
            });
            tx.put(&UNCHAINED, &(ACME, at, LoginId::random(&directory.rng)), &old)?;
        }
        Ok::<_, StoreError>(())
    };
    directory.store.transaction("test", fill).await.expect("it is written");
    for _ in 0..2 {
        backfill(&directory.store).await.expect("it starts");
    }
    append(&directory, ACME, "new").await;
    let found = audit::page(&directory.store.reader(), ACME, 0, 1000).await.expect("it reads");
    assert_eq!(found.len(), 451);
    let (new, old) = found.split_last().unwrap();
    assert!(old.iter().all(|(_, audited)| audited.chained_later) && !new.1.chained_later);
    assert!(old.iter().enumerate().all(|(index, (_, audited))| audited.entry.object == index.to_string()));
    let report = AUDIT.verify(&directory.store.reader(), &ACME).await.expect("it reads");
    assert_eq!((report.problems, report.links), (Vec::new(), 451));
}
