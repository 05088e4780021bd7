//! The metrics of webhooks, by endpoint.

use std::time::Duration;

use super::outbox::Waiting;
use crate::kernel::Timestamp;

/// Begins an endpoint's metrics at 0.
pub(super) fn begin(endpoint: &str) {
    for outcome in ["delivered", "failed", "dead"] {
        let labels = [("endpoint", endpoint.to_owned()), ("outcome", outcome.to_owned())];
        metrics::counter!("vestibule_webhooks_total", &labels).increment(0);
    }
    tell(endpoint, 0, Waiting::default(), Timestamp::EPOCH);
}

/// Counts a try by what came of it.
pub(super) fn counted(endpoint: &str, outcome: &'static str) {
    let labels = [("endpoint", endpoint.to_owned()), ("outcome", outcome.to_owned())];
    metrics::counter!("vestibule_webhooks_total", &labels).increment(1);
}

/// Tells what waits and what is dead.
#[expect(clippy::cast_precision_loss, reason = "at most some thousand events")]
pub(super) fn tell(endpoint: &str, dead: usize, waiting: Waiting, now: Timestamp) {
    let labels = [("endpoint", endpoint.to_owned())];
    metrics::gauge!("vestibule_webhooks_waiting", &labels).set(waiting.count as f64);
    metrics::gauge!("vestibule_webhooks_dead", &labels).set(dead as f64);
    let oldest = waiting.oldest.map_or(Duration::ZERO, |oldest| now.since(oldest));
    metrics::gauge!("vestibule_webhook_oldest_waiting_seconds", &labels).set(oldest.as_secs_f64());
}
