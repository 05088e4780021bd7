//! `user confirm`: the operator, for an owner, says of a membership that sleeps that this person is still meant.

use std::sync::Arc;

use super::Admin;
use super::api::{Changes, Difference, UserConfirm};
use crate::directory::{member, organization, user};
use crate::kernel::Fault;
use crate::store::Tx;

pub(super) async fn confirm(admin: Arc<Admin>, call: UserConfirm) -> Result<Changes, Fault> {
    let (admin, call) = (&*admin, &call);
    admin
        .store
        .transaction("user confirm", async |tx: Tx| {
            let found = organization::by_slug(&tx, &call.slug).await?;
            let account = user::by_email(&tx, &call.email).await?;
            if !member::wake(&tx, &found, &account).await? {
                return Ok::<_, Fault>(Changes::default());
            }
            admin.audit(&tx, found.id, "member.confirm", &account.email, "to be confirmed", "a member")?;
            let what = format!("membership of {}", account.email);
            let woken = Difference::new(&found.slug, what, Some("asleep".to_owned()), "awake".to_owned());
            Ok(Changes { changes: vec![woken] })
        })
        .await
}
