//! Which sessions are over before their time: held in memory, fed by the change feed, read without a lock.
//!
//! Maps that change in place rather than a snapshot that is copied: ending n sessions costs n, not n squared.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use super::records::{REVOCATIONS, Scope};
use super::token::{LONGEST_SESSION, SessionToken};
use crate::kernel::{OrgId, Timestamp};
use crate::store::{StoreError, Tx};

/// How many rows one step of loading reads.
const PAGE: usize = 1000;

/// The revocations of this node.
pub struct Revocations {
    /// The last moment of revocation, by scope.
    moments: papaya::HashMap<Scope, Timestamp>,
    /// How many there are, so that a quiet system looks nothing up.
    count: AtomicUsize,
    /// Wakes every open stream to look again whether its session lives.
    changes: Notify,
    /// How many wakes have begun.
    begun: AtomicU64,
    /// How many of them are done.
    done: AtomicU64,
    /// When the feed was last heard: milliseconds since `origin`.
    heard: AtomicU64,
    origin: Instant,
}

/// How often open streams were woken: read without a lock, so that a stream which waits takes one only after a wake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wakes {
    /// How many wakes have begun.
    pub begun: u64,
    /// Whether none is under way: who listens from now on hears the next one, and only that.
    pub settled: bool,
}

impl Default for Revocations {
    fn default() -> Self {
        Revocations {
            moments: papaya::HashMap::new(),
            count: AtomicUsize::new(0),
            changes: Notify::new(),
            begun: AtomicU64::new(0),
            done: AtomicU64::new(0),
            heard: AtomicU64::new(0),
            origin: Instant::now(),
        }
    }
}

impl Revocations {
    /// Whether `token`'s session was ended.
    pub fn ended(&self, token: &SessionToken) -> bool {
        if self.count.load(Ordering::Acquire) == 0 {
            return false;
        }
        let moments = self.moments.pin();
        let ends = |scope: Scope| moments.get(&scope).is_some_and(|moment| token.created <= *moment);
        ends(Scope::Session(token.id))
            || ends(Scope::User(token.user))
            || ends(Scope::All)
            || token.connection.is_some_and(|connection| ends(Scope::Connection(connection)))
            || token.organization.is_some_and(|organization| {
                let through =
                    |connection: OrgId| connection != organization && ends(Scope::Through(organization, connection));
                ends(Scope::Organization(organization))
                    || ends(Scope::Membership(organization, token.user))
                    || token.connection.is_some_and(through)
            })
    }

    /// Ends the sessions of `scope` made until `moment`. Call [`wake`](Self::wake) afterwards.
    pub(super) fn end(&self, scope: Scope, moment: Timestamp) {
        let moments = self.moments.pin();
        if moments.get(&scope).is_none_or(|held| *held < moment) {
            moments.insert(scope, moment);
            self.count.store(moments.len(), Ordering::Release);
        }
    }

    /// Has every open stream look again whether its session lives.
    pub(super) fn wake(&self) {
        self.begun.fetch_add(1, Ordering::SeqCst);
        self.changes.notify_waiters();
        self.done.fetch_add(1, Ordering::SeqCst);
    }

    /// How many wakes there have been.
    pub fn wakes(&self) -> Wakes {
        let done = self.done.load(Ordering::SeqCst);
        let begun = self.begun.load(Ordering::SeqCst);
        Wakes { begun, settled: begun == done }
    }

    /// Is done at the first [`wake`](Self::wake) from now on, whether or not it was polled before.
    pub fn changed(&self) -> Notified<'_> {
        self.changes.notified()
    }

    /// Reads all revocations of the store.
    pub(super) async fn load(&self, tx: &Tx) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let page = tx.scan(&REVOCATIONS, &(), after.as_ref(), PAGE).await?;
            for (scope, moment) in &page {
                self.end(*scope, *moment);
            }
            match page.last() {
                Some((scope, _)) if page.len() == PAGE => after = Some(*scope),
                _ => return Ok(()),
            }
        }
    }

    /// Forgets what no living session can be older than.
    pub(super) fn forget_old(&self, now: Timestamp) {
        let moments = self.moments.pin();
        moments.retain(|_, moment| now < moment.plus(LONGEST_SESSION));
        self.count.store(moments.len(), Ordering::Release);
    }

    /// The feed was heard just now, and all that it told is taken in.
    pub(super) fn heard(&self) {
        let elapsed = u64::try_from(self.origin.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.heard.store(elapsed, Ordering::Release);
    }

    /// How long the feed has not been heard.
    pub fn silence(&self) -> Duration {
        self.origin.elapsed().saturating_sub(Duration::from_millis(self.heard.load(Ordering::Acquire)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{SessionId, UserId};
    use crate::session::token::tests::token;

    #[test]
    fn a_scope_ends_what_was_made_until_then_and_nothing_else() {
        let now = Timestamp::from_seconds(1_000);
        let token = token(now);
        let (organization, connection) = (token.organization.unwrap(), token.connection.unwrap());
        let check = |scope, moment, expected| {
            let revocations = Revocations::default();
            revocations.end(scope, moment);
            assert_eq!(revocations.ended(&token), expected, "{scope:?} {moment}");
        };
        for scope in [
            Scope::All,
            Scope::Session(token.id),
            Scope::User(token.user),
            Scope::Organization(organization),
            Scope::Connection(connection),
            Scope::Membership(organization, token.user),
            Scope::Through(organization, connection),
        ] {
            check(scope, now, true);
            check(scope, now.minus(Duration::from_millis(1)), false);
        }
        check(Scope::Session(SessionId::from_bytes([9; 16])), now, false);
        check(Scope::User(UserId::from_bytes([9; 16])), now, false);
        check(Scope::Organization(connection), now, false);
        check(Scope::Connection(organization), now, false);
        check(Scope::Membership(OrgId::from_bytes([9; 16]), token.user), now, false);
        check(Scope::Through(connection, organization), now, false);
        check(Scope::Through(OrgId::from_bytes([9; 16]), connection), now, false);
    }

    #[test]
    fn an_older_word_never_replaces_a_newer_one_and_old_ones_leave() {
        let now = Timestamp::from_seconds(1_000);
        let revocations = Revocations::default();
        revocations.end(Scope::All, now);
        revocations.end(Scope::All, Timestamp::EPOCH);
        assert!(revocations.ended(&token(now)));
        revocations.forget_old(now.plus(LONGEST_SESSION));
        assert!(!revocations.ended(&token(now)));
    }
}
