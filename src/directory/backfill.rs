//! What a store of an earlier version lacks, such as index rows, made once when the server starts.

use super::{audit, claim, member_index, user};
use crate::kernel::{DomainName, OrgId, UserId};
use crate::store::{Store, StoreError, Tx};

/// How many records one transaction covers.
const PAGE: usize = 500;

/// Chains audit entries that are in no chain, and makes the index rows that later versions added, if the store has none of them. Cheap where there is nothing to do.
///
/// # Errors
/// [`StoreError`].
pub async fn backfill(store: &Store) -> Result<(), StoreError> {
    audit::chain_older(store).await?;
    member_index::backfill(store).await?;
    let tx = store.reader();
    if tx.scan(&user::BY_DOMAIN, &(), None, 1).await?.is_empty() {
        let mut after: Option<UserId> = None;
        loop {
            let page = tx.scan(&user::USERS, &(), after.as_ref(), PAGE).await?;
            let rows = |tx: &Tx| {
                page.iter().try_for_each(|(id, user)| tx.put(&user::BY_DOMAIN, &(user.email.domain(), *id), &()))
            };
            store.transaction("list accounts by domain", async |tx: Tx| rows(&tx)).await?;
            match page.last() {
                Some((id, _)) if page.len() == PAGE => after = Some(*id),
                _ => break,
            }
        }
    }
    if tx.scan(&claim::CLAIMANTS, &(), None, 1).await?.is_empty() {
        let mut after: Option<(OrgId, DomainName)> = None;
        loop {
            let page = tx.scan(&claim::CLAIMS, &(), after.as_ref(), PAGE).await?;
            let rows = |tx: &Tx| {
                let key = |claim: &claim::Claim| (claim.domain.clone(), claim.organization);
                page.iter().try_for_each(|(_, claim)| tx.put(&claim::CLAIMANTS, &key(claim), &()))
            };
            store.transaction("list claims by domain", async |tx: Tx| rows(&tx)).await?;
            match page.last() {
                Some((key, _)) if page.len() == PAGE => after = Some(key.clone()),
                _ => break,
            }
        }
    }
    Ok(())
}
