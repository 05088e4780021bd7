//! Removing single sign-on: told before, refused where somebody relies on it, and the end of its sessions.

use http::StatusCode;
use vestibule::directory::{
    OrgKind, Organization, SsoCertificate, SsoConnection, SsoSettings, link, organization, sso,
};
use vestibule::kernel::Role;
use vestibule::session::{Method, NewSession, Scope, SessionError, records};
use vestibule::store::Tx;

use super::world::Site;

const PAGE: &str = "/.vestibule/console/o/acme/sso/remove";

/// Single sign-on, as it is stored.
async fn connect(site: &Site, organization: &Organization) {
    site.change(async |tx: Tx| {
        let certificate = SsoCertificate {
            der_base64: String::new(),
            sha256: "aa".to_owned(),
            subject: "CN=idp".to_owned(),
            not_before: tx.now(),
            not_after: tx.now(),
            added: tx.now(),
        };
        let settings = SsoSettings::new("https://idp.acme.example/", "https://idp.acme.example/sso", tx.now());
        sso::set(&tx, organization, &SsoConnection { settings, certificates: vec![certificate] }).await
    })
    .await;
}

async fn set(site: &Site, organization: &Organization, key: &str, value: &str) {
    let mut changed = site.now(organization).await;
    changed.set(key, value).unwrap();
    site.change(async |tx: Tx| Ok(organization::save(&tx, &changed)?)).await;
}

async fn is_connected(site: &Site, organization: &Organization) -> bool {
    sso::connection(&site.store.reader(), organization.id).await.unwrap().is_some()
}

#[tokio::test]
async fn d6_what_becomes_of_whom_is_told_and_its_sessions_end_with_it() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let mut ada = site.comes(&acme, "ada@acme.example", Role::Admin).await;
    ada.get(PAGE).await.says("There is no single sign-on yet");
    let page = ada.submit("/.vestibule/console/o/acme/general", PAGE, &[("agreed", "on")]).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND, "{}", page.body);
    connect(&site, &acme).await;
    let bob = site.person(&acme, "bob@acme.example", Role::Member).await;
    let (id, now) = (Some(acme.id), site.store.now());
    let new = NewSession { organization: id, connection: id, ..NewSession::new(bob.id, Method::Sso, now) };
    let start = async |tx: Tx| Ok::<_, SessionError>(site.sessions.start(&tx, &new).await?.id);
    let session = site.store.transaction("test", start).await.unwrap();
    let page = ada.get(PAGE).await;
    page.says("1 session here was made by it").says("<bdi>acme.example</bdi>").says("This site sends no mail");
    let page = ada.submit(PAGE, PAGE, &[]).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST, "they did not say that they looked");
    assert!(is_connected(&site, &acme).await);
    let page = ada.submit(PAGE, PAGE, &[("agreed", "on")]).await;
    assert_eq!(page.location, "/.vestibule/console/o/acme/sso?done=removed", "{}", page.body);
    ada.get(&page.location).await.says("Single sign-on is removed").hides("idp.acme.example");
    let tx = site.store.reader();
    assert!(!is_connected(&site, &acme).await && sso::certificates(&tx, acme.id).await.unwrap().is_empty());
    assert!(records::find(&tx, session).await.unwrap().is_none(), "the session that it made");
    assert_eq!(records::list(&tx, Scope::Organization(acme.id)).await.unwrap().len(), 1, "theirs is by a password");
    let last = site.audited(&acme).await.pop().unwrap();
    let told = (last.actor.as_str(), last.action.as_str(), last.before.as_str(), last.after.as_str());
    assert_eq!(told, ("ada@acme.example", "sso.remove", "https://idp.acme.example/", ""));
}

#[tokio::test]
async fn what_somebody_relies_on_is_not_removed() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let mut ada = site.comes(&acme, "ada@acme.example", Role::Owner).await;
    connect(&site, &acme).await;
    for (key, expected) in
        [("require_sso", "single sign-on is required here"), ("idp_managed_access", "is added as a member")]
    {
        set(&site, &acme, key, "true").await;
        ada.get(PAGE).await.says("It can't be removed now").says(expected).hides("vestibule org set");
        let page = ada.submit("/.vestibule/console/o/acme/general", PAGE, &[("agreed", "on")]).await;
        assert_eq!(page.status, StatusCode::CONFLICT, "{}", page.body);
        page.says(expected);
        assert!(is_connected(&site, &acme).await, "{key}");
        set(&site, &acme, key, "false").await;
    }
}

#[tokio::test]
async fn d12_an_admin_organizations_stays_while_others_are_linked() {
    let site = Site::new().await;
    let (group, acme) =
        (site.organization("group", OrgKind::Admin).await, site.organization("acme", OrgKind::Customer).await);
    connect(&site, &group).await;
    site.link(&group, &acme).await;
    let mut operator = site.operator().await;
    let here = "/.vestibule/console/o/group/sso/remove";
    operator.get(here).await.says("The people of acme sign in by it");
    let page = operator.submit("/.vestibule/console/o/group/general", here, &[("agreed", "on")]).await;
    assert_eq!(page.status, StatusCode::CONFLICT, "{}", page.body);
    assert!(is_connected(&site, &group).await);
    // What rests under the link can go: only the Admin organization's counts.
    connect(&site, &acme).await;
    let page = operator.submit(PAGE, PAGE, &[("agreed", "on")]).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.body);
    site.change(async |tx: Tx| link::leave(&tx, &acme).await.map(|_| ())).await;
    let page = operator.submit(here, here, &[("agreed", "on")]).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.body);
    assert!(!is_connected(&site, &group).await);
}

#[tokio::test]
async fn d12_it_stays_while_its_admin_organization_requires_it_and_it_still_counts() {
    let site = Site::new().await;
    let (group, acme) =
        (site.organization("group", OrgKind::Admin).await, site.organization("acme", OrgKind::Customer).await);
    connect(&site, &group).await;
    connect(&site, &acme).await;
    set(&site, &group, "require_sso", "true").await;
    site.link(&group, &acme).await;
    let mut operator = site.operator().await;
    let expected = "group requires single sign-on, and the people of acme";
    operator.get(PAGE).await.says("It can't be removed now").says(expected);
    let page = operator.submit("/.vestibule/console/o/acme/general", PAGE, &[("agreed", "on")]).await;
    assert_eq!(page.status, StatusCode::CONFLICT, "{}", page.body);
    page.says(expected);
    assert!(is_connected(&site, &acme).await);
    // Once the window is over, it rests whole.
    site.clock.advance(link::DEFAULT_WINDOW);
    let mut operator = site.operator().await;
    let page = operator.submit(PAGE, PAGE, &[("agreed", "on")]).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.body);
    assert!(!is_connected(&site, &acme).await);
}
