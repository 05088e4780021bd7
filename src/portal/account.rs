//! Personal settings: who you are here, your organizations, and your sessions, each with a button that ends it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode};

use super::browser_name::browser_name;
use super::form::{Form, PAGE_FORM_LIMIT};
use super::page::{self, AccountOrganization, AccountPage, AccountSession, FormTarget, Trouble};
use super::same_origin;
use super::state::Portal;
use super::visitor::Visitor;
use crate::directory::{member, organization, user};
use crate::kernel::{Fault, FaultKind, SessionId};

const HERE: &str = "/.vestibule/account";
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
    let organizations = organizations(&portal, &visitor).await?;
    let sessions = sessions(&portal, &visitor).await?;
    let page = AccountPage {
        site: &portal.site,
        name: &account.display_name(),
        email: account.email.as_str(),
        organizations: &organizations,
        sessions: &sessions,
    };
    Ok(page::html(StatusCode::OK, FormTarget::Here, &page))
}

/// `POST /.vestibule/account/sessions/end` with `session`: ends one of the person's own sessions.
///
/// # Errors
/// A post from another site; no such session of this person.
pub async fn end(State(portal): State<Arc<Portal>>, headers: HeaderMap, body: Body) -> Result<Response, Trouble> {
    same_origin::check(&headers, &portal.origin)?;
    let Some(visitor) = portal.visitor(&headers).await? else { return Ok(sign_in_first()) };
    let form = Form::read(&headers, body, PAGE_FORM_LIMIT).await?;
    let missing = || {
        let mut trouble = Trouble::from(Fault::plain(FaultKind::NotFound, "This session is over already."));
        trouble.again = Some(HERE.into());
        trouble
    };
    let id: SessionId = form.get("session").unwrap_or_default().parse().map_err(|_| missing())?;
    if !portal.sessions_of(visitor.user).await?.iter().any(|session| session.id == id) {
        return Err(missing());
    }
    portal.end_session(id).await?;
    tracing::info!(session = %id, "session ended by its owner");
    if id != visitor.session {
        return Ok(page::redirect(HERE, &[]));
    }
    Ok(portal.without_session(page::redirect("/.vestibule/sign-out", &[])))
}

fn sign_in_first() -> Response {
    page::redirect("/.vestibule/sign-in?return_to=%2F.vestibule%2Faccount", &[])
}

async fn organizations(portal: &Portal, visitor: &Visitor) -> Result<Vec<AccountOrganization>, Trouble> {
    let reader = portal.store.reader();
    let mut found = Vec::new();
    for id in member::of_user(&reader, visitor.user).await?.into_iter().take(SHOWN) {
        let organization = organization::by_id(&reader, id).await?;
        let membership = member::find(&reader, id, visitor.user).await?;
        if let (Some(organization), Some(membership)) = (organization, membership) {
            let current = visitor.organization == Some(id);
            let role = membership.role.as_str().replace('_', " ");
            found.push(AccountOrganization { name: organization.name, role, current });
        }
    }
    Ok(found)
}

async fn sessions(portal: &Portal, visitor: &Visitor) -> Result<Vec<AccountSession>, Trouble> {
    let records = portal.sessions_of(visitor.user).await?;
    let shown = records.into_iter().take(SHOWN).map(|record| AccountSession {
        id: record.id.to_string(),
        started: record.created.to_string().replace('T', " ").replace('Z', " UTC"),
        client: record.client.map_or_else(|| "unknown address".to_owned(), |address| address.to_string()),
        agent: record.user_agent.as_deref().map(browser_name).unwrap_or_default(),
        current: record.id == visitor.session,
    });
    Ok(shown.collect())
}
