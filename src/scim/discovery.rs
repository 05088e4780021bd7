//! What the server says of itself (S15): the same for everyone; a filter there is refused, and so is every write.

use serde_json::Value;

use super::ScimServer;
use super::answer::Answer;
use super::error::ScimError;
use super::limits::BODY_LIMIT;
use super::list::{DEFAULT_COUNT, MAX_COUNT, Position, list_response};
use super::schema::{self, Limits};

impl ScimServer {
    fn limits() -> Limits {
        Limits {
            page: MAX_COUNT,
            default_page: DEFAULT_COUNT,
            bulk_operations: super::bulk::BULK_OPERATIONS_LIMIT,
            bulk_bytes: BODY_LIMIT,
            cursor_seconds: super::cursor::CURSOR_LIFETIME.as_secs(),
        }
    }

    pub(super) fn service_provider_config(&self, query: &str) -> Result<Answer, ScimError> {
        no_filter(query)?;
        Ok(Answer::ok(schema::service_provider_config(&self.base, Self::limits())))
    }

    pub(super) fn resource_types(&self, name: Option<&str>, query: &str) -> Result<Answer, ScimError> {
        no_filter(query)?;
        match name {
            None => Ok(list(schema::resource_types(&self.base))),
            Some(name) => one(schema::resource_type(&self.base, name)),
        }
    }

    pub(super) fn schemas(&self, urn: Option<&str>, query: &str) -> Result<Answer, ScimError> {
        no_filter(query)?;
        match urn {
            None => Ok(list(schema::schemas(&self.base))),
            Some(urn) => one(schema::schema(&self.base, urn)),
        }
    }
}

fn list(all: Vec<Value>) -> Answer {
    Answer::ok(list_response(all.len(), Position::Index(1), all))
}

fn one(found: Option<Value>) -> Result<Answer, ScimError> {
    found.map(Answer::ok).ok_or_else(|| ScimError::plain(404, "There is no such schema or resource type."))
}

/// RFC 7644 §4: a filter on these is forbidden.
fn no_filter(query: &str) -> Result<(), ScimError> {
    let named = |pair: &str| pair.split('=').next().is_some_and(|name| name.eq_ignore_ascii_case("filter"));
    if query.split('&').any(named) {
        return Err(ScimError::plain(403, "These can't be filtered: read all of them."));
    }
    Ok(())
}
