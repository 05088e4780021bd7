//! General: an organization's name, and how long its sessions last.

use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use http::StatusCode;

use super::shell::{Shell, html, mistake};
use super::{Door, Posted};
use crate::administration::api::{OrgSet, OrgShow};
use crate::administration::organization;
use crate::web::form::query_value;
use crate::web::page::Trouble;

/// The last part of the page's address.
pub const PAGE: &str = "general";

/// What the form's fields hold.
struct Typed {
    name: String,
    session_idle: String,
    session_absolute: String,
}

#[derive(Template)]
#[template(path = "console/general.html")]
struct GeneralPage {
    shell: Shell,
    typed: Typed,
}

/// `GET /.vestibule/console/o/{slug}/general`.
///
/// # Errors
/// Not theirs to see.
pub async fn show(door: Door, RawQuery(query): RawQuery) -> Result<Response, Trouble> {
    let view = organization::show(door.admin.clone(), OrgShow { slug: door.organization.slug.clone() }).await?;
    let typed = Typed {
        name: view.name,
        session_idle: view.session_idle.unwrap_or_default(),
        session_absolute: view.session_absolute.unwrap_or_default(),
    };
    let done = query_value(query.as_deref(), "done").filter(|done| done == "saved").map(|_| "Saved.");
    Ok(html(StatusCode::OK, &GeneralPage { shell: Shell { done, ..door.shell(PAGE) }, typed }))
}

/// `POST /.vestibule/console/o/{slug}/general` with `name`, `session_idle` and `session_absolute`; an empty limit is the
/// site's.
///
/// # Errors
/// Not theirs to change; what was typed stands in the page again.
pub async fn save(Posted { door, form }: Posted) -> Result<Response, Trouble> {
    let text = |name: &str| form.get(name).unwrap_or_default().trim().to_owned();
    let typed =
        Typed { name: text("name"), session_idle: text("session_idle"), session_absolute: text("session_absolute") };
    let limit = |value: &str| if value.is_empty() { "default".to_owned() } else { value.to_owned() };
    let settings = vec![
        ("name".to_owned(), typed.name.clone()),
        ("session_idle".to_owned(), limit(&typed.session_idle)),
        ("session_absolute".to_owned(), limit(&typed.session_absolute)),
    ];
    let call = OrgSet { slug: door.organization.slug.clone(), settings };
    match organization::set(door.admin.clone(), call).await {
        Ok(_) => Ok(door.back(PAGE, "saved")),
        Err(fault) => {
            let (status, problem) = mistake(fault)?;
            Ok(html(status, &GeneralPage { shell: Shell { problem: Some(problem), ..door.shell(PAGE) }, typed }))
        }
    }
}
