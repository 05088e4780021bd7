//! `scim-log`: the last SCIM requests, newest first.

use std::sync::Arc;

use super::Administration;
use super::api::{ScimLog, ScimLogOne, ScimRequestView};
use super::organization::permitted;
use crate::directory::authority::Act;
use crate::directory::{ProvisioningRequest, organization, provisioning_log};
use crate::kernel::{Fault, FaultKind, Slug};

/// The last provisioning requests of an organization; of all, for the operator.
pub async fn list(admin: Arc<Administration>, call: ScimLog) -> Result<Vec<ScimRequestView>, Fault> {
    let tx = admin.store.reader();
    let mut found = Vec::new();
    for organization in permitted(&admin, &tx, call.org.as_ref()).await? {
        for (place, request) in provisioning_log::places(&tx, organization.id, call.last).await? {
            found.push((request.at, view(&organization.slug, place, request)));
        }
    }
    found.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    found.truncate(call.last);
    Ok(found.into_iter().map(|(_, view)| view).collect())
}

/// One request, by its id: the place where it is kept, and when it was answered, since another takes its place one day.
///
/// # Errors
/// «Forbidden»; no such organization, or the request is not kept any more; the store's.
pub async fn one(admin: Arc<Administration>, call: ScimLogOne) -> Result<ScimRequestView, Fault> {
    let tx = admin.store.reader();
    let found = organization::by_slug(&tx, &call.slug).await?;
    admin.permit(&tx, Act::Manage(found.id), None).await?;
    let place = call.id.split_once('-').and_then(|(place, _)| place.parse().ok());
    let request = match place {
        Some(place) => {
            provisioning_log::at(&tx, found.id, place).await?.map(|request| view(&found.slug, place, request))
        }
        None => None,
    };
    request.filter(|request| request.id == call.id).ok_or_else(|| {
        Fault::plain(
            FaultKind::NotFound,
            "This request is not kept any more: the log holds the last two weeks, and the newest.",
        )
    })
}

/// A request as it is told.
pub fn view(slug: &Slug, place: u64, request: ProvisioningRequest) -> ScimRequestView {
    ScimRequestView {
        slug: slug.clone(),
        id: format!("{place}-{}", request.at.millis()),
        at: request.at.to_string(),
        method: request.method,
        target: request.target,
        body: request.body,
        status: request.status,
        refused: request.refused,
        took_ms: request.took,
        client: request.client,
    }
}
