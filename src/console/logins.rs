//! The sign-in log: who came, what came of it, each sign-in with its checks, and a link to show one to somebody else.

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawPathParams, RawQuery, State};
use axum::response::Response;
use http::StatusCode;

use super::shell::{Shell, html, mistake};
use super::{Console, Door, Posted};
use crate::administration::api::{LoginDetail, LoginNamed, LoginPage, LoginPageView, LoginView};
use crate::administration::{login_log, logins};
use crate::directory::{LoginMessage, login_share, organization};
use crate::kernel::{Fault, FaultKind, LoginId};
use crate::web::address::address;
use crate::web::form::query_value;
use crate::web::page::{self, FormTarget, Inside, Trouble};

/// The last part of the page's address.
pub const PAGE: &str = "logins";
/// Where a link leads that shows one sign-in.
pub const SHARED: &str = "/.vestibule/console/shared";

/// The outcomes that can be looked for, with their words.
const OUTCOMES: [(&str, &str); 4] =
    [("accepted", "signed in"), ("refused", "refused"), ("continued", "second factor was next"), ("tested", "test")];

/// An outcome in words.
fn words(outcome: &str) -> &str {
    OUTCOMES.iter().find(|(name, _)| *name == outcome).map_or(outcome, |(_, words)| *words)
}

/// An outcome's colour.
fn colour(login: &LoginView) -> &'static str {
    match (login.outcome.as_str(), &login.reason) {
        ("accepted", _) | ("tested", None) => " good",
        (_, Some(_)) => " bad",
        _ => "",
    }
}

/// Whether a sign-in was by something that is no message: its first check says by what.
fn without_message(login: &LoginView) -> bool {
    login.idp.is_none() && login.checks.first().is_some_and(|check| matches!(check.name.as_str(), "password" | "link"))
}

#[derive(Template)]
#[template(path = "console/logins/list.html")]
struct ListPage {
    shell: Shell,
    view: LoginPageView,
    outcome: String,
    email: String,
    /// Older ones are there.
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "console/logins/one.html")]
struct OnePage {
    shell: Shell,
    login: LoginView,
    message: Option<LoginMessage>,
    /// Who made a link that is good, and until when.
    shared: Vec<(String, String)>,
    /// A link that was made just now, and until when it is good.
    link: Option<(String, String)>,
}

/// What a link shows.
#[derive(Template)]
#[template(path = "console/logins/shared.html")]
struct SharedPage {
    site: String,
    organization: String,
    login: LoginView,
    ends: String,
}

/// `GET /.vestibule/console/o/{slug}/logins?outcome=…&email=…&after=…`.
///
/// # Errors
/// Not theirs to see.
pub async fn list(door: Door, RawQuery(query): RawQuery) -> Result<Response, Trouble> {
    let value = |name: &str| query_value(query.as_deref(), name).unwrap_or_default();
    let (outcome, email) = (value("outcome"), value("email"));
    let call = LoginPage {
        slug: door.organization.slug.clone(),
        outcome: Some(outcome.clone()).filter(|outcome| !outcome.is_empty()),
        email: Some(email.clone()),
        after: value("after").parse().ok(),
    };
    let view = login_log::page(door.admin.clone(), call).await?;
    let next = view.next.map(|after| {
        let pairs = [("outcome", outcome.as_str()), ("email", &email), ("after", &after.to_string())];
        address(&door.path(PAGE), &pairs)
    });
    Ok(html(StatusCode::OK, &ListPage { shell: door.shell(PAGE), view, outcome, email, next }))
}

/// The sign-in that the address names.
fn named(door: &Door, params: &RawPathParams) -> Result<LoginNamed, Trouble> {
    let id = params.iter().find(|(name, _)| *name == "id").and_then(|(_, value)| value.parse::<LoginId>().ok());
    Ok(LoginNamed { slug: door.organization.slug.clone(), id: id.ok_or_else(Trouble::not_found)? })
}

/// `GET /.vestibule/console/o/{slug}/logins/{id}`.
///
/// # Errors
/// Not theirs to see; it is not kept any more.
pub async fn show(door: Door, params: RawPathParams, RawQuery(query): RawQuery) -> Result<Response, Trouble> {
    let LoginDetail { login, message, shared } = login_log::show(door.admin.clone(), named(&door, &params)?).await?;
    let done = query_value(query.as_deref(), "done").filter(|done| done == "unshared");
    let done = done.map(|_| "The links show nothing any more.");
    let page = OnePage { shell: Shell { done, ..door.shell(PAGE) }, login, message, shared, link: None };
    Ok(html(StatusCode::OK, &page))
}

/// `POST /.vestibule/console/o/{slug}/logins/{id}/share`: makes a link, which is shown once.
///
/// # Errors
/// Not theirs to share; there are enough.
pub async fn share(
    State(console): State<Arc<Console>>,
    params: RawPathParams,
    Posted { door, .. }: Posted,
) -> Result<Response, Trouble> {
    let call = named(&door, &params)?;
    let (link, problem, status) = match login_log::share(door.admin.clone(), call.clone()).await {
        Ok(made) => {
            let link = format!("{}{SHARED}?sign_in={}", console.origin, made.token.expose());
            (Some((link, made.ends)), None, StatusCode::OK)
        }
        Err(fault) => {
            let (status, problem) = mistake(fault)?;
            (None, Some(problem), status)
        }
    };
    let LoginDetail { login, message, shared } = login_log::show(door.admin.clone(), call).await?;
    Ok(html(status, &OnePage { shell: Shell { problem, ..door.shell(PAGE) }, login, message, shared, link }))
}

/// `POST /.vestibule/console/o/{slug}/logins/{id}/unshare`: makes its links void.
///
/// # Errors
/// Not theirs to end.
pub async fn unshare(params: RawPathParams, Posted { door, .. }: Posted) -> Result<Response, Trouble> {
    let call = named(&door, &params)?;
    let page = format!("{PAGE}/{}", call.id);
    login_log::unshare(door.admin.clone(), call).await?;
    Ok(door.back(&page, "unshared"))
}

/// `GET /.vestibule/console/shared?sign_in=…`: one sign-in alone, to whoever has the link.
///
/// # Errors
/// The link is void, the same whether it is over, was ended, or never was.
pub async fn shared(State(console): State<Arc<Console>>, RawQuery(query): RawQuery) -> Result<Response, Trouble> {
    let void = || {
        let public = "This link shows nothing any more: it was good for a week, or was ended.";
        Trouble::from(Fault::new(FaultKind::NotFound, public, "a void link to a sign-in"))
    };
    let tx = console.administration.store.reader();
    let token = query_value(query.as_deref(), "sign_in").unwrap_or_default();
    let share = login_share::find(&tx, &token).await?.ok_or_else(void)?;
    let organization = organization::by_id(&tx, share.organization).await?.ok_or_else(void)?;
    let page = SharedPage {
        site: console.site.clone(),
        login: logins::view(&organization.slug, share.record),
        organization: organization.name,
        ends: share.ends.to_string(),
    };
    Ok(page::html_with(StatusCode::OK, FormTarget::None, Inside { style: super::STYLE, script: None }, &page))
}
