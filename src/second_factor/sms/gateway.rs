//! An HTTP gateway in the form of Twilio's Messages API: takes a message, and tells what became of it.
//!
//! What it answers is bounded and read for its code and status alone: its sentences hold numbers.

use std::time::Duration;

use http::StatusCode;
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response};
use serde::Deserialize;
use url::Url;

use super::number::PhoneNumber;
use crate::kernel::Secret;

/// How long a connection may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// How long one request may take in all.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// The largest answer that is read, in bytes.
const ANSWER_LIMIT: usize = 64 * 1024;
/// What a Messaging Service's name begins with, in place of a number.
const SERVICE: &str = "MG";
/// Twilio's codes for numbers that can't get the message: no number, no mobile one, unsubscribed, not to this country.
const WRONG_NUMBER: [u32; 9] = [21211, 21214, 21217, 21265, 21408, 21610, 21612, 21614, 21635];

/// `[sms]`: where messages are sent from.
#[derive(Clone, Debug)]
pub struct SmsSettings {
    /// Where the gateway is; the API's paths come behind it.
    pub url: Url,
    /// The account at the gateway.
    pub account: String,
    /// Its token.
    pub token: Secret<String>,
    /// The number or name that messages come from, or a Messaging Service (`MG…`).
    pub from: String,
    /// How many messages go to one number in a day.
    pub daily_per_number: u32,
    /// How many messages go out for one organization in a day.
    pub daily_per_organization: u32,
}

impl PartialEq for SmsSettings {
    fn eq(&self, other: &Self) -> bool {
        let facts = |one: &Self| (one.url.clone(), one.account.clone(), one.from.clone());
        let limits = |one: &Self| (one.daily_per_number, one.daily_per_organization);
        facts(self) == facts(other) && limits(self) == limits(other) && self.token.expose() == other.token.expose()
    }
}

/// What the gateway makes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// It can't be sent to this number.
    Number,
    /// The gateway takes nothing from us: account, token, money, the sender.
    Us,
    /// It is overloaded or not there, and took nothing: try again, after so long if it said.
    Later(Option<Duration>),
    /// It was slow, broke off or failed within: it may have sent the message. Try again, and count that.
    Unsure(Option<Duration>),
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is there.
    Delivered,
    /// It won't be.
    Undelivered,
    /// Nobody knows yet.
    Underway,
}

#[derive(Deserialize)]
struct Answer {
    sid: Option<String>,
    /// A word of a message; a number of an error.
    status: Option<serde_json::Value>,
    code: Option<u32>,
}

pub(super) struct Gateway {
    client: Client,
    settings: SmsSettings,
}

impl Gateway {
    /// A client for the gateway.
    ///
    /// # Errors
    /// The library's, if TLS can't be set up.
    pub fn new(settings: SmsSettings, answer_within: Duration) -> Result<Self, reqwest::Error> {
        let client = Client::builder().connect_timeout(CONNECT_WITHIN).timeout(answer_within).redirect(Policy::none());
        Ok(Gateway { client: client.build()?, settings })
    }

    /// Hands a message over; gives its id at the gateway.
    pub async fn send(&self, to: &PhoneNumber, text: &str) -> Result<String, Refused> {
        let from = if self.settings.from.starts_with(SERVICE) { "MessagingServiceSid" } else { "From" };
        let form = [("To", to.expose()), (from, self.settings.from.as_str()), ("Body", text)];
        let (status, answer) = self.ask(self.client.post(self.address("Messages.json")).form(&form)).await?;
        match answer {
            Answer { sid: Some(sid), .. } if status.is_success() => Ok(sid),
            Answer { code: Some(code), .. } if WRONG_NUMBER.contains(&code) => Err(Refused::Number),
            Answer { code, .. } => {
                tracing::error!(%status, code, "the SMS gateway refuses messages: look at [sms] and the account there");
                Err(Refused::Us)
            }
        }
    }

    /// What became of a message.
    pub async fn fate(&self, sid: &str) -> Result<Fate, Refused> {
        let plain = !sid.is_empty() && sid.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !plain {
            return Ok(Fate::Underway);
        }
        let (status, answer) = self.ask(self.client.get(self.address(&format!("Messages/{sid}.json")))).await?;
        Ok(match answer.status.as_ref().and_then(serde_json::Value::as_str).filter(|_| status.is_success()) {
            Some("delivered" | "read" | "received") => Fate::Delivered,
            Some("undelivered" | "failed" | "canceled") => Fate::Undelivered,
            _ => Fate::Underway,
        })
    }

    fn address(&self, last: &str) -> String {
        let base = self.settings.url.as_str().trim_end_matches('/');
        format!("{base}/2010-04-01/Accounts/{}/{last}", self.settings.account)
    }

    async fn ask(&self, request: RequestBuilder) -> Result<(StatusCode, Answer), Refused> {
        let request = request.basic_auth(&self.settings.account, Some(self.settings.token.expose()));
        let answer = request.send().await.map_err(|error| later(&error))?;
        let status = answer.status();
        if status.is_server_error() || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT) {
            tracing::warn!(%status, "the SMS gateway can't just now");
            let asked = retry_after(&answer);
            let took_nothing = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
            return Err(if took_nothing { Refused::Later(asked) } else { Refused::Unsure(asked) });
        }
        let body = body(answer).await?;
        let empty = Answer { sid: None, status: None, code: None };
        Ok((status, serde_json::from_slice(&body).unwrap_or(empty)))
    }
}

fn later(error: &reqwest::Error) -> Refused {
    // Without the address: it names the account.
    let why = if error.is_timeout() {
        "it does not answer in time"
    } else if error.is_connect() {
        "it can't be reached"
    } else {
        "the exchange broke off"
    };
    tracing::warn!(why, "the SMS gateway can't just now");
    if error.is_connect() { Refused::Later(None) } else { Refused::Unsure(None) }
}

/// How long it asks to wait, in whole seconds (RFC 9110 §10.2.3).
fn retry_after(answer: &Response) -> Option<Duration> {
    let text = answer.headers().get(http::header::RETRY_AFTER)?.to_str().ok()?;
    text.trim().parse().ok().map(Duration::from_secs)
}

async fn body(mut answer: Response) -> Result<Vec<u8>, Refused> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| later(&error))? {
        if body.len() + chunk.len() > ANSWER_LIMIT {
            return Ok(Vec::new());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
