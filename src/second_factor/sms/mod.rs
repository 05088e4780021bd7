//! Codes by SMS: sent through an HTTP gateway, tried again while they are good, and followed until they are there.

mod codes;
mod gateway;
mod number;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

pub use codes::{Delivery, GOOD_FOR, RESEND_AFTER, SmsFor, Underway, underway};
pub(super) use codes::{Proven, checkers, forget, prove, take};
pub use gateway::SmsSettings;
pub use number::{InvalidNumber, PhoneNumber};

use super::person::Person;
use crate::kernel::Timestamp;
use crate::store::{Store, StoreError, Tx};
use codes::{Message, Prepared, count_again, note, prepare};
use gateway::{ANSWER_WITHIN, Fate, Gateway, Refused};

/// How many messages are followed at once; those beyond are sent, and not followed.
const FOLLOWED: usize = 256;

/// How patient the sending is.
#[derive(Clone, Debug)]
struct Pace {
    /// How long a request to the gateway may take.
    answer_within: Duration,
    /// The pauses between tries; after the last one it is given up. All of them fit into a code's life.
    between_tries: Vec<Duration>,
    /// The pauses between looks at what became of it; the last one again and again.
    between_looks: Vec<Duration>,
    /// How long the page waits for the first outcome.
    patience: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        let seconds = |list: &[u64]| list.iter().copied().map(Duration::from_secs).collect();
        Pace {
            answer_within: ANSWER_WITHIN,
            between_tries: seconds(&[1, 4, 15, 60, 180]),
            between_looks: seconds(&[2, 3, 5, 10, 20, 30]),
            patience: Duration::from_secs(4),
        }
    }
}

/// What came of asking for a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SmsSent {
    /// It is on its way; [`underway`] tells how far.
    Underway,
    /// One was sent just now, or too many were: so long.
    Wait(Duration),
    /// The account has no number.
    NoPhone,
}

/// Sends codes by SMS.
pub struct Sms {
    store: Store,
    gateway: Gateway,
    settings: SmsSettings,
    /// The site's host, as the message names it.
    host: String,
    pace: Pace,
    followed: Arc<Semaphore>,
}

impl Sms {
    /// Sends through the gateway of `settings`, in the name of `host`.
    ///
    /// # Errors
    /// A sentence for the operator, if TLS can't be set up.
    pub fn new(store: Store, settings: SmsSettings, host: &str) -> Result<Arc<Self>, String> {
        Self::at(store, settings, host, Pace::default())
    }

    fn at(store: Store, settings: SmsSettings, host: &str, pace: Pace) -> Result<Arc<Self>, String> {
        let gateway = Gateway::new(settings.clone(), pace.answer_within)
            .map_err(|error| format!("the SMS gateway can't be spoken to: {error}"))?;
        let followed = Arc::new(Semaphore::new(FOLLOWED));
        Ok(Arc::new(Sms { store, gateway, settings, host: host.to_owned(), pace, followed }))
    }

    /// Sends a code to be typed in `place`, the id of a sign-in or a session; in place of the one before. Waits a moment
    /// for the gateway, so that the page can tell what it said.
    ///
    /// # Errors
    /// The store's.
    pub async fn send(
        self: &Arc<Self>,
        person: &Person<'_>,
        place: &str,
        what_for: SmsFor<'_>,
    ) -> Result<SmsSent, StoreError> {
        let prepare = async |tx: Tx| prepare(&tx, person, place, what_for, &self.settings).await;
        let message = match self.store.transaction("prepare SMS", prepare).await? {
            Prepared::Send(message) => message,
            Prepared::Wait(long) => return Ok(SmsSent::Wait(long)),
            Prepared::NoPhone => return Ok(SmsSent::NoPhone),
        };
        let (first, outcome) = tokio::sync::oneshot::channel();
        let sms = Arc::clone(self);
        tokio::spawn(async move {
            if let Err(error) = sms.deliver(&message, first).await {
                tracing::error!(%error, "how far an SMS is can't be noted");
            }
        });
        // Whoever waits no longer sees it on the page later.
        let _ = tokio::time::timeout(self.pace.patience, outcome).await;
        Ok(SmsSent::Underway)
    }

    fn text(&self, code: &str) -> String {
        let host = &self.host;
        // The last line is for browsers, which offer the code on this site alone (origin-bound one-time codes).
        format!("{code} is your code for {host}. It works once, within ten minutes.\n\n@{host} #{code}")
    }

    /// Tries until the gateway has it, then follows it until it is there.
    async fn deliver(&self, message: &Message, first: tokio::sync::oneshot::Sender<()>) -> Result<(), StoreError> {
        let (text, mut first) = (self.text(&message.code), Some(first));
        let mut pauses = self.pace.between_tries.iter();
        let sid = loop {
            let refused = match self.gateway.send(&message.to, &text).await {
                Ok(sid) => break sid,
                Err(refused) => refused,
            };
            let pause = pauses.next().copied();
            let (delivery, pause) = match (refused, pause) {
                (Refused::Number, _) => (Delivery::WrongNumber, None),
                (Refused::Later(asked) | Refused::Unsure(asked), Some(pause)) => {
                    (Delivery::Delayed, Some(pause.max(asked.unwrap_or_default())))
                }
                (Refused::Us | Refused::Later(_) | Refused::Unsure(_), _) => (Delivery::Unavailable, None),
            };
            let mut pause = pause.filter(|pause| self.is_good(message.until, *pause));
            if pause.is_some() && matches!(refused, Refused::Unsure(_)) && !self.count_again(message).await? {
                pause = None;
            }
            let delivery =
                if pause.is_none() && delivery == Delivery::Delayed { Delivery::Unavailable } else { delivery };
            let waited_for = self.note(message, delivery).await?;
            drop(first.take());
            match pause {
                Some(pause) if waited_for => tokio::time::sleep(pause).await,
                _ => return Ok(()),
            }
        };
        let waited_for = self.note(message, Delivery::Accepted).await?;
        drop(first);
        if waited_for { self.follow(message, &sid).await } else { Ok(()) }
    }

    async fn follow(&self, message: &Message, sid: &str) -> Result<(), StoreError> {
        let Ok(_permit) = self.followed.try_acquire() else { return Ok(()) };
        let mut pauses = self.pace.between_looks.iter();
        let mut pause = Duration::from_secs(2);
        loop {
            pause = pauses.next().copied().unwrap_or(pause);
            if !self.is_good(message.until, pause) {
                return Ok(());
            }
            tokio::time::sleep(pause).await;
            let delivery = match self.gateway.fate(sid).await {
                Ok(Fate::Delivered) => Delivery::Delivered,
                Ok(Fate::Undelivered) => Delivery::Undelivered,
                Ok(Fate::Underway) | Err(_) => Delivery::Accepted,
            };
            if !self.note(message, delivery).await? || delivery != Delivery::Accepted {
                return Ok(());
            }
        }
    }

    /// Whether a code that is good until `until` still is after a pause.
    fn is_good(&self, until: Timestamp, pause: Duration) -> bool {
        self.store.now().plus(pause) < until
    }

    /// Counts a try after one that may have been a message; `false`: it would be one too many.
    async fn count_again(&self, message: &Message) -> Result<bool, StoreError> {
        let count = async |tx: Tx| count_again(&tx, message, &self.settings).await;
        self.store.transaction("count SMS again", count).await
    }

    async fn note(&self, message: &Message, delivery: Delivery) -> Result<bool, StoreError> {
        self.store.transaction("note SMS", async |tx: Tx| note(&tx, message, delivery).await).await
    }
}
