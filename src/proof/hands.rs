//! A domain changes hands: a bought domain buys no accounts.
//!
//! All in the transaction in which it is gained: its people's sessions end; the links that the former holder's identity
//! provider made, passwords, second factors, and links that were mailed are dropped; and what they are elsewhere sleeps
//! until somebody there confirms it. Between an organization and its Admin organization nothing changes hands.

use std::collections::{BTreeMap, BTreeSet};

use super::{Proof, notice};
use crate::directory::{Organization, link, member, one_time_link, organization, password, user};
use crate::kernel::{DomainName, EmailAddress, OrgId, UserId};
use crate::second_factor::factors;
use crate::session::records::{self, Scope};
use crate::store::{StoreError, Tx};

/// Draws the consequences for everybody with an address of `domain`, which `former` held and `holder` holds now.
pub(super) async fn change(
    proof: &Proof,
    tx: &Tx,
    former: OrgId,
    holder: &Organization,
    domain: &DomainName,
) -> Result<(), StoreError> {
    if are_linked(tx, former, holder.id).await? {
        return Ok(());
    }
    let mut asleep: BTreeMap<OrgId, BTreeSet<EmailAddress>> = BTreeMap::new();
    let mut people: BTreeSet<UserId> = BTreeSet::new();
    loop {
        let page = user::of_domain(tx, domain, people.last().copied()).await?;
        if page.is_empty() {
            break;
        }
        for id in page {
            people.insert(id);
            records::revoke(tx, Scope::User(id)).await?;
            // Nor does whoever had the address keep a way in.
            password::forget(tx, id).await?;
            factors::remove_all(tx, id).await?;
            one_time_link::forget_all(tx, id).await?;
            let Some(person) = user::by_id(tx, id).await? else { continue };
            for elsewhere in put_to_sleep(proof, tx, holder.id, &person).await? {
                asleep.entry(elsewhere).or_default().insert(person.email.clone());
            }
        }
    }
    let links = user::unlink(tx, former, &people).await?;
    let after = format!("{} people signed out, {links} links dropped", people.len());
    proof.audit(tx, holder.id, "domain.changed_hands", domain, "held by another organization", &after)?;
    for (id, who) in &asleep {
        if let Some(organization) = organization::by_id(tx, *id).await? {
            let notice = notice::asleep(&proof.site, (&organization.name, &organization.slug), domain, who);
            proof.tell_owners(tx, *id, &notice).await?;
        }
    }
    tracing::info!(%domain, holder = %holder.slug, people = people.len(), links, "a domain changed hands");
    Ok(())
}

/// Whether one of the two is the other's Admin organization.
async fn are_linked(tx: &Tx, one: OrgId, other: OrgId) -> Result<bool, StoreError> {
    let under = async |linked, admin| {
        Ok::<_, StoreError>(link::find(tx, linked).await?.is_some_and(|link| link.admin == admin))
    };
    Ok(under(one, other).await? || under(other, one).await?)
}

/// Puts every membership of a person to sleep but that in `holder`; gives where they were awake.
async fn put_to_sleep(proof: &Proof, tx: &Tx, holder: OrgId, person: &user::User) -> Result<Vec<OrgId>, StoreError> {
    let mut put = Vec::new();
    for organization in member::of_user(tx, person.id).await? {
        if organization == holder || member::put_to_sleep(tx, organization, person.id).await?.is_none() {
            continue;
        }
        proof.audit(tx, organization, "member.asleep", &person.email, "a member", "to be confirmed")?;
        put.push(organization);
    }
    Ok(put)
}
