//! Who comes into an organization without being invited: who finds it, who asks to be let in, and whose membership sleeps.

use std::sync::Arc;

use super::Administration;
use super::api::{AccessDecide, AccessRequestView, AccessShow, AccessView, SleepingView};
use super::by::Standing;
use crate::directory::access_request::{self, Decision};
use crate::directory::authority::Act;
use crate::directory::{Organization, discovery, effective, member, organization, user};
use crate::kernel::{Fault, FaultKind, Role};
use crate::store::Tx;
use crate::web::access_mails::Mails;

/// How many memberships, and how many requests, are told of.
const SHOWN: usize = 100;

/// Who finds the organization, who asks to be let in, whose membership sleeps, and what of that is theirs to decide.
///
/// # Errors
/// «Forbidden»; no such organization; the store's.
pub async fn show(admin: Arc<Administration>, call: AccessShow) -> Result<AccessView, Fault> {
    let tx = admin.store.reader();
    let found = organization::by_slug(&tx, &call.slug).await?;
    admin.permit(&tx, Act::Manage(found.id), None).await?;
    let here = effective::of_organization(&tx, found.clone()).await?;
    let mut requests = Vec::new();
    for request in access_request::waiting(&tx, found.id, SHOWN).await? {
        let Some(who) = user::by_id(&tx, request.user).await? else { continue };
        let (name, asked) = (who.display_name(), request.asked.to_string());
        requests.push(AccessRequestView { email: who.email, name, asked });
    }
    Ok(AccessView {
        discoverability: found.settings.discoverability,
        domains: found.settings.discoverable_domains.clone(),
        single_sign_on: discovery::single_sign_on(&tx, &here).await?,
        may_set: admin.may(&tx, Act::SetDiscoverability(found.id), None).await?,
        may_decide: !admin.is_operator(),
        sleeping: sleeping(&admin, &tx, &found).await?,
        requests,
    })
}

async fn sleeping(admin: &Administration, tx: &Tx, found: &Organization) -> Result<Vec<SleepingView>, Fault> {
    let mut shown = Vec::new();
    for member in member::sleeping(tx, found.id, SHOWN).await? {
        let Some(who) = user::by_id(tx, member.user).await? else { continue };
        shown.push(SleepingView {
            may_confirm: admin.may(tx, Act::Confirm(found.id), Some(&who)).await?,
            may_remove: admin.may(tx, Act::Remove(found.id), Some(&who)).await?,
            role: member.role,
            email: who.email,
        });
    }
    shown.sort_by(|one, two| one.email.cmp(&two.email));
    Ok(shown)
}

/// Decides on a request to be let in, once, as the mailed link does; for owners and admins, whose names the person and
/// the others who decide are told.
///
/// # Errors
/// «Forbidden»; nobody asks, somebody decided before, or the request is void; the store's.
pub async fn decide(admin: Arc<Administration>, call: AccessDecide) -> Result<(), Fault> {
    let (admin, call) = (&*admin, &call);
    let Standing::Member { account, .. } = admin.by.standing else {
        let text = "Whoever is let in is told by whom, so an owner or admin of the organization decides.";
        return Err(Fault::plain(FaultKind::Forbidden, text));
    };
    let origin = admin.service_provider.base_url().trim_end_matches('/');
    let site = origin.split_once("://").map_or(origin, |(_, site)| site);
    let body = async |tx: Tx| {
        let found = organization::by_slug(&tx, &call.slug).await?;
        admin.permit(&tx, Act::Add(found.id, Role::Member), None).await?;
        let who = user::find_by_email(&tx, &call.email).await?.ok_or_else(over)?;
        let opened = access_request::open_by_key(&tx, (found.id, who.id), account).await?.ok_or_else(over)?;
        let decider = user::by_id(&tx, account).await?.ok_or_else(over)?;
        let by = (&decider, admin.by.from.as_str());
        let mails = Mails { site, origin };
        Ok::<_, Fault>(access_request::decide(&tx, &*admin.rng, opened, by, call.granted, &mails).await?)
    };
    match admin.store.transaction("decide on a request", body).await? {
        Decision::Done => Ok(()),
        Decision::Before { granted, by } => {
            let what = if granted { "let in" } else { "declined" };
            let text = format!("{by} decided before: {} was {what}.", call.email);
            Err(Fault::plain(FaultKind::Conflict, text))
        }
        Decision::Void => {
            let text =
                "This request is void: the account is off, or its domain belongs to another organization by now.";
            Err(Fault::plain(FaultKind::Conflict, text))
        }
    }
}

/// The same whether it was decided long ago or never was.
fn over() -> Fault {
    Fault::plain(FaultKind::NotFound, "There is nothing to decide about this person any more.")
}
