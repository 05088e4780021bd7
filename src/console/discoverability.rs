//! Who finds us: work domains and how their people come in, who asks to be let in, and whose membership is to be confirmed.

use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use http::StatusCode;

use super::shell::{Shell, html, mistake};
use super::{Door, Posted};
use crate::administration::api::{AccessDecide, AccessShow, AccessView, OrgSet, UserConfirm, UserRemove};
use crate::administration::{access, confirm, organization, user};
use crate::directory::Discoverability;
use crate::kernel::{DomainName, EmailAddress, Fault, FaultKind};
use crate::web::form::{Form, query_value};
use crate::web::page::Trouble;

/// The last part of the page's address.
pub const PAGE: &str = "discoverability";

#[derive(Template)]
#[template(path = "console/discoverability.html")]
struct FindersPage {
    shell: Shell,
    view: AccessView,
    choice: Discoverability,
    domains: String,
}

/// What was typed: the choice, and the domains.
type Typed = (Discoverability, String);

async fn page(door: &Door, shell: Shell, typed: Option<Typed>) -> Result<FindersPage, Fault> {
    let view = access::show(door.admin.clone(), AccessShow { slug: door.organization.slug.clone() }).await?;
    let held = || {
        let domains: Vec<&str> = view.domains.iter().map(DomainName::as_str).collect();
        (view.discoverability, domains.join("\n"))
    };
    let (choice, domains) = typed.unwrap_or_else(held);
    Ok(FindersPage { shell, view, choice, domains })
}

/// `GET /.vestibule/console/o/{slug}/discoverability`.
///
/// # Errors
/// Not theirs to see.
pub async fn show(door: Door, RawQuery(query): RawQuery) -> Result<Response, Trouble> {
    let done = match query_value(query.as_deref(), "done").as_deref() {
        Some("saved") => Some("Saved."),
        Some("confirmed") => Some("The member is confirmed, and can enter again."),
        Some("removed") => Some("The membership is over."),
        Some("granted") => Some("They are a member now, and are told by mail."),
        Some("declined") => Some("The request was declined, and they are told by mail."),
        _ => None,
    };
    let shell = Shell { done, ..door.shell(PAGE) };
    Ok(html(StatusCode::OK, &page(&door, shell, None).await?))
}

/// What came of a form: back to the page, or the page with the problem and what was typed.
async fn outcome(door: &Door, came: Result<&'static str, Fault>, typed: Option<Typed>) -> Result<Response, Trouble> {
    match came {
        Ok(done) => Ok(door.back(PAGE, done)),
        Err(fault) => {
            let (status, problem) = mistake(fault)?;
            let shell = Shell { problem: Some(problem), ..door.shell(PAGE) };
            Ok(html(status, &page(door, shell, typed).await?))
        }
    }
}

/// `POST /.vestibule/console/o/{slug}/discoverability` with `discoverability` and `domains`.
///
/// # Errors
/// Not theirs to change; what was typed stands in the page again.
pub async fn save(Posted { door, form }: Posted) -> Result<Response, Trouble> {
    let (choice, domains) = (form.get("discoverability").unwrap_or_default(), form.get("domains").unwrap_or_default());
    let settings = vec![
        ("discoverability".to_owned(), choice.to_owned()),
        ("discoverable_domains".to_owned(), domains.to_owned()),
    ];
    let call = OrgSet { slug: door.organization.slug.clone(), settings };
    let came = organization::set(door.admin.clone(), call).await.map(|_| "saved");
    outcome(&door, came, Some((choice.parse().unwrap_or_default(), domains.to_owned()))).await
}

/// `POST /.vestibule/console/o/{slug}/discoverability/members` with `email` and `decision`, `confirm` or `remove`: what
/// becomes of a membership that sleeps.
///
/// # Errors
/// Not theirs to decide; there is nothing to decide.
pub async fn decide_member(Posted { door, form }: Posted) -> Result<Response, Trouble> {
    let slug = door.organization.slug.clone();
    let came = match (email(&form), form.get("decision")) {
        (Ok(email), Some("confirm")) => {
            confirm::confirm(door.admin.clone(), UserConfirm { slug, email }).await.map(|_| "confirmed")
        }
        (Ok(email), Some("remove")) => {
            user::remove(door.admin.clone(), UserRemove { slug, email }).await.map(|_| "removed")
        }
        (Ok(_), _) => Err(neither()),
        (Err(fault), _) => Err(fault),
    };
    outcome(&door, came, None).await
}

/// `POST /.vestibule/console/o/{slug}/discoverability/requests` with `email` and `decision`, `grant` or `decline`.
///
/// # Errors
/// Not theirs to decide; there is nothing to decide.
pub async fn decide_request(Posted { door, form }: Posted) -> Result<Response, Trouble> {
    let slug = door.organization.slug.clone();
    let granted = match form.get("decision") {
        Some("grant") => Ok(true),
        Some("decline") => Ok(false),
        _ => Err(neither()),
    };
    let came = match (email(&form), granted) {
        (Ok(email), Ok(granted)) => {
            let done = if granted { "granted" } else { "declined" };
            access::decide(door.admin.clone(), AccessDecide { slug, email, granted }).await.map(|()| done)
        }
        (Err(fault), _) | (_, Err(fault)) => Err(fault),
    };
    outcome(&door, came, None).await
}

fn email(form: &Form) -> Result<EmailAddress, Fault> {
    let wrong = |error| Fault::plain(FaultKind::Invalid, format!("This is no e-mail address: {error}"));
    form.get("email").unwrap_or_default().parse().map_err(wrong)
}

fn neither() -> Fault {
    Fault::plain(FaultKind::Invalid, "Please choose one of the two.")
}
