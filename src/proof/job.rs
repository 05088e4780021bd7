//! The job that looks at claims when they are due: a few at once, at a bounded pace, at one node alone.
//!
//! What is due is a row in the store, and a look moves it on in one transaction: whenever the process dies, the look is
//! due again. When the clock is turned, so is the job.

use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};

use super::Proof;
use crate::directory::{Claim, claim};
use crate::kernel::Rng;
use crate::store::{StoreError, Tx, take_lease};

/// How often it is looked what is due.
const PACE: Duration = Duration::from_secs(1);
/// How many claims one round looks at: at that pace a hundred thousand a day take an hour and a half.
const ROUND: usize = 20;
/// How many of them at once.
const AT_ONCE: usize = 10;
/// For how long one node is the one that looks. Longer than a round in which no server answers.
const LEASE_FOR: Duration = Duration::from_secs(60);
/// The lease's name.
const LEASE: &str = "domain-checks";

impl Proof {
    /// Looks at claims for ever.
    pub async fn keep_proved(&self) {
        let holder = (&*self.rng as &dyn Rng).token::<12>();
        loop {
            if let Err(error) = self.round(&holder).await {
                tracing::error!(%error, "the domains whose check is due can't be found out");
            }
            tokio::time::sleep(PACE).await;
        }
    }

    /// Looks at the claims that are due by now, at most a round of them; gives at how many. `holder` names this node.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn round(&self, holder: &str) -> Result<usize, StoreError> {
        let due = claim::due(&self.store.reader(), ROUND).await?;
        if due.is_empty() {
            return Ok(0);
        }
        let lease = async |tx: Tx| take_lease(&tx, LEASE, holder, LEASE_FOR).await;
        if !self.store.transaction("take the lease of domain checks", lease).await? {
            return Ok(0);
        }
        let count = due.len();
        let looks: Vec<_> = due.into_iter().map(|claim| self.check_due(claim)).collect();
        stream::iter(looks).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
        Ok(count)
    }

    async fn check_due(&self, claim: Claim) {
        if let Err(error) = self.check(&claim).await {
            tracing::error!(%error, domain = %claim.domain, "what DNS showed of a domain can't be kept");
        }
    }
}
