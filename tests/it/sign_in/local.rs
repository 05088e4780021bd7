//! Passwords and links by mail as time goes by: what gets stale, too old, or is tried too often.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use vestibule::credential::Hasher;
use vestibule::directory::one_time_link::{self, Purpose};
use vestibule::directory::organization::OrgKind;
use vestibule::directory::{DirectoryError, Organization, Origin, claim, member, outbox, password, user};
use vestibule::kernel::{EmailAddress, Role, Secret, SystemRng};
use vestibule::store::Tx;

use super::Site;
use super::pages::until_over;

const MINUTE: Duration = Duration::from_secs(60);
const GOOD: &str = "wicker basket of plums";

impl Site {
    /// A link for Bob of globex, who is made a member.
    pub async fn link_for_bob(&self, purpose: Purpose) -> String {
        let email: EmailAddress = "bob@globex.example".parse().unwrap();
        let issue = async |tx: Tx| {
            outbox::switch(&tx, true).await?;
            if let Some(bob) = user::find_by_email(&tx, &email).await? {
                return Ok::<_, DirectoryError>(one_time_link::issue(&tx, &SystemRng, &bob, purpose.clone()).await?);
            }
            let bob = user::create(&tx, &SystemRng, &email)?;
            member::add(&tx, &self.globex, &bob, Role::Member, Origin::Hand).await?;
            Ok(one_time_link::issue(&tx, &SystemRng, &bob, purpose.clone()).await?)
        };
        self.store.transaction("test", issue).await.unwrap()
    }
}

#[tokio::test]
async fn a_first_password_takes_a_fresh_sign_in() {
    let site = Site::with_passwords().await;
    let mut ada = site.browser();
    site.sign_in_ada(&mut ada).await;
    let here = "/.vestibule/account/password";
    assert!(ada.get(here).await.body.contains("Set a password"));
    site.clock.advance(11 * MINUTE);
    let stale = ada.get(here).await;
    assert_eq!(stale.status, StatusCode::FORBIDDEN, "{stale:?}");
    assert!(stale.body.contains("sign in again"), "{}", stale.body);
    assert_eq!(ada.post(here, &[("password", GOOD)]).await.status, StatusCode::FORBIDDEN);
    let id = site.account("ada@acme.example").await.unwrap().id;
    assert_eq!(password::find(&site.store.reader(), id).await.unwrap(), None);
    site.sign_in_ada(&mut ada).await;
    assert!(ada.post(here, &[("password", GOOD)]).await.body.contains("Your password is set"));
    site.clock.advance(11 * MINUTE);
    assert!(ada.get(here).await.body.contains("Present password"), "with one, that is asked for at any time");
}

#[tokio::test]
async fn links_work_in_their_time_alone_and_each_for_what_it_is() {
    let site = Site::with_passwords().await;
    let sign_in = || Purpose::SignIn { return_to: "/deals".to_owned() };
    let mut bob = site.browser();
    let late = site.link_for_bob(sign_in()).await;
    site.clock.advance(15 * MINUTE);
    assert_eq!(bob.post("/.vestibule/link/use", &[("token", &late)]).await.status, StatusCode::NOT_FOUND);
    let token = site.link_for_bob(sign_in()).await;
    for (path, field) in [("/.vestibule/password/new", "password"), ("/.vestibule/invitation", "password")] {
        let page = bob.post(path, &[("token", &token), (field, GOOD)]).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}: it is a link to sign in");
    }
    let cross = bob.post_cross_site("/.vestibule/link/use", &[("token", &token)]).await;
    assert_eq!(cross.status, StatusCode::FORBIDDEN, "no other site presses the button");
    assert_eq!(bob.post("/.vestibule/link/use", &[("token", &token)]).await.location(), "/deals");
    assert!(bob.has_session());
    site.clock.advance(MINUTE);
    site.change(&site.globex, |globex| globex.set("require_sso", "true")).await;
    let mut again = site.browser();
    let token = site.link_for_bob(sign_in()).await;
    let refused = again.post("/.vestibule/link/use", &[("token", &token)]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(!again.has_session());
    assert_eq!(site.last_code(&site.globex).await, "sso_required");
}

#[tokio::test]
async fn d11_password_sessions_end_everywhere_once_the_domain_of_the_address_requires_single_sign_on() {
    let site = Site::with_passwords().await;
    let initech = site.found("initech", OrgKind::Customer).await;
    let late = site.found("late", OrgKind::Customer).await;
    let claim = async |of: &Organization, domain: &str| {
        let claim = async |tx: Tx| claim::claim_trusted(&tx, of, &domain.parse().unwrap()).await;
        site.store.transaction("test", claim).await.unwrap();
    };
    claim(&initech, "initech.example").await;
    site.add(&initech, "oda@initech.example", Role::Owner).await;
    let hash = Hasher::new(Arc::new(SystemRng)).hash(Secret::new(GOOD.to_owned())).await.unwrap();
    let mut browsers = Vec::new();
    for email in ["pam@initech.example", "oda@initech.example", "zed@late.example"] {
        site.add(&site.globex, email, Role::Member).await;
        let id = site.account(email).await.unwrap().id;
        let set = async |tx: Tx| password::set(&tx, id, &hash);
        site.store.transaction("test", set).await.unwrap();
        let mut browser = site.browser();
        let page = browser.post("/.vestibule/password", &[("email", email), ("password", GOOD)]).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{email}: {page:?}");
        if site.current(&mut browser).await.as_deref() != Some("globex") {
            browser.post("/.vestibule/account/organization", &[("organization", "globex")]).await;
        }
        assert_eq!(site.current(&mut browser).await.as_deref(), Some("globex"), "{email}");
        browsers.push(browser);
    }
    let [pam, mut oda, mut zed] = <[_; 3]>::try_from(browsers).ok().expect("three");
    site.change(&initech, |initech| initech.set("require_sso", "true")).await;
    until_over(pam).await;
    assert_eq!(site.current(&mut oda).await.as_deref(), Some("globex"), "an owner's password is left (D10)");
    site.change(&late, |late| late.set("require_sso", "true")).await;
    assert_eq!(site.current(&mut zed).await.as_deref(), Some("globex"), "the domain is nobody's yet");
    claim(&late, "late.example").await;
    until_over(zed).await;
    assert_eq!(site.current(&mut oda).await.as_deref(), Some("globex"));
}

#[tokio::test]
async fn a_deactivated_account_gets_in_by_nothing() {
    let site = Site::with_passwords().await;
    let token = site.link_for_bob(Purpose::Reset).await;
    let off = async |tx: Tx| user::set_active(&tx, &"bob@globex.example".parse().unwrap(), false).await;
    site.store.transaction("test", off).await.unwrap();
    let mut bob = site.browser();
    let page = bob.post("/.vestibule/password/new", &[("token", &token), ("password", GOOD)]).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
}
