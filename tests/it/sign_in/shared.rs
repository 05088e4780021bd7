//! Shared SSO through the portal: what an Admin organization opens, and what it never does (D12 to D14).

use std::time::Duration;

use http::StatusCode;
use vestibule::directory::organization::{self, OrgKind};
use vestibule::directory::{
    DirectoryError, LoginRecord, Organization, Origin, SsoConnection, SsoSettings, audit, claim, link, member, sso,
    transfer,
};
use vestibule::kernel::Role;
use vestibule::session::{Scope, records};
use vestibule::store::Tx;

use super::browser::{Page, Sent, read_sent};
use super::idp::{Answer, Idp};
use super::pages::until_over;
use super::{Browser, PUBLIC_URL, Site, key};

pub const DAY: Duration = Duration::from_secs(24 * 3600);
const WEEK: Duration = link::DEFAULT_WINDOW;

impl Site {
    /// An Admin organization with a domain and an IdP of its own.
    pub async fn group(&self) -> (Organization, Idp) {
        let idp = Idp::new("https://idp.group.example/metadata", key(3), PUBLIC_URL);
        let create = async |tx: Tx| {
            let slug = "group".parse().unwrap();
            let made = organization::create(&tx, &self.rng, &slug, "The Group", OrgKind::Admin).await?;
            claim::claim_trusted(&tx, &made, &"group.example".parse().unwrap()).await?;
            let settings = SsoSettings::new(&idp.entity_id, "https://idp.group.example/sso", tx.now());
            let connection = SsoConnection { settings, certificates: vec![idp.certificate(tx.now())] };
            sso::set(&tx, &made, &connection).await?;
            Ok::<_, DirectoryError>(made)
        };
        let made = self.store.transaction("test", create).await.unwrap();
        (made, idp)
    }

    /// Links an organization by a fresh code.
    pub async fn join(&self, organization: &Organization, group: &Organization, window: Duration) {
        let join = async |tx: Tx| {
            let code = link::code(&tx, &self.rng, group)?.expose().clone();
            link::join(&tx, organization, &code, window).await
        };
        self.store.transaction("test", join).await.unwrap();
    }

    pub async fn hand_over(&self, from: &Organization, to: &Organization, domain: &str) {
        let domain = domain.parse().unwrap();
        let hand = async |tx: Tx| Ok::<_, DirectoryError>(transfer::to_admin(&tx, &domain, to).await?.0.id == from.id);
        assert!(self.store.transaction("test", hand).await.unwrap());
    }

    /// As the command does.
    async fn leave(&self, organization: &Organization) {
        let leave = async |tx: Tx| {
            let gone = link::leave(&tx, organization).await?;
            records::revoke(&tx, Scope::Through(organization.id, gone.admin)).await?;
            Ok::<_, DirectoryError>(())
        };
        self.store.transaction("test", leave).await.unwrap();
    }

    pub async fn role_in(&self, organization: &Organization, email: &str) -> Option<(Role, Origin)> {
        let account = self.account(email).await?;
        let member = member::find(&self.store.reader(), organization.id, account.id).await.unwrap()?;
        Some((member.role, member.origin))
    }

    async fn last_login(&self, of: &Organization) -> LoginRecord {
        self.logins(of).await.remove(0)
    }
}

impl Browser {
    /// Starts at an organization's own address.
    pub async fn start_at(&mut self, slug: &str) -> Sent {
        let page = self.get(&format!("/.vestibule/sso/{slug}")).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{page:?}");
        read_sent(page.location())
    }
}

/// Brings an answer about `email`.
async fn comes_back(browser: &mut Browser, answer: Answer<'_>, email: &str) -> Page {
    browser.return_with(&answer.email(email)).await
}

#[tokio::test]
async fn d13_a_linked_organizations_own_address_leads_through_the_admins_idp_into_it_alone() {
    let site = Site::new().await;
    let (group, idp) = site.group().await;
    site.join(&site.acme, &group, Duration::ZERO).await;
    let mut browser = site.browser();
    let sent = browser.start_at("acme").await;
    assert_eq!(sent.destination, "https://idp.group.example/sso");
    assert!(sent.xml.contains("/.vestibule/saml/group/acs"), "the Admin's ACS: {}", sent.xml);
    let page = comes_back(&mut browser, idp.answer(&sent), "eve@group.example").await;
    assert_eq!(page.location(), "/", "{page:?}");
    assert_eq!(site.current(&mut browser).await.as_deref(), Some("acme"));
    assert_eq!(site.role_in(&site.acme, "eve@group.example").await, Some((Role::Member, Origin::Jit)));
    assert_eq!(site.role_in(&group, "eve@group.example").await, Some((Role::Member, Origin::Jit)), "a plain member");
    let account = browser.get("/.vestibule/account").await;
    assert!(!account.body.contains("The Group"), "its plain members never see it: {}", account.body);
    let session = site.only_session().await;
    assert_eq!((session.organization, session.connection), (Some(site.acme.id), Some(group.id)));
    for of in [&group, &site.acme] {
        assert_eq!(site.last_code(of).await, "accepted", "{} has it in its log", of.slug);
    }
    let again = browser.get("/.vestibule/sso/acme").await;
    assert_eq!(again.location(), "/", "whoever is in goes straight on");
}

#[tokio::test]
async fn d13_without_the_linked_organizations_setting_only_members_enter_and_the_refused_read_whom_to_ask() {
    let site = Site::new().await;
    let (group, idp) = site.group().await;
    site.change(&group, |group| group.set("idp_managed_access", "true")).await;
    site.join(&site.globex, &group, WEEK).await;
    site.hand_over(&site.globex, &group, "globex.example").await;
    let mut browser = site.browser();
    let sent = browser.start_at("globex").await;
    let page = comes_back(&mut browser, idp.answer(&sent), "eve@group.example").await;
    assert_eq!(page.status, StatusCode::FORBIDDEN, "the Admin's own setting adds nobody: {page:?}");
    assert!(page.body.contains("owner or administrator of globex"), "{}", page.body);
    assert_eq!(site.last_code(&site.globex).await, "not_a_member");
    assert!(site.account("eve@group.example").await.is_none(), "a refusal writes nothing");
    let sent = browser.ask("eve@group.example", "/").await;
    comes_back(&mut browser, idp.answer(&sent), "eve@group.example").await;
    assert_eq!(site.last_code(&group).await, "not_a_member");
    site.add(&site.globex, "eve@group.example", Role::Admin).await;
    let sent = browser.ask("eve@group.example", "/").await;
    let page = comes_back(&mut browser, idp.answer(&sent), "eve@group.example").await;
    assert_eq!(page.location(), "/", "{page:?}");
    assert_eq!(site.current(&mut browser).await.as_deref(), Some("globex"));
}

#[tokio::test]
async fn d13_from_the_question_the_only_one_that_adds_people_is_entered_and_of_several_the_person_picks() {
    let site = Site::new().await;
    let (group, idp) = site.group().await;
    site.join(&site.acme, &group, WEEK).await;
    site.join(&site.globex, &group, WEEK).await;
    let mut browser = site.browser();
    let sent = browser.ask("eve@group.example", "/deals").await;
    let page = comes_back(&mut browser, idp.answer(&sent), "eve@group.example").await;
    assert_eq!(page.location(), "/deals", "acme alone adds people: {page:?}");
    assert_eq!(site.current(&mut browser).await.as_deref(), Some("acme"));

    site.change(&site.globex, |globex| globex.set("idp_managed_access", "true")).await;
    let mut other = site.browser();
    let sent = other.ask("kim@group.example", "/deals").await;
    let page = comes_back(&mut other, idp.answer(&sent), "kim@group.example").await;
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    assert!(page.body.contains("value=\"acme\"") && page.body.contains("value=\"globex\""), "{}", page.body);
    assert!(!other.has_session() && site.account("kim@group.example").await.is_none(), "nothing is written yet");
    let finish = "/.vestibule/saml/group/finish";
    let wrong = other.post(finish, &[("login", &sent.request_id), ("organization", "group")]).await;
    assert_eq!(wrong.status, StatusCode::FORBIDDEN, "{wrong:?}");
    let sent = other.ask("kim@group.example", "/deals").await;
    comes_back(&mut other, idp.answer(&sent), "kim@group.example").await;
    let page = other.post(finish, &[("login", &sent.request_id), ("organization", "globex")]).await;
    assert_eq!(page.location(), "/deals", "{page:?}");
    assert_eq!(site.current(&mut other).await.as_deref(), Some("globex"));
    // Eve is in acme: that was the last one.
    let mut again = site.browser();
    let sent = again.ask("eve@group.example", "/").await;
    comes_back(&mut again, idp.answer(&sent), "eve@group.example").await;
    assert_eq!(site.current(&mut again).await.as_deref(), Some("acme"));
}

#[tokio::test]
async fn d13_who_runs_the_admin_organization_is_in_no_other_and_opens_nothing_of_them() {
    let site = Site::new().await;
    let (group, idp) = site.group().await;
    site.join(&site.globex, &group, Duration::ZERO).await;
    site.add(&group, "root@group.example", Role::Owner).await;
    let mut browser = site.browser();
    let sent = browser.ask("root@group.example", "/").await;
    let page = comes_back(&mut browser, idp.answer(&sent), "root@group.example").await;
    assert_eq!(page.location(), "/", "{page:?}");
    assert_eq!(site.current(&mut browser).await, None, "no organization that an app would hear of");
    assert_eq!(site.role_in(&site.globex, "root@group.example").await, None);
    let sent = browser.start_at("globex").await;
    let page = comes_back(&mut browser, idp.answer(&sent), "root@group.example").await;
    assert_eq!(page.status, StatusCode::FORBIDDEN, "{page:?}");
    assert_eq!(site.last_code(&site.globex).await, "not_a_member");
}

#[tokio::test]
async fn d14_the_old_connection_counts_within_the_window_and_each_use_is_written_down() {
    let site = Site::new().await;
    let (group, idp) = site.group().await;
    site.join(&site.acme, &group, WEEK).await;
    let mut browser = site.browser();
    site.sign_in_ada(&mut browser).await;
    let record = site.last_login(&site.acme).await;
    assert!(record.checks.iter().any(|check| check.name == "old connection" && check.passed), "{:?}", record.checks);
    let uses = link::old_use(&site.store.reader(), site.acme.id).await.unwrap().expect("a use");
    assert_eq!((uses.count, uses.email.as_str()), (1, "ada@acme.example"));
    let audited = audit::page(&site.store.reader(), site.acme.id, 0, 50).await.unwrap();
    assert!(audited.iter().any(|(_, audited)| audited.entry.action == "link.old_connection"));

    // On its way when the domain is handed over: it arrives.
    let mut late = site.browser();
    let sent = late.ask("ada@acme.example", "/").await;
    assert_eq!(sent.destination, "https://idp.acme.example/sso", "a domain of its own leads to its own connection");
    site.hand_over(&site.acme, &group, "acme.example").await;
    assert_eq!(late.return_with(&site.acme_idp.answer(&sent)).await.location(), "/");

    // From now on it leads to the Admin's.
    let mut next = site.browser();
    let sent = next.ask("ada@acme.example", "/").await;
    assert_eq!(sent.destination, "https://idp.group.example/sso");
    assert_eq!(next.return_with(&idp.answer(&sent)).await.location(), "/");
    assert_eq!(site.current(&mut next).await.as_deref(), Some("acme"), "the same account, as before");

    // Nor has its own address anything left to lead to; after the window the old one is over.
    let mut stale = site.browser();
    let sent = stale.start_at("acme").await;
    assert_eq!(sent.destination, "https://idp.group.example/sso", "it holds no domain any more");
    site.clock.advance(WEEK);
    assert!(!link::find(&site.store.reader(), site.acme.id).await.unwrap().unwrap().in_window(site.store.now()));
}

#[tokio::test]
async fn d14_after_the_window_the_old_connection_rests_and_a_kept_domain_leads_nowhere() {
    let site = Site::new().await;
    let (group, idp) = site.group().await;
    site.join(&site.acme, &group, Duration::from_secs(120)).await;
    let mut browser = site.browser();
    let sent = browser.ask("ada@acme.example", "/").await;
    site.clock.advance(Duration::from_secs(120));
    let page = browser.return_with(&site.acme_idp.answer(&sent)).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN, "{page:?}");
    assert_eq!(site.last_code(&site.acme).await, "connection_rests");
    let page = browser.post("/.vestibule/sign-in", &[("email", "ada@acme.example"), ("return_to", "/")]).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND, "{page:?}");
    // Its exclusivity stays.
    let claim = async |tx: Tx| claim::claim_trusted(&tx, &site.globex, &"acme.example".parse().unwrap()).await;
    let held = site.store.transaction("test", claim).await.unwrap_err();
    assert!(matches!(held, DirectoryError::DomainHeld(_)), "{held}");
    // The Admin's IdP can't speak for it either.
    let sent = browser.start_at("acme").await;
    let page = browser.return_with(&idp.answer(&sent)).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert_eq!(site.last_code(&group).await, "email_domain");
    assert_eq!(site.session_count().await, 0);
}

#[tokio::test]
async fn d14_leaving_brings_the_own_connection_back_and_ends_what_was_made_through_the_admin() {
    let site = Site::new().await;
    let (group, idp) = site.group().await;
    site.join(&site.acme, &group, WEEK).await;
    site.join(&site.globex, &group, Duration::ZERO).await;
    site.add(&site.globex, "kim@group.example", Role::Member).await;
    let (mut eve, mut kim, mut under_way, mut ada) = (site.browser(), site.browser(), site.browser(), site.browser());
    site.sign_in_ada(&mut ada).await;
    site.clock.advance(DAY / 24);
    site.hand_over(&site.acme, &group, "acme.example").await;
    let sent = eve.start_at("acme").await;
    comes_back(&mut eve, idp.answer(&sent), "eve@group.example").await;
    let sent = kim.start_at("globex").await;
    comes_back(&mut kim, idp.answer(&sent), "kim@group.example").await;
    let late = under_way.start_at("acme").await;
    site.clock.advance(Duration::from_secs(1));
    site.leave(&site.acme).await;
    until_over(eve).await;
    assert_eq!(site.current(&mut kim).await.as_deref(), Some("globex"), "another linked organization goes on");
    assert_eq!(site.current(&mut ada).await.as_deref(), Some("acme"), "so does what its own connection made");
    let page = comes_back(&mut under_way, idp.answer(&late), "eve@group.example").await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert_eq!(site.last_code(&group).await, "link_ended");
    assert_eq!(site.last_code(&site.acme).await, "link_ended", "both have it in their log");
    site.clock.advance(Duration::from_secs(1));
    // Its own counts again; the domain that it handed over stays where it is.
    assert_eq!(site.browser().start_at("acme").await.destination, "https://idp.acme.example/sso");
    assert_eq!(site.browser().ask("ada@acme.example", "/").await.destination, "https://idp.group.example/sso");
    let mut browser = site.browser();
    let sent = browser.start_at("acme").await;
    assert_eq!(browser.return_with(&site.acme_idp.answer(&sent)).await.status, StatusCode::FORBIDDEN);
    assert_eq!(site.last_code(&site.acme).await, "email_domain");
}

#[tokio::test]
async fn d12_session_limits_are_the_shorter_of_both() {
    let site = Site::new().await;
    let (group, _) = site.group().await;
    site.change(&site.acme, |acme| acme.set("session_absolute", "2h")).await;
    site.change(&group, |group| group.set("session_absolute", "1h")).await;
    site.join(&site.acme, &group, WEEK).await;
    let mut ada = site.browser();
    site.sign_in_ada(&mut ada).await;
    let session = site.only_session().await;
    assert_eq!(session.absolute_end, session.created.plus(Duration::from_secs(3600)));
}
