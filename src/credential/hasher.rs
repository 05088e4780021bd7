//! Hashes passwords off the threads that serve requests, a few at once: each takes 19 MiB and some 20 ms of CPU, and
//! anyone can ask for one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;

use super::hash::{Cost, PasswordHash};
use crate::kernel::{Rng, Secret};

/// How many hash at once at most.
const AT_ONCE: usize = 4;
/// How many wait for their turn at most.
const WAITING: usize = 64;
/// How long one waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);

/// More passwords are to be hashed than can be: try again in a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Busy;

/// The bounded pool.
pub struct Hasher {
    rng: Arc<dyn Rng>,
    turns: Semaphore,
    inside: AtomicUsize,
    runs: AtomicU64,
}

impl Hasher {
    /// A pool as wide as half of the cores, at least one and at most four.
    pub fn new(rng: Arc<dyn Rng>) -> Arc<Self> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let turns = Semaphore::new((cores / 2).clamp(1, AT_ONCE));
        Arc::new(Hasher { rng, turns, inside: AtomicUsize::new(0), runs: AtomicU64::new(0) })
    }

    /// How often it hashed so far: the same for a wrong password as for an account that does not exist.
    pub fn runs(&self) -> u64 {
        self.runs.load(Ordering::Relaxed)
    }

    /// The hash of a new password, in PHC form.
    ///
    /// # Errors
    /// [`Busy`].
    pub async fn hash(&self, password: Secret<String>) -> Result<String, Busy> {
        let rng = Arc::clone(&self.rng);
        let made = self.run(move || PasswordHash::of(password.expose(), Cost::NOW, &*rng)).await?;
        made.map(|hash| hash.to_text()).ok_or(Busy)
    }

    /// Whether `password` is that of the stored `hash`; `None`: there is none, which costs the same and is wrong.
    /// A right one whose hash is outdated comes with a new hash.
    ///
    /// # Errors
    /// [`Busy`].
    pub async fn verify(&self, password: Secret<String>, hash: Option<&str>) -> Result<Verified, Busy> {
        let read = hash.and_then(PasswordHash::parse);
        let (known, hash) = (read.is_some(), read.unwrap_or_else(PasswordHash::of_nobody));
        let outdated = hash.is_outdated();
        let again = password.clone();
        let fits = self.run(move || hash.fits(password.expose())).await? && known;
        if !fits {
            return Ok(Verified::Wrong);
        }
        Ok(Verified::Right { upgraded: if outdated { Some(self.hash(again).await?) } else { None } })
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Busy> {
        let place = Place::take(&self.inside).ok_or(Busy)?;
        let turn = tokio::time::timeout(PATIENCE, self.turns.acquire()).await;
        let Ok(Ok(turn)) = turn else { return Err(Busy) };
        self.runs.fetch_add(1, Ordering::Relaxed);
        metrics::counter!("vestibule_password_hashes_total").increment(1);
        let worked = tokio::task::spawn_blocking(work).await;
        drop((turn, place));
        worked.map_err(|_| Busy)
    }
}

/// A place among those that wait or work; given back when dropped.
struct Place<'p>(&'p AtomicUsize);

impl<'p> Place<'p> {
    fn take(inside: &'p AtomicUsize) -> Option<Self> {
        if inside.fetch_add(1, Ordering::Relaxed) >= WAITING {
            inside.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        Some(Place(inside))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What became of a password.
#[derive(Clone, Debug)]
pub enum Verified {
    /// It is not this one, or there is none.
    Wrong,
    /// It is.
    Right {
        /// Its hash at today's cost, if the stored one is outdated.
        upgraded: Option<String>,
    },
}

impl Verified {
    /// Whether it is the right one.
    pub const fn is_right(&self) -> bool {
        matches!(self, Verified::Right { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::SeededRng;

    fn secret(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    #[tokio::test]
    async fn a_password_that_does_not_exist_costs_what_a_wrong_one_does() {
        let hasher = Hasher::new(Arc::new(SeededRng::new(1)));
        let hash = hasher.hash(secret("correct horse battery")).await.unwrap();
        let runs = async |password: &str, hash: Option<&str>| {
            let before = hasher.runs();
            let right = hasher.verify(secret(password), hash).await.unwrap().is_right();
            (right, hasher.runs() - before)
        };
        assert_eq!(runs("correct horse battery", Some(&hash)).await, (true, 1));
        assert_eq!(runs("wrong", Some(&hash)).await, (false, 1));
        assert_eq!(runs("wrong", None).await, (false, 1));
        assert_eq!(runs("wrong", Some("not a hash")).await, (false, 1));
    }

    #[tokio::test]
    async fn an_outdated_hash_of_the_right_password_is_made_anew() {
        let hasher = Hasher::new(Arc::new(SeededRng::new(1)));
        let cheap = Cost { memory: 64, passes: 1, lanes: 1 };
        let old = PasswordHash::of("correct horse", cheap, &SeededRng::new(2)).unwrap().to_text();
        let Verified::Right { upgraded: Some(new) } = hasher.verify(secret("correct horse"), Some(&old)).await.unwrap()
        else {
            panic!("upgraded");
        };
        assert!(new.contains("$m=19456,t=2,p=1$"), "{new}");
        let again = hasher.verify(secret("correct horse"), Some(&new)).await.unwrap();
        assert!(matches!(again, Verified::Right { upgraded: None }));
        assert!(matches!(hasher.verify(secret("wrong"), Some(&old)).await.unwrap(), Verified::Wrong));
    }

    #[tokio::test]
    async fn more_than_can_wait_are_sent_away() {
        let hasher = Hasher::new(Arc::new(SeededRng::new(1)));
        let all = (0..WAITING + 8).map(|_| hasher.verify(secret("x"), Some("not a hash")));
        let answers = futures_util::future::join_all(all).await;
        assert!(answers.iter().filter(|answer| answer.is_err()).count() >= 8);
        assert!(hasher.verify(secret("x"), None).await.is_ok(), "all places are free again");
    }
}
