//! Following the change feed: what was committed anywhere reaches this node's memory, and with it every open stream.

use std::time::Duration;

use super::error::SessionError;
use super::keys::Keys;
use super::records::{self, REVOCATIONS, Scope};
use super::sessions::Sessions;
use crate::directory::claim::VERIFIED;
use crate::directory::link::LINKS;
use crate::directory::member::MEMBERS;
use crate::directory::organization::ORGANIZATIONS;
use crate::directory::sso::SSO_SETTINGS;
use crate::directory::team::TEAMS;
use crate::directory::team_member::TEAM_MEMBERS;
use crate::directory::user::USERS;
use crate::store::{Change, FeedEvent, StoreError, Tx};

/// How often what is over is forgotten, and open streams are looked at for their absolute end.
const HOUSEKEEPING: Duration = Duration::from_secs(60);
/// How long open streams wait to be looked at when something is new about anybody: many changes are one look.
const GATHERING: Duration = Duration::from_millis(200);
/// How long after a revocation was written another node does not write it again.
const WRITTEN_LATELY: Duration = Duration::from_secs(60);

/// Up to how many members of a team are forgotten one by one when the team changes.
const FORGET_ONE_BY_ONE: usize = 500;

impl Sessions {
    /// Follows the change feed until the store is closed. To be run once, in the background; if it stops or the feed
    /// is silent for longer than `feed_bound`, the gate fails closed.
    pub async fn follow(&self) {
        let mut feed = self.feed.lock().await;
        let mut last_housekeeping = tokio::time::Instant::now();
        let mut wake = None;
        loop {
            let event = tokio::select! {
                biased;
                () = tokio::time::sleep_until(wake.unwrap_or(last_housekeeping)), if wake.is_some() => {
                    wake = None;
                    self.revocations.wake();
                    continue;
                }
                event = feed.next() => event,
            };
            let changes = self.facts.changes();
            let done = match event {
                FeedEvent::Change(change) => self.take_in(&change).await,
                FeedEvent::Quiet => Ok(()),
                FeedEvent::Lost => self.start_over().await,
                FeedEvent::Closed => return,
            };
            match done {
                Ok(()) => self.revocations.heard(),
                Err(error) => {
                    // The feed counts as unheard until everything was read anew.
                    tracing::error!(%error, "a change could not be taken in: reading everything anew");
                    if self.start_over().await.is_ok() {
                        self.revocations.heard();
                    }
                }
            }
            if self.facts.changes() != changes {
                wake.get_or_insert_with(|| tokio::time::Instant::now() + GATHERING);
            }
            metrics::gauge!("vestibule_feed_silence_seconds").set(self.revocations.silence().as_secs_f64());
            if last_housekeeping.elapsed() >= HOUSEKEEPING {
                last_housekeeping = tokio::time::Instant::now();
                let now = self.clock.now();
                self.revocations.forget_old(now);
                self.assertions.forget_old(now);
                self.revocations.wake();
            }
        }
    }

    /// Changes were missed: nothing that is remembered can be relied on.
    async fn start_over(&self) -> Result<(), SessionError> {
        self.facts.drop_all();
        self.keys.reload(&self.store).await?;
        self.revocations.load(&self.store.reader()).await?;
        self.revocations.wake();
        Ok(())
    }

    async fn take_in(&self, change: &Change) -> Result<(), SessionError> {
        if Keys::concerns(change) {
            self.keys.reload(&self.store).await?;
        }
        let tx = self.store.reader();
        let mut woken = false;
        for scope in change.keys(&REVOCATIONS) {
            if let Some(moment) = tx.get(&REVOCATIONS, &scope).await? {
                self.revocations.end(scope, moment);
                let lag = self.clock.now().since(moment).as_secs_f64();
                metrics::histogram!("vestibule_revocation_lag_seconds").record(lag);
                woken = true;
            }
        }
        let lost = self.lost_by(&tx, change).await?;
        for scope in &lost {
            self.revocations.end(*scope, self.clock.now());
        }
        if woken || !lost.is_empty() {
            self.revocations.wake();
        }
        if !lost.is_empty() {
            self.write_down(&lost).await?;
        }
        Ok(())
    }

    /// The sessions that end because of what happened in the directory, whose writers know nothing of sessions; what
    /// was remembered of the people concerned is dropped.
    async fn lost_by(&self, tx: &Tx, change: &Change) -> Result<Vec<Scope>, StoreError> {
        let mut lost = Vec::new();
        for id in change.keys(&USERS) {
            self.facts.drop_user(id);
            if !tx.get(&USERS, &id).await?.is_some_and(|user| user.active) {
                lost.push(Scope::User(id));
            }
        }
        for (organization, user) in change.keys(&MEMBERS) {
            self.facts.drop_user(user);
            if tx.get(&MEMBERS, &(organization, user)).await?.is_none_or(|member| member.asleep) {
                lost.push(Scope::Membership(organization, user));
            }
        }
        for (_, _, user) in change.keys(&TEAM_MEMBERS) {
            self.facts.drop_user(user);
        }
        for place in change.keys(&TEAMS) {
            // Its name or its role may be others; of a large team it costs less to forget everybody.
            let members = tx.scan(&TEAM_MEMBERS, &place, None, FORGET_ONE_BY_ONE).await?;
            if members.len() < FORGET_ONE_BY_ONE {
                for ((_, _, user), _) in &members {
                    self.facts.drop_user(*user);
                }
            } else {
                self.facts.drop_all();
            }
        }
        if change.touches(&LINKS) || change.touches(&VERIFIED) {
            // Limits may be the Admin organization's now, or no longer (D12); single sign-on may be required of other
            // people than before.
            self.facts.drop_all();
        }
        for id in change.keys(&ORGANIZATIONS) {
            self.facts.drop_all();
            if tx.get(&ORGANIZATIONS, &id).await?.is_none() {
                lost.push(Scope::Organization(id));
            }
        }
        for id in change.keys(&SSO_SETTINGS) {
            if tx.get(&SSO_SETTINGS, &id).await?.is_none() {
                lost.push(Scope::Connection(id));
            }
        }
        Ok(lost)
    }

    /// Writes down what was lost, so that it stays lost after a restart, even if the membership comes back.
    async fn write_down(&self, lost: &[Scope]) -> Result<(), StoreError> {
        self.store
            .transaction("revoke what the directory ended", async |tx: Tx| {
                for scope in lost {
                    let written = tx.get(&REVOCATIONS, scope).await?;
                    if written.is_none_or(|moment| tx.now().since(moment) > WRITTEN_LATELY) {
                        records::revoke(&tx, *scope).await?;
                    }
                }
                Ok(())
            })
            .await
    }
}
