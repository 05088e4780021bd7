//! The e-mail question, and the way in without it: both lead to the organization's IdP.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, Path, RawQuery, State};
use axum::response::Response;
use http::{HeaderMap, Method, StatusCode};

use super::form::{Form, PAGE_FORM_LIMIT, query_value};
use super::local::Ground;
use super::page::{self, SignInPage, Trouble};
use super::return_path::ReturnPath;
use super::same_origin;
use super::state::Portal;
use crate::directory::OrgKind;
use crate::directory::effective::{self, Answer};
use crate::kernel::{Client, EmailAddress, Fault, FaultKind};

/// `GET /.vestibule/sign-in?return_to=/path`: the question; whoever is signed in goes straight on.
///
/// # Errors
/// «Unavailable», if nobody can tell who is signed in.
pub async fn ask(
    State(portal): State<Arc<Portal>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Trouble> {
    let return_to = ReturnPath::parse(&query_value(query.as_deref(), "return_to").unwrap_or_default());
    if portal.visitor(&headers).await?.is_some() {
        return Ok(page::redirect(return_to.as_str(), &[]));
    }
    Ok(question(&portal, StatusCode::OK, &return_to, "", None))
}

/// `POST /.vestibule/sign-in` with `email`: answers by the domain alone, the same for every address of it (D9).
///
/// # Errors
/// No organization has the domain, or it has no single sign-on: a page that says so.
pub async fn answer(
    State(portal): State<Arc<Portal>>,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Trouble> {
    same_origin::check(&headers, &portal.origin)?;
    let form = Form::read(&headers, body, PAGE_FORM_LIMIT).await?;
    let return_to = ReturnPath::parse(form.get("return_to").unwrap_or_default());
    let typed = form.get("email").unwrap_or_default();
    let Ok(email) = typed.parse::<EmailAddress>() else {
        let problem = "Please type your full e-mail address, like name@company.com.";
        return Ok(question(&portal, StatusCode::BAD_REQUEST, &return_to, typed, Some(problem)));
    };
    let sso_chosen = form.get("way") == Some("sso");
    portal.answer_email(client, &headers, &email, return_to, sso_chosen).await
}

impl Portal {
    /// What an address's domain leads to; `sso_chosen`: single sign-on, where there is a choice.
    ///
    /// # Errors
    /// It leads nowhere, or there is no single sign-on: a page that says so.
    pub(super) async fn answer_email(
        &self,
        client: Client,
        headers: &HeaderMap,
        email: &EmailAddress,
        return_to: ReturnPath,
        sso_chosen: bool,
    ) -> Result<Response, Trouble> {
        let ground = Ground::of(&self.store.reader(), &email.domain()).await?;
        // Where a password is no choice, single sign-on is the only one beside it.
        let local = self.policy.enabled || (ground.answer != Answer::Either && self.mail_is_on().await?);
        match (ground.answer, ground.organization()) {
            (Answer::SingleSignOn, Some(organization)) => {
                self.start_sign_in(client, headers, organization, None, return_to).await
            }
            (Answer::Either, Some(organization)) if sso_chosen || !local => {
                self.start_sign_in(client, headers, organization, None, return_to).await
            }
            (_, None) => self.offer_sign_up(email, &return_to).await,
            (answer, _) if local => self.local_page(&return_to, email, answer == Answer::Either).await,
            // It says that there is no single sign-on.
            (_, Some(organization)) => self.start_sign_in(client, headers, organization, None, return_to).await,
        }
    }
}

/// `GET /.vestibule/sso/{slug}?return_to=/path`: the same without the question, for an IdP's tile. That of a linked
/// organization leads to its Admin organization's IdP, and into that organization alone (D13).
///
/// # Errors
/// There is no such organization, or it has no single sign-on: a page that says so.
pub async fn sso(
    State(portal): State<Arc<Portal>>,
    Path(slug): Path<String>,
    RawQuery(query): RawQuery,
    Extension(client): Extension<Client>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Trouble> {
    let organization = portal.organization(&slug).await?;
    let return_to = ReturnPath::parse(&query_value(query.as_deref(), "return_to").unwrap_or_default());
    let visitor = portal.visitor(&headers).await?;
    // Whoever is in goes straight on, unless they are to show that single sign-on works (D10).
    let again = query_value(query.as_deref(), "again").is_some();
    if !again && visitor.is_some_and(|visitor| visitor.organization == Some(organization.id)) {
        return Ok(page::redirect(return_to.as_str(), &[]));
    }
    if method == Method::HEAD {
        // Nothing is started for whoever only looks.
        return Ok(page::redirect("/.vestibule/sign-in", &[]));
    }
    let reader = portal.store.reader();
    let entered = (organization.kind == OrgKind::Customer).then_some(organization.id);
    let effective = effective::of_organization(&reader, organization).await?;
    let connection = effective::connection_of(&reader, &effective).await?;
    portal.start_sign_in(client, &headers, &connection, entered, return_to).await
}

fn question(
    portal: &Portal,
    status: StatusCode,
    return_to: &ReturnPath,
    email: &str,
    problem: Option<&str>,
) -> Response {
    let page = SignInPage {
        site: &portal.site,
        return_to: return_to.as_str(),
        passwords: portal.policy.enabled,
        email,
        problem,
    };
    page::html(status, portal.to_identity_provider(), &page)
}

/// The same page for every address of the domain.
pub fn no_organization(email: &EmailAddress) -> Trouble {
    let domain = email.domain();
    let public = format!(
        "Addresses of {domain} have no organization here. Check the address, or ask whoever invited you which one to use."
    );
    let detail = format!("no organization has the domain {domain}");
    let mut trouble = Trouble::from(Fault::new(FaultKind::NotFound, public, detail));
    trouble.title = Some("This address has no organization here");
    trouble.again = Some("/.vestibule/sign-in".into());
    trouble
}
