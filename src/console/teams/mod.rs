//! Teams: those of the organization with their size and role, a page at a time, and one more.

pub mod one;

use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use http::StatusCode;

use super::person_words::{self, counted};
use super::shell::{Shell, html, mistake};
use super::{Door, Posted};
use crate::administration::api::{TeamCreate, TeamPage, TeamPageView};
use crate::administration::{team, team_pages};
use crate::directory::Origin;
use crate::kernel::{Fault, FaultKind, Role};
use crate::web::address::address;
use crate::web::form::query_value;
use crate::web::page::Trouble;

/// The last part of the page's address.
pub const PAGE: &str = "teams";

#[derive(Template)]
#[template(path = "console/teams.html")]
struct TeamsPage {
    shell: Shell,
    rows: Vec<Row>,
    /// This is not the first page.
    later: bool,
    next: Option<String>,
    /// Whether they may give a team a role.
    own: bool,
    typed: Typed,
}

struct Row {
    at: String,
    name: String,
    role: &'static str,
    size: String,
    provisioned: bool,
}

/// What the form's fields hold.
#[derive(Default)]
struct Typed {
    name: String,
    role: String,
}

/// `GET /.vestibule/console/o/{slug}/teams?after=…`.
///
/// # Errors
/// Not theirs to see.
pub async fn show(door: Door, RawQuery(query): RawQuery) -> Result<Response, Trouble> {
    let done = match query_value(query.as_deref(), "done").unwrap_or_default().as_str() {
        "made" => Some("The team is made."),
        "deleted" => Some("The team is gone; whoever was in it stays a member of the organization."),
        _ => None,
    };
    let shell = Shell { done, ..door.shell(PAGE) };
    page(&door, shell, StatusCode::OK, query_value(query.as_deref(), "after"), Typed::default()).await
}

async fn page(
    door: &Door,
    shell: Shell,
    status: StatusCode,
    after: Option<String>,
    typed: Typed,
) -> Result<Response, Trouble> {
    let later = after.is_some();
    let call = TeamPage { slug: door.organization.slug.clone(), after };
    let TeamPageView { teams, next } = team_pages::list(door.admin.clone(), call).await?;
    let here = door.path(PAGE);
    let rows = teams.into_iter().map(|(id, team)| Row {
        at: format!("{here}/{id}"),
        role: team.role.map_or("none", person_words::role),
        size: counted(team.size, team.more),
        provisioned: team.origin == Origin::Scim,
        name: team.name,
    });
    let (rows, next) = (rows.collect(), next.map(|next| address(&here, &[("after", &next)])));
    let own = door.role.is_none_or(|role| role == Role::Owner);
    Ok(html(status, &TeamsPage { shell, rows, later, next, own, typed }))
}

/// `POST /.vestibule/console/o/{slug}/teams` with `name` and `role`: makes a team; one with a role is for owners (D2).
///
/// # Errors
/// Not theirs to do; what was typed stands in the page again.
pub async fn create(Posted { door, form }: Posted) -> Result<Response, Trouble> {
    let text = |name: &str| form.get(name).unwrap_or_default().to_owned();
    let typed = Typed { name: text("name"), role: text("role") };
    match make(&door, &typed).await {
        Ok(()) => Ok(door.back(PAGE, "made")),
        Err(fault) => {
            let (status, problem) = mistake(fault)?;
            let shell = Shell { problem: Some(problem), ..door.shell(PAGE) };
            page(&door, shell, status, None, typed).await
        }
    }
}

async fn make(door: &Door, typed: &Typed) -> Result<(), Fault> {
    let (slug, role) = (door.organization.slug.clone(), role_of(&typed.role)?);
    team::create(door.admin.clone(), TeamCreate { slug, name: typed.name.clone(), role }).await.map(|_| ())
}

/// A team's role that was chosen; none is one.
///
/// # Errors
/// A sentence, if there is no such role.
pub fn role_of(text: &str) -> Result<Option<Role>, Fault> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| Fault::plain(FaultKind::Invalid, "Please choose a role."))
}
