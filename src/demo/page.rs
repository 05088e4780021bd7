//! The pages of the demo: plain HTML that works without script, and a policy that lets nothing else in.

use std::sync::LazyLock;

use askama::Template;
use aws_lc_rs::digest::{SHA256, digest};
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, StatusCode};

use super::people::{Company, Person};

/// The one stylesheet, within each page.
pub(super) const STYLE: &str = include_str!("../../templates/demo/demo.css");
/// Sends the form of the page by itself; the button does the same.
pub(super) const CONTINUE_SCRIPT: &str = include_str!("../../templates/demo/continue.js");
/// The buttons that try a WebSocket and a stream.
pub(super) const TRY_SCRIPT: &str = include_str!("../../templates/demo/try.js");

static STYLE_HASH: LazyLock<String> = LazyLock::new(|| hash(STYLE));
static CONTINUE_HASH: LazyLock<String> = LazyLock::new(|| hash(CONTINUE_SCRIPT));
static TRY_HASH: LazyLock<String> = LazyLock::new(|| hash(TRY_SCRIPT));

fn hash(text: &str) -> String {
    format!("'sha256-{}'", BASE64.encode(digest(&SHA256, text.as_bytes())))
}

/// What a page may do, beyond showing itself.
#[derive(Clone, Copy, Debug)]
pub(super) enum Powers<'a> {
    /// Nothing.
    None,
    /// Post its form where it came from.
    PostHere,
    /// Send its form on to this origin, by itself.
    SendOn(&'a str),
    /// Open connections where it came from.
    Connect,
}

impl Powers<'_> {
    fn policy(self) -> String {
        let style = &*STYLE_HASH;
        let more = match self {
            Powers::None => "form-action 'none'".to_owned(),
            Powers::PostHere => "form-action 'self'".to_owned(),
            Powers::SendOn(origin) => format!("script-src {}; form-action {origin}", &*CONTINUE_HASH),
            Powers::Connect => format!("script-src {}; connect-src 'self'; form-action 'none'", &*TRY_HASH),
        };
        format!("default-src 'none'; style-src {style}; {more}; base-uri 'none'; frame-ancestors 'none'")
    }
}

/// The question who somebody is.
#[derive(Template)]
#[template(path = "demo/people.html")]
pub(super) struct PeoplePage<'a> {
    pub company: &'a Company,
    pub people: &'a [Person],
    /// Where the person is going.
    pub app: &'a str,
    pub saml_request: &'a str,
    pub relay_state: Option<&'a str>,
}

/// The form that carries the answer back.
#[derive(Template)]
#[template(path = "demo/continue.html")]
pub(super) struct ContinuePage<'a> {
    pub company: &'a Company,
    /// What goes back, in a few words.
    pub title: &'a str,
    pub acs_url: &'a str,
    pub saml_response: &'a str,
    pub relay_state: Option<&'a str>,
}

/// A page that says one thing.
#[derive(Template)]
#[template(path = "demo/notice.html")]
pub(super) struct NoticePage<'a> {
    pub slug: &'a str,
    pub site: &'a str,
    pub title: &'a str,
    pub text: &'a str,
    /// Where to go on: address and label.
    pub link: Option<(&'a str, &'a str)>,
}

/// What the sample app shows.
#[derive(Template)]
#[template(path = "demo/app.html")]
pub(super) struct AppPage<'a> {
    pub request: &'a str,
    pub person: Option<Visitor>,
    pub headers: &'a [(String, String)],
    /// The check of the assertion: whether it passed, and what it found.
    pub assertion: Option<(bool, String)>,
    /// The assertion's claims, as JSON.
    pub claims: Option<String>,
    /// The page that needs no session.
    pub public: bool,
}

/// Who is signed in, as the app's headers say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Visitor {
    pub name: String,
    pub email: String,
    pub organization: String,
    pub role: String,
}

/// Renders a page, with the headers that every page carries.
pub(super) fn html(status: StatusCode, powers: Powers<'_>, page: &impl Template) -> Response {
    let Ok(text) = page.render() else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    let policy = HeaderValue::from_str(&powers.policy());
    headers.insert(CONTENT_SECURITY_POLICY, policy.unwrap_or(HeaderValue::from_static("default-src 'none'")));
    response
}
