//! Sign-ins that the identity provider began, where an organization takes them (R46): an answer to no request.
//!
//! No browser asked for it, so nothing shows that whoever brings it meant to: a page of another site could sign its
//! visitors in under an account of its own choosing (login CSRF), and no cookie of a request can rule that out (D23). So a
//! page always asks, by name, and only its button, same-origin, in the very browser that brought the answer, goes on: to
//! the last step of every sign-in, with all that it asks.

use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::extract::{Extension, Path, RawQuery, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};

use super::form::{Form, PAGE_FORM_LIMIT, query_value};
use super::login_cookie::LoginCookies;
use super::page::{self, Trouble};
use super::pending::{PENDING_FOR, SIGN_INS, SignIn, Stage, USED_ASSERTIONS, VERIFIED_FOR, VerifiedIdentity};
use super::return_path::ReturnPath;
use super::same_origin;
use super::state::Portal;
use crate::directory::{OrgKind, Organization, effective, user};
use crate::kernel::{Client, Fault, FaultKind, TokenHash};
use crate::saml::VerifiedAssertion;
use crate::saml::authn_request::message_id;
use crate::store::{StoreError, Table, TableChecker, Tx, decodes};

/// Answers that wait for their button, by a handle like that of a request.
const UNASKED: Table<String, Unasked> = Table::new("unasked_sign_ins");

/// An answer that was verified, and that nobody asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Unasked {
    /// The sign-in that it becomes.
    sign_in: SignIn,
    /// Who the identity provider says that it is.
    identity: VerifiedIdentity,
}

/// What is promised of the records.
pub fn checkers() -> Vec<TableChecker> {
    vec![decodes(&UNASKED)]
}

/// The question.
#[derive(Template)]
#[template(path = "portal/unasked.html")]
struct UnaskedPage<'a> {
    site: &'a str,
    /// Whom the sign-in is for.
    coming: &'a str,
    organization: &'a str,
    slug: &'a str,
    login: &'a str,
    /// Who is signed in, if anybody.
    present: Option<&'a str>,
}

/// Keeps a verified answer until its button is pressed, once for each assertion (R32). `None`: it was used before.
///
/// The identity provider's RelayState names where the person goes, if it is a path of this site; else the start page.
///
/// # Errors
/// The store's.
pub(super) async fn keep(
    portal: &Portal,
    organization: &Organization,
    assertion: &VerifiedAssertion,
    identity: &VerifiedIdentity,
    relay_state: Option<&str>,
) -> Result<Option<(String, String)>, StoreError> {
    let (id, cookie) = (message_id(&*portal.rng), LoginCookies::fresh(portal.store.now(), &*portal.rng));
    let unasked = Unasked {
        sign_in: SignIn {
            // A customer's own answer is meant for it; the rules say where an Admin organization's leads (D13).
            organization: (organization.kind == OrgKind::Customer).then_some(organization.id),
            connection: organization.id,
            idp: assertion.issuer().to_owned(),
            return_to: ReturnPath::parse(relay_state.unwrap_or_default()),
            browser: TokenHash::of(cookie.as_bytes()),
            stage: Stage::Pending,
            test: None,
        },
        identity: identity.clone(),
    };
    let keep = async |tx: Tx| {
        let key = (organization.id, assertion.issuer().to_owned(), assertion.assertion_id().to_owned());
        if !tx.use_once(&USED_ASSERTIONS, &key, assertion.not_on_or_after()).await? {
            return Ok(false);
        }
        tx.put_until(&UNASKED, &id, &unasked, tx.now().plus(PENDING_FOR))?;
        Ok(true)
    };
    let kept = portal.store.transaction("keep an unasked sign-in", keep).await?;
    Ok(kept.then_some((id, cookie)))
}

/// On to the question, with the cookie that proves this browser.
pub(super) fn to_question(portal: &Portal, slug: &str, headers: &HeaderMap, (id, cookie): (&str, &str)) -> Response {
    let cookies = portal.login_cookies.set(headers, id, cookie);
    page::redirect(&format!("/.vestibule/saml/{slug}/unasked?login={id}"), &cookies)
}

/// `GET /.vestibule/saml/{slug}/unasked?login=…`: asks whether to sign in.
///
/// # Errors
/// It is over, or of another browser.
pub async fn ask(
    State(portal): State<Arc<Portal>>,
    Path(slug): Path<String>,
    RawQuery(query): RawQuery,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
) -> Result<Response, Trouble> {
    portal.answers.pass(client, portal.store.now())?;
    let organization = portal.organization(&slug).await?;
    let id = query_value(query.as_deref(), "login").unwrap_or_default();
    let reader = portal.store.reader();
    let unasked = find(&portal, &reader, &organization, &id, &headers).await?.ok_or_else(|| over(&organization))?;
    let present = match portal.visitor(&headers).await? {
        Some(visitor) => user::by_id(&reader, visitor.user).await?,
        None => None,
    };
    let page = UnaskedPage {
        site: &portal.site,
        coming: unasked.identity.email.as_str(),
        organization: &organization.name,
        slug: organization.slug.as_str(),
        login: &id,
        present: present.as_ref().map(|present| present.email.as_str()),
    };
    // Where the app redirects to from there counts as the form's target too.
    Ok(page::html(StatusCode::OK, portal.to_identity_provider(), &page))
}

/// `POST /.vestibule/saml/{slug}/unasked` with `login`: the button. Goes on, once, with the same form to the last step.
///
/// # Errors
/// A post from another site; it is over, or of another browser.
pub async fn agree(
    State(portal): State<Arc<Portal>>,
    Path(slug): Path<String>,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Trouble> {
    portal.answers.pass(client, portal.store.now())?;
    same_origin::check(&headers, &portal.origin)?;
    let organization = portal.organization(&slug).await?;
    let form = Form::read(&headers, body, PAGE_FORM_LIMIT).await?;
    let id = form.get("login").unwrap_or_default().to_owned();
    let agree = async |tx: Tx| {
        let found = find(&portal, &tx, &organization, &id, &headers).await?;
        let Unasked { sign_in, identity } = found.ok_or_else(|| over(&organization))?;
        tx.delete(&UNASKED, &id);
        let sign_in = SignIn { stage: Stage::Verified(Box::new(identity)), ..sign_in };
        tx.put_until(&SIGN_INS, &id, &sign_in, tx.now().plus(VERIFIED_FOR))?;
        Ok::<_, Trouble>(())
    };
    portal.store.transaction("agree to an unasked sign-in", agree).await?;
    // 307 repeats the post, so the last step sees that the person was asked (RFC 9110 §15.4.8).
    let mut response = StatusCode::TEMPORARY_REDIRECT.into_response();
    let location = format!("/.vestibule/saml/{}/finish", organization.slug);
    let location = HeaderValue::from_str(&location).map_err(|error| Fault::internal(error.to_string()))?;
    response.headers_mut().insert(header::LOCATION, location);
    Ok(response)
}

/// The answer of this handle, if this very browser brought it.
async fn find(
    portal: &Portal,
    tx: &Tx,
    organization: &Organization,
    id: &String,
    headers: &HeaderMap,
) -> Result<Option<Unasked>, StoreError> {
    // As the organization has it at this moment, or its Admin organization (D12).
    if !effective::of_organization(tx, organization.clone()).await?.rules.idp_initiated {
        return Ok(None);
    }
    let found = tx.get(&UNASKED, id).await?.filter(|found| found.sign_in.connection == organization.id);
    Ok(found.filter(|found| portal.login_cookies.proves(headers, id, found.sign_in.browser)))
}

/// The same whether it is over, was used, or is of another browser.
fn over(organization: &Organization) -> Trouble {
    let public = "This sign-in is over, or was not started in this browser. Please start again.";
    let mut trouble = Trouble::from(Fault::new(FaultKind::NotFound, public, "no unasked sign-in of this browser"));
    trouble.title = Some("This sign-in is over");
    trouble.again = Some(format!("/.vestibule/sso/{}", organization.slug).into());
    trouble
}
