//! Sign-up by a mailed link, and what comes after: joining an organization, or hearing whom to ask (D7, D9).

use std::time::Duration;

use http::StatusCode;
use vestibule::directory::organization::{self, OrgKind};
use vestibule::directory::outbox;
use vestibule::directory::{DirectoryError, Mail, Organization, PublicMail, claim, discovery, member, user};
use vestibule::kernel::{DomainName, Role};
use vestibule::session::{Method, Scope, records};
use vestibule::store::{StoreError, Tx, check_store};

use super::browser::Page;
use super::pages::until_over;
use super::{Browser, Site};

const SIGN_IN: &str = "/.vestibule/sign-in";
const SIGN_UP: &str = "/.vestibule/sign-up";
pub const VERIFY: &str = "/.vestibule/sign-up/verify";
pub const JOIN: &str = "/.vestibule/join";
pub const EVE: &str = "eve@initech.example";

impl Site {
    /// A site that sends mail, where initech is to be found by people of its domain, in this way.
    pub async fn with_initech(discoverability: &str) -> (Self, Organization) {
        let site = Site::new().await;
        let on = async |tx: Tx| outbox::switch(&tx, true).await;
        site.store.transaction::<_, StoreError, _, _>("test", on).await.unwrap();
        let initech = site.found("initech", OrgKind::Customer).await;
        site.set(&initech, "discoverable_domains", "initech.example").await;
        site.set(&initech, "discoverability", discoverability).await;
        (site, initech)
    }

    pub async fn set(&self, of: &Organization, key: &str, value: &str) {
        let change = async |tx: Tx| {
            let before = organization::by_slug(&tx, &of.slug).await?;
            let mut changed = before.clone();
            changed.set(key, value)?;
            discovery::no_public_mail(&changed, &PublicMail::default())?;
            discovery::unlist(&tx, &before);
            Ok::<_, DirectoryError>(organization::save(&tx, &changed)?)
        };
        self.store.transaction("test", change).await.unwrap();
    }

    /// The next mail in the outbox, if there is one.
    pub async fn mail(&self) -> Option<Mail> {
        let take = async |tx: Tx| {
            let taken = outbox::take_due(&tx).await?;
            if let Some(taken) = &taken {
                outbox::remove(&tx, taken);
            }
            Ok::<_, StoreError>(taken.map(|taken| taken.mail))
        };
        self.store.transaction("test", take).await.unwrap()
    }

    /// The path of the link in the next mail, which goes to this address.
    pub async fn link(&self, to: &str) -> String {
        let mail = self.mail().await.unwrap_or_else(|| panic!("a mail to {to}"));
        assert_eq!(mail.to.as_str(), to, "{}", mail.subject);
        link_in(&mail)
    }

    /// Signs somebody in by a mailed link; gives where that led.
    pub async fn sign_up(&self, browser: &mut Browser, email: &str) -> String {
        let sent = browser.post(SIGN_UP, &[("email", email), ("return_to", "/deals")]).await;
        assert_eq!(sent.status, StatusCode::OK, "{sent:?}");
        let link = self.link(email).await;
        let question = browser.get(&link).await;
        assert!(question.body.contains(&format!("Go on as {email}")), "{question:?}");
        let entered = browser.post(VERIFY, &[("token", token_of(&link))]).await;
        assert_eq!(entered.status, StatusCode::SEE_OTHER, "{entered:?}");
        entered.location().to_owned()
    }

    pub async fn role(&self, email: &str, of: &Organization) -> Option<Role> {
        let account = self.account(email).await?;
        let member = member::find(&self.store.reader(), of.id, account.id).await.unwrap();
        member.map(|member| member.role)
    }

    pub async fn check_store(&self) {
        let checkers = vestibule::directory::check::checkers();
        let findings = check_store(&self.store, &checkers).await.unwrap().findings;
        assert!(findings.is_empty(), "{findings:?}");
    }
}

/// The path of the only link in a mail.
pub fn link_in(mail: &Mail) -> String {
    let text = mail.text.expose();
    let (_, rest) = text.split_once(super::PUBLIC_URL).unwrap_or_else(|| panic!("a link in {text}"));
    rest.split_whitespace().next().unwrap().to_owned()
}

pub fn token_of(link: &str) -> &str {
    link.split_once("token=").expect("a token").1
}

/// A page without what is random in it.
pub fn told(page: &Page) -> (StatusCode, String) {
    let body = if page.body.contains("<code>") { page.body.replace(page.reference(), "") } else { page.body.clone() };
    (page.status, body)
}

#[tokio::test]
async fn a_new_person_proves_their_address_and_joins_an_open_organization() {
    let (site, initech) = Site::with_initech("open").await;
    let mut eve = site.browser();
    let offer = eve.post(SIGN_IN, &[("email", EVE), ("return_to", "/deals")]).await;
    assert!(offer.body.contains("Continue by e-mail") && offer.body.contains(EVE), "{offer:?}");
    assert_eq!(site.mail().await, None, "not before they ask for it");
    assert_eq!(site.sign_up(&mut eve, EVE).await, JOIN);
    let session = site.only_session().await;
    assert_eq!((session.method, session.organization, session.connection), (Method::MagicLink, None, None));

    let page = eve.get(JOIN).await;
    assert!(page.body.contains("Join initech") && !page.body.contains("acme"), "{page:?}");
    assert!(eve.get("/.vestibule/account").await.body.contains("/.vestibule/join"));
    let kept = eve.clone();
    assert_eq!(eve.post(JOIN, &[("organization", "initech")]).await.location(), "/");
    assert_eq!(site.role(EVE, &initech).await, Some(Role::Member));
    assert_eq!(site.current(&mut eve).await.as_deref(), Some("initech"));
    until_over(kept).await;
    assert_eq!(eve.post(JOIN, &[("organization", "initech")]).await.location(), "/.vestibule/account", "joined once");
    assert_eq!(site.sign_up(&mut site.browser(), EVE).await, "/deals", "the next time they go straight in");
    site.check_store().await;
}

#[tokio::test]
async fn nobody_learns_from_the_answer_whether_an_address_is_known() {
    let (site, initech) = Site::with_initech("open").await;
    site.add(&initech, EVE, Role::Owner).await;
    site.add(&initech, "off@initech.example", Role::Member).await;
    let off = async |tx: Tx| user::set_active(&tx, &"off@initech.example".parse().unwrap(), false).await;
    site.store.transaction("test", off).await.unwrap();
    let mut pages = Vec::new();
    for email in [EVE, "new@initech.example", "off@initech.example"] {
        let mut browser = site.browser();
        let question = browser.post(SIGN_IN, &[("email", email)]).await;
        let sent = browser.post(SIGN_UP, &[("email", email)]).await;
        assert!(site.mail().await.is_some(), "{email}");
        pages.push([told(&question), told(&sent)].map(|(status, body)| (status, body.replace(email, "…"))));
        assert!(browser.cookies.is_empty());
    }
    assert!(pages.windows(2).all(|two| two[0] == two[1]), "{pages:?}");
    assert_eq!(site.account("new@initech.example").await.map(|user| user.email), None, "none before it is proved");

    let mut stranger = site.browser();
    for path in [SIGN_IN, SIGN_UP] {
        let page = stranger.post(path, &[("email", "zoe@nowhere.example")]).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{page:?}");
        assert!(page.body.contains("This address has no organization here"), "{page:?}");
    }
    assert_eq!(site.mail().await, None, "no mail goes to where nobody is expected");
}

#[tokio::test]
async fn a_link_is_good_once_for_half_an_hour_and_only_by_its_button() {
    let (site, _) = Site::with_initech("open").await;
    let mut eve = site.browser();
    eve.post(SIGN_UP, &[("email", EVE)]).await;
    let link = site.link(EVE).await;
    for _ in 0..2 {
        assert_eq!(site.browser().get(&link).await.status, StatusCode::OK, "a mail scanner looks");
    }
    assert_eq!(site.session_count().await, 0);
    let form = [("token", token_of(&link))];
    let crossed = eve.post_cross_site(VERIFY, &form).await;
    assert_eq!(crossed.status, StatusCode::FORBIDDEN);
    let (mut one, mut other) = (site.browser(), site.browser());
    let (first, second) = tokio::join!(one.post(VERIFY, &form), other.post(VERIFY, &form));
    let mut statuses = [first.status, second.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [StatusCode::SEE_OTHER, StatusCode::NOT_FOUND], "of two at once, one");
    let over = eve.get(&link).await;
    assert!(over.body.contains("This link is over"), "{over:?}");

    eve.post(SIGN_UP, &[("email", EVE)]).await;
    let late = site.link(EVE).await;
    site.clock.advance(Duration::from_secs(30 * 60));
    let none = format!("{VERIFY}?token=x");
    for path in [&late, &none] {
        assert_eq!(told(&eve.get(path).await), told(&over), "{path}");
        assert_eq!(told(&eve.post(VERIFY, &[("token", token_of(path))]).await), told(&over), "{path}");
    }
    site.check_store().await;
}

#[tokio::test]
async fn a_switched_off_account_stays_out_and_another_is_asked_before_the_browser_changes_hands() {
    let (site, initech) = Site::with_initech("open").await;
    site.add(&initech, EVE, Role::Member).await;
    let mut browser = site.browser();
    site.sign_in_ada(&mut browser).await;
    browser.post(SIGN_UP, &[("email", EVE)]).await;
    let link = site.link(EVE).await;
    let question = browser.get(&link).await;
    assert!(question.body.contains("You are signed in as <strong>ada@acme.example"), "{question:?}");
    let off = async |tx: Tx| user::set_active(&tx, &EVE.parse().unwrap(), false).await;
    site.store.transaction("test", off).await.unwrap();
    let refused = browser.post(VERIFY, &[("token", token_of(&link))]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(site.current(&mut browser).await.as_deref(), Some("acme"), "nothing changed");
    let fay = "fay@initech.example";
    site.add(&initech, fay, Role::Member).await;
    browser.post(SIGN_UP, &[("email", fay)]).await;
    let link = site.link(fay).await;
    assert_eq!(browser.post(VERIFY, &[("token", token_of(&link))]).await.location(), "/");
    assert_eq!(site.only_session().await.method, Method::MagicLink, "Ada's is over");
}

#[tokio::test]
async fn links_are_limited_by_address_without_a_word_and_by_network_with_one() {
    let (site, _) = Site::with_initech("open").await;
    let mut browser = site.browser();
    let mut pages = Vec::new();
    for _ in 0..7 {
        pages.push(told(&browser.post(SIGN_UP, &[("email", EVE)]).await));
    }
    assert!(pages.windows(2).all(|two| two[0] == two[1]));
    let mut mails = 0;
    while site.mail().await.is_some() {
        mails += 1;
    }
    assert_eq!(mails, 5);
    for number in 7..50 {
        let email = format!("p{number}@initech.example");
        assert_eq!(browser.post(SIGN_UP, &[("email", &email)]).await.status, StatusCode::OK, "{number}");
    }
    let page = browser.post(SIGN_UP, &[("email", "p50@initech.example")]).await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS, "{page:?}");
    site.clock.advance(Duration::from_secs(3600));
    assert_eq!(browser.post(SIGN_UP, &[("email", EVE)]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_is_invite_only_or_for_others_looks_like_what_is_not_there() {
    let (site, _) = Site::with_initech("invite_only").await;
    let hidden = site.found("hidden", OrgKind::Admin).await;
    site.set(&hidden, "discoverable_domains", "initech.example").await;
    site.set(&hidden, "discoverability", "open").await;
    let far = site.found("far", OrgKind::Customer).await;
    site.set(&far, "discoverable_domains", "far.example").await;
    site.set(&far, "discoverability", "open").await;
    // Somebody of the domain was added by hand, so that a link is of use.
    site.add(&far, "olga@initech.example", Role::Owner).await;
    let mut eve = site.browser();
    assert_eq!(site.sign_up(&mut eve, EVE).await, JOIN);
    let page = eve.get(JOIN).await;
    for slug in ["initech</", "hidden", "far", "Join "] {
        assert!(!page.body.contains(slug), "{slug}: {page:?}");
    }
    assert!(page.body.contains("Please ask whoever told you of"), "{page:?}");
    let nobody = eve.post(JOIN, &[("organization", "nobody")]).await;
    assert_eq!(nobody.status, StatusCode::NOT_FOUND);
    for slug in ["initech", "hidden", "far", "acme", "", "No Slug"] {
        assert_eq!(told(&eve.post(JOIN, &[("organization", slug)]).await), told(&nobody), "{slug:?}");
    }
    let headers = [("sec-fetch-site", "cross-site"), ("content-type", "application/x-www-form-urlencoded")];
    let form = axum::body::Body::from("organization=far");
    assert_eq!(eve.send(http::Method::POST, JOIN, &headers, form, true).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn single_sign_on_of_the_addresss_domain_comes_before_sign_ups_and_requests() {
    let (site, initech) = Site::with_initech("open").await;
    let mut eve = site.browser();
    site.sign_up(&mut eve, EVE).await;
    eve.post(SIGN_UP, &[("email", EVE)]).await;
    let link = site.link(EVE).await;
    // Acme, whose identity provider manages access, proves that the domain is its own.
    let claim = async |tx: Tx| claim::claim_trusted(&tx, &site.acme, &"initech.example".parse().unwrap()).await;
    site.store.transaction("test", claim).await.unwrap();
    let page = eve.get(JOIN).await;
    assert!(page.body.contains("Sign in at acme") && !page.body.contains("Join initech"), "{page:?}");
    let idp = "https://idp.acme.example/sso?";
    assert!(eve.post(JOIN, &[("organization", "initech")]).await.location().starts_with(idp));
    let mut other = site.browser();
    assert!(other.post(SIGN_UP, &[("email", EVE)]).await.location().starts_with(idp));
    let over = other.post(VERIFY, &[("token", token_of(&link))]).await;
    assert_eq!(over.status, StatusCode::NOT_FOUND, "a link from before is no way around it: {over:?}");
    assert_eq!(site.role(EVE, &initech).await, None);
    assert_eq!(site.session_count().await, 1);
}

#[tokio::test]
async fn required_single_sign_on_keeps_out_an_address_that_nobodys_speaks_for() {
    let (site, initech) = Site::with_initech("open").await;
    site.add(&site.globex, EVE, Role::Member).await;
    let mut eve = site.browser();
    assert_eq!(site.sign_up(&mut eve, EVE).await, "/deals");
    assert_eq!(site.current(&mut eve).await.as_deref(), Some("globex"));
    site.set(&site.globex, "require_sso", "true").await;
    let mut eve = site.browser();
    assert_eq!(site.sign_up(&mut eve, EVE).await, JOIN, "D11: not in by a mailed link");
    let refused = eve.post("/.vestibule/account/organization", &[("organization", "globex")]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{refused:?}");
    assert_eq!(eve.post(JOIN, &[("organization", "initech")]).await.location(), "/", "elsewhere they may");
    assert!(records::list(&site.store.reader(), Scope::Organization(initech.id)).await.unwrap().len() == 1);
}

#[tokio::test]
async fn names_of_public_mail_providers_are_refused() {
    let (site, initech) = Site::with_initech("open").await;
    let mut changed = initech.clone();
    changed.set("discoverable_domains", "initech.example,gmail.com").unwrap();
    let refused = discovery::no_public_mail(&changed, &PublicMail::default()).unwrap_err();
    assert!(refused.to_string().contains("gmail.com"), "{refused}");
    let domain: DomainName = "initech.example".parse().unwrap();
    assert_eq!(discovery::offers(&site.store.reader(), &domain).await.unwrap().len(), 1);
    let delete = async |tx: Tx| {
        let initech = organization::by_id(&tx, initech.id).await?.unwrap();
        organization::delete(&tx, &site.rng, &initech).await
    };
    site.store.transaction("test", delete).await.unwrap();
    assert!(discovery::offers(&site.store.reader(), &domain).await.unwrap().is_empty());
    site.check_store().await;
}
