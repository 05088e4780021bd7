//! `org create | list | show | set | delete`

use std::sync::Arc;

use super::Administration;
use super::api::{Changes, Difference, MEMBER_COUNT_LIMIT, OrgCreate, OrgDelete, OrgList, OrgSet, OrgShow, OrgView};
use super::domain;
use crate::directory::authority::Act;
use crate::directory::provisioning::mapping;
use crate::directory::two_factor::GRACE_SIGN_INS;
use crate::directory::{Organization, Rules, claim, discovery, link, member, organization, sso, sso_proof};
use crate::kernel::{DomainName, Fault, Slug};
use crate::store::{StoreError, Tx};

/// Makes an organization; for the operator.
pub async fn create(admin: Arc<Administration>, call: OrgCreate) -> Result<OrgView, Fault> {
    admin.operators()?;
    let (admin, call) = (&*admin, &call);
    admin
        .store
        .transaction("org create", async |tx: Tx| {
            let made = organization::create(&tx, &*admin.rng, &call.slug, &call.name, call.kind).await?;
            admin.audit(&tx, made.id, "org.create", &made.slug, "", &made.name)?;
            Ok::<_, Fault>(view(admin, &tx, &made).await?)
        })
        .await
}

/// Every organization; for the operator.
pub async fn list(admin: Arc<Administration>, _: OrgList) -> Result<Vec<OrgView>, Fault> {
    admin.operators()?;
    let tx = admin.store.reader();
    let mut views = Vec::new();
    for organization in all(&tx).await? {
        views.push(view(&admin, &tx, &organization).await?);
    }
    views.sort_by(|one, two| one.slug.cmp(&two.slug));
    Ok(views)
}

/// Every organization.
pub async fn all(tx: &Tx) -> Result<Vec<Organization>, StoreError> {
    let mut found: Vec<Organization> = Vec::new();
    loop {
        let page = organization::list(tx, found.last().map(|last| last.id)).await?;
        if page.is_empty() {
            return Ok(found);
        }
        found.extend(page);
    }
}

/// The one that is named, for those who run it; without a name every one, for the operator.
///
/// # Errors
/// «Forbidden»; no such organization; the store's.
pub async fn permitted(admin: &Administration, tx: &Tx, slug: Option<&Slug>) -> Result<Vec<Organization>, Fault> {
    let Some(slug) = slug else {
        admin.operators()?;
        return Ok(all(tx).await?);
    };
    let found = organization::by_slug(tx, slug).await?;
    admin.permit(tx, Act::Manage(found.id), None).await?;
    Ok(vec![found])
}

/// An organization with what belongs to it.
pub async fn show(admin: Arc<Administration>, call: OrgShow) -> Result<OrgView, Fault> {
    let tx = admin.store.reader();
    let found = organization::by_slug(&tx, &call.slug).await?;
    admin.permit(&tx, Act::Manage(found.id), None).await?;
    Ok(view(&admin, &tx, &found).await?)
}

/// An organization with what belongs to it.
async fn view(admin: &Administration, tx: &Tx, organization: &Organization) -> Result<OrgView, StoreError> {
    let linked = link::find(tx, organization.id).await?;
    let mut domains = Vec::new();
    // Under a link, what is its own is kept, and hidden (D14).
    let own = if linked.is_none() { claim::list(tx, organization.id).await? } else { Vec::new() };
    for claim in own {
        domains.push(domain::view(admin, tx, &claim, &organization.slug).await?);
    }
    let connection = if linked.is_none() { sso::connection(tx, organization.id).await? } else { None };
    let members = member::list(tx, organization.id, None).await?.len();
    Ok(OrgView {
        id: organization.id,
        slug: organization.slug.clone(),
        name: organization.name.clone(),
        kind: organization.kind,
        created: organization.created.to_string(),
        require_sso: organization.settings.require_sso,
        idp_managed_access: organization.settings.idp_managed_access,
        two_factor: organization.settings.two_factor,
        grace_sign_ins: organization.settings.grace_sign_ins.unwrap_or(GRACE_SIGN_INS),
        trust_idp_mfa: organization.settings.trust_idp_mfa,
        mfa_values: organization.settings.mfa_values.clone(),
        trusted_browser_days: organization.settings.trusted_browser_days,
        idp_initiated: organization.settings.idp_initiated,
        session_idle: organization.settings.session_idle.map(span),
        session_absolute: organization.settings.session_absolute.map(span),
        discoverability: organization.settings.discoverability,
        discoverable_domains: organization.settings.discoverable_domains.clone(),
        scim_name: organization.settings.scim_name.clone(),
        domains,
        sso: connection.map(|connection| connection.settings.entity_id),
        members: members.min(MEMBER_COUNT_LIMIT),
        linked_to: match linked {
            Some(link) => slug_of(tx, link.admin).await?,
            None => None,
        },
    })
}

/// Sets rules of an organization, all or none; each is somebody's affair (D1).
pub async fn set(admin: Arc<Administration>, call: OrgSet) -> Result<Changes, Fault> {
    let (admin, call) = (&*admin, &call);
    admin
        .store
        .transaction("org set", async |tx: Tx| {
            let found = organization::by_slug(&tx, &call.slug).await?;
            for (key, _) in &call.settings {
                permit_setting(admin, &tx, &found, key).await?;
            }
            let changes = set_all(admin, &tx, &found, &call.settings).await?;
            Ok::<_, Fault>(Changes { changes, ..Changes::default() })
        })
        .await
}

/// Who finds the organization is its owners' and billing admins' affair (D1), its SCIM name the Admin organization's.
async fn permit_setting(admin: &Administration, tx: &Tx, found: &Organization, key: &str) -> Result<(), Fault> {
    match key {
        "discoverability" | "discoverable_domains" => admin.permit(tx, Act::SetDiscoverability(found.id), None).await,
        "scim_name" => {
            let above = link::find(tx, found.id).await?.map(|link| Act::Manage(link.admin));
            admin.permit_either(tx, Act::Manage(found.id), above).await
        }
        _ => admin.permit(tx, Act::Manage(found.id), None).await,
    }
}

/// Sets each key; writes and audits only what changes.
///
/// # Errors
/// What is wrong with a value; `require_sso` without a proof that single sign-on works (D10).
pub async fn set_all(
    admin: &Administration,
    tx: &Tx,
    found: &Organization,
    settings: &[(String, String)],
) -> Result<Vec<Difference>, Fault> {
    let mut changed = found.clone();
    for (key, value) in settings {
        changed.set(key, value)?;
    }
    if changed.settings.require_sso && !found.settings.require_sso {
        // Whoever turns it on has seen it work: otherwise nobody but break-glass would be left (D10).
        sso_proof::of(tx, found).await?;
    }
    let differences = differences(found, &changed);
    if !differences.is_empty() {
        discovery::no_public_mail(&changed, admin.proof.public_mail())?;
        discovery::unlist(tx, found);
        let renamed =
            link::find(tx, found.id).await?.filter(|_| found.settings.scim_name != changed.settings.scim_name);
        // The group of the new SCIM name stands for a linked organization, and that of the old one no more (S9).
        if let Some(held) = &renamed {
            mapping::disconnect(tx, &*admin.rng, held.admin, found).await?;
        }
        organization::save(tx, &changed)?;
        if let Some(held) = &renamed {
            mapping::connect(tx, &*admin.rng, held.admin, &changed).await?;
        }
    }
    for Difference { what, before, after, .. } in &differences {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        admin.audit(tx, found.id, &format!("org.set.{what}"), &found.slug, text(before), text(after))?;
    }
    Ok(differences)
}

/// What differs between two states of one organization.
pub fn differences(before: &Organization, after: &Organization) -> Vec<Difference> {
    let told = |organization: &Organization| {
        // Destructured whole, so that a new setting can't be forgotten.
        let crate::directory::OrgSettings {
            require_sso,
            idp_managed_access,
            session_idle,
            session_absolute,
            trust_idp_mfa,
            mfa_values,
            idp_initiated,
            two_factor,
            grace_sign_ins,
            trusted_browser_days,
            discoverability,
            discoverable_domains,
            scim_name,
        } = organization.settings.clone();
        let limit = |limit: Option<u64>| limit.map_or("default".to_owned(), span);
        [
            ("name", organization.name.clone()),
            ("require_sso", require_sso.to_string()),
            ("idp_managed_access", idp_managed_access.to_string()),
            ("idp_initiated", idp_initiated.to_string()),
            ("session_idle", limit(session_idle)),
            ("session_absolute", limit(session_absolute)),
            ("two_factor", two_factor.as_str().to_owned()),
            ("grace_sign_ins", grace_sign_ins.unwrap_or(GRACE_SIGN_INS).to_string()),
            ("trust_idp_mfa", trust_idp_mfa.to_string()),
            ("mfa_values", if mfa_values.is_empty() { "default".to_owned() } else { mfa_values.join(",") }),
            ("trusted_browser_days", days(trusted_browser_days)),
            ("discoverability", discoverability.to_string()),
            ("discoverable_domains", joined(&discoverable_domains)),
            ("scim_name", scim_name.unwrap_or_else(|| "none".to_owned())),
        ]
    };
    let pairs = told(before).into_iter().zip(told(after)).filter(|(old, new)| old != new);
    pairs.map(|((what, old), (_, new))| Difference::new(&before.slug, what, Some(old), new)).collect()
}

/// What differs between the rules that hold in one organization.
pub fn rule_differences(slug: &Slug, before: &Rules, after: &Rules) -> Vec<Difference> {
    let told = |rules: &Rules| {
        // Destructured whole, so that a new rule can't be forgotten.
        let Rules {
            require_sso,
            idp_managed_access,
            trust_idp_mfa,
            idp_initiated,
            two_factor,
            grace_sign_ins,
            trusted_browser_days,
            session_idle,
            session_absolute,
        } = *rules;
        let limit = |limit: Option<u64>| limit.map_or("default".to_owned(), span);
        [
            ("require_sso", require_sso.to_string()),
            ("idp_managed_access", idp_managed_access.to_string()),
            ("trust_idp_mfa", trust_idp_mfa.to_string()),
            ("idp_initiated", idp_initiated.to_string()),
            ("two_factor", two_factor.as_str().to_owned()),
            ("grace_sign_ins", grace_sign_ins.to_string()),
            ("trusted_browser_days", days(trusted_browser_days)),
            ("session_idle", limit(session_idle)),
            ("session_absolute", limit(session_absolute)),
        ]
    };
    let pairs = told(before).into_iter().zip(told(after)).filter(|(old, new)| old != new);
    pairs.map(|((what, old), (_, new))| Difference::new(slug, what, Some(old), new)).collect()
}

/// For how many days a browser is trusted, as `org set` takes it.
pub fn days(days: Option<u32>) -> String {
    days.map_or_else(|| "off".to_owned(), |days| days.to_string())
}

/// Domains as `org set` takes them.
fn joined(domains: &[DomainName]) -> String {
    domains.iter().map(DomainName::as_str).collect::<Vec<_>>().join(",")
}

/// A span of time as `org set` takes it, in the largest unit that fits.
pub fn span(seconds: u64) -> String {
    let units = [(24 * 3600, 'd'), (3600, 'h'), (60, 'm')];
    let fits = units.into_iter().find(|(unit, _)| seconds >= *unit && seconds.is_multiple_of(*unit));
    fits.map_or_else(|| format!("{seconds}s"), |(unit, letter)| format!("{}{letter}", seconds / unit))
}

/// Deletes an organization; for the operator.
pub async fn delete(admin: Arc<Administration>, call: OrgDelete) -> Result<Changes, Fault> {
    admin.operators()?;
    let (admin, slug) = (&*admin, &call.slug);
    admin
        .store
        .transaction("org delete", async |tx: Tx| {
            let found = organization::by_slug(&tx, slug).await?;
            organization::delete(&tx, &*admin.rng, &found).await?;
            admin.audit(&tx, found.id, "org.delete", slug, &found.name, "")?;
            let gone = Difference::new(slug, "organization", Some(found.name), None);
            Ok::<_, Fault>(Changes { changes: vec![gone], ..Changes::default() })
        })
        .await
}

/// The slug of an organization by its id, for lists.
pub async fn slug_of(tx: &Tx, id: crate::kernel::OrgId) -> Result<Option<Slug>, StoreError> {
    Ok(organization::by_id(tx, id).await?.map(|organization| organization.slug))
}
