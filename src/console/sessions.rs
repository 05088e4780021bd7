//! Sessions: who is signed in to the organization now, newest first, and their end, one by one or all at once.

use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use http::StatusCode;

use super::person_words::counted;
use super::shell::{Shell, html, mistake};
use super::{Door, Posted, words};
use crate::administration::api::{SessionList, SessionRevoke, SessionView, Whose};
use crate::administration::session;
use crate::kernel::{Fault, FaultKind, Role};
use crate::session::records::LIST_LIMIT;
use crate::web::address::address;
use crate::web::browser_name::browser_name;
use crate::web::form::query_value;
use crate::web::page::Trouble;

/// The last part of the page's address.
pub const PAGE: &str = "sessions";
/// How many sessions one page shows.
const SHOWN: usize = 50;

#[derive(Template)]
#[template(path = "console/sessions.html")]
struct SessionsPage {
    shell: Shell,
    rows: Vec<Row>,
    /// How many there are, as far as they are counted.
    size: String,
    /// There are more than are looked at.
    many: bool,
    later: bool,
    next: Option<String>,
    /// Whether ending all is theirs.
    own: bool,
}

struct Row {
    id: String,
    email: String,
    agent: String,
    client: String,
    since: String,
    ends: String,
}

#[derive(Template)]
#[template(path = "console/sessions_end.html")]
struct EndPage {
    shell: Shell,
    size: String,
    own: bool,
}

/// `GET /.vestibule/console/o/{slug}/sessions?page=…`.
///
/// # Errors
/// Not theirs to see.
pub async fn show(door: Door, RawQuery(query): RawQuery) -> Result<Response, Trouble> {
    let value = |name: &str| query_value(query.as_deref(), name).unwrap_or_default();
    let done = match value("done").as_str() {
        "ended" => Some("Ended, within a second."),
        "all" => Some("Every session in this organization has ended."),
        _ => None,
    };
    let shell = Shell { done, ..door.shell(PAGE) };
    page(&door, shell, StatusCode::OK, value("page").parse().unwrap_or_default()).await
}

async fn held(door: &Door) -> Result<Vec<SessionView>, Fault> {
    session::list(door.admin.clone(), SessionList { whose: Whose::Org(door.organization.slug.clone()) }).await
}

async fn page(door: &Door, shell: Shell, status: StatusCode, number: usize) -> Result<Response, Trouble> {
    let all = held(door).await?;
    let (many, first) = (all.len() >= LIST_LIMIT, number.saturating_mul(SHOWN));
    let next = (all.len() > first.saturating_add(SHOWN))
        .then(|| address(&door.path(PAGE), &[("page", &number.saturating_add(1).to_string())]));
    let size = counted(all.len(), many);
    let rows = all.into_iter().skip(first).take(SHOWN).map(row).collect();
    let own = is_owner(door);
    Ok(html(status, &SessionsPage { shell, rows, size, many, later: number > 0, next, own }))
}

fn is_owner(door: &Door) -> bool {
    door.role.is_none_or(|role| role == Role::Owner)
}

fn row(session: SessionView) -> Row {
    Row {
        id: session.id.to_string(),
        email: session.email,
        agent: session.user_agent.map_or_else(|| "Unknown browser".to_owned(), |agent| browser_name(&agent)),
        client: session.client.unwrap_or_default(),
        since: words::moment(&session.created),
        ends: words::moment(&session.ends),
    }
}

/// `POST /.vestibule/console/o/{slug}/sessions` with `session`: ends one.
///
/// # Errors
/// Not theirs to end; it is over.
pub async fn end(Posted { door, form }: Posted) -> Result<Response, Trouble> {
    match end_one(&door, form.get("session").unwrap_or_default()).await {
        Ok(()) => Ok(door.back(PAGE, "ended")),
        Err(fault) => {
            let (status, problem) = mistake(fault)?;
            page(&door, Shell { problem: Some(problem), ..door.shell(PAGE) }, status, 0).await
        }
    }
}

async fn end_one(door: &Door, id: &str) -> Result<(), Fault> {
    let over = || Fault::plain(FaultKind::NotFound, "This session is over already.");
    let whose = Whose::Session(id.parse().map_err(|_| over())?);
    let ended = session::revoke(door.admin.clone(), SessionRevoke { whose }).await;
    ended.map(|_| ()).map_err(|fault| if fault.kind == FaultKind::NotFound { over() } else { fault })
}

/// `GET /.vestibule/console/o/{slug}/sessions/end`: what ending all means.
///
/// # Errors
/// Not theirs to see.
pub async fn ask_to_end_all(door: Door) -> Result<Response, Trouble> {
    let count = held(&door).await?.len();
    let size = counted(count, count >= LIST_LIMIT);
    Ok(html(StatusCode::OK, &EndPage { own: is_owner(&door), shell: door.shell(PAGE), size }))
}

/// `POST /.vestibule/console/o/{slug}/sessions/end`: ends every session in the organization; for owners.
///
/// # Errors
/// Not theirs to do.
pub async fn end_all(Posted { door, .. }: Posted) -> Result<Response, Trouble> {
    let whose = Whose::Org(door.organization.slug.clone());
    session::revoke(door.admin.clone(), SessionRevoke { whose }).await?;
    Ok(door.back(PAGE, "all"))
}
