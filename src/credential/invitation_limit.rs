//! How many invitations those who run organizations may have mailed: enough to invite a whole company in a day, and too few
//! to flood strangers from this site's mail server.

use std::time::Duration;

use crate::kernel::{EmailAddress, OrgId, Timestamp, TokenHash, UserId};
use crate::store::{StoreError, Table, TableChecker, Tx, Window, count, decodes};

/// How many were mailed within [`WINDOW`], by the hash of who did, or to whom.
const WINDOWS: Table<String, Window> = Table::new("invitation_windows");

/// For how long they are counted, from the first one on.
pub const WINDOW: Duration = Duration::from_secs(24 * 3600);
/// How many invitations an organization has mailed in a window, whoever acts for it.
pub const OF_AN_ORGANIZATION: u32 = 2000;
/// How many invitations one account has mailed in a window, for whatever organizations.
pub const OF_AN_ACCOUNT: u32 = 600;
/// How many invitations an organization has mailed to one address in a window.
pub const TO_AN_ADDRESS: u32 = 5;

/// Which limit is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// [`OF_AN_ORGANIZATION`].
    Organization,
    /// [`OF_AN_ACCOUNT`].
    Account,
    /// [`TO_AN_ADDRESS`].
    Address,
}

/// A limit is reached, and nothing was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached {
    /// Which.
    pub limit: Limit,
    /// From when on it is counted anew.
    pub until: Timestamp,
}

impl Reached {
    /// The refusal, for whoever invites.
    pub fn sentence(&self) -> String {
        let (what, most) = match self.limit {
            Limit::Organization => ("Your organization has", OF_AN_ORGANIZATION),
            Limit::Account => ("You have", OF_AN_ACCOUNT),
            Limit::Address => ("Your organization has, to this address,", TO_AN_ADDRESS),
        };
        // To the minute, and never too early.
        let until = self.until.plus(Duration::from_secs(59)).to_string();
        let until = until.get(..16).unwrap_or(&until).replace('T', " ");
        format!("{what} mailed {most} invitations within a day, and more are not sent. You can go on at {until} UTC.")
    }
}

/// Counts an invitation that `account` has an organization mail to an address, unless one of the limits is reached.
///
/// # Errors
/// [`StoreError`].
pub async fn reserve(
    tx: &Tx,
    organization: OrgId,
    account: UserId,
    to: &EmailAddress,
) -> Result<Option<Reached>, StoreError> {
    let key = |text: String| TokenHash::of(text.as_bytes()).to_hex();
    let bounds = [
        (key(format!("address\0{organization}\0{to}")), Limit::Address, TO_AN_ADDRESS),
        (key(format!("account\0{account}")), Limit::Account, OF_AN_ACCOUNT),
        (key(format!("organization\0{organization}")), Limit::Organization, OF_AN_ORGANIZATION),
    ];
    for (key, limit, most) in &bounds {
        if let Some(window) = tx.get(&WINDOWS, key).await?.filter(|window| window.count >= *most) {
            return Ok(Some(Reached { limit: *limit, until: window.ends }));
        }
    }
    for (key, ..) in &bounds {
        count(tx, &WINDOWS, key, WINDOW).await?;
    }
    Ok(None)
}

/// What is promised of the records.
pub(super) fn checkers() -> Vec<TableChecker> {
    vec![decodes(&WINDOWS)]
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::kernel::ManualClock;
    use crate::store::{SledBackend, Store, check_store};

    const SECOND: Duration = Duration::from_secs(1);

    struct Try {
        store: Store,
        clock: Arc<ManualClock>,
    }

    impl Try {
        async fn new() -> Self {
            let clock = Arc::new(ManualClock::at(Timestamp::parse_rfc3339("2026-11-22T10:00:00Z").unwrap()));
            Try { store: Store::open(SledBackend::temporary().unwrap(), clock.clone()).await.unwrap(), clock }
        }

        /// How many of `number` invitations go out, each to another address, and what the next one is refused for.
        async fn invite(&self, organization: u8, account: u8, number: u32) -> (u32, Option<Reached>) {
            let (organization, account) = (OrgId::from_bytes([organization; 16]), UserId::from_bytes([account; 16]));
            let now = self.store.now();
            let send = async |tx: Tx| {
                for sent in 0..number {
                    let to = format!("p{sent}.{}@acme.example", now.seconds()).parse().unwrap();
                    if let Some(reached) = reserve(&tx, organization, account, &to).await? {
                        return Ok((sent, Some(reached)));
                    }
                }
                Ok((number, None))
            };
            self.store.transaction::<_, StoreError, _, _>("test", send).await.unwrap()
        }
    }

    #[tokio::test]
    async fn a_company_is_invited_in_a_day_and_a_loop_comes_to_an_end() {
        let world = Try::new().await;
        let until = world.store.now().plus(WINDOW);
        assert_eq!(world.invite(1, 1, 500).await, (500, None), "a company of five hundred");
        world.clock.advance(SECOND);
        let reached = Reached { limit: Limit::Account, until };
        assert_eq!(world.invite(1, 1, 500).await, (OF_AN_ACCOUNT - 500, Some(reached)));
        assert_eq!(world.invite(2, 1, 1).await, (0, Some(reached)), "for whatever organization");
        assert_eq!(world.invite(1, 2, 1).await, (1, None), "somebody else");
        assert_eq!(world.invite(2, 2, 1).await, (1, None));
        world.clock.advance(WINDOW.saturating_sub(SECOND * 2));
        assert_eq!(world.invite(1, 1, 1).await, (0, Some(reached)), "a second before");
        world.clock.advance(SECOND);
        assert_eq!(world.invite(1, 1, OF_AN_ACCOUNT).await, (OF_AN_ACCOUNT, None), "and anew");
        let report = check_store(&world.store, &checkers()).await.unwrap();
        assert!(report.findings.is_empty(), "{:?}", report.findings);
    }

    #[tokio::test]
    async fn an_organizations_many_admins_have_a_limit_together() {
        let world = Try::new().await;
        let mut sent = 0;
        for account in 1..=4 {
            world.clock.advance(SECOND);
            let (more, reached) = world.invite(1, account, OF_AN_ACCOUNT).await;
            sent += more;
            assert_eq!(reached.map(|reached| reached.limit), (account == 4).then_some(Limit::Organization));
        }
        assert_eq!(sent, OF_AN_ORGANIZATION);
        assert_eq!(world.invite(2, 5, 1).await, (1, None), "another organization");
    }

    #[tokio::test]
    async fn nobody_is_mailed_again_and_again_and_a_refusal_counts_for_nothing() {
        let world = Try::new().await;
        let (acme, ada) = (OrgId::from_bytes([1; 16]), UserId::from_bytes([1; 16]));
        let to = "eve@elsewhere.example".parse().unwrap();
        let send = async |tx: Tx| reserve(&tx, acme, ada, &to).await;
        for sent in 0..2 * OF_AN_ACCOUNT {
            let reached = world.store.transaction::<_, StoreError, _, _>("test", send).await.unwrap();
            let expected = (sent >= TO_AN_ADDRESS).then_some(Limit::Address);
            assert_eq!(reached.map(|reached| reached.limit), expected, "{sent}");
        }
        assert_eq!(world.invite(1, 1, 500).await, (500, None));
    }

    #[test]
    fn the_refusal_says_when_to_go_on() {
        let check = |limit, until: &str, expected: &str| {
            let reached = Reached { limit, until: Timestamp::parse_rfc3339(until).unwrap() };
            assert_eq!(reached.sentence(), expected);
        };
        check(
            Limit::Account,
            "2026-11-23T10:00:00Z",
            "You have mailed 600 invitations within a day, and more are not sent. You can go on at 2026-11-23 10:00 UTC.",
        );
        check(
            Limit::Organization,
            "2026-11-23T10:00:01Z",
            "Your organization has mailed 2000 invitations within a day, and more are not sent. You can go on at 2026-11-23 \
             10:01 UTC.",
        );
        check(
            Limit::Address,
            "2026-11-23T23:59:30Z",
            "Your organization has, to this address, mailed 5 invitations within a day, and more are not sent. You can go on \
             at 2026-11-24 00:00 UTC.",
        );
    }
}
