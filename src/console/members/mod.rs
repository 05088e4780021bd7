//! Members: who is in the organization, a page at a time, and the invitation of one more.

pub mod person;

use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use http::StatusCode;

use super::person_words::{self, Choice};
use super::shell::{Shell, html, mistake};
use super::{Door, Posted};
use crate::administration::api::{MemberList, MemberPage, UserAdd, UserInvite, UserView};
use crate::administration::{invite, members, user};
use crate::kernel::{EmailAddress, Fault, FaultKind, Role};
use crate::web::address::address;
use crate::web::form::query_value;
use crate::web::page::Trouble;

/// The last part of the page's address.
pub const PAGE: &str = "members";

#[derive(Template)]
#[template(path = "console/members.html")]
struct MembersPage {
    shell: Shell,
    rows: Vec<Row>,
    /// What was searched for.
    search: String,
    /// This is not the first page.
    later: bool,
    /// The address of the next page.
    next: Option<String>,
    /// The site sends mail.
    mail: bool,
    roles: Vec<Choice>,
    typed: Typed,
}

struct Row {
    at: String,
    name: Option<String>,
    email: String,
    role: &'static str,
    /// The role that a team gives, if it is stronger.
    by_team: Option<&'static str>,
    origin: &'static str,
    state: (&'static str, &'static str),
}

/// What the form's fields hold.
#[derive(Default)]
struct Typed {
    email: String,
    role: String,
}

/// What is asked for.
#[derive(Default)]
struct Asked {
    search: String,
    after: String,
}

/// `GET /.vestibule/console/o/{slug}/members?search=…&after=…`.
///
/// # Errors
/// Not theirs to see.
pub async fn show(door: Door, RawQuery(query): RawQuery) -> Result<Response, Trouble> {
    let value = |name: &str| query_value(query.as_deref(), name).unwrap_or_default();
    let done = match value("done").as_str() {
        "invited" => Some("Invited: a mail with a link is on its way. They are a member from now on."),
        "added" => Some("Added: they are a member from now on, and can sign in."),
        "removed" => Some("Removed, and their sessions here ended."),
        "ownerless" => Some("Done. Nobody who can sign in owns this organization any more: make somebody an owner."),
        _ => None,
    };
    let asked = Asked { search: value("search"), after: value("after") };
    let shell = Shell { done, ..door.shell(PAGE) };
    page(&door, shell, StatusCode::OK, asked, Typed::default()).await
}

async fn page(door: &Door, shell: Shell, status: StatusCode, asked: Asked, typed: Typed) -> Result<Response, Trouble> {
    let after = asked.after.parse().ok();
    let later = after.is_some();
    let call = MemberList { slug: door.organization.slug.clone(), search: asked.search.clone(), after };
    let MemberPage { members, next, mail } = members::list(door.admin.clone(), call).await?;
    let here = door.path(PAGE);
    let next = next.map(|next| address(&here, &[("search", &asked.search), ("after", &next.to_string())]));
    let rows = members.into_iter().map(|member| row(&here, member)).collect();
    let roles = person_words::roles(door.role.is_none_or(|role| role == Role::Owner));
    Ok(html(status, &MembersPage { shell, rows, search: asked.search, later, next, mail, roles, typed }))
}

fn row(here: &str, member: UserView) -> Row {
    let held = member.memberships.first();
    let own = held.map_or(Role::Member, |held| held.role);
    let by_team = held.map(|held| held.effective_role).filter(|role| *role != own);
    Row {
        at: format!("{here}/{}", member.id),
        role: person_words::role(own),
        by_team: by_team.map(person_words::role),
        origin: held.map_or("", |held| person_words::origin(held.origin)),
        state: person_words::state(member.active, held.is_some_and(|held| held.asleep)),
        name: member.name,
        email: member.email.to_string(),
    }
}

/// `POST /.vestibule/console/o/{slug}/members` with `email` and `role`: makes them a member; they get a mail, if the site
/// sends any.
///
/// # Errors
/// Not theirs to do; what was typed stands in the page again.
pub async fn invite(Posted { door, form }: Posted) -> Result<Response, Trouble> {
    let text = |name: &str| form.get(name).unwrap_or_default().trim().to_owned();
    let typed = Typed { email: text("email"), role: text("role") };
    match carry_out(&door, &typed).await {
        Ok(done) => Ok(door.back(PAGE, done)),
        Err(fault) => {
            let (status, problem) = mistake(fault)?;
            let shell = Shell { problem: Some(problem), ..door.shell(PAGE) };
            page(&door, shell, status, Asked::default(), typed).await
        }
    }
}

async fn carry_out(door: &Door, typed: &Typed) -> Result<&'static str, Fault> {
    let (email, role) = (email_of(&typed.email)?, role_of(&typed.role)?);
    let slug = door.organization.slug.clone();
    let list = MemberList { slug: slug.clone(), search: email.to_string(), after: None };
    if members::list(door.admin.clone(), list).await?.mail {
        invite::invite(door.admin.clone(), UserInvite { slug, email, role }).await?;
        return Ok("invited");
    }
    user::add(door.admin.clone(), UserAdd { slug, email, role, password: None }).await?;
    Ok("added")
}

/// An address that was typed.
///
/// # Errors
/// A sentence, if it is none.
pub fn email_of(text: &str) -> Result<EmailAddress, Fault> {
    let wanted = || Fault::plain(FaultKind::Invalid, "That is no e-mail address: it looks like name@company.example.");
    text.trim().parse().map_err(|_| wanted())
}

/// A role that was chosen.
///
/// # Errors
/// A sentence, if there is no such role.
pub fn role_of(text: &str) -> Result<Role, Fault> {
    text.parse().map_err(|_| Fault::plain(FaultKind::Invalid, "Please choose a role."))
}
