//! How often somebody may try a password. An attempt counts before it is looked at, so that many at once don't slip
//! through, and whether or not the account exists.
//!
//! The pauses grow for each account and place that tries it (a network, or a browser that was in the account before),
//! so whoever guesses locks out themselves and not the person. All that try one account from anywhere, and all that one
//! network tries, have a wider bound. A link by mail works all the while.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::kernel::{EmailAddress, Timestamp, TokenHash};
use crate::store::{StoreError, Table, TableChecker, Tx, Window, count, decodes};

/// Wrong attempts of one place at one account: a hash of both.
const PLACES: Table<String, Wrong> = Table::new("password_attempts");
/// Wrong attempts at an account from unknown places, and of a network at whatever account, in an hour.
const WINDOWS: Table<String, Window> = Table::new("password_attempt_windows");

/// How many wrong ones are free before the pauses begin.
const FREE: u32 = 5;
/// The pauses: after the fifth wrong one, the next, and so on; the last one again and again (D24).
const PAUSES: [Duration; 4] =
    [Duration::from_secs(60), Duration::from_secs(5 * 60), Duration::from_secs(15 * 60), Duration::from_secs(3600)];
/// After so long without an attempt all is forgotten.
const FORGET: Duration = Duration::from_secs(24 * 3600);
/// The length of the wider bounds' window.
const WINDOW: Duration = Duration::from_secs(3600);
/// How many attempts at one account are looked at in a window, from places that were never in it.
const TRIES_AT_AN_ACCOUNT: u32 = 100;
/// How many wrong attempts of one network, at whatever account, in a window.
pub const TRIES_OF_A_NETWORK: u32 = 300;

/// Wrong attempts so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Wrong {
    count: u32,
    /// Nothing is looked at before.
    until: Timestamp,
}

/// Who tries what.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The account, whether or not there is one.
    pub email: EmailAddress,
    /// The network it comes from.
    pub network: String,
    /// A browser that was in this account before, by something of its own.
    pub browser: Option<TokenHash>,
}

/// Whether an attempt is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is: it counts as wrong until [`succeeded`] says otherwise.
    Look,
    /// It is not, for so long.
    Wait(Duration),
}

impl Attempt {
    fn place(&self) -> String {
        let place = match &self.browser {
            Some(browser) => format!("browser\0{}", browser.to_hex()),
            None => format!("network\0{}", self.network),
        };
        TokenHash::of(format!("{}\0{place}", self.email).as_bytes()).to_hex()
    }

    fn account(&self) -> String {
        TokenHash::of(format!("account\0{}", self.email).as_bytes()).to_hex()
    }

    fn of_network(&self) -> String {
        TokenHash::of(format!("network\0{}", self.network).as_bytes()).to_hex()
    }
}

/// Counts an attempt as wrong, unless it has to wait.
///
/// # Errors
/// The store's.
pub async fn reserve(tx: &Tx, attempt: &Attempt) -> Result<Verdict, StoreError> {
    let now = tx.now();
    let place = attempt.place();
    let held = tx.get(&PLACES, &place).await?.unwrap_or(Wrong { count: 0, until: now });
    if held.until > now {
        return Ok(Verdict::Wait(held.until.since(now)));
    }
    for (key, limit) in bounds(attempt) {
        if let Some(window) = tx.get(&WINDOWS, &key).await?.filter(|window| window.count >= limit) {
            return Ok(Verdict::Wait(window.ends.since(now)));
        }
    }
    for (key, _) in bounds(attempt) {
        count(tx, &WINDOWS, &key, WINDOW).await?;
    }
    let count = held.count.saturating_add(1);
    let next = Wrong { count, until: now.plus(pause(count)) };
    tx.put_until(&PLACES, &place, &next, next.until.plus(FORGET))?;
    Ok(Verdict::Look)
}

/// The wider bounds that hold for an attempt: a browser that was in the account before is under none of its account.
fn bounds(attempt: &Attempt) -> Vec<(String, u32)> {
    let mut bounds = vec![(attempt.of_network(), TRIES_OF_A_NETWORK)];
    if attempt.browser.is_none() {
        bounds.push((attempt.account(), TRIES_AT_AN_ACCOUNT));
    }
    bounds
}

fn pause(count: u32) -> Duration {
    match count.checked_sub(FREE) {
        None => Duration::ZERO,
        Some(over) => PAUSES[usize::try_from(over).unwrap_or(usize::MAX).min(PAUSES.len() - 1)],
    }
}

/// A wrong one: it was counted already, so nothing is left to be done. Reads what [`succeeded`] reads.
///
/// # Errors
/// The store's.
pub async fn failed(tx: &Tx, attempt: &Attempt) -> Result<(), StoreError> {
    tx.get(&PLACES, &attempt.place()).await?;
    Ok(())
}

/// A right one: this place starts anew, and it does not count for the network.
///
/// # Errors
/// The store's.
pub async fn succeeded(tx: &Tx, attempt: &Attempt) -> Result<(), StoreError> {
    if tx.get(&PLACES, &attempt.place()).await?.is_some() {
        tx.delete(&PLACES, &attempt.place());
    }
    for (key, _) in bounds(attempt) {
        if let Some(window) = tx.get(&WINDOWS, &key).await? {
            let less = Window { count: window.count.saturating_sub(1), ..window };
            tx.put_until(&WINDOWS, &key, &less, less.ends)?;
        }
    }
    Ok(())
}

/// What is promised of the records.
pub(super) fn checkers() -> Vec<TableChecker> {
    vec![decodes(&PLACES), decodes(&WINDOWS)]
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::kernel::ManualClock;
    use crate::store::{SledBackend, Store};

    struct Try {
        store: Store,
        clock: Arc<ManualClock>,
    }

    impl Try {
        async fn new() -> Self {
            let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_800_000_000)));
            Try { store: Store::open(SledBackend::temporary().unwrap(), clock.clone()).await.unwrap(), clock }
        }

        async fn reserve(&self, attempt: &Attempt) -> Verdict {
            let reserve = async |tx: Tx| reserve(&tx, attempt).await;
            self.store.transaction::<_, StoreError, _, _>("test", reserve).await.unwrap()
        }

        async fn succeed(&self, attempt: &Attempt) {
            let succeed = async |tx: Tx| succeeded(&tx, attempt).await;
            self.store.transaction::<_, StoreError, _, _>("test", succeed).await.unwrap();
        }
    }

    fn attempt(email: &str, network: &str, browser: Option<&str>) -> Attempt {
        let browser = browser.map(|text| TokenHash::of(text.as_bytes()));
        Attempt { email: email.parse().unwrap(), network: network.to_owned(), browser }
    }

    #[tokio::test]
    async fn pauses_grow_for_whoever_guesses_and_not_for_the_person() {
        let world = Try::new().await;
        let thief = attempt("ada@acme.example", "192.0.2.1", None);
        let mut waited = Vec::new();
        for _ in 0..10 {
            match world.reserve(&thief).await {
                Verdict::Look => waited.push(0),
                Verdict::Wait(pause) => {
                    waited.push(pause.as_secs());
                    world.clock.advance(pause);
                    assert_eq!(world.reserve(&thief).await, Verdict::Look);
                }
            }
        }
        assert_eq!(waited, [0, 0, 0, 0, 0, 60, 300, 900, 3600, 3600]);
        assert!(matches!(world.reserve(&thief).await, Verdict::Wait(_)));
        assert_eq!(world.reserve(&attempt("ada@acme.example", "198.51.100.7", None)).await, Verdict::Look);
        let known = attempt("ada@acme.example", "192.0.2.1", Some("her browser"));
        assert_eq!(world.reserve(&known).await, Verdict::Look, "even from the same network");
        assert_eq!(world.reserve(&attempt("bob@acme.example", "192.0.2.1", None)).await, Verdict::Look);
        world.clock.advance(FORGET + PAUSES[3]);
        assert_eq!(world.reserve(&thief).await, Verdict::Look, "forgotten");
        assert_eq!(world.reserve(&thief).await, Verdict::Look);
    }

    #[tokio::test]
    async fn a_right_password_starts_anew_and_costs_the_network_nothing() {
        let world = Try::new().await;
        let ada = attempt("ada@acme.example", "192.0.2.1", None);
        for _ in 0..4 * TRIES_OF_A_NETWORK {
            assert_eq!(world.reserve(&ada).await, Verdict::Look);
            world.succeed(&ada).await;
        }
    }

    #[tokio::test]
    async fn many_networks_at_one_account_and_one_network_at_many_accounts_are_bounded() {
        let world = Try::new().await;
        for number in 0..TRIES_AT_AN_ACCOUNT {
            let place = format!("network {number}");
            assert_eq!(world.reserve(&attempt("ada@acme.example", &place, None)).await, Verdict::Look);
        }
        assert!(matches!(world.reserve(&attempt("ada@acme.example", "another", None)).await, Verdict::Wait(_)));
        let known = attempt("ada@acme.example", "her network", Some("her browser"));
        assert_eq!(world.reserve(&known).await, Verdict::Look, "the person gets in");
        for number in 0..TRIES_OF_A_NETWORK {
            let email = format!("person{number}@acme.example");
            assert_eq!(world.reserve(&attempt(&email, "192.0.2.1", None)).await, Verdict::Look);
        }
        assert!(matches!(world.reserve(&attempt("x@acme.example", "192.0.2.1", None)).await, Verdict::Wait(_)));
        world.clock.advance(WINDOW);
        assert_eq!(world.reserve(&attempt("x@acme.example", "192.0.2.1", None)).await, Verdict::Look);
    }
}
