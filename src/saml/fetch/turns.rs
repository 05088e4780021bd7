//! Whose turn it is to read: so that nobody who asks can keep the others waiting, nor the job that reads each day.

use std::collections::BTreeSet;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use crate::kernel::OrgId;

/// How many addresses are read at once for those who ask.
pub const ASKED_AT_ONCE: usize = 8;
/// How many for the job.
const DAILY_AT_ONCE: usize = 4;

/// For whom something is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// Whoever runs Vestibule.
    Operator,
    /// Somebody who acts for this organization.
    Organization(OrgId),
    /// Nobody: it is due.
    Job,
}

/// All the turns that there are.
pub struct Turns {
    asked: Semaphore,
    daily: Semaphore,
    reading: Mutex<BTreeSet<OrgId>>,
}

/// A turn, until it is dropped.
pub struct Turn<'a> {
    _permit: SemaphorePermit<'a>,
    _only: Option<Only<'a>>,
}

/// The one reading of an organization.
struct Only<'a> {
    turns: &'a Turns,
    organization: OrgId,
}

impl Drop for Only<'_> {
    fn drop(&mut self) {
        self.turns.reading.lock().remove(&self.organization);
    }
}

impl Turns {
    /// None is taken.
    pub fn new() -> Self {
        Turns { asked: Semaphore::new(ASKED_AT_ONCE), daily: Semaphore::new(DAILY_AT_ONCE), reading: Mutex::default() }
    }

    /// Takes a turn, once there is one. `None`: there is none within that time, or the organization has one already.
    pub async fn take(&self, asker: Asker, within: Duration) -> Option<Turn<'_>> {
        let (turns, only) = match asker {
            Asker::Job => (&self.daily, None),
            Asker::Operator => (&self.asked, None),
            Asker::Organization(organization) => (&self.asked, Some(self.only(organization)?)),
        };
        let permit = timeout(within, turns.acquire()).await.ok()?.ok()?;
        Some(Turn { _permit: permit, _only: only })
    }

    fn only(&self, organization: OrgId) -> Option<Only<'_>> {
        // Made only if it is the one: dropping it ends that one's turn.
        self.reading.lock().insert(organization).then(|| Only { turns: self, organization })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_millis(20);
    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn an_organization_has_one_turn_and_the_job_its_own() {
        let turns = Turns::new();
        let asker = |n: u8| Asker::Organization(OrgId::from_bytes([n; 16]));
        let first = turns.take(asker(1), LONG).await;
        assert!(first.is_some());
        let again = timeout(LONG / 2, turns.take(asker(1), LONG)).await.expect("at once");
        assert!(again.is_none(), "one at a time");
        let mut others = Vec::new();
        for n in 2..=8 {
            others.push(turns.take(asker(n), LONG).await.expect("others wait for nobody"));
        }
        assert!(turns.take(asker(9), SOON).await.is_none(), "all are taken");
        assert!(turns.take(Asker::Operator, SOON).await.is_none());
        let daily = turns.take(Asker::Job, SOON).await;
        assert!(daily.is_some(), "whatever people do");
        drop(first);
        assert!(turns.take(asker(1), SOON).await.is_some(), "once it is over");
        // Whoever waited in vain may ask again.
        assert!(turns.take(asker(9), SOON).await.is_some());
    }
}
