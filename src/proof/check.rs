//! One look at one claim: DNS is asked, and what it showed is taken in with all that follows, in one transaction.

use super::{Proof, notice};
use crate::directory::life::{Step, grace_ends, search_anew};
use crate::directory::{
    Claim, ClaimState, DirectoryError, Event, Look, Observation, Organization, claim, organization,
};
use crate::kernel::DomainName;
use crate::session::records::{self, Scope};
use crate::store::{StoreError, Tx};

/// A claim after a look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// As it is now.
    pub claim: Claim,
    /// What the look changed.
    pub event: Option<Event>,
}

impl Proof {
    /// Looks at once at the claim of `domain`; if it is no longer looked for by itself, it is from now on. A claim on the
    /// operator's word needs no look.
    ///
    /// # Errors
    /// [`DirectoryError::NoSuchClaim`], also if it was given up meanwhile; [`DirectoryError::PublicMail`] if it does not
    /// hold yet, and everybody can have mail there by now.
    pub async fn verify(&self, organization: &Organization, domain: &DomainName) -> Result<Checked, DirectoryError> {
        let gone = || DirectoryError::NoSuchClaim(organization.slug.clone(), domain.clone());
        let search = async |tx: Tx| {
            let held = claim::find(&tx, organization.id, domain).await?.ok_or_else(gone)?;
            if held.state.holds() || held.due.is_some() {
                return Ok(held);
            }
            self.check_public(domain)?;
            let anew = search_anew(&held, tx.now());
            claim::write(&tx, Some(&held), Some(&anew)).await?;
            Ok::<_, DirectoryError>(anew)
        };
        let found = self.store.transaction("search for a record", search).await?;
        if !found.state.holds() {
            self.check_public(domain)?;
        }
        if !found.is_checked() {
            return Ok(Checked { claim: found, event: None });
        }
        self.check(&found).await?.ok_or_else(gone)
    }

    /// Asks DNS for the record of a claim, and changes nothing.
    pub async fn look(&self, claim: &Claim) -> Look {
        self.resolver.look(&claim.domain, claim.token.as_deref().unwrap_or_default()).await
    }

    /// Asks DNS, and takes in what it shows. `None`: the claim is gone, or another one by now.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn check(&self, asked: &Claim) -> Result<Option<Checked>, StoreError> {
        if !asked.is_checked() {
            return Ok(None);
        }
        if !asked.state.holds() && self.public_mail.contains(&asked.domain) {
            return self.set_aside(asked).await;
        }
        let look = self.look(asked).await;
        let taken_in = self
            .store
            .transaction("take in what DNS showed", async |tx: Tx| {
                let before = claim::find(&tx, asked.organization, &asked.domain).await?;
                let Some(step) = claim::take_in(&tx, asked, &look, self.rules).await? else { return Ok(None) };
                let state = before.map_or(ClaimState::Pending, |claim| claim.state);
                self.follow_up(&tx, state, &step).await?;
                Ok::<_, StoreError>(Some(step))
            })
            .await?;
        let Some(Step { claim, event }) = taken_in else { return Ok(None) };
        let observation = look.observation();
        let seen = match observation {
            Observation::Found => "found",
            Observation::Gone => "gone",
            Observation::Failed => "failed",
        };
        metrics::counter!("vestibule_domain_checks_total", "seen" => seen).increment(1);
        tracing::debug!(domain = %claim.domain, ?observation, state = ?claim.state, "looked for a record in DNS");
        if let Some(event) = event {
            tracing::info!(domain = %claim.domain, organization = %claim.organization, ?event, "a claim changed");
        }
        Ok(Some(Checked { claim, event }))
    }

    /// A claim that waits for a domain where everybody can have mail by now, since the operator's list says so: it is
    /// looked for no more, and stays as it is. One that holds stays, too, and `check --store` warns of it.
    async fn set_aside(&self, asked: &Claim) -> Result<Option<Checked>, StoreError> {
        let set_aside = async |tx: Tx| {
            let found = claim::find(&tx, asked.organization, &asked.domain).await?;
            let Some(held) = found.filter(|held| !held.state.holds() && held.token == asked.token) else {
                return Ok(None);
            };
            let claim = Claim { due: None, ..held.clone() };
            if held.due.is_some() {
                claim::write(&tx, Some(&held), Some(&claim)).await?;
                let (action, after) = ("domain.set_aside", "not looked for: everybody can have mail there");
                self.audit(&tx, claim.organization, action, &claim.domain, word(held.state), after)?;
            }
            Ok::<_, StoreError>(Some(Checked { claim, event: None }))
        };
        self.store.transaction("set a claim aside", set_aside).await
    }

    /// What follows from a step, in its transaction.
    async fn follow_up(&self, tx: &Tx, before: ClaimState, step: &Step) -> Result<(), StoreError> {
        let (Some(event), claim) = (step.event, &step.claim) else { return Ok(()) };
        let Some(organization) = organization::by_id(tx, claim.organization).await? else { return Ok(()) };
        let (site, name, domain) = (&self.site, &organization.name, &claim.domain);
        let record = self.record(claim).unwrap_or_default();
        let (action, notice) = match event {
            Event::Taken => return self.tell_loser(tx, claim).await,
            Event::Verified => ("domain.verified", notice::verified(site, name, domain)),
            Event::Healed => ("domain.healed", notice::healed(site, name, domain)),
            Event::Unverified => ("domain.unverified", notice::unverified(site, name, domain, &record)),
            Event::Lapsing => {
                let ends = grace_ends(claim, self.rules).unwrap_or(tx.now());
                ("domain.lapsing", notice::lapsing(site, name, domain, &record, ends))
            }
        };
        self.audit(tx, claim.organization, action, domain, word(before), word(claim.state))?;
        match event {
            Event::Verified => self.gained(tx, &organization, domain).await?,
            // The organization no longer speaks for these people; which sessions are theirs, nobody has to find out:
            // the others are made anew by one redirect.
            Event::Unverified => records::revoke(tx, Scope::Connection(organization.id)).await?,
            Event::Healed | Event::Lapsing | Event::Taken => {}
        }
        self.tell_owners(tx, organization.id, &notice).await
    }
}

fn word(state: ClaimState) -> &'static str {
    match state {
        ClaimState::Pending => "pending",
        ClaimState::Verified => "verified",
        ClaimState::Lapsing => "lapsing",
        ClaimState::Unverified => "unverified",
    }
}
