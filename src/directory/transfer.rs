//! A claim goes from a linked organization to its Admin organization, without a gap (D14).

use super::claim::{self, CLAIM_LIMIT, CLAIMANTS, CLAIMS, Claim, DUE, VERIFIED};
use super::error::DirectoryError;
use super::link;
use super::organization::Organization;
use crate::kernel::DomainName;
use crate::store::Tx;

/// Moves the verified claim of `domain` from whoever holds it to the Admin organization `to`, as it is: with its token,
/// whose record is in DNS, its times, and a grace that runs. Gives from whom it came, and the claim as it is now.
///
/// # Errors
/// [`DirectoryError::NobodyHolds`], [`DirectoryError::NotLinkedTo`]; [`DirectoryError::InvalidSetting`] over
/// [`CLAIM_LIMIT`].
pub async fn to_admin(
    tx: &Tx,
    domain: &DomainName,
    to: &Organization,
) -> Result<(Organization, Claim), DirectoryError> {
    let nobody = || DirectoryError::NobodyHolds(domain.clone());
    let from = claim::holder(tx, domain).await?.ok_or_else(nobody)?;
    if link::find(tx, from.id).await?.is_none_or(|link| link.admin != to.id) {
        return Err(DirectoryError::NotLinkedTo(domain.clone(), from.slug, to.slug.clone()));
    }
    let held = claim::find(tx, from.id, domain).await?.ok_or_else(nobody)?;
    let waiting = claim::find(tx, to.id, domain).await?;
    if waiting.is_none() && claim::list(tx, to.id).await?.len() >= CLAIM_LIMIT {
        let text = format!("{} has {CLAIM_LIMIT} domains already: that is the limit", to.slug);
        return Err(DirectoryError::InvalidSetting(text));
    }
    for gone in [Some(&held), waiting.as_ref()].into_iter().flatten() {
        if let Some(due) = gone.due {
            tx.delete(&DUE, &(due, gone.organization, domain.clone()));
        }
    }
    tx.delete(&CLAIMS, &(from.id, domain.clone()));
    tx.delete(&CLAIMANTS, &(domain.clone(), from.id));
    let moved = Claim { organization: to.id, ..held };
    if let Some(due) = moved.due {
        tx.put(&DUE, &(due, to.id, domain.clone()), &())?;
    }
    tx.put(&CLAIMS, &(to.id, domain.clone()), &moved)?;
    tx.put(&CLAIMANTS, &(domain.clone(), to.id), &())?;
    tx.put(&VERIFIED, domain, &to.id)?;
    link::note_moved(tx, from.id, domain, to.id)?;
    Ok((from, moved))
}
