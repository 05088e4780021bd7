//! One organization's identity provider against the people of another: refused, with the reason in the log of whoever
//! it was sent to, and without a trace anywhere else.

use std::time::Duration;

use http::StatusCode;
use vestibule::directory::{DirectoryError, SsoConnection, claim, link, sso};
use vestibule::kernel::Role;
use vestibule::store::Tx;

use super::Site;

/// Bob of globex, who is a member there.
async fn site_with_bob() -> Site {
    let site = Site::new().await;
    site.add(&site.globex, "bob@globex.example", Role::Owner).await;
    site
}

#[tokio::test]
async fn an_idp_neither_signs_in_nor_creates_nor_renames_anybody_outside_its_domains() {
    let site = site_with_bob().await;
    let before = site.account("bob@globex.example").await.unwrap();
    for email in ["bob@globex.example", "new@globex.example", "x@mail.acme.example", "x@nobody.example"] {
        let mut browser = site.browser();
        let sent = browser.ask("ada@acme.example", "/").await;
        let mut answer = site.acme_idp.answer(&sent).email(email).name_id("00u7");
        answer.names = Some(("Mallory".to_owned(), "M".to_owned()));
        let page = browser.return_with(&answer).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{email}: {page:?}");
        assert_eq!(site.last_code(&site.acme).await, "email_domain", "{email}");
        assert!(!browser.has_session());
    }
    assert_eq!(site.account("bob@globex.example").await, Some(before));
    assert!(site.account("new@globex.example").await.is_none());
    // A link made once for an address of its own does not carry over to one that is not.
    let mut browser = site.browser();
    let sent = browser.ask("ada@acme.example", "/").await;
    browser.return_with(&site.acme_idp.answer(&sent).name_id("00u1")).await;
    let sent = browser.ask("ada@acme.example", "/").await;
    let page = browser.return_with(&site.acme_idp.answer(&sent).email("bob@globex.example").name_id("00u1")).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN, "{page:?}");
    assert!(site.account("ada@acme.example").await.is_some());
    assert!(site.logins(&site.globex).await.is_empty(), "globex was never spoken to");
}

#[tokio::test]
async fn one_issuer_in_two_organizations_speaks_for_each_one_apart() {
    let site = site_with_bob().await;
    // Both use the same tenant of one identity provider, with one key.
    let same = async |tx: Tx| {
        let connection = sso::connection(&tx, site.acme.id).await?.unwrap();
        let mut settings = sso::connection(&tx, site.globex.id).await?.unwrap().settings;
        settings.entity_id = connection.settings.entity_id;
        sso::set(&tx, &site.globex, &SsoConnection { settings, certificates: connection.certificates }).await
    };
    site.store.transaction("test", same).await.unwrap();
    // What was made for acme is brought to globex.
    let mut browser = site.browser();
    let to_globex = browser.ask("bob@globex.example", "/").await;
    let mut answer = site.acme_idp.answer(&to_globex).email("bob@globex.example");
    answer.slug = "acme".to_owned();
    let page = browser.return_with(&answer).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN, "{page:?}");
    assert_eq!(site.last_code(&site.globex).await, "destination_mismatch");
    // An answer to globex about somebody of acme.
    site.clock.advance(Duration::from_secs(1));
    let sent = browser.ask("bob@globex.example", "/").await;
    let page = browser.return_with(&site.acme_idp.answer(&sent).email("ada@acme.example")).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN, "{page:?}");
    assert_eq!(site.last_code(&site.globex).await, "email_domain");
    // The same NameID means nobody there whom it means here.
    let mut ada = site.browser();
    let sent = ada.ask("ada@acme.example", "/").await;
    ada.return_with(&site.acme_idp.answer(&sent).name_id("00u1")).await;
    let sent = browser.ask("bob@globex.example", "/").await;
    let page = browser.return_with(&site.acme_idp.answer(&sent).email("bob@globex.example").name_id("00u1")).await;
    assert_eq!(page.location(), "/", "{page:?} {:?}", site.logins(&site.globex).await);
    assert_ne!(
        site.account("ada@acme.example").await.unwrap().id,
        site.account("bob@globex.example").await.unwrap().id
    );
}

#[tokio::test]
async fn a_domain_that_goes_to_another_organization_mid_flow_takes_the_sign_in_with_it() {
    let site = Site::new().await;
    let mut browsers = [site.browser(), site.browser()];
    let mut finishes = Vec::new();
    for browser in &mut browsers {
        let sent = browser.ask("ada@acme.example", "/").await;
        finishes.push((browser.bring(&site.acme_idp.answer(&sent)).await.location().to_owned(), sent));
    }
    let moves = async |tx: Tx| {
        let domain = "acme.example".parse().unwrap();
        claim::release(&tx, &site.acme, &domain).await?;
        claim::claim_trusted(&tx, &site.globex, &domain).await
    };
    site.store.transaction("test", moves).await.unwrap();
    for (browser, (finish, _)) in browsers.iter_mut().zip(&finishes) {
        let page = browser.get(finish).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{page:?}");
        assert_eq!(site.last_code(&site.acme).await, "email_domain");
    }
    assert_eq!(site.session_count().await, 0);
    assert!(site.account("ada@acme.example").await.is_none(), "nothing was made on its word");
}

#[tokio::test]
async fn an_old_connection_speaks_for_its_own_former_domains_and_for_no_other_of_the_admins() {
    let site = site_with_bob().await;
    let (group, group_idp) = site.group().await;
    site.join(&site.acme, &group, link::DEFAULT_WINDOW).await;
    site.join(&site.globex, &group, link::DEFAULT_WINDOW).await;
    let mut under_way = Vec::new();
    for _ in 0..2 {
        let mut browser = site.browser();
        let sent = browser.ask("ada@acme.example", "/").await;
        under_way.push((browser, sent));
    }
    site.hand_over(&site.acme, &group, "acme.example").await;
    site.hand_over(&site.globex, &group, "globex.example").await;
    for ((browser, sent), email) in under_way.iter_mut().zip(["eve@group.example", "bob@globex.example"]) {
        let page = browser.return_with(&site.acme_idp.answer(sent).email(email)).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{email}: {page:?}");
        assert_eq!(site.last_code(&site.acme).await, "email_domain", "{email}");
    }
    // At the Admin's ACS the old provider is nobody.
    let mut browser = site.browser();
    let sent = browser.ask("ada@acme.example", "/").await;
    assert_eq!(sent.destination, "https://idp.group.example/sso");
    let page = browser.return_with(&site.acme_idp.answer(&sent)).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN, "{page:?}");
    assert_eq!(site.last_code(&group).await, "signature_invalid");
    // Once it has left, what it handed over is the Admin's alone.
    let mut late = site.browser();
    let sent = late.ask("bob@globex.example", "/").await;
    let leave = async |tx: Tx| link::leave(&tx, &site.globex).await;
    site.store.transaction::<_, DirectoryError, _, _>("test", leave).await.unwrap();
    let page = late.return_with(&group_idp.answer(&sent).email("bob@globex.example")).await;
    assert_eq!(page.location(), "/", "D11: a member of globex enters by the single sign-on of his domain: {page:?}");
    site.clock.advance(Duration::from_secs(1));
    let mut own = site.browser();
    let sent = own.start_at("globex").await;
    let page = own.return_with(&site.globex_idp.answer(&sent).email("bob@globex.example")).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN, "{page:?}");
    assert_eq!(site.last_code(&site.globex).await, "email_domain");
}

#[tokio::test]
async fn a_code_is_good_once_and_for_an_hour_and_only_of_an_admin_organization() {
    let site = Site::new().await;
    let (group, _) = site.group().await;
    let code = async |tx: Tx| Ok::<_, DirectoryError>(link::code(&tx, &site.rng, &group)?.expose().clone());
    let join = async |organization: &vestibule::directory::Organization, code: &str| {
        let week = link::DEFAULT_WINDOW;
        site.store.transaction("test", async |tx: Tx| link::join(&tx, organization, code, week).await).await
    };
    let first = site.store.transaction("test", code).await.unwrap();
    assert!(join(&site.acme, &first).await.is_ok());
    assert!(matches!(join(&site.globex, &first).await, Err(DirectoryError::NoSuchCode)), "used");
    let second = site.store.transaction("test", code).await.unwrap();
    assert!(matches!(join(&site.acme, &second).await, Err(DirectoryError::AlreadyLinked(..))));
    assert!(matches!(join(&group, &second).await, Err(DirectoryError::CannotBeLinked(_))));
    site.clock.advance(link::CODE_FOR);
    assert!(matches!(join(&site.globex, &second).await, Err(DirectoryError::NoSuchCode)), "an hour is over");
    let own = async |tx: Tx| link::code(&tx, &site.rng, &site.globex).map(|_| ());
    let refused = site.store.transaction("test", own).await.unwrap_err();
    assert!(matches!(refused, DirectoryError::NotAnAdminOrganization(_)), "{refused}");
}
