//! The sign-in log keeps the newest, and strangers can't push out what matters.

use vestibule::directory::login::{self, KEPT, LoginCheck, LoginOutcome, LoginRecord, TEXT_LIMIT};
use vestibule::directory::{LoginMessage, MessagePart, login_message};
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

#[tokio::test]
async fn of_messages_the_newest_fifty_of_each_kind_are_kept_for_a_week_and_no_strangers() {
    let directory = Directory::new().await;
    let acme = directory.organization("acme", "acme.example").await;
    let refused = LoginOutcome::Refused { code: "audience_mismatch".to_owned(), fix: String::new() };
    let comes = async |outcome: LoginOutcome, request: Option<&str>| {
        directory.advance(1);
        let record = LoginRecord { request_id: request.map(str::to_owned), ..record(&directory, outcome) };
        let part = MessagePart { signed: true, text: "é".repeat(login_message::SIZE_LIMIT) };
        let message = LoginMessage::new([part], false);
        let keep = async |tx: Tx| {
            login::record(&tx, acme.id, &record).await?;
            login_message::keep(&tx, acme.id, &record, &message).await
        };
        directory.store.transaction("test", keep).await.unwrap();
        record.id
    };
    let kept = async |id: LoginId| login_message::find(&directory.store.reader(), acme.id, id).await.unwrap().is_some();
    let mut ids = Vec::new();
    for _ in 0..60 {
        ids.push(comes(refused.clone(), Some("_1")).await);
        assert!(!kept(comes(refused.clone(), None).await).await, "a stranger's");
    }
    let are_the_newest_fifty = async |ids: &[LoginId]| {
        for (number, id) in ids.iter().enumerate() {
            assert_eq!(kept(*id).await, number + 50 >= ids.len(), "{number} of {}", ids.len());
        }
    };
    are_the_newest_fifty(&ids).await;
    // Those that came in push out one another, and no refusal.
    let mut accepted = Vec::new();
    for _ in 0..40 {
        accepted.push(comes(LoginOutcome::Accepted, Some("_1")).await);
        accepted.push(comes(LoginOutcome::Continued, Some("_1")).await);
    }
    are_the_newest_fifty(&accepted).await;
    are_the_newest_fifty(&ids).await;
    let test = comes(LoginOutcome::Tested { code: None, fix: None }, Some("_2")).await;
    assert!(kept(test).await && !kept(ids[10]).await && kept(ids[11]).await);
    are_the_newest_fifty(&accepted).await;
    let globex = directory.organization("globex", "globex.example").await;
    assert!(login_message::find(&directory.store.reader(), globex.id, test).await.unwrap().is_none());
    let checkers = vestibule::directory::check::checkers();
    let report = vestibule::store::check_store(&directory.store, &checkers).await.unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    assert_eq!((report.tables["login_messages"], report.tables["login_message_places"]), (100, 100));
    directory.advance(7 * 24 * 3600);
    assert!(!kept(test).await);
}
