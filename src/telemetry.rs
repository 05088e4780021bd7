//! Logs and metrics: who hears them, and what is never told.
//!
//! Never in a log: tokens, cookies, assertions, passwords, phone numbers, codes. Our own code logs none of them; of the
//! libraries beneath, those that would are held at [`CAPPED`].

use std::io::IsTerminal as _;
use std::sync::OnceLock;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tracing::{Level, Metadata};
use tracing_subscriber::filter::{EnvFilter, FilterFn, ParseError};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};
use tracing_subscriber::{Layer as _, fmt};

use crate::config::{LOG_VARIABLE, Log, LogFormat};

/// Libraries whose debug lines hold headers, bodies or keys: they are never heard below `info`.
const CAPPED: [&str; 13] = [
    "axum",
    "bergshamra",
    "h2",
    "http",
    "hyper",
    "hyper_util",
    "lettre",
    "pingora",
    "reqwest",
    "rustls",
    "samael",
    "sled",
    "tungstenite",
];
/// What is heard of chatty libraries unless the configuration asks for more.
const QUIET: &str = "pingora=warn,pingora_core=warn,pingora_proxy=warn,pingora_load_balancing=warn,sled=warn";
/// The bounds of histograms in seconds: from half a millisecond to ten seconds.
const SECONDS: [f64; 12] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0];

/// Why nothing can be logged or measured.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// A level that can't be read; the configuration's was looked at, so this is the environment's.
    #[error("{LOG_VARIABLE} is not a log level such as «info» or «info,vestibule::saml=debug»: {0}")]
    Level(#[from] ParseError),
    /// Something else listens to the logs already.
    #[error("logging is set up already: {0}")]
    Twice(#[from] TryInitError),
    /// The metrics can't be collected.
    #[error("metrics can't be collected: {0}")]
    Metrics(#[from] BuildError),
}

/// Starts logging to stderr: `override_level`, from the environment, wins over the configuration's.
///
/// # Errors
/// [`TelemetryError::Level`], [`TelemetryError::Twice`].
pub fn start_logging(log: &Log, override_level: Option<&str>) -> Result<(), TelemetryError> {
    let level = override_level.unwrap_or(&log.level);
    let filter = EnvFilter::builder().parse(format!("{QUIET},{level}"))?;
    let json = match log.format {
        LogFormat::Auto => !std::io::stderr().is_terminal(),
        LogFormat::Json => true,
        LogFormat::Text => false,
    };
    let layer = fmt::layer().with_writer(std::io::stderr);
    let layer = if json { layer.json().flatten_event(true).boxed() } else { layer.with_target(false).boxed() };
    let layer = layer.with_filter(FilterFn::new(may_be_told));
    tracing_subscriber::registry().with(filter).with(layer).try_init()?;
    Ok(())
}

/// Whether a line may be told at all.
fn may_be_told(line: &Metadata<'_>) -> bool {
    *line.level() <= Level::INFO || !is_capped(line.target())
}

fn is_capped(target: &str) -> bool {
    let root = target.split("::").next().unwrap_or_default();
    CAPPED
        .iter()
        .any(|capped| root == *capped || root.strip_prefix(capped).is_some_and(|rest| rest.starts_with(['_', '-'])))
}

/// The metrics of this process: collected from the first call on.
///
/// # Errors
/// [`TelemetryError::Metrics`].
pub fn metrics() -> Result<PrometheusHandle, TelemetryError> {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    if let Some(handle) = HANDLE.get() {
        return Ok(handle.clone());
    }
    let builder = PrometheusBuilder::new();
    let builder = builder.set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?;
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    // Whoever was quicker, here or elsewhere, keeps the place.
    let _ = metrics::set_global_recorder(recorder);
    register();
    Ok(HANDLE.get_or_init(|| handle).clone())
}

/// What a metric is, for [`METRICS`].
enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// A label and the value that its metric begins with.
type Label = (&'static str, &'static str);

/// Of metrics that begin where their upstream does.
const UPSTREAM: &[Label] = &[("upstream", "")];
/// Of metrics that begin where their endpoint does.
const ENDPOINT: &[Label] = &[("endpoint", "")];

/// Every metric, so that each is there before its first event: kind, name, labels to begin with, and what it counts.
const METRICS: [(Kind, &str, &[Label], &str); 26] = [
    (
        Kind::Counter,
        "vestibule_requests_total",
        &[("decision", "forward"), ("status", "2xx")],
        "Requests, by decision and status class.",
    ),
    (
        Kind::Counter,
        "vestibule_sign_ins_total",
        &[("outcome", "accepted"), ("code", "ok")],
        "Sign-ins, by outcome and reason.",
    ),
    (
        Kind::Histogram,
        "vestibule_saml_verification_seconds",
        &[],
        "How long it took to verify an answer of an identity provider.",
    ),
    (
        Kind::Counter,
        "vestibule_saml_verifiers_disagree_total",
        &[],
        "Answers that the second verifier did not confirm; more than 0 is an alarm.",
    ),
    (
        Kind::Histogram,
        "vestibule_revocation_lag_seconds",
        &[],
        "How long it took this node to hear of the end of a session.",
    ),
    (Kind::Gauge, "vestibule_feed_silence_seconds", &[], "Since when this node has heard nothing of ended sessions."),
    (Kind::Gauge, "vestibule_open_streams", &[], "Streams and WebSockets that are open now."),
    (Kind::Counter, "vestibule_streams_ended_total", &[], "Streams that ended with their session."),
    (
        Kind::Counter,
        "vestibule_slow_headers_total",
        &[],
        "Connections closed because a request's head came too slowly.",
    ),
    (Kind::Counter, "vestibule_slow_bodies_total", &[], "Requests ended because their body came too slowly."),
    (Kind::Counter, "vestibule_bodies_refused_total", &[], "Bodies for Vestibule's own pages over the limit."),
    (Kind::Counter, "vestibule_connections_refused_total", &[], "Connections over the limit."),
    (
        Kind::Counter,
        "vestibule_store_conflicts_total",
        &[("transaction", "finish sign-in")],
        "Transactions that ran again because of another.",
    ),
    (
        Kind::Counter,
        "vestibule_domain_checks_total",
        &[("seen", "found")],
        "Looks for the records of claimed domains, by what DNS showed: found, gone, or failed.",
    ),
    (
        Kind::Counter,
        "vestibule_certificate_warnings_total",
        &[("of", "identity_provider")],
        "Warnings that a certificate ends, of an identity provider or our own.",
    ),
    (Kind::Counter, "vestibule_mails_total", &[("outcome", "sent")], "Attempts to send a mail, by what came of them."),
    (
        Kind::Counter,
        "vestibule_mail_server_failures_total",
        &[("code", "unreachable")],
        "Attempts that failed because of the mail server.",
    ),
    (Kind::Counter, "vestibule_password_hashes_total", &[], "Passwords that were hashed, to set or to look at one."),
    (Kind::Gauge, "vestibule_mails_waiting", &[], "Mails in the outbox."),
    (
        Kind::Gauge,
        "vestibule_mail_oldest_waiting_seconds",
        &[],
        "For how long the oldest mail in the outbox has waited.",
    ),
    (
        Kind::Counter,
        "vestibule_webhooks_total",
        ENDPOINT,
        "Tries to deliver an event, by endpoint and what came of them.",
    ),
    (Kind::Gauge, "vestibule_webhooks_waiting", ENDPOINT, "Events that wait for an endpoint."),
    (Kind::Gauge, "vestibule_webhooks_dead", ENDPOINT, "Events that an endpoint did not take, and that are kept."),
    (
        Kind::Gauge,
        "vestibule_webhook_oldest_waiting_seconds",
        ENDPOINT,
        "How long ago the oldest event that waits for an endpoint happened.",
    ),
    (Kind::Counter, "vestibule_upstream_errors_total", &[("upstream", "")], "Requests that an app did not answer."),
    (Kind::Counter, "vestibule_upstream_connect_failures_total", UPSTREAM, "Connections to an app that failed."),
];

/// Describes every metric and begins it at 0.
fn register() {
    for (kind, name, labels, text) in METRICS {
        let begins = labels != UPSTREAM && labels != ENDPOINT;
        match kind {
            Kind::Counter => {
                metrics::describe_counter!(name, text);
                if begins {
                    metrics::counter!(name, labels).increment(0);
                }
            }
            Kind::Gauge => {
                metrics::describe_gauge!(name, text);
                if begins {
                    metrics::gauge!(name, labels).increment(0.0);
                }
            }
            Kind::Histogram => {
                metrics::describe_histogram!(name, text);
                drop(metrics::histogram!(name, labels));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_that_see_secrets_are_held_back() {
        for target in ["h2::codec::framed_read", "hyper_util::client", "pingora_proxy::proxy_h1", "rustls", "http"] {
            assert!(is_capped(target), "{target}");
        }
        for target in ["vestibule::saml", "h2o::server", "tracing", ""] {
            assert!(!is_capped(target), "{target}");
        }
    }

    #[test]
    fn each_metric_is_there_before_its_first_event() {
        let text = metrics().unwrap().render();
        for (_, name, labels, about) in METRICS {
            if labels == UPSTREAM || labels == ENDPOINT {
                continue;
            }
            assert!(text.contains(&format!("# HELP {name} {about}")), "{name}\n{text}");
            assert!(text.lines().any(|line| line.starts_with(name)), "{name}\n{text}");
        }
    }

    #[test]
    fn what_is_quiet_can_be_asked_to_speak() {
        for level in ["info", "debug", "info,vestibule::saml=debug", "warn,pingora_core=info"] {
            assert!(EnvFilter::builder().parse(format!("{QUIET},{level}")).is_ok(), "{level}");
        }
    }
}
