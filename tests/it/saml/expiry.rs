//! Certificates that end: owners and admins are mailed 30, 14, 7 and 1 days before, once each (R58).

use std::sync::Arc;
use std::time::Duration;

use vestibule::directory::outbox::{self, OUTBOX};
use vestibule::directory::{
    DirectoryError, OrgKind, Organization, Origin, SsoCertificate, SsoConnection, SsoSettings, link, member,
    organization, sso, user,
};
use vestibule::kernel::{ManualClock, Role, SystemRng, Timestamp};
use vestibule::saml::expiry::Expiry;
use vestibule::store::{SledBackend, Store, Tx};

const DAY: Duration = Duration::from_secs(24 * 3600);
const NODE: &str = "this node";

struct World {
    store: Store,
    clock: Arc<ManualClock>,
    job: Expiry,
    acme: Organization,
}

impl World {
    async fn new() -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::parse_rfc3339("2026-11-22T10:00:00Z").unwrap()));
        let store = Store::open(SledBackend::temporary().unwrap(), clock.clone()).await.unwrap();
        let make = async |tx: Tx| {
            outbox::switch(&tx, true).await?;
            let acme =
                organization::create(&tx, &SystemRng, &"acme".parse().unwrap(), "Acme", OrgKind::Customer).await?;
            for (email, role) in [("ada", Role::Owner), ("amy", Role::Admin), ("bob", Role::Member)] {
                let account = user::create(&tx, &SystemRng, &format!("{email}@acme.example").parse().unwrap())?;
                member::add(&tx, &acme, &account, role, Origin::Hand).await?;
            }
            Ok::<_, DirectoryError>(acme)
        };
        let acme = store.transaction("test", make).await.unwrap();
        let job = Expiry::new(store.clone(), Arc::new(SystemRng), "https://app.example.com/");
        World { store, clock, job, acme }
    }

    /// Holds certificates that end so many days from now.
    async fn holds(&self, ends: &[u32]) {
        let set = async |tx: Tx| {
            let certificate = |days: &u32| SsoCertificate {
                der_base64: String::new(),
                sha256: format!("{days:064}"),
                subject: format!("CN=for {days} days"),
                not_before: tx.now(),
                not_after: tx.now().plus(DAY * *days),
                added: tx.now(),
            };
            let settings = SsoSettings::new("https://idp.acme.example", "https://idp.acme.example/sso", tx.now());
            let connection = SsoConnection { settings, certificates: ends.iter().map(certificate).collect() };
            sso::set(&tx, &self.acme, &connection).await
        };
        self.store.transaction("test", set).await.unwrap();
    }

    /// Lets the job look; gives who was mailed.
    async fn mailed(&self) -> Vec<String> {
        self.job.round(NODE).await.unwrap();
        let reader = self.store.reader();
        let queued = reader.scan(&OUTBOX, &(), None, 100).await.unwrap();
        let take = async |tx: Tx| {
            for (key, _) in &queued {
                tx.delete(&OUTBOX, key);
            }
            Ok::<_, DirectoryError>(())
        };
        self.store.transaction("test", take).await.unwrap();
        let mut mails: Vec<String> =
            queued.iter().map(|(_, queued)| format!("{}: {}", queued.mail.to, queued.mail.subject)).collect();
        for (_, queued) in &queued {
            assert!(queued.mail.text.expose().contains("/.vestibule/console/o/acme/sso/certificates"));
        }
        mails.sort();
        mails
    }
}

#[tokio::test]
async fn r58_those_who_run_it_are_mailed_once_at_each_of_the_four_days() {
    let world = World::new().await;
    world.holds(&[40]).await;
    let mut told_on = Vec::new();
    for day in 0..45 {
        for _ in 0..2 {
            let mails = world.mailed().await;
            if !mails.is_empty() {
                assert!(
                    mails[0]
                        .starts_with("ada@acme.example: Acme: the certificate of single sign-on ends on 2027-01-01"),
                    "{mails:?}"
                );
                assert_eq!(mails.len(), 2, "owner and admin: {mails:?}");
                told_on.push(40 - day);
            }
        }
        world.clock.advance(DAY);
    }
    assert_eq!(told_on, [30, 14, 7, 1]);
}

#[tokio::test]
async fn r58_after_a_long_rest_the_nearest_is_told_alone() {
    let world = World::new().await;
    world.holds(&[40]).await;
    world.clock.advance(DAY * 36);
    assert_eq!(world.mailed().await.len(), 2);
    world.clock.advance(DAY);
    assert!(world.mailed().await.is_empty());
}

#[tokio::test]
async fn r58_nobody_is_told_where_the_next_one_is_here_or_the_connection_rests() {
    let world = World::new().await;
    world.holds(&[5, 400]).await;
    assert!(world.mailed().await.is_empty(), "the next one is here");
    world.holds(&[5, 12]).await;
    assert_eq!(world.mailed().await.len(), 2, "the last one ends, too");
    let link = async |tx: Tx| {
        let group = organization::create(&tx, &SystemRng, &"group".parse().unwrap(), "group", OrgKind::Admin).await?;
        let code = link::code(&tx, &SystemRng, &group)?;
        link::join(&tx, &world.acme, code.expose(), Duration::ZERO).await
    };
    world.store.transaction("test", link).await.unwrap();
    world.clock.advance(DAY * 6);
    assert!(world.mailed().await.is_empty(), "it rests");
}

#[tokio::test]
async fn one_node_looks_at_a_time() {
    let world = World::new().await;
    world.holds(&[5]).await;
    let other = vestibule::store::take_lease;
    let take = async |tx: Tx| other(&tx, "certificate-warnings", "another node", DAY).await;
    assert!(world.store.transaction("test", take).await.unwrap());
    assert!(world.mailed().await.is_empty());
    world.clock.advance(DAY);
    assert_eq!(world.mailed().await.len(), 2);
}
