//! The gate's decision for another proxy (`/.vestibule/auth`): nginx `auth_request`, Traefik, Caddy, Envoy.

use http::HeaderMap;
use http::header::{self, HeaderName, HeaderValue};

use super::decide::{Decision, decide_request};
use super::forwarded::FORWARDED_HOST;
use super::host::HostMatch;
use super::pages::Answer;
use super::path;
use super::routes::Route;
use super::rules::Rules;
use super::settings::Access;
use super::sign_in::{self, Wanted};
use crate::kernel::Reference;
use crate::session::{Authentication, Sessions};

/// The original path and query.
const FORWARDED_URI: HeaderName = HeaderName::from_static("x-forwarded-uri");

/// Where a browser has something to show first.
const PAGE: HeaderName = HeaderName::from_static("x-vestibule-page");

/// Decides on the request that `headers` describe; their sender is a trusted proxy. 200 with the identity headers,
/// 401, 403, 503; 400 if the original address is not told.
pub fn answer(
    rules: &Rules,
    sessions: &Sessions,
    headers: &HeaderMap,
    authentication: &Authentication,
    reference: &Reference,
) -> Answer {
    let refuse = |status, reason| Answer::error(status, Some(reason), reference);
    let (Some(target), Some(host)) = (only(headers, &FORWARDED_URI), only(headers, &FORWARDED_HOST)) else {
        return refuse(400, "X-Forwarded-Uri and X-Forwarded-Host must tell the original address, once each.");
    };
    if rules.hosts.compare(host.as_bytes()) == HostMatch::Other {
        return refuse(403, "That host is not this site's.");
    }
    let Some(route) = target.to_str().ok().and_then(|target| route(rules, target)) else {
        return refuse(403, "That path can be read in two ways.");
    };
    let decision = decide_request(&route.access, route.max_age, authentication, || sessions.now());
    let mut answer = match decision {
        Decision::Forward => Answer { status: 200, headers: Vec::new(), content_type: "text/plain", body: "ok".into() },
        Decision::SignIn => return ask(Wanted::SignIn, rules),
        Decision::SecondFactor => return ask(Wanted::SecondFactor, rules),
        Decision::Forbidden(_) => return Answer::error(403, None, reference),
        Decision::Unavailable => return Answer::error(503, None, reference),
    };
    if let Authentication::SignedIn(who) = authentication {
        let audience = &rules.upstreams[route.upstream].audience;
        let put = |name: &HeaderName, value: HeaderValue| answer.headers.push((name.clone(), value));
        rules.headers.identify(who, sessions, audience, put);
        if let Some(cookie) = who.renewed.as_ref().filter(|_| route.access != Access::Public) {
            answer.headers.push((header::SET_COOKIE, cookie.clone()));
        }
    }
    answer
}

/// 401, and to which page the other proxy sends a browser.
fn ask(wanted: Wanted, rules: &Rules) -> Answer {
    sign_in::required(wanted, &rules.public_url).with(PAGE, HeaderValue::from_static(wanted.page()))
}

/// The value of a header that came once.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

/// The route of an original target. The other proxy forwards that target, not its canonical form: so both must lead to
/// the same route.
fn route<'r>(rules: &'r Rules, target: &str) -> Option<&'r Route> {
    let raw = target.split(['?', '#']).next()?;
    let canonical = path::canonical(raw).ok()?;
    let route = rules.routes.find(&canonical).ok()?;
    rules.routes.leads_to(raw, route).then_some(route)
}
