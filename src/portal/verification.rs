//! Bounds how much verifying goes on at once, off the threads that serve requests: it costs CPU before anyone is known.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::page::Trouble;
use crate::kernel::{Fault, FaultKind};

/// How many answers of IdPs are being received at once, of up to 1 MiB each: more than are worked on, so that slow
/// senders don't keep out the others.
const RECEIVED: usize = 512;
/// How many answers are worked on at once, from the verifying to the record.
const ADMITTED: usize = 128;
/// How many of them are verified at once.
const AT_ONCE: usize = 4;
/// How long one waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);

/// The bounded pool.
pub struct VerificationPool {
    received: Arc<Semaphore>,
    admitted: Arc<Semaphore>,
    turns: Arc<Semaphore>,
}

impl Default for VerificationPool {
    fn default() -> Self {
        let places = |count| Arc::new(Semaphore::new(count));
        VerificationPool { received: places(RECEIVED), admitted: places(ADMITTED), turns: places(AT_ONCE) }
    }
}

impl VerificationPool {
    /// A place for one answer while its body arrives.
    ///
    /// # Errors
    /// «Unavailable» if all places are taken.
    pub fn receive(&self) -> Result<OwnedSemaphorePermit, Trouble> {
        Arc::clone(&self.received).try_acquire_owned().map_err(|_| busy())
    }

    /// A place for one answer once it is here, to the end.
    ///
    /// # Errors
    /// «Unavailable» if all places are taken.
    pub fn admit(&self) -> Result<OwnedSemaphorePermit, Trouble> {
        Arc::clone(&self.admitted).try_acquire_owned().map_err(|_| busy())
    }

    /// Runs `work` on a thread for blocking work, once it is its turn.
    ///
    /// # Errors
    /// «Unavailable» if the turn does not come in time; «internal» if `work` panics.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Trouble> {
        let turn = tokio::time::timeout(PATIENCE, Arc::clone(&self.turns).acquire_owned()).await;
        let Ok(Ok(turn)) = turn else { return Err(busy()) };
        let worked = tokio::task::spawn_blocking(move || {
            let value = work();
            drop(turn);
            value
        });
        worked.await.map_err(|_| Fault::internal("verifying a response panicked").into())
    }
}

fn busy() -> Trouble {
    let public = "Too many people sign in at this moment. Please try again in a few seconds.";
    Fault::new(FaultKind::Unavailable, public, "the bound of responses verified at once is reached").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn beyond_the_bound_is_unavailable_and_comes_back() {
        let pool = VerificationPool::default();
        let mut held: Vec<_> = (0..ADMITTED).map(|_| pool.admit().expect("a place")).collect();
        assert_eq!(pool.admit().map(|_| ()).map_err(|trouble| trouble.fault.kind), Err(FaultKind::Unavailable));
        held.pop();
        assert!(pool.admit().is_ok());
    }

    #[tokio::test]
    async fn a_panic_is_a_fault_and_gives_its_turn_back() {
        let pool = VerificationPool::default();
        for _ in 0..=AT_ONCE {
            let outcome = pool.run(|| panic!("on purpose")).await.map_err(|trouble| trouble.fault.kind);
            assert_eq!(outcome, Err::<(), _>(FaultKind::Internal));
        }
        assert_eq!(pool.run(|| 7).await.ok(), Some(7));
    }
}
