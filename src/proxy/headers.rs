//! The request's headers on their way to the app: what a client may not say is dropped, who they are is written.

use http::header::{self, HeaderName};
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use pingora::http::{RequestHeader, ResponseHeader};

use super::settings::IdentityFact;
use crate::session::{Audience, CookieForm, Sessions, SignedIn, Stripped, sets_reserved};

/// Every header of ours begins so.
const PREFIX: &str = "x-vestibule-";
/// Names that only a proxy may write, or that rewrite a request behind the gate's back: dropped in every spelling;
/// [`super::forwarded`] then writes what is true.
const PROXY_NAMES: [&str; 8] = [
    "forwarded",
    "x-real-ip",
    "x-original-url",
    "x-original-uri",
    "x-original-host",
    "x-rewrite-url",
    "x-proxyuser-ip",
    "proxy",
];
const PROXY_PREFIX: &str = "x-forwarded-";
/// Names whose spellings with `_`, `.` or the like an app may take for the real ones: those spellings are dropped.
const FRAMING_NAMES: [&str; 8] =
    ["host", "cookie", "connection", "upgrade", "content-length", "transfer-encoding", "content-type", "authorization"];

/// Changes a request's headers as one plain map. The spelling of names is not kept beside it (RFC 9110 §5.1: it means
/// nothing), so that no name is parsed, stored and looked up twice.
pub fn rewrite(request: &mut RequestHeader, write: impl FnOnce(&mut HeaderMap)) {
    let nothing = RequestHeader::from(http::Request::new(()).into_parts().0);
    let mut parts = Parts::from(std::mem::replace(request, nothing));
    write(&mut parts.headers);
    *request = RequestHeader::from(parts);
}

/// A byte of a header name as CGI, WSGI and their like read it: for some, all but letters and digits is `_`.
const fn fold(byte: u8) -> u8 {
    if byte.is_ascii_alphanumeric() { byte.to_ascii_lowercase() } else { b'-' }
}

fn folds_to(name: &[u8], reserved: &str) -> bool {
    name.len() == reserved.len() && name.iter().zip(reserved.bytes()).all(|(byte, wanted)| fold(*byte) == fold(wanted))
}

fn begins_with(name: &[u8], prefix: &str) -> bool {
    name.get(..prefix.len()).is_some_and(|head| folds_to(head, prefix))
}

/// The header names that carry identity, and those that a client may not send.
#[derive(Debug)]
pub struct HeaderRules {
    /// What is sent under which name.
    identity: Vec<(HeaderName, IdentityFact)>,
}

impl HeaderRules {
    /// Rules for the fixed names and the further ones of the configuration.
    ///
    /// # Errors
    /// A sentence about a name that is none, or that has another meaning in HTTP.
    pub fn new(further: &[(String, IdentityFact)]) -> Result<Self, String> {
        let fixed = IdentityFact::ALL.map(|fact| (HeaderName::from_static(fact.header()), fact));
        let mut identity = Vec::from(fixed);
        for (name, fact) in further {
            let parsed: HeaderName =
                name.parse().map_err(|_| format!("identity header «{name}» is not a header name"))?;
            let taken = FRAMING_NAMES.iter().any(|framing| folds_to(name.as_bytes(), framing));
            if taken || begins_with(name.as_bytes(), PREFIX) {
                return Err(format!("identity header «{name}» has another meaning already: choose another name"));
            }
            identity.push((parsed, *fact));
        }
        Ok(HeaderRules { identity })
    }

    /// Whether a client's header of this name must not reach the app.
    fn is_dropped(&self, name: &[u8]) -> bool {
        begins_with(name, PREFIX)
            || begins_with(name, PROXY_PREFIX)
            || PROXY_NAMES.iter().any(|reserved| folds_to(name, reserved))
            || self.identity.iter().any(|(reserved, _)| folds_to(name, reserved.as_str()))
            || (name.iter().any(|byte| !byte.is_ascii_alphanumeric() && *byte != b'-')
                && FRAMING_NAMES.iter().any(|reserved| folds_to(name, reserved)))
    }

    /// Drops what a client may not say, and takes our own cookies out.
    pub fn strip(&self, headers: &mut HeaderMap) {
        // Nearly always there is nothing to drop: look first, collect only then.
        if headers.keys().any(|name| self.is_dropped(name.as_str().as_bytes())) {
            let doomed: Vec<HeaderName> =
                headers.keys().filter(|name| self.is_dropped(name.as_str().as_bytes())).cloned().collect();
            for name in doomed {
                headers.remove(&name);
            }
        }
        strip_cookies(headers);
    }

    /// How many headers [`identify`](Self::identify) writes at most.
    pub fn written(&self) -> usize {
        self.identity.len()
    }

    /// Writes who somebody is, in place of whatever was there.
    pub fn identify(
        &self,
        who: &SignedIn,
        sessions: &Sessions,
        audience: &Audience,
        mut put: impl FnMut(&HeaderName, HeaderValue),
    ) {
        let rendered = &who.facts.rendered;
        for (name, fact) in &self.identity {
            let value = match fact {
                IdentityFact::User => Some(rendered.user.clone()),
                IdentityFact::Email => Some(rendered.email.clone()),
                IdentityFact::Name => Some(rendered.name.clone()),
                IdentityFact::Org => rendered.organization.clone(),
                IdentityFact::Role => rendered.role.clone(),
                IdentityFact::Teams => rendered.teams.clone(),
                IdentityFact::Assertion => Some(sessions.assertion(who, audience)),
            };
            if let Some(value) = value {
                put(name, value);
            }
        }
    }
}

/// Takes our own cookies out, and joins what HTTP/2 may have split (RFC 9113 §8.2.3).
fn strip_cookies(headers: &mut HeaderMap) {
    let mut values = headers.get_all(header::COOKIE).iter();
    let (Some(first), second) = (values.next(), values.next()) else { return };
    if second.is_none() {
        match CookieForm::without(first.as_bytes()) {
            Stripped::Unchanged => {}
            Stripped::Nothing => drop(headers.remove(header::COOKIE)),
            Stripped::Rest(rest) => replace_cookie(headers, &rest),
        }
        return;
    }
    let mut joined = Vec::new();
    for value in headers.get_all(header::COOKIE) {
        let rest = match CookieForm::without(value.as_bytes()) {
            Stripped::Unchanged => value.as_bytes().to_vec(),
            Stripped::Nothing => continue,
            Stripped::Rest(rest) => rest,
        };
        if !joined.is_empty() {
            joined.extend_from_slice(b"; ");
        }
        joined.extend_from_slice(&rest);
    }
    if joined.is_empty() {
        headers.remove(header::COOKIE);
    } else {
        replace_cookie(headers, &joined);
    }
}

fn replace_cookie(headers: &mut HeaderMap, value: &[u8]) {
    // The bytes come from header values, so they are one; if not, no cookie is the safe answer.
    match HeaderValue::from_bytes(value) {
        Ok(value) => drop(headers.insert(header::COOKIE, value)),
        Err(_) => drop(headers.remove(header::COOKIE)),
    }
}

/// Takes cookies of ours out of the app's answer.
pub fn strip_set_cookies(response: &mut ResponseHeader) {
    let is_ours = |value: &HeaderValue| sets_reserved(value.as_bytes());
    if !response.headers.get_all(header::SET_COOKIE).iter().any(is_ours) {
        return;
    }
    let kept: Vec<HeaderValue> =
        response.headers.get_all(header::SET_COOKIE).iter().filter(|value| !is_ours(value)).cloned().collect();
    response.remove_header(&header::SET_COOKIE);
    for value in kept {
        // It was a header value before; should it not be one now, it is left out.
        let _ = response.append_header(header::SET_COOKIE, value);
    }
}

/// Whether a request is a browser's navigation (CONTRACT.md): a GET with `Sec-Fetch-Mode: navigate`, or, without Fetch
/// headers, with an `Accept` that names `text/html`.
pub fn is_navigation(method: &http::Method, headers: &HeaderMap) -> bool {
    if method != http::Method::GET {
        return false;
    }
    let fetch = ["sec-fetch-mode", "sec-fetch-dest", "sec-fetch-site"].map(|name| headers.get(name));
    if fetch.iter().any(Option::is_some) {
        return fetch[0].is_some_and(|mode| mode.as_bytes().eq_ignore_ascii_case(b"navigate"));
    }
    accepts_html(headers)
}

/// Whether `Accept` names `text/html`.
pub fn accepts_html(headers: &HeaderMap) -> bool {
    let names_html = |value: &HeaderValue| {
        value.as_bytes().split(|byte| *byte == b',').any(|range| {
            let kind = range.split(|byte| *byte == b';').next().unwrap_or_default();
            kind.trim_ascii().eq_ignore_ascii_case(b"text/html")
        })
    };
    headers.get_all(header::ACCEPT).iter().any(names_html)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(headers: &[(&str, &str)]) -> RequestHeader {
        let mut request = RequestHeader::build("GET", b"/", None).unwrap();
        for (name, value) in headers {
            request.append_header((*name).to_owned(), *value).unwrap();
        }
        request
    }

    #[test]
    fn no_spelling_of_an_identity_header_survives() {
        let rules = HeaderRules::new(&[("Remote-User".to_owned(), IdentityFact::User)]).unwrap();
        for name in [
            "X-Vestibule-User",
            "x-vestibule-user",
            "X_Vestibule_User",
            "X-VESTIBULE_ROLE",
            "x.vestibule.org",
            "X-Vestibule-Anything-At-All",
            "Remote-User",
            "remote_user",
            "REMOTE.USER",
            "X-Forwarded-For",
            "X_Forwarded_Proto",
            "X-Forwarded-Prefix",
            "Forwarded",
            "X-Real-IP",
            "X-Original-URL",
            "X_Rewrite_Url",
            "Content_Length",
            "Transfer.Encoding",
            "X~Vestibule~User",
            "X*Vestibule*Role",
            "Remote!User",
            "X|Forwarded|For",
            "Content~Length",
        ] {
            let mut request = request(&[(name, "forged"), ("X-Own", "kept"), (name, "twice")]);
            rewrite(&mut request, |headers| rules.strip(headers));
            let left: Vec<&str> = request.headers.keys().map(HeaderName::as_str).collect();
            assert_eq!(left, ["x-own"], "{name}");
        }
    }

    #[test]
    fn other_headers_pass() {
        let rules = HeaderRules::new(&[]).unwrap();
        let pairs = [
            ("content-type", "a/b"),
            ("x-vestibul", "x"),
            ("x-vestibule", "x"),
            ("my_header", "x"),
            ("remote-user", "an app's own"),
            ("x-request-id", "1"),
        ];
        let mut request = request(&pairs);
        rewrite(&mut request, |headers| rules.strip(headers));
        assert_eq!(request.headers.len(), pairs.len());
    }

    #[test]
    fn a_name_that_means_something_else_is_no_identity_header() {
        for name in ["Host", "content_length", "X-Vestibule-Email", "a b", ""] {
            assert!(HeaderRules::new(&[(name.to_owned(), IdentityFact::Email)]).is_err(), "{name}");
        }
        assert!(HeaderRules::new(&[("X-Forwarded-Email".to_owned(), IdentityFact::Email)]).is_ok());
    }

    #[test]
    fn our_cookies_stay_here_and_the_others_go_on_as_one() {
        let check = |values: &[&str], expected: &[&str]| {
            let pairs: Vec<(&str, &str)> = values.iter().map(|value| ("cookie", *value)).collect();
            let mut request = request(&pairs);
            rewrite(&mut request, strip_cookies);
            let left: Vec<&str> =
                request.headers.get_all(header::COOKIE).iter().map(|value| value.to_str().unwrap()).collect();
            assert_eq!(left, expected, "{values:?}");
        };
        check(&[], &[]);
        check(&["a=b"], &["a=b"]);
        check(&["__Host-vestibule=x"], &[]);
        check(&["a=b; vestibule=x"], &["a=b"]);
        check(&["a=b", "vestibule=x", "c=d; __Host-vestibule-login-1=y"], &["a=b; c=d"]);
        check(&["vestibule=x", "vestibule=y"], &[]);
    }

    #[test]
    fn the_apps_own_cookies_pass_in_their_order() {
        let mut response = ResponseHeader::build(200, None).unwrap();
        for value in ["a=1", "vestibule=x; Path=/", "b=2"] {
            response.append_header("set-cookie", value).unwrap();
        }
        strip_set_cookies(&mut response);
        let left: Vec<&str> = response.headers.get_all("set-cookie").iter().map(|v| v.to_str().unwrap()).collect();
        assert_eq!(left, ["a=1", "b=2"]);
    }

    #[test]
    fn a_navigation_is_told_from_a_script() {
        let check = |method: http::Method, pairs: &[(&str, &str)], expected| {
            assert_eq!(is_navigation(&method, &request(pairs).headers), expected, "{method} {pairs:?}");
        };
        let html = ("accept", "text/html,application/xhtml+xml;q=0.9");
        let get = http::Method::GET;
        check(get.clone(), &[("sec-fetch-mode", "navigate")], true);
        check(get.clone(), &[("sec-fetch-mode", "cors"), html], false);
        check(get.clone(), &[("sec-fetch-dest", "empty"), html], false);
        check(get.clone(), &[html], true);
        check(get.clone(), &[("accept", "application/json, TEXT/HTML;q=0.1")], true);
        check(get.clone(), &[("accept", "*/*")], false);
        check(get, &[], false);
        check(http::Method::POST, &[("sec-fetch-mode", "navigate"), html], false);
        check(http::Method::HEAD, &[html], false);
    }
}
