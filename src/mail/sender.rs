//! The background job over the outbox: hands over what is due, puts off what failed for now, gives up what can't arrive.
//!
//! A mail server that is down costs time and no mail: the whole job rests, longer after each failure, and what was
//! queued is tried until its own time is over. A mail that the server wants later waits longer each time. Killed in between, a mail is tried again after
//! [`outbox::ATTEMPT_FOR`], and may arrive twice, under one Message-ID.

use std::sync::Arc;
use std::time::Duration;

use lettre::transport::smtp::extension::ClientId;
use parking_lot::Mutex;

use super::delivery::{Conversation, Failed, Trouble};
use super::message::{self, Sender};
use super::server::SmtpServer;
use crate::directory::outbox::{self, QueuedMail, Waiting};
use crate::kernel::Timestamp;
use crate::store::{Store, StoreError, Tx};

/// How many mails are handed over at once, each in a conversation of its own.
const AT_ONCE: usize = 4;
/// How long an attempt may take from first to last: less than another may think it lost.
const ATTEMPT_LIMIT: Duration = Duration::from_secs(120);
/// How often the waiting mails are counted.
const COUNT_EVERY: Duration = Duration::from_secs(10);

/// How long is waited for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// How often it is looked whether a mail is due.
    pub look_every: Duration,
    /// After the first failure of a mail; doubled with each further one.
    pub first_pause: Duration,
    /// The longest that a mail waits between two attempts.
    pub longest_pause: Duration,
    /// How long nothing is tried after the server failed; doubled with each further time, up to
    /// [`longest_rest`](Self::longest_rest).
    pub first_rest: Duration,
    /// The longest of those.
    pub longest_rest: Duration,
}

impl Default for Rules {
    fn default() -> Self {
        Rules {
            look_every: Duration::from_millis(500),
            first_pause: Duration::from_secs(30),
            longest_pause: Duration::from_secs(30 * 60),
            first_rest: Duration::from_secs(1),
            longest_rest: Duration::from_secs(60),
        }
    }
}

impl Rules {
    /// How long a mail waits that failed `attempts` times.
    fn pause(&self, attempts: u32) -> Duration {
        doubled(self.first_pause, attempts.saturating_sub(1), self.longest_pause)
    }
}

fn doubled(first: Duration, times: u32, longest: Duration) -> Duration {
    first.saturating_mul(1 << times.min(20)).min(longest)
}

/// The job.
pub struct Mailer {
    store: Store,
    server: SmtpServer,
    from: Sender,
    /// Who we are to the mail server, and in Message-IDs: the site's host.
    site: String,
    rules: Rules,
    /// How often in a row the server failed.
    failures: Mutex<u32>,
}

/// What came of an attempt.
enum Outcome {
    Sent,
    GivenUp(&'static str, Option<u16>),
    /// After this pause.
    Later(Duration, String),
}

impl Mailer {
    /// A mailer for the outbox of `store`; `site`: the host of the public URL.
    pub fn new(store: Store, server: SmtpServer, from: Sender, site: &str, rules: Rules) -> Arc<Self> {
        Arc::new(Mailer { store, server, from, site: site.to_owned(), rules, failures: Mutex::default() })
    }

    /// Sends until it is dropped.
    pub async fn run(&self) {
        let workers = (0..AT_ONCE).map(|_| self.work());
        tokio::select! {
            _ = futures_util::future::join_all(workers) => {}
            () = self.count() => {}
        }
    }

    async fn work(&self) {
        let mut open = None;
        loop {
            match self.step(&mut open).await {
                Ok(true) => {}
                Ok(false) => {
                    if let Some(conversation) = open.take() {
                        let _ = tokio::time::timeout(ATTEMPT_LIMIT, Conversation::close(conversation)).await;
                    }
                    tokio::time::sleep(self.rules.look_every.max(self.rest())).await;
                }
                Err(error) => {
                    tracing::error!(%error, "the outbox can't be read");
                    tokio::time::sleep(self.rules.longest_rest).await;
                }
            }
        }
    }

    /// Tries the mail that is due, if there is one; `false`: there is none, or the server needs a rest.
    async fn step(&self, open: &mut Option<Conversation>) -> Result<bool, StoreError> {
        let taken = self.store.transaction("take mail", async |tx: Tx| outbox::take_due(&tx).await).await?;
        let Some(mail) = taken else { return Ok(false) };
        let outcome = self.attempt(&mail, open).await;
        let id = mail.id;
        match outcome {
            Outcome::Sent => {
                metrics::counter!("vestibule_mails_total", "outcome" => "sent").increment(1);
                let waited = self.store.now().since(mail.queued).as_secs();
                tracing::info!(mail = %id, attempts = mail.attempts, waited, "a mail was sent");
                self.remove(&mail).await?;
                Ok(true)
            }
            Outcome::GivenUp(reason, code) => {
                metrics::counter!("vestibule_mails_total", "outcome" => reason).increment(1);
                tracing::warn!(mail = %id, attempts = mail.attempts, reason, code, "a mail was given up");
                self.remove(&mail).await?;
                Ok(true)
            }
            Outcome::Later(pause, reason) => {
                metrics::counter!("vestibule_mails_total", "outcome" => "put_off").increment(1);
                let due = self.store.now().plus(pause);
                tracing::warn!(mail = %id, attempts = mail.attempts, reason, next = %due, "a mail was put off");
                let put_off = async |tx: Tx| outbox::put_off(&tx, &mail, due).await;
                self.store.transaction("put mail off", put_off).await?;
                Ok(*self.failures.lock() == 0)
            }
        }
    }

    async fn attempt(&self, mail: &QueuedMail, open: &mut Option<Conversation>) -> Outcome {
        if self.store.now() >= mail.not_after {
            return Outcome::GivenUp("too_old", None);
        }
        let handed = match tokio::time::timeout(ATTEMPT_LIMIT, self.hand_over(mail, open)).await {
            Ok(handed) => handed,
            Err(_) => Err(Failed::Server(Trouble::TooSlow)),
        };
        match handed {
            Ok(true) => {
                *self.failures.lock() = 0;
                Outcome::Sent
            }
            Ok(false) => Outcome::GivenUp("unwritable", None),
            Err(failed) => {
                // A conversation in which something failed is not gone on with.
                *open = None;
                self.failed(mail, failed)
            }
        }
    }

    fn failed(&self, mail: &QueuedMail, failed: Failed) -> Outcome {
        match failed {
            Failed::Mail(code) => {
                *self.failures.lock() = 0;
                Outcome::GivenUp("refused", Some(code))
            }
            Failed::MailLater(code) => {
                *self.failures.lock() = 0;
                let reason = format!("the mail server takes it later (code {code})");
                Outcome::Later(self.rules.pause(mail.attempts), reason)
            }
            Failed::Server(trouble) => {
                metrics::counter!("vestibule_mail_server_failures_total", "code" => trouble.code()).increment(1);
                let mut failures = self.failures.lock();
                *failures = failures.saturating_add(1);
                // Not this mail's fault: it is not made to wait longer than the whole job does.
                Outcome::Later(self.rules.first_pause, trouble.to_string())
            }
        }
    }

    /// `false`: the mail can't be put into words.
    async fn hand_over(&self, mail: &QueuedMail, open: &mut Option<Conversation>) -> Result<bool, Failed> {
        let Ok(written) = message::write(mail, &self.from, &self.site) else { return Ok(false) };
        let kept = open.is_some();
        let mut conversation = match open.take() {
            Some(conversation) => conversation,
            None => self.converse().await?,
        };
        let handed = conversation.hand_over(&self.from, &written).await;
        if kept && matches!(handed, Err(Failed::Server(_))) {
            // It may have closed what was quiet for a while, or after so many mails: once more, from the start.
            conversation = self.converse().await?;
            conversation.hand_over(&self.from, &written).await?;
        } else {
            handed?;
        }
        *open = Some(conversation);
        Ok(true)
    }

    async fn converse(&self) -> Result<Conversation, Failed> {
        Conversation::open(&self.server, &ClientId::Domain(self.site.clone())).await
    }

    async fn remove(&self, mail: &QueuedMail) -> Result<(), StoreError> {
        let remove = async |tx: Tx| {
            outbox::remove(&tx, mail);
            Ok(())
        };
        self.store.transaction("remove mail", remove).await
    }

    /// How long nothing is tried, by what failed so far.
    fn rest(&self) -> Duration {
        match *self.failures.lock() {
            0 => Duration::ZERO,
            // Each of those that run at once counts for itself.
            failures => {
                doubled(self.rules.first_rest, failures / u32::try_from(AT_ONCE).unwrap_or(1), self.rules.longest_rest)
            }
        }
    }

    async fn count(&self) {
        loop {
            if let Ok(waiting) = outbox::waiting(&self.store.reader()).await {
                tell(waiting, self.store.now());
            }
            tokio::time::sleep(COUNT_EVERY).await;
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "at most some thousand mails")]
fn tell(waiting: Waiting, now: Timestamp) {
    metrics::gauge!("vestibule_mails_waiting").set(waiting.count as f64);
    let oldest = waiting.oldest.map_or(Duration::ZERO, |oldest| now.since(oldest));
    metrics::gauge!("vestibule_mail_oldest_waiting_seconds").set(oldest.as_secs_f64());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_the_longest() {
        let rules = Rules::default();
        let pauses: Vec<u64> = (1..=9).map(|attempts| rules.pause(attempts).as_secs()).collect();
        assert_eq!(pauses, [30, 60, 120, 240, 480, 960, 1800, 1800, 1800]);
        assert_eq!(rules.pause(u32::MAX), rules.longest_pause);
    }
}
