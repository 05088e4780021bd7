//! Test sign-ins (R55): through the identity provider and back, each check shown, and nothing changed.

use std::time::Duration;

use http::StatusCode;
use vestibule::directory::{OrgKind, Organization, audit, sso_proof, sso_test, user};
use vestibule::kernel::{Role, SystemRng};
use vestibule::session::operator;
use vestibule::store::Tx;

use super::Site;
use super::admission::touch_connection;
use super::browser::{Browser, Sent, read_sent};

const TEST: &str = "/.vestibule/sso/acme/test";

/// Ada, who runs acme, signed in there.
async fn owner(site: &Site) -> Browser {
    let mut browser = site.browser();
    site.sign_in_ada(&mut browser).await;
    let ada = site.account("ada@acme.example").await.unwrap();
    let promote = async |tx: Tx| vestibule::directory::member::set_role(&tx, &site.acme, &ada, Role::Owner).await;
    site.store.transaction("test", promote).await.unwrap();
    browser
}

async fn begin(site: &Site, browser: &mut Browser) -> Sent {
    // So that the log has it behind what was before.
    site.clock.advance(Duration::from_secs(1));
    let page = browser.post(TEST, &[]).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{page:?}");
    read_sent(page.location())
}

/// All that a test must not touch.
async fn state(site: &Site, of: &Organization) -> (usize, Vec<String>, bool, bool) {
    let tx = site.store.reader();
    let members = vestibule::directory::member::list(&tx, of.id, None).await.unwrap();
    let linked = user::find_by_link(&tx, of.id, &site.acme_idp.entity_id, "tested-1").await.unwrap().is_some();
    let newcomer = site.account("new@acme.example").await.is_some();
    let members = members.into_iter().map(|member| format!("{member:?}")).collect();
    (site.session_count().await, members, linked, newcomer)
}

#[tokio::test]
async fn a_test_shows_each_check_and_changes_nothing() {
    let site = Site::new().await;
    let mut ada = owner(&site).await;
    let before = state(&site, &site.acme).await;
    let session = ada.cookies.get("vestibule").cloned();
    let page = ada.get(TEST).await;
    assert!(page.body.contains("https://idp.acme.example/sso"), "{page:?}");
    let sent = begin(&site, &mut ada).await;
    let answer = site.acme_idp.answer(&sent).email("new@acme.example").name_id("tested-1");
    let page = ada.return_with(&answer).await;
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    for text in ["It works", "new@acme.example", "signature", "would be made a member of acme now"] {
        assert!(page.body.contains(text), "{text}: {page:?}");
    }
    assert!(!page.body.contains(">wrong<"), "{page:?}");
    assert_eq!(state(&site, &site.acme).await, before);
    assert_eq!(ada.cookies.get("vestibule").cloned(), session, "the same session as before");
    assert_eq!(site.last_code(&site.acme).await, "tested ");
    let kept = sso_test::last(&site.store.reader(), site.acme.id).await.unwrap().unwrap();
    assert_eq!(kept.email.as_deref(), Some("new@acme.example"));
    let audited = audit::newest(&site.store.reader(), site.acme.id, 1).await.unwrap();
    let entry = &audited[0].1.entry;
    assert_eq!((entry.actor.as_str(), entry.action.as_str()), ("ada@acme.example", "sso.test"));
}

#[tokio::test]
async fn d10_a_test_is_no_sign_in_that_lets_single_sign_on_be_required() {
    let site = Site::new().await;
    let mut ada = owner(&site).await;
    assert!(sso_proof::of(&site.store.reader(), &site.acme).await.is_err(), "she was a member when she signed in");
    let sent = begin(&site, &mut ada).await;
    ada.return_with(&site.acme_idp.answer(&sent)).await;
    assert!(sso_proof::of(&site.store.reader(), &site.acme).await.is_err());
    // The real one, though she is in already.
    let page = ada.get("/.vestibule/sso/acme?again=yes&return_to=/back").await;
    let sent = read_sent(page.location());
    assert_eq!(ada.return_with(&site.acme_idp.answer(&sent)).await.location(), "/back");
    assert!(sso_proof::of(&site.store.reader(), &site.acme).await.is_ok());
}

#[tokio::test]
async fn what_is_wrong_is_shown_with_expected_received_and_the_fix() {
    let site = Site::new().await;
    let mut ada = owner(&site).await;
    let before = state(&site, &site.acme).await;
    let sent = begin(&site, &mut ada).await;
    let mut answer = site.acme_idp.answer(&sent).email("new@acme.example");
    answer.slug = "globex".to_owned();
    let page = ada.return_with(&answer).await;
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    for text in ["It does not work yet", "destination", ">wrong<", "/.vestibule/saml/globex/acs", "our ACS is"] {
        assert!(page.body.contains(text), "{text}: {page:?}");
    }
    assert!(site.last_code(&site.acme).await.starts_with("tested "));
    // Refused by the organization's rules, after a right answer.
    let sent = begin(&site, &mut ada).await;
    let page = ada.return_with(&site.acme_idp.answer(&sent).email("x@other.example")).await;
    assert!(page.body.contains("email_domain") && page.body.contains(">wrong<"), "{page:?}");
    assert_eq!(site.last_code(&site.acme).await, "tested email_domain");
    assert_eq!(state(&site, &site.acme).await, before);
}

#[tokio::test]
async fn a_test_that_was_answered_before_the_connection_changed_says_so() {
    let site = Site::new().await;
    let mut ada = owner(&site).await;
    let sent = begin(&site, &mut ada).await;
    let finish = ada.bring(&site.acme_idp.answer(&sent)).await.location().to_owned();
    touch_connection(&site).await;
    let page = ada.get(&finish).await;
    assert!(page.body.contains("it was changed after this answer had been verified"), "{page:?}");
    assert_eq!(site.last_code(&site.acme).await, "tested sso_configuration");
}

#[tokio::test]
async fn the_result_is_for_the_browser_that_began_it_and_can_be_looked_at_again() {
    let site = Site::new().await;
    let mut ada = owner(&site).await;
    let sent = begin(&site, &mut ada).await;
    let answer = site.acme_idp.answer(&sent);
    let page = ada.bring(&answer).await;
    let finish = page.location().to_owned();
    let mut other = site.browser();
    let page = other.get(&finish).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN, "before it is concluded: {page:?}");
    assert_eq!(ada.get(&finish).await.status, StatusCode::OK);
    assert!(ada.get(&finish).await.body.contains("It works"), "again");
    assert_eq!(other.get(&finish).await.status, StatusCode::NOT_FOUND, "afterwards");
    assert!(!other.has_session());
    let used = ada.return_with(&answer).await;
    assert_eq!(used.status, StatusCode::OK, "the answer again leads to the result: {used:?}");
    let tested =
        site.logins(&site.acme).await.iter().filter(|login| format!("{:?}", login.outcome).contains("Tested")).count();
    assert_eq!(tested, 1);
}

#[tokio::test]
async fn only_who_runs_the_organization_tests_it() {
    let site = Site::new().await;
    let mut member = site.browser();
    site.sign_in_ada(&mut member).await;
    let mut stranger = site.browser();
    for browser in [&mut member, &mut stranger] {
        assert_eq!(browser.get(TEST).await.status, StatusCode::FORBIDDEN);
        assert_eq!(browser.post(TEST, &[]).await.status, StatusCode::FORBIDDEN);
    }
    let mut ada = owner(&site).await;
    for other in ["/.vestibule/sso/globex/test", "/.vestibule/sso/nobody/test"] {
        let page = ada.post(other, &[]).await;
        assert!(page.status == StatusCode::FORBIDDEN || page.status == StatusCode::NOT_FOUND, "{other} {page:?}");
    }
    let page = ada.post_cross_site(TEST, &[]).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN, "from another site");
}

#[tokio::test]
async fn d5_a_test_names_no_organization_that_is_not_theirs() {
    let site = Site::new().await;
    let mut ada = owner(&site).await;
    site.change(&site.acme, |acme| acme.set("idp_managed_access", "false")).await;
    site.add(&site.globex, "gus@acme.example", Role::Member).await;
    let sent = begin(&site, &mut ada).await;
    let page = ada.return_with(&site.acme_idp.answer(&sent).email("gus@acme.example")).await;
    assert!(page.body.contains("a member of another organization") && !page.body.contains("globex"), "{page:?}");
}

#[tokio::test]
async fn the_operator_tests_without_an_account() {
    let site = Site::new().await;
    let enter = async |tx: Tx| {
        let link = operator::issue(&tx, &SystemRng)?;
        operator::enter(&tx, &SystemRng, &link, vestibule::kernel::Client::default()).await
    };
    let token: Option<String> =
        site.store.transaction::<_, vestibule::store::StoreError, _, _>("test", enter).await.unwrap();
    let mut browser = site.browser();
    browser.cookies.insert("vestibule-operator".to_owned(), token.unwrap());
    let sent = begin(&site, &mut browser).await;
    // The way back comes from another site: this cookie does not come along.
    browser.cookies.remove("vestibule-operator");
    let page = browser.return_with(&site.acme_idp.answer(&sent)).await;
    assert!(page.body.contains("It works"), "{page:?}");
    assert_eq!(site.session_count().await, 0);
}

#[tokio::test]
async fn under_a_link_a_test_of_the_resting_connection_says_so() {
    let site = Site::new().await;
    let mut ada = owner(&site).await;
    let link = async |tx: Tx| {
        let group = vestibule::directory::organization::create(
            &tx,
            &SystemRng,
            &"group".parse().unwrap(),
            "group",
            OrgKind::Admin,
        )
        .await?;
        let code = vestibule::directory::link::code(&tx, &SystemRng, &group)?;
        vestibule::directory::link::join(&tx, &site.acme, code.expose(), Duration::ZERO).await
    };
    site.store.transaction("test", link).await.unwrap();
    let sent = begin(&site, &mut ada).await;
    ada.return_with(&site.acme_idp.answer(&sent)).await;
    assert_eq!(site.last_code(&site.acme).await, "tested connection_rests");
}
