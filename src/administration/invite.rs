//! `user invite`: makes somebody a member, and mails them.

use std::sync::Arc;

use super::Administration;
use super::api::{UserAdded, UserInvite};
use super::by::Standing;
use super::user::{add_member, present, told};
use crate::credential::{invitation, invitation_limit};
use crate::directory::authority::Act;
use crate::directory::{Organization, organization};
use crate::kernel::{EmailAddress, Fault, FaultKind};
use crate::store::Tx;

/// Makes somebody a member, with a role that is theirs to give, and mails them; a member who is one already gets another
/// mail.
///
/// # Errors
/// «Forbidden»; no such organization; no mail is sent here; too many were invited lately; the store's.
pub async fn invite(admin: Arc<Administration>, call: UserInvite) -> Result<UserAdded, Fault> {
    let (admin, call) = (&*admin, &call);
    admin
        .store
        .transaction("user invite", async |tx: Tx| {
            let found = organization::by_slug(&tx, &call.slug).await?;
            let there = present(admin, &tx, &found, &call.email).await?;
            admin.permit(&tx, Act::Add(found.id, call.role), there.as_ref()).await?;
            let account = match there {
                Some(account) => account,
                None => add_member(admin, &tx, &found, &call.email, call.role).await?,
            };
            let base = admin.service_provider.base_url().trim_end_matches('/');
            if !invitation::send(&tx, &*admin.rng, base, &found, &account).await? {
                let text = "this site sends no mail: set [mail] in the configuration, or use `vestibule user add`";
                return Err(Fault::plain(FaultKind::Conflict, text));
            }
            within_limits(admin, &tx, &found, &call.email).await?;
            admin.audit(&tx, found.id, "member.invite", &call.email, "", "")?;
            let user = told(admin, &tx, &found, &account).await?;
            Ok::<_, Fault>(UserAdded { user, unclaimed_domain: None, local: true })
        })
        .await
}

/// Counts the invitations of those who run organizations; the operator's are not counted.
async fn within_limits(
    admin: &Administration,
    tx: &Tx,
    organization: &Organization,
    to: &EmailAddress,
) -> Result<(), Fault> {
    let Standing::Member { account, .. } = admin.by.standing else { return Ok(()) };
    match invitation_limit::reserve(tx, organization.id, account, to).await? {
        Some(reached) => Err(Fault::plain(FaultKind::TooMany, reached.sentence())),
        None => Ok(()),
    }
}
