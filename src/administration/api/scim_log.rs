//! `scim-log`: what goes over the socket.

use serde::{Deserialize, Serialize};

use crate::kernel::Slug;

/// `scim-log`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ScimLog {
    /// Of one organization, or of all.
    pub org: Option<Slug>,
    /// How many at most.
    pub last: usize,
}

/// One request of the log.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ScimLogOne {
    /// Whose.
    pub slug: Slug,
    /// Which, as [`ScimRequestView::id`] says.
    pub id: String,
}

/// A SCIM request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScimRequestView {
    /// The organization whose token it had.
    pub slug: Slug,
    /// Names it as long as it is kept.
    #[serde(default)]
    pub id: String,
    /// When it was answered.
    pub at: String,
    /// Its method.
    pub method: String,
    /// Where it went, values redacted.
    pub target: String,
    /// Its body, values redacted.
    pub body: String,
    /// The status of the answer.
    pub status: u16,
    /// Why it was refused.
    pub refused: Option<String>,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// The client's address.
    pub client: String,
}
