//! Claimed domains: proved by a real DNS server, kept proved by a clock that the test turns.

mod hands;
mod life;
mod moved;
mod public;
mod resolver;

use std::sync::Arc;
use std::time::Duration;

use vestibule::directory::audit::Audited;
use vestibule::directory::organization::{self, OrgKind};
use vestibule::directory::{Claim, ClaimState, DirectoryError, Organization, audit, claim, outbox, user};
use vestibule::directory::{Origin, member};
use vestibule::kernel::{Clock as _, DomainName, ManualClock, Role, SeededRng, Timestamp};
use vestibule::proof::{Proof, ProofSettings};
use vestibule::store::{SledBackend, Store, Tx};

use crate::world::dns::DnsServer;

pub const DAY: Duration = Duration::from_secs(24 * 3600);
pub const HOUR: Duration = Duration::from_secs(3600);
/// Names this node.
const NODE: &str = "node";

/// A directory whose claims are proved at one DNS server.
pub struct Town {
    pub store: Store,
    pub clock: Arc<ManualClock>,
    pub rng: Arc<SeededRng>,
    pub dns: DnsServer,
    pub proof: Proof,
}

pub fn domain(text: &str) -> DomainName {
    text.parse().unwrap()
}

impl Town {
    pub async fn new() -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_800_000_000)));
        let store = Store::open(SledBackend::temporary().unwrap(), clock.clone()).await.unwrap();
        let (rng, dns) = (Arc::new(SeededRng::new(1)), DnsServer::start().await);
        let proof = proof(&store, &rng, &[&dns]);
        let town = Town { store, clock, rng, dns, proof };
        town.run(async |tx| Ok(outbox::switch(tx, true).await?)).await;
        town
    }

    pub async fn run<T>(&self, change: impl AsyncFn(&Tx) -> Result<T, DirectoryError>) -> T {
        self.store.transaction("test", |tx: Tx| async { change(&{ tx }).await }).await.unwrap()
    }

    /// An organization whose owner has an address of another domain.
    pub async fn organization(&self, slug: &str) -> Organization {
        self.run(async |tx| {
            let made = organization::create(tx, &*self.rng, &slug.parse().unwrap(), slug, OrgKind::Customer).await?;
            let owner = user::create(tx, &*self.rng, &format!("owner@{slug}-mail.test").parse().unwrap())?;
            member::add(tx, &made, &owner, Role::Owner, Origin::Hand).await?;
            Ok(made)
        })
        .await
    }

    pub async fn claim(&self, organization: &Organization, name: &str) -> Claim {
        self.run(async |tx| self.proof.claim(tx, organization, &domain(name)).await).await
    }

    /// Publishes the record of a claim.
    pub fn publish(&self, claim: &Claim) {
        self.dns.txt(claim.domain.as_str(), &self.proof.record(claim).expect("a token"));
    }

    /// A claim that DNS has proved.
    pub async fn proved(&self, slug: &str, name: &str) -> (Organization, Claim) {
        let organization = self.organization(slug).await;
        let claim = self.claim(&organization, name).await;
        self.publish(&claim);
        let checked = self.proof.verify(&organization, &claim.domain).await.unwrap();
        assert_eq!(checked.claim.state, ClaimState::Verified, "{checked:?}");
        (organization, checked.claim)
    }

    pub async fn now_is(&self, claim: &Claim) -> Claim {
        let found = claim::find(&self.store.reader(), claim.organization, &claim.domain).await.unwrap();
        found.expect("the claim is there")
    }

    /// Lets time go by, while the job looks whenever something is due.
    pub async fn wait(&self, long: Duration) {
        let end = self.clock.now().plus(long);
        loop {
            while self.proof.round(NODE).await.unwrap() > 0 {}
            let next = self.next_due().await.filter(|due| *due <= end);
            let Some(next) = next else { break };
            self.clock.set(next);
        }
        self.clock.set(end);
    }

    /// When the next look is due.
    async fn next_due(&self) -> Option<Timestamp> {
        let rows = self.store.reader().scan(&claim::CLAIMS, &(), None, 1000).await.unwrap();
        rows.into_iter().filter_map(|(_, claim)| claim.due).min()
    }

    /// The subjects of the mail that waits, to whom.
    pub async fn mail(&self) -> Vec<(String, String)> {
        let rows = self.store.reader().scan(&outbox::OUTBOX, &(), None, 100).await.unwrap();
        let mut mail: Vec<_> = rows.into_iter().map(|(_, row)| (row.queued, row.mail)).collect();
        mail.sort_by_key(|(queued, mail)| (*queued, mail.subject.clone()));
        mail.into_iter().map(|(_, mail)| (mail.to.to_string(), mail.subject)).collect()
    }

    /// What the audit of an organization says, in short.
    pub async fn audit(&self, organization: &Organization) -> Vec<(String, String)> {
        let rows = audit::page(&self.store.reader(), organization.id, 0, 100).await.unwrap();
        rows.into_iter().map(|(_, Audited { entry, .. })| (entry.action, entry.after)).collect()
    }
}

/// Proves claims at these servers.
pub fn proof(store: &Store, rng: &Arc<SeededRng>, servers: &[&DnsServer]) -> Proof {
    let servers = servers.iter().map(|server| server.address).collect();
    let patience = Duration::from_millis(300);
    let settings = ProofSettings { servers, patience, site: "https://app.test".to_owned(), ..Default::default() };
    Proof::new(store.clone(), rng.clone(), settings)
}
