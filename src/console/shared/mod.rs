//! Shared SSO: an Admin organization and those linked to it, seen from either side.

mod above;
mod below;
mod ends;

use axum::extract::RawQuery;
use axum::response::Response;

pub use above::{code, rename};
pub use below::{join, preview};
pub use ends::{ask_leave, leave};

use super::{Door, Posted};
use crate::directory::OrgKind;
use crate::web::form::query_value;
use crate::web::page::Trouble;

/// The last part of the page's address.
pub const PAGE: &str = "shared";

/// `GET /.vestibule/console/o/{slug}/shared`.
///
/// # Errors
/// Not theirs to see.
pub async fn show(door: Door, RawQuery(query): RawQuery) -> Result<Response, Trouble> {
    let done = match query_value(query.as_deref(), "done").as_deref() {
        Some("joined") => Some("Linked. What holds here now, and from where it comes, is below."),
        Some("left") => Some("The link is over: what is the organization's own counts again."),
        Some("ended") => Some("The link is over."),
        Some("renamed") => Some("The SCIM name is saved."),
        _ => None,
    };
    match door.organization.kind {
        OrgKind::Admin => above::show(&door, done).await,
        OrgKind::Customer => below::show(&door, done).await,
    }
}

/// How a setting is called on a page, by its key.
fn setting(key: &str) -> &str {
    match key {
        "require_sso" => "Single sign-on only",
        "idp_managed_access" => "Whoever succeeds at the identity provider is added",
        "trust_idp_mfa" => "The identity provider's second factor counts",
        "idp_initiated" => "Sign-ins that begin at the identity provider",
        "two_factor" => "Second factor",
        "grace_sign_ins" => "Sign-ins left without a second factor",
        "trusted_browser_days" => "Days for which a browser is trusted",
        "session_idle" => "A session ends without use",
        "session_absolute" => "A session ends in any case",
        other => other,
    }
}
