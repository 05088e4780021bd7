//! Our own checks of a response whose signature holds: who issued it, for whom, for when, in answer to what (R24 to R31).

use std::time::Duration;

use uppsala::NodeId;

use super::checks::{CheckName, Checks};
use super::document::{ASSERTION, PROTOCOL, Tree};
use super::error::{SamlError, shown};
use super::instant::Instant;
use super::response::Expected;
use crate::directory::sso::SsoSettings;
use crate::kernel::Timestamp;

/// The message as it is checked: the Response, and the Assertion in its own tree if it came encrypted.
pub(super) struct Message<'m, 'a> {
    /// The tree of the Response.
    pub(super) outer: &'m Tree<'a>,
    /// Whether a verified signature covers the Response.
    pub(super) response_signed: bool,
    /// The tree of the Assertion.
    pub(super) inner: &'m Tree<'a>,
    /// The Assertion.
    pub(super) assertion: NodeId,
}

/// Until when things hold, as found by the checks.
#[derive(Default)]
pub(super) struct Times {
    /// When the person was authenticated.
    pub(super) authn_instant: Option<Timestamp>,
    /// Until when the IdP lets the session last.
    pub(super) session_end: Option<Timestamp>,
    /// Until when the assertion could be accepted, skew included.
    pub(super) assertion_end: Option<Timestamp>,
}

/// Whether the IdP says Success; its words if not (R29).
pub(super) fn status(tree: &Tree<'_>) -> Result<((), String), SamlError> {
    const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
    let missing = || SamlError::Structure("a Response without Status".into());
    let status = tree.only(tree.root, PROTOCOL, "Status")?.ok_or_else(missing)?;
    let code = tree.only(status, PROTOCOL, "StatusCode")?.ok_or_else(missing)?;
    let value = tree.attribute(code, "Value").unwrap_or_default();
    if value == SUCCESS {
        return Ok(((), "Success".into()));
    }
    let detail = tree.only(code, PROTOCOL, "StatusCode")?.and_then(|code| tree.attribute(code, "Value"));
    let message = tree.only(status, PROTOCOL, "StatusMessage")?.map(|node| tree.text(node)).transpose()?;
    Err(SamlError::StatusNotSuccess {
        code: shown(value),
        detail: shown(detail.unwrap_or_default()),
        message: shown(message.unwrap_or_default().trim()),
    })
}

/// Runs every check; each is written down, and the first that failed decides.
pub(super) fn check(
    message: &Message<'_, '_>,
    expected: &Expected<'_>,
    now: Timestamp,
    checks: &mut Checks,
) -> Result<Times, SamlError> {
    let settings = expected.connection.settings();
    let clock = Clock::new(now, settings);
    let mut times = Times::default();
    checks.note(CheckName::Issuer, &settings.entity_id, issuer(message, settings));
    checks.note(CheckName::Destination, expected.acs_url, destination(message, expected));
    let audience = conditions_of(message).and_then(|node| audience(message.inner, node, expected.entity_id));
    checks.note(CheckName::Audience, expected.entity_id, audience);
    let conditions = conditions_of(message).and_then(|node| known_conditions(message.inner, node));
    checks.note(CheckName::Conditions, "AudienceRestriction, OneTimeUse, ProxyRestriction", conditions);
    let conditions_end = checks.note(CheckName::Time, &now.to_string(), validity(message, &clock)).flatten();
    let pending = expected.in_response_to.unwrap_or("no request is pending");
    checks.note(CheckName::InResponseTo, pending, in_response_to(message, expected));
    let bearer_end = checks.note(CheckName::SubjectConfirmation, expected.acs_url, bearer(message, expected, &clock));
    if let Some((instant, end)) =
        checks.note(CheckName::Authentication, "AuthnStatement", authentication(message, &clock))
    {
        times.authn_instant = Some(instant);
        times.session_end = end;
    }
    checks.first_failure()?;
    let end = bearer_end.map(|bearer| conditions_end.map_or(bearer, |conditions| bearer.min(conditions)));
    times.assertion_end = end.map(|end| end.plus(clock.skew));
    Ok(times)
}

/// Our time, with the skew that the connection grants (R28).
struct Clock {
    now: Timestamp,
    skew: Duration,
}

impl Clock {
    fn new(now: Timestamp, settings: &SsoSettings) -> Self {
        let seconds = settings.skew_seconds.min(SsoSettings::MAX_SKEW_SECONDS);
        Clock { now, skew: Duration::from_secs(seconds.into()) }
    }

    /// Refuses from the moment `at` on, skew granted.
    fn before(&self, what: &'static str, at: Timestamp) -> Result<(), SamlError> {
        if self.now >= at.plus(self.skew) { Err(SamlError::Expired { what, at, now: self.now }) } else { Ok(()) }
    }

    /// Refuses until the moment `at`, skew granted.
    fn after(&self, what: &'static str, at: Timestamp) -> Result<(), SamlError> {
        if self.now.plus(self.skew) < at { Err(SamlError::NotYetValid { what, at, now: self.now }) } else { Ok(()) }
    }
}

/// The Assertion's issuer, and the Response's if it has one (it must, if it is signed): exactly the IdP (R24).
fn issuer(message: &Message<'_, '_>, settings: &SsoSettings) -> Result<((), String), SamlError> {
    let of = |tree: &Tree<'_>, node| tree.only(node, ASSERTION, "Issuer")?.map(|issuer| tree.text(issuer)).transpose();
    let mismatch =
        |received: &str| SamlError::IssuerMismatch { expected: settings.entity_id.clone(), received: shown(received) };
    let response = of(message.outer, message.outer.root)?;
    let assertion = of(message.inner, message.assertion)?;
    match &response {
        None if message.response_signed => return Err(mismatch("no issuer of the signed Response")),
        Some(issuer) if *issuer != settings.entity_id => return Err(mismatch(issuer)),
        _ => {}
    }
    match assertion {
        Some(issuer) if issuer == settings.entity_id => Ok(((), issuer)),
        other => Err(mismatch(&other.unwrap_or_else(|| "no issuer of the Assertion".into()))),
    }
}

/// The Destination: our ACS if it is there, and there if the Response is signed (R27).
fn destination(message: &Message<'_, '_>, expected: &Expected<'_>) -> Result<((), String), SamlError> {
    match message.outer.attribute(message.outer.root, "Destination") {
        Some(url) if url == expected.acs_url => Ok(((), url.to_owned())),
        None if !message.response_signed => Ok(((), "none, and the Response is not signed".into())),
        other => Err(SamlError::DestinationMismatch {
            expected: expected.acs_url.to_owned(),
            received: shown(other.unwrap_or("nobody: the signed Response has no Destination")),
        }),
    }
}

fn conditions_of(message: &Message<'_, '_>) -> Result<NodeId, SamlError> {
    let found = message.inner.only(message.assertion, ASSERTION, "Conditions")?;
    found.ok_or_else(|| SamlError::Structure("an Assertion without Conditions".into()))
}

/// At least one AudienceRestriction, and each of them names us (R25).
fn audience(tree: &Tree<'_>, conditions: NodeId, entity_id: &str) -> Result<((), String), SamlError> {
    let mismatch =
        |received: &str| SamlError::AudienceMismatch { expected: entity_id.to_owned(), received: shown(received) };
    let mut all = Vec::new();
    for restriction in tree.named(conditions, ASSERTION, "AudienceRestriction") {
        let named: Vec<String> =
            tree.named(restriction, ASSERTION, "Audience").map(|node| tree.text(node)).collect::<Result<_, _>>()?;
        if !named.iter().any(|audience| audience == entity_id) {
            return Err(mismatch(&named.join(", ")));
        }
        all.extend(named);
    }
    if all.is_empty() { Err(mismatch("nobody in particular: there is no audience")) } else { Ok(((), all.join(", "))) }
}

/// Every condition is one that we know; OneTimeUse is kept by the replay memory (R30).
fn known_conditions(tree: &Tree<'_>, conditions: NodeId) -> Result<((), String), SamlError> {
    for condition in tree.elements(conditions) {
        match tree.name(condition) {
            (ASSERTION, "AudienceRestriction" | "OneTimeUse" | "ProxyRestriction") => {}
            (_, name) => return Err(SamlError::ConditionUnknown(shown(name))),
        }
    }
    Ok(((), "all understood".to_owned()))
}

/// The Conditions' dates, and the issue instants, which may not lie in the future (R28).
fn validity(message: &Message<'_, '_>, clock: &Clock) -> Result<(Option<Timestamp>, String), SamlError> {
    let conditions = conditions_of(message)?;
    let tree = message.inner;
    let from = Instant::of(tree, conditions, "NotBefore")?;
    let to = Instant::of(tree, conditions, "NotOnOrAfter")?;
    let outer = Instant::required(message.outer, message.outer.root, "IssueInstant")?;
    clock.after("The Response", outer)?;
    clock.after("The Assertion", Instant::required(tree, message.assertion, "IssueInstant")?)?;
    from.map_or(Ok(()), |from| clock.after("The Assertion", from))?;
    to.map_or(Ok(()), |to| clock.before("The Assertion", to))?;
    let text = |moment: Option<Timestamp>| moment.map_or("any time".into(), |moment| moment.to_string());
    Ok((to, format!("{} to {}", text(from), text(to))))
}

/// What the Response says that it answers must be what is pending, if it says so; the signed data is checked with the
/// bearer (R31). An answer to nothing is refused, unless the organization takes such, and then it says that
/// it answers nothing (R46).
fn in_response_to(message: &Message<'_, '_>, expected: &Expected<'_>) -> Result<((), String), SamlError> {
    let response = message.outer.attribute(message.outer.root, "InResponseTo");
    let mut named = vec![response];
    for confirmation in confirmations(message)? {
        named.push(confirmation.data.and_then(|data| message.inner.attribute(data, "InResponseTo")));
    }
    let first = named.iter().flatten().next();
    match (expected.in_response_to, first) {
        (None, None) if expected.unsolicited => Ok(((), "nothing: answers that nobody asked for are taken".to_owned())),
        (_, None) => Err(SamlError::Unsolicited),
        (Some(pending), Some(_)) if response.is_none_or(|response| response == pending) => Ok(((), pending.to_owned())),
        (_, Some(received)) => Err(SamlError::InResponseToUnknown { received: shown(response.unwrap_or(received)) }),
    }
}

/// A subject confirmation of the bearer kind.
struct Confirmation {
    data: Option<NodeId>,
}

fn confirmations(message: &Message<'_, '_>) -> Result<Vec<Confirmation>, SamlError> {
    const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
    let tree = message.inner;
    let Some(subject) = tree.only(message.assertion, ASSERTION, "Subject")? else { return Ok(Vec::new()) };
    tree.named(subject, ASSERTION, "SubjectConfirmation")
        .filter(|node| tree.attribute(*node, "Method") == Some(BEARER))
        .map(|node| Ok(Confirmation { data: tree.only(node, ASSERTION, "SubjectConfirmationData")? }))
        .collect()
}

/// One bearer confirmation must fit wholly (R26). Gives the latest end of all bearer confirmations, so that the replay
/// memory outlasts each.
fn bearer(message: &Message<'_, '_>, expected: &Expected<'_>, clock: &Clock) -> Result<(Timestamp, String), SamlError> {
    let mut latest: Option<Timestamp> = None;
    let mut failure = None;
    let mut fits = false;
    for confirmation in confirmations(message)? {
        let end = confirmation.data.map(|data| Instant::of(message.inner, data, "NotOnOrAfter")).transpose()?.flatten();
        latest = latest.max(end);
        match bearer_fits(message.inner, confirmation.data, end, expected, clock) {
            Ok(()) => fits = true,
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    match (latest, fits) {
        (Some(latest), true) => Ok((latest, format!("{}, until {latest}", expected.acs_url))),
        _ => Err(failure.unwrap_or(SamlError::SubjectConfirmation("there is none"))),
    }
}

fn bearer_fits(
    tree: &Tree<'_>,
    data: Option<NodeId>,
    end: Option<Timestamp>,
    expected: &Expected<'_>,
    clock: &Clock,
) -> Result<(), SamlError> {
    let data = data.ok_or(SamlError::SubjectConfirmation("it has no data"))?;
    let recipient = tree.attribute(data, "Recipient");
    if recipient != Some(expected.acs_url) {
        return Err(SamlError::RecipientMismatch {
            expected: expected.acs_url.to_owned(),
            received: shown(recipient.unwrap_or("nobody: there is no Recipient")),
        });
    }
    if tree.attribute(data, "NotBefore").is_some() {
        return Err(SamlError::SubjectConfirmation("it has a NotBefore"));
    }
    clock.before("The confirmation", end.ok_or(SamlError::SubjectConfirmation("it has no NotOnOrAfter"))?)?;
    match tree.attribute(data, "InResponseTo") {
        Some(request) if Some(request) == expected.in_response_to => Ok(()),
        Some(request) => Err(SamlError::InResponseToUnknown { received: shown(request) }),
        None if expected.unsolicited && expected.in_response_to.is_none() => Ok(()),
        None => Err(SamlError::Unsolicited),
    }
}

/// At least one AuthnStatement, each with a past instant and a session that has not ended (R28, R30).
fn authentication(
    message: &Message<'_, '_>,
    clock: &Clock,
) -> Result<((Timestamp, Option<Timestamp>), String), SamlError> {
    let tree = message.inner;
    let mut found: Option<(Timestamp, Option<Timestamp>)> = None;
    for statement in tree.named(message.assertion, ASSERTION, "AuthnStatement") {
        let instant = Instant::required(tree, statement, "AuthnInstant")?;
        clock.after("The authentication", instant)?;
        let end = Instant::of(tree, statement, "SessionNotOnOrAfter")?;
        end.map_or(Ok(()), |end| clock.before("The session at the IdP", end))?;
        found = Some(match found {
            None => (instant, end),
            Some((first, earlier)) => (first.min(instant), earlier.into_iter().chain(end).min()),
        });
    }
    let (instant, end) = found.ok_or_else(|| SamlError::Structure("an Assertion without AuthnStatement".into()))?;
    Ok(((instant, end), format!("authenticated at {instant}")))
}
