//! The last owner stays (D18): provisioning leaves no organization without somebody who runs it.

use super::error::ProvisioningError;
use crate::directory::{member, organization, user};
use crate::kernel::{OrgId, Role, UserId};
use crate::store::{StoreError, Tx};

/// Whether the account is an organization's last owner: no other member with that role whose account is active.
///
/// What is found is read again, so that of two who go at the same time one is run again and stays.
///
/// # Errors
/// [`StoreError`].
pub async fn is_last(tx: &Tx, organization: OrgId, account: UserId) -> Result<bool, StoreError> {
    let own = member::find(tx, organization, account).await?;
    if own.is_none_or(|member| member.role != Role::Owner) {
        return Ok(false);
    }
    let mut after = None;
    loop {
        let page = member::list(tx, organization, after).await?;
        let Some(last) = page.last() else { return Ok(true) };
        after = Some(last.user);
        for other in page.iter().filter(|member| member.role == Role::Owner && member.user != account) {
            let awake = member::find(tx, organization, other.user).await?;
            let active = user::by_id(tx, other.user).await?.is_some_and(|user| user.active);
            if active && awake.is_some_and(|member| member.role == Role::Owner) {
                return Ok(false);
            }
        }
    }
}

/// Refuses what would take the last owner of one of these memberships' organizations away.
pub(super) async fn keep(tx: &Tx, memberships: &[member::Member]) -> Result<(), ProvisioningError> {
    for held in memberships {
        if is_last(tx, held.organization, held.user).await? {
            let found = organization::by_id(tx, held.organization).await?;
            return Err(ProvisioningError::LastOwner(found.map_or_else(String::new, |found| found.slug.to_string())));
        }
    }
    Ok(())
}
