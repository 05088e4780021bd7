//! An identity provider's metadata: handed in, or read at its address, now and again each day.

use axum::response::Response;

use super::{PAGE, Typed, handed_in, page, save};
use crate::administration::api::{FileBytes, SsoForget, SsoOptions, SsoRefresh, SsoShow, SsoSource, SsoView};
use crate::administration::{sso, sso_metadata};
use crate::console::shell::{html, mistake};
use crate::console::{Door, Posted};
use crate::kernel::Fault;
use crate::web::page::Trouble;

/// `POST /.vestibule/console/o/{slug}/sso/metadata` with `file` or `metadata`, and `idp`, the product that was chosen.
///
/// # Errors
/// Not theirs to change; each wrong file has its own answer on the page (R53).
pub async fn hand_in(Posted { door, form }: Posted) -> Result<Response, Trouble> {
    let source = SsoSource::Metadata(FileBytes(handed_in(&form, "file", "metadata")));
    let metadata = form.get("metadata").unwrap_or_default().to_owned();
    let now = sso::show(door.admin.clone(), SsoShow { slug: door.organization.slug.clone() }).await?;
    let typed = Typed { metadata, ..Typed::of(now.idp.as_ref()) };
    save(door, &form, (source, SsoOptions::default()), typed).await
}

/// `POST /.vestibule/console/o/{slug}/sso/address` with `address`, an https URL, and `idp`, the product that was chosen.
///
/// # Errors
/// Not theirs to change; what can't be read there has its answer on the page (R52).
pub async fn at_address(Posted { door, form }: Posted) -> Result<Response, Trouble> {
    let address = form.get("address").unwrap_or_default().trim().to_owned();
    let source = SsoSource::Address { url: address.clone(), read: None };
    let now = sso::show(door.admin.clone(), SsoShow { slug: door.organization.slug.clone() }).await?;
    let typed = Typed { address, ..Typed::of(now.idp.as_ref()) };
    save(door, &form, (source, SsoOptions::default()), typed).await
}

/// `POST /.vestibule/console/o/{slug}/sso/refresh`: the metadata is read at its address now.
///
/// # Errors
/// Not theirs to change; it can't be read or followed, and nothing changes.
pub async fn refresh(Posted { door, .. }: Posted) -> Result<Response, Trouble> {
    let call = SsoRefresh { slug: door.organization.slug.clone() };
    answer(&door, sso_metadata::refresh(door.admin.clone(), call).await, "read").await
}

/// `POST /.vestibule/console/o/{slug}/sso/forget`: its address is not read any more.
///
/// # Errors
/// Not theirs to change; there is none.
pub async fn forget(Posted { door, .. }: Posted) -> Result<Response, Trouble> {
    let call = SsoForget { slug: door.organization.slug.clone() };
    answer(&door, sso_metadata::forget(door.admin.clone(), call).await, "forgotten").await
}

async fn answer(door: &Door, came: Result<SsoView, Fault>, done: &str) -> Result<Response, Trouble> {
    match came {
        Ok(_) => Ok(door.back(PAGE, done)),
        Err(fault) => {
            let (status, problem) = mistake(fault)?;
            let page = page(door, None, |shell| shell.problem = Some(problem), None).await?;
            Ok(html(status, &page))
        }
    }
}
