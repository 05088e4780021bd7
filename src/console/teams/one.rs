//! One team: its name and role, who is in it, and its end. What provisioning keeps is shown, and changed there.

use askama::Template;
use axum::extract::{Path, RawQuery};
use axum::response::Response;
use http::StatusCode;

use super::{PAGE, role_of};
use crate::administration::api::{TeamAdd, TeamDelete, TeamRemove, TeamRename, TeamSetRole, TeamWith, TeamWithView};
use crate::administration::{team, team_pages};
use crate::console::members::email_of;
use crate::console::person_words::{self, counted};
use crate::console::shell::{Shell, html, mistake};
use crate::console::{Door, Posted, members, words};
use crate::kernel::{Fault, FaultKind, UserId};
use crate::web::address::address;
use crate::web::form::{Form, query_value};
use crate::web::page::Trouble;

#[derive(Template)]
#[template(path = "console/team.html")]
struct TeamPage {
    shell: Shell,
    here: String,
    view: TeamWithView,
    role: &'static str,
    since: String,
    size: String,
    rows: Vec<Row>,
    /// This is not the first page.
    later: bool,
    next: Option<String>,
    /// The address that was typed.
    email: String,
}

struct Row {
    at: String,
    name: Option<String>,
    email: String,
    origin: &'static str,
}

#[derive(Template)]
#[template(path = "console/team_delete.html")]
struct DeletePage {
    shell: Shell,
    here: String,
    back: String,
    name: String,
    size: String,
    role: Option<&'static str>,
}

/// `GET /.vestibule/console/o/{slug}/teams/{team}?after=…`.
///
/// # Errors
/// Not theirs to see; no such team.
pub async fn show(
    Path((_, id)): Path<(String, String)>,
    door: Door,
    RawQuery(query): RawQuery,
) -> Result<Response, Trouble> {
    let after = query_value(query.as_deref(), "after").and_then(|after| after.parse().ok());
    let view = find(&door, &id, after).await?;
    let done = match query_value(query.as_deref(), "done").unwrap_or_default().as_str() {
        "in" => Some("They are in the team."),
        "out" => Some("They are out of the team."),
        "renamed" => Some("The team has its new name."),
        "role" => Some("The role is changed, for everybody in the team."),
        "same" => Some("It was so already."),
        _ => None,
    };
    let shell = Shell { done, ..door.shell(PAGE) };
    Ok(page(&door, shell, StatusCode::OK, (view, after.is_some()), &id, String::new()))
}

async fn find(door: &Door, id: &str, after: Option<UserId>) -> Result<TeamWithView, Trouble> {
    let id = id.parse().map_err(|_| Trouble::not_found())?;
    let call = TeamWith { slug: door.organization.slug.clone(), id, after };
    Ok(team_pages::show(door.admin.clone(), call).await?)
}

fn page(
    door: &Door,
    shell: Shell,
    status: StatusCode,
    (view, later): (TeamWithView, bool),
    id: &str,
    email: String,
) -> Response {
    let (here, people) = (door.path(&format!("{PAGE}/{id}")), door.path(members::PAGE));
    let rows = view.members.iter().map(|(id, member)| Row {
        at: format!("{people}/{id}"),
        name: member.name.clone(),
        email: member.email.to_string(),
        origin: person_words::origin(member.origin),
    });
    let page = TeamPage {
        rows: rows.collect(),
        role: view.team.role.map_or("none", person_words::role),
        since: words::moment(&view.team.since),
        size: counted(view.team.size, view.team.more),
        next: view.next.map(|next| address(&here, &[("after", &next.to_string())])),
        shell,
        here,
        view,
        later,
        email,
    };
    html(status, &page)
}

/// `POST /.vestibule/console/o/{slug}/teams/{team}` with `act`, and what that takes.
///
/// # Errors
/// Not theirs to do; what was typed stands in the page again.
pub async fn act(Path((_, id)): Path<(String, String)>, Posted { door, form }: Posted) -> Result<Response, Trouble> {
    let view = find(&door, &id, None).await?;
    match carry_out(&door, &form, view.team.name.clone()).await {
        Ok(done) => Ok(door.back(&format!("{PAGE}/{id}"), done)),
        Err(fault) => {
            let (status, problem) = mistake(fault)?;
            let shell = Shell { problem: Some(problem), ..door.shell(PAGE) };
            let email = form.get("email").filter(|_| form.get("act") == Some("add")).unwrap_or_default().to_owned();
            Ok(page(&door, shell, status, (view, false), &id, email))
        }
    }
}

async fn carry_out(door: &Door, form: &Form, name: String) -> Result<&'static str, Fault> {
    let (admin, slug) = (door.admin.clone(), door.organization.slug.clone());
    let text = |name: &str| form.get(name).unwrap_or_default().to_owned();
    let (changes, done) = match text("act").as_str() {
        "add" => (team::add(admin, TeamAdd { slug, name, email: email_of(&text("email"))? }).await?, "in"),
        "remove" => (team::remove(admin, TeamRemove { slug, name, email: email_of(&text("email"))? }).await?, "out"),
        "rename" => (team::rename(admin, TeamRename { slug, name, new_name: text("name") }).await?, "renamed"),
        "role" => (team::set_role(admin, TeamSetRole { slug, name, role: role_of(&text("role"))? }).await?, "role"),
        _ => return Err(Fault::plain(FaultKind::Invalid, "The form does not say what is to be done.")),
    };
    Ok(if changes.changes.is_empty() { "same" } else { done })
}

/// `GET /.vestibule/console/o/{slug}/teams/{team}/delete`: what the end of a team means.
///
/// # Errors
/// Not theirs to see; no such team.
pub async fn ask_to_delete(Path((_, id)): Path<(String, String)>, door: Door) -> Result<Response, Trouble> {
    let view = find(&door, &id, None).await?;
    Ok(html(StatusCode::OK, &delete_page(&door, &id, view, None)))
}

fn delete_page(door: &Door, id: &str, view: TeamWithView, problem: Option<String>) -> DeletePage {
    let back = door.path(&format!("{PAGE}/{id}"));
    DeletePage {
        shell: Shell { problem, ..door.shell(PAGE) },
        here: format!("{back}/delete"),
        back,
        size: counted(view.team.size, view.team.more),
        role: view.team.role.map(person_words::role),
        name: view.team.name,
    }
}

/// `POST /.vestibule/console/o/{slug}/teams/{team}/delete`: ends the team.
///
/// # Errors
/// Not theirs to do; no such team.
pub async fn delete(Path((_, id)): Path<(String, String)>, Posted { door, .. }: Posted) -> Result<Response, Trouble> {
    let view = find(&door, &id, None).await?;
    let call = TeamDelete { slug: door.organization.slug.clone(), name: view.team.name.clone() };
    match team::delete(door.admin.clone(), call).await {
        Ok(_) => Ok(door.back(PAGE, "deleted")),
        Err(fault) => {
            let (status, problem) = mistake(fault)?;
            Ok(html(status, &delete_page(&door, &id, view, Some(problem))))
        }
    }
}
