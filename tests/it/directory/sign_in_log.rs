//! The sign-in log keeps the newest, and strangers can't push out what matters.

use vestibule::directory::login::{self, KEPT, LoginCheck, LoginOutcome, LoginRecord, TEXT_LIMIT};
use vestibule::kernel::LoginId;
use vestibule::store::Tx;

use super::Directory;

fn record(directory: &Directory, outcome: LoginOutcome) -> LoginRecord {
    let long = "ä".repeat(TEXT_LIMIT);
    let check = LoginCheck { name: "issuer".to_owned(), passed: true, expected: long.clone(), received: long };
    LoginRecord {
        id: LoginId::random(&directory.rng),
        at: directory.store.now(),
        reference: "ABCD-1234".to_owned(),
        email: None,
        idp: None,
        request_id: None,
        assertion_id: None,
        client: "127.0.0.1".to_owned(),
        outcome,
        checks: vec![check; 100],
    }
}

async fn keep(directory: &Directory, organization: vestibule::kernel::OrgId, outcome: LoginOutcome) {
    let record = record(directory, outcome);
    directory.store.transaction("test", async |tx: Tx| login::record(&tx, organization, &record).await).await.unwrap();
}

#[tokio::test]
async fn a_flood_of_rubbish_keeps_its_newest_and_pushes_out_no_sign_in_of_ours() {
    let directory = Directory::new().await;
    let acme = directory.organization("acme", "acme.example").await;
    keep(&directory, acme.id, LoginOutcome::Accepted).await;
    directory.advance(1);
    let refused = LoginOutcome::Refused { code: "malformed".to_owned(), fix: String::new() };
    let ours = LoginRecord { request_id: Some("_1".to_owned()), ..record(&directory, refused.clone()) };
    directory.store.transaction("test", async |tx: Tx| login::record(&tx, acme.id, &ours).await).await.unwrap();
    for _ in 0..KEPT + 5 {
        directory.advance(1);
        keep(&directory, acme.id, refused.clone()).await;
    }
    let kept = login::list(&directory.store.reader(), acme.id, 10_000).await.unwrap();
    assert_eq!(kept.len() as u64, KEPT + 2);
    assert_eq!(kept[kept.len() - 2].request_id, ours.request_id, "the refused answer to a request of ours stays");
    assert_eq!(kept.last().map(|oldest| &oldest.outcome), Some(&LoginOutcome::Accepted));
    assert_eq!(kept[0].at, directory.store.now(), "newest first");
    assert!(kept[0].checks[0].expected.len() <= TEXT_LIMIT, "cut, at a character's border");
}

#[tokio::test]
async fn a_sign_in_is_forgotten_after_a_week() {
    let directory = Directory::new().await;
    let acme = directory.organization("acme", "acme.example").await;
    keep(&directory, acme.id, LoginOutcome::Accepted).await;
    directory.advance(7 * 24 * 3600);
    assert!(login::list(&directory.store.reader(), acme.id, 10).await.unwrap().is_empty());
    assert_eq!(directory.store.sweep().await.unwrap(), 1);
}
