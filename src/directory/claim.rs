//! Claimed domains: which organization has proved that it owns the domain of an address.

use serde::{Deserialize, Serialize};

use super::error::DirectoryError;
use super::organization::{self, Organization};
use crate::kernel::{DomainName, OrgId, Timestamp};
use crate::store::{StoreError, Table, Tx};

/// Claims by organization and domain.
pub const CLAIMS: Table<(OrgId, DomainName), Claim> = Table::new("claims");
/// The one organization that has the verified claim of a domain.
pub const VERIFIED: Table<DomainName, OrgId> = Table::new("claim_by_domain");
/// How many domains an organization can claim.
pub const CLAIM_LIMIT: usize = 1000;

/// Where a claim stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClaimState {
    /// Not proved yet.
    Pending,
    /// Proved, or marked on the operator's own word.
    Verified,
    /// The record is gone; the week of grace runs. Counts as verified everywhere (D8).
    Lapsing,
    /// Proved once, and no longer.
    Unverified,
}

impl ClaimState {
    /// Whether the domain counts as the organization's (D8).
    pub const fn holds(self) -> bool {
        matches!(self, ClaimState::Verified | ClaimState::Lapsing)
    }
}

/// An organization's claim of a domain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The domain.
    pub domain: DomainName,
    /// Who claims it.
    pub organization: OrgId,
    /// Where it stands.
    pub state: ClaimState,
    /// Verified on the operator's own word, without DNS: never lapses (D8), and is shown wherever the claim is.
    pub trusted: bool,
    /// When it was claimed.
    pub created: Timestamp,
    /// Since when it has been verified.
    pub verified: Option<Timestamp>,
}

/// Claims `domain` for the organization on the operator's own word. Claiming again what it holds changes nothing.
///
/// # Errors
/// [`DirectoryError::DomainHeld`] if another organization has the verified claim;
/// [`DirectoryError::InvalidSetting`] over [`CLAIM_LIMIT`].
pub async fn claim_trusted(tx: &Tx, organization: &Organization, domain: &DomainName) -> Result<Claim, DirectoryError> {
    match tx.get(&VERIFIED, domain).await? {
        Some(holder) if holder != organization.id => return Err(DirectoryError::DomainHeld(domain.clone())),
        _ => {}
    }
    let key = (organization.id, domain.clone());
    if let Some(held) = tx.get(&CLAIMS, &key).await?.filter(|claim| claim.trusted && claim.state.holds()) {
        return Ok(held);
    }
    if list(tx, organization.id).await?.len() >= CLAIM_LIMIT {
        let text = format!("{} has {CLAIM_LIMIT} domains already: that is the limit", organization.slug);
        return Err(DirectoryError::InvalidSetting(text));
    }
    let claim = Claim {
        domain: domain.clone(),
        organization: organization.id,
        state: ClaimState::Verified,
        trusted: true,
        created: tx.now(),
        verified: Some(tx.now()),
    };
    tx.put(&CLAIMS, &key, &claim)?;
    tx.put(&VERIFIED, domain, &organization.id)?;
    Ok(claim)
}

/// Gives up a claim.
///
/// # Errors
/// [`DirectoryError::NoSuchClaim`].
pub async fn release(tx: &Tx, organization: &Organization, domain: &DomainName) -> Result<Claim, DirectoryError> {
    let key = (organization.id, domain.clone());
    let Some(claim) = tx.take(&CLAIMS, &key).await? else {
        return Err(DirectoryError::NoSuchClaim(organization.slug.clone(), domain.clone()));
    };
    if tx.get(&VERIFIED, domain).await? == Some(organization.id) {
        tx.delete(&VERIFIED, domain);
    }
    Ok(claim)
}

/// The claims of one organization, in the order of the domains.
pub async fn list(tx: &Tx, organization: OrgId) -> Result<Vec<Claim>, StoreError> {
    let rows = tx.scan(&CLAIMS, &organization, None, CLAIM_LIMIT).await?;
    Ok(rows.into_iter().map(|(_, claim)| claim).collect())
}

/// The organization that holds the verified claim of exactly this domain (R37): no parent, no child.
pub async fn holder(tx: &Tx, domain: &DomainName) -> Result<Option<Organization>, StoreError> {
    match tx.get(&VERIFIED, domain).await? {
        Some(id) => organization::by_id(tx, id).await,
        None => Ok(None),
    }
}

/// Gives up all claims of an organization.
pub(super) async fn remove_all(tx: &Tx, organization: OrgId) -> Result<(), StoreError> {
    for claim in list(tx, organization).await? {
        if tx.get(&VERIFIED, &claim.domain).await? == Some(organization) {
            tx.delete(&VERIFIED, &claim.domain);
        }
        tx.delete(&CLAIMS, &(organization, claim.domain));
    }
    Ok(())
}
