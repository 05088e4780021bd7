//! `user confirm`: the operator, for an owner, says of a membership that sleeps that this person is still meant.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Administration;
use super::api::{Changes, Difference, Step, UserConfirm};
use crate::directory::authority::Act;
use crate::directory::{member, organization, user};
use crate::kernel::{EmailAddress, Fault, Slug};
use crate::store::{StoreError, Tx};

/// Wakes a membership that sleeps; for owners. No change: it was awake.
pub async fn confirm(admin: Arc<Administration>, call: UserConfirm) -> Result<Changes, Fault> {
    let (admin, call) = (&*admin, &call);
    admin
        .store
        .transaction("user confirm", async |tx: Tx| {
            let found = organization::by_slug(&tx, &call.slug).await?;
            let account = admin.account_in(&tx, &found, &call.email).await?;
            admin.permit(&tx, Act::Confirm(found.id), Some(&account)).await?;
            if !member::wake(&tx, &found, &account).await? {
                return Ok::<_, Fault>(Changes::default());
            }
            admin.audit(&tx, found.id, "member.confirm", &account.email, "to be confirmed", "a member")?;
            let what = format!("membership of {}", account.email);
            let woken = Difference::new(&found.slug, what, Some("asleep".to_owned()), "awake".to_owned());
            Ok(Changes { changes: vec![woken], ..Changes::default() })
        })
        .await
}

/// Where somebody's memberships sleep, as steps of `explain`; `seen`: in these organizations alone.
pub async fn sleeping(tx: &Tx, email: &EmailAddress, seen: &Option<BTreeSet<Slug>>) -> Result<Vec<Step>, StoreError> {
    let Some(account) = user::find_by_email(tx, email).await? else { return Ok(Vec::new()) };
    let mut steps = Vec::new();
    for id in member::of_user(tx, account.id).await? {
        if member::record(tx, id, account.id).await?.is_none_or(|member| !member.asleep) {
            continue;
        }
        let told = |slug: &Slug| seen.as_ref().is_none_or(|seen| seen.contains(slug));
        if let Some(organization) = organization::by_id(tx, id).await?.filter(|found| told(&found.slug)) {
            let slug = organization.slug;
            let found = format!(
                "the membership in {slug} sleeps, since the domain of the address changed hands: if this person is still \
                 meant, `vestibule user confirm {slug} {email}`"
            );
            steps.push(Step { what: "asleep".to_owned(), found, passed: false });
        }
    }
    Ok(steps)
}
