//! Links: a customer organization under an Admin organization, whose single sign-on and domains then count for it.
//!
//! What the customer organization has of its own stays where it is, and rests (D12): leaving brings it back.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::DirectoryError;
use super::organization::{self, OrgKind, Organization};
use super::provisioning::mapping;
use crate::kernel::{DomainName, EmailAddress, OrgId, Rng, Secret, Timestamp, TokenHash};
use crate::store::{StoreError, Table, Tx};

/// Links by the linked organization: it has one at most.
pub const LINKS: Table<OrgId, Link> = Table::new("links");
/// The other way round: the organizations linked to an Admin organization.
pub(super) const LINKED: Table<(OrgId, OrgId), ()> = Table::new("links_by_admin");
/// Codes that were given out, by their hash.
pub(super) const CODES: Table<[u8; 32], LinkCode> = Table::new("link_codes");
/// The domains that an organization handed to its Admin organization while linked: (from, domain).
pub(super) const MOVED: Table<(OrgId, DomainName), OrgId> = Table::new("link_moved_domains");

/// How often, and when last, a linked organization's own connection was used.
pub(super) const OLD_USES: Table<OrgId, OldUse> = Table::new("link_old_uses");

/// How long a code can be used.
pub const CODE_FOR: Duration = Duration::from_secs(3600);
/// How long the old connection goes on counting unless said otherwise (D14).
pub const DEFAULT_WINDOW: Duration = Duration::from_secs(7 * 24 * 3600);
/// The longest window.
pub const LONGEST_WINDOW: Duration = Duration::from_secs(90 * 24 * 3600);
/// How many organizations can be linked to one Admin organization.
pub const LINKED_LIMIT: usize = 1000;
/// How many domains one organization can have handed over.
const MOVED_LIMIT: usize = 1000;

/// Under which Admin organization an organization stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The Admin organization.
    pub admin: OrgId,
    /// Since when.
    pub since: Timestamp,
    /// Until when the organization's own connection goes on counting for its own domains (D14).
    pub window_ends: Timestamp,
}

impl Link {
    /// Whether the organization's own connection still counts for its own domains.
    pub fn in_window(&self, now: Timestamp) -> bool {
        now < self.window_ends
    }
}

/// Uses of a linked organization's own connection since it is linked (D14).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OldUse {
    /// How many.
    pub count: u64,
    /// The last one.
    pub last: Timestamp,
    /// Whose that was.
    pub email: EmailAddress,
}

/// A code that was given out.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct LinkCode {
    admin: OrgId,
}

/// Makes a code by which one organization can be linked to `admin`, once, within [`CODE_FOR`].
///
/// # Errors
/// [`DirectoryError::NotAnAdminOrganization`].
pub fn code(tx: &Tx, rng: &dyn Rng, admin: &Organization) -> Result<Secret<String>, DirectoryError> {
    if admin.kind != OrgKind::Admin {
        return Err(DirectoryError::NotAnAdminOrganization(admin.slug.clone()));
    }
    let code = rng.bytes::<16>().iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    let hash = *TokenHash::of(code.as_bytes()).as_bytes();
    tx.put_until(&CODES, &hash, &LinkCode { admin: admin.id }, tx.now().plus(CODE_FOR))?;
    Ok(Secret::new(code))
}

/// Whose code it is; it stays good.
///
/// # Errors
/// [`DirectoryError::NoSuchCode`], the same whether it never was, is used, or is too old.
pub async fn admin_of_code(tx: &Tx, code: &str) -> Result<Organization, DirectoryError> {
    let hash = *TokenHash::of(code.trim().as_bytes()).as_bytes();
    let found = tx.get(&CODES, &hash).await?.ok_or(DirectoryError::NoSuchCode)?;
    organization::by_id(tx, found.admin).await?.ok_or(DirectoryError::NoSuchCode)
}

/// Links `organization` to the Admin organization whose code this is, and uses the code up.
///
/// # Errors
/// [`DirectoryError::NoSuchCode`], [`DirectoryError::AlreadyLinked`], [`DirectoryError::CannotBeLinked`];
/// [`DirectoryError::InvalidSetting`] over [`LINKED_LIMIT`] or [`LONGEST_WINDOW`].
pub async fn join(
    tx: &Tx,
    organization: &Organization,
    code: &str,
    window: Duration,
) -> Result<(Organization, Link), DirectoryError> {
    if organization.kind == OrgKind::Admin {
        return Err(DirectoryError::CannotBeLinked(organization.slug.clone()));
    }
    if let Some(link) = find(tx, organization.id).await? {
        let admin = organization::by_id(tx, link.admin).await?;
        let admin = admin.map_or_else(|| organization.slug.clone(), |admin| admin.slug);
        return Err(DirectoryError::AlreadyLinked(organization.slug.clone(), admin));
    }
    if window > LONGEST_WINDOW {
        return Err(DirectoryError::InvalidSetting("the window is at most 90d".to_owned()));
    }
    let admin = admin_of_code(tx, code).await?;
    if linked_to(tx, admin.id).await?.len() >= LINKED_LIMIT {
        let text = format!("{LINKED_LIMIT} organizations are linked to {} already: that is the limit", admin.slug);
        return Err(DirectoryError::InvalidSetting(text));
    }
    tx.delete(&CODES, TokenHash::of(code.trim().as_bytes()).as_bytes());
    let link = Link { admin: admin.id, since: tx.now(), window_ends: tx.now().plus(window) };
    tx.put(&LINKS, &organization.id, &link)?;
    tx.put(&LINKED, &(admin.id, organization.id), &())?;
    Ok((admin, link))
}

/// Ends the link: what is the organization's own counts again. The caller ends the sessions made through the Admin
/// organization (D14).
///
/// # Errors
/// [`DirectoryError::NotLinked`].
pub async fn leave(tx: &Tx, organization: &Organization) -> Result<Link, DirectoryError> {
    let link = tx.take(&LINKS, &organization.id).await?;
    let link = link.ok_or_else(|| DirectoryError::NotLinked(organization.slug.clone()))?;
    tx.delete(&LINKED, &(link.admin, organization.id));
    tx.delete(&OLD_USES, &organization.id);
    for domain in moved(tx, organization.id).await? {
        tx.delete(&MOVED, &(organization.id, domain));
    }
    Ok(link)
}

/// The organization's link, if it has one.
pub async fn find(tx: &Tx, organization: OrgId) -> Result<Option<Link>, StoreError> {
    tx.get(&LINKS, &organization).await
}

/// The organizations linked to an Admin organization.
pub async fn linked_to(tx: &Tx, admin: OrgId) -> Result<Vec<Organization>, StoreError> {
    let mut found = Vec::new();
    for ((_, id), ()) in tx.scan(&LINKED, &admin, None, LINKED_LIMIT).await? {
        found.extend(organization::by_id(tx, id).await?);
    }
    Ok(found)
}

/// Notes a sign-in by the organization's own connection while it is linked.
///
/// # Errors
/// [`StoreError`].
pub async fn note_old_use(tx: &Tx, organization: OrgId, email: &EmailAddress) -> Result<(), StoreError> {
    let before = old_use(tx, organization).await?.map_or(0, |before| before.count);
    tx.put(&OLD_USES, &organization, &OldUse { count: before + 1, last: tx.now(), email: email.clone() })
}

/// The sign-ins by the organization's own connection since it is linked.
pub async fn old_use(tx: &Tx, organization: OrgId) -> Result<Option<OldUse>, StoreError> {
    tx.get(&OLD_USES, &organization).await
}

/// Notes that `organization` handed `domain` to its Admin organization: its old connection still counts for it until
/// the window ends (D14).
pub fn note_moved(tx: &Tx, organization: OrgId, domain: &DomainName, admin: OrgId) -> Result<(), StoreError> {
    tx.put(&MOVED, &(organization, domain.clone()), &admin)
}

/// Whether `organization` handed `domain` to `admin`.
pub async fn was_moved(tx: &Tx, organization: OrgId, domain: &DomainName, admin: OrgId) -> Result<bool, StoreError> {
    Ok(tx.get(&MOVED, &(organization, domain.clone())).await? == Some(admin))
}

/// The domains that `organization` handed over since it was linked.
pub async fn moved(tx: &Tx, organization: OrgId) -> Result<Vec<DomainName>, StoreError> {
    let rows = tx.scan(&MOVED, &organization, None, MOVED_LIMIT).await?;
    Ok(rows.into_iter().map(|((_, domain), _)| domain).collect())
}

/// Ends all links of an organization that goes, to it or from it; gives the organizations that were linked to it.
pub(super) async fn remove_all(tx: &Tx, organization: &Organization) -> Result<Vec<Organization>, DirectoryError> {
    if let Some(link) = find(tx, organization.id).await? {
        mapping::forget(tx, link.admin, organization).await?;
        leave(tx, organization).await?;
    }
    let linked = linked_to(tx, organization.id).await?;
    for linked in &linked {
        mapping::forget(tx, organization.id, linked).await?;
        leave(tx, linked).await?;
    }
    Ok(linked)
}
