//! `domain claim --trusted | list | release`

use std::sync::Arc;

use super::Admin;
use super::api::{Changes, Difference, DomainClaim, DomainList, DomainRelease, DomainView};
use super::organization::all;
use crate::directory::{Claim, Organization, claim, organization};
use crate::kernel::{DomainName, Fault, Slug};
use crate::session::records::{self, Scope};
use crate::store::Tx;

pub(super) fn view(claim: &Claim, slug: &Slug) -> DomainView {
    DomainView {
        domain: claim.domain.clone(),
        slug: slug.clone(),
        state: claim.state,
        trusted: claim.trusted,
        verified: claim.verified.map(|moment| moment.to_string()),
    }
}

pub(super) async fn claim(admin: Arc<Admin>, call: DomainClaim) -> Result<DomainView, Fault> {
    let (admin, call) = (&*admin, &call);
    admin
        .store
        .transaction("domain claim", async |tx: Tx| {
            let found = organization::by_slug(&tx, &call.slug).await?;
            let held = claim::list(&tx, found.id).await?;
            let claimed = claim::claim_trusted(&tx, &found, &call.domain).await?;
            if !held.contains(&claimed) {
                admin.audit(&tx, found.id, "domain.claim", &call.domain, "", "verified on the operator's word")?;
            }
            Ok::<_, Fault>(view(&claimed, &found.slug))
        })
        .await
}

pub(super) async fn list(admin: Arc<Admin>, call: DomainList) -> Result<Vec<DomainView>, Fault> {
    let tx = admin.store.reader();
    let organizations = match &call.slug {
        Some(slug) => vec![organization::by_slug(&tx, slug).await?],
        None => all(&tx).await?,
    };
    let mut views = Vec::new();
    for organization in organizations {
        let claims = claim::list(&tx, organization.id).await?;
        views.extend(claims.iter().map(|claim| view(claim, &organization.slug)));
    }
    views.sort_by(|one, two| (&one.domain, &one.slug).cmp(&(&two.domain, &two.slug)));
    Ok(views)
}

/// Gives up a claim; if it was verified, the sessions that the organization's single sign-on made end with it, as they
/// may be of people of that domain.
pub(super) async fn give_up(
    admin: &Admin,
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

pub(super) async fn release(admin: Arc<Admin>, call: DomainRelease) -> Result<Changes, Fault> {
    let (admin, call) = (&*admin, &call);
    admin
        .store
        .transaction("domain release", async |tx: Tx| {
            let found = organization::by_slug(&tx, &call.slug).await?;
            let gone = give_up(admin, &tx, &found, &call.domain).await?;
            let gone = Difference::new(&found.slug, "domain", Some(gone.domain.to_string()), None);
            Ok::<_, Fault>(Changes { changes: vec![gone] })
        })
        .await
}
