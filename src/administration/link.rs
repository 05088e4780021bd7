//! `link code | join | leave | list`

use std::sync::Arc;
use std::time::Duration;

use super::Administration;
use super::api::{Changes, Difference, LinkCode, LinkCodeView, LinkJoin, LinkLeave, LinkList, LinkView};
use crate::directory::authority::Act;
use crate::directory::provisioning::mapping;
use crate::directory::{DirectoryError, Link, OrgKind, Organization, claim, link, organization};
use crate::kernel::Fault;
use crate::session::records::{self, Scope};
use crate::store::{StoreError, Tx};

/// A code that links one organization; for the Admin organization's owners. It is shown once.
pub async fn code(admin: Arc<Administration>, call: LinkCode) -> Result<LinkCodeView, Fault> {
    let (admin, call) = (&*admin, &call);
    admin
        .store
        .transaction("link code", async |tx: Tx| {
            let found = organization::by_slug(&tx, &call.slug).await?;
            admin.permit(&tx, Act::Own(found.id), None).await?;
            let code = link::code(&tx, &*admin.rng, &found)?.expose().clone();
            let ends = tx.now().plus(link::CODE_FOR).to_string();
            // Not the code itself: whoever has it could use it.
            admin.audit(&tx, found.id, "link.code", &found.slug, "", format!("good until {ends}"))?;
            Ok::<_, Fault>(LinkCodeView { slug: found.slug, code, ends })
        })
        .await
}

/// Links an organization by such a code; for its owners.
pub async fn join(admin: Arc<Administration>, call: LinkJoin) -> Result<LinkView, Fault> {
    let (admin, call) = (&*admin, &call);
    let window = call.window_seconds.map_or(link::DEFAULT_WINDOW, Duration::from_secs);
    admin
        .store
        .transaction("link join", async |tx: Tx| {
            let found = organization::by_slug(&tx, &call.slug).await?;
            admin.permit(&tx, Act::Own(found.id), None).await?;
            let (above, made) = link::join(&tx, &found, &call.code, window).await?;
            mapping::connect(&tx, &*admin.rng, above.id, &found).await?;
            let told = format!("linked to {}, own connection until {}", above.slug, made.window_ends);
            admin.audit(&tx, found.id, "link.join", &above.slug, "", &told)?;
            admin.audit(&tx, above.id, "link.join", &found.slug, "", &told)?;
            Ok::<_, Fault>(view(&tx, &above, &found, &made).await?)
        })
        .await
}

/// Ends a link; for the owners of either side.
pub async fn leave(admin: Arc<Administration>, call: LinkLeave) -> Result<Changes, Fault> {
    let (admin, call) = (&*admin, &call);
    admin
        .store
        .transaction("link leave", async |tx: Tx| {
            let found = organization::by_slug(&tx, &call.slug).await?;
            let held = link::find(&tx, found.id).await?;
            let above = held.as_ref().map(|held| Act::Own(held.admin));
            admin.permit_either(&tx, Act::Own(found.id), above).await?;
            if let Some(held) = held {
                mapping::disconnect(&tx, &*admin.rng, held.admin, &found).await?;
            }
            let gone = link::leave(&tx, &found).await?;
            // In the same commit, so that no crash can come between (D14).
            records::revoke(&tx, Scope::Through(found.id, gone.admin)).await?;
            let above = organization::by_id(&tx, gone.admin).await?;
            let slug = above.map_or_else(|| "an Admin organization".to_owned(), |above| above.slug.to_string());
            admin.audit(&tx, found.id, "link.leave", &slug, "linked", "")?;
            admin.audit(&tx, gone.admin, "link.leave", &found.slug, "linked", "")?;
            let changes = vec![Difference::new(&found.slug, "linked to", Some(slug), None)];
            Ok::<_, Fault>(Changes { changes, ..Changes::default() })
        })
        .await
}

/// The organizations that are linked to this one.
pub async fn list(admin: Arc<Administration>, call: LinkList) -> Result<Vec<LinkView>, Fault> {
    let tx = admin.store.reader();
    let above = organization::by_slug(&tx, &call.slug).await?;
    admin.permit(&tx, Act::Manage(above.id), None).await?;
    if above.kind != OrgKind::Admin {
        return Err(DirectoryError::NotAnAdminOrganization(above.slug).into());
    }
    let mut views = Vec::new();
    for linked in link::linked_to(&tx, above.id).await? {
        if let Some(held) = link::find(&tx, linked.id).await? {
            views.push(view(&tx, &above, &linked, &held).await?);
        }
    }
    views.sort_by(|one, two| one.slug.cmp(&two.slug));
    Ok(views)
}

/// A link as it is told to either side.
pub async fn view(tx: &Tx, above: &Organization, linked: &Organization, held: &Link) -> Result<LinkView, StoreError> {
    let own = claim::list(tx, linked.id).await?;
    let uses = link::old_use(tx, linked.id).await?;
    Ok(LinkView {
        slug: linked.slug.clone(),
        name: linked.name.clone(),
        admin: above.slug.clone(),
        since: held.since.to_string(),
        window_ends: held.window_ends.to_string(),
        in_window: held.in_window(tx.now()),
        scim_name: linked.settings.scim_name.clone(),
        idp_managed_access: linked.settings.idp_managed_access,
        own_domains: own.into_iter().filter(|claim| claim.state.holds()).map(|claim| claim.domain).collect(),
        moved_domains: link::moved(tx, linked.id).await?,
        old_connection_uses: uses.as_ref().map_or(0, |uses| uses.count),
        old_connection_last: uses.map(|uses| format!("{} by {}", uses.last, uses.email)),
    })
}
