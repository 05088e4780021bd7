//! What is known of one request while it is served, and the line and the numbers that it leaves.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use pingora::proxy::Session;

use super::decide::Decision;
use super::pace::Pace;
use super::upstream::Target;
use crate::kernel::{Reference, Rng};
use crate::session::SignedIn;

/// One request.
pub struct Context {
    started: Instant,
    /// The short name under which the log has it; made when somebody is to see it.
    reference: Option<Reference>,
    /// What was decided, for log and metrics.
    pub outcome: Outcome,
    /// The number of the upstream that answers.
    pub upstream: usize,
    /// Who sends it.
    pub who: Option<SignedIn>,
    /// The address that was tried last.
    pub target: Option<Arc<Target>>,
    /// How many addresses were tried.
    pub tries: usize,
    /// Whether it announces a stream, towards which the app may be silent for long.
    pub announced: bool,
    /// How slowly it may come.
    pub pace: Pace,
    counted_open: bool,
}

impl Default for Context {
    fn default() -> Self {
        Context {
            started: Instant::now(),
            reference: None,
            outcome: Outcome::Refused,
            upstream: 0,
            who: None,
            target: None,
            tries: 0,
            announced: false,
            pace: Pace::default(),
            counted_open: false,
        }
    }
}

impl Context {
    /// The request's reference.
    pub fn reference(&mut self, rng: &dyn Rng) -> Reference {
        self.reference.get_or_insert_with(|| Reference::random(rng)).clone()
    }

    /// The answer has begun and may go on for long.
    pub fn count_open(&mut self) {
        if !self.counted_open {
            self.counted_open = true;
            metrics::gauge!("vestibule_open_streams").increment(1.0);
        }
    }

    /// Leaves the line and the numbers.
    pub fn log(&self, session: &Session, counters: &Counters, access_log: bool, error: Option<&pingora::Error>) {
        let status = session.response_written().map_or(0, |response| response.status.as_u16());
        counters.count(self.outcome, status);
        if !access_log {
            return;
        }
        let request = session.req_header();
        tracing::info!(
            target: "vestibule::access",
            method = request.method.as_str(),
            path = request.uri.path(),
            status,
            decision = self.outcome.name(),
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

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Its form or its address was wrong.
    Refused,
    /// It went to the app.
    Forward,
    /// A session was asked for.
    SignIn,
    /// A second factor was asked for.
    SecondFactor,
    /// It was not for them.
    Forbidden,
    /// Nobody could say.
    Unavailable,
    /// Another proxy asked.
    ForwardAuth,
    /// It was for Vestibule's own pages.
    Own,
    /// The app did not answer.
    UpstreamFailed,
}

/// How many outcomes there are.
const OUTCOMES: usize = 9;

impl Outcome {
    /// The name in metrics and log lines.
    pub const fn name(self) -> &'static str {
        match self {
            Outcome::Refused => "refused",
            Outcome::Forward => "forward",
            Outcome::SignIn => "sign_in",
            Outcome::SecondFactor => "second_factor",
            Outcome::Forbidden => "forbidden",
            Outcome::Unavailable => "unavailable",
            Outcome::ForwardAuth => "forward_auth",
            Outcome::Own => "own",
            Outcome::UpstreamFailed => "upstream_failed",
        }
    }
}

impl From<Decision> for Outcome {
    fn from(decision: Decision) -> Self {
        match decision {
            Decision::Forward => Outcome::Forward,
            Decision::SignIn => Outcome::SignIn,
            Decision::SecondFactor => Outcome::SecondFactor,
            Decision::Forbidden(_) => Outcome::Forbidden,
            Decision::Unavailable => Outcome::Unavailable,
        }
    }
}

/// The classes of a status, so that metrics stay few.
const CLASSES: [&str; 6] = ["none", "1xx", "2xx", "3xx", "4xx", "5xx"];

/// The counters of requests, each looked up once.
#[derive(Default)]
pub struct Counters([[OnceLock<metrics::Counter>; CLASSES.len()]; OUTCOMES]);

impl Counters {
    fn count(&self, outcome: Outcome, status: u16) {
        let class = match status / 100 {
            class @ 1..=5 => usize::from(class),
            _ => 0,
        };
        let look_up = || {
            let (decision, status) = (outcome.name(), CLASSES[class]);
            metrics::counter!("vestibule_requests_total", "decision" => decision, "status" => status)
        };
        self.0[outcome as usize][class].get_or_init(look_up).increment(1);
    }
}
