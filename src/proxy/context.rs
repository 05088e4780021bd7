//! What is known of one request while it is served, and the line and the numbers that it leaves.

use std::sync::Arc;
use std::time::Instant;

use pingora::proxy::Session;

use super::forwarded::Forwarded;
use super::limits;
use super::upstream::Target;
use crate::kernel::{Reference, Rng};
use crate::session::SignedIn;

/// One request.
pub struct Context {
    started: Instant,
    /// The short name under which the log has it; made when somebody is to see it.
    reference: Option<Reference>,
    /// What was decided, for log and metrics.
    pub outcome: &'static str,
    /// The number of the upstream that answers.
    pub upstream: usize,
    /// Who sends it.
    pub who: Option<SignedIn>,
    /// What the app is told of where it came from.
    pub forwarded: Option<Forwarded>,
    /// The address that was tried last.
    pub target: Option<Arc<Target>>,
    /// How many addresses were tried.
    pub tries: usize,
    /// Whether it may be silent for long.
    pub streams: bool,
    body_bytes: u64,
    counted_open: bool,
}

impl Default for Context {
    fn default() -> Self {
        Context {
            started: Instant::now(),
            reference: None,
            outcome: "refused",
            upstream: 0,
            who: None,
            forwarded: None,
            target: None,
            tries: 0,
            streams: false,
            body_bytes: 0,
            counted_open: false,
        }
    }
}

impl Context {
    /// The request's reference.
    pub fn reference(&mut self, rng: &dyn Rng) -> Reference {
        self.reference.get_or_insert_with(|| Reference::random(rng)).clone()
    }

    /// Counts a piece of an HTTP/1.1 body; `false` if the body comes too slowly.
    pub fn body_in_time(&mut self, piece: usize) -> bool {
        self.body_bytes = self.body_bytes.saturating_add(u64::try_from(piece).unwrap_or(u64::MAX));
        let elapsed = self.started.elapsed();
        elapsed <= limits::BODY_GRACE || self.body_bytes / elapsed.as_secs().max(1) >= limits::BODY_RATE
    }

    /// The answer has begun and may go on for long.
    pub fn count_open(&mut self) {
        if !self.counted_open {
            self.counted_open = true;
            metrics::gauge!("vestibule_open_streams").increment(1.0);
        }
    }

    /// Leaves the line and the numbers.
    pub fn log(&self, session: &Session, access_log: bool, error: Option<&pingora::Error>) {
        let status = session.response_written().map_or(0, |response| response.status.as_u16());
        metrics::counter!("vestibule_requests_total", "decision" => self.outcome, "status" => class(status))
            .increment(1);
        if !access_log {
            return;
        }
        let request = session.req_header();
        tracing::info!(
            target: "vestibule::access",
            method = request.method.as_str(),
            path = request.uri.path(),
            status,
            decision = self.outcome,
            micros = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX),
            user = self.who.as_ref().map(|who| tracing::field::display(who.facts.user)),
            reference = self.reference.as_ref().map(Reference::as_str),
            error = error.map(|error| tracing::field::display(error.etype().as_str())),
            "request"
        );
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        if self.counted_open {
            metrics::gauge!("vestibule_open_streams").decrement(1.0);
        }
    }
}

/// The class of a status, so that metrics stay few.
const fn class(status: u16) -> &'static str {
    match status {
        100..=199 => "1xx",
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        500..=599 => "5xx",
        _ => "none",
    }
}
