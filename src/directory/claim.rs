//! Claimed domains: which organization has proved that it owns the domain of an address.
//!
//! Every change of a claim goes through one function here, which keeps the record and its indexes together: of many
//! claims of one domain one alone holds, and that is a unique row in the same transaction.

use serde::{Deserialize, Serialize};

use super::error::DirectoryError;
use super::life::{self, Rules, Step};
use super::look::{Look, ServerAnswer};
use super::organization::{self, Organization};
use crate::kernel::{DomainName, OrgId, Rng, Timestamp};
use crate::store::{StoreError, Table, Tx};

/// Claims by organization and domain.
pub const CLAIMS: Table<(OrgId, DomainName), Claim> = Table::new("claims");
/// The one organization that has the verified claim of a domain.
pub const VERIFIED: Table<DomainName, OrgId> = Table::new("claim_by_domain");
/// Everyone who claims a domain, verified or not.
pub(super) const CLAIMANTS: Table<(DomainName, OrgId), ()> = Table::new("claimants");
/// When which claim is to be looked up in DNS next.
pub(super) const DUE: Table<(Timestamp, OrgId, DomainName), ()> = Table::new("claim_due");
/// Who held a domain last, while nobody holds it.
pub(super) const FORMER: Table<DomainName, OrgId> = Table::new("claim_former_holder");
/// How many domains an organization can claim.
pub const CLAIM_LIMIT: usize = 1000;
/// How many claimants of one domain are told that another was first.
const CLAIMANT_LIMIT: usize = 1000;
/// Random bytes of a token: 160 bits.
const TOKEN_BYTES: usize = 20;

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
    /// What the TXT record must hold behind the prefix; `None` for claims on the operator's word. No secret: it is
    /// published, and proves only this organization's claim of this domain.
    #[serde(default)]
    pub token: Option<String>,
    /// When the record was last seen.
    #[serde(default)]
    pub seen: Option<Timestamp>,
    /// When DNS was last asked.
    #[serde(default)]
    pub checked: Option<Timestamp>,
    /// Since when DNS has given no answer at all.
    #[serde(default)]
    pub failing: Option<Timestamp>,
    /// Since when the record has been gone, while the grace runs.
    #[serde(default)]
    pub lapsing: Option<Timestamp>,
    /// When another organization verified the domain while this one was still waiting.
    #[serde(default)]
    pub taken: Option<Timestamp>,
    /// Since when the record has been looked for, while the claim does not hold: the pauses grow from here.
    #[serde(default)]
    pub sought: Option<Timestamp>,
    /// When it is looked up next; `None`: not by itself.
    #[serde(default)]
    pub due: Option<Timestamp>,
    /// What each server answered when DNS was last asked.
    #[serde(default)]
    pub answers: Vec<ServerAnswer>,
}

impl Claim {
    /// A claim on the operator's word.
    pub fn trusted(organization: OrgId, domain: &DomainName, now: Timestamp) -> Self {
        Claim {
            state: ClaimState::Verified,
            trusted: true,
            verified: Some(now),
            sought: None,
            due: None,
            ..Claim::pending(organization, domain, None, now)
        }
    }

    /// A claim that waits for its record.
    pub fn pending(organization: OrgId, domain: &DomainName, token: Option<String>, now: Timestamp) -> Self {
        Claim {
            domain: domain.clone(),
            organization,
            state: ClaimState::Pending,
            trusted: false,
            created: now,
            verified: None,
            token,
            seen: None,
            checked: None,
            failing: None,
            lapsing: None,
            taken: None,
            sought: Some(now),
            due: Some(now.plus(life::FIRST_PAUSE)),
            answers: Vec::new(),
        }
    }

    /// Whether looking in DNS can change anything.
    pub const fn is_checked(&self) -> bool {
        !self.trusted && self.token.is_some()
    }
}

/// Claims `domain` for the organization, to be proved by DNS. Claiming again what is claimed keeps the token; if the
/// record is no longer looked for, the search starts anew.
///
/// # Errors
/// [`DirectoryError::InvalidSetting`] over [`CLAIM_LIMIT`].
pub async fn claim(
    tx: &Tx,
    rng: &dyn Rng,
    organization: &Organization,
    domain: &DomainName,
) -> Result<Claim, DirectoryError> {
    if let Some(held) = find(tx, organization.id, domain).await? {
        if held.state.holds() || held.due.is_some() {
            return Ok(held);
        }
        let token = held.token.clone().or_else(|| Some(rng.token::<TOKEN_BYTES>()));
        let anew = Claim { token, ..life::search_anew(&held, tx.now()) };
        write(tx, Some(&held), Some(&anew)).await?;
        return Ok(anew);
    }
    check_count(tx, organization).await?;
    let claim = Claim::pending(organization.id, domain, Some(rng.token::<TOKEN_BYTES>()), tx.now());
    write(tx, None, Some(&claim)).await?;
    Ok(claim)
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
    let held = find(tx, organization.id, domain).await?;
    if let Some(held) = held.as_ref().filter(|claim| claim.trusted && claim.state.holds()) {
        return Ok(held.clone());
    }
    if held.is_none() {
        check_count(tx, organization).await?;
    }
    let claim = Claim::trusted(organization.id, domain, tx.now());
    write(tx, held.as_ref(), Some(&claim)).await?;
    Ok(claim)
}

async fn check_count(tx: &Tx, organization: &Organization) -> Result<(), DirectoryError> {
    if list(tx, organization.id).await?.len() >= CLAIM_LIMIT {
        let text = format!("{} has {CLAIM_LIMIT} domains already: that is the limit", organization.slug);
        return Err(DirectoryError::InvalidSetting(text));
    }
    Ok(())
}

/// What DNS showed of a claim, taken in: moves it on if its token is still what was looked for. `None` if the claim is
/// gone or another one by now.
///
/// # Errors
/// [`StoreError`].
pub async fn take_in(tx: &Tx, asked: &Claim, look: &Look, rules: Rules) -> Result<Option<Step>, StoreError> {
    let found = find(tx, asked.organization, &asked.domain).await?;
    let Some(claim) = found.filter(|claim| claim.is_checked() && claim.token == asked.token) else {
        return Ok(None);
    };
    let holder = tx.get(&VERIFIED, &claim.domain).await?;
    let taken = holder.is_some_and(|holder| holder != claim.organization);
    let mut step = life::observe(&claim, look.observation(), taken, tx.now(), rules);
    step.claim.answers.clone_from(&look.answers);
    write(tx, Some(&claim), Some(&step.claim)).await?;
    Ok(Some(step))
}

/// Gives up a claim.
///
/// # Errors
/// [`DirectoryError::NoSuchClaim`].
pub async fn release(tx: &Tx, organization: &Organization, domain: &DomainName) -> Result<Claim, DirectoryError> {
    let Some(claim) = find(tx, organization.id, domain).await? else {
        return Err(DirectoryError::NoSuchClaim(organization.slug.clone(), domain.clone()));
    };
    write(tx, Some(&claim), None).await?;
    Ok(claim)
}

/// Writes a claim in place of what it was, with all its index rows: the only way in which claims change. When a domain
/// gets free, it is remembered who held it, and whoever waits for it is looked up at once.
///
/// # Errors
/// [`StoreError`].
pub async fn write(tx: &Tx, before: Option<&Claim>, after: Option<&Claim>) -> Result<(), StoreError> {
    if let Some(gone) = before {
        if let Some(due) = gone.due {
            tx.delete(&DUE, &(due, gone.organization, gone.domain.clone()));
        }
        if after.is_none() {
            tx.delete(&CLAIMS, &(gone.organization, gone.domain.clone()));
            tx.delete(&CLAIMANTS, &(gone.domain.clone(), gone.organization));
        }
        if gone.state.holds() && !after.is_some_and(|claim| claim.state.holds()) {
            tx.delete(&VERIFIED, &gone.domain);
            tx.put(&FORMER, &gone.domain, &gone.organization)?;
            for waiting in others(tx, &gone.domain, gone.organization).await? {
                put(tx, Some(&waiting), &life::search_anew(&waiting, tx.now()))?;
            }
        }
    }
    if let Some(claim) = after {
        put(tx, None, claim)?;
        tx.put(&CLAIMANTS, &(claim.domain.clone(), claim.organization), &())?;
        if claim.state.holds() {
            tx.put(&VERIFIED, &claim.domain, &claim.organization)?;
        }
    }
    Ok(())
}

/// The record and the row of its next check.
fn put(tx: &Tx, before: Option<&Claim>, claim: &Claim) -> Result<(), StoreError> {
    if let Some(due) = before.and_then(|before| before.due) {
        tx.delete(&DUE, &(due, claim.organization, claim.domain.clone()));
    }
    if let Some(due) = claim.due {
        tx.put(&DUE, &(due, claim.organization, claim.domain.clone()), &())?;
    }
    tx.put(&CLAIMS, &(claim.organization, claim.domain.clone()), claim)
}

/// The claim of one organization, if there is one.
pub async fn find(tx: &Tx, organization: OrgId, domain: &DomainName) -> Result<Option<Claim>, StoreError> {
    tx.get(&CLAIMS, &(organization, domain.clone())).await
}

/// The claims of one organization, in the order of the domains.
pub async fn list(tx: &Tx, organization: OrgId) -> Result<Vec<Claim>, StoreError> {
    let rows = tx.scan(&CLAIMS, &organization, None, CLAIM_LIMIT).await?;
    Ok(rows.into_iter().map(|(_, claim)| claim).collect())
}

/// The claims of a domain by other organizations than `besides`.
pub async fn others(tx: &Tx, domain: &DomainName, besides: OrgId) -> Result<Vec<Claim>, StoreError> {
    let mut found = Vec::new();
    for ((_, organization), ()) in tx.scan(&CLAIMANTS, domain, None, CLAIMANT_LIMIT).await? {
        if organization != besides {
            found.extend(find(tx, organization, domain).await?);
        }
    }
    Ok(found)
}

/// The claims that are to be looked up by now, the longest due first, at most `limit`.
pub async fn due(tx: &Tx, limit: usize) -> Result<Vec<Claim>, StoreError> {
    let mut found = Vec::new();
    for ((moment, organization, domain), ()) in tx.scan(&DUE, &(), None, limit).await? {
        if moment > tx.now() {
            break;
        }
        found.extend(find(tx, organization, &domain).await?);
    }
    Ok(found)
}

/// Notes of each claim that still waits for `domain` that `winner` was first; gives those that had not been told.
///
/// # Errors
/// [`StoreError`].
pub async fn mark_taken(tx: &Tx, domain: &DomainName, winner: OrgId) -> Result<Vec<Claim>, StoreError> {
    let mut told = Vec::new();
    for waiting in others(tx, domain, winner).await? {
        if waiting.taken.is_none() && !waiting.state.holds() {
            let taken = Claim { taken: Some(tx.now()), ..waiting.clone() };
            put(tx, Some(&waiting), &taken)?;
            told.push(taken);
        }
    }
    Ok(told)
}

/// Who held the domain before `holder`, if that was somebody else: asked once, by whoever sees it change hands.
///
/// # Errors
/// [`StoreError`].
pub async fn take_former(tx: &Tx, domain: &DomainName, holder: OrgId) -> Result<Option<OrgId>, StoreError> {
    Ok(tx.take(&FORMER, domain).await?.filter(|former| *former != holder))
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
        write(tx, Some(&claim), None).await?;
    }
    Ok(())
}
