//! This site's SAML metadata for an organization: a stable address that needs no sign-in (R51).

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};

use super::page::Trouble;
use super::state::Portal;
use crate::directory::sso;
use crate::saml::keys;

/// `GET /.vestibule/saml/{slug}/metadata`.
///
/// # Errors
/// There is no such organization.
pub async fn get(State(portal): State<Arc<Portal>>, Path(slug): Path<String>) -> Result<Response, Trouble> {
    let organization = portal.organization(&slug).await?;
    let reader = portal.store.reader();
    let held = keys::all(&reader).await?;
    let settings = reader.get(&sso::SSO_SETTINGS, &organization.id).await?;
    let xml = portal.provider.metadata(&organization.slug, &keys::announced(&held), settings.as_ref());
    let headers = [
        (CONTENT_TYPE, "application/samlmetadata+xml".to_owned()),
        (CONTENT_DISPOSITION, format!("inline; filename=\"vestibule-{}.xml\"", organization.slug)),
    ];
    Ok((headers, xml).into_response())
}
