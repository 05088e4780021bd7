//! The SAML sign-in through the portal's own router: a site, its organizations with an IdP each, and browsers.

mod admission;
mod approval;
mod browser;
mod chromium;
mod chromium_owner;
pub mod chromium_people;
mod chromium_ways;
mod cross_tenant;
mod end_to_end;
mod entry;
mod finish;
mod half;
mod idp;
mod joining;
mod local;
mod messages;
mod migration;
mod owners;
mod pages;
mod refusals;
pub mod second_factor;
mod second_factor_passkeys;
mod second_factor_sms;
mod second_factor_sso;
mod shared;
mod start;
mod step_up;
mod switching;
mod testing;
mod unasked;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use vestibule::credential::{Hasher, Policy};
use vestibule::directory::organization::{self, OrgKind};
use vestibule::directory::{
    DirectoryError, LoginOutcome, LoginRecord, Organization, SsoConnection, SsoSettings, claim, login, sso, user,
};
use vestibule::kernel::{ManualClock, SeededRng, SystemRng, Timestamp};
use vestibule::portal::{Portal, router};
use vestibule::saml::keys;
use vestibule::saml::service_provider::ServiceProviderKey;
use vestibule::second_factor::{Sms, SmsSettings};
use vestibule::session::{SessionSettings, Sessions, records};
use vestibule::store::{SledBackend, Store, Tx};

use browser::Browser;
use idp::Idp;

/// Where the site is.
const PUBLIC_URL: &str = "http://localhost:8080";

/// A whole site in process: its clock stands until a test moves it.
struct Site {
    store: Store,
    clock: Arc<ManualClock>,
    rng: SeededRng,
    router: Router,
    acme: Organization,
    globex: Organization,
    acme_idp: Idp,
    globex_idp: Idp,
}

impl Site {
    /// A site on http with two organizations: acme, whose IdP manages access, and globex, whose members are invited.
    async fn new() -> Self {
        Self::at(PUBLIC_URL).await
    }

    async fn at(public_url: &str) -> Self {
        // Single sign-on alone: passwords have tests of their own.
        Self::with(public_url, Policy { enabled: false, ..Policy::default() }).await
    }

    /// A site whose people may have passwords.
    async fn with_passwords() -> Self {
        Self::with(PUBLIC_URL, Policy::default()).await
    }

    async fn with(public_url: &str, passwords: Policy) -> Self {
        Self::made(public_url, passwords, None).await
    }

    async fn made(public_url: &str, passwords: Policy, sms: Option<SmsSettings>) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::parse_rfc3339("2026-11-22T10:00:00Z").unwrap()));
        let store = Store::open(SledBackend::temporary().unwrap(), clock.clone()).await.unwrap();
        let settings = SessionSettings { feed_bound: Duration::from_secs(3600), ..SessionSettings::new(public_url) };
        let sessions = Sessions::open(store.clone(), clock.clone(), Arc::new(SystemRng), settings).await.unwrap();
        tokio::spawn({
            let sessions = Arc::clone(&sessions);
            async move { sessions.follow().await }
        });
        let portal = Portal::new(store.clone(), sessions, Arc::new(SystemRng), &public_url.parse().unwrap())
            .with_passwords(passwords, Hasher::new(Arc::new(SystemRng)))
            .with_sms(sms.map(|settings| Sms::new(store.clone(), settings, "localhost").unwrap()));
        let rng = SeededRng::new(7);
        keys::load::<vestibule::store::StoreError, _>(&store, || Ok(key(2).clone())).await.unwrap();
        let acme_idp = Idp::new("https://idp.acme.example/metadata", key(0), public_url);
        let globex_idp = Idp::new("https://idp.globex.example/metadata", key(1), public_url);
        let acme = organization(&store, &rng, "acme", &acme_idp).await;
        let globex = organization(&store, &rng, "globex", &globex_idp).await;
        let site = Site { store, clock, rng, router: router(portal), acme, globex, acme_idp, globex_idp };
        site.change(&site.acme, |acme| acme.set("idp_managed_access", "true")).await;
        site
    }

    /// A browser that has not been here yet.
    fn browser(&self) -> Browser {
        Browser::new(self.router.clone())
    }

    /// Changes an organization's settings.
    async fn change(&self, of: &Organization, how: impl Fn(&mut Organization) -> Result<(), DirectoryError>) {
        let change = async |tx: Tx| {
            let mut changed = organization::by_slug(&tx, &of.slug).await?;
            how(&mut changed)?;
            Ok::<_, DirectoryError>(organization::save(&tx, &changed)?)
        };
        self.store.transaction("test", change).await.unwrap();
    }

    /// Changes the settings of an organization's connection.
    async fn change_sso(&self, of: &Organization, how: impl Fn(&mut SsoSettings)) {
        let change = async |tx: Tx| {
            let mut connection = sso::connection(&tx, of.id).await?.unwrap();
            how(&mut connection.settings);
            sso::set(&tx, of, &connection).await
        };
        self.store.transaction("test", change).await.unwrap();
    }

    /// The sign-ins of an organization, newest first.
    async fn logins(&self, of: &Organization) -> Vec<LoginRecord> {
        login::list(&self.store.reader(), of.id, 100).await.unwrap()
    }

    /// The last sign-in's reason code; «accepted» if it made a session.
    async fn last_code(&self, of: &Organization) -> String {
        let last = self.logins(of).await.into_iter().next().expect("a sign-in was written down");
        match last.outcome {
            LoginOutcome::Accepted => "accepted".to_owned(),
            LoginOutcome::Continued => "continued".to_owned(),
            LoginOutcome::Tested { code, .. } => format!("tested {}", code.unwrap_or_default()),
            LoginOutcome::Refused { code, fix } => {
                assert!(!fix.is_empty(), "{code} has a fix");
                code
            }
        }
    }

    /// How many sessions there are.
    async fn session_count(&self) -> usize {
        records::list(&self.store.reader(), vestibule::session::Scope::All).await.unwrap().len()
    }

    /// The account with this address.
    async fn account(&self, email: &str) -> Option<vestibule::directory::User> {
        user::find_by_email(&self.store.reader(), &email.parse().unwrap()).await.unwrap()
    }

    /// Signs Ada of acme in, in this browser.
    async fn sign_in_ada(&self, browser: &mut Browser) {
        let sent = browser.ask("ada@acme.example", "/deals").await;
        let answer = self.acme_idp.answer(&sent).email("ada@acme.example");
        let page = browser.return_with(&answer).await;
        assert_eq!(page.location(), "/deals", "{page:?} {:?}", self.logins(&self.acme).await);
    }
}

async fn organization(store: &Store, rng: &SeededRng, slug: &str, idp: &Idp) -> Organization {
    let create = async |tx: Tx| {
        let made = organization::create(&tx, rng, &slug.parse().unwrap(), slug, OrgKind::Customer).await?;
        claim::claim_trusted(&tx, &made, &format!("{slug}.example").parse().unwrap()).await?;
        let connection = SsoConnection {
            settings: SsoSettings::new(&idp.entity_id, format!("https://idp.{slug}.example/sso"), tx.now()),
            certificates: vec![idp.certificate(tx.now())],
        };
        sso::set(&tx, &made, &connection).await?;
        Ok::<_, DirectoryError>(made)
    };
    store.transaction("test", create).await.unwrap()
}

/// One of four keys: making one takes a while, so all tests share them.
fn key(number: usize) -> &'static ServiceProviderKey {
    static KEYS: OnceLock<Vec<ServiceProviderKey>> = OnceLock::new();
    let make = |number| {
        let now = Timestamp::from_seconds(1_790_000_000);
        ServiceProviderKey::generate("test", now, &SeededRng::new(number)).unwrap()
    };
    &KEYS.get_or_init(|| (0..4).map(make).collect())[number]
}
