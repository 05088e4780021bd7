//! `webhook`: what goes over the socket.

use serde::{Deserialize, Serialize};

use crate::kernel::{Slug, WebhookId};

/// `webhook list`
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct WebhookList {}

/// An endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookView {
    /// Its name.
    pub name: String,
    /// Scheme, host and port of its address.
    pub place: String,
    /// How many events wait, up to 10,000.
    pub waiting: usize,
    /// When the oldest of them happened.
    pub oldest: Option<String>,
    /// How many are dead, up to 10,000.
    pub dead: usize,
    /// Since when nothing is sent, since it answered 410.
    pub gone_since: Option<String>,
}

/// `webhook list --dead`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WebhookDead {
    /// Of one endpoint, or of all.
    pub endpoint: Option<Slug>,
    /// How many at most.
    pub last: usize,
}

/// An event that was given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadWebhookView {
    /// Its id.
    pub id: WebhookId,
    /// The endpoint's name.
    pub endpoint: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// When it happened.
    pub happened: String,
    /// Since when it is dead.
    pub dead_since: String,
    /// How often it failed.
    pub failures: u32,
    /// What came of the last try: a status, or what went wrong.
    pub last: String,
}

/// `webhook retry`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WebhookRetry {
    /// Which; `None`: all.
    pub id: Option<WebhookId>,
}

/// How many events are queued anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookRetried {
    /// So many.
    pub queued: usize,
    /// So many stay dead, since no endpoint of their name is configured.
    pub left: usize,
}

/// `webhook test`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WebhookTest {
    /// The endpoint.
    pub name: Slug,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookTestView {
    /// The event's id.
    pub id: WebhookId,
    /// Whether it was taken.
    pub taken: bool,
    /// The status, or what went wrong.
    pub answer: String,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// It had answered 410, and is sent events again.
    pub back: bool,
}
