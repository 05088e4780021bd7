//! The assertion consumer service: takes the IdP's answer, which comes from another site and so without our cookies,
//! verifies it, and sends the browser to the last step, where its cookies are at hand (D23).

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{Extension, Path, RawQuery, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::attempt::{Attempt, check};
use super::form::{ACS_FORM_LIMIT, Form, FormError};
use super::page::{self, Trouble};
use super::pending::{self, SignIn, Stage, USED_ASSERTIONS, VerifiedIdentity};
use super::state::Portal;
use super::testing;
use super::unasked;
use crate::directory::{LoginMessage, Organization, SsoConnection, effective, sso, two_factor};
use crate::kernel::{Client, Fault, FaultKind, Reference, Timestamp};
use crate::saml::{
    DecryptionKey, Expected, IdentityProvider, SamlError, UnverifiedResponse, Verdict, VerifiedAssertion, keys,
    stable_name_id,
};
use crate::store::{StoreError, Tx};

/// What is said to a person who comes by hand or by a reload.
const REACHED_BY_HAND: &str = "This address only takes answers from your identity provider. Please start again.";

/// Why an answer does not lead on.
enum Failure {
    /// The answer is refused.
    Refused(SamlError),
    /// Something else is in the way, mostly of our own.
    Trouble(Trouble),
}

impl From<SamlError> for Failure {
    fn from(error: SamlError) -> Self {
        Failure::Refused(error)
    }
}
impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Failure::Trouble(error.into())
    }
}
impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        Failure::Trouble(trouble)
    }
}

/// What an answer leads to.
enum Answer {
    /// It was verified just now.
    Verified,
    /// It was verified, and answers no request: the browser gets this cookie, and the person is asked (R46).
    Unasked(String),
    /// It was used before: the last step knows whether this very browser is in already (R34).
    Used,
}

/// `POST /.vestibule/saml/{slug}/acs`.
///
/// # Errors
/// A refusal, written down, as a page with a reference.
pub async fn post(
    State(portal): State<Arc<Portal>>,
    Path(slug): Path<String>,
    RawQuery(query): RawQuery,
    Extension(client): Extension<Client>,
    Extension(reference): Extension<Reference>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Trouble> {
    portal.answers.pass(client, portal.store.now())?;
    let organization = portal.organization(&slug).await?;
    let mut attempt = Attempt::new(organization, client, reference);
    let arriving = portal.pool.receive()?;
    let message = Message::read(&headers, query.as_deref(), body).await;
    drop(arriving);
    let place = portal.pool.admit()?;
    let outcome = match message {
        Ok(message) => consume(&portal, &mut attempt, message).await,
        Err(error) => Err(Failure::Refused(error)),
    };
    let answered = match outcome {
        Ok((request_id, Answer::Verified)) => Ok(request_id),
        Ok((id, Answer::Unasked(cookie))) => {
            drop(place);
            let slug = attempt.organization.slug.as_str();
            return Ok(unasked::to_question(&portal, slug, &headers, (&id, &cookie)));
        }
        Ok((request_id, Answer::Used)) => {
            // Written down as refused; the person sees it only where their browser is not in already.
            attempt.message = None;
            portal.refuse(&attempt, &SamlError::Replayed).await;
            Ok(request_id)
        }
        Err(Failure::Refused(error)) if attempt.test.is_some() => testing::failed(&portal, &attempt, &error).await,
        Err(Failure::Refused(error)) => Err(portal.refuse(&attempt, &error).await),
        Err(Failure::Trouble(trouble)) => Err(trouble),
    };
    drop(place);
    let slug = &attempt.organization.slug;
    answered.map(|id| page::redirect(&format!("/.vestibule/saml/{slug}/finish?login={id}"), &[]))
}

/// `GET /.vestibule/saml/{slug}/acs`: never an answer (R48); a person who comes here by hand is shown where to start.
///
/// # Errors
/// Always: a page, and a record if it carried a message.
pub async fn get(
    State(portal): State<Arc<Portal>>,
    Path(slug): Path<String>,
    RawQuery(query): RawQuery,
    Extension(client): Extension<Client>,
    Extension(reference): Extension<Reference>,
) -> Result<Response, Trouble> {
    portal.answers.pass(client, portal.store.now())?;
    let organization = portal.organization(&slug).await?;
    let wrong = SamlError::WrongBinding("it came by GET");
    let carries = ["SAMLResponse", "SAMLRequest", "SAMLart"];
    let trouble = if query.is_some_and(|query| carries.iter().any(|name| query.contains(name))) {
        portal.refuse(&Attempt::new(organization, client, reference), &wrong).await
    } else {
        let mut trouble = Trouble::from(Fault::plain(FaultKind::Invalid, REACHED_BY_HAND));
        trouble.again = Some(Attempt::new(organization, client, reference).start_again().into());
        trouble
    };
    let mut response = trouble.into_response();
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
    Ok(response)
}

/// The answer as it was posted.
struct Message {
    response: UnverifiedResponse,
    relay_state: Option<String>,
}

impl Message {
    async fn read(headers: &HeaderMap, query: Option<&str>, body: Body) -> Result<Self, SamlError> {
        if query.is_some_and(|query| query.contains("SAML") || query.contains("RelayState")) {
            return Err(SamlError::WrongBinding("it came in the URL's query"));
        }
        let form = Form::read(headers, body, ACS_FORM_LIMIT).await.map_err(|error| match error {
            FormError::TooLarge => SamlError::TooLarge { what: "bytes of the form", limit: ACS_FORM_LIMIT },
            other => SamlError::WrongBinding(other.text()),
        })?;
        let field = form.get("SAMLResponse").ok_or(SamlError::WrongBinding("there is no field SAMLResponse"))?;
        let relay_state = form.get("RelayState").filter(|text| !text.is_empty()).map(str::to_owned);
        Ok(Message { response: UnverifiedResponse::from_form_field(field)?, relay_state })
    }
}

/// Finds what the answer is to, verifies it, and moves the sign-in on.
async fn consume(portal: &Arc<Portal>, attempt: &mut Attempt, message: Message) -> Result<(String, Answer), Failure> {
    let reader = portal.store.reader();
    let organization = attempt.organization.clone();
    let connection = sso::connection(&reader, organization.id).await?.ok_or(SamlError::SsoOff)?;
    attempt.idp = Some(connection.settings.entity_id.clone());
    let relay_state = message.relay_state;
    let claimed = if relay_state.is_some() {
        relay_state.clone()
    } else {
        let response = message.response.clone();
        portal.pool.run(move || response.peek().and_then(|peek| peek.in_response_to)).await?
    };
    let found = match &claimed {
        Some(id) => pending::find(&reader, id).await?.filter(|found| found.connection == organization.id),
        None => None,
    };
    let request_id = claimed.filter(|_| found.is_some());
    attempt.request_id.clone_from(&request_id);
    attempt.return_to = found.as_ref().map(|found| found.return_to.clone());
    attempt.test = found.as_ref().and_then(|found| found.test.clone());
    if let Some(found) = &found {
        attempt.aim(&reader, found).await?;
    }
    let went_on = |found: &SignIn| !matches!(found.stage, Stage::Pending);
    if let (Some(id), true) = (&request_id, found.as_ref().is_some_and(went_on)) {
        attempt.check("used once", false, "an answer that was not used yet", "it was used");
        return Ok((id.clone(), Answer::Used));
    }
    let keys = decryption_keys(&reader).await?;
    let updated = connection.settings.updated;
    let task = Verification {
        response: message.response,
        connection,
        entity_id: portal.provider.entity_id(&organization.slug),
        acs_url: portal.provider.acs_url(&organization.slug),
        request_id: request_id.clone(),
        unsolicited: effective::of_organization(&reader, organization.clone()).await?.rules.idp_initiated,
        keys,
        now: portal.store.now(),
    };
    let (verdict, message) = portal.pool.run(move || task.run()).await??;
    attempt.message = message;
    let checks = verdict.checks.iter();
    attempt.checks.extend(checks.map(|c| check(c.name.as_str(), c.passed, &c.expected, &c.received)));
    attempt.assertion_id = verdict.facts.assertion_id;
    let assertion = verdict.outcome?;
    attempt.email = Some(assertion.email().to_string());
    let identity = identity(&assertion, attempt, updated);
    let Some(request_id) = request_id else {
        // The verifier let it pass: it answers nothing, and the organization takes that (R46).
        let kept = unasked::keep(portal, &organization, &assertion, &identity, relay_state.as_deref()).await?;
        let (id, cookie) = kept.ok_or(SamlError::Replayed)?;
        return Ok((id, Answer::Unasked(cookie)));
    };
    let answer = accept(portal, &organization, &request_id, &assertion, &identity).await?;
    Ok((request_id, answer))
}

/// One transaction: the sign-in is still pending, the assertion was never used, and now it is verified (R32).
async fn accept(
    portal: &Portal,
    organization: &Organization,
    request_id: &str,
    assertion: &VerifiedAssertion,
    identity: &VerifiedIdentity,
) -> Result<Answer, Failure> {
    portal
        .store
        .transaction("accept response", async |tx: Tx| {
            let unknown = || SamlError::InResponseToUnknown { received: request_id.to_owned() };
            let sign_in = pending::find(&tx, request_id).await?.ok_or_else(unknown)?;
            if !matches!(sign_in.stage, Stage::Pending) {
                return Ok(Answer::Used);
            }
            let key = (organization.id, assertion.issuer().to_owned(), assertion.assertion_id().to_owned());
            if !tx.use_once(&USED_ASSERTIONS, &key, assertion.not_on_or_after()).await? {
                return Err(Failure::Refused(SamlError::Replayed));
            }
            sign_in.verified(&tx, request_id, identity.clone())?;
            Ok(Answer::Verified)
        })
        .await
}

/// What is left of the assertion; `updated`: when the connection was last changed that it was verified by.
fn identity(assertion: &VerifiedAssertion, attempt: &Attempt, updated: Timestamp) -> VerifiedIdentity {
    let claims = assertion.attributes().iter().map(|claim| (claim.name.as_str(), &claim.values[..]));
    VerifiedIdentity {
        email: assertion.email().clone(),
        first_name: assertion.first_name().map(str::to_owned),
        last_name: assertion.last_name().map(str::to_owned),
        stable_name_id: stable_name_id(assertion).map(|name_id| name_id.value.clone()),
        authenticated: assertion.authn_instant(),
        session_end: assertion.session_not_on_or_after(),
        authn_methods: two_factor::methods(assertion.authn_contexts(), claims),
        assertion_id: assertion.assertion_id().to_owned(),
        checks: attempt.checks.clone(),
        message: attempt.message.clone(),
        connection_updated: Some(updated),
    }
}

async fn decryption_keys(reader: &Tx) -> Result<Vec<Vec<u8>>, Failure> {
    let held = keys::all(reader).await?;
    Ok(held.iter().map(|held| held.key.pkcs8().expose().clone()).collect())
}

/// All that verifying needs, to be done on another thread.
struct Verification {
    response: UnverifiedResponse,
    connection: SsoConnection,
    entity_id: String,
    acs_url: String,
    request_id: Option<String>,
    unsolicited: bool,
    keys: Vec<Vec<u8>>,
    now: Timestamp,
}

impl Verification {
    /// The verdict, and the message for people to look at, unless a stranger may have sent it.
    fn run(self) -> Result<(Verdict, Option<LoginMessage>), SamlError> {
        let started = Instant::now();
        let connection = IdentityProvider::new(&self.connection)?;
        let keys: Vec<DecryptionKey> =
            self.keys.iter().map(|der| DecryptionKey::from_pkcs8_der(der)).collect::<Result<_, _>>()?;
        let expected = Expected {
            connection: &connection,
            entity_id: &self.entity_id,
            acs_url: &self.acs_url,
            in_response_to: self.request_id.as_deref(),
            unsolicited: self.unsolicited,
            decryption_keys: &keys,
        };
        let verdict = self.response.verify(&expected, self.now);
        metrics::histogram!("vestibule_saml_verification_seconds").record(started.elapsed().as_secs_f64());
        let ours = self.request_id.is_some() || verdict.outcome.is_ok();
        let message = if ours { self.response.to_show() } else { None };
        Ok((verdict, message))
    }
}
