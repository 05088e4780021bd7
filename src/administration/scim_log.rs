//! `scim-log`: the last SCIM requests, newest first.

use std::sync::Arc;

use super::Administration;
use super::api::{ScimLog, ScimRequestView};
use super::organization::all;
use crate::directory::authority::Act;
use crate::directory::{organization, provisioning_log};
use crate::kernel::Fault;

/// The last provisioning requests of an organization; of all, for the operator.
pub async fn list(admin: Arc<Administration>, call: ScimLog) -> Result<Vec<ScimRequestView>, Fault> {
    let tx = admin.store.reader();
    let organizations = if let Some(slug) = &call.org {
        let found = organization::by_slug(&tx, slug).await?;
        admin.permit(&tx, Act::Manage(found.id), None).await?;
        vec![found]
    } else {
        admin.operators()?;
        all(&tx).await?
    };
    let mut found = Vec::new();
    for organization in organizations {
        for request in provisioning_log::list(&tx, organization.id, call.last).await? {
            let view = ScimRequestView {
                slug: organization.slug.clone(),
                at: request.at.to_string(),
                method: request.method,
                target: request.target,
                body: request.body,
                status: request.status,
                refused: request.refused,
                took_ms: request.took,
                client: request.client,
            };
            found.push((request.at, view));
        }
    }
    found.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    found.truncate(call.last);
    Ok(found.into_iter().map(|(_, view)| view).collect())
}
