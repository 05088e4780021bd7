//! What holds of second factors in an organization, and which of its members have one.

use std::sync::Arc;

use super::Administration;
use super::api::{
    AccountOf, FactorCounts, FactorList, FactorPage, HeldFactors, MemberFactors, TwoFactorShow, TwoFactorView,
};
use super::members::{Owners, PAGE};
use crate::directory::authority::Act;
use crate::directory::{Organization, effective, member_index, organization, user};
use crate::kernel::{Fault, UserId};
use crate::second_factor::factors;
use crate::store::{StoreError, Tx};

/// Up to how many members are counted.
pub const COUNTED: usize = 1000;
/// How many members are looked at for one page of those without.
const LOOKED_AT: usize = 1000;

/// What holds of second factors in an organization, and who has one.
pub async fn show(admin: Arc<Administration>, call: TwoFactorShow) -> Result<TwoFactorView, Fault> {
    let tx = admin.store.reader();
    let found = organization::by_slug(&tx, &call.slug).await?;
    admin.permit(&tx, Act::Manage(found.id), None).await?;
    let counts = counts(&admin, &tx, &found).await?;
    let held = effective::of_organization(&tx, found).await?;
    Ok(TwoFactorView {
        own: held.organization.settings.two_factor,
        above: held.link.as_ref().map(|(_, above)| (above.name.clone(), above.settings.two_factor)),
        holds: held.rules.two_factor,
        grace_sign_ins: held.rules.grace_sign_ins,
        trusted_browser_days: held.rules.trusted_browser_days,
        trust_idp_mfa: held.rules.trust_idp_mfa,
        counts,
    })
}

async fn counts(admin: &Administration, tx: &Tx, organization: &Organization) -> Result<FactorCounts, StoreError> {
    let (ids, next) = member_index::page(tx, organization.id, "", None, COUNTED).await?;
    let mut counts = FactorCounts { members: ids.len(), more: next.is_some(), ..FactorCounts::default() };
    let mut owners = Owners::default();
    for id in ids {
        let found = told(admin, tx, organization, &mut owners, id).await?;
        if let Some(held) = found.and_then(|found| found.held) {
            counts.theirs += 1;
            counts.with += usize::from(held.any());
        }
    }
    Ok(counts)
}

/// A page of members with their second factors, as far as these are theirs to know (D5).
pub async fn list(admin: Arc<Administration>, call: FactorList) -> Result<FactorPage, Fault> {
    let tx = admin.store.reader();
    let found = organization::by_slug(&tx, &call.slug).await?;
    admin.permit(&tx, Act::Manage(found.id), None).await?;
    let (mut members, mut after, mut looked_at, mut owners) = (Vec::new(), call.after, 0, Owners::default());
    loop {
        let (ids, next) = member_index::page(&tx, found.id, "", after, PAGE - members.len()).await?;
        looked_at += ids.len();
        for id in ids {
            let told = told(&admin, &tx, &found, &mut owners, id).await?;
            members.extend(told.filter(|told| !call.without || told.held.is_some_and(|held| !held.any())));
        }
        after = next;
        if after.is_none() || members.len() == PAGE || looked_at >= LOOKED_AT {
            return Ok(FactorPage { members, next: after });
        }
    }
}

async fn told(
    admin: &Administration,
    tx: &Tx,
    organization: &Organization,
    owners: &mut Owners,
    id: UserId,
) -> Result<Option<MemberFactors>, StoreError> {
    let Some(account) = user::by_id(tx, id).await? else { return Ok(None) };
    let owner = owners.of(tx, organization.id, &account.email.domain()).await?;
    let held = if admin.is_operator() || owner == AccountOf::Own {
        let held = factors::of(tx, id).await?;
        Some(HeldFactors {
            app: held.app.is_some(),
            phone: held.phone.is_some(),
            passkeys: held.passkeys.len(),
            recovery_codes: held.recovery.left(),
        })
    } else {
        None
    };
    let name = super::user::known_name(&account);
    Ok(Some(MemberFactors { id, email: account.email, name, held }))
}
