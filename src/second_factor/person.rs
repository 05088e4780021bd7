//! Whose factor it is, and which audit tells of it.

use crate::directory::{AuditEntry, User, audit};
use crate::kernel::{Client, OrgId, Rng};
use crate::store::{StoreError, Tx};

/// Somebody at their own second factor.
#[derive(Clone, Copy)]
pub struct Person<'a> {
    /// The account.
    pub user: &'a User,
    /// The organization whose audit tells of it; [`audit::OPERATOR`] if there is none.
    pub organization: OrgId,
    /// Where they are.
    pub client: Client,
    /// Chance.
    pub rng: &'a dyn Rng,
}

impl Person<'_> {
    /// Notes what happened to the factor, in the transaction in which it does.
    pub(super) fn audit(&self, tx: &Tx, action: &str, before: &str, after: &str) -> Result<(), StoreError> {
        let email = self.user.email.as_str();
        let entry = AuditEntry::new(tx, email, action, email).changed(before, after).from(self.client);
        audit::append(tx, self.rng, self.organization, &entry)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::directory::user;
    use crate::kernel::{Clock as _, ManualClock, SeededRng, Timestamp};
    use crate::second_factor::{AppSecret, Confirmed, factors, totp};
    use crate::store::{SledBackend, Store, check_store};

    /// A store with one account, and a clock that the test turns.
    #[derive(Clone)]
    pub struct World {
        pub store: Store,
        pub clock: Arc<ManualClock>,
        pub rng: Arc<SeededRng>,
        pub user: User,
    }

    impl World {
        pub async fn new() -> Self {
            let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_800_000_000)));
            let store = Store::open(SledBackend::temporary().unwrap(), clock.clone()).await.unwrap();
            let rng = Arc::new(SeededRng::new(1));
            let make = async |tx: Tx| user::create(&tx, &*rng, &"ada@acme.example".parse().unwrap());
            let user = store.transaction::<_, StoreError, _, _>("test", make).await.unwrap();
            World { store, clock, rng, user }
        }

        pub fn person(&self) -> Person<'_> {
            let organization = audit::OPERATOR;
            Person { user: &self.user, organization, client: Client::default(), rng: &*self.rng }
        }

        pub async fn run<T>(&self, change: impl AsyncFn(&Tx) -> Result<T, StoreError>) -> T {
            self.store.transaction("test", |tx: Tx| async { change(&{ tx }).await }).await.unwrap()
        }

        /// What an app shows now.
        pub fn shown(&self, secret: &AppSecret) -> String {
            totp::tests::shown(secret, self.clock.now())
        }

        /// What counts now: the app may be a step off.
        pub fn near(&self, secret: &AppSecret) -> [String; 3] {
            let step = std::time::Duration::from_secs(30);
            let now = self.clock.now();
            [now.minus(step), now, now.plus(step)].map(|at| totp::tests::shown(secret, at))
        }

        /// Sets an app up, with the code of this moment.
        pub async fn app(&self) -> AppSecret {
            let secret = self.run(async |tx| factors::set_up_app(tx, &*self.rng, self.user.id, "here").await).await;
            let code = self.shown(&secret);
            let confirm = async |tx: &Tx| factors::confirm_app(tx, &self.person(), "here", &code).await;
            assert_eq!(self.run(confirm).await, Confirmed::Done);
            secret
        }

        pub async fn check(&self) {
            let mut checkers = super::super::checkers();
            checkers.extend(crate::directory::check::checkers());
            let findings = check_store(&self.store, &checkers).await.unwrap().findings;
            assert!(findings.is_empty(), "{findings:?}");
        }
    }
}
