//! Seen from an Admin organization: its codes, and the organizations linked to it.

use askama::Template;
use axum::response::Response;
use http::StatusCode;

use super::{PAGE, Posted};
use crate::administration::api::{LinkCode, LinkCodeView, LinkList, LinkView, OrgSet};
use crate::administration::{link, organization};
use crate::console::Door;
use crate::console::shell::{Shell, html, mistake};
use crate::console::words::moment;
use crate::kernel::{DomainName, Fault, FaultKind, Slug};
use crate::web::page::Trouble;

struct Row {
    slug: String,
    name: String,
    since: String,
    /// Until when its own connection counts.
    window: String,
    in_window: bool,
    adds: bool,
    uses: u64,
    last: Option<String>,
    own: String,
    moved: String,
    scim_name: String,
}

#[derive(Template)]
#[template(path = "console/shared_above.html")]
struct AbovePage {
    shell: Shell,
    rows: Vec<Row>,
    /// A code that was just made.
    code: Option<LinkCodeView>,
    owner: bool,
}

fn row(link: LinkView) -> Row {
    let joined = |domains: &[DomainName]| domains.iter().map(DomainName::as_str).collect::<Vec<_>>().join(", ");
    Row {
        since: moment(&link.since),
        window: moment(&link.window_ends),
        in_window: link.in_window,
        adds: link.idp_managed_access,
        uses: link.old_connection_uses,
        last: link.old_connection_last,
        own: joined(&link.own_domains),
        moved: joined(&link.moved_domains),
        scim_name: link.scim_name.unwrap_or_default(),
        name: link.name,
        slug: link.slug.to_string(),
    }
}

async fn page(door: &Door, shell: Shell, code: Option<LinkCodeView>) -> Result<AbovePage, Fault> {
    let found = link::list(door.admin.clone(), LinkList { slug: door.organization.slug.clone() }).await?;
    Ok(AbovePage { shell, rows: found.into_iter().map(row).collect(), code, owner: door.owns() })
}

pub(super) async fn show(door: &Door, done: Option<&'static str>) -> Result<Response, Trouble> {
    let shell = Shell { done, ..door.shell(PAGE) };
    Ok(html(StatusCode::OK, &page(door, shell, None).await?))
}

/// `POST /.vestibule/console/o/{slug}/shared/code`: a code, in the answer alone.
///
/// # Errors
/// Not theirs to do; no Admin organization.
pub async fn code(Posted { door, .. }: Posted) -> Result<Response, Trouble> {
    let made = link::code(door.admin.clone(), LinkCode { slug: door.organization.slug.clone() }).await?;
    Ok(html(StatusCode::OK, &page(&door, door.shell(PAGE), Some(made)).await?))
}

/// `POST /.vestibule/console/o/{slug}/shared/scim-name` with `organization` and `scim_name`: by what name a group stands
/// for that organization; empty: none does.
///
/// # Errors
/// Not theirs to change; what was typed stands in the page again.
pub async fn rename(Posted { door, form }: Posted) -> Result<Response, Trouble> {
    let typed = form.get("scim_name").unwrap_or_default().trim();
    let linked = form.get("organization").unwrap_or_default();
    let shown = page(&door, door.shell(PAGE), None).await?;
    let slug: Option<Slug> = shown.rows.iter().find(|row| row.slug == linked).and_then(|row| row.slug.parse().ok());
    let slug = slug.ok_or_else(|| {
        Fault::plain(
            FaultKind::NotFound,
            "This organization is not linked here any more. Please go back, and look again.",
        )
    })?;
    let value = if typed.is_empty() { "none" } else { typed };
    let call = OrgSet { slug, settings: vec![("scim_name".to_owned(), value.to_owned())] };
    match organization::set(door.admin.clone(), call).await {
        Ok(_) => Ok(door.back(PAGE, "renamed")),
        Err(fault) => {
            let (status, problem) = mistake(fault)?;
            let mut again = shown;
            for row in again.rows.iter_mut().filter(|row| row.slug == linked) {
                typed.clone_into(&mut row.scim_name);
            }
            again.shell.problem = Some(problem);
            Ok(html(status, &again))
        }
    }
}
