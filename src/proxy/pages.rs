//! The gate's own answers: small error pages and JSON, each with the reference that is in the log line too.

use askama::Template;
use bytes::Bytes;
use http::header::{self, HeaderValue};
use pingora::http::ResponseHeader;
use pingora::proxy::Session;
use serde_json::json;

use crate::kernel::Reference;
use crate::kernel::style::style_source;
use crate::session::Facts;

/// An answer of the gate itself.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Header fields besides content type, length and caching.
    pub headers: Vec<(header::HeaderName, HeaderValue)>,
    /// The media type.
    pub content_type: &'static str,
    /// The body.
    pub body: Bytes,
}

const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json";

/// Which site a page is of.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Its name for people.
    pub site: &'a str,
    /// Its `public_url`.
    pub front: &'a str,
}

/// A page that says why there is no other, and where to go on.
#[derive(Template)]
#[template(path = "proxy/refused.html")]
struct RefusedPage<'a> {
    site: &'a str,
    title: &'a str,
    text: &'a str,
    /// Address, and organization if they are in one.
    who: Option<(&'a str, Option<&'a str>)>,
    reference: &'a str,
    /// Addresses and labels.
    links: &'a [(&'a str, &'a str)],
}

impl Answer {
    /// A JSON answer.
    pub fn json(status: u16, body: &serde_json::Value) -> Self {
        Answer { status, headers: Vec::new(), content_type: JSON, body: Bytes::from(body.to_string()) }
    }

    /// A redirect.
    pub fn redirect(status: u16, location: HeaderValue) -> Self {
        let headers = vec![(header::LOCATION, location)];
        Answer { status, headers, content_type: HTML, body: Bytes::new() }
    }

    /// An error for scripts.
    pub fn error(status: u16, reason: Option<&str>, reference: &Reference) -> Self {
        let told = tell(status);
        let message = reason.unwrap_or(told.sentence);
        Answer::json(status, &json!({ "error": told.code, "message": message, "reference": reference.as_str() }))
    }

    /// An error for people; `who` is signed in, as far as that matters to it.
    pub fn page(
        status: u16,
        reason: Option<&str>,
        reference: &Reference,
        place: Place<'_>,
        who: Option<&Facts>,
    ) -> Self {
        let told = tell(status);
        let front = format!("{}/", place.front);
        let links: &[(&str, &str)] = match status {
            403 if who.is_some_and(|who| who.organization.is_none()) => {
                let join = ("/.vestibule/join", "What you can join");
                &[join, ("/.vestibule/account", "Account"), ("/.vestibule/sign-out", "Sign out")]
            }
            403 if who.is_some() => {
                &[("/", "Back"), ("/.vestibule/account", "Account"), ("/.vestibule/sign-out", "Sign out")]
            }
            408 | 500.. => &[("", "Try again")],
            _ => &[(&front, "To the app")],
        };
        let who = who.map(|who| (who.email.as_str(), who.organization.as_ref().map(|here| here.name.as_str())));
        let text = reason.unwrap_or(told.sentence);
        let page = RefusedPage { site: place.site, title: told.title, text, who, reference: reference.as_str(), links };
        let Ok(body) = page.render() else { return Answer::error(status, reason, reference) };
        let answer = Answer { status, headers: Vec::new(), content_type: HTML, body: Bytes::from(body) };
        let policy = format!(
            "default-src 'none'; style-src {}; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
            style_source()
        );
        let policy = HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"));
        answer
            .with(header::CONTENT_SECURITY_POLICY, policy)
            .with(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"))
            .with(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"))
    }

    /// Adds a header field.
    #[must_use]
    pub fn with(mut self, name: header::HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Sends it. If the request's body was not read, the connection ends with the answer.
    ///
    /// # Errors
    /// If the client is gone.
    pub async fn send(self, session: &mut Session) -> pingora::Result<()> {
        let head = session.req_header().method == http::Method::HEAD;
        let mut response = ResponseHeader::build(self.status, Some(self.headers.len() + 4))?;
        response.insert_header(header::CONTENT_LENGTH, self.body.len())?;
        if !self.headers.iter().any(|(name, _)| name == header::CACHE_CONTROL) {
            response.insert_header(header::CACHE_CONTROL, "no-store")?;
        }
        response.insert_header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")?;
        if !self.body.is_empty() {
            response.insert_header(header::CONTENT_TYPE, self.content_type)?;
        }
        for (name, value) in self.headers {
            response.append_header(name, value)?;
        }
        if !session.is_body_done() {
            session.set_keepalive(None);
        }
        let empty = head || self.body.is_empty();
        session.write_response_header(Box::new(response), empty).await?;
        if !empty {
            session.write_response_body(Some(self.body), true).await?;
        }
        Ok(())
    }
}

struct Told {
    code: &'static str,
    title: &'static str,
    sentence: &'static str,
}

/// What is said about a status, with the next step.
const fn tell(status: u16) -> Told {
    let (code, title, sentence) = match status {
        400 => ("bad_request", "This request can't be read", "Please go back and try the link or the form again."),
        401 => ("sign_in_required", "Please sign in", "Sign in to go on."),
        403 => (
            "forbidden",
            "This page is not for you",
            "Your account may not see this page: ask an admin of your organization.",
        ),
        404 => ("not_found", "There is nothing here", "Please check the address."),
        405 => ("method_not_allowed", "This can't be done here", "Please go back and try again."),
        408 => ("too_slow", "That took too long", "Please check your connection and try again."),
        413 => ("too_large", "This is too large", "Please send something smaller."),
        414 => ("address_too_long", "This address is too long", "Please use a shorter one."),
        421 => ("wrong_host", "This is another site's address", "Please use the address that you were given."),
        431 => ("headers_too_large", "This request is too large", "Please clear this site's cookies and try again."),
        502 => ("app_unreachable", "The app does not answer", "Please try again in a moment."),
        503 => ("unavailable", "Not available just now", "Please try again in a moment."),
        504 => ("app_too_slow", "The app takes too long", "Please try again in a moment."),
        _ => ("internal", "Something went wrong on this side", "Please try again in a moment."),
    };
    Told { code, title, sentence }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::SeededRng;

    #[test]
    fn an_error_is_a_page_or_json_with_the_reference() {
        let reference = Reference::random(&SeededRng::new(1));
        let place = Place { site: "app.example", front: "https://app.example" };
        let page = Answer::page(400, Some("not <for> you"), &reference, place, None);
        let text = String::from_utf8(page.body.to_vec()).unwrap();
        assert!(!text.contains("<for>") && text.contains(reference.as_str()) && text.contains("app.example"), "{text}");
        let json = Answer::error(502, None, &reference);
        let value: serde_json::Value = serde_json::from_slice(&json.body).unwrap();
        assert_eq!(value["error"].as_str(), Some("app_unreachable"));
        assert_eq!(value["reference"].as_str(), Some(reference.as_str()));
    }
}
