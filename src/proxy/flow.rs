//! A request's time in pingora's phases: what its body and its answer are held to, and when the app's answer frees them.

use pingora::http::ResponseHeader;
use pingora::proxy::Session;
use pingora::{Error, ErrorType};
use tokio::time::Instant;

use super::context::Context;
use super::{guard, limits, streams};

/// The request goes to the app. `h2`: which speaks HTTP/2.
pub fn begin(session: &mut Session, context: &mut Context, h2: bool) {
    let has_body = !session.is_body_empty();
    let request = session.req_header();
    context.announced = streams::announces(request);
    if !has_body && !context.announced {
        return;
    }
    let now = Instant::now();
    if has_body {
        context.pace.body(h2 && streams::calls(request), now);
    }
    if context.announced {
        context.pace.announced(now);
    }
    set_due(session, context);
}

/// A piece of the body came, the last one if `whole`.
///
/// # Errors
/// 408 if it comes too slowly.
pub fn piece(session: &Session, context: &mut Context, length: usize, whole: bool) -> pingora::Result<()> {
    if session.was_upgraded() || context.pace.is_over() {
        return Ok(());
    }
    let in_time = context.pace.piece(length, whole, Instant::now());
    set_due(session, context);
    if in_time {
        return Ok(());
    }
    metrics::counter!("vestibule_slow_bodies_total").increment(1);
    Error::e_explain(ErrorType::HTTPStatus(408), "the body comes too slowly")
}

/// The app's answer has begun.
///
/// # Errors
/// 502 if it switches protocols though nobody asked it to.
pub fn answer_begins(session: &mut Session, response: &ResponseHeader, context: &mut Context) -> pingora::Result<()> {
    let upgrade = response.status == http::StatusCode::SWITCHING_PROTOCOLS;
    if upgrade && !session.is_upgrade_req() {
        return Error::e_explain(ErrorType::HTTPStatus(502), "the app switches protocols without being asked");
    }
    if !upgrade && (context.pace.is_over() || response.status.is_informational()) {
        return Ok(());
    }
    let stream = streams::is_stream(response);
    context.pace.answered(stream);
    if stream && (context.announced || upgrade) {
        context.count_open();
    }
    if upgrade || context.pace.is_free() {
        session.set_read_timeout(None);
    }
    set_due(session, context);
    Ok(())
}

/// The app's answer is over. What is left of the body has to come as any other.
pub fn answer_ends(session: &mut Session, context: &mut Context) {
    if context.pace.is_free() {
        context.pace.answer_is_over(Instant::now());
        session.set_read_timeout(Some(limits::BODY_SILENCE));
        set_due(session, context);
    }
}

/// Sets by when the rest of a body, or the answer to what announces a stream, must have come.
fn set_due(session: &Session, context: &Context) {
    // Over HTTP/1.1 pingora itself waits for the body within its limits, and can answer with a 408.
    guard::set_due(context.pace.due(session.is_http2()));
}
