//! Who is let in once the IdP has spoken (D4, D6, R40, R41).

use std::time::Duration;

use http::StatusCode;
use vestibule::directory::{Origin, audit, member, sso, sso_proof, user};
use vestibule::kernel::Role;
use vestibule::store::Tx;

use super::Site;

#[tokio::test]
async fn with_managed_access_the_first_sign_in_makes_account_and_membership() {
    let site = Site::new().await;
    let mut browser = site.browser();
    let sent = browser.ask("ada@acme.example", "/").await;
    let mut answer = site.acme_idp.answer(&sent);
    answer.names = Some(("Ada".to_owned(), "King &amp; Co".to_owned()));
    assert_eq!(browser.return_with(&answer).await.location(), "/");
    let ada = site.account("ada@acme.example").await.expect("an account");
    assert_eq!(ada.display_name(), "Ada King & Co");
    let membership = member::find(&site.store.reader(), site.acme.id, ada.id).await.unwrap().expect("a membership");
    assert_eq!((membership.role, membership.origin), (Role::Member, Origin::Jit));
    let audited = audit::page(&site.store.reader(), site.acme.id, 0, 10).await.unwrap();
    let joined = &audited[audited.len() - 2].1.entry;
    assert_eq!((joined.action.as_str(), joined.after.as_str()), ("member.join", "member"));
    let entry = &audited.last().expect("R59: an entry").1.entry;
    assert_eq!((entry.actor.as_str(), entry.action.as_str()), ("ada@acme.example", "login.accepted"));
    assert!(entry.object.contains(&sent.request_id), "{entry:?}");
}

#[tokio::test]
async fn without_it_only_members_enter() {
    let site = Site::new().await;
    let mut browser = site.browser();
    let sent = browser.ask("bob@globex.example", "/").await;
    let page = browser.return_with(&site.globex_idp.answer(&sent).email("bob@globex.example")).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert_eq!(site.last_code(&site.globex).await, "not_a_member");
    assert!(!browser.has_session());
    assert!(browser.cookies.is_empty(), "the login cookie is taken back: {:?}", browser.cookies);

    let invite = async |tx: Tx| {
        let bob = user::create(&tx, &site.rng, &"bob@globex.example".parse().unwrap())?;
        member::add(&tx, &site.globex, &bob, Role::Admin, Origin::Hand).await
    };
    site.store.transaction("test", invite).await.unwrap();
    let sent = browser.ask("bob@globex.example", "/").await;
    let page = browser.return_with(&site.globex_idp.answer(&sent).email("bob@globex.example")).await;
    assert_eq!(page.location(), "/");
}

#[tokio::test]
async fn a_deactivated_account_stays_outside() {
    let site = Site::new().await;
    let mut browser = site.browser();
    site.sign_in_ada(&mut browser).await;
    let off = async |tx: Tx| user::set_active(&tx, &"ada@acme.example".parse().unwrap(), false).await;
    site.store.transaction("test", off).await.unwrap();
    let mut browser = site.browser();
    let sent = browser.ask("ada@acme.example", "/").await;
    let page = browser.return_with(&site.acme_idp.answer(&sent)).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert_eq!(site.last_code(&site.acme).await, "account_deactivated");
    assert!(!browser.has_session());
}

#[tokio::test]
async fn r40_a_link_keeps_the_account_over_a_change_of_address() {
    let site = Site::new().await;
    let mut browser = site.browser();
    let sent = browser.ask("ada@acme.example", "/").await;
    browser.return_with(&site.acme_idp.answer(&sent).name_id("00u1")).await;
    let before = site.account("ada@acme.example").await.expect("an account");
    let sent = site.browser().ask("ada.king@acme.example", "/").await;
    assert_eq!(sent.destination, "https://idp.acme.example/sso");
    let mut browser = site.browser();
    let sent = browser.ask("ada.king@acme.example", "/").await;
    let answer = site.acme_idp.answer(&sent).email("ada.king@acme.example").name_id("00u1");
    assert_eq!(browser.return_with(&answer).await.location(), "/");
    let after = site.account("ada.king@acme.example").await.expect("an account");
    assert_eq!(after.id, before.id);
    assert!(site.account("ada@acme.example").await.is_none());
}

#[tokio::test]
async fn d4_a_link_and_an_address_of_two_accounts_conflict() {
    let site = Site::new().await;
    for (email, name_id) in [("ada@acme.example", "00u1"), ("bob@acme.example", "00u2")] {
        let mut browser = site.browser();
        let sent = browser.ask(email, "/").await;
        let answer = site.acme_idp.answer(&sent).email(email).name_id(name_id);
        assert_eq!(browser.return_with(&answer).await.location(), "/");
    }
    let mut browser = site.browser();
    let sent = browser.ask("ada@acme.example", "/").await;
    let page = browser.return_with(&site.acme_idp.answer(&sent).email("ada@acme.example").name_id("00u2")).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert_eq!(site.last_code(&site.acme).await, "account_conflict");
    assert!(!browser.has_session());
}

#[tokio::test]
async fn r41_a_connection_that_goes_takes_sign_ins_on_their_way_with_it() {
    let site = Site::new().await;
    let mut browser = site.browser();
    let sent = browser.ask("ada@acme.example", "/").await;
    let page = browser.bring(&site.acme_idp.answer(&sent)).await;
    let finish = page.location().to_owned();
    site.store.transaction("test", async |tx: Tx| sso::remove(&tx, site.acme.id).await).await.unwrap();
    let page = browser.get(&finish).await;
    assert!(page.status.is_client_error(), "{page:?}");
    assert_eq!(site.last_code(&site.acme).await, "sso_off");
    assert_eq!(site.session_count().await, 0);
    let page = browser.return_with(&site.acme_idp.answer(&sent)).await;
    assert!(page.status.is_client_error(), "{page:?}");
}

/// Changes acme's connection as a certificate that is added or removed does, or another option.
pub(super) async fn touch_connection(site: &Site) {
    site.clock.advance(Duration::from_secs(1));
    let touch = async |tx: Tx| {
        let mut connection = sso::connection(&tx, site.acme.id).await?.expect("a connection");
        connection.settings.updated = tx.now();
        sso::set(&tx, &site.acme, &connection).await
    };
    site.store.transaction("test", touch).await.unwrap();
}

#[tokio::test]
async fn r41_an_answer_that_was_verified_before_the_connection_changed_lets_nobody_in() {
    let site = Site::new().await;
    site.add(&site.acme, "ada@acme.example", Role::Owner).await;
    let mut browser = site.browser();
    let sent = browser.ask("ada@acme.example", "/").await;
    let finish = browser.bring(&site.acme_idp.answer(&sent)).await.location().to_owned();
    touch_connection(&site).await;
    let page = browser.get(&finish).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN, "{page:?}");
    assert_eq!(site.last_code(&site.acme).await, "sso_configuration");
    assert_eq!(site.session_count().await, 0);
    assert!(
        sso_proof::of(&site.store.reader(), &site.acme).await.is_err(),
        "D10: it proves nothing of what is set now"
    );
    // Another one, of now.
    let sent = browser.ask("ada@acme.example", "/").await;
    assert_eq!(browser.return_with(&site.acme_idp.answer(&sent)).await.location(), "/");
    assert!(sso_proof::of(&site.store.reader(), &site.acme).await.is_ok());
}
