//! The end of a link, from either side, after a page that says what ends.

use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use http::StatusCode;

use super::{PAGE, Posted};
use crate::administration::api::{LinkLeave, LinkList, LinkShow, LinkView};
use crate::administration::{link, link_show};
use crate::console::Door;
use crate::console::shell::{Shell, html};
use crate::directory::OrgKind;
use crate::kernel::{Fault, FaultKind};
use crate::web::form::query_value;
use crate::web::page::Trouble;

#[derive(Template)]
#[template(path = "console/shared_leave.html")]
struct LeavePage {
    shell: Shell,
    /// The link; `None`: there is none.
    link: Option<LinkView>,
    /// What the other side is called.
    other: String,
    owner: bool,
}

/// The link that is meant, and what its other side is called: of the Admin organization, that of `linked`.
async fn find(door: &Door, linked: &str) -> Result<Option<(LinkView, String)>, Fault> {
    let slug = door.organization.slug.clone();
    if door.organization.kind == OrgKind::Customer {
        let state = link_show::show(door.admin.clone(), LinkShow { slug }).await?;
        return Ok(state.link.zip(state.admin_name));
    }
    let found = link::list(door.admin.clone(), LinkList { slug }).await?;
    let meant = found.into_iter().find(|link| link.slug.as_str() == linked);
    Ok(meant.map(|link| {
        let name = link.name.clone();
        (link, name)
    }))
}

/// `GET /.vestibule/console/o/{slug}/shared/leave`, of an Admin organization with `?organization=`: what would end.
///
/// # Errors
/// Not theirs to see.
pub async fn ask_leave(door: Door, RawQuery(query): RawQuery) -> Result<Response, Trouble> {
    let linked = query_value(query.as_deref(), "organization").unwrap_or_default();
    let (link, other) = find(&door, &linked).await?.unzip();
    let owner = door.owns();
    let page = LeavePage { shell: door.shell(PAGE), link, other: other.unwrap_or_default(), owner };
    Ok(html(StatusCode::OK, &page))
}

/// `POST /.vestibule/console/o/{slug}/shared/leave`, of an Admin organization with `organization`: ends the link.
///
/// # Errors
/// Not theirs to do; there is no such link.
pub async fn leave(Posted { door, form }: Posted) -> Result<Response, Trouble> {
    let linked = form.get("organization").unwrap_or_default();
    let (link, _) = find(&door, linked)
        .await?
        .ok_or_else(|| Fault::plain(FaultKind::NotFound, "There is no such link any more, so nothing was done."))?;
    link::leave(door.admin.clone(), LinkLeave { slug: link.slug }).await?;
    Ok(door.back(PAGE, if door.organization.kind == OrgKind::Customer { "left" } else { "ended" }))
}
