//! A domain that is given up, or handed over to the Admin organization.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;

use super::PAGE;
use super::one::find;
use crate::administration::api::{DomainRelease, DomainTransfer, LinkShow};
use crate::administration::{domain, link_show};
use crate::console::shell::{Shell, html};
use crate::console::{Door, Posted};
use crate::directory::DirectoryError;
use crate::web::page::Trouble;

#[derive(Template)]
#[template(path = "console/domain_release.html")]
struct ReleasePage {
    shell: Shell,
    domain: String,
    /// People sign in by it.
    holds: bool,
    /// It rests under a link.
    rests: bool,
}

/// `GET /.vestibule/console/o/{slug}/domains/{domain}/release`: what would end.
///
/// # Errors
/// Not theirs to see; no such claim.
pub async fn ask_release(door: Door, Path((_, domain)): Path<(String, String)>) -> Result<Response, Trouble> {
    let claim = find(&door, &domain).await?;
    let (holds, rests) = (claim.state.holds(), claim.rests);
    let page = ReleasePage { shell: door.shell(PAGE), domain: claim.domain.to_string(), holds, rests };
    Ok(html(StatusCode::OK, &page))
}

/// `POST /.vestibule/console/o/{slug}/domains/{domain}/release`: gives the claim up.
///
/// # Errors
/// Not theirs to change; no such claim.
pub async fn release(
    Path((_, domain)): Path<(String, String)>,
    Posted { door, .. }: Posted,
) -> Result<Response, Trouble> {
    let claim = find(&door, &domain).await?;
    let call = DomainRelease { slug: door.organization.slug.clone(), domain: claim.domain };
    domain::release(door.admin.clone(), call).await?;
    Ok(door.back(PAGE, "released"))
}

/// `POST /.vestibule/console/o/{slug}/domains/{domain}/transfer`: hands it over to the Admin organization that this one
/// is linked to.
///
/// # Errors
/// Not theirs to change; no such claim; no link.
pub async fn transfer(
    Path((_, domain)): Path<(String, String)>,
    Posted { door, .. }: Posted,
) -> Result<Response, Trouble> {
    let claim = find(&door, &domain).await?;
    let slug = || door.organization.slug.clone();
    let link = link_show::show(door.admin.clone(), LinkShow { slug: slug() }).await?.link;
    let link = link.ok_or_else(|| DirectoryError::NotLinked(slug()))?;
    domain::transfer(door.admin.clone(), DomainTransfer { domain: claim.domain, to: link.admin }).await?;
    Ok(door.back(PAGE, "transferred"))
}
