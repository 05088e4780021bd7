//! The portal behind the gate's own listener: a tower service, called in process, with a capped body
//! that is read only under a permit.

use std::net::IpAddr;
use std::time::Instant;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::{Method, Request, Response, Version, header};
use http_body_util::{BodyExt as _, Limited};
use pingora::http::ResponseHeader;
use pingora::proxy::Session;
use tower::ServiceExt as _;

use super::limits;
use super::receiving::{Permit, Receiving};
use crate::kernel::{Client, Reference, form_limit};

/// What holds between two hops only (RFC 9110 §7.6.1).
const HOP_BY_HOP: [header::HeaderName; 5] =
    [header::CONNECTION, header::TRANSFER_ENCODING, header::UPGRADE, header::TE, header::TRAILER];

/// The largest body that a request may have, in bytes.
fn body_limit(method: &Method, path: &str) -> usize {
    match *method {
        Method::GET | Method::HEAD => 0,
        Method::POST => form_limit(path),
        _ => limits::FORM_BODY_LIMIT,
    }
}

/// Answers a request by the portal. A body over the limit can't be read there: its reading ends with a
/// `LengthLimitError`. A status is for the gate to answer in place of the portal.
///
/// # Errors
/// If the client is gone.
pub async fn answer(
    session: &mut Session,
    portal: &axum::Router,
    receiving: &Receiving,
    client: IpAddr,
    reference: &Reference,
) -> pingora::Result<Option<u16>> {
    let limit = body_limit(&session.req_header().method, session.req_header().uri.path());
    // Held until the portal has answered: so long the body is in memory.
    let (permit, body) = match receive(session, receiving, client, limit).await? {
        Ok(received) => received,
        Err(status) => {
            metrics::counter!("vestibule_bodies_refused_total").increment(1);
            session.set_keepalive(None);
            return Ok(Some(status));
        }
    };
    let Some(request) = request(session, Client::from(client), reference, body) else {
        return Ok(Some(400));
    };
    let answered = tokio::time::timeout(limits::PORTAL_TIME, portal.clone().oneshot(request)).await;
    let Ok(response) = answered else {
        tracing::error!(%reference, "the portal took too long");
        return Ok(Some(504));
    };
    let Ok(response) = response;
    drop(permit);
    send(session, response).await?;
    Ok(None)
}

/// The body of a request, and the right to hold it; or the status that refuses it.
async fn receive(
    session: &mut Session,
    receiving: &Receiving,
    client: IpAddr,
    limit: usize,
) -> pingora::Result<Result<(Option<Permit>, Body), u16>> {
    if limit == 0 {
        return Ok(Ok((None, Body::empty())));
    }
    let Some(permit) = receiving.permit(client, Instant::now()) else { return Ok(Err(503)) };
    let read = tokio::time::timeout(limits::PORTAL_TIME, read_body(session, limit, &permit));
    let read = tokio::select! {
        read = read => read,
        () = permit.given_up() => return Ok(Err(408)),
    };
    let body = match read {
        Err(_) => return Ok(Err(408)),
        Ok(Err(error)) => return Err(error),
        Ok(Ok(Read::NoPlace)) => return Ok(Err(503)),
        Ok(Ok(Read::Whole(body))) => Body::from(body),
        Ok(Ok(Read::TooLarge)) => {
            // The portal is told all the same: what it refuses, it writes down.
            session.set_keepalive(None);
            Body::new(Limited::new(Body::from("x"), 0))
        }
    };
    Ok(Ok((Some(permit), body)))
}

/// What came of reading a body.
enum Read {
    /// All of it.
    Whole(Bytes),
    /// It is over the limit.
    TooLarge,
    /// It is large, and there is no place for another large one.
    NoPlace,
}

async fn read_body(session: &mut Session, limit: usize, permit: &Permit) -> pingora::Result<Read> {
    let declared =
        session.get_header(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > limit) {
        return Ok(Read::TooLarge);
    }
    if session.get_header(header::EXPECT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue")) {
        session.write_continue_response().await?;
    }
    let mut body = BytesMut::new();
    while let Some(piece) = session.read_request_body().await? {
        if body.len() + piece.len() > limit {
            return Ok(Read::TooLarge);
        }
        if !permit.piece(piece.len(), Instant::now()) {
            return Ok(Read::NoPlace);
        }
        body.extend_from_slice(&piece);
    }
    permit.whole();
    Ok(Read::Whole(body.freeze()))
}

fn request(session: &Session, client: Client, reference: &Reference, body: Body) -> Option<Request<Body>> {
    let original = session.req_header();
    let target = std::str::from_utf8(original.raw_path()).ok()?;
    let mut request = Request::builder().method(original.method.clone()).uri(target).body(body).ok()?;
    *request.headers_mut() = original.headers.clone();
    for name in HOP_BY_HOP {
        request.headers_mut().remove(name);
    }
    request.extensions_mut().insert(client);
    request.extensions_mut().insert(reference.clone());
    Some(request)
}

async fn send(session: &mut Session, response: Response<Body>) -> pingora::Result<()> {
    let (parts, mut body) = response.into_parts();
    let mut head = ResponseHeader::build(parts.status, Some(parts.headers.len() + 2))?;
    for (name, value) in &parts.headers {
        if !HOP_BY_HOP.contains(name) {
            head.append_header(name, value)?;
        }
    }
    let exact = axum::body::HttpBody::size_hint(&body).exact();
    let is_head = session.req_header().method == Method::HEAD;
    let empty = is_head || exact == Some(0);
    if !parts.headers.contains_key(header::CONTENT_LENGTH) {
        match exact {
            Some(length) if !is_head => head.insert_header(header::CONTENT_LENGTH, length)?,
            _ if session.req_header().version == Version::HTTP_11 && !is_head => {
                head.insert_header(header::TRANSFER_ENCODING, "chunked")?;
            }
            _ => {}
        }
    }
    session.write_response_header(Box::new(head), empty).await?;
    if empty {
        return Ok(());
    }
    while let Some(frame) = body.frame().await {
        let piece = frame.ok().and_then(|frame| frame.into_data().ok());
        let Some(piece) = piece else { break };
        session.write_response_body(Some(piece), false).await?;
    }
    session.write_response_body(None, true).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_of_an_identity_provider_and_what_is_handed_in_of_one_may_be_large() {
        let check = |method: Method, path: &str, expected| {
            assert_eq!(body_limit(&method, path), expected, "{method} {path}");
        };
        check(Method::POST, "/.vestibule/saml/acme/acs", 1024 * 1024);
        check(Method::GET, "/.vestibule/saml/acme/acs", 0);
        check(Method::HEAD, "/.vestibule/sign-in", 0);
        check(Method::POST, "/.vestibule/sign-in", 16 * 1024);
        check(Method::PUT, "/.vestibule/saml/acme/acs", 16 * 1024);
        check(Method::POST, "/.vestibule/saml/acme/finish", 16 * 1024);
        check(Method::POST, "/.vestibule/saml/a/b/acs", 16 * 1024);
        check(Method::POST, "/.vestibule/saml//acs", 16 * 1024);
        for page in ["sso/metadata", "sso/hand", "sso/certificates"] {
            check(Method::POST, &format!("/.vestibule/console/o/acme/{page}"), 1024 * 1024);
        }
        check(Method::POST, "/.vestibule/console/o/acme/sso/options", 16 * 1024);
        check(Method::POST, "/.vestibule/console/sso/metadata", 16 * 1024);
    }
}
