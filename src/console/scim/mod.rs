//! SCIM: what is typed at the identity provider, whether it speaks, whom it keeps, and who has slipped by it.

mod people;
mod requests;

use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use http::StatusCode;

pub use people::{drift, people};
pub use requests::{request, requests};

use super::shell::{Shell, html};
use super::{Door, Posted};
use crate::administration::api::{ScimShow, ScimStateView, ScimTokenIssue, ScimTokenRevoke, ScimTokenView};
use crate::administration::scim_state::COUNT_LIMIT;
use crate::administration::{scim_state, scim_token};
use crate::kernel::Fault;
use crate::web::form::query_value;
use crate::web::page::Trouble;

/// The last part of the page's address.
pub const PAGE: &str = "scim";

#[derive(Template)]
#[template(path = "console/scim.html")]
struct ScimPage {
    shell: Shell,
    view: ScimStateView,
    /// A token that was just made.
    made: Option<ScimTokenView>,
}

impl ScimPage {
    /// How many people there are, in words.
    fn count(&self) -> String {
        match self.view.people {
            COUNT_LIMIT => format!("{COUNT_LIMIT} or more people"),
            1 => "1 person".to_owned(),
            count => format!("{count} people"),
        }
    }
}

async fn page(door: &Door, shell: Shell, made: Option<ScimTokenView>) -> Result<ScimPage, Fault> {
    let view = scim_state::show(door.admin.clone(), ScimShow { slug: door.organization.slug.clone() }).await?;
    Ok(ScimPage { shell, view, made })
}

/// `GET /.vestibule/console/o/{slug}/scim`.
///
/// # Errors
/// Not theirs to see.
pub async fn show(door: Door, RawQuery(query): RawQuery) -> Result<Response, Trouble> {
    let revoked = query_value(query.as_deref(), "done").filter(|done| done == "revoked");
    let shell = Shell { done: revoked.map(|_| "The token opens nothing any more."), ..door.shell(PAGE) };
    Ok(html(StatusCode::OK, &page(&door, shell, None).await?))
}

/// `POST /.vestibule/console/o/{slug}/scim/issue`: a new token, in the answer alone, which nobody keeps (S1).
///
/// # Errors
/// Not theirs to do.
pub async fn issue(Posted { door, .. }: Posted) -> Result<Response, Trouble> {
    let call = ScimTokenIssue { slug: door.organization.slug.clone() };
    let made = scim_token::issue(door.admin.clone(), call).await?;
    Ok(html(StatusCode::OK, &page(&door, door.shell(PAGE), Some(made)).await?))
}

/// `POST /.vestibule/console/o/{slug}/scim/revoke`: ends the token.
///
/// # Errors
/// Not theirs to do.
pub async fn revoke(Posted { door, .. }: Posted) -> Result<Response, Trouble> {
    let call = ScimTokenRevoke { slug: door.organization.slug.clone() };
    scim_token::revoke(door.admin.clone(), call).await?;
    Ok(door.back(PAGE, "revoked"))
}
