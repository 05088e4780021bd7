//! The log of provisioning: its last requests, and each on a page of its own.

use askama::Template;
use axum::extract::{Path, RawQuery};
use axum::response::Response;
use http::StatusCode;

use super::PAGE;
use crate::administration::api::{ScimLog, ScimLogOne, ScimRequestView};
use crate::administration::scim_log;
use crate::console::Door;
use crate::console::shell::{Shell, html};
use crate::web::form::query_value;
use crate::web::page::Trouble;

/// How many requests are listed.
const SHOWN: usize = 100;
/// How many are looked at for a filter: all that are kept.
const LOOK: usize = 900;

#[derive(Template)]
#[template(path = "console/scim_requests.html")]
struct RequestsPage {
    shell: Shell,
    rows: Vec<ScimRequestView>,
    /// Which ones: `refused`, `changes`, or all.
    only: &'static str,
    /// There are older ones than are shown.
    more: bool,
}

#[derive(Template)]
#[template(path = "console/scim_request.html")]
struct RequestPage {
    shell: Shell,
    view: ScimRequestView,
    body: String,
}

/// `GET /.vestibule/console/o/{slug}/scim/requests?only=refused|changes`.
///
/// # Errors
/// Not theirs to see.
pub async fn requests(door: Door, RawQuery(query): RawQuery) -> Result<Response, Trouble> {
    let only = match query_value(query.as_deref(), "only").as_deref() {
        Some("refused") => "refused",
        Some("changes") => "changes",
        _ => "",
    };
    let call = ScimLog { org: Some(door.organization.slug.clone()), last: LOOK };
    let mut rows = scim_log::list(door.admin.clone(), call).await?;
    rows.retain(|row| match only {
        "refused" => row.status >= 400,
        "changes" => row.status < 400 && row.method != "GET" && !row.target.contains("/.search"),
        _ => true,
    });
    let more = rows.len() > SHOWN;
    rows.truncate(SHOWN);
    Ok(html(StatusCode::OK, &RequestsPage { shell: door.shell(PAGE), rows, only, more }))
}

/// `GET /.vestibule/console/o/{slug}/scim/requests/{request}`.
///
/// # Errors
/// Not theirs to see; it is not kept any more.
pub async fn request(door: Door, Path((_, id)): Path<(String, String)>) -> Result<Response, Trouble> {
    let call = ScimLogOne { slug: door.organization.slug.clone(), id };
    let view = scim_log::one(door.admin.clone(), call).await?;
    let body = laid_out(&view.body);
    Ok(html(StatusCode::OK, &RequestPage { shell: door.shell(PAGE), view, body }))
}

/// JSON over several lines, if it was kept whole.
fn laid_out(body: &str) -> String {
    let parsed = serde_json::from_str::<serde_json::Value>(body);
    parsed.ok().and_then(|value| serde_json::to_string_pretty(&value).ok()).unwrap_or_else(|| body.to_owned())
}
