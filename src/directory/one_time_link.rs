//! Links that prove an address, since they are sent to it: to sign in, to set a password anew, to accept an invitation.
//! Each works once, for a short time, and only while the account still has the address.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::user::{self, User};
use crate::kernel::{EmailAddress, OrgId, Rng, Timestamp, TokenHash, UserId};
use crate::store::{StoreError, Table, TableChecker, Tx, checker};

/// Links by the hash of their token.
const LINKS: Table<String, Link> = Table::new("one_time_links");
/// The links of an account.
const BY_USER: Table<(UserId, String), ()> = Table::new("one_time_link_by_user");

/// Random bytes of a token: 256 bits.
const TOKEN_BYTES: usize = 32;
/// How many links of one account are good at once; one more makes the oldest of its kind void.
const KEPT: usize = 20;

/// What a link is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Signs in, and goes on to this path.
    SignIn {
        /// A path of this site.
        return_to: String,
    },
    /// Sets a password in place of the forgotten one.
    Reset,
    /// Accepts an invitation.
    Invitation {
        /// Into this organization.
        organization: OrgId,
    },
}

impl Purpose {
    /// How long such a link is good.
    pub const fn good_for(&self) -> Duration {
        match self {
            Purpose::SignIn { .. } => Duration::from_secs(15 * 60),
            Purpose::Reset => Duration::from_secs(60 * 60),
            Purpose::Invitation { .. } => Duration::from_secs(7 * 24 * 3600),
        }
    }

    const fn is_same_kind(&self, other: &Purpose) -> bool {
        matches!(
            (self, other),
            (Purpose::SignIn { .. }, Purpose::SignIn { .. })
                | (Purpose::Reset, Purpose::Reset)
                | (Purpose::Invitation { .. }, Purpose::Invitation { .. })
        )
    }
}

/// A link that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// What it is for.
    pub purpose: Purpose,
    /// Whom it is for.
    pub user: UserId,
    /// Where it was sent.
    pub email: EmailAddress,
    /// When it was made.
    pub created: Timestamp,
}

/// Makes a link; gives its token, which is in the mail alone.
///
/// # Errors
/// The store's.
pub async fn issue(tx: &Tx, rng: &dyn Rng, user: &User, purpose: Purpose) -> Result<String, StoreError> {
    make_room(tx, user.id, &purpose).await?;
    let token = rng.token::<TOKEN_BYTES>();
    let (key, until) = (key(&token), tx.now().plus(purpose.good_for()));
    let link = Link { purpose, user: user.id, email: user.email.clone(), created: tx.now() };
    tx.put_until(&LINKS, &key, &link, until)?;
    tx.put_until(&BY_USER, &(user.id, key), &(), until)?;
    Ok(token)
}

async fn make_room(tx: &Tx, user: UserId, purpose: &Purpose) -> Result<(), StoreError> {
    let mut same = Vec::new();
    for ((_, key), ()) in tx.scan(&BY_USER, &user, None, 10 * KEPT).await? {
        match tx.get(&LINKS, &key).await? {
            Some(link) if link.purpose.is_same_kind(purpose) => same.push((link.created, key)),
            _ => {}
        }
    }
    same.sort();
    let over = (same.len() + 1).saturating_sub(KEPT);
    for (_, key) in same.into_iter().take(over) {
        tx.delete(&LINKS, &key);
        tx.delete(&BY_USER, &(user, key));
    }
    Ok(())
}

/// The link that `token` is of, with its account, if it is still good: nothing is used up.
///
/// # Errors
/// The store's.
pub async fn find(tx: &Tx, token: &str) -> Result<Option<(Link, User)>, StoreError> {
    let Some(link) = tx.get(&LINKS, &key(token)).await? else { return Ok(None) };
    let user = user::by_id(tx, link.user).await?;
    Ok(user.filter(|user| user.active && user.email == link.email).map(|user| (link, user)))
}

/// Uses a link up: of many that try, one gets it.
///
/// # Errors
/// The store's.
pub async fn take(tx: &Tx, token: &str) -> Result<Option<(Link, User)>, StoreError> {
    let found = find(tx, token).await?;
    if let Some((link, _)) = &found {
        tx.delete(&LINKS, &key(token));
        tx.delete(&BY_USER, &(link.user, key(token)));
    }
    Ok(found)
}

/// Makes the links of an account void, but for its invitations: its password was changed.
///
/// # Errors
/// The store's.
pub async fn forget(tx: &Tx, user: UserId) -> Result<(), StoreError> {
    for ((_, key), ()) in tx.scan(&BY_USER, &user, None, 10 * KEPT).await? {
        let stays = tx.get(&LINKS, &key).await?.is_some_and(|link| matches!(link.purpose, Purpose::Invitation { .. }));
        if !stays {
            tx.delete(&LINKS, &key);
            tx.delete(&BY_USER, &(user, key));
        }
    }
    Ok(())
}

/// Makes all links of an account void: whoever reads its mail now need not be whom they were meant for.
///
/// # Errors
/// The store's.
pub async fn forget_all(tx: &Tx, user: UserId) -> Result<(), StoreError> {
    for ((_, key), ()) in tx.scan(&BY_USER, &user, None, 10 * KEPT).await? {
        tx.delete(&LINKS, &key);
        tx.delete(&BY_USER, &(user, key));
    }
    Ok(())
}

/// What stands in the store in place of a token.
fn key(token: &str) -> String {
    TokenHash::of(token.as_bytes()).to_hex()
}

/// What is promised of the records.
pub(super) fn checkers() -> Vec<TableChecker> {
    let link = checker(&LINKS, async |tx: Tx, key, link: Link| {
        let right = tx.get(&BY_USER, &(link.user, key)).await?.is_some();
        Ok((!right).then(|| "the link is missing in the account's".to_owned()))
    });
    let index = checker(&BY_USER, async |tx: Tx, (user, key): (UserId, String), ()| {
        let right = tx.get(&LINKS, &key).await?.is_some_and(|link| link.user == user);
        Ok((!right).then(|| "the account's list leads to no link of it".to_owned()))
    });
    vec![link, index]
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::kernel::{ManualClock, SeededRng};
    use crate::store::{SledBackend, Store, check_store};

    async fn run<T>(store: &Store, change: impl AsyncFn(&Tx) -> Result<T, StoreError>) -> T {
        store.transaction::<_, StoreError, _, _>("test", |tx: Tx| async { change(&{ tx }).await }).await.unwrap()
    }

    #[tokio::test]
    async fn a_link_works_once_in_its_time_and_for_its_address_alone() {
        let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_800_000_000)));
        let store = Store::open(SledBackend::temporary().unwrap(), clock.clone()).await.unwrap();
        let rng = SeededRng::new(1);
        let user = run(&store, async |tx| user::create(tx, &rng, &"ada@acme.example".parse().unwrap())).await;
        let issue =
            async |purpose: Purpose| run(&store, async |tx| issue(tx, &rng, &user, purpose.clone()).await).await;
        let taken = async |token: &str| run(&store, async |tx| take(tx, token).await).await.is_some();
        let token = issue(Purpose::Reset).await;
        assert!(run(&store, async |tx| find(tx, &token).await).await.is_some(), "looking uses nothing up");
        assert!(taken(&token).await && !taken(&token).await && !taken("other").await);
        let late = issue(Purpose::Reset).await;
        clock.advance(Purpose::Reset.good_for());
        assert!(!taken(&late).await, "too late");
        let (reset, invited) = (
            issue(Purpose::Reset).await,
            issue(Purpose::Invitation { organization: OrgId::from_bytes([1; 16]) }).await,
        );
        run(&store, async |tx| forget(tx, user.id).await).await;
        assert!(!taken(&reset).await && taken(&invited).await);
        let mut tokens = Vec::new();
        for _ in 0..=KEPT {
            clock.advance(Duration::from_secs(1));
            tokens.push(issue(Purpose::Reset).await);
        }
        assert!(!taken(&tokens[0]).await && taken(&tokens[1]).await, "the oldest made room");
        let moved = async |tx: &Tx| {
            let changed = User { email: "ada@globex.example".parse().unwrap(), ..user.clone() };
            user::save(tx, &changed).await
        };
        run(&store, moved).await;
        assert!(!taken(&tokens[2]).await, "the address is another by now");
        let findings = check_store(&store, &checkers()).await.unwrap().findings;
        assert!(findings.is_empty(), "{findings:?}");
    }
}
