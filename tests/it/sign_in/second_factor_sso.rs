//! The second factor and single sign-on: what an identity provider proves, and where its word counts (D12).

use vestibule::directory::two_factor::MFA_VALUES;
use vestibule::session::SecondMethod;

use super::Site;
use super::second_factor::{CHALLENGE, SET_UP, secret_of};

/// Signs Ada of acme in, with what the identity provider says of how; gives where that leads.
async fn signs_in(site: &Site, context: Option<&str>, methods: &[&str]) -> (super::Browser, String) {
    let mut browser = site.browser();
    let sent = browser.ask("ada@acme.example", "/deals").await;
    let mut answer = site.acme_idp.answer(&sent);
    if let Some(context) = context {
        context.clone_into(&mut answer.context);
    }
    answer.methods = methods.iter().map(|method| (*method).to_owned()).collect();
    let page = browser.return_with(&answer).await;
    (browser, page.location().to_owned())
}

#[tokio::test]
async fn an_identity_providers_second_factor_counts_where_it_is_trusted() {
    let site = Site::new().await;
    let (entra, refeds) = (MFA_VALUES[0], MFA_VALUES[1]);
    let check = async |context, methods: &[&str], expected: &str| {
        let (browser, location) = signs_in(&site, context, methods).await;
        assert_eq!(
            (location.as_str(), browser.has_session()),
            (expected, expected == "/deals"),
            "{context:?} {methods:?}"
        );
    };
    check(None, &[], "/deals").await;
    site.change(&site.acme, |acme| acme.set("two_factor", "password")).await;
    check(None, &[], "/deals").await;
    site.change(&site.acme, |acme| acme.set("two_factor", "always")).await;
    check(None, &[], SET_UP).await;
    check(Some(refeds), &[entra], SET_UP).await;
    site.change(&site.acme, |acme| acme.set("trust_idp_mfa", "true")).await;
    check(None, &[], SET_UP).await;
    check(None, &["http://schemas.microsoft.com/ws/2008/06/identity/authenticationmethod/password"], SET_UP).await;
    check(Some(refeds), &[], "/deals").await;
    check(None, &["http://schemas.microsoft.com/ws/2008/06/identity/authenticationmethod/password", entra], "/deals")
        .await;
    site.change(&site.acme, |acme| acme.set("mfa_values", "urn:strong")).await;
    check(Some(refeds), &[entra], SET_UP).await;
    check(Some("urn:strong"), &[], "/deals").await;
    let session = site.only_session_of_ada().await;
    assert_eq!(session.second_factor.map(|second| second.method), Some(SecondMethod::IdentityProvider));
}

impl Site {
    async fn only_session_of_ada(&self) -> vestibule::session::SessionRecord {
        let ada = self.account("ada@acme.example").await.expect("she came").id;
        let scope = vestibule::session::Scope::User(ada);
        let mut held = vestibule::session::records::list(&self.store.reader(), scope).await.unwrap();
        held.sort_by_key(|record| (record.created, record.second_factor.is_some()));
        held.pop().expect("a session")
    }
}

#[tokio::test]
async fn after_single_sign_on_the_factor_of_their_own_is_asked_for() {
    let site = Site::new().await;
    site.change(&site.acme, |acme| acme.set("two_factor", "always")).await;
    let (mut ada, location) = signs_in(&site, None, &[]).await;
    assert_eq!(location, SET_UP);
    let secret = secret_of(&ada.get(SET_UP).await);
    ada.post(SET_UP, &[("code", &site.code(&secret))]).await;
    assert!(ada.has_session());
    site.clock.advance(super::second_factor::STEP);
    let (mut ada, location) = signs_in(&site, None, &[]).await;
    assert_eq!((location.as_str(), ada.has_session()), (CHALLENGE, false));
    assert_eq!(site.last_code(&site.acme).await, "continued");
    site.clock.advance(std::time::Duration::from_secs(1));
    assert_eq!(ada.post(CHALLENGE, &[("code", &site.code(&secret))]).await.location(), "/deals");
    assert_eq!(site.last_code(&site.acme).await, "accepted");
    site.change(&site.acme, |acme| acme.set("two_factor", "off")).await;
    assert_eq!(signs_in(&site, None, &[]).await.1, "/deals", "by their own choice after a password or link alone");
}

#[tokio::test]
async fn a_fresh_second_factor_is_the_identity_providers_where_it_is_trusted() {
    let site = Site::new().await;
    site.change(&site.acme, |acme| acme.set("trust_idp_mfa", "true")).await;
    let (mut ada, location) = signs_in(&site, Some(MFA_VALUES[1]), &[]).await;
    assert_eq!(location, "/deals");
    site.clock.advance(std::time::Duration::from_secs(3600));
    let page = ada.get("/.vestibule/second-factor?return_to=/money/").await;
    assert!(page.body.contains("asks you once more") && page.body.contains("value=\"/money/\""), "{page:?}");
    let asked = ada.post("/.vestibule/second-factor/fresh", &[("return_to", "/money/")]).await;
    let sent = super::browser::read_sent(asked.location());
    assert!(sent.xml.contains("ForceAuthn=\"true\""), "{}", sent.xml);
    let mut answer = site.acme_idp.answer(&sent);
    MFA_VALUES[1].clone_into(&mut answer.context);
    assert_eq!(ada.return_with(&answer).await.location(), "/money/");
    let second = site.only_session_of_ada().await.second_factor.expect("a second factor");
    assert_eq!((second.at, second.method), (site.store.now(), SecondMethod::IdentityProvider));
}

#[tokio::test]
async fn ended_connections_void_what_is_halfway() {
    let site = Site::new().await;
    site.change(&site.acme, |acme| acme.set("two_factor", "always")).await;
    let (mut ada, location) = signs_in(&site, None, &[]).await;
    assert_eq!(location, SET_UP);
    let secret = secret_of(&ada.get(SET_UP).await);
    let connection = vestibule::session::Scope::Connection(site.acme.id);
    let end = async |tx: vestibule::store::Tx| vestibule::session::records::revoke(&tx, connection).await;
    site.store.transaction("test", end).await.unwrap();
    let page = ada.post(SET_UP, &[("code", &site.code(&secret))]).await;
    assert!(page.body.contains("This sign-in is over") && !ada.has_session(), "{page:?}");
}

#[tokio::test]
async fn an_identity_providers_word_changes_no_factor_of_somebody_who_has_one_here() {
    let site = Site::new().await;
    site.change(&site.acme, |acme| acme.set("trust_idp_mfa", "true")).await;
    let (mut ada, _) = signs_in(&site, Some(MFA_VALUES[1]), &[]).await;
    let secret = secret_of(&ada.get(SET_UP).await);
    ada.post(SET_UP, &[("code", &site.code(&secret))]).await;
    site.clock.advance(super::second_factor::STEP);
    let (mut ada, location) = signs_in(&site, Some(MFA_VALUES[1]), &[]).await;
    assert_eq!((location.as_str(), ada.has_session()), ("/deals", true), "to sign in it counts");
    let page = ada.get(SET_UP).await;
    assert!(page.location().starts_with("/.vestibule/second-factor?return_to="), "{page:?}");
    for path in ["/.vestibule/account/recovery-codes", "/.vestibule/account/second-factor/remove"] {
        let page = ada.post(path, &[]).await;
        assert_eq!(page.location(), "/.vestibule/second-factor?return_to=%2F.vestibule%2Faccount", "{path}: {page:?}");
    }
    let form = [("code", &*site.code(&secret)), ("return_to", "/.vestibule/account")];
    assert_eq!(ada.post(CHALLENGE, &form).await.location(), "/.vestibule/account");
    assert!(ada.get(SET_UP).await.body.contains("Change your authenticator app"), "their own does");
}
