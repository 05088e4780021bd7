//! The app behind the proxy: it knows nothing of single sign-on, and shows what it is told.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream::{self, Stream};
use percent_encoding::percent_decode_str;

use super::assertion_check::AssertionCheck;
use super::page::{AppPage, Powers, Visitor, html};
use super::web_socket;
use crate::kernel::Clock;

/// How often the stream of events says something.
const EVENT_PAUSE: Duration = Duration::from_secs(1);
/// How many events a stream has at most: an hour's.
const EVENT_LIMIT: u32 = 3600;
/// The longest part of a header's value that is shown, in characters.
const SHOWN_LIMIT: usize = 400;

struct App {
    assertions: AssertionCheck,
    clock: Arc<dyn Clock>,
}

/// The app behind the proxy at `public_url`, where it is the upstream with this audience.
pub fn sample_app(public_url: &str, audience: &str, clock: Arc<dyn Clock>) -> Router {
    let assertions = AssertionCheck::new(public_url, audience, Arc::clone(&clock));
    Router::new()
        .route("/ws", get(web_socket::echo))
        .route("/events", get(events))
        .fallback(show)
        .with_state(Arc::new(App { assertions, clock }))
}

/// Every path is a page of this app: what may be seen is decided before it gets here.
async fn show(State(app): State<Arc<App>>, request: Request) -> Response {
    let path = request.uri().path();
    let public = path == "/public" || path.starts_with("/public/");
    let (assertion, claims) = match header(request.headers(), "x-vestibule-assertion") {
        None => (None, None),
        Some(assertion) => match app.assertions.check(&assertion).await {
            Ok(claims) => {
                let text = "verified: signed by Vestibule, for this app, still valid";
                (Some((true, text.to_owned())), serde_json::to_string_pretty(&claims).ok())
            }
            Err(error) => (Some((false, format!("not verified: {error}"))), None),
        },
    };
    let line: String = format!("{} {path}", request.method()).chars().take(SHOWN_LIMIT).collect();
    let headers = shown(request.headers());
    let page =
        AppPage { request: &line, person: visitor(request.headers()), headers: &headers, assertion, claims, public };
    html(StatusCode::OK, Powers::Connect, &page)
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// Who the headers say is signed in. A name that is not ASCII comes percent-encoded (D21).
fn visitor(headers: &HeaderMap) -> Option<Visitor> {
    let email = header(headers, "x-vestibule-email")?;
    let name = header(headers, "x-vestibule-name").unwrap_or_default();
    let name = percent_decode_str(&name).decode_utf8().map_or(name.clone(), std::borrow::Cow::into_owned);
    Some(Visitor {
        name: if name.is_empty() { email.clone() } else { name },
        organization: header(headers, "x-vestibule-org").unwrap_or_default(),
        role: header(headers, "x-vestibule-role").unwrap_or_default(),
        email,
    })
}

/// The headers, Vestibule's first, long values cut.
fn shown(headers: &HeaderMap) -> Vec<(String, String)> {
    let cut = |value: &str| match value.char_indices().nth(SHOWN_LIMIT) {
        Some((end, _)) => format!("{}… ({} bytes)", &value[..end], value.len()),
        None => value.to_owned(),
    };
    let mut rows: Vec<(String, String)> = headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), cut(&String::from_utf8_lossy(value.as_bytes()))))
        .collect();
    let rank = |name: &str| match name {
        "x-vestibule-assertion" => 1,
        name if name.starts_with("x-vestibule-") => 0,
        name if name.starts_with("x-") => 2,
        _ => 3,
    };
    rows.sort_by_key(|(name, _)| (rank(name), name.clone()));
    rows
}

async fn events(State(app): State<Arc<App>>) -> impl IntoResponse {
    Sse::new(ticks(Arc::clone(&app.clock)))
}

fn ticks(clock: Arc<dyn Clock>) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold((clock, 0), |(clock, count)| async move {
        if count >= EVENT_LIMIT {
            return None;
        }
        if count > 0 {
            tokio::time::sleep(EVENT_PAUSE).await;
        }
        let event = Event::default().data(format!("event {} at {}", count + 1, clock.now()));
        Some((Ok(event), (clock, count + 1)))
    })
}

#[cfg(test)]
#[path = "sample_app_tests.rs"]
mod tests;
