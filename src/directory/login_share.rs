//! Links that show one sign-in alone, to somebody without an account: the identity provider's administrator.
//!
//! The token is in the link alone; what it shows is a copy of the record as it was, which outlives the log for its own
//! time and no longer.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::login::LoginRecord;
use crate::kernel::{LoginId, OrgId, Rng, Timestamp, TokenHash};
use crate::store::{StoreError, Table, TableChecker, Tx, checker};

/// What is shared, by the hash of the link's token.
const SHARES: Table<[u8; 32], Share> = Table::new("login_shares");
/// The links of a sign-in.
const BY_LOGIN: Table<(OrgId, LoginId, [u8; 32]), ()> = Table::new("login_share_by_login");

/// How long a link is good.
pub const GOOD_FOR: Duration = Duration::from_secs(7 * 24 * 3600);
/// How many links of one sign-in are good at once.
pub const KEPT: usize = 5;
/// Random bytes of a token: 256 bits.
const TOKEN_BYTES: usize = 32;

/// A sign-in that a link shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// The organization whose log it is of.
    pub organization: OrgId,
    /// Who made the link.
    pub by: String,
    /// Until when it is good.
    pub ends: Timestamp,
    /// The sign-in.
    pub record: LoginRecord,
}

/// Makes a link; gives its token, which is shown once. `None`: there are [`KEPT`] already.
///
/// # Errors
/// [`StoreError`].
pub async fn share(
    tx: &Tx,
    rng: &dyn Rng,
    organization: OrgId,
    record: &LoginRecord,
    by: &str,
) -> Result<Option<String>, StoreError> {
    if of_login(tx, organization, record.id).await?.len() >= KEPT {
        return Ok(None);
    }
    let token = rng.token::<TOKEN_BYTES>();
    let (hash, ends) = (*TokenHash::of(token.as_bytes()).as_bytes(), tx.now().plus(GOOD_FOR));
    let share = Share { organization, by: by.to_owned(), ends, record: record.clone() };
    tx.put_until(&SHARES, &hash, &share, ends)?;
    tx.put_until(&BY_LOGIN, &(organization, record.id, hash), &(), ends)?;
    Ok(Some(token))
}

/// What a link shows, if it is still good.
///
/// # Errors
/// [`StoreError`].
pub async fn find(tx: &Tx, token: &str) -> Result<Option<Share>, StoreError> {
    tx.get(&SHARES, TokenHash::of(token.as_bytes()).as_bytes()).await
}

/// The links of a sign-in.
///
/// # Errors
/// [`StoreError`].
pub async fn of_login(tx: &Tx, organization: OrgId, login: LoginId) -> Result<Vec<Share>, StoreError> {
    let mut found = Vec::new();
    for ((.., hash), ()) in tx.scan(&BY_LOGIN, &(organization, login), None, KEPT).await? {
        found.extend(tx.get(&SHARES, &hash).await?);
    }
    Ok(found)
}

/// Makes all links of a sign-in void; gives how many there were.
///
/// # Errors
/// [`StoreError`].
pub async fn revoke(tx: &Tx, organization: OrgId, login: LoginId) -> Result<usize, StoreError> {
    // Of many that were made at once there may be more than are to be.
    let held = tx.scan(&BY_LOGIN, &(organization, login), None, 100 * KEPT).await?;
    for ((.., hash), ()) in &held {
        tx.delete(&SHARES, hash);
        tx.delete(&BY_LOGIN, &(organization, login, *hash));
    }
    Ok(held.len())
}

/// What is promised of the records.
pub(super) fn checkers() -> Vec<TableChecker> {
    let share = checker(&SHARES, async |tx: Tx, hash, share: Share| {
        let right = tx.get(&BY_LOGIN, &(share.organization, share.record.id, hash)).await?.is_some();
        Ok((!right).then(|| "the link is missing among those of its sign-in".to_owned()))
    });
    let index = checker(&BY_LOGIN, async |tx: Tx, (organization, login, hash), ()| {
        let found = tx.get(&SHARES, &hash).await?;
        let right = found.is_some_and(|share| share.organization == organization && share.record.id == login);
        Ok((!right).then(|| "the sign-in lists a link which there is not".to_owned()))
    });
    vec![share, index]
}
