//! Deciding on a request to be let in, behind the mailed link. The link is a pointer, no key: whoever follows it must be
//! signed in as owner or admin of that organization, in that organization; and only a button decides, once.

use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::extract::{Extension, RawQuery, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};

use super::address::{address, returning};
use super::age::age;
use super::form::{Form, PAGE_FORM_LIMIT, query_value};
use super::opening::CHALLENGE;
use super::page::{self, FormTarget, NoticePage, Trouble};
use super::same_origin;
use super::state::Portal;
use super::visitor::Visitor;
use crate::directory::access_request::{self, Decision, Opened, State as RequestState};
use crate::directory::{Organization, User, user};
use crate::kernel::{Client, EmailAddress, Fault, FaultKind};
use crate::store::Tx;
use crate::web::access_mails::{HERE, Mails};

/// The question.
#[derive(Template)]
#[template(path = "portal/access.html")]
struct AccessPage<'a> {
    site: &'a str,
    organization: &'a str,
    slug: &'a str,
    who: &'a str,
    name: &'a str,
    age: &'a str,
    token: &'a str,
    /// Whether their session is in that organization.
    there: bool,
}

/// `GET /.vestibule/access?token=…`: the question. Nothing is decided by looking.
///
/// # Errors
/// The link is over, or not for them.
pub async fn ask(
    State(portal): State<Arc<Portal>>,
    Extension(client): Extension<Client>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Trouble> {
    portal.answers.pass(client, portal.store.now())?;
    let token = query_value(query.as_deref(), "token").unwrap_or_default();
    let Some(visitor) = portal.visitor(&headers).await? else { return Ok(sign_in_first(&token)) };
    let reader = portal.store.reader();
    let Some(opened) = access_request::open(&reader, &token, visitor.user).await? else { return Err(not_for_them()) };
    if let RequestState::Decided { granted, by } = &opened.request.state {
        return Ok(decided(&portal, &opened.organization, &opened.who, *granted, Some(by)));
    }
    Ok(question(&portal, visitor, &opened, &token))
}

fn question(portal: &Portal, visitor: Visitor, opened: &Opened, token: &str) -> Response {
    let page = AccessPage {
        site: &portal.site,
        organization: &opened.organization.name,
        slug: opened.organization.slug.as_str(),
        who: opened.who.email.as_str(),
        name: &opened.who.display_name(),
        age: &age(portal.store.now().since(opened.request.asked)),
        token,
        there: visitor.organization == Some(opened.organization.id),
    };
    page::html(StatusCode::OK, portal.to_identity_provider(), &page)
}

/// What an answer to the question came to.
enum Outcome {
    /// Their session is in another organization.
    Elsewhere(Opened),
    /// They have a second factor, and did not show it just now.
    SecondFactor,
    /// Decided, now or before.
    Decided(Opened, Decision),
}

/// `POST /.vestibule/access` with `token` and `decision`, `grant` or `decline`: decides, once.
///
/// # Errors
/// A post from another site; the link is over, or not for them.
pub async fn decide(
    State(portal): State<Arc<Portal>>,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Trouble> {
    same_origin::check(&headers, &portal.origin)?;
    portal.answers.pass(client, portal.store.now())?;
    let form = Form::read(&headers, body, PAGE_FORM_LIMIT).await?;
    let token = form.get("token").unwrap_or_default();
    let Some(visitor) = portal.visitor(&headers).await? else { return Ok(sign_in_first(token)) };
    let granted = match form.get("decision") {
        Some("grant") => true,
        Some("decline") => false,
        _ => return Err(Fault::plain(FaultKind::Invalid, "Please go back, and choose one of the two.").into()),
    };
    let decide = async |tx: Tx| {
        let opened = access_request::open(&tx, token, visitor.user).await?.ok_or_else(not_for_them)?;
        let decider = user::by_id(&tx, visitor.user).await?.ok_or_else(not_for_them)?;
        if visitor.organization != Some(opened.organization.id) {
            // Its rules have to be met first (D6).
            return Ok(Outcome::Elsewhere(opened));
        }
        if visitor.wants_second(&tx).await? {
            return Ok(Outcome::SecondFactor);
        }
        let mails = Mails { site: &portal.site, origin: &portal.origin };
        let decision =
            access_request::decide(&tx, &*portal.rng, opened.clone(), (&decider, &client.to_string()), granted, &mails)
                .await?;
        Ok::<_, Trouble>(Outcome::Decided(opened, decision))
    };
    match portal.store.transaction("decide on a request", decide).await? {
        Outcome::Elsewhere(opened) => Ok(question(&portal, visitor, &opened, token)),
        Outcome::SecondFactor => Ok(page::redirect(&returning(CHALLENGE, &question_at(token)), &[])),
        Outcome::Decided(opened, decision) => {
            if decision == Decision::Done {
                tracing::info!(organization = %opened.organization.slug, granted, "a request to be let in was decided");
            }
            outcome(&portal, &opened, granted, decision)
        }
    }
}

/// What became of a decision, as a page.
///
/// # Errors
/// The request was void.
pub fn outcome(portal: &Portal, opened: &Opened, granted: bool, decision: Decision) -> Result<Response, Trouble> {
    let (organization, who) = (&opened.organization, &opened.who);
    match decision {
        Decision::Done => Ok(decided(portal, organization, who, granted, None)),
        Decision::Before { granted, by } => Ok(decided(portal, organization, who, granted, Some(&by))),
        Decision::Void => Err(void()),
    }
}

/// What holds, and who said so if it was before.
fn decided(portal: &Portal, to: &Organization, who: &User, granted: bool, by: Option<&EmailAddress>) -> Response {
    let title = if granted { "Let in" } else { "Declined" };
    let what = if granted { "let into" } else { "not let into" };
    let text = match by {
        None => format!("{} is {what} {}. They are told by mail.", who.email, to.name),
        Some(by) => format!("{} was {what} {} before, by {by}.", who.email, to.name),
    };
    let page = NoticePage { site: &portal.site, title, text: &text, reference: None, link: Some(("/", "To the app")) };
    page::html(StatusCode::OK, FormTarget::None, &page)
}

fn sign_in_first(token: &str) -> Response {
    page::redirect(&returning("/.vestibule/sign-in", &question_at(token)), &[])
}

/// The address of the question.
fn question_at(token: &str) -> String {
    address(HERE, &[("token", token)])
}

/// The same whether there is no such link, or it is for somebody else.
fn not_for_them() -> Trouble {
    let public = "This link is over, or not for you: requests are decided by owners and admins of the organization.";
    let detail = "a link to a request that is none, or over, or for others";
    let mut trouble = Trouble::from(Fault::new(FaultKind::NotFound, public, detail));
    trouble.title = Some("No request for you");
    trouble.again = Some("/.vestibule/account".into());
    trouble
}

fn void() -> Trouble {
    let public = "This request does not count any more, since the account or the domain of its address changed. If you \
                  know the person, ask whoever runs this site to add them.";
    let detail = "the account of a request is off, or its domain changed hands";
    let mut trouble = Trouble::from(Fault::new(FaultKind::Conflict, public, detail));
    trouble.title = Some("This request is void");
    trouble
}
