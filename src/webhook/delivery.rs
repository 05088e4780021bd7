//! One try: a signed POST, and what the endpoint makes of it. Its words are not read: only its status counts.

use std::time::Duration;

use http::{StatusCode, header};
use reqwest::redirect::Policy;
use reqwest::{Client, Response};

use super::endpoint::Endpoint;
use super::outbox::Delivery;
use super::schedule::retry_after;
use super::signing::signature;
use crate::kernel::Timestamp;

/// How long a connection may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// How much of an answer is taken off the line, so that the connection can be used again, in bytes.
const ANSWER_LIMIT: usize = 64 * 1024;

/// What came of a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It was taken (2xx).
    Taken(u16),
    /// The endpoint wants no events any more (410).
    Gone,
    /// It was not taken: this event.
    Refused(String),
    /// It was not taken, and no other would be just now; after so long, if it was said.
    Resting(String, Option<Duration>),
}

/// Speaks to endpoints.
pub(super) struct Transport {
    secure: Client,
    /// For http, which is to stay on loopback or in a network of the operator's: past any proxy that the system names.
    plain: Client,
}

impl Transport {
    /// One whose tries take at most `answer_within`.
    ///
    /// # Errors
    /// The library's, if TLS can't be set up.
    pub fn new(answer_within: Duration) -> Result<Self, reqwest::Error> {
        let agent = concat!("Vestibule/", env!("CARGO_PKG_VERSION"));
        let client = || {
            let client = Client::builder().connect_timeout(CONNECT_WITHIN).timeout(answer_within);
            client.redirect(Policy::none()).user_agent(agent)
        };
        Ok(Transport { secure: client().build()?, plain: client().no_proxy().build()? })
    }

    /// Sends an event once, signed for this moment.
    pub async fn send(&self, endpoint: &Endpoint, delivery: &Delivery, now: Timestamp) -> Outcome {
        let client = if endpoint.url.scheme() == "http" { &self.plain } else { &self.secure };
        let request = client
            .post(endpoint.url.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .header("webhook-id", delivery.id.to_string())
            .header("webhook-timestamp", now.seconds().to_string())
            .header("webhook-signature", signature(&endpoint.secrets, delivery.id, now, &delivery.body))
            .body(delivery.body.clone());
        match request.send().await {
            Ok(answer) => {
                let outcome = judged(&answer, now);
                drain(answer).await;
                outcome
            }
            Err(error) => Outcome::Resting(told(&error).to_owned(), None),
        }
    }
}

/// What a status means (Standard Webhooks, «Delivery success and failure»).
fn judged(answer: &Response, now: Timestamp) -> Outcome {
    let status = answer.status();
    let asked = answer.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    let asked = asked.and_then(|text| retry_after(text, now));
    match status {
        _ if status.is_success() => Outcome::Taken(status.as_u16()),
        StatusCode::GONE => Outcome::Gone,
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => Outcome::Resting(status.as_u16().to_string(), asked),
        _ if asked.is_some() => Outcome::Resting(status.as_u16().to_string(), asked),
        _ => Outcome::Refused(status.as_u16().to_string()),
    }
}

async fn drain(mut answer: Response) {
    let mut read = 0;
    while let Ok(Some(chunk)) = answer.chunk().await {
        read += chunk.len();
        if read > ANSWER_LIMIT {
            return;
        }
    }
}

/// Why there was no answer. Without the address: it may hold a key.
fn told(error: &reqwest::Error) -> &'static str {
    if error.is_connect() {
        "it can't be reached"
    } else if error.is_timeout() {
        "it does not answer in time"
    } else {
        "the exchange broke off"
    }
}
