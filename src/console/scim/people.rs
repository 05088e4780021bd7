//! Whom provisioning keeps, and who has slipped by it.

use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use http::StatusCode;

use super::PAGE;
use crate::administration::api::{ScimDrift, ScimDriftView, ScimPeople, ScimPeopleView};
use crate::administration::scim_state;
use crate::console::Door;
use crate::console::shell::{Shell, html};
use crate::kernel::{FaultKind, UserId};
use crate::web::form::query_value;
use crate::web::page::Trouble;

#[derive(Template)]
#[template(path = "console/scim_people.html")]
struct PeoplePage {
    shell: Shell,
    view: ScimPeopleView,
}

#[derive(Template)]
#[template(path = "console/scim_drift.html")]
struct DriftPage {
    shell: Shell,
    view: ScimDriftView,
    /// It is not the first look.
    further: bool,
}

/// Where a list goes on.
fn after(query: Option<&str>) -> Result<Option<UserId>, Trouble> {
    let wrong = |_| crate::kernel::Fault::plain(FaultKind::Invalid, "This list can't be read on from there.").into();
    query_value(query, "after").map(|after| after.parse().map_err(wrong)).transpose()
}

/// `GET /.vestibule/console/o/{slug}/scim/people?after=`.
///
/// # Errors
/// Not theirs to see.
pub async fn people(door: Door, RawQuery(query): RawQuery) -> Result<Response, Trouble> {
    let call = ScimPeople { slug: door.organization.slug.clone(), after: after(query.as_deref())? };
    let view = scim_state::people(door.admin.clone(), call).await?;
    Ok(html(StatusCode::OK, &PeoplePage { shell: door.shell(PAGE), view }))
}

/// `GET /.vestibule/console/o/{slug}/scim/drift?after=`.
///
/// # Errors
/// Not theirs to see.
pub async fn drift(door: Door, RawQuery(query): RawQuery) -> Result<Response, Trouble> {
    let after = after(query.as_deref())?;
    let call = ScimDrift { slug: door.organization.slug.clone(), after };
    let view = scim_state::drift(door.admin.clone(), call).await?;
    Ok(html(StatusCode::OK, &DriftPage { shell: door.shell(PAGE), view, further: after.is_some() }))
}
