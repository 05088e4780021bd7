//! Answers as they are sent: the one media type, entity tags, and errors in the same form as everything else (S13, S14).

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::Value;

use super::error::ScimError;

/// The media type of every body.
pub const MEDIA_TYPE: &str = "application/scim+json";

/// What answers a request.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The body, if there is one.
    pub body: Option<Value>,
    /// The entity tag of what is shown or was written.
    pub etag: Option<String>,
    /// Where what was made is.
    pub location: Option<String>,
    /// Which methods there are, if another was used.
    pub allow: Option<&'static str>,
}

impl Answer {
    /// 200 with a body.
    pub fn ok(body: Value) -> Self {
        Answer { body: Some(body), ..Answer::default() }
    }

    /// A status without a body.
    pub fn bare(status: StatusCode) -> Self {
        Answer { status, ..Answer::default() }
    }

    /// With an entity tag.
    #[must_use]
    pub fn tagged(self, etag: impl Into<String>) -> Self {
        Answer { etag: Some(etag.into()), ..self }
    }

    /// As it is sent.
    pub fn into_response(self) -> Response {
        let Answer { status, body, etag, location, allow } = self;
        let mut response = Response::new(body.as_ref().map_or_else(Body::empty, |body| Body::from(body.to_string())));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        let mut set = |name: HeaderName, text: Option<String>| {
            // Nothing of it comes from a client, and what can't be a header is none (S38).
            if let Some(value) = text.and_then(|text| HeaderValue::try_from(text).ok()) {
                headers.insert(name, value);
            }
        };
        set(header::CONTENT_TYPE, body.is_some().then(|| MEDIA_TYPE.to_owned()));
        set(header::ETAG, etag);
        set(header::LOCATION, location);
        set(header::ALLOW, allow.map(str::to_owned));
        set(header::CACHE_CONTROL, Some("no-store".to_owned()));
        response
    }
}

impl From<ScimError> for Answer {
    fn from(error: ScimError) -> Self {
        let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Answer { status, body: Some(error.to_json()), ..Answer::default() }
    }
}

/// An error as it is sent; 401 says what is wanted, 429 and 503 when to come again.
pub fn refused(error: ScimError) -> Response {
    let status = error.status();
    let mut response = Answer::from(error).into_response();
    match status {
        401 => {
            let wanted = HeaderValue::from_static("Bearer realm=\"SCIM\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, wanted);
        }
        429 | 503 => {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        _ => {}
    }
    response
}
