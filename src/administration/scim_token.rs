//! `scim-token issue | revoke`

use std::sync::Arc;

use super::Administration;
use super::api::{Changes, Difference, ScimTokenIssue, ScimTokenRevoke, ScimTokenView};
use crate::directory::authority::Act;
use crate::directory::provisioning::token;
use crate::directory::{effective, organization};
use crate::kernel::Fault;
use crate::store::Tx;

/// What stands for a token in differences and in the audit: never the token itself (S11).
fn told(held: Option<&token::ScimToken>) -> Option<String> {
    held.map(|held| format!("{} since {}", held.id, held.created))
}

/// A new bearer token, shown once; the one before ends at once.
pub async fn issue(admin: Arc<Administration>, call: ScimTokenIssue) -> Result<ScimTokenView, Fault> {
    let (admin, call) = (&*admin, &call);
    admin
        .store
        .transaction("scim-token issue", async |tx: Tx| {
            let found = organization::by_slug(&tx, &call.slug).await?;
            admin.permit(&tx, Act::Manage(found.id), None).await?;
            let (text, made, before) = token::issue(&tx, &*admin.rng, &found).await?;
            let old = told(before.as_ref()).unwrap_or_default();
            admin.audit(&tx, found.id, "scim-token.issue", &found.slug, old, told(Some(&made)).unwrap_or_default())?;
            let slug = found.slug.clone();
            let link = effective::of_organization(&tx, found).await?.link;
            Ok::<_, Fault>(ScimTokenView {
                slug,
                id: made.id,
                token: text.expose().clone(),
                replaced: before.is_some(),
                rests_under: link.map(|(_, above)| above.slug),
            })
        })
        .await
}

/// Ends the bearer token.
pub async fn revoke(admin: Arc<Administration>, call: ScimTokenRevoke) -> Result<Changes, Fault> {
    let (admin, call) = (&*admin, &call);
    admin
        .store
        .transaction("scim-token revoke", async |tx: Tx| {
            let found = organization::by_slug(&tx, &call.slug).await?;
            admin.permit(&tx, Act::Manage(found.id), None).await?;
            let Some(held) = token::revoke(&tx, found.id).await? else { return Ok::<_, Fault>(Changes::default()) };
            let before = told(Some(&held));
            admin.audit(&tx, found.id, "scim-token.revoke", &found.slug, before.clone().unwrap_or_default(), "")?;
            Ok(Changes {
                changes: vec![Difference::new(&found.slug, "scim token", before, None)],
                ..Changes::default()
            })
        })
        .await
}
