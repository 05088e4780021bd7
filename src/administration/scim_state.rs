//! How provisioning of an organization stands: its token, its last request, whom it keeps, and who has slipped by it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::Administration;
use super::api::{
    ScimDrift, ScimDriftView, ScimPeople, ScimPeopleView, ScimPersonView, ScimShow, ScimStateView, ScimTokenState,
    Slip, SlipView,
};
use super::scim_log::view;
use crate::directory::authority::Act;
use crate::directory::provisioning::{person, token};
use crate::directory::{
    Member, OrgKind, Organization, Origin, barred, effective, member, organization, provisioning_log,
};
use crate::directory::{team, user};
use crate::kernel::{DomainName, Fault, UserId};
use crate::store::{StoreError, Tx};

/// Up to how many people are counted.
pub const COUNT_LIMIT: usize = 1000;
/// How many people one page has.
const PEOPLE_PAGE: usize = 100;
/// How many teams, and how many barred addresses, are named at most.
const NAMED_LIMIT: usize = 200;
/// How many members one look for drift takes.
const LOOK: usize = 2000;
/// How many of them it names at most.
const SLIPS_LIMIT: usize = 100;
/// After so long without a request, provisioning counts as silent.
pub const SILENT_AFTER: Duration = Duration::from_secs(3 * 24 * 3600);

/// Token, last request, how many people, and which teams it keeps.
///
/// # Errors
/// «Forbidden»; no such organization; the store's.
pub async fn show(admin: Arc<Administration>, call: ScimShow) -> Result<ScimStateView, Fault> {
    let tx = admin.store.reader();
    let found = organization::by_slug(&tx, &call.slug).await?;
    admin.permit(&tx, Act::Manage(found.id), None).await?;
    let held = token::find(&tx, found.id).await?;
    let last = provisioning_log::places(&tx, found.id, 1).await?.pop();
    let people = person::kept(&tx, found.id, None, COUNT_LIMIT).await?.len();
    let mut groups = Vec::new();
    if found.kind == OrgKind::Customer {
        let teams = team::list(&tx, found.id, None, team::PAGE).await?;
        groups = teams.into_iter().filter(|team| team.origin == Origin::Scim).map(|team| team.name).collect();
        groups.sort();
        groups.truncate(NAMED_LIMIT);
    }
    let link = effective::of_organization(&tx, found.clone()).await?.link;
    let heard = last.as_ref().map(|(_, request)| request.at);
    let since = held.as_ref().map(|held| heard.map_or(held.created, |heard| heard.max(held.created)));
    let silent = since.filter(|since| link.is_none() && tx.now() >= since.plus(SILENT_AFTER));
    Ok(ScimStateView {
        base_url: admin.scim_url.clone(),
        token: held.map(|held| ScimTokenState { id: held.id, since: held.created.to_string() }),
        rests_under: link.map(|(_, above)| above.slug),
        last: last.map(|(place, request)| view(&found.slug, place, request)),
        silent: silent.map(|since| since.to_string()),
        people,
        groups,
    })
}

/// People whom provisioning keeps, a page of them in the order of their ids.
///
/// # Errors
/// «Forbidden»; no such organization; the store's.
pub async fn people(admin: Arc<Administration>, call: ScimPeople) -> Result<ScimPeopleView, Fault> {
    let tx = admin.store.reader();
    let found = organization::by_slug(&tx, &call.slug).await?;
    admin.permit(&tx, Act::Manage(found.id), None).await?;
    let kept = person::kept(&tx, found.id, call.after, PEOPLE_PAGE).await?;
    let next = kept.last().filter(|_| kept.len() == PEOPLE_PAGE).map(|(id, _)| *id);
    let mut people = Vec::new();
    for (id, record) in kept {
        let Some(account) = user::by_id(&tx, id).await? else { continue };
        people.push(ScimPersonView {
            member: member::find(&tx, found.id, id).await?.is_some(),
            name: account.display_name(),
            active: account.active,
            email: account.email,
            external_id: record.external_id,
            modified: record.modified.to_string(),
        });
    }
    Ok(ScimPeopleView { people, next })
}

/// Members of the organization's own domains whom provisioning does not keep or has switched off, from the member behind
/// `after` on: one look takes a bounded number of members. With the first one, the addresses that provisioning took out.
///
/// # Errors
/// «Forbidden»; no such organization; the store's.
pub async fn drift(admin: Arc<Administration>, call: ScimDrift) -> Result<ScimDriftView, Fault> {
    let tx = admin.store.reader();
    let found = organization::by_slug(&tx, &call.slug).await?;
    admin.permit(&tx, Act::Manage(found.id), None).await?;
    let on = token::counts(&tx, found.id).await?;
    let looked = if on { look(&tx, &found, call.after).await? } else { Looked::default() };
    let barred = if call.after.is_none() { barred::list(&tx, found.id, NAMED_LIMIT).await? } else { Vec::new() };
    let barred = barred.into_iter().map(|(email, since)| (email, since.to_string())).collect();
    let Looked { slips, count: looked, next } = looked;
    Ok(ScimDriftView { on, slips, looked, next, barred })
}

/// What one look found: who slipped, among how many, and where the next look begins.
#[derive(Default)]
struct Looked {
    slips: Vec<SlipView>,
    count: usize,
    next: Option<UserId>,
}

async fn look(tx: &Tx, here: &Organization, mut after: Option<UserId>) -> Result<Looked, StoreError> {
    let mut found = Looked::default();
    let mut ours = BTreeMap::new();
    loop {
        let page = member::list(tx, here.id, after).await?;
        if page.is_empty() {
            return Ok(found);
        }
        for member in page {
            after = Some(member.user);
            found.count += 1;
            found.slips.extend(slip(tx, here, &member, &mut ours).await?);
            if found.count == LOOK || found.slips.len() == SLIPS_LIMIT {
                return Ok(Looked { next: after, ..found });
            }
        }
    }
}

/// How a member slipped by provisioning, if they did. `ours`: what is known of domains already.
async fn slip(
    tx: &Tx,
    here: &Organization,
    member: &Member,
    ours: &mut BTreeMap<DomainName, bool>,
) -> Result<Option<SlipView>, StoreError> {
    if member.asleep {
        return Ok(None);
    }
    let Some(account) = user::by_id(tx, member.user).await? else { return Ok(None) };
    let domain = account.email.domain();
    let held = match ours.get(&domain) {
        Some(held) => *held,
        None => effective::holds(tx, here.id, &domain).await?,
    };
    ours.insert(domain, held);
    if !held {
        return Ok(None);
    }
    let how = match member.origin {
        _ if !account.active => Slip::SwitchedOff,
        Origin::Scim => return Ok(None),
        _ if is_kept(tx, here, member.user).await? => return Ok(None),
        Origin::Hand => Slip::ByHand,
        Origin::Jit => Slip::BySignIn,
    };
    Ok(Some(SlipView { email: account.email, role: member.role, since: member.created.to_string(), how }))
}

async fn is_kept(tx: &Tx, here: &Organization, user: UserId) -> Result<bool, StoreError> {
    Ok(tx.get(&person::RECORDS, &(here.id, user)).await?.is_some())
}
