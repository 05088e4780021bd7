//! Proof by DNS: looks for the records of claims, again and again, and draws the consequences.
//!
//! Whatever makes a claim hold, the operator's word too, goes through [`Proof`], so that losers are told and a domain
//! that changes hands takes nobody's account along.

mod check;
mod hands;
mod job;
mod notice;
pub mod record;
mod resolver;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

pub use check::Checked;
pub use resolver::{PATIENCE, Resolver, SERVER_LIMIT};

use crate::directory::life::Rules;
use crate::directory::{
    AuditEntry, Claim, DirectoryError, Observation, Organization, PublicMail, audit, claim, organization,
};
use crate::kernel::{DomainName, OrgId, Rng};
use crate::store::{Store, StoreError, Tx};

/// The default of [`ProofSettings::prefix`].
pub const PREFIX: &str = "vestibule-domain-verify";
/// Who is named in the audit for what happens by itself, and from where it came.
const ACTOR: &str = "vestibule";
const PLACE: &str = "DNS";

/// How claims are proved.
#[derive(Clone, Debug)]
pub struct ProofSettings {
    /// The DNS servers to ask; empty: the system's resolvers.
    pub servers: Vec<SocketAddr>,
    /// How often verified claims are looked up, and how long a record may be gone.
    pub rules: Rules,
    /// What the record begins with.
    pub prefix: String,
    /// Domains that nobody can claim.
    pub public_mail: PublicMail,
    /// How long a server may take for one question.
    pub patience: Duration,
    /// The site's name, for mail.
    pub site: String,
}

impl Default for ProofSettings {
    fn default() -> Self {
        ProofSettings {
            servers: Vec::new(),
            rules: Rules::default(),
            prefix: PREFIX.to_owned(),
            public_mail: PublicMail::default(),
            patience: PATIENCE,
            site: String::new(),
        }
    }
}

/// Proves claims, and keeps them proved.
pub struct Proof {
    store: Store,
    rng: Arc<dyn Rng>,
    resolver: Resolver,
    rules: Rules,
    public_mail: PublicMail,
    site: String,
}

impl Proof {
    /// Proves the claims of this store.
    pub fn new(store: Store, rng: Arc<dyn Rng>, settings: ProofSettings) -> Self {
        let ProofSettings { servers, rules, prefix, public_mail, patience, site } = settings;
        Proof { store, rng, resolver: Resolver { servers, prefix, patience }, rules, public_mail, site }
    }

    /// How often verified claims are looked up, and how long a record may be gone.
    pub fn rules(&self) -> Rules {
        self.rules
    }

    /// The domains where everybody can have an address.
    pub fn public_mail(&self) -> &PublicMail {
        &self.public_mail
    }

    /// What the TXT record of a claim has to hold; `None`: it needs none.
    pub fn record(&self, claim: &Claim) -> Option<String> {
        claim.token.as_ref().map(|token| record::value(&self.resolver.prefix, token))
    }

    /// Claims `domain`, to be proved by DNS. Claiming again what is claimed keeps the token.
    ///
    /// # Errors
    /// [`DirectoryError::PublicMail`]; those of [`claim::claim`].
    pub async fn claim(
        &self,
        tx: &Tx,
        organization: &Organization,
        domain: &DomainName,
    ) -> Result<Claim, DirectoryError> {
        self.check_public(domain)?;
        claim::claim(tx, &*self.rng, organization, domain).await
    }

    /// Claims `domain` on the operator's own word: it holds at once.
    ///
    /// # Errors
    /// [`DirectoryError::PublicMail`]; those of [`claim::claim_trusted`].
    pub async fn claim_trusted(
        &self,
        tx: &Tx,
        organization: &Organization,
        domain: &DomainName,
    ) -> Result<Claim, DirectoryError> {
        let held = claim::find(tx, organization.id, domain).await?.is_some_and(|claim| claim.state.holds());
        if !held {
            self.check_public(domain)?;
        }
        let claimed = claim::claim_trusted(tx, organization, domain).await?;
        if !held {
            self.gained(tx, organization, domain).await?;
        }
        Ok(claimed)
    }

    fn check_public(&self, domain: &DomainName) -> Result<(), DirectoryError> {
        if self.public_mail.contains(domain) {
            return Err(DirectoryError::PublicMail(domain.clone()));
        }
        Ok(())
    }

    /// What follows when a claim begins to hold: whoever waited for the domain too is told, and if another organization
    /// held it before, it changes hands.
    async fn gained(&self, tx: &Tx, organization: &Organization, domain: &DomainName) -> Result<(), StoreError> {
        for loser in claim::mark_taken(tx, domain, organization.id).await? {
            self.tell_loser(tx, &loser).await?;
        }
        if let Some(former) = claim::take_former(tx, domain, organization.id).await? {
            hands::change(self, tx, former, organization, domain).await?;
        }
        Ok(())
    }

    /// Tells an organization that another one was first; not which.
    async fn tell_loser(&self, tx: &Tx, loser: &Claim) -> Result<(), StoreError> {
        self.audit(
            tx,
            loser.organization,
            "domain.taken",
            &loser.domain,
            "waiting",
            "verified for another organization",
        )?;
        let Some(organization) = organization::by_id(tx, loser.organization).await? else { return Ok(()) };
        let notice = notice::taken(&self.site, &organization.name, &loser.domain);
        self.tell_owners(tx, organization.id, &notice).await
    }

    async fn tell_owners(&self, tx: &Tx, organization: OrgId, notice: &notice::Notice) -> Result<(), StoreError> {
        notice.queue(tx, &*self.rng, organization).await
    }

    fn audit(
        &self,
        tx: &Tx,
        organization: OrgId,
        action: &str,
        object: impl std::fmt::Display,
        before: &str,
        after: &str,
    ) -> Result<(), StoreError> {
        let entry = AuditEntry::new(tx, ACTOR, action, object).changed(before, after).from(PLACE);
        audit::append(tx, &*self.rng, organization, &entry)
    }
}
