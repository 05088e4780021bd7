//! Removing single sign-on: who signs in by it today and what they would do instead, and the removal, which is refused
//! where somebody relies on it.

use std::sync::Arc;

use super::Administration;
use super::api::{Changes, Difference, SsoRemoval, SsoRemovalView, SsoRemove};
use crate::directory::authority::Act;
use crate::directory::{
    DirectoryError, LoginOutcome, OrgKind, Organization, claim, effective, link, login, organization, outbox, sso,
};
use crate::kernel::{Fault, FaultKind, Slug};
use crate::session::{Scope, records};
use crate::store::{StoreError, Tx};

/// How many people are named at most.
const PEOPLE_LIMIT: usize = 20;
/// How many organizations a refusal names at most.
const NAMED_LIMIT: usize = 5;

/// Who signs in by it today, and what they would do instead.
pub async fn look(admin: Arc<Administration>, call: SsoRemoval) -> Result<SsoRemovalView, Fault> {
    let tx = admin.store.reader();
    let found = organization::by_slug(&tx, &call.slug).await?;
    admin.permit(&tx, Act::Manage(found.id), None).await?;
    let Some(connection) = sso::connection(&tx, found.id).await? else { return Ok(SsoRemovalView::default()) };
    let issuer = connection.settings.entity_id;
    let mut people: Vec<String> = Vec::new();
    for record in login::list(&tx, found.id, usize::MAX).await? {
        let right = record.outcome == LoginOutcome::Accepted && record.idp.as_ref() == Some(&issuer);
        people.extend(record.email.filter(|email| right && !people.contains(email)));
    }
    let counts = effective::of_organization(&tx, found.clone()).await?.own_counts(tx.now());
    let claims = if counts { claim::list(&tx, found.id).await? } else { Vec::new() };
    let sessions = records::list(&tx, Scope::Through(found.id, found.id)).await?.len();
    Ok(SsoRemovalView {
        issuer: Some(issuer),
        refused: why_not(&tx, &found).await?,
        domains: claims.into_iter().filter(|claim| claim.state.holds()).map(|claim| claim.domain).collect(),
        sessions,
        more_sessions: sessions >= records::LIST_LIMIT,
        more_people: people.len().saturating_sub(PEOPLE_LIMIT),
        people: people.into_iter().take(PEOPLE_LIMIT).collect(),
        passwords: admin.passwords.enabled,
        mail: outbox::is_on(&tx).await?,
    })
}

/// Removes single sign-on, and ends every session that it made, in the same commit (D6, R41).
pub async fn remove(admin: Arc<Administration>, call: SsoRemove) -> Result<Changes, Fault> {
    let (admin, call) = (&*admin, &call);
    admin
        .store
        .transaction("sso remove", async |tx: Tx| {
            let found = organization::by_slug(&tx, &call.slug).await?;
            admin.permit(&tx, Act::Manage(found.id), None).await?;
            let missing = || DirectoryError::NoSso(found.slug.clone());
            let gone = sso::connection(&tx, found.id).await?.ok_or_else(missing)?;
            if let Some(why) = why_not(&tx, &found).await? {
                return Err(Fault::plain(FaultKind::Conflict, why));
            }
            sso::remove(&tx, found.id).await?;
            records::revoke(&tx, Scope::Connection(found.id)).await?;
            let issuer = gone.settings.entity_id;
            admin.audit(&tx, found.id, "sso.remove", &found.slug, &*issuer, "")?;
            let gone = Difference::new(&found.slug, "single sign-on", Some(issuer), None);
            Ok::<_, Fault>(Changes { changes: vec![gone], ..Changes::default() })
        })
        .await
}

/// Why it can't be removed now: somebody relies on it.
async fn why_not(tx: &Tx, found: &Organization) -> Result<Option<String>, StoreError> {
    let linked = match found.kind {
        OrgKind::Admin => link::linked_to(tx, found.id).await?.into_iter().map(|linked| linked.slug).collect(),
        OrgKind::Customer => Vec::new(),
    };
    let effective = effective::of_organization(tx, found.clone()).await?;
    // Under a link whose window is over, it adds whom the Admin organization's identity provider lets in.
    let counts = effective.own_counts(tx.now());
    let required = match &effective.link {
        _ if found.settings.require_sso => Required::Here,
        Some((_, admin)) if counts && effective.rules.require_sso => Required::By(&admin.slug),
        _ => Required::Not,
    };
    let managed = found.settings.idp_managed_access && counts;
    Ok(reason(&found.slug, required, managed, &linked))
}

/// Whose rule it is that single sign-on is required.
#[derive(Clone, Copy, Debug)]
enum Required<'a> {
    /// Nobody's.
    Not,
    /// The organization's own.
    Here,
    /// The Admin organization's, while the organization's own connection still counts (D12, D14).
    By(&'a Slug),
}

/// What stands against removing it: pure.
fn reason(slug: &Slug, required: Required<'_>, managed: bool, linked: &[Slug]) -> Option<String> {
    if let Some((first, rest)) = linked.split_first() {
        let named = rest.iter().take(NAMED_LIMIT - 1).fold(first.to_string(), |named, slug| format!("{named}, {slug}"));
        let more = linked.len().saturating_sub(NAMED_LIMIT);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        return Some(format!(
            "the people of {named}{more} sign in by it: these organizations have to leave first; \
             `vestibule link leave SLUG` does it"
        ));
    }
    match required {
        Required::Not => {}
        Required::Here => {
            return Some(format!(
                "single sign-on is required here, so that without it only owners and admins would get in: take that back \
                 first; `vestibule org set {slug} require_sso=false` does it"
            ));
        }
        Required::By(admin) => {
            return Some(format!(
                "{admin} requires single sign-on, and the people of {slug}'s own domains still sign in by this one, so \
                 that without it they would not get in: remove it once the link's window is over"
            ));
        }
    }
    managed.then(|| {
        format!(
            "whoever the identity provider lets in is added as a member, and nobody would be any more: switch that off \
             first; `vestibule org set {slug} idp_managed_access=false` does it"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::Required::{By, Here, Not};
    use super::*;

    #[test]
    fn what_somebody_relies_on_is_not_removed() {
        let slug = |text: &str| -> Slug { text.parse().unwrap() };
        let group = slug("group");
        let check = |required, managed, linked: &[&str], expected: Option<&str>| {
            let linked: Vec<Slug> = linked.iter().map(|linked| slug(linked)).collect();
            let told = reason(&slug("acme"), required, managed, &linked);
            match expected {
                None => assert_eq!(told, None),
                Some(expected) => assert!(told.as_deref().unwrap_or_default().contains(expected), "{told:?}"),
            }
        };
        check(Not, false, &[], None);
        check(Here, false, &[], Some("acme require_sso=false"));
        check(Here, true, &[], Some("single sign-on is required"));
        check(Not, true, &[], Some("acme idp_managed_access=false"));
        check(By(&group), true, &[], Some("group requires single sign-on, and the people of acme's own domains"));
        check(Here, true, &["one"], Some("the people of one sign in by it"));
        check(Not, false, &["a", "b", "c", "d", "e"], Some("the people of a, b, c, d, e sign in"));
        check(Not, false, &["a", "b", "c", "d", "e", "f", "g"], Some("a, b, c, d, e and 2 more sign in"));
    }
}
