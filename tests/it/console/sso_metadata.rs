//! Metadata at its address (R52): set, read again each day and by the button, followed or refused, and forgotten.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::StatusCode;
use vestibule::administration::Administration;
use vestibule::administration::api::SsoRefresh;
use vestibule::administration::sso_metadata::{refresh, round};
use vestibule::directory::{OrgKind, Organization, SsoConnection, sso, sso_refresh};
use vestibule::kernel::Role;
use vestibule::saml::fetch::{Asker, Documents, FetchError};
use vestibule::store::{Tx, check_store, take_lease};

use super::world::{Browser, Published, Site};

const PAGE: &str = "/.vestibule/console/o/acme/sso";
const URL: &str = "https://idp.acme.example/metadata";
const IDP: &str = "https://idp.acme.example/";
const DAY: Duration = Duration::from_secs(24 * 3600 + 1);
const NODE: &str = "this node";

/// What an identity provider publishes, with these certificates of the fixtures.
fn metadata(entity_id: &str, sign_in: &str, certificates: &[&str]) -> Vec<u8> {
    let key = |name: &&str| {
        let path = format!("{}/tests/saml/certificates/{name}.pem", env!("CARGO_MANIFEST_DIR"));
        let pem = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let der: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        format!(
            "<KeyDescriptor use=\"signing\"><KeyInfo xmlns=\"http://www.w3.org/2000/09/xmldsig#\"><X509Data>\
             <X509Certificate>{der}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>"
        )
    };
    let keys = certificates.iter().map(key).collect::<Vec<_>>().concat();
    format!(
        "<EntityDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"{entity_id}\"><IDPSSODescriptor \
         protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">{keys}<SingleSignOnService \
         Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" Location=\"{sign_in}\"/></IDPSSODescriptor>\
         </EntityDescriptor>"
    )
    .into_bytes()
}

fn usual(certificates: &[&str]) -> Vec<u8> {
    metadata(IDP, "https://idp.acme.example/sso", certificates)
}

async fn held(site: &Site, acme: &Organization) -> SsoConnection {
    sso::connection(&site.store.reader(), acme.id).await.unwrap().expect("a connection")
}

/// An organization whose metadata stands at its address, with one certificate, and its admin's browser.
async fn set_up(site: &Site) -> (Organization, Browser) {
    let acme = site.organization("acme", OrgKind::Customer).await;
    let mut ada = site.comes(&acme, "ada@acme.example", Role::Admin).await;
    site.published.put(URL, Ok(usual(&["rsa"])));
    let page = ada.submit(PAGE, &format!("{PAGE}/address"), &[("address", URL)]).await;
    assert_eq!(page.location, format!("{PAGE}?done=saved"), "{}", page.body);
    (acme, ada)
}

async fn button(ada: &mut Browser, name: &str) -> super::world::Page {
    ada.submit(PAGE, &format!("{PAGE}/{name}"), &[]).await
}

#[tokio::test]
async fn r52_metadata_is_set_by_its_address_which_stands_on_the_page_and_in_the_audit() {
    let site = Site::new().await;
    let (acme, mut ada) = set_up(&site).await;
    let connection = held(&site, &acme).await;
    assert_eq!((connection.settings.metadata_url.as_deref(), connection.certificates.len()), (Some(URL), 1));
    ada.get(PAGE).await.says(&format!("<code>{URL}</code>")).says("Read it again now").says("last read 2026-11-22");
    let audited = site.audited(&acme).await;
    let noted = audited.iter().find(|entry| entry.object == "sso metadata_address").expect("an entry");
    assert_eq!((noted.actor.as_str(), noted.after.as_str()), ("ada@acme.example", URL));
    let mut checkers = vestibule::administration::check::room_checkers();
    checkers.extend(vestibule::server::door_checkers());
    let report = check_store(&site.store, &checkers).await.unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}

#[tokio::test]
async fn r52_a_rollover_is_followed_by_itself_day_by_day() {
    let site = Site::new().await;
    let (acme, _) = set_up(&site).await;
    let names = async || {
        let mut names: Vec<String> =
            held(&site, &acme).await.certificates.into_iter().map(|held| held.sha256).collect();
        names.sort();
        names
    };
    let old = names().await;
    assert_eq!(round(&site.admin, NODE).await.unwrap(), 0, "not before a day is over");
    site.published.put(URL, Ok(usual(&["rsa", "p256"])));
    site.clock.advance(DAY);
    assert_eq!(round(&site.admin, NODE).await.unwrap(), 1);
    let both = names().await;
    assert!(both.len() == 2 && both.contains(&old[0]), "{both:?}");
    let last = site.audited(&acme).await.pop().unwrap();
    assert_eq!((last.actor.as_str(), last.action.as_str(), last.from.as_str()), ("vestibule", "sso.refresh", ""));
    assert_eq!(last.object, "sso certificates");
    site.published.put(URL, Ok(usual(&["p256"])));
    assert_eq!(round(&site.admin, NODE).await.unwrap(), 0, "once a day");
    site.clock.advance(DAY);
    round(&site.admin, NODE).await.unwrap();
    let new = names().await;
    assert!(new.len() == 1 && new != old && both.contains(&new[0]), "{new:?}");
    // Nothing changed: nothing is written down.
    let before = (site.audited(&acme).await.len(), held(&site, &acme).await);
    site.clock.advance(DAY);
    assert_eq!(round(&site.admin, NODE).await.unwrap(), 1);
    assert_eq!((site.audited(&acme).await.len(), held(&site, &acme).await), before);
}

#[tokio::test]
async fn r52_what_cannot_be_followed_changes_nothing_and_is_told() {
    let site = Site::new().await;
    let (acme, mut ada) = set_up(&site).await;
    let before = (held(&site, &acme).await, site.audited(&acme).await.len());
    let dtd = [b"<!DOCTYPE EntityDescriptor [<!ENTITY a \"b\">]>".as_slice(), &usual(&["rsa"])].concat();
    let text = String::from_utf8(usual(&["rsa"])).unwrap();
    let over = text.replacen("<EntityDescriptor ", "<EntityDescriptor validUntil=\"2026-11-01T00:00:00Z\" ", 1);
    let host = || "idp.acme.example".to_owned();
    let cases = [
        (Ok(metadata("https://other.example/", "https://idp.acme.example/sso", &["rsa"])), "another identity provider"),
        (Ok(dtd), "refused"),
        (Ok(over.into_bytes()), "valid until 2026-11-01"),
        (Ok(usual(&[])), "no signing certificate"),
        (Ok(usual(&["rsa1024"])), "weak key"),
        (Ok(b"<html><body>Sign in</body></html>".to_vec()), "web page"),
        (Ok(Vec::new()), "empty"),
        (Err(FetchError::TooLarge(host())), "larger than"),
        (Err(FetchError::Slow(host(), Duration::from_secs(10))), "did not answer within 10s"),
        (Err(FetchError::Internal("10.0.0.1".to_owned())), "has no public address here"),
        (Err(FetchError::Status(host(), 404)), "answers 404"),
    ];
    for (document, expected) in cases {
        site.published.put(URL, document);
        let page = button(&mut ada, "refresh").await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{}", page.body);
        page.says(expected).hides("internal_hosts");
        ada.get(PAGE).await.says("can't be followed").says(expected);
        assert_eq!((held(&site, &acme).await, site.audited(&acme).await.len()), before, "{expected}");
    }
    site.published.put(URL, Ok(usual(&["rsa"])));
    assert_eq!(button(&mut ada, "refresh").await.location, format!("{PAGE}?done=read"));
    ada.get(PAGE).await.hides("can't be followed").says("followed");
}

#[tokio::test]
async fn r52_after_three_days_of_it_the_home_says_so_and_each_hour_it_is_tried_again() {
    let site = Site::new().await;
    let (acme, _) = set_up(&site).await;
    site.published.put(URL, Err(FetchError::Unreachable("idp.acme.example".to_owned())));
    site.clock.advance(DAY);
    assert_eq!(round(&site.admin, NODE).await.unwrap(), 1);
    assert_eq!(round(&site.admin, NODE).await.unwrap(), 0, "not at once");
    site.clock.advance(Duration::from_secs(3601));
    assert_eq!(round(&site.admin, NODE).await.unwrap(), 1);
    let failing = sso_refresh::find(&site.store.reader(), acme.id).await.unwrap().unwrap().failing.unwrap();
    assert_eq!(failing.since.plus(Duration::from_secs(3601)), site.store.now(), "since the first time");
    // Days pass, and sessions end: each look is somebody's who comes just then.
    let home = async |email: &str| {
        let mut browser = site.comes(&acme, email, Role::Admin).await;
        let page = browser.get("/.vestibule/console/o/acme").await;
        page.says("Needs attention");
        page
    };
    home("amy@acme.example").await.hides("has been out of reach");
    site.clock.advance(DAY * 3);
    round(&site.admin, NODE).await.unwrap();
    home("ann@acme.example").await.says("has been out of reach, or refused, for 3 days");
    site.published.put(URL, Ok(usual(&["rsa"])));
    site.clock.advance(Duration::from_secs(3601));
    round(&site.admin, NODE).await.unwrap();
    home("abe@acme.example").await.hides("has been out of reach");
}

#[tokio::test]
async fn the_button_is_audited_as_theirs_and_the_sign_in_address_follows() {
    let site = Site::new().await;
    let (acme, mut ada) = set_up(&site).await;
    site.published.put(URL, Ok(metadata(IDP, "https://idp.acme.example/sso2", &["rsa"])));
    button(&mut ada, "refresh").await;
    assert_eq!(held(&site, &acme).await.settings.sign_in_url, "https://idp.acme.example/sso2");
    let last = site.audited(&acme).await.pop().unwrap();
    assert_eq!((last.actor.as_str(), last.action.as_str()), ("ada@acme.example", "sso.refresh"));
    assert_eq!(last.object, "sso sign_in_url");
}

#[tokio::test]
async fn what_is_this_sides_fault_is_noted_too_and_not_tried_again_at_once() {
    let site = Site::new().await;
    let (acme, _) = set_up(&site).await;
    let known = async || sso_refresh::find(&site.store.reader(), acme.id).await.unwrap().unwrap();
    for error in [FetchError::Busy, FetchError::Ours("a secret of the house".to_owned())] {
        let before = known().await;
        site.published.put(URL, Err(error));
        let asked = refresh(Arc::clone(&site.admin), SsoRefresh { slug: acme.slug.clone() }).await;
        assert!(asked.is_err());
        assert_eq!(known().await, before, "whoever asks is told, and it is not the identity provider's");
        site.clock.advance(DAY);
        assert_eq!(round(&site.admin, NODE).await.unwrap(), 1);
        let failing = known().await.failing.expect("noted");
        assert!(!failing.why.contains("secret"), "{failing:?}");
        assert_eq!(round(&site.admin, NODE).await.unwrap(), 0, "not before an hour is over");
    }
}

/// What stood at an address before somebody else read there what is newer, and followed that.
struct Behind(Arc<Published>, Arc<Administration>);

#[async_trait]
impl Documents for Behind {
    async fn read(&self, url: &str, asker: Asker) -> Result<Vec<u8>, FetchError> {
        let behind = self.0.read(url, asker).await;
        self.0.put(url, Ok(usual(&["rsa", "p256"])));
        assert_eq!(round(&self.1, NODE).await.unwrap(), 1);
        behind
    }
}

#[tokio::test]
async fn an_older_reading_does_not_undo_a_newer_one() {
    let site = Site::new().await;
    let (acme, _) = set_up(&site).await;
    site.clock.advance(DAY);
    let documents = Arc::new(Behind(Arc::clone(&site.published), Arc::clone(&site.admin)));
    let admin = Arc::new(Administration { documents, ..(*site.admin).clone() });
    site.published.put(URL, Ok(metadata(IDP, "https://idp.acme.example/old", &["rsa"])));
    let shown = refresh(admin, SsoRefresh { slug: acme.slug.clone() }).await.unwrap();
    assert_eq!(shown.idp.unwrap().sign_in_url, "https://idp.acme.example/sso");
    let held = held(&site, &acme).await;
    assert_eq!((held.certificates.len(), held.settings.sign_in_url.as_str()), (2, "https://idp.acme.example/sso"));
}

#[tokio::test]
async fn one_node_reads_at_a_time() {
    let site = Site::new().await;
    set_up(&site).await;
    site.clock.advance(DAY);
    let other = async |tx: Tx| take_lease(&tx, "metadata-refreshes", "another node", Duration::from_secs(60)).await;
    assert!(site.store.transaction("test", other).await.unwrap());
    assert_eq!(round(&site.admin, NODE).await.unwrap(), 0);
    site.clock.advance(Duration::from_secs(61));
    assert_eq!(round(&site.admin, NODE).await.unwrap(), 1);
}

#[tokio::test]
async fn an_address_is_forgotten_by_a_file_by_hand_and_by_its_button() {
    let site = Site::new().await;
    let (acme, mut ada) = set_up(&site).await;
    let address = async || held(&site, &acme).await.settings.metadata_url;
    // Options alone keep it.
    let options = format!("{PAGE}/options");
    let page = ada.submit(&options, &options, &[("skew_seconds", "90")]).await;
    assert_eq!(page.location, format!("{options}?done=saved"), "{}", page.body);
    assert_eq!(address().await.as_deref(), Some(URL));
    let updated = held(&site, &acme).await.settings.updated;
    site.clock.advance(Duration::from_secs(60));
    assert_eq!(button(&mut ada, "forget").await.location, format!("{PAGE}?done=forgotten"));
    assert_eq!((address().await, held(&site, &acme).await.settings.updated), (None, updated));
    for name in ["forget", "refresh"] {
        let page = button(&mut ada, name).await;
        assert_eq!(page.status, StatusCode::CONFLICT, "{}", page.body);
        page.says("no address of its metadata").hides("vestibule sso");
    }
    let again = async |ada: &mut Browser| {
        ada.submit(PAGE, &format!("{PAGE}/address"), &[("address", URL)]).await;
        assert_eq!(address().await.as_deref(), Some(URL));
    };
    again(&mut ada).await;
    let text = String::from_utf8(usual(&["rsa"])).unwrap();
    ada.submit(PAGE, &format!("{PAGE}/metadata"), &[("metadata", &text)]).await;
    assert_eq!(address().await, None);
    again(&mut ada).await;
    let hand = [("issuer", IDP), ("sign_in_url", "https://idp.acme.example/sso"), ("certificate", "")];
    ada.submit(PAGE, &format!("{PAGE}/hand"), &hand).await;
    assert_eq!((address().await, held(&site, &acme).await.certificates.len()), (None, 1));
    assert_eq!(sso_refresh::find(&site.store.reader(), acme.id).await.unwrap(), None);
    site.clock.advance(DAY);
    assert_eq!(round(&site.admin, NODE).await.unwrap(), 0);
}

#[tokio::test]
async fn r52_an_address_that_cannot_be_used_stands_again_with_its_answer() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let mut ada = site.comes(&acme, "ada@acme.example", Role::Admin).await;
    site.published.put("https://inner.example/", Err(FetchError::Internal("inner.example".to_owned())));
    for (typed, expected) in [
        ("http://idp.acme.example/metadata", "begins with https://"),
        ("idp.acme.example", "begins with https://"),
        ("", "begins with https://"),
        ("https://me:pass@idp.acme.example/", "begins with https://"),
        ("https://nobody.example/", "has no public address here"),
        ("https://inner.example/", "has no public address here"),
    ] {
        let page = ada.submit(PAGE, &format!("{PAGE}/address"), &[("address", typed)]).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{typed}: {}", page.body);
        page.says(expected).says(&format!("name=\"address\" value=\"{typed}\"")).hides("internal_hosts");
    }
    assert_eq!(sso::connection(&site.store.reader(), acme.id).await.unwrap(), None);
}
