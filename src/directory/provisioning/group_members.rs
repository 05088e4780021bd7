//! Who is in a group: all, up to so many, or certain ones.

use std::collections::BTreeSet;

use super::error::ProvisioningError;
use super::group::{GroupMember, accounts, seen, team_of};
use super::scope::ProvisioningScope;
use super::{linked_group, person};
use crate::directory::{team_member, user};
use crate::kernel::{TeamId, UserId};
use crate::store::{StoreError, Tx};

/// How many are looked at before others are let run.
const STEP: usize = 500;

/// Who is in a group, as far as the scope may see them, in the order of their accounts.
///
/// # Errors
/// [`ProvisioningError::NoSuchResource`].
pub async fn members(tx: &Tx, scope: &ProvisioningScope, group: TeamId) -> Result<Vec<GroupMember>, ProvisioningError> {
    let accounts = accounts(tx, scope, group).await?;
    shown(tx, scope, accounts).await
}

/// The same of a group that has at most `limit`; none of a larger one.
///
/// # Errors
/// As [`members`].
pub async fn members_of_few(
    tx: &Tx,
    scope: &ProvisioningScope,
    group: TeamId,
    limit: usize,
) -> Result<Option<Vec<GroupMember>>, ProvisioningError> {
    let accounts = accounts(tx, scope, group).await?;
    if accounts.len() > limit { Ok(None) } else { Ok(Some(shown(tx, scope, accounts).await?)) }
}

async fn shown(
    tx: &Tx,
    scope: &ProvisioningScope,
    accounts: Vec<UserId>,
) -> Result<Vec<GroupMember>, ProvisioningError> {
    let mut found = Vec::new();
    for (number, account) in accounts.into_iter().enumerate() {
        if number % STEP == STEP - 1 {
            tokio::task::yield_now().await;
        }
        let Some(account) = user::by_id(tx, account).await? else { continue };
        if person::is_seen(tx, scope, &account).await? {
            let id = person::id_of(tx, scope, account.id).await?;
            found.push(GroupMember { id });
        }
    }
    Ok(found)
}

/// Somebody whose groups are looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sought {
    member: GroupMember,
    account: UserId,
}

/// Those of these ids that the scope may see, each once.
///
/// # Errors
/// [`StoreError`].
pub async fn sought(tx: &Tx, scope: &ProvisioningScope, ids: &BTreeSet<UserId>) -> Result<Vec<Sought>, StoreError> {
    let mut found = Vec::new();
    for id in ids {
        let account = seen(tx, scope, *id).await?;
        found.extend(account.map(|account| Sought { member: GroupMember { id: *id }, account: account.id }));
    }
    Ok(found)
}

/// Those among them who are in the group: one look for each, however large it is.
///
/// # Errors
/// [`ProvisioningError::NoSuchResource`].
pub async fn among(
    tx: &Tx,
    scope: &ProvisioningScope,
    group: TeamId,
    sought: &[Sought],
) -> Result<Vec<GroupMember>, ProvisioningError> {
    let team = if scope.is_admin() { None } else { Some(team_of(tx, scope, group).await?) };
    let mut found = Vec::new();
    for one in sought {
        let there = match &team {
            Some(team) => team_member::find(tx, team, one.account).await?.is_some(),
            None => linked_group::has(tx, scope.organization(), group, one.account).await?,
        };
        if there {
            found.push(one.member.clone());
        }
    }
    Ok(found)
}
