//! The last step of a sign-in: in the browser that began it, its identity is admitted and a session made (R33, D23).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, Path, RawQuery, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};

use super::admitting;
use super::attempt::Attempt;
use super::form::{Form, PAGE_FORM_LIMIT, query_value};
use super::local::Arrival;
use super::opening::{Opened, Opening};
use super::page::{self, ChangeHandsPage, PickPage, Trouble};
use super::pending::{self, SignIn, Stage, VerifiedIdentity};
use super::same_origin;
use super::state::Portal;
use super::testing;
use super::visitor::Visitor;
use crate::directory::two_factor::FirstFactor;
use crate::directory::{Admission, Admitted, Aim, Organization, effective, user};
use crate::kernel::{Client, EmailAddress, Fault, OrgId, Reference, Slug, UserId};
use crate::saml::SamlError;
use crate::saml::error::shown;
use crate::session::{Method, NewSession, SecondFactor, SecondMethod};
use crate::store::{StoreError, Tx};

/// The last check's name, and what it expects.
pub(super) const ADMITTED: &str = "admitted";
pub(super) const MEMBER: &str = "a member, by the rules of the organization";

/// `GET /.vestibule/saml/{slug}/finish?login=…`.
///
/// # Errors
/// A refusal, written down, as a page with a reference.
pub async fn get(
    State(portal): State<Arc<Portal>>,
    Path(slug): Path<String>,
    RawQuery(query): RawQuery,
    Extension(client): Extension<Client>,
    Extension(reference): Extension<Reference>,
    method: http::Method,
    headers: HeaderMap,
) -> Result<Response, Trouble> {
    portal.answers.pass(client, portal.store.now())?;
    if method == http::Method::HEAD {
        // No session for whoever only looks.
        return Err(Trouble::not_found());
    }
    let request_id = query_value(query.as_deref(), "login").unwrap_or_default();
    last_step(&portal, &slug, request_id, (client, reference), &headers, &Said::default()).await
}

/// `POST /.vestibule/saml/{slug}/finish` with `login`: the same, from the page that asked whether to change hands, or,
/// with `organization`, which one to enter.
///
/// # Errors
/// A post from another site; a refusal, written down, as a page with a reference.
pub async fn post(
    State(portal): State<Arc<Portal>>,
    Path(slug): Path<String>,
    Extension(client): Extension<Client>,
    Extension(reference): Extension<Reference>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Trouble> {
    portal.answers.pass(client, portal.store.now())?;
    same_origin::check(&headers, &portal.origin)?;
    let form = Form::read(&headers, body, PAGE_FORM_LIMIT).await?;
    let request_id = form.get("login").unwrap_or_default().to_owned();
    let picked = form.get("organization").map(|slug| slug.parse().map_err(|_| Trouble::not_found())).transpose()?;
    let said = Said { agreed: true, picked };
    last_step(&portal, &slug, request_id, (client, reference), &headers, &said).await
}

/// What the person said on a page that asked.
#[derive(Clone, Debug, Default)]
struct Said {
    /// To go on as this very person, even if somebody else is signed in in the browser.
    agreed: bool,
    /// Which organization to enter.
    picked: Option<Slug>,
}

/// Proves that this is the browser that asked, and lets it in.
async fn last_step(
    portal: &Portal,
    slug: &str,
    request_id: String,
    (client, reference): (Client, Reference),
    headers: &HeaderMap,
    said: &Said,
) -> Result<Response, Trouble> {
    let organization = portal.organization(slug).await?;
    let mut attempt = Attempt::new(organization, client, reference);
    let found = pending::find(&portal.store.reader(), &request_id).await?;
    let Some(sign_in) = found.filter(|found| found.connection == attempt.organization.id) else {
        return Err(portal.refuse(&attempt, &unknown(&request_id)).await);
    };
    attempt.idp = Some(sign_in.idp.clone());
    attempt.request_id = Some(request_id.clone());
    attempt.return_to = Some(sign_in.return_to.clone());
    attempt.aim(&portal.store.reader(), &sign_in).await?;
    let arrival = Arrival::new(portal, headers, client, attempt.reference.clone()).await?;
    let identity = match sign_in.stage {
        Stage::Pending => return Err(portal.refuse(&attempt, &unknown(&request_id)).await),
        Stage::Finished(user) => return used(portal, &attempt, &sign_in, user, arrival.visitor),
        Stage::Tested(ref record) => {
            let ours = portal.login_cookies.proves(headers, &request_id, sign_in.browser);
            return testing::result(portal, &attempt.organization, ours.then_some(record));
        }
        Stage::Verified(ref identity) => identity,
    };
    attempt.assertion_id = Some(identity.assertion_id.clone());
    attempt.checks.clone_from(&identity.checks);
    let ours = portal.login_cookies.proves(headers, &request_id, sign_in.browser);
    let received = if ours { "it" } else { "none, or another" };
    attempt.check("same browser", ours, "the login cookie of this request", received);
    if !ours {
        // Without the address, so that it is not audited: whoever knows the link could have it written any number of times.
        return Err(portal.refuse(&attempt, &unknown(&request_id)).await);
    }
    attempt.email = Some(identity.email.to_string());
    attempt.message.clone_from(&identity.message);
    if sign_in.test.is_some() {
        return testing::conclude(portal, attempt, &request_id).await;
    }
    let picked = match &said.picked {
        Some(slug) => Some(portal.organization(slug.as_str()).await?.id),
        None => None,
    };
    let newcomer = Newcomer { arrival, agreed: said.agreed, picked };
    enter(portal, attempt, &request_id, &newcomer).await
}

/// The browser that comes to enter.
struct Newcomer {
    arrival: Arrival,
    /// Whether the person agreed to go on as somebody else.
    agreed: bool,
    /// The organization that the person picked.
    picked: Option<OrgId>,
}

impl Newcomer {
    /// Where the sign-in leads: the address at which it began says so, or else the person, or else the rules.
    fn aim(&self, sign_in: &SignIn) -> Aim {
        match (sign_in.organization, self.picked) {
            (Some(organization), _) => Aim::Only(organization),
            (None, Some(organization)) => Aim::Picked(organization),
            (None, None) => Aim::Any,
        }
    }

    /// Whether the person has to be asked: a link of another site must not make them act as somebody else, or for
    /// another organization, unawares (login CSRF).
    fn changes_hands(&self, user: UserId, organization: OrgId) -> bool {
        let other = |visitor: Visitor| visitor.user != user || visitor.organization != Some(organization);
        !self.agreed && self.arrival.visitor.is_some_and(other)
    }
}

pub(super) fn unknown(request_id: &str) -> SamlError {
    SamlError::InResponseToUnknown { received: shown(request_id) }
}

/// A used answer, from the back button or a second click: whoever is in by it goes to the app, anyone else may start
/// again; nobody gets a session (R34). The ACS has written it down.
fn used(
    portal: &Portal,
    attempt: &Attempt,
    sign_in: &SignIn,
    user: Option<UserId>,
    visitor: Option<Visitor>,
) -> Result<Response, Trouble> {
    let is_in = |visitor: Visitor| Some(visitor.user) == user && visitor.organization == sign_in.organization;
    if visitor.is_some_and(is_in) {
        return Ok(page::redirect(sign_in.return_to.as_str(), &[]));
    }
    let mut trouble = Trouble::from(Fault::from(SamlError::Replayed));
    trouble.title = Some("This sign-in is over");
    trouble.again = Some(attempt.start_again().into());
    tracing::info!(organization = %attempt.organization.slug, site = portal.site, "a used answer came again");
    Err(trouble)
}

/// What the last transaction came to.
enum Entry {
    /// In.
    In(Opened, Box<Attempt>),
    /// Refused.
    Refused(SamlError),
    /// Another request of the same browser was faster.
    Used(SignIn, Option<UserId>),
}

/// Why the last transaction wrote nothing.
enum Stop {
    Trouble(Trouble),
    /// The browser would go on as this person: they are asked first, and the sign-in waits.
    ChangesHands(Box<Admitted>),
    /// Several organizations stand open: the person picks one, and the sign-in waits.
    Pick(EmailAddress, Vec<Organization>),
}

impl From<Trouble> for Stop {
    fn from(trouble: Trouble) -> Self {
        Stop::Trouble(trouble)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Stop::Trouble(error.into())
    }
}

/// One transaction: admit, make the session, end the sign-in, write it down.
async fn enter(
    portal: &Portal,
    mut attempt: Attempt,
    request_id: &str,
    newcomer: &Newcomer,
) -> Result<Response, Trouble> {
    let entry = portal
        .store
        .transaction("finish sign-in", async |tx: Tx| {
            let Some(sign_in) = pending::find(&tx, request_id).await? else {
                return Ok(Entry::Refused(unknown(request_id)));
            };
            let identity = match sign_in.stage.clone() {
                Stage::Verified(identity) => identity,
                Stage::Finished(user) => return Ok(Entry::Used(sign_in, user)),
                Stage::Pending | Stage::Tested(_) => return Ok(Entry::Refused(unknown(request_id))),
            };
            match admitting::admit(portal, &tx, &sign_in, newcomer.aim(&sign_in), &identity).await? {
                Ok(Admission::In(admitted)) if newcomer.changes_hands(admitted.user.id, admitted.organization.id) => {
                    Err(Stop::ChangesHands(admitted))
                }
                Ok(Admission::In(admitted)) => {
                    let mut entered = attempt.clone();
                    let by = (&sign_in, &*identity);
                    let opened = open(portal, &tx, &mut entered, by, (&admitted, newcomer)).await?;
                    sign_in.finished(&tx, request_id, Some((admitted.user.id, admitted.organization.id)))?;
                    Ok(Entry::In(opened, Box::new(entered)))
                }
                Ok(Admission::Pick(organizations)) => Err(Stop::Pick(identity.email, organizations)),
                Err(error) => {
                    sign_in.finished(&tx, request_id, None)?;
                    Ok(Entry::Refused(error))
                }
            }
        })
        .await;
    let cleared = portal.login_cookies.clear(request_id);
    match entry {
        Ok(Entry::In(opened, entered)) => {
            portal.accepted(&entered, opened.outcome());
            Ok(opened.respond(&[cleared]))
        }
        Ok(Entry::Refused(error)) => {
            attempt.check(ADMITTED, false, MEMBER, &error.to_string());
            let mut trouble = portal.refuse(&attempt, &error).await;
            if matches!(error, SamlError::NotAMember { .. }) {
                let aimed = attempt.entered.as_ref().unwrap_or(&attempt.organization);
                trouble.fault.public = admitting::whom_to_ask(&aimed.name).into();
            }
            trouble.cookie = Some(cleared.into());
            Err(trouble)
        }
        Ok(Entry::Used(sign_in, user)) => used(portal, &attempt, &sign_in, user, newcomer.arrival.visitor),
        Err(Stop::ChangesHands(coming)) => question(portal, &attempt, request_id, newcomer, &coming).await,
        Err(Stop::Pick(coming, organizations)) => Ok(pick(portal, &attempt, request_id, &coming, &organizations)),
        Err(Stop::Trouble(trouble)) => Err(trouble),
    }
}

/// Opens the session of somebody who is admitted, and notes in `entered` what there is to tell.
async fn open(
    portal: &Portal,
    tx: &Tx,
    entered: &mut Attempt,
    (sign_in, identity): (&SignIn, &VerifiedIdentity),
    (admitted, newcomer): (&Admitted, &Newcomer),
) -> Result<Opened, Trouble> {
    admitting::note(portal, tx, entered, admitted).await?;
    entered.check(ADMITTED, true, MEMBER, if admitted.joined { "joined now" } else { "a member" });
    entered.joined(tx, &*portal.rng, admitted)?;
    let new = new_session(tx, sign_in, identity, admitted, newcomer).await?;
    let story = entered.story(tx, &*portal.rng);
    if let Some(record) = &story.record {
        entered.keep_message(tx, record).await?;
    }
    let opening = Opening {
        first: FirstFactor::Sso { proved: new.second_factor.is_some() },
        new,
        user: &admitted.user,
        asking: Some(&admitted.organization),
        story,
        return_to: &sign_in.return_to,
        arrival: &newcomer.arrival,
    };
    portal.open(tx, opening).await
}

/// The page that asks whether to go on as `coming`.
async fn question(
    portal: &Portal,
    attempt: &Attempt,
    request_id: &str,
    newcomer: &Newcomer,
    coming: &Admitted,
) -> Result<Response, Trouble> {
    let present = match newcomer.arrival.visitor {
        Some(visitor) => user::by_id(&portal.store.reader(), visitor.user).await?,
        None => None,
    };
    let page = ChangeHandsPage {
        site: &portal.site,
        present: present.as_ref().map_or("somebody else", |user| user.email.as_str()),
        coming: coming.user.email.as_str(),
        organization: &coming.organization.name,
        slug: attempt.organization.slug.as_str(),
        login: request_id,
        picked: newcomer.picked.is_some().then_some(coming.organization.slug.as_str()),
    };
    // Where the app redirects to from there counts as the form's target too.
    Ok(page::html(StatusCode::OK, portal.to_identity_provider(), &page))
}

/// The page on which the person picks the organization to enter (D13).
fn pick(
    portal: &Portal,
    attempt: &Attempt,
    request_id: &str,
    coming: &EmailAddress,
    organizations: &[Organization],
) -> Response {
    let choices: Vec<(&str, &str)> =
        organizations.iter().map(|choice| (choice.slug.as_str(), choice.name.as_str())).collect();
    let slug = attempt.organization.slug.as_str();
    let page = PickPage { site: &portal.site, coming: coming.as_str(), slug, login: request_id, choices: &choices };
    page::html(StatusCode::OK, portal.to_identity_provider(), &page)
}

/// What the session is made of; one that this browser had for somebody else ends with it.
async fn new_session(
    tx: &Tx,
    sign_in: &SignIn,
    identity: &VerifiedIdentity,
    admitted: &Admitted,
    Newcomer { arrival, .. }: &Newcomer,
) -> Result<NewSession, StoreError> {
    let entered = effective::of_organization(tx, admitted.organization.clone()).await?;
    let proved = entered.proves_second_factor(sign_in.connection, &identity.authn_methods);
    let second = SecondFactor { at: identity.authenticated, method: SecondMethod::IdentityProvider };
    let others = arrival.visitor.filter(|visitor| visitor.user != admitted.user.id);
    Ok(NewSession {
        second_factor: proved.then_some(second),
        organization: Some(admitted.organization.id),
        connection: Some(sign_in.connection),
        auth_time: identity.authenticated,
        ends: identity.session_end,
        replaces: others.map(|visitor| visitor.session),
        client: arrival.client.address,
        user_agent: arrival.agent.clone(),
        ..NewSession::new(admitted.user.id, Method::Sso, tx.now())
    })
}
