//! The operator's way into the console: a link that works once, and what it opens, a session of no account.
//!
//! Both are tokens of chance whose hashes alone are kept. The gate opens sealed session cookies only, so to it an
//! operator's token is nothing: it opens the console, never the app.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::kernel::{Client, Rng, Timestamp, TokenHash};
use crate::store::{StoreError, Table, TableChecker, Tx, decodes};

/// Links that were not used yet, by the hash of their token, with when they were made.
const LINKS: Table<[u8; 32], Timestamp> = Table::new("operator_links");
/// Sessions by the hash of their token.
const SESSIONS: Table<[u8; 32], OperatorSession> = Table::new("operator_sessions");

/// How long a link is good.
pub const LINK_FOR: Duration = Duration::from_secs(10 * 60);
/// How long a session lasts.
pub const SESSION_FOR: Duration = Duration::from_secs(4 * 3600);
/// Random bytes of a token: 256 bits.
const TOKEN_BYTES: usize = 32;
/// How many rows are looked at, at once, when all are ended.
const AT_ONCE: usize = 500;

/// A session of whoever runs Vestibule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperatorSession {
    /// When it began.
    pub created: Timestamp,
    /// Where from, for the audit.
    pub client: String,
}

/// The name of the cookie that holds a session's token; `secure`: browsers come by https (D22).
pub const fn cookie_name(secure: bool) -> &'static str {
    if secure { "__Host-vestibule-operator" } else { "vestibule-operator" }
}

/// Makes a link; gives its token, which is shown once.
///
/// # Errors
/// The store's.
pub fn issue(tx: &Tx, rng: &dyn Rng) -> Result<String, StoreError> {
    let token = rng.token::<TOKEN_BYTES>();
    tx.put_until(&LINKS, TokenHash::of(token.as_bytes()).as_bytes(), &tx.now(), tx.now().plus(LINK_FOR))?;
    Ok(token)
}

/// Uses a link up, and begins a session; `None`: the link is void. Gives the session's token.
///
/// # Errors
/// The store's.
pub async fn enter(tx: &Tx, rng: &dyn Rng, link: &str, client: Client) -> Result<Option<String>, StoreError> {
    let key = *TokenHash::of(link.as_bytes()).as_bytes();
    if tx.get(&LINKS, &key).await?.is_none() {
        return Ok(None);
    }
    tx.delete(&LINKS, &key);
    let token = rng.token::<TOKEN_BYTES>();
    let session = OperatorSession { created: tx.now(), client: client.to_string() };
    tx.put_until(&SESSIONS, TokenHash::of(token.as_bytes()).as_bytes(), &session, tx.now().plus(SESSION_FOR))?;
    Ok(Some(token))
}

/// The session that a token is of.
///
/// # Errors
/// The store's.
pub async fn find(tx: &Tx, token: &str) -> Result<Option<OperatorSession>, StoreError> {
    tx.get(&SESSIONS, TokenHash::of(token.as_bytes()).as_bytes()).await
}

/// Ends a session.
pub fn end(tx: &Tx, token: &str) {
    tx.delete(&SESSIONS, TokenHash::of(token.as_bytes()).as_bytes());
}

/// Ends every session, and makes every link void; gives how many sessions there were.
///
/// # Errors
/// The store's.
pub async fn end_all(tx: &Tx) -> Result<usize, StoreError> {
    for (key, _) in tx.scan(&LINKS, &(), None, AT_ONCE).await? {
        tx.delete(&LINKS, &key);
    }
    let held = tx.scan(&SESSIONS, &(), None, AT_ONCE).await?;
    for (key, _) in &held {
        tx.delete(&SESSIONS, key);
    }
    Ok(held.len())
}

/// What is promised of these tables.
pub(super) fn checkers() -> Vec<TableChecker> {
    vec![decodes(&LINKS), decodes(&SESSIONS)]
}
