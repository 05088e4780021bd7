//! What a request may not be, whatever it asks for: limits in bytes and time, and forms that two servers read apart.

use std::time::Duration;

use http::{Method, Version, header};
use pingora::protocols::http::ServerSession;

use crate::kernel;

/// The largest header block, in bytes, over HTTP/1.1 and HTTP/2.
pub const HEADER_LIMIT: usize = 32 * 1024;
/// How long a new connection has for its first whole header block.
pub const FIRST_HEADER_TIME: Duration = Duration::from_secs(10);
/// How long a kept connection has for its next whole header block: idle time included.
pub const NEXT_HEADER_TIME: Duration = Duration::from_secs(70);
/// How many connections are open at most; further ones are closed at once.
pub const CONNECTIONS: usize = 20_000;
/// How many files and sockets are left to everything but connections and what they need behind them.
const FILES_RESERVED: u64 = 128;
/// The fewest connections that are let in, however few files may be open.
const FEWEST_CONNECTIONS: usize = 64;
/// How many requests one HTTP/1.1 connection may carry.
pub const REQUESTS_A_CONNECTION: u32 = 10_000;
/// How many requests one HTTP/2 connection may have under way.
pub const H2_STREAMS: u32 = 128;
/// How long a client may be silent within a body.
pub const BODY_SILENCE: Duration = Duration::from_secs(30);
/// How long a client may take to accept a piece of the answer.
pub const WRITE_SILENCE: Duration = Duration::from_secs(60);
/// After this time a body must have come at [`BODY_RATE`] or faster.
pub const BODY_GRACE: Duration = Duration::from_secs(30);
/// The slowest a body may come, in bytes a second.
pub const BODY_RATE: u64 = 256;
/// How long the client of a gRPC call (HTTP/2 on both sides) may pause before the app has begun its answer.
pub const CALL_SILENCE: Duration = Duration::from_secs(300);
/// The largest answer of an identity provider, or what is handed in of one, in bytes.
pub const ANSWER_BODY_LIMIT: usize = kernel::LARGE_FORM_LIMIT;
/// The largest body for any other of the portal's pages, in bytes.
pub const FORM_BODY_LIMIT: usize = kernel::FORM_LIMIT;
/// How many bodies over [`FORM_BODY_LIMIT`] and up to [`ANSWER_BODY_LIMIT`] are held at once: 64 MiB at most.
pub const LARGE_BODIES: usize = 64;
/// How many bodies up to [`FORM_BODY_LIMIT`] are held at once: 16 MiB at most.
pub const SMALL_BODIES: usize = 1024;
/// How many of all these one client has at most.
pub const BODIES_A_CLIENT: usize = 16;
/// While all places for bodies are taken, a body gives way to a newcomer when it was silent for this time.
pub const CROWDED_SILENCE: Duration = Duration::from_secs(1);
/// The same, when it came below [`CROWDED_RATE`] for this time.
pub const CROWDED_GRACE: Duration = Duration::from_secs(2);
/// The slowest that a body may then come, in bytes a second.
pub const CROWDED_RATE: u64 = 16 * 1024;
/// How long the portal has for an answer.
pub const PORTAL_TIME: Duration = Duration::from_secs(30);
/// How long connecting to an upstream may take, TLS included.
pub const CONNECT_TIME: Duration = Duration::from_secs(5);
/// How long an upstream may be silent; to a stream that was announced: before it begins its answer.
pub const UPSTREAM_SILENCE: Duration = Duration::from_secs(300);
/// How long an app may be silent within a stream that was announced (WebSocket, server-sent events, gRPC).
pub const STREAM_SILENCE: Duration = Duration::from_secs(24 * 3600);
/// How long an unused connection to an upstream is kept.
pub const UPSTREAM_IDLE: Duration = Duration::from_secs(60);

/// How many connections are open at most where the process may open so many files: each may need a second one, to the
/// app. Strangers who take all places must not leave the store and the apps without.
pub fn connections(open_files: Option<u64>) -> usize {
    let Some(files) = open_files else { return CONNECTIONS };
    let places = usize::try_from(files.saturating_sub(FILES_RESERVED) / 2).unwrap_or(usize::MAX);
    places.clamp(FEWEST_CONNECTIONS, CONNECTIONS)
}

/// Why a request is refused before anything is asked about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// The status to answer with.
    pub status: u16,
    /// What is wrong.
    pub reason: &'static str,
}

/// Looks at a request's form.
///
/// # Errors
/// [`Malformed`] with what is wrong.
pub fn check(session: &ServerSession) -> Result<(), Malformed> {
    let bad = |reason| Err(Malformed { status: 400, reason });
    let request = session.req_header();
    if request.method == Method::TRACE || request.method.as_str().eq_ignore_ascii_case("TRACK") {
        return Err(Malformed { status: 405, reason: "This method is not allowed." });
    }
    let Some(session) = session.as_http1() else { return Ok(()) };
    if request.version == Version::HTTP_09 {
        return bad("HTTP/0.9 is not spoken here");
    }
    let raw = session.get_headers_raw_bytes();
    if raw.len() > HEADER_LIMIT {
        return Err(Malformed {
            status: 431,
            reason: "The header fields are too large: please clear this site's cookies.",
        });
    }
    if has_bare_line_end(&raw) {
        return bad("a line of the header ends with a bare line feed or carriage return");
    }
    if request.version == Version::HTTP_11 && !request.headers.contains_key(header::HOST) {
        return bad("the Host header is missing");
    }
    // The server takes doubled lengths that are equal; what is forwarded should leave nothing to choose.
    let mut lengths = request.headers.get_all(header::CONTENT_LENGTH).iter();
    if lengths.next().is_some_and(|first| first.as_bytes().contains(&b',')) || lengths.next().is_some() {
        return bad("Content-Length came more than once");
    }
    // The server has dropped Content-Length already if both came: the raw block still shows it.
    if request.headers.contains_key(header::TRANSFER_ENCODING) {
        if names_header(&raw, b"content-length") {
            return bad("Content-Length and Transfer-Encoding exclude each other");
        }
        let mut codings = request.headers.get_all(header::TRANSFER_ENCODING).iter();
        if !(codings.next().is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"chunked"))
            && codings.next().is_none())
        {
            return bad("no transfer coding but chunked is taken");
        }
    }
    Ok(())
}

/// Whether any line feed has no carriage return before it, or any carriage return no line feed behind it.
fn has_bare_line_end(raw: &[u8]) -> bool {
    memchr::memchr2_iter(b'\n', b'\r', raw).any(|index| match raw[index] {
        b'\n' => index == 0 || raw[index - 1] != b'\r',
        _ => raw.get(index + 1) != Some(&b'\n'),
    })
}

/// Whether a raw header block has a field of this name.
fn names_header(raw: &[u8], name: &[u8]) -> bool {
    raw.split(|byte| *byte == b'\n').any(|line| {
        line.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name))
            && line.get(name.len()).is_some_and(|next| matches!(next, b':' | b' ' | b'\t'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_files_to_the_rest() {
        let check = |files, expected| assert_eq!(connections(files), expected, "{files:?}");
        check(None, CONNECTIONS);
        check(Some(1024), 448);
        check(Some(65_536), CONNECTIONS);
        check(Some(u64::MAX), CONNECTIONS);
        check(Some(10), FEWEST_CONNECTIONS);
    }

    #[test]
    fn bare_line_ends_are_seen_anywhere() {
        assert!(!has_bare_line_end(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
        for raw in ["GET / HTTP/1.1\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\n\r\n", "a\rb\r\n", "\n", "a\r"] {
            assert!(has_bare_line_end(raw.as_bytes()), "{raw:?}");
        }
    }

    #[test]
    fn a_header_is_found_in_the_raw_block_in_any_case() {
        let raw = b"POST / HTTP/1.1\r\nHost: a\r\ncontent-LENGTH: 5\r\n\r\n";
        assert!(names_header(raw, b"content-length"));
        assert!(!names_header(raw, b"content"));
        assert!(!names_header(b"POST / HTTP/1.1\r\nX: content-length: 5\r\n\r\n", b"content-length"));
    }
}
