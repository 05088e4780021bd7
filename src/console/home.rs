//! Home: what an organization is, at a glance.

use askama::Template;
use axum::response::Response;
use http::StatusCode;

use super::Door;
use super::shell::{Shell, html};
use crate::administration::api::{OrgShow, OrgView};
use crate::administration::organization;
use crate::web::page::Trouble;

#[derive(Template)]
#[template(path = "console/home.html")]
struct HomePage {
    shell: Shell,
    view: OrgView,
}

/// `GET /.vestibule/console/o/{slug}`.
///
/// # Errors
/// Not theirs to see.
pub async fn show(door: Door) -> Result<Response, Trouble> {
    let view = organization::show(door.admin.clone(), OrgShow { slug: door.organization.slug.clone() }).await?;
    Ok(html(StatusCode::OK, &HomePage { shell: door.shell(""), view }))
}
