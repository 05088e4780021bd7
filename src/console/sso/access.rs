//! Who gets in by single sign-on: who is added, whether the identity provider may begin, and what its second factor counts.

use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use http::StatusCode;

use super::PAGE;
use crate::administration::api::{OrgSet, OrgShow, OrgView, SsoState, SsoStateView};
use crate::administration::{organization, sso_state};
use crate::console::shell::{Shell, html, mistake};
use crate::console::{Door, Posted};
use crate::web::form::query_value;
use crate::web::page::Trouble;

/// The page's address, behind the organization's.
const HERE: &str = "sso/access";

#[derive(Template)]
#[template(path = "console/sso/access.html")]
struct AccessPage {
    shell: Shell,
    view: OrgView,
    state: SsoStateView,
}

async fn page(door: &Door, status: StatusCode, change: impl FnOnce(&mut Shell)) -> Result<Response, Trouble> {
    let slug = door.organization.slug.clone();
    let view = organization::show(door.admin.clone(), OrgShow { slug: slug.clone() }).await?;
    let state = sso_state::show(door.admin.clone(), SsoState { slug }).await?;
    let mut shell = door.shell(PAGE);
    change(&mut shell);
    Ok(html(status, &AccessPage { shell, view, state }))
}

/// `GET /.vestibule/console/o/{slug}/sso/access`.
///
/// # Errors
/// Not theirs to see.
pub async fn show(door: Door, RawQuery(query): RawQuery) -> Result<Response, Trouble> {
    let done = match query_value(query.as_deref(), "done").as_deref() {
        Some("saved") => Some("Saved."),
        Some("required") => Some("Single sign-on is required from now on."),
        Some("released") => Some("Single sign-on is not required any more."),
        _ => None,
    };
    page(&door, StatusCode::OK, |shell| shell.done = done).await
}

/// `POST /.vestibule/console/o/{slug}/sso/access` with `idp_managed_access`, `idp_initiated` and `trust_idp_mfa` (`on` or
/// absent); `fields` names those that the form showed.
///
/// # Errors
/// Not theirs to change.
pub async fn save(Posted { door, form }: Posted) -> Result<Response, Trouble> {
    let shown = form.get("fields").unwrap_or_default();
    let known = ["idp_managed_access", "idp_initiated", "trust_idp_mfa"];
    let known = known.into_iter().filter(|key| shown.split(' ').any(|shown| shown == *key));
    let settings = known.map(|key| (key.to_owned(), (form.get(key) == Some("on")).to_string())).collect();
    let call = OrgSet { slug: door.organization.slug.clone(), settings };
    match organization::set(door.admin.clone(), call).await {
        Ok(_) => Ok(door.back(HERE, "saved")),
        Err(fault) => {
            let (status, problem) = mistake(fault)?;
            page(&door, status, |shell| shell.problem = Some(problem)).await
        }
    }
}
