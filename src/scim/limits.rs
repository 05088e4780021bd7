//! What a request may be, looked at before anything of it is read (S36).

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use http_body_util::BodyExt as _;

use super::error::ScimError;

/// The largest body, in bytes: a group of ten thousand and more fits.
pub const BODY_LIMIT: usize = 8 * 1024 * 1024;
/// The longest URL, in bytes: a filter of the longest kind fits, percent-encoded.
pub const URL_LIMIT: usize = 32 * 1024;
/// The most that all headers together may have, in bytes.
pub const HEADER_LIMIT: usize = 32 * 1024;
/// How long a client may be silent within a body.
const SILENCE_LIMIT: Duration = Duration::from_secs(15);
/// How long a body may take in all.
const BODY_PATIENCE: Duration = Duration::from_secs(120);

/// Refuses a URL or headers over their limits.
///
/// # Errors
/// 414 and 431.
pub fn head(parts: &Parts) -> Result<(), ScimError> {
    let url = parts.uri.path_and_query().map_or(0, |text| text.as_str().len());
    if url > URL_LIMIT {
        return Err(ScimError::plain(414, format!("The URL has {url} bytes; at most {URL_LIMIT} are taken.")));
    }
    let size: usize = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if size > HEADER_LIMIT {
        return Err(ScimError::plain(431, format!("The headers have {size} bytes; at most {HEADER_LIMIT} are taken.")));
    }
    Ok(())
}

/// Refuses a body that is not JSON by its own word, or is packed: 415 (S13, S36).
///
/// # Errors
/// 415.
pub fn media_type(headers: &HeaderMap) -> Result<(), ScimError> {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?").trim().to_ascii_lowercase());
    if let Some(encoding) = text(header::CONTENT_ENCODING)
        && !encoding.is_empty()
        && encoding != "identity"
    {
        return Err(ScimError::plain(415, "A body with a Content-Encoding is not taken: send it as it is."));
    }
    let Some(sent) = text(header::CONTENT_TYPE) else { return Ok(()) };
    let (kind, parameters) = sent.split_once(';').unwrap_or((&sent, ""));
    let known = matches!(kind.trim(), "application/scim+json" | "application/json");
    let charset = parameters.split(';').filter_map(|parameter| parameter.trim().strip_prefix("charset="));
    if !known || charset.into_iter().any(|name| !matches!(name.trim_matches('"'), "utf-8" | "utf8")) {
        return Err(ScimError::plain(415, "The body must be application/scim+json or application/json, in UTF-8."));
    }
    Ok(())
}

/// Whether a request of that method has a body that means something.
pub fn has_body(method: &Method) -> bool {
    matches!(*method, Method::POST | Method::PUT | Method::PATCH)
}

/// Reads a body within its limits, however it comes: 413 over [`BODY_LIMIT`], 408 if it comes too slowly.
///
/// # Errors
/// 413, 408, and 400 if it breaks off.
pub async fn body(headers: &HeaderMap, body: Body) -> Result<Bytes, ScimError> {
    let too_large = || ScimError::plain(413, format!("The body is larger than {BODY_LIMIT} bytes."));
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > BODY_LIMIT as u64) {
        return Err(too_large());
    }
    let reading = async {
        let mut read = Vec::new();
        let mut body = body;
        loop {
            let frame = tokio::time::timeout(SILENCE_LIMIT, body.frame()).await.map_err(|_| slow())?;
            let Some(frame) = frame else { return Ok(Bytes::from(read)) };
            let frame = frame.map_err(|_| ScimError::syntax("The body broke off."))?;
            if let Some(data) = frame.data_ref() {
                if read.len() + data.len() > BODY_LIMIT {
                    return Err(too_large());
                }
                read.extend_from_slice(data);
            }
        }
    };
    tokio::time::timeout(BODY_PATIENCE, reading).await.map_err(|_| slow())?
}

fn slow() -> ScimError {
    ScimError::plain(408, "The body came too slowly.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderValue, Request};

    #[test]
    fn s13_s36_the_type_of_a_body_decides() {
        let check = |kind: &'static str, encoding: &'static str, expected: bool| {
            let mut headers = HeaderMap::new();
            for (name, value) in [(header::CONTENT_TYPE, kind), (header::CONTENT_ENCODING, encoding)] {
                if !value.is_empty() {
                    headers.insert(name, HeaderValue::from_static(value));
                }
            }
            assert_eq!(media_type(&headers).is_ok(), expected, "{kind} {encoding}");
        };
        check("application/scim+json", "", true);
        check("Application/SCIM+JSON; charset=UTF-8", "", true);
        check("application/json;charset=\"utf-8\"", "identity", true);
        check("", "", true);
        check("application/json; charset=utf-16", "", false);
        check("text/plain", "", false);
        check("application/x-www-form-urlencoded", "", false);
        check("application/scim+json", "gzip", false);
        check("application/scim+json", "br, gzip", false);
    }

    #[test]
    fn s36_urls_and_headers_have_limits_that_real_ones_keep() {
        let parts = |url: usize, header: usize| {
            let request = Request::builder()
                .uri(format!("/scim/v2/Users?filter={}", "a".repeat(url)))
                .header("x-long", "b".repeat(header));
            request.body(()).unwrap().into_parts().0
        };
        assert!(head(&parts(8 * 1024, 8 * 1024)).is_ok());
        assert_eq!(head(&parts(URL_LIMIT, 0)).unwrap_err().status(), 414);
        assert_eq!(head(&parts(0, HEADER_LIMIT)).unwrap_err().status(), 431);
    }

    #[tokio::test]
    async fn s36_a_body_is_bounded_announced_or_not() {
        let announced = HeaderMap::from_iter([(header::CONTENT_LENGTH, HeaderValue::from_static("9000000"))]);
        assert_eq!(body(&announced, Body::empty()).await.unwrap_err().status(), 413);
        let pieces = || futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from(vec![b' '; 65_536])));
        let endless = Body::from_stream(pieces());
        assert_eq!(body(&HeaderMap::new(), endless).await.unwrap_err().status(), 413);
        assert_eq!(body(&HeaderMap::new(), Body::from("{}")).await.unwrap(), "{}");
    }

    #[tokio::test(start_paused = true)]
    async fn s36_a_silent_client_is_given_up() {
        let silent = Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>());
        assert_eq!(body(&HeaderMap::new(), silent).await.unwrap_err().status(), 408);
    }
}
