//! What is a stream: a request may announce one, but only the app's answer makes it so.

use http::header::{self, HeaderMap, HeaderName};
use http::{StatusCode, Version};
use pingora::http::{RequestHeader, ResponseHeader};

/// Whether a request announces an exchange that may be silent for long: WebSocket, server-sent events, gRPC.
pub fn announces(request: &RequestHeader) -> bool {
    begins(&request.headers, &header::UPGRADE, b"websocket")
        || begins(&request.headers, &header::ACCEPT, b"text/event-stream")
        || calls(request)
}

/// Whether a request is a gRPC call, whose client may send for long before the app says a word. Only HTTP/2 carries it.
pub fn calls(request: &RequestHeader) -> bool {
    request.version == Version::HTTP_2 && begins(&request.headers, &header::CONTENT_TYPE, b"application/grpc")
}

/// Whether an answer has begun which may go both ways for long: 101, or a good one whose length nobody knows yet.
pub fn is_stream(response: &ResponseHeader) -> bool {
    if response.status == StatusCode::SWITCHING_PROTOCOLS {
        return true;
    }
    let bodiless = matches!(response.status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT);
    response.status.is_success() && !bodiless && !response.headers.contains_key(header::CONTENT_LENGTH)
}

fn begins(headers: &HeaderMap, name: &HeaderName, with: &[u8]) -> bool {
    let value = headers.get(name).map(header::HeaderValue::as_bytes).unwrap_or_default();
    value.get(..with.len()).is_some_and(|head| head.eq_ignore_ascii_case(with))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_announces_a_stream() {
        let check = |version: Version, name: &'static str, value: &'static str, expected: bool| {
            let mut request = RequestHeader::build("POST", b"/", None).unwrap();
            request.set_version(version);
            request.insert_header(name, value).unwrap();
            assert_eq!(announces(&request), expected, "{version:?} {name}: {value}");
        };
        check(Version::HTTP_11, "Upgrade", "WebSocket", true);
        check(Version::HTTP_11, "Upgrade", "h2c", false);
        check(Version::HTTP_11, "Accept", "text/event-stream", true);
        check(Version::HTTP_11, "Accept", "text/html", false);
        check(Version::HTTP_2, "Content-Type", "application/grpc+proto", true);
        check(Version::HTTP_11, "Content-Type", "application/grpc", false);
    }

    #[test]
    fn only_an_answer_without_an_end_in_sight_is_a_stream() {
        let check = |status: u16, length: Option<&'static str>, expected: bool| {
            let mut response = ResponseHeader::build(status, None).unwrap();
            if let Some(length) = length {
                response.insert_header(header::CONTENT_LENGTH, length).unwrap();
            }
            assert_eq!(is_stream(&response), expected, "{status} {length:?}");
        };
        check(101, None, true);
        check(200, None, true);
        check(200, Some("5"), false);
        check(204, None, false);
        check(100, None, false);
        check(103, None, false);
        check(302, None, false);
        check(401, None, false);
        check(500, None, false);
    }
}
