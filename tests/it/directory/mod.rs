//! Who is who, and who is let in, over a real store.

mod accounts;
mod audit;
mod check;
mod ended_sessions;
mod hands;
mod organizations;
mod provisioning_log;
mod sign_in_log;
mod teams;

use std::sync::Arc;
use std::time::Duration;

use vestibule::directory::organization::{self, OrgKind};
use vestibule::directory::{Admission, Admitted, Aim, AssertedIdentity, Organization, Refusal, admission, claim};
use vestibule::kernel::{ManualClock, SeededRng, Slug, Timestamp};
use vestibule::store::{SledBackend, Store, Tx};

/// A directory over a throw-away store, with a clock that stands.
struct Directory {
    store: Store,
    clock: Arc<ManualClock>,
    rng: SeededRng,
}

/// What an IdP says of a person, in short.
#[derive(Clone, Copy)]
struct Says<'a> {
    email: &'a str,
    name_id: Option<&'a str>,
    first_name: Option<&'a str>,
}

fn says(email: &str) -> Says<'_> {
    Says { email, name_id: None, first_name: None }
}

impl Directory {
    async fn new() -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_800_000_000)));
        let backend = SledBackend::temporary().expect("a temporary store");
        let store = Store::open(backend, clock.clone()).await.expect("an empty store opens");
        Directory { store, clock, rng: SeededRng::new(1) }
    }

    fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// A customer organization that holds `domain` on the operator's word.
    async fn organization(&self, slug: &str, domain: &str) -> Organization {
        let slug: Slug = slug.parse().unwrap();
        let create = async |tx: Tx| {
            let made = organization::create(&tx, &self.rng, &slug, "A Company", OrgKind::Customer).await?;
            claim::claim_trusted(&tx, &made, &domain.parse().unwrap()).await?;
            Ok::<_, vestibule::directory::DirectoryError>(made)
        };
        self.store.transaction("test", create).await.expect("an organization")
    }

    /// The same organization, with one setting changed.
    async fn set(&self, organization: &Organization, key: &str, value: &str) -> Organization {
        let mut changed = organization.clone();
        changed.set(key, value).expect("a setting");
        let save = async |tx: Tx| organization::save(&tx, &changed);
        self.store.transaction("test", save).await.expect("saved");
        changed
    }

    async fn signs_in(&self, organization: &Organization, who: Says<'_>) -> Result<Admitted, Refusal> {
        let email = who.email.parse().expect("an address");
        let identity = AssertedIdentity {
            idp: "https://idp.example/entity",
            stable_name_id: who.name_id,
            email: &email,
            first_name: who.first_name,
            last_name: None,
        };
        let admit = async |tx: Tx| admission::admit(&tx, &self.rng, organization, Aim::Any, &identity).await;
        match self.store.transaction("test", admit).await.expect("the store works") {
            Ok(Admission::In(admitted)) => Ok(*admitted),
            Ok(Admission::Pick(open)) => panic!("several stand open: {open:?}"),
            Err(refusal) => Err(refusal),
        }
    }
}
