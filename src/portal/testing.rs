//! Test sign-ins (R55): whoever runs an organization goes to its identity provider and back, and reads each check. Nobody
//! is signed in by it: no session, no account, no membership, no link of a NameID.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Extension, Path, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};

use super::attempt::{Attempt, count};
use super::finish::{ADMITTED, MEMBER, unknown};
use super::page::{self, FormTarget, Trouble};
use super::pending::{self, SignIn, Stage, VerifiedIdentity};
use super::state::Portal;
use super::{admitting, same_origin};
use crate::directory::admission::{self, Found};
use crate::directory::authority::{self, Act, Target};
use crate::directory::{
    AssertedIdentity, AuditEntry, Entry, LoginOutcome, LoginRecord, Organization, audit, link, login, organization,
    sso, sso_test, user,
};
use crate::kernel::{Client, Fault, FaultKind};
use crate::saml::SamlError;
use crate::session::{is_within, operator, records};
use crate::store::{StoreError, Tx};
use crate::web::cookie::cookie_of;

/// What a check of the names expects.
const NAMES: &str = "first and last name, if you like";

/// The page with the button.
#[derive(Template)]
#[template(path = "portal/test.html")]
struct TestPage<'a> {
    site: &'a str,
    organization: &'a str,
    slug: &'a str,
    /// Where the button leads.
    idp: &'a str,
}

/// What came of a test.
#[derive(Template)]
#[template(path = "portal/tested.html")]
struct TestedPage<'a> {
    site: &'a str,
    organization: &'a str,
    slug: &'a str,
    record: &'a LoginRecord,
    code: Option<&'a str>,
    fix: Option<&'a str>,
}

/// `GET /.vestibule/sso/{slug}/test`: the button.
///
/// # Errors
/// Not theirs to test; there is no single sign-on.
pub async fn ask(
    State(portal): State<Arc<Portal>>,
    Path(slug): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Trouble> {
    let organization = portal.organization(&slug).await?;
    let reader = portal.store.reader();
    who(&portal, &reader, &headers, &organization).await?;
    let connection = sso::connection(&reader, organization.id).await?.ok_or_else(Trouble::not_found)?;
    let page = TestPage {
        site: &portal.site,
        organization: &organization.name,
        slug: organization.slug.as_str(),
        idp: &connection.settings.sign_in_url,
    };
    Ok(page::html(StatusCode::OK, portal.to_identity_provider(), &page))
}

/// `POST /.vestibule/sso/{slug}/test`: on to the identity provider.
///
/// # Errors
/// A post from another site; not theirs to test; there is no single sign-on.
pub async fn start(
    State(portal): State<Arc<Portal>>,
    Path(slug): Path<String>,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
) -> Result<Response, Trouble> {
    same_origin::check(&headers, &portal.origin)?;
    let organization = portal.organization(&slug).await?;
    let by = who(&portal, &portal.store.reader(), &headers, &organization).await?;
    portal.start_test(client, &headers, &organization, by).await
}

/// Who it is that runs the organization: the operator, or an address.
async fn who(portal: &Portal, tx: &Tx, headers: &HeaderMap, organization: &Organization) -> Result<String, Trouble> {
    if let Some(token) = cookie_of(headers, operator::cookie_name(portal.login_cookies.secure))
        && operator::find(tx, &token).await?.is_some()
    {
        return Ok("operator".to_owned());
    }
    let visitor = portal.visitor(headers).await?.ok_or_else(not_theirs)?;
    let record = records::find(tx, visitor.session).await?.ok_or_else(not_theirs)?;
    let account = user::by_id(tx, record.user).await?.filter(|account| account.active).ok_or_else(not_theirs)?;
    let actor = authority::actor(tx, organization.id, &account).await?.ok_or_else(not_theirs)?;
    let may = authority::may(actor, Act::Manage(organization.id), Target::default()).is_ok();
    if may && is_within(tx, &record, organization).await? { Ok(account.email.to_string()) } else { Err(not_theirs()) }
}

fn not_theirs() -> Trouble {
    let public = "Owners and admins of the organization test its single sign-on, signed in in that organization.";
    let mut trouble = Trouble::from(Fault::new(FaultKind::Forbidden, public, "a test of what is not theirs"));
    trouble.again = Some("/.vestibule/account".into());
    trouble
}

/// Ends a test whose answer is refused; gives the sign-in whose result is to be shown.
pub(super) async fn failed(portal: &Portal, attempt: &Attempt, error: &SamlError) -> Result<String, Trouble> {
    let request_id = attempt.request_id.clone().unwrap_or_default();
    let end = async |tx: Tx| {
        if let Some(sign_in) = pending::find(&tx, &request_id).await?
            && matches!(sign_in.stage, Stage::Pending)
        {
            end(portal, &tx, (sign_in, &request_id), attempt, Some(error)).await?;
        }
        Ok::<_, StoreError>(())
    };
    portal.store.transaction("end a test that is refused", end).await?;
    tell(attempt, Some(error));
    Ok(request_id)
}

/// Ends a test whose answer was verified: says where it would have led, and shows it.
pub(super) async fn conclude(portal: &Portal, attempt: Attempt, request_id: &str) -> Result<Response, Trouble> {
    let conclude = async |tx: Tx| {
        let Some(sign_in) = pending::find(&tx, request_id).await? else { return Ok(None) };
        let identity = match sign_in.stage.clone() {
            Stage::Verified(identity) => identity,
            Stage::Tested(record) => return Ok(Some((*record, None))),
            Stage::Pending | Stage::Finished(_) => return Ok(None),
        };
        let mut attempt = attempt.clone();
        let error = judge(&tx, &sign_in, &identity, &mut attempt).await?;
        let record = end(portal, &tx, (sign_in, request_id), &attempt, error.as_ref()).await?;
        Ok::<_, StoreError>(Some((record, error)))
    };
    let came = portal.store.transaction("conclude a test", conclude).await?;
    let Some((record, error)) = came else { return Err(Fault::from(unknown(request_id)).into()) };
    tell(&attempt, error.as_ref());
    result(portal, &attempt.organization, Some(&record))
}

/// Where a real sign-in would lead, as checks; `Some`: it would be refused.
async fn judge(
    tx: &Tx,
    sign_in: &SignIn,
    identity: &VerifiedIdentity,
    attempt: &mut Attempt,
) -> Result<Option<SamlError>, StoreError> {
    let names: Vec<&str> =
        [&identity.first_name, &identity.last_name].into_iter().flatten().map(String::as_str).collect();
    let received = if names.is_empty() { "none".to_owned() } else { names.join(" ") };
    attempt.check("name", true, NAMES, &received);
    let settings = tx.get(&sso::SSO_SETTINGS, &sign_in.connection).await?;
    let connection = organization::by_id(tx, sign_in.connection).await?;
    let (Some(settings), Some(connection)) = (settings, connection) else { return Ok(Some(SamlError::SsoOff)) };
    if settings.entity_id != sign_in.idp {
        let received = sign_in.idp.clone();
        return Ok(Some(SamlError::IssuerMismatch { expected: settings.entity_id, received }));
    }
    if let Err(changed) = identity.check(&settings) {
        return Ok(Some(changed));
    }
    let asserted = AssertedIdentity {
        idp: &sign_in.idp,
        stable_name_id: identity.stable_name_id.as_deref(),
        email: &identity.email,
        first_name: identity.first_name.as_deref(),
        last_name: identity.last_name.as_deref(),
    };
    let received = match admission::would_admit(tx, &connection, &asserted).await? {
        Err(refusal) => {
            let error = admitting::error(refusal, &identity.email);
            attempt.check(ADMITTED, false, MEMBER, &error.to_string());
            return Ok(Some(error));
        }
        Ok(Found::One(place)) => {
            let name = told(tx, &connection, &place.target.organization).await?;
            let joins = place.entry == Entry::Join;
            if joins { format!("would be made a member of {name} now") } else { format!("a member of {name}") }
        }
        Ok(Found::Several(open)) => {
            let mut names = Vec::new();
            for organization in &open {
                names.push(told(tx, &connection, organization).await?);
            }
            format!("would pick one of {}", names.join(", "))
        }
    };
    attempt.check(ADMITTED, true, MEMBER, &received);
    Ok(None)
}

/// An organization's name, if it is the connection's or linked to it: whoever tests hears of no other (D5).
async fn told(tx: &Tx, connection: &Organization, organization: &Organization) -> Result<String, StoreError> {
    let linked = link::find(tx, organization.id).await?.is_some_and(|link| link.admin == connection.id);
    let named = linked || organization.id == connection.id;
    Ok(if named { organization.slug.to_string() } else { "another organization".to_owned() })
}

/// Writes a test down, in the sign-in log as such, and in the audit.
async fn end(
    portal: &Portal,
    tx: &Tx,
    (sign_in, request_id): (SignIn, &str),
    attempt: &Attempt,
    error: Option<&SamlError>,
) -> Result<LoginRecord, StoreError> {
    let code = error.map(|error| error.code().to_owned());
    let after = code.clone().unwrap_or_else(|| "all is right".to_owned());
    let outcome = LoginOutcome::Tested { code, fix: error.map(|error| attempt.fix(error)) };
    let record = attempt.record(tx, &*portal.rng, outcome);
    login::record(tx, sign_in.connection, &record).await?;
    attempt.keep_message(tx, &record).await?;
    sso_test::keep(tx, sign_in.connection, &record)?;
    let by = sign_in.test.as_deref().unwrap_or_default();
    let entry = AuditEntry::new(tx, by, "sso.test", attempt.object()).changed("", after).from(&attempt.client);
    audit::append(tx, &*portal.rng, sign_in.connection, &entry)?;
    sign_in.tested(tx, request_id, record.clone())?;
    Ok(record)
}

fn tell(attempt: &Attempt, error: Option<&SamlError>) {
    let code = error.map_or("ok", SamlError::code);
    count("tested", code);
    let (reference, client) = (&attempt.reference, &attempt.client);
    tracing::info!(%reference, organization = %attempt.organization.slug, code, client, "single sign-on was tested");
}

/// The page that shows what came of a test; `None`: it is of another browser.
pub(super) fn result(
    portal: &Portal,
    organization: &Organization,
    record: Option<&LoginRecord>,
) -> Result<Response, Trouble> {
    let slug = organization.slug.as_str();
    let Some(record) = record else {
        let public = "This test is over, or was started in another browser. Please start again.";
        let mut trouble = Trouble::from(Fault::new(FaultKind::NotFound, public, "a test of another browser"));
        trouble.again = Some(format!("/.vestibule/sso/{slug}/test").into());
        return Err(trouble);
    };
    let (code, fix) = match &record.outcome {
        LoginOutcome::Tested { code, fix } => (code.as_deref(), fix.as_deref()),
        _ => (None, None),
    };
    let page = TestedPage { site: &portal.site, organization: &organization.name, slug, record, code, fix };
    Ok(page::html(StatusCode::OK, FormTarget::None, &page))
}
