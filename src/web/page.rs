//! Pages: plain HTML that works without script, the headers that every answer carries, and what went wrong.

use std::borrow::Cow;

use askama::Template;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, LOCATION, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::kernel::style::{source_of, style_source};
use crate::kernel::{Explain, Fault, FaultKind, Reference};

/// Where a page's forms may lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormTarget {
    /// The page has no form.
    None,
    /// Only here.
    Here,
    /// On to an IdP. Chromium holds every redirect that follows a form against `form-action`, and which IdP it will be
    /// is known only after the post, and where that one redirects to, never: so any https address is allowed.
    IdentityProvider {
        /// Also plain http on this machine, where the site itself is on it: for demos and tests.
        loopback: bool,
    },
}

impl FormTarget {
    fn policy(self) -> String {
        let sources = match self {
            FormTarget::None => "'none'",
            FormTarget::Here => "'self'",
            FormTarget::IdentityProvider { loopback: false } => "'self' https:",
            FormTarget::IdentityProvider { loopback: true } => "'self' https: http://localhost:* http://127.0.0.1:*",
        };
        let style = style_source();
        format!("default-src 'none'; style-src {style}; form-action {sources}; base-uri 'none'; frame-ancestors 'none'")
    }
}

/// A page that says one thing.
#[derive(Template)]
#[template(path = "portal/notice.html")]
pub struct NoticePage<'a> {
    /// The site's name for people.
    pub site: &'a str,
    /// The title.
    pub title: &'a str,
    /// What it says.
    pub text: &'a str,
    /// The reference to tell an administrator.
    pub reference: Option<&'a str>,
    /// Where to go on: address and label.
    pub link: Option<(&'a str, &'a str)>,
}

/// Renders a page, with a policy for its text.
fn render(status: StatusCode, page: &impl Template, policy: impl FnOnce(&str) -> String) -> Response {
    let Ok(text) = page.render() else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let policy = policy(&text);
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    set(response.headers_mut(), http::header::CONTENT_SECURITY_POLICY, &policy);
    response
}

/// Renders a page.
pub fn html(status: StatusCode, forms: FormTarget, page: &impl Template) -> Response {
    render(status, page, |_| forms.policy())
}

/// What a page has in it besides the stylesheet of all pages; each is named by its hash.
#[derive(Clone, Copy, Debug, Default)]
pub struct Inside<'a> {
    /// A stylesheet of its own.
    pub style: &'a str,
    /// A script that it may have: where it does, that one runs, and no other.
    pub script: Option<&'a str>,
}

/// Renders a page with a stylesheet of its own, and perhaps a script.
pub fn html_with(status: StatusCode, forms: FormTarget, inside: Inside<'_>, page: &impl Template) -> Response {
    let own = style_source();
    let policy = forms.policy().replacen(own, &format!("{own} {}", source_of(inside.style)), 1);
    // No text of others has such an element in it: it is escaped.
    let runs = |script: &&str, page: &str| page.contains(&format!("<script>{script}</script>"));
    render(status, page, |text| match inside.script.filter(|script| runs(script, text)) {
        Some(script) => format!("{policy}; script-src {}", source_of(script)),
        None => policy,
    })
}

/// Renders a page whose forms lead here, with the script at this address and no other.
pub fn html_with_script(status: StatusCode, script: &str, page: &impl Template) -> Response {
    render(status, page, |_| format!("{}; script-src {script}", FormTarget::Here.policy()))
}

/// Sends the browser on with a GET (303), and hands it cookies.
pub fn redirect(location: &str, cookies: &[String]) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    set(response.headers_mut(), LOCATION, location);
    with_cookies(response, cookies.iter().map(String::as_str))
}

/// Adds `Set-Cookie` lines.
pub fn with_cookies<'c>(mut response: Response, cookies: impl IntoIterator<Item = &'c str>) -> Response {
    for cookie in cookies {
        if let Ok(value) = HeaderValue::from_str(cookie) {
            response.headers_mut().append(SET_COOKIE, value);
        }
    }
    response
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// Gives an answer the headers that all of the portal's have; what it set itself stays.
pub fn harden(headers: &mut HeaderMap) {
    let fixed = [
        ("cache-control", "no-store"),
        ("content-security-policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
        ("referrer-policy", "same-origin"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ];
    for (name, value) in fixed {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

/// What the link on the page of a trouble says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Onward {
    /// To start again.
    StartAgain,
    /// To confirm that it is them.
    Confirm,
}

impl Onward {
    const fn words(self) -> &'static str {
        match self {
            Onward::StartAgain => "Start again",
            Onward::Confirm => "Confirm that it is you",
        }
    }
}

/// Why there is no ordinary answer: becomes a page at the portal's edge, once.
#[derive(Clone, Debug)]
pub struct Trouble {
    /// What went wrong, told twice.
    pub fault: Fault,
    /// Whether it was logged already.
    pub logged: bool,
    /// The page's title; by the kind of fault otherwise.
    pub title: Option<&'static str>,
    /// Where to start again.
    pub again: Option<Box<str>>,
    /// What the link there says.
    pub onward: Onward,
    /// A `Set-Cookie` line to send along.
    pub cookie: Option<Box<str>>,
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Trouble { fault, logged: false, title: None, again: None, onward: Onward::StartAgain, cookie: None }
    }
}

impl<E: Explain> From<E> for Trouble {
    fn from(error: E) -> Self {
        Fault::from(error).into()
    }
}

impl IntoResponse for Trouble {
    /// A bare status, with the trouble itself for the edge to render.
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.fault.kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl Trouble {
    /// There is no such page.
    pub fn not_found() -> Self {
        let public = "There is no such page here. Please check the address.";
        Fault::new(FaultKind::NotFound, public, "no such page").into()
    }

    /// Its page's title.
    pub fn title(&self) -> Cow<'static, str> {
        if let Some(title) = self.title {
            return Cow::Borrowed(title);
        }
        Cow::Borrowed(match self.fault.kind {
            FaultKind::NotFound => "Not found",
            FaultKind::TooMany => "Too many requests",
            FaultKind::TooLarge => "Too large",
            FaultKind::Unavailable => "Not possible right now",
            FaultKind::Internal => "Something went wrong",
            FaultKind::Invalid | FaultKind::Unauthenticated | FaultKind::Forbidden | FaultKind::Conflict => {
                "Not possible"
            }
        })
    }

    /// The page: its status, sentence, reference and link.
    pub fn page(&self, site: &str, status: StatusCode, reference: &Reference) -> Response {
        let title = self.title();
        let link = self.again.as_deref().map(|again| (again, self.onward.words()));
        let page =
            NoticePage { site, title: &title, text: &self.fault.public, reference: Some(reference.as_str()), link };
        with_cookies(html(status, FormTarget::None, &page), self.cookie.as_deref())
    }
}
