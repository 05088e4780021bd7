//! What `vestibule scim-log` shows, on its way to the store: noted in memory, and written once a second, so that a lookup
//! costs no write of its own.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::request::Parts;
use parking_lot::Mutex;
use serde_json::Value;

use super::answer::Answer;
use super::door::Peer;
use super::error::{ScimError, ScimType};
use super::redact;
use crate::directory::ProvisioningRequest;
use crate::directory::provisioning_log;
use crate::kernel::{OrgId, Timestamp};
use crate::store::{Store, StoreError, Tx};

/// How often what was noted is written.
pub const WRITE_EVERY: Duration = Duration::from_secs(1);
/// How many requests wait to be written at most; what comes beyond is not told of.
const WAITING_LIMIT: usize = 4_000;
/// The largest body that is looked at for the log, in bytes.
const BODY_LIMIT: usize = 64 * 1024;

/// Requests that are not written yet.
#[derive(Debug, Default)]
pub struct RequestLog {
    waiting: Mutex<Vec<(OrgId, ProvisioningRequest)>>,
}

/// A request whose answer is still to come.
#[derive(Debug)]
pub struct Came {
    method: String,
    target: String,
    client: String,
    /// What it holds, redacted.
    pub body: String,
}

impl Came {
    /// What is known of a request before its body.
    pub fn of(parts: &Parts) -> Self {
        Came {
            method: parts.method.to_string(),
            target: redact::target(parts.uri.path(), parts.uri.query()),
            client: parts.extensions.get::<Peer>().map_or_else(String::new, |peer| peer.0.to_string()),
            body: String::new(),
        }
    }

    /// Takes in what the body holds, if it is not too large to be looked at twice.
    pub fn with_body(&mut self, body: &[u8]) {
        self.body = if body.len() > BODY_LIMIT { format!("{} bytes", body.len()) } else { redact::body(body) };
    }

    /// The record of how it ended.
    pub fn ended(self, answered: &Result<Answer, ScimError>, at: Timestamp, took: Duration) -> ProvisioningRequest {
        let (status, refused) = match answered {
            Ok(answer) => (answer.status.as_u16(), answer.body.as_ref().and_then(within)),
            Err(error) => {
                let word = error.scim_type().map(|word| format!("{}: ", ScimType::as_str(word)));
                (error.status(), Some(format!("{}{}", word.unwrap_or_default(), redact::sentence(&error.detail()))))
            }
        };
        let took = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let Came { method, target, client, body } = self;
        ProvisioningRequest { at, method, target, body, status, refused, took, client }
    }
}

/// What was refused in an answer that is no refusal as a whole: operations of a Bulk request, and a method that an
/// endpoint does not have.
fn within(body: &Value) -> Option<String> {
    let Some(operations) = body["Operations"].as_array() else {
        return body["detail"].as_str().map(redact::sentence);
    };
    let mut refused = operations.iter().filter_map(|operation| operation["response"]["detail"].as_str());
    let first = redact::sentence(refused.next()?);
    Some(format!("{} of {} operations, the first: {first}", refused.count() + 1, operations.len()))
}

impl RequestLog {
    /// Notes a request.
    pub fn note(&self, organization: OrgId, request: ProvisioningRequest) {
        let mut waiting = self.waiting.lock();
        if waiting.len() < WAITING_LIMIT {
            waiting.push((organization, request));
        }
    }

    /// Writes what was noted.
    ///
    /// # Errors
    /// [`StoreError`]; what could not be written is lost.
    pub async fn write(&self, store: &Store) -> Result<(), StoreError> {
        let noted = std::mem::take(&mut *self.waiting.lock());
        let mut by_organization: BTreeMap<OrgId, Vec<ProvisioningRequest>> = BTreeMap::new();
        for (organization, request) in noted {
            by_organization.entry(organization).or_default().push(request);
        }
        for (organization, requests) in &by_organization {
            let write = async |tx: Tx| provisioning_log::record(&tx, *organization, requests).await;
            store.transaction("scim log", write).await?;
        }
        Ok(())
    }

    /// Writes once a second, for as long as it is let.
    pub async fn keep(&self, store: &Store) {
        loop {
            tokio::time::sleep(WRITE_EVERY).await;
            if let Err(error) = self.write(store).await {
                tracing::warn!(%error, "SCIM requests could not be written to the log");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn s26_a_bulk_request_tells_what_of_it_was_refused() {
        let refused =
            json!({ "status": "409", "response": { "detail": "`emails[value eq \"a@b.example\"]` is taken." } });
        let body = json!({ "Operations": [{ "status": "201" }, refused, refused] });
        assert_eq!(within(&body).as_deref(), Some("2 of 3 operations, the first: `emails[value eq \"…\"]` is taken."));
        assert_eq!(within(&json!({ "Operations": [{ "status": "201" }] })), None);
        assert_eq!(within(&json!({ "id": "7" })), None);
        assert_eq!(within(&json!({ "detail": "Not here." })).as_deref(), Some("Not here."));
    }
}
