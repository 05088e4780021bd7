//! One person, several organizations: the account page, switching, and what an organization asks of whoever enters (D6).

use std::time::Duration;

use http::StatusCode;
use vestibule::directory::organization::{self, OrgKind};
use vestibule::directory::{DirectoryError, Organization, Origin, member, user};
use vestibule::kernel::Role;
use vestibule::session::{Scope, SessionRecord, records};
use vestibule::store::Tx;

use super::pages::until_over;
use super::{Browser, Site};

const ACCOUNT: &str = "/.vestibule/account";
const SWITCH: &str = "/.vestibule/account/organization";
const ADA: &str = "ada@acme.example";

impl Site {
    /// Makes an organization without single sign-on and without domains.
    pub async fn found(&self, slug: &str, kind: OrgKind) -> Organization {
        let create = async |tx: Tx| organization::create(&tx, &self.rng, &slug.parse().unwrap(), slug, kind).await;
        self.store.transaction("test", create).await.unwrap()
    }

    /// Adds a person who has an account, or makes them one.
    pub async fn add(&self, to: &Organization, email: &str, role: Role) {
        let add = async |tx: Tx| {
            let email = email.parse().unwrap();
            let account = match user::find_by_email(&tx, &email).await? {
                Some(account) => account,
                None => user::create(&tx, &self.rng, &email)?,
            };
            member::add(&tx, to, &account, role, Origin::Hand).await
        };
        self.store.transaction("test", add).await.unwrap();
    }

    /// The one session that there is.
    pub async fn only_session(&self) -> SessionRecord {
        let mut all = records::list(&self.store.reader(), Scope::All).await.unwrap();
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    /// The organization that the browser's session is in, as the account page tells it.
    pub async fn current(&self, browser: &mut Browser) -> Option<String> {
        let page = browser.get(ACCOUNT).await;
        assert_eq!(page.status, StatusCode::OK, "{page:?}");
        let (_, rest) = page.body.split_once("</strong> at <strong>")?;
        Some(rest[..rest.find('<').unwrap()].to_owned())
    }

    async fn switch(&self, browser: &mut Browser, slug: &str) -> super::browser::Page {
        browser.post(SWITCH, &[("organization", slug)]).await
    }
}

#[tokio::test]
async fn a_person_in_two_organizations_goes_from_one_to_the_other_under_a_new_session() {
    let site = Site::new().await;
    let mut browser = site.browser();
    site.sign_in_ada(&mut browser).await;
    site.add(&site.globex, ADA, Role::Admin).await;
    let before = site.only_session().await;
    assert_eq!(site.current(&mut browser).await.as_deref(), Some("acme"));
    let page = browser.get(ACCOUNT).await;
    assert!(page.body.contains("Switch to globex") && !page.body.contains("Switch to acme"), "{}", page.body);

    site.clock.advance(Duration::from_secs(3600));
    let kept = browser.clone();
    let switched = browser.post(SWITCH, &[("organization", "globex"), ("return_to", "/deals?x=1")]).await;
    assert_eq!((switched.status, switched.location()), (StatusCode::SEE_OTHER, "/deals?x=1"), "{switched:?}");
    assert_eq!(site.current(&mut browser).await.as_deref(), Some("globex"));
    until_over(kept).await;

    let after = site.only_session().await;
    assert_ne!(after.id, before.id, "a privilege gained is another session");
    assert_eq!(after.organization, Some(site.globex.id));
    assert_eq!(after.connection, Some(site.acme.id), "it is still acme's single sign-on that made it");
    assert_eq!((after.auth_time, after.absolute_end), (before.auth_time, before.absolute_end), "and it ends no later");
    assert_eq!(after.signed_in(), before.created);
    assert_eq!(site.switch(&mut browser, "globex").await.location(), "/", "it is there already");
    assert_eq!(site.only_session().await.id, after.id);
}

#[tokio::test]
async fn what_is_not_theirs_looks_like_what_is_not_there() {
    let site = Site::new().await;
    let mut browser = site.browser();
    site.sign_in_ada(&mut browser).await;
    let mother = site.found("mother", OrgKind::Admin).await;
    site.add(&mother, ADA, Role::Owner).await;
    let asleep = site.found("asleep", OrgKind::Customer).await;
    site.add(&asleep, ADA, Role::Owner).await;
    let ada = site.account(ADA).await.unwrap();
    let sleep = async |tx: Tx| Ok::<_, DirectoryError>(member::put_to_sleep(&tx, asleep.id, ada.id).await?);
    site.store.transaction("test", sleep).await.unwrap();

    let account = browser.get(ACCOUNT).await;
    assert!(!account.body.contains("mother") && !account.body.contains("asleep"), "D13: {}", account.body);
    let told = |page: &super::browser::Page| page.body.replace(page.reference(), "");
    let nobody = site.switch(&mut browser, "nobody").await;
    assert_eq!(nobody.status, StatusCode::NOT_FOUND);
    for slug in ["globex", "mother", "asleep", "", "No Slug", "acme\0"] {
        let page = site.switch(&mut browser, slug).await;
        assert_eq!((page.status, told(&page)), (StatusCode::NOT_FOUND, told(&nobody)), "{slug:?}");
    }
    assert_eq!(site.current(&mut browser).await.as_deref(), Some("acme"));
}

#[tokio::test]
async fn no_other_site_switches_anybody() {
    let site = Site::new().await;
    let mut browser = site.browser();
    site.sign_in_ada(&mut browser).await;
    site.add(&site.globex, ADA, Role::Member).await;
    let headers = [("sec-fetch-site", "cross-site"), ("content-type", "application/x-www-form-urlencoded")];
    for path in [SWITCH, "/.vestibule/account/sessions/end-others"] {
        let form = axum::body::Body::from("organization=globex");
        let page = browser.send(http::Method::POST, path, &headers, form, true).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{path}");
        assert_eq!(browser.get(path).await.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
    }
    assert_eq!(site.current(&mut browser).await.as_deref(), Some("acme"));
    let stranger = site.switch(&mut site.browser(), "globex").await;
    assert_eq!(stranger.location(), "/.vestibule/sign-in?return_to=%2F.vestibule%2Faccount");
}

#[tokio::test]
async fn d6_a_sign_in_too_old_for_an_organization_is_asked_for_anew() {
    let site = Site::new().await;
    let mut browser = site.browser();
    site.sign_in_ada(&mut browser).await;
    site.add(&site.globex, ADA, Role::Member).await;
    site.change(&site.globex, |globex| globex.set("session_absolute", "30m")).await;
    site.clock.advance(Duration::from_secs(29 * 60));
    assert_eq!(site.switch(&mut browser, "globex").await.location(), "/");
    let session = site.only_session().await;
    assert_eq!(session.absolute_end, session.signed_in().plus(Duration::from_secs(30 * 60)), "not 30m from now on");

    let mut browser = site.browser();
    site.sign_in_ada(&mut browser).await;
    site.clock.advance(Duration::from_secs(30 * 60));
    let page = site.switch(&mut browser, "globex").await;
    assert!(page.location().starts_with("https://idp.acme.example/sso?"), "{page:?}");
    assert_eq!(site.current(&mut browser).await.as_deref(), Some("acme"), "until then nothing changes");
    let sent = super::browser::read_sent(page.location());
    let back = browser.return_with(&site.acme_idp.answer(&sent).email(ADA)).await;
    assert_eq!(back.location(), ACCOUNT, "{back:?}");
    assert_eq!(site.switch(&mut browser, "globex").await.location(), "/");
    assert_eq!(site.current(&mut browser).await.as_deref(), Some("globex"));
}

#[tokio::test]
async fn d11_required_single_sign_on_is_that_of_the_addresss_domain() {
    let site = Site::new().await;
    let mut browser = site.browser();
    site.sign_in_ada(&mut browser).await;
    site.add(&site.globex, ADA, Role::Member).await;
    site.change(&site.globex, |globex| globex.set("require_sso", "true")).await;
    assert_eq!(site.switch(&mut browser, "globex").await.location(), "/", "acme's speaks for her");
    assert_eq!(site.current(&mut browser).await.as_deref(), Some("globex"));
}

#[tokio::test]
async fn of_two_switches_at_once_one_happens() {
    let site = Site::new().await;
    let mut browser = site.browser();
    site.sign_in_ada(&mut browser).await;
    site.add(&site.globex, ADA, Role::Member).await;
    let (mut one, mut other) = (browser.clone(), browser.clone());
    let (first, second) = tokio::join!(site.switch(&mut one, "globex"), site.switch(&mut other, "globex"));
    let mut led = [first.location(), second.location()];
    led.sort_unstable();
    assert_eq!(led, ["/", "/.vestibule/sign-in?return_to=%2F.vestibule%2Faccount"]);
    site.only_session().await;
}

#[tokio::test]
async fn whoever_leaves_an_organization_is_out_of_it_and_not_of_the_others() {
    let site = Site::new().await;
    let mut browser = site.browser();
    site.sign_in_ada(&mut browser).await;
    site.add(&site.globex, ADA, Role::Member).await;
    let (mut here, ada) = (site.browser(), site.account(ADA).await.unwrap());
    site.sign_in_ada(&mut here).await;
    site.switch(&mut browser, "globex").await;
    let leave = async |tx: Tx| member::remove(&tx, &site.globex, &ada).await;
    site.store.transaction("test", leave).await.unwrap();
    until_over(browser).await;
    assert_eq!(site.current(&mut here).await.as_deref(), Some("acme"));
}

#[tokio::test]
async fn all_other_sessions_end_at_once() {
    let site = Site::new().await;
    let (mut here, mut there, mut elsewhere) = (site.browser(), site.browser(), site.browser());
    for browser in [&mut there, &mut elsewhere, &mut here] {
        site.sign_in_ada(browser).await;
        site.clock.advance(Duration::from_secs(65));
    }
    let page = here.get(ACCOUNT).await;
    assert!(page.body.contains("End all other sessions") && page.body.contains("1 minute ago"), "{}", page.body);
    assert!(page.body.contains("192.0.2.7") && page.body.contains("3 minutes ago"), "{}", page.body);
    assert_eq!(here.post("/.vestibule/account/sessions/end-others", &[]).await.location(), ACCOUNT);
    until_over(there).await;
    until_over(elsewhere).await;
    assert!(!here.get(ACCOUNT).await.body.contains("End all other sessions"));
}
