//! The gate in pingora's phases: canonical path, host, decision, then the app, the portal, or an answer of its own.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Version, header};
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::modules::http::HttpModules;
use pingora::proxy::{FailToProxy, ProxyHttp, Session};
use pingora::upstreams::peer::HttpPeer;
use pingora::{Error, ErrorSource, ErrorType};

use super::context::{Context, Counters, Outcome};
use super::decide::{Decision, Forbidden, decide_request};
use super::failure::status_of;
use super::forwarded::Forwarded;
use super::headers::{accepts_html, is_navigation, rewrite, strip_set_cookies};
use super::host::{self, HostMatch};
use super::pages::{Answer, Place};
use super::receiving::Receiving;
use super::routes::Route;
use super::rules::Rules;
use super::settings::Access;
use super::sign_in::Wanted;
use super::{flow, forward_auth, guard, limits, own, path, portal_service, sign_in};
use crate::kernel::Rng;
use crate::session::{Authentication, Facts, Sessions};

/// How many addresses of an upstream one request tries at most.
const TRIES: usize = 3;
/// How many headers the gate writes at most beside identity: three of `X-Forwarded-*`, and `TE`.
const FURTHER_HEADERS: usize = 4;
/// Where Vestibule's own pages begin.
const OWN: &str = "/.vestibule";

/// The gate.
pub struct Gate {
    /// What it decides by.
    pub rules: Arc<Rules>,
    /// The sessions of this node.
    pub sessions: Arc<Sessions>,
    /// Vestibule's own pages.
    pub portal: axum::Router,
    /// Who may send those a body.
    pub receiving: Receiving,
    /// For references.
    pub rng: Arc<dyn Rng>,
    /// What became of requests.
    pub counters: Counters,
}

fn peer_address(session: &Session) -> Option<IpAddr> {
    Some(session.client_addr()?.as_inet()?.ip())
}

impl Gate {
    /// Everything up to the app: `Some` is the answer, `None` lets the request go on to the app.
    async fn admit(&self, session: &mut Session, context: &mut Context) -> pingora::Result<Option<Answer>> {
        if let Err(wrong) = limits::check(session) {
            return Ok(Some(self.refuse(session, context, wrong.status, Some(wrong.reason))));
        }
        if let Err(error) = canonicalize(session.req_header_mut()) {
            let status = if error == path::PathError::TooLong { 414 } else { 400 };
            return Ok(Some(self.refuse(session, context, status, Some(&error.to_string()))));
        }
        let path = session.req_header().uri.path();
        if path == "/.vestibule/auth" {
            return Ok(Some(Box::pin(self.forward_auth(session, context)).await));
        }
        let host = host::of(session.req_header()).map(|host| self.rules.hosts.compare(host));
        let Some(host @ (HostMatch::Public | HostMatch::Alias)) = host else {
            return Ok(Some(self.refuse(session, context, 421, None)));
        };
        if path.strip_prefix(OWN).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
            let path = path.to_owned();
            return Box::pin(self.own(session, context, &path)).await;
        }
        let route = match self.rules.routes.find(path) {
            Ok(route) => route,
            Err(error) => return Ok(Some(self.refuse(session, context, 400, Some(&error.to_string())))),
        };
        let authentication = self.sessions.authenticate(&session.req_header().headers).await;
        let decision = decide_request(&route.access, route.max_age, &authentication, || self.sessions.now());
        context.outcome = decision.into();
        context.upstream = route.upstream;
        Ok(match decision {
            Decision::Forward => {
                let renews = route.access != Access::Public;
                self.let_pass(session, context, authentication, route, renews);
                None
            }
            Decision::SignIn => Some(self.ask(Wanted::SignIn, session, host)),
            Decision::SecondFactor => Some(self.ask(Wanted::SecondFactor, session, host)),
            Decision::Forbidden(why) => {
                let who = if let Authentication::SignedIn(who) = &authentication { Some(&*who.facts) } else { None };
                Some(self.refuse_whom(session, context, 403, explain(why), who))
            }
            Decision::Unavailable => Some(self.refuse(session, context, 503, None)),
        })
    }

    /// `renews`: whether the cookie may be sealed anew; not where answers may be cached for everybody.
    fn let_pass(
        &self,
        session: &mut Session,
        context: &mut Context,
        authentication: Authentication,
        route: &Route,
        renews: bool,
    ) {
        if let Authentication::SignedIn(mut who) = authentication {
            guard::watch(who.session, route.number);
            who.renewed = who.renewed.filter(|_| renews);
            context.who = Some(who);
        }
        flow::begin(session, context, self.rules.upstreams[context.upstream].speaks_h2());
        // pingora copies the header for the app: the spelling of its names need not be copied along.
        rewrite(session.req_header_mut(), |_| {});
    }

    fn ask(&self, wanted: Wanted, session: &Session, host: HostMatch) -> Answer {
        let request = session.req_header();
        if !is_navigation(&request.method, &request.headers) {
            return sign_in::required(wanted, &self.rules.public_url);
        }
        // Another name of this machine has other cookies: the sign-in happens at the public one.
        let base = if host == HostMatch::Public { "" } else { &self.rules.public_url };
        sign_in::redirect(wanted, base, request.uri.path_and_query().map_or("/", |target| target.as_str()))
    }

    fn refuse(&self, session: &Session, context: &mut Context, status: u16, reason: Option<&str>) -> Answer {
        self.refuse_whom(session, context, status, reason, None)
    }

    /// Refuses, and says on a page as whom they came.
    fn refuse_whom(
        &self,
        session: &Session,
        context: &mut Context,
        status: u16,
        reason: Option<&str>,
        who: Option<&Facts>,
    ) -> Answer {
        let reference = context.reference(&*self.rng);
        if !accepts_html(&session.req_header().headers) {
            return Answer::error(status, reason, &reference);
        }
        let place = Place { site: &self.rules.site, front: &self.rules.public_url };
        Answer::page(status, reason, &reference, place, who)
    }

    async fn forward_auth(&self, session: &Session, context: &mut Context) -> Answer {
        context.outcome = Outcome::ForwardAuth;
        let reference = context.reference(&*self.rng);
        if !self.rules.trusts(peer_address(session)) {
            let reason = "Only a proxy listed in trusted_proxies may ask here.";
            return Answer::error(400, Some(reason), &reference);
        }
        let headers = &session.req_header().headers;
        let authentication = self.sessions.authenticate(headers).await;
        forward_auth::answer(&self.rules, &self.sessions, headers, &authentication, &reference)
    }

    /// Vestibule's own pages: two are the gate's, the others the portal's.
    async fn own(&self, session: &mut Session, context: &mut Context, path: &str) -> pingora::Result<Option<Answer>> {
        context.outcome = Outcome::Own;
        let reads = matches!(session.req_header().method, http::Method::GET | http::Method::HEAD);
        match path {
            "/.vestibule/session" | "/.vestibule/jwks.json" if !reads => {
                return Ok(Some(self.refuse(session, context, 405, None)));
            }
            "/.vestibule/jwks.json" => return Ok(Some(own::key_set(&self.sessions))),
            "/.vestibule/session" => {
                let authentication = self.sessions.authenticate(&session.req_header().headers).await;
                let reference = context.reference(&*self.rng);
                return Ok(Some(own::session(&authentication, &self.rules.public_url, &reference)));
            }
            _ => {}
        }
        let headers = &session.req_header().headers;
        let Some(peer) = peer_address(session) else {
            return Ok(Some(self.refuse(session, context, 400, None)));
        };
        let address = self.rules.trusted.client(peer, headers);
        let reference = context.reference(&*self.rng);
        let refused = portal_service::answer(session, &self.portal, &self.receiving, address, &reference).await?;
        Ok(refused.map(|status| self.refuse(session, context, status, None)))
    }
}

const fn explain(why: Forbidden) -> Option<&'static str> {
    match why {
        Forbidden::NoOrganization => {
            Some("Your account is in no organization here. Ask an admin of your organization to add you.")
        }
        Forbidden::NotForThem => None,
    }
}

/// Makes a request's path canonical in place.
fn canonicalize(request: &mut RequestHeader) -> Result<(), path::PathError> {
    let canonical = path::canonical(request.uri.path())?;
    let query = request.uri.query();
    let as_it_came = request.uri.path_and_query().map_or("", |target| target.as_str());
    // An absolute-form target is kept raw by pingora: it goes on in origin form.
    if matches!(canonical, std::borrow::Cow::Borrowed(_)) && request.raw_path() == as_it_came.as_bytes() {
        return Ok(());
    }
    let target = query.map_or_else(|| canonical.clone().into_owned(), |query| format!("{canonical}?{query}"));
    let mut parts = request.uri.clone().into_parts();
    parts.path_and_query = Some(target.parse().map_err(|_| path::PathError::Character)?);
    request.set_uri(http::Uri::from_parts(parts).map_err(|_| path::PathError::Character)?);
    Ok(())
}

#[async_trait]
impl ProxyHttp for Gate {
    type CTX = Context;

    fn new_ctx(&self) -> Context {
        Context::default()
    }

    /// None: answers pass as the app made them, so pingora's compression need not look at each.
    fn init_downstream_modules(&self, _: &mut HttpModules) {}

    async fn early_request_filter(&self, session: &mut Session, _: &mut Context) -> pingora::Result<()> {
        guard::header_is_read(&self.sessions);
        session.set_read_timeout(Some(limits::BODY_SILENCE));
        session.set_write_timeout(Some(limits::WRITE_SILENCE));
        Ok(())
    }

    async fn request_filter(&self, session: &mut Session, context: &mut Context) -> pingora::Result<bool> {
        match self.admit(session, context).await? {
            Some(answer) => Box::pin(answer.send(session)).await?,
            None if context.outcome == Outcome::Own => {}
            None => return Ok(false),
        }
        Ok(true)
    }

    async fn upstream_peer(&self, _: &mut Session, context: &mut Context) -> pingora::Result<Box<HttpPeer>> {
        context.tries += 1;
        context.target = self.rules.upstreams[context.upstream].pick();
        let Some(target) = &context.target else {
            return Error::e_explain(ErrorType::HTTPStatus(502), "the upstream has no address");
        };
        Ok(target.peer(context.announced))
    }

    fn fail_to_connect(
        &self,
        _: &mut Session,
        _: &HttpPeer,
        context: &mut Context,
        mut error: Box<Error>,
    ) -> Box<Error> {
        let upstream = &self.rules.upstreams[context.upstream];
        if let Some(target) = &context.target {
            upstream.failed(target);
        }
        // Nothing was sent yet, so any request may go to the next address.
        error.set_retry(context.tries < upstream.count().min(TRIES));
        error
    }

    async fn upstream_request_filter(
        &self,
        session: &mut Session,
        request: &mut RequestHeader,
        context: &mut Context,
    ) -> pingora::Result<()> {
        let (rules, came) = (&*self.rules, session.req_header());
        let forwarded = peer_address(session)
            .map(|peer| Forwarded::of(&rules.trusted, peer, &came.headers, host::value(came), rules.https));
        let trailers = request.version == Version::HTTP_2
            && session.get_header(header::TE).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"trailers"));
        rewrite(request, |headers| {
            rules.headers.strip(headers);
            headers.reserve(rules.headers.written() + FURTHER_HEADERS);
            if let Some(forwarded) = forwarded {
                forwarded.write(headers);
            }
            if trailers {
                headers.insert(header::TE, header::HeaderValue::from_static("trailers"));
            }
            let Some(who) = &context.who else { return };
            let audience = &rules.upstreams[context.upstream].audience;
            rules.headers.identify(who, &self.sessions, audience, |name, value| {
                headers.insert(name, value);
            });
        });
        Ok(())
    }

    async fn request_body_filter(
        &self,
        session: &mut Session,
        body: &mut Option<Bytes>,
        whole: bool,
        context: &mut Context,
    ) -> pingora::Result<()> {
        flow::piece(session, context, body.as_ref().map_or(0, Bytes::len), whole)
    }

    async fn response_filter(
        &self,
        session: &mut Session,
        response: &mut ResponseHeader,
        context: &mut Context,
    ) -> pingora::Result<()> {
        flow::answer_begins(session, response, context)?;
        strip_set_cookies(response);
        if response.status.is_informational() {
            return Ok(());
        }
        if let Some(cookie) = context.who.as_mut().and_then(|who| who.renewed.take()) {
            response.append_header(header::SET_COOKIE, cookie)?;
            response.insert_header(header::CACHE_CONTROL, "private, no-store")?;
        }
        Ok(())
    }

    fn response_body_filter(
        &self,
        session: &mut Session,
        _: &mut Option<Bytes>,
        last: bool,
        context: &mut Context,
    ) -> pingora::Result<Option<Duration>> {
        if last {
            flow::answer_ends(session, context);
        }
        Ok(None)
    }

    async fn response_trailer_filter(
        &self,
        session: &mut Session,
        _: &mut http::HeaderMap,
        context: &mut Context,
    ) -> pingora::Result<Option<Bytes>> {
        flow::answer_ends(session, context);
        Ok(None)
    }

    async fn fail_to_proxy(&self, session: &mut Session, error: &Error, context: &mut Context) -> FailToProxy {
        let status = status_of(error);
        let begun = session.response_written().is_some_and(|response| !response.status.is_informational());
        if status != 0 && !begun {
            if *error.esource() == ErrorSource::Upstream {
                context.outcome = Outcome::UpstreamFailed;
                let upstream = self.rules.upstreams[context.upstream].name().to_owned();
                metrics::counter!("vestibule_upstream_errors_total", "upstream" => upstream).increment(1);
            }
            session.set_keepalive(None);
            let answer = self.refuse(session, context, status, None);
            if let Err(error) = answer.send(session).await {
                tracing::debug!(%error, "the client was gone before the error page");
            }
        }
        FailToProxy { error_code: status, can_reuse_downstream: false }
    }

    fn request_summary(&self, session: &Session, _: &Context) -> String {
        summary(session.req_header())
    }

    fn suppress_error_log(&self, _: &Session, _: &Context, error: &Error) -> bool {
        // A client that leaves is no error of anybody's.
        *error.esource() == ErrorSource::Downstream
    }

    async fn logging(&self, session: &mut Session, error: Option<&Error>, context: &mut Context) {
        context.log(session, &self.counters, self.rules.access_log, error);
    }
}

/// A request in a line of the log: without its query, which may hold an app's secrets.
fn summary(request: &RequestHeader) -> String {
    format!("{} {}", request.method, request.uri.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_query_gets_into_the_log() {
        for target in ["/public/reset?token=secret", "http://localhost/public/reset?token=secret"] {
            let mut request = RequestHeader::build("GET", target.as_bytes(), None).unwrap();
            canonicalize(&mut request).unwrap();
            assert_eq!(summary(&request), "GET /public/reset");
        }
    }
}
