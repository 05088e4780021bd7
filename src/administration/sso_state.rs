//! How an organization's single sign-on does: its last test, its last sign-in, and whether `require_sso` can go on.

use std::sync::Arc;

use super::Administration;
use super::api::{SsoState, SsoStateView};
use super::logins;
use crate::directory::authority::Act;
use crate::directory::provisioning::token;
use crate::directory::{LoginOutcome, login, organization, sso, sso_proof, sso_test};
use crate::kernel::Fault;

/// The state of a connection, as far as sign-ins are kept.
pub async fn show(admin: Arc<Administration>, call: SsoState) -> Result<SsoStateView, Fault> {
    let tx = admin.store.reader();
    let found = organization::by_slug(&tx, &call.slug).await?;
    admin.permit(&tx, Act::Manage(found.id), None).await?;
    let scim = token::find(&tx, found.id).await?.is_some();
    let Some(connection) = sso::connection(&tx, found.id).await? else {
        return Ok(SsoStateView { scim, ..SsoStateView::default() });
    };
    let idp = &connection.settings.entity_id;
    let test = sso_test::last(&tx, found.id).await?.filter(|test| test.idp.as_ref() == Some(idp));
    let records = login::list(&tx, found.id, usize::MAX).await?;
    let last = records.iter().find(|record| {
        let right = matches!(record.outcome, LoginOutcome::Accepted | LoginOutcome::Continued);
        right && record.idp.as_ref() == Some(idp)
    });
    let proof = sso_proof::of(&tx, &found).await.ok();
    Ok(SsoStateView {
        scim,
        stale: test.as_ref().is_some_and(|test| test.at < connection.settings.updated),
        last_test: test.map(|test| logins::view(&found.slug, test)),
        last_sign_in: last.map(|record| record.at.to_string()),
        proof: proof.map(|proof| format!("{}, {}", proof.email, proof.at)),
    })
}
