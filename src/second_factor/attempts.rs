//! How often somebody may try a second factor: five wrong answers pause it, by account (D24).
//!
//! By account, and not by session, browser or network: whoever is here knows the first factor already. An attempt
//! counts as wrong, durably, before anything is looked at, so that many at once don't slip through and one that is
//! given up counts too. Recovery codes have a pause of their own, so that a person whose app is paused by somebody
//! else still gets in.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::person::Person;
use crate::directory::user;
use crate::kernel::{Timestamp, UserId};
use crate::store::{Store, StoreError, Table, TableChecker, Tx, checker};

/// Wrong attempts at codes of an app or a phone.
const CODES: Table<UserId, Wrong> = Table::new("second_factor_attempts");
/// Wrong attempts at recovery codes.
const RECOVERY: Table<UserId, Wrong> = Table::new("recovery_code_attempts");

/// How many wrong ones are free before the pauses begin.
const FREE: u32 = 5;
/// The pauses: after the fifth wrong one, the next, and so on; the last one again and again (D24).
const PAUSES: [Duration; 4] =
    [Duration::from_secs(60), Duration::from_secs(5 * 60), Duration::from_secs(15 * 60), Duration::from_secs(3600)];
/// After so long without an attempt, once the last pause is over, all is forgotten.
const FORGET: Duration = Duration::from_secs(24 * 3600);

/// Wrong attempts so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Wrong {
    count: u32,
    /// Nothing is looked at before.
    until: Timestamp,
}

/// What pauses by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guarded {
    /// Short codes, of an app or a phone, together.
    Codes,
    /// Recovery codes.
    Recovery,
    /// Passkeys, which nobody guesses: they have no pause.
    Passkeys,
}

impl Guarded {
    /// Where wrong ones are counted; `None`: they are not.
    const fn table(self) -> Option<&'static Table<UserId, Wrong>> {
        match self {
            Guarded::Codes => Some(&CODES),
            Guarded::Recovery => Some(&RECOVERY),
            Guarded::Passkeys => None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Guarded::Codes => "codes",
            Guarded::Recovery => "recovery codes",
            Guarded::Passkeys => "passkeys",
        }
    }
}

/// An attempt that was counted as wrong, and may be looked at. There is no other way to get one than [`reserve`].
#[derive(Debug)]
pub struct Ticket {
    pub(super) user: UserId,
    pub(super) guarded: Guarded,
}

/// Whether an attempt is looked at.
#[derive(Debug)]
pub enum Reserved {
    /// It is.
    Look(Ticket),
    /// It is not, for so long.
    Wait(Duration),
}

/// Counts an attempt as wrong, durably, unless it has to wait. A pause that it begins is audited; a right answer ends it.
///
/// # Errors
/// The store's.
pub async fn reserve(store: &Store, person: &Person<'_>, guarded: Guarded) -> Result<Reserved, StoreError> {
    let user = person.user.id;
    let Some(table) = guarded.table() else { return Ok(Reserved::Look(Ticket { user, guarded })) };
    let count = async |tx: Tx| {
        let now = tx.now();
        let held = tx.get(table, &user).await?.unwrap_or(Wrong { count: 0, until: now });
        if held.until > now {
            return Ok(Err(held.until.since(now)));
        }
        let count = held.count.saturating_add(1);
        let long = pause_after(count);
        let next = Wrong { count, until: now.plus(long) };
        tx.put_until(table, &user, &next, next.until.plus(FORGET))?;
        if !long.is_zero() {
            let after = format!("{} for {} minutes, unless it is right", guarded.name(), long.as_secs() / 60);
            person.audit(&tx, "second_factor.pause", &format!("attempt {count}"), &after)?;
        }
        Ok::<_, StoreError>(Ok(()))
    };
    Ok(match store.transaction("second factor attempt", count).await? {
        Ok(()) => Reserved::Look(Ticket { user, guarded }),
        Err(long) => Reserved::Wait(long),
    })
}

fn pause_after(count: u32) -> Duration {
    match count.checked_sub(FREE) {
        None => Duration::ZERO,
        Some(over) => PAUSES[usize::try_from(over).unwrap_or(usize::MAX).min(PAUSES.len() - 1)],
    }
}

/// How long it still pauses, if it does: for the page that asks.
///
/// # Errors
/// The store's.
pub async fn pause(tx: &Tx, user: UserId, guarded: Guarded) -> Result<Option<Duration>, StoreError> {
    let Some(table) = guarded.table() else { return Ok(None) };
    let held = tx.get(table, &user).await?;
    Ok(held.filter(|held| held.until > tx.now()).map(|held| held.until.since(tx.now())))
}

/// A right one: counting starts anew.
pub(super) async fn succeeded(tx: &Tx, ticket: &Ticket) -> Result<(), StoreError> {
    if let Some(table) = ticket.guarded.table() {
        tx.take(table, &ticket.user).await?;
    }
    Ok(())
}

/// The account has no factor any more that could be tried.
pub(super) fn forget(tx: &Tx, user: UserId) {
    tx.delete(&CODES, &user);
    tx.delete(&RECOVERY, &user);
}

/// What is promised of the records.
pub(super) fn checkers() -> Vec<TableChecker> {
    async fn of_account(tx: Tx, id: UserId, _: Wrong) -> Result<Option<String>, StoreError> {
        let there = user::by_id(&tx, id).await?.is_some();
        Ok((!there).then(|| "there is no such account".to_owned()))
    }
    vec![checker(&CODES, of_account), checker(&RECOVERY, of_account)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::audit;
    use crate::kernel::Clock as _;
    use crate::second_factor::person::tests::World;
    use crate::second_factor::{Answer, Verdict, answer};

    /// How many seconds one try has to wait; 0: it is looked at.
    async fn wait_of(world: &World, guarded: Guarded) -> u64 {
        match reserve(&world.store, &world.person(), guarded).await.unwrap() {
            Reserved::Look(_) => 0,
            Reserved::Wait(long) => long.as_secs(),
        }
    }

    #[test]
    fn the_pauses_of_d24() {
        let check = |count: u32, minutes: u64| assert_eq!(pause_after(count).as_secs(), 60 * minutes, "{count}");
        for (count, minutes) in [(0, 0), (1, 0), (4, 0), (5, 1), (6, 5), (7, 15), (8, 60), (9, 60), (u32::MAX, 60)] {
            check(count, minutes);
        }
    }

    #[tokio::test]
    async fn wrong_answers_pause_the_account_for_growing_times_and_a_right_one_ends_it() {
        let world = World::new().await;
        let mut waited = Vec::new();
        for _ in 0..10 {
            let wait = wait_of(&world, Guarded::Codes).await;
            waited.push(wait / 60);
            if wait > 0 {
                world.clock.advance(Duration::from_secs(wait - 1));
                assert_eq!(wait_of(&world, Guarded::Codes).await, 1);
                world.clock.advance(Duration::from_secs(1));
                assert_eq!(wait_of(&world, Guarded::Codes).await, 0);
            }
        }
        assert_eq!(waited, [0, 0, 0, 0, 0, 1, 5, 15, 60, 60]);
        assert_eq!(wait_of(&world, Guarded::Recovery).await, 0, "recovery codes have a pause of their own");
        let told = pause(&world.store.reader(), world.user.id, Guarded::Codes).await.unwrap();
        assert_eq!(told, Some(Duration::from_secs(3600)));
        world.clock.advance(Duration::from_secs(3600));
        let secret = world.app().await;
        world.clock.advance(Duration::from_secs(60));
        let Reserved::Look(ticket) = reserve(&world.store, &world.person(), Guarded::Codes).await.unwrap() else {
            panic!("it is over");
        };
        let code = world.shown(&secret);
        let right = world.run(async |tx| answer(tx, &world.person(), &ticket, Answer::App(&code)).await).await;
        assert!(matches!(right, Verdict::Right(_)));
        for _ in 0..5 {
            assert_eq!(wait_of(&world, Guarded::Codes).await, 0, "it starts anew");
        }
        assert_eq!(wait_of(&world, Guarded::Codes).await, 60);
    }

    #[tokio::test]
    async fn each_pause_is_audited_and_no_code_is() {
        let world = World::new().await;
        for _ in 0..5 {
            wait_of(&world, Guarded::Recovery).await;
        }
        wait_of(&world, Guarded::Recovery).await;
        let rows = audit::newest(&world.store.reader(), audit::OPERATOR, 10).await.unwrap();
        let told: Vec<_> =
            rows.into_iter().map(|(_, row)| (row.entry.action, row.entry.before, row.entry.after)).collect();
        let after = "recovery codes for 1 minutes, unless it is right".to_owned();
        assert_eq!(told, [("second_factor.pause".to_owned(), "attempt 5".to_owned(), after)]);
    }

    #[tokio::test]
    async fn many_at_once_are_not_looked_at_more_often() {
        let world = World::new().await;
        let mut running = tokio::task::JoinSet::new();
        for _ in 0..40 {
            let world = world.clone();
            running.spawn(async move { wait_of(&world, Guarded::Codes).await });
        }
        let looked = running.join_all().await.into_iter().filter(|wait| *wait == 0).count();
        assert_eq!(looked, 5);
    }

    #[tokio::test]
    async fn a_million_codes_get_no_further_than_the_pauses_allow() {
        let world = World::new().await;
        let secret = world.app().await;
        let start = world.clock.now();
        let (mut looked, mut right, mut next) = (0_u32, 0, 0_u32);
        // A guesser with all the patience of a week, who asks again the moment a pause is over, and tries every code.
        while world.clock.now().since(start) < Duration::from_secs(7 * 24 * 3600) && next < 1_000_000 {
            match reserve(&world.store, &world.person(), Guarded::Codes).await.unwrap() {
                Reserved::Wait(long) => world.clock.advance(long),
                Reserved::Look(ticket) => {
                    looked += 1;
                    // The worst case for the guesser: never what the app shows.
                    let mut code = format!("{next:06}");
                    while world.near(&secret).contains(&code) {
                        next += 1;
                        code = format!("{next:06}");
                    }
                    let verdict =
                        world.run(async |tx| answer(tx, &world.person(), &ticket, Answer::App(&code)).await).await;
                    right += u32::from(verdict != Verdict::Wrong);
                }
            }
            next += 1;
        }
        // 1 + 5 + 15 minutes, then one an hour: 5 free ones, and 3 on the way to the hours.
        assert_eq!((right, looked), (0, 5 + 3 + 7 * 24 - 1));
    }
}
