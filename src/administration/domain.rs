//! `domain claim | verify | list | transfer | release`

use std::sync::Arc;

use super::Administration;
use super::api::{
    AnswerView, Changes, Difference, DomainChecked, DomainClaim, DomainList, DomainRelease, DomainTransfer,
    DomainVerify, DomainView,
};
use super::organization::{permitted, slug_of};
use crate::directory::authority::Act;
use crate::directory::life::grace_ends;
use crate::directory::{Claim, Organization, claim, effective, link, organization, transfer as handing};
use crate::kernel::{DomainName, Fault, FaultKind, Slug, Timestamp};
use crate::session::records::{self, Scope};
use crate::store::{StoreError, Tx};

/// A claim as whoever acts sees it: who else holds the domain is told to the operator alone, and under a link that it is
/// the Admin organization (D5).
pub async fn view(admin: &Administration, tx: &Tx, claim: &Claim, slug: &Slug) -> Result<DomainView, StoreError> {
    let text = |moment: Option<Timestamp>| moment.map(|moment| moment.to_string());
    let holder = tx.get(&claim::VERIFIED, &claim.domain).await?.filter(|holder| *holder != claim.organization);
    let above = link::find(tx, claim.organization).await?.map(|link| link.admin);
    let held_by = match holder {
        Some(holder) if admin.is_operator() || Some(holder) == above => slug_of(tx, holder).await?,
        _ => None,
    };
    let answer = |answer: &crate::directory::ServerAnswer| AnswerView {
        server: answer.server.clone(),
        observation: answer.observation,
        detail: answer.detail.clone(),
    };
    Ok(DomainView {
        domain: claim.domain.clone(),
        slug: slug.clone(),
        state: claim.state,
        trusted: claim.trusted,
        verified: text(claim.verified),
        claimed: claim.created.to_string(),
        record: admin.proof.record(claim),
        seen: text(claim.seen),
        checked: text(claim.checked),
        failing: text(claim.failing),
        next_check: text(claim.due),
        lapsing: text(claim.lapsing),
        lapses: text(grace_ends(claim, admin.proof.rules())),
        held_by,
        held_elsewhere: holder.is_some(),
        rests: above.is_some(),
        answers: claim.answers.iter().map(answer).collect(),
    })
}

/// Claims a domain, by DNS, or on the operator's word alone.
pub async fn claim(admin: Arc<Administration>, call: DomainClaim) -> Result<DomainView, Fault> {
    let (admin, call) = (&*admin, &call);
    admin
        .store
        .transaction("domain claim", async |tx: Tx| {
            let found = organization::by_slug(&tx, &call.slug).await?;
            admin.permit(&tx, Act::Manage(found.id), None).await?;
            let claimed = if call.trusted {
                admin.operators()?;
                trusted(admin, &tx, &found, &call.domain).await?.0
            } else {
                by_dns(admin, &tx, &found, &call.domain).await?
            };
            Ok::<_, Fault>(view(admin, &tx, &claimed, &found.slug).await?)
        })
        .await
}

/// Claims by DNS: from here on the record is looked for.
pub async fn by_dns(
    admin: &Administration,
    tx: &Tx,
    found: &Organization,
    domain: &DomainName,
) -> Result<Claim, Fault> {
    let held = claim::find(tx, found.id, domain).await?;
    let claimed = admin.proof.claim(tx, found, domain).await?;
    if held.is_none() {
        admin.audit(tx, found.id, "domain.claim", domain, "", "pending")?;
    }
    Ok(claimed)
}

/// Claims on the operator's own word. Gives whether that changed anything.
pub async fn trusted(
    admin: &Administration,
    tx: &Tx,
    found: &Organization,
    domain: &DomainName,
) -> Result<(Claim, bool), Fault> {
    let held = claim::find(tx, found.id, domain).await?;
    let claimed = admin.proof.claim_trusted(tx, found, domain).await?;
    let changed = held.as_ref() != Some(&claimed);
    if changed {
        admin.audit(tx, found.id, "domain.claim", domain, "", "verified on the operator's word")?;
    }
    Ok((claimed, changed))
}

/// Looks a claim's record up at once.
pub async fn verify(admin: Arc<Administration>, call: DomainVerify) -> Result<DomainChecked, Fault> {
    let tx = admin.store.reader();
    let found = organization::by_slug(&tx, &call.slug).await?;
    admin.permit(&tx, Act::Manage(found.id), None).await?;
    let checked = admin.proof.verify(&found, &call.domain).await?;
    let claim = view(&admin, &tx, &checked.claim, &found.slug).await?;
    Ok(DomainChecked { claim, event: checked.event })
}

/// The claims of an organization; of all, for the operator.
pub async fn list(admin: Arc<Administration>, call: DomainList) -> Result<Vec<DomainView>, Fault> {
    let tx = admin.store.reader();
    let mut views = Vec::new();
    for organization in permitted(&admin, &tx, call.slug.as_ref()).await? {
        for claim in claim::list(&tx, organization.id).await? {
            let view = view(&admin, &tx, &claim, &organization.slug).await?;
            views.extend((call.all || !view.rests).then_some(view));
        }
    }
    views.sort_by(|one, two| (&one.domain, &one.slug).cmp(&(&two.domain, &two.slug)));
    Ok(views)
}

/// Before anything is told of who holds a domain: an organization hands over what it holds itself.
async fn only_its_own(admin: &Administration, tx: &Tx, domain: &DomainName) -> Result<(), Fault> {
    let Some(own) = admin.by.organization() else { return Ok(()) };
    admin.permit(tx, Act::Own(own), None).await?;
    if effective::holds(tx, own, domain).await? {
        return Ok(());
    }
    let text = format!("{domain} is not verified for your organization, so there is nothing to hand over.");
    Err(Fault::plain(FaultKind::NotFound, text))
}

/// Hands a domain over to the Admin organization; for the owners of the one that has it.
pub async fn transfer(admin: Arc<Administration>, call: DomainTransfer) -> Result<Changes, Fault> {
    let (admin, call) = (&*admin, &call);
    admin
        .store
        .transaction("domain transfer", async |tx: Tx| {
            only_its_own(admin, &tx, &call.domain).await?;
            let to = organization::by_slug(&tx, &call.to).await?;
            let (from, moved) = handing::to_admin(&tx, &call.domain, &to).await?;
            admin.permit(&tx, Act::Own(from.id), None).await?;
            for one in [&from, &to] {
                let (before, after) = (from.slug.as_str(), to.slug.as_str());
                admin.audit(&tx, one.id, "domain.transfer", &moved.domain, before, after)?;
            }
            let what = "held by".to_owned();
            let change = Difference::new(&moved.domain, what, Some(from.slug.to_string()), to.slug.to_string());
            Ok::<_, Fault>(Changes { changes: vec![change], ..Changes::default() })
        })
        .await
}

/// Gives up a claim; if it was verified, the sessions that the organization's single sign-on made end with it, as they
/// may be of people of that domain.
pub async fn give_up(
    admin: &Administration,
    tx: &Tx,
    organization: &Organization,
    domain: &DomainName,
) -> Result<Claim, Fault> {
    let gone = claim::release(tx, organization, domain).await?;
    if gone.state.holds() {
        records::revoke(tx, Scope::Connection(organization.id)).await?;
    }
    admin.audit(tx, organization.id, "domain.release", &gone.domain, "claimed", "")?;
    Ok(gone)
}

/// Gives a claim up.
pub async fn release(admin: Arc<Administration>, call: DomainRelease) -> Result<Changes, Fault> {
    let (admin, call) = (&*admin, &call);
    admin
        .store
        .transaction("domain release", async |tx: Tx| {
            let found = organization::by_slug(&tx, &call.slug).await?;
            admin.permit(&tx, Act::Manage(found.id), None).await?;
            let gone = give_up(admin, &tx, &found, &call.domain).await?;
            let gone = Difference::new(&found.slug, "domain", Some(gone.domain.to_string()), None);
            Ok::<_, Fault>(Changes { changes: vec![gone], ..Changes::default() })
        })
        .await
}
