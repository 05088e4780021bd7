//! What somebody has between the two factors: a row that keeps what the session will be made of, and a token that opens
//! nothing but the pages of the second factor.
//!
//! The row's key is the token's hash. The gate opens sealed session cookies alone, so to it this token is nothing. The row
//! leaves with the transaction that makes the session: it is good once.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::sessions::NewSession;
use crate::directory::two_factor::FirstFactor;
use crate::directory::{Story, gain_stamp};
use crate::kernel::{OrgId, Rng, Timestamp, TokenHash, UserId};
use crate::store::{StoreError, Table, TableChecker, Tx, checker};

/// Half sessions by the hash of their token.
const HALVES: Table<[u8; 32], HalfSession> = Table::new("half_sessions");
/// Those of an account.
const BY_USER: Table<(UserId, [u8; 32]), ()> = Table::new("half_session_by_user");

/// How long the second factor may take.
pub const GOOD_FOR: Duration = Duration::from_secs(15 * 60);
/// Random bytes of a token.
const TOKEN_BYTES: usize = 32;
/// How many an account has at most; one more takes the place of any.
const KEPT: usize = 50;

/// A sign-in whose first factor was right.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HalfSession {
    /// When it was.
    pub created: Timestamp,
    /// What the session is to be made of.
    pub new: NewSession,
    /// The first factor.
    pub first: FirstFactor,
    /// The organization whose rules ask.
    pub asking: Option<OrgId>,
    /// What is written down once the session is there.
    pub story: Story,
    /// Where the person goes then: a path of this site.
    pub return_to: String,
}

/// Which half session a token is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HalfId(TokenHash);

impl HalfId {
    /// That of a token.
    pub fn of(token: &str) -> Self {
        HalfId(TokenHash::of(token.as_bytes()))
    }

    /// A name for it that opens nothing.
    pub fn name(self) -> String {
        self.0.to_hex()
    }
}

/// Keeps a half session within the caller's transaction; gives the token for its cookie.
///
/// # Errors
/// The store's.
pub async fn begin(tx: &Tx, rng: &dyn Rng, half: &HalfSession) -> Result<String, StoreError> {
    let user = half.new.user;
    gain_stamp::moved(tx, user)?;
    let held = tx.scan(&BY_USER, &user, None, KEPT).await?;
    if let (Some(((_, key), ())), KEPT) = (held.first(), held.len()) {
        drop_row(tx, user, key);
    }
    let token = rng.token::<TOKEN_BYTES>();
    let key = *TokenHash::of(token.as_bytes()).as_bytes();
    let until = half.created.plus(GOOD_FOR);
    tx.put_until(&HALVES, &key, half, until)?;
    tx.put_until(&BY_USER, &(user, key), &(), until)?;
    Ok(token)
}

/// A half session, unless its time is over. Whether it is still good otherwise, the caller looks.
///
/// # Errors
/// The store's.
pub async fn get(tx: &Tx, id: HalfId) -> Result<Option<HalfSession>, StoreError> {
    tx.get(&HALVES, id.0.as_bytes()).await
}

/// Drops a half session: it led to a session, or is void.
pub fn end(tx: &Tx, id: HalfId, user: UserId) {
    drop_row(tx, user, id.0.as_bytes());
}

fn drop_row(tx: &Tx, user: UserId, key: &[u8; 32]) {
    tx.delete(&HALVES, key);
    tx.delete(&BY_USER, &(user, *key));
}

/// Drops all half sessions of an account: whoever began one must show the first factor again.
///
/// # Errors
/// The store's.
pub async fn end_all(tx: &Tx, user: UserId) -> Result<(), StoreError> {
    gain_stamp::watch(tx, user).await?;
    // Two at once may have made room for one: look a little further.
    for ((_, key), ()) in tx.scan(&BY_USER, &user, None, 10 * KEPT).await? {
        drop_row(tx, user, &key);
    }
    Ok(())
}

/// What is promised of half sessions: each index row leads to its own.
pub(super) fn checkers() -> Vec<TableChecker> {
    let halves = checker(&HALVES, async |tx: Tx, key, half: HalfSession| {
        let right = tx.get(&BY_USER, &(half.new.user, key)).await?.is_some();
        Ok((!right).then(|| "the half session is missing in its account's list".to_owned()))
    });
    let by_user = checker(&BY_USER, async |tx: Tx, (user, key), ()| {
        let right = tx.get(&HALVES, &key).await?.is_some_and(|half| half.new.user == user);
        Ok((!right).then(|| "the account's list leads to no half session of it".to_owned()))
    });
    vec![halves, by_user]
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::kernel::{Clock as _, ManualClock, SeededRng};
    use crate::session::Method;
    use crate::store::{SledBackend, Store, check_store};

    const USER: UserId = UserId::from_bytes([2; 16]);

    #[tokio::test]
    async fn a_half_session_is_found_by_its_token_for_its_time_and_leaves_whole() {
        let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_800_000_000)));
        let store = Store::open(SledBackend::temporary().unwrap(), clock.clone()).await.unwrap();
        let rng = SeededRng::new(1);
        let half = HalfSession {
            created: clock.now(),
            new: NewSession::new(USER, Method::Password, clock.now()),
            first: FirstFactor::Password,
            asking: None,
            story: Story {
                organizations: Vec::new(),
                record: None,
                actor: "ada@acme.example".to_owned(),
                action: "login.accepted".to_owned(),
                object: "session".to_owned(),
                after: "pwd".to_owned(),
            },
            return_to: "/".to_owned(),
        };
        let begin =
            async |tx: Tx| Ok::<_, StoreError>([begin(&tx, &rng, &half).await?, begin(&tx, &rng, &half).await?]);
        let [one, other] = store.transaction("test", begin).await.unwrap();
        let there = async |token: &str| get(&store.reader(), HalfId::of(token)).await.unwrap().is_some();
        assert!(there(&one).await && there(&other).await && !there("x").await);
        assert!(!HalfId::of(&one).name().contains(&one));
        let end_one = async |tx: Tx| {
            end(&tx, HalfId::of(&one), USER);
            Ok::<_, StoreError>(())
        };
        store.transaction("test", end_one).await.unwrap();
        assert!(!there(&one).await && there(&other).await);
        let findings = check_store(&store, &checkers()).await.unwrap().findings;
        assert!(findings.is_empty(), "{findings:?}");
        clock.advance(GOOD_FOR);
        assert!(!there(&other).await, "its time is over");
        let [third, fourth] = store.transaction("test", begin).await.unwrap();
        let end_them = async |tx: Tx| end_all(&tx, USER).await;
        store.transaction("test", end_them).await.unwrap();
        assert!(!there(&third).await && !there(&fourth).await);
        let again = HalfSession { created: clock.now(), ..half.clone() };
        let more = async |tx: Tx| super::begin(&tx, &rng, &again).await;
        for _ in 0..=KEPT {
            store.transaction("test", more).await.unwrap();
        }
        let kept = store.reader().scan(&BY_USER, &USER, None, 1000).await.unwrap().len();
        assert_eq!(kept, KEPT, "however often somebody who knows the password begins");
        let findings = check_store(&store, &checkers()).await.unwrap().findings;
        assert!(findings.is_empty(), "{findings:?}");
    }
}
