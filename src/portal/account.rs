//! Personal settings: who you are here, your organizations, and your sessions, each with a button that ends it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};

use super::age::age;
use super::browser_name::browser_name;
use super::entering::organizations_of;
use super::factor_settings;
use super::form::{Form, PAGE_FORM_LIMIT};
use super::page::{self, AccountOrganization, AccountPage, AccountSession, Trouble};
use super::same_origin;
use super::state::Portal;
use super::visitor::Visitor;
use crate::directory::authority::{self, Act, Target};
use crate::directory::{User, member, organization, user};
use crate::kernel::{Client, Fault, FaultKind, SessionId};
use crate::session::SessionRecord;
use crate::store::{StoreError, Tx};

/// The page's address.
pub const HERE: &str = "/.vestibule/account";
/// How many organizations and sessions are shown.
const SHOWN: usize = 100;

/// `GET /.vestibule/account`.
///
/// # Errors
/// The store's.
pub async fn show(State(portal): State<Arc<Portal>>, headers: HeaderMap) -> Result<Response, Trouble> {
    let Some(visitor) = portal.visitor(&headers).await? else { return Ok(sign_in_first()) };
    let reader = portal.store.reader();
    let Some(account) = user::by_id(&reader, visitor.user).await? else { return Ok(sign_in_first()) };
    let organizations = organizations(&reader, visitor).await?;
    let sessions = sessions(&portal, visitor).await?;
    let page = AccountPage {
        site: &portal.site,
        name: &account.display_name(),
        email: account.email.as_str(),
        current: organizations.iter().find(|organization| organization.current),
        organizations: &organizations,
        manages: manages(&reader, visitor, &account).await?,
        runs: runs(&reader, &account).await?,
        passwords: portal.policy.enabled,
        factors: &factor_settings::shown(&portal, &reader, visitor.user).await?,
        sessions: &sessions,
    };
    // Switching may lead to an identity provider.
    Ok(page::html(StatusCode::OK, portal.to_identity_provider(), &page))
}

/// `POST /.vestibule/account/sessions/end` with `session`: ends one of the person's own sessions.
///
/// # Errors
/// A post from another site; no such session of this person.
pub async fn end(
    State(portal): State<Arc<Portal>>,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Trouble> {
    same_origin::check(&headers, &portal.origin)?;
    let Some(visitor) = portal.visitor(&headers).await? else { return Ok(sign_in_first()) };
    let form = Form::read(&headers, body, PAGE_FORM_LIMIT).await?;
    let missing = || {
        let mut trouble = Trouble::from(Fault::plain(FaultKind::NotFound, "This session is over already."));
        trouble.again = Some(HERE.into());
        trouble
    };
    let id: SessionId = form.get("session").unwrap_or_default().parse().map_err(|_| missing())?;
    if !portal.is_session_of(visitor.user, id).await? {
        return Err(missing());
    }
    portal.end_sessions(visitor, &[id], client).await?;
    tracing::info!(session = %id, "session ended by its owner");
    if id != visitor.session {
        return Ok(page::redirect(HERE, &[]));
    }
    Ok(portal.without_session(page::redirect("/.vestibule/sign-out", &[])))
}

/// `POST /.vestibule/account/sessions/end-others`: ends all of the person's sessions but this one.
///
/// # Errors
/// A post from another site.
pub async fn end_others(
    State(portal): State<Arc<Portal>>,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
    _: Body,
) -> Result<Response, Trouble> {
    same_origin::check(&headers, &portal.origin)?;
    let Some(visitor) = portal.visitor(&headers).await? else { return Ok(sign_in_first()) };
    let count = portal.end_other_sessions(visitor, client).await?;
    tracing::info!(session = %visitor.session, count, "other sessions ended by their owner");
    Ok(page::redirect(HERE, &[]))
}

/// Whether they see how the organization is run that the session is in.
async fn manages(tx: &Tx, visitor: Visitor, account: &User) -> Result<bool, StoreError> {
    let Some(organization) = visitor.organization else { return Ok(false) };
    let actor = authority::actor(tx, organization, account).await?;
    Ok(actor.is_some_and(|actor| authority::may(actor, Act::See(organization), Target::default()).is_ok()))
}

/// Whether there are settings that are theirs, of any organization: an Admin organization is never the current one.
async fn runs(tx: &Tx, account: &User) -> Result<bool, StoreError> {
    for id in member::of_user(tx, account.id).await? {
        let actor = authority::actor(tx, id, account).await?;
        if actor.is_some_and(|actor| authority::may(actor, Act::Manage(id), Target::default()).is_ok()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// To the sign-in page, and back here.
pub fn sign_in_first() -> Response {
    page::redirect("/.vestibule/sign-in?return_to=%2F.vestibule%2Faccount", &[])
}

async fn organizations(tx: &Tx, visitor: Visitor) -> Result<Vec<AccountOrganization>, StoreError> {
    let found = organizations_of(tx, visitor.user).await?.into_iter().take(SHOWN);
    let shown = found.map(|(organization, member)| AccountOrganization {
        current: visitor.organization == Some(organization.id),
        role: member.role.as_str().replace('_', " "),
        slug: organization.slug.to_string(),
        name: organization.name,
    });
    Ok(shown.collect())
}

async fn sessions(portal: &Portal, visitor: Visitor) -> Result<Vec<AccountSession>, Trouble> {
    let reader = portal.store.reader();
    let mut shown = Vec::new();
    for record in portal.sessions_of(visitor.user).await?.into_iter().take(SHOWN) {
        let organization = match record.organization {
            Some(id) => organization::by_id(&reader, id).await?.map(|organization| organization.name),
            None => None,
        };
        shown.push(session(&record, organization, visitor, portal.store.now()));
    }
    shown.sort_by_key(|session| !session.current);
    Ok(shown)
}

fn session(
    record: &SessionRecord,
    organization: Option<String>,
    visitor: Visitor,
    now: crate::kernel::Timestamp,
) -> AccountSession {
    AccountSession {
        id: record.id.to_string(),
        started: record.signed_in().to_string().replace('T', " ").replace('Z', " UTC"),
        age: age(now.since(record.signed_in())),
        client: record.client.map_or_else(|| "unknown address".to_owned(), |address| address.to_string()),
        agent: record.user_agent.as_deref().map(browser_name).filter(|name| !name.is_empty()),
        organization,
        current: record.id == visitor.session,
    }
}
