//! A refusal in SCIM's own words: status, scimType where the RFC has one, and a sentence that is never empty (S14).

use std::borrow::Cow;
use std::fmt;

use serde_json::{Value, json};

use crate::kernel::Fault;

/// The URN of an error body (RFC 7644 §3.12).
pub const ERROR_URN: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
/// The longest detail that is sent, in characters: what a client sent may stand in it.
const DETAIL_LIMIT: usize = 400;

/// The keywords of RFC 7644 table 9, and those that RFC 9865 §2.2 adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScimType {
    /// The filter is not one, or asks what can't be asked.
    InvalidFilter,
    /// More would be found than is given.
    TooMany,
    /// Somebody else has that value already.
    Uniqueness,
    /// The attribute can't be changed, or not taken away.
    Mutability,
    /// The body has another shape than the message should have.
    InvalidSyntax,
    /// The path of a PATCH operation is not one.
    InvalidPath,
    /// The path leads to nothing.
    NoTarget,
    /// A value is missing, or of the wrong type.
    InvalidValue,
    /// The cursor is none of ours.
    InvalidCursor,
    /// The cursor is too old.
    ExpiredCursor,
    /// The count beside a cursor is no number.
    InvalidCount,
}

impl ScimType {
    /// The keyword as it is sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            ScimType::InvalidFilter => "invalidFilter",
            ScimType::TooMany => "tooMany",
            ScimType::Uniqueness => "uniqueness",
            ScimType::Mutability => "mutability",
            ScimType::InvalidSyntax => "invalidSyntax",
            ScimType::InvalidPath => "invalidPath",
            ScimType::NoTarget => "noTarget",
            ScimType::InvalidValue => "invalidValue",
            ScimType::InvalidCursor => "invalidCursor",
            ScimType::ExpiredCursor => "expiredCursor",
            ScimType::InvalidCount => "invalidCount",
        }
    }

    /// The status that the RFC gives it.
    pub const fn status(self) -> u16 {
        match self {
            ScimType::Uniqueness => 409,
            _ => 400,
        }
    }
}

/// Why a request was refused, as its client is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScimError {
    status: u16,
    scim_type: Option<ScimType>,
    detail: Cow<'static, str>,
}

impl ScimError {
    /// A refusal with a keyword; the status follows from it. `detail` says what is wrong and what is wanted.
    pub fn new(scim_type: ScimType, detail: impl Into<Cow<'static, str>>) -> Self {
        ScimError { status: scim_type.status(), scim_type: Some(scim_type), detail: detail.into() }
    }

    /// A refusal that has a status alone.
    pub fn plain(status: u16, detail: impl Into<Cow<'static, str>>) -> Self {
        ScimError { status, scim_type: None, detail: detail.into() }
    }

    /// 400 `invalidValue`.
    pub fn value(detail: impl Into<Cow<'static, str>>) -> Self {
        ScimError::new(ScimType::InvalidValue, detail)
    }

    /// 400 `invalidSyntax`.
    pub fn syntax(detail: impl Into<Cow<'static, str>>) -> Self {
        ScimError::new(ScimType::InvalidSyntax, detail)
    }

    /// The HTTP status.
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// The keyword, if there is one for it.
    pub const fn scim_type(&self) -> Option<ScimType> {
        self.scim_type
    }

    /// The sentence, as it is sent: bounded, and without control characters.
    pub fn detail(&self) -> String {
        let text = if self.detail.is_empty() { "The request was refused." } else { &*self.detail };
        let plain = |character: char| if character.is_control() { ' ' } else { character };
        text.chars().take(DETAIL_LIMIT).map(plain).collect()
    }

    /// The body of the answer (RFC 7644 §3.12): the status is a string.
    pub fn to_json(&self) -> Value {
        let mut body = json!({ "schemas": [ERROR_URN], "status": self.status.to_string(), "detail": self.detail() });
        if let Some(scim_type) = self.scim_type {
            body["scimType"] = scim_type.as_str().into();
        }
        body
    }
}

impl fmt::Display for ScimError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}: {}", self.status, self.scim_type.map_or("-", ScimType::as_str), self.detail())
    }
}

impl std::error::Error for ScimError {}

impl From<Fault> for ScimError {
    /// What is public of a room's fault. A keyword is added by who knows what the fault means here.
    fn from(fault: Fault) -> Self {
        ScimError::plain(fault.kind.status(), fault.public)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::FaultKind;

    #[test]
    fn s14_the_status_is_a_string_and_the_detail_is_never_empty() {
        let body = ScimError::new(ScimType::Uniqueness, "That userName is taken.").to_json();
        let expected = json!({ "schemas": [ERROR_URN], "status": "409", "scimType": "uniqueness",
            "detail": "That userName is taken." });
        assert_eq!(body, expected);
        let body = ScimError::plain(404, "").to_json();
        assert_eq!(body["status"], "404");
        assert!(body.get("scimType").is_none());
        assert!(!body["detail"].as_str().unwrap().is_empty());
    }

    #[test]
    fn s38_what_a_client_sent_comes_back_bounded_and_plain() {
        let detail = ScimError::value(format!("a\r\nX-Evil: 1\0{}", "x".repeat(9000))).detail();
        assert!(detail.chars().count() <= DETAIL_LIMIT && !detail.contains(char::is_control), "{detail}");
    }

    #[test]
    fn a_rooms_fault_shows_its_public_sentence() {
        let error = ScimError::from(Fault::new(FaultKind::Conflict, "Taken.", "ada holds it"));
        assert_eq!((error.status(), error.detail().as_str()), (409, "Taken."));
    }
}
