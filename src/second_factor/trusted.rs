//! Browsers in which a person is not asked for the second factor again for a while. Each can be taken back.
//!
//! How long, and whether at all, is the organization's to say, each time: a row tells since when it is trusted.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::factors::of_account;
use crate::directory::gain_stamp;
use crate::kernel::{Rng, Timestamp, TokenHash, UserId};
use crate::store::{StoreError, Table, TableChecker, Tx, checker};

/// Trusted browsers by account and the hash of their token.
const TRUSTED: Table<(UserId, [u8; 32]), TrustedBrowser> = Table::new("trusted_browsers");

/// Random bytes of a token: 256 bits.
const TOKEN_BYTES: usize = 32;
/// How many browsers of an account are trusted at once; one more takes the place of the oldest.
const KEPT: usize = 20;
/// The longest that a browser is trusted.
pub const LONGEST: Duration = Duration::from_secs(90 * 24 * 3600);
/// How much of the browser's name is kept, in bytes.
const NAME_LIMIT: usize = 120;

/// A browser that is trusted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustedBrowser {
    /// Since when.
    pub since: Timestamp,
    /// Until when, at the latest.
    pub until: Timestamp,
    /// What it is, for the person.
    pub name: String,
}

/// Trusts a browser for `long`, at most [`LONGEST`]; gives the token, which is in its cookie alone. The caller audits it.
///
/// # Errors
/// The store's.
pub async fn trust(tx: &Tx, rng: &dyn Rng, user: UserId, long: Duration, name: &str) -> Result<String, StoreError> {
    gain_stamp::moved(tx, user)?;
    let mut held = of(tx, user).await?;
    held.sort_by_key(|(_, browser)| browser.since);
    let over = (held.len() + 1).saturating_sub(KEPT);
    for (id, _) in held.into_iter().take(over) {
        tx.delete(&TRUSTED, &(user, id));
    }
    let token = rng.token::<TOKEN_BYTES>();
    let until = tx.now().plus(long.min(LONGEST));
    let name = name[..name.floor_char_boundary(NAME_LIMIT)].to_owned();
    let browser = TrustedBrowser { since: tx.now(), until, name };
    tx.put_until(&TRUSTED, &(user, key(&token)), &browser, until)?;
    Ok(token)
}

/// The trusted browser that a token is of. Whether `since` is recent enough for the organization, the caller looks.
///
/// # Errors
/// The store's.
pub async fn find(tx: &Tx, user: UserId, token: &str) -> Result<Option<TrustedBrowser>, StoreError> {
    tx.get(&TRUSTED, &(user, key(token))).await
}

/// The trusted browsers of an account, by their ids.
///
/// # Errors
/// The store's.
pub async fn of(tx: &Tx, user: UserId) -> Result<Vec<([u8; 32], TrustedBrowser)>, StoreError> {
    // Two at once may have made room for one: look a little further.
    let rows = tx.scan(&TRUSTED, &user, None, 10 * KEPT).await?;
    Ok(rows.into_iter().map(|((_, id), browser)| (id, browser)).collect())
}

/// Trusts a browser no more; gives whether it was. The caller audits it.
///
/// # Errors
/// The store's.
pub async fn forget(tx: &Tx, user: UserId, id: [u8; 32]) -> Result<bool, StoreError> {
    Ok(tx.take(&TRUSTED, &(user, id)).await?.is_some())
}

/// Trusts no browser of an account any more: its factor or its password changed.
///
/// # Errors
/// The store's.
pub async fn forget_all(tx: &Tx, user: UserId) -> Result<(), StoreError> {
    gain_stamp::watch(tx, user).await?;
    for (id, _) in of(tx, user).await? {
        tx.delete(&TRUSTED, &(user, id));
    }
    Ok(())
}

fn key(token: &str) -> [u8; 32] {
    *TokenHash::of(token.as_bytes()).as_bytes()
}

/// What is promised of the records.
pub(super) fn checkers() -> Vec<TableChecker> {
    vec![checker(&TRUSTED, async |tx: Tx, (id, _), browser: TrustedBrowser| {
        if browser.until > browser.since.plus(LONGEST) {
            return Ok(Some("the browser is trusted for longer than any is".to_owned()));
        }
        of_account(&tx, id).await
    })]
}
