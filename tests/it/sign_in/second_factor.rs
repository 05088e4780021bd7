//! The second factor after a link by mail: who is asked, what is set up, what a wrong code costs.

use std::time::Duration;

use http::StatusCode;
use vestibule::directory::one_time_link::Purpose;
use vestibule::kernel::{Timestamp, UserId};
use vestibule::second_factor::{factors, trusted};

use super::browser::Page;
use super::{Browser, Site};

pub const CHALLENGE: &str = "/.vestibule/second-factor";
pub const SET_UP: &str = "/.vestibule/second-factor/setup";
pub const LATER: &str = "/.vestibule/second-factor/later";
/// An app shows another code after so long.
pub const STEP: Duration = Duration::from_secs(30);
const MINUTE: Duration = Duration::from_secs(60);

/// What an authenticator app shows for the secret that a page told.
pub fn shown(secret: &str, now: Timestamp) -> String {
    let key = totp_rs::Secret::try_from_base32(secret.replace(' ', "")).expect("Base32");
    let seconds = u64::try_from(now.seconds()).expect("after the epoch");
    totp_rs::Builder::new().with_secret(key).build_noncompliant().generate(seconds).to_string()
}

/// The secret that the page of the set-up shows.
pub fn secret_of(page: &Page) -> String {
    let (_, rest) = page.body.split_once("<code id=\"secret\">").unwrap_or_else(|| panic!("no secret: {page:?}"));
    rest.split('<').next().unwrap().to_owned()
}

/// The recovery codes that a page shows.
fn codes_of(page: &Page) -> Vec<String> {
    let (_, rest) = page.body.split_once("aria-label=\"Recovery codes\">").expect("recovery codes");
    rest.split('<').next().unwrap().split_whitespace().map(str::to_owned).collect()
}

impl Site {
    /// What the app of this secret shows now.
    pub fn code(&self, secret: &str) -> String {
        shown(secret, self.store.now())
    }

    /// Bob of globex shows his first factor.
    pub async fn bob_comes(&self) -> (Browser, Page) {
        let token = self.link_for_bob(Purpose::SignIn { return_to: "/deals".to_owned() }).await;
        self.clock.advance(Duration::from_secs(1));
        let mut bob = self.browser();
        let page = bob.post("/.vestibule/link/use", &[("token", &token)]).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{page:?}");
        (bob, page)
    }

    pub async fn bob(&self) -> UserId {
        self.account("bob@globex.example").await.expect("he came").id
    }

    /// Bob sets an app up in the sign-in that asks for it; gives its secret and the recovery codes.
    pub async fn set_up(&self, bob: &mut Browser) -> (String, Vec<String>) {
        let secret = secret_of(&bob.get(SET_UP).await);
        self.clock.advance(Duration::from_secs(1));
        let done = bob.post(SET_UP, &[("code", &self.code(&secret))]).await;
        assert_eq!(done.status, StatusCode::OK, "{done:?}");
        self.clock.advance(STEP);
        (secret, codes_of(&done))
    }

    /// The last sign-in of globex: its outcome, and what it says of the second factor.
    async fn last_second_factor(&self) -> (String, String) {
        let code = self.last_code(&self.globex).await;
        let last = self.logins(&self.globex).await.remove(0);
        let check = last.checks.into_iter().rfind(|check| check.name == "second factor");
        // What comes next comes later.
        self.clock.advance(Duration::from_secs(1));
        (code, check.map(|check| check.received).unwrap_or_default())
    }
}

#[tokio::test]
async fn d24_a_policy_leaves_one_sign_in_and_then_wants_a_factor() {
    let site = Site::with_passwords().await;
    let (bob, page) = site.bob_comes().await;
    assert_eq!((page.location(), bob.has_session()), ("/deals", true), "nothing is asked for by default");
    site.change(&site.globex, |globex| globex.set("two_factor", "password")).await;
    let (mut bob, page) = site.bob_comes().await;
    assert_eq!((page.location(), bob.has_session()), (SET_UP, false));
    assert_eq!(site.last_second_factor().await, ("continued".to_owned(), "none yet".to_owned()));
    let offer = bob.get(SET_UP).await;
    assert!(offer.body.contains("globex asks for a second factor") && offer.body.contains("Not now"), "{offer:?}");
    assert!(offer.body.contains("<svg") && offer.body.contains("autocomplete=\"one-time-code\""));
    let later = bob.post(LATER, &[]).await;
    assert_eq!((later.location(), bob.has_session()), ("/deals", true), "{later:?}");
    assert_eq!(site.last_second_factor().await, ("accepted".to_owned(), "none yet: put off".to_owned()));

    let (mut bob, page) = site.bob_comes().await;
    assert_eq!((page.location(), bob.has_session()), (SET_UP, false));
    assert!(!bob.get(SET_UP).await.body.contains("Not now"));
    assert_eq!(bob.post(LATER, &[]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(bob.post(SET_UP, &[("code", "000000")]).await.status, StatusCode::FORBIDDEN);
    assert!(!bob.has_session());
    let (secret, codes) = site.set_up(&mut bob).await;
    assert_eq!((codes.len(), bob.has_session()), (10, true));
    assert_eq!(site.last_second_factor().await, ("accepted".to_owned(), "authenticator app".to_owned()));
    let record = site.only_session_of_bob().await;
    assert!(record.second_factor.is_some(), "{record:?}");

    let (mut bob, page) = site.bob_comes().await;
    assert_eq!((page.location(), bob.has_session()), (CHALLENGE, false));
    assert_eq!(bob.get(SET_UP).await.location(), CHALLENGE, "whoever has a factor replaces it by that factor alone");
    let wrong = bob.post(CHALLENGE, &[("code", "000000"), ("way", "app")]).await;
    assert_eq!((wrong.status, bob.has_session()), (StatusCode::FORBIDDEN, false));
    assert_eq!(site.last_second_factor().await, ("wrong_second_factor".to_owned(), "a wrong one".to_owned()));
    let code = site.code(&secret);
    let right = bob.post(CHALLENGE, &[("code", &code), ("way", "app")]).await;
    assert_eq!((right.location(), bob.has_session()), ("/deals", true), "{right:?}");
    assert!(!bob.cookies.contains_key("vestibule-half"), "the half session is over: {:?}", bob.cookies);

    let (mut thief, _) = site.bob_comes().await;
    let again = thief.post(CHALLENGE, &[("code", &code), ("way", "app")]).await;
    assert_eq!((again.status, thief.has_session()), (StatusCode::FORBIDDEN, false), "a code is good once");
    let problems = vestibule::administration::check::check_store(
        &site.store,
        &vestibule::directory::PublicMail::default(),
        Vec::new(),
    )
    .await
    .unwrap()
    .problems;
    assert!(problems.is_empty(), "{problems:?}");
}

impl Site {
    pub async fn only_session_of_bob(&self) -> vestibule::session::SessionRecord {
        let scope = vestibule::session::Scope::User(self.bob().await);
        vestibule::session::records::list(&self.store.reader(), scope).await.unwrap().remove(0)
    }
}

#[tokio::test]
async fn whoever_set_one_up_without_demand_is_asked_by_their_own_choice() {
    let site = Site::with_passwords().await;
    let (mut bob, _) = site.bob_comes().await;
    let (secret, _) = site.set_up(&mut bob).await;
    let account = bob.get("/.vestibule/account").await;
    assert!(account.body.contains("Authenticator app") && account.body.contains("10 left"), "{account:?}");
    let (mut bob, page) = site.bob_comes().await;
    assert_eq!(page.location(), CHALLENGE);
    bob.post(CHALLENGE, &[("code", &site.code(&secret))]).await;
    assert!(bob.has_session());
    let gone = bob.post("/.vestibule/account/second-factor/remove", &[]).await;
    assert_eq!(gone.location(), "/.vestibule/account");
    assert_eq!(site.bob_comes().await.1.location(), "/deals");
}

#[tokio::test]
async fn five_wrong_codes_pause_the_account_and_a_recovery_code_still_works() {
    let site = Site::with_passwords().await;
    let (mut bob, _) = site.bob_comes().await;
    let (secret, codes) = site.set_up(&mut bob).await;
    for _ in 0..5 {
        // By account: another browser is no other count.
        let (mut thief, _) = site.bob_comes().await;
        thief.post(CHALLENGE, &[("code", "000000")]).await;
    }
    let (mut bob, _) = site.bob_comes().await;
    let paused = bob.get(CHALLENGE).await;
    assert_eq!(paused.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(paused.body.contains("Please wait a minute"), "{paused:?}");
    let right = bob.post(CHALLENGE, &[("code", &site.code(&secret))]).await;
    assert_eq!((right.status, bob.has_session()), (StatusCode::TOO_MANY_REQUESTS, false), "{right:?}");
    let mut other = bob.clone();
    let recovered = other.post(CHALLENGE, &[("code", &codes[0]), ("way", "recovery")]).await;
    assert_eq!((recovered.location(), other.has_session()), ("/deals", true), "it has a pause of its own");
    let (mut bob, _) = site.bob_comes().await;
    let used = bob.post(CHALLENGE, &[("code", &codes[0]), ("way", "recovery")]).await;
    assert_eq!((used.status, bob.has_session()), (StatusCode::FORBIDDEN, false), "it is used");
    site.clock.advance(MINUTE);
    let right = bob.post(CHALLENGE, &[("code", &site.code(&secret))]).await;
    assert_eq!((right.location(), bob.has_session()), ("/deals", true), "{right:?}");
}

#[tokio::test]
async fn d24_after_the_last_recovery_code_a_method_is_set_up_in_that_very_sign_in() {
    let site = Site::with_passwords().await;
    let (mut bob, _) = site.bob_comes().await;
    let (old, codes) = site.set_up(&mut bob).await;
    for code in &codes[..9] {
        let (mut bob, _) = site.bob_comes().await;
        assert_eq!(bob.post(CHALLENGE, &[("code", code), ("way", "recovery")]).await.location(), "/deals");
    }
    let (mut bob, _) = site.bob_comes().await;
    let last = bob.post(CHALLENGE, &[("code", &codes[9]), ("way", "recovery")]).await;
    assert_eq!(last.location(), "/.vestibule/second-factor/setup?return_to=%2Fdeals");
    let page = bob.get(last.location()).await;
    assert!(page.body.contains("value=\"/deals\""), "{page:?}");
    let secret = secret_of(&page);
    let (mut meanwhile, _) = site.bob_comes().await;
    assert_eq!(
        meanwhile.post(CHALLENGE, &[("code", &site.code(&old))]).await.location(),
        "/deals",
        "the old one stays until the new one is confirmed"
    );
    let done = bob.post(SET_UP, &[("code", &site.code(&secret)), ("return_to", "/deals")]).await;
    assert_eq!(codes_of(&done).len(), 10, "new ones, since none was left");
    assert!(done.body.contains("href=\"/deals\""), "{done:?}");
    site.clock.advance(STEP);
    let (mut bob, _) = site.bob_comes().await;
    assert_eq!(bob.post(CHALLENGE, &[("code", &site.code(&old))]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(bob.post(CHALLENGE, &[("code", &site.code(&secret))]).await.location(), "/deals");
}

#[tokio::test]
async fn a_later_sign_in_changes_nothing_without_the_factor() {
    let site = Site::with_passwords().await;
    let (mut bob, _) = site.bob_comes().await;
    let (secret, _) = site.set_up(&mut bob).await;
    site.clock.advance(11 * MINUTE);
    let stale = bob.get(SET_UP).await;
    assert!(stale.location().starts_with("/.vestibule/second-factor?return_to="), "{stale:?}");
    let refused = bob.post("/.vestibule/account/recovery-codes", &[]).await;
    assert_eq!(refused.location(), "/.vestibule/second-factor?return_to=%2F.vestibule%2Faccount");
    assert_eq!(factors::of(&site.store.reader(), site.bob().await).await.unwrap().recovery.left(), 10);
    let before = site.only_session_of_bob().await;
    let fresh = bob.post(CHALLENGE, &[("code", &site.code(&secret)), ("return_to", "/.vestibule/account")]).await;
    assert_eq!(fresh.location(), "/.vestibule/account");
    assert_ne!(site.only_session_of_bob().await.id, before.id, "a privilege gained is another session");
    let new = bob.post("/.vestibule/account/recovery-codes", &[]).await;
    let codes = codes_of(&new);
    assert_eq!(codes.len(), 10);
    let file = bob.post("/.vestibule/second-factor/codes", &[("codes", &codes.join(" "))]).await;
    assert_eq!(file.headers["content-disposition"], "attachment; filename=\"recovery-codes.txt\"");
    assert!(file.body.contains(&codes[9]), "{file:?}");
    let nonsense = bob.post("/.vestibule/second-factor/codes", &[("codes", "<script>")]).await;
    assert_eq!(nonsense.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_trusted_browser_is_not_asked_for_as_long_as_the_organization_says() {
    let site = Site::with_passwords().await;
    site.change(&site.globex, |globex| globex.set("two_factor", "always")).await;
    let (mut bob, _) = site.bob_comes().await;
    let (secret, _) = site.set_up(&mut bob).await;
    let comes_back = async |browser: &Browser| {
        let token = site.link_for_bob(Purpose::SignIn { return_to: "/deals".to_owned() }).await;
        // The session that comes is the newest.
        site.clock.advance(Duration::from_secs(1));
        let mut browser = browser.clone();
        browser.cookies.remove("vestibule");
        let page = browser.post("/.vestibule/link/use", &[("token", &token)]).await;
        (browser, page.location().to_owned())
    };
    let (mut bob, _) = site.bob_comes().await;
    assert!(!bob.get(CHALLENGE).await.body.contains("Trust this browser"), "it is off by default");
    bob.post(CHALLENGE, &[("code", &site.code(&secret)), ("trust", "yes")]).await;
    assert!(!bob.cookies.contains_key("vestibule-trusted"));
    site.change(&site.globex, |globex| globex.set("trusted_browser_days", "30")).await;
    site.clock.advance(STEP);
    let (mut bob, _) = comes_back(&bob).await;
    assert!(bob.get(CHALLENGE).await.body.contains("Trust this browser for 30 days"));
    bob.post(CHALLENGE, &[("code", &site.code(&secret)), ("trust", "yes")]).await;
    let (mut bob, location) = comes_back(&bob).await;
    assert_eq!((location.as_str(), bob.has_session()), ("/deals", true));
    assert!(site.only_session_of_bob().await.second_factor.is_none(), "trust is no factor that was shown");
    assert_eq!(site.bob_comes().await.1.location(), CHALLENGE, "another browser is asked");
    site.change(&site.globex, |globex| globex.set("trusted_browser_days", "1")).await;
    site.clock.advance(Duration::from_secs(24 * 3600));
    assert_eq!(comes_back(&bob).await.1, CHALLENGE, "the organization allows less now");
    site.change(&site.globex, |globex| globex.set("trusted_browser_days", "30")).await;
    let (kept, location) = comes_back(&bob).await;
    assert_eq!(location, "/deals");
    bob = kept;
    let account = bob.get("/.vestibule/account").await;
    let (_, rest) = account.body.split_once("name=\"browser\" value=\"").expect("the trusted browser");
    let id = rest.split('"').next().unwrap();
    bob.post("/.vestibule/account/trusted-browsers/forget", &[("browser", id)]).await;
    assert!(trusted::of(&site.store.reader(), site.bob().await).await.unwrap().is_empty());
    assert_eq!(comes_back(&bob).await.1, CHALLENGE);
}

#[tokio::test]
async fn what_happens_to_recovery_codes_is_mailed_and_one_trusts_no_browser() {
    let site = Site::with_passwords().await;
    site.change(&site.globex, |globex| globex.set("trusted_browser_days", "30")).await;
    let (mut bob, _) = site.bob_comes().await;
    let (_, codes) = site.set_up(&mut bob).await;
    let (mut bob, _) = site.bob_comes().await;
    while site.mail().await.is_some() {}
    assert!(bob.get(CHALLENGE).await.body.contains("Trust this browser"));
    assert!(!bob.get("/.vestibule/second-factor?way=recovery").await.body.contains("Trust this browser"));
    bob.post(CHALLENGE, &[("code", &codes[0]), ("way", "recovery"), ("trust", "yes")]).await;
    assert_eq!((bob.has_session(), bob.cookies.contains_key("vestibule-trusted")), (true, false));
    let mail = site.mail().await.expect("a mail");
    assert_eq!(mail.to.as_str(), "bob@globex.example");
    assert!(mail.subject.starts_with("A recovery code for") && mail.text.expose().contains("Codes left: 9."));
    bob.post("/.vestibule/account/recovery-codes", &[]).await;
    let mail = site.mail().await.expect("a mail");
    assert!(mail.subject.starts_with("New recovery codes for"), "{}", mail.subject);
}
