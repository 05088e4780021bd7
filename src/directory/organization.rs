//! Organizations and their settings, with the defaults of D1.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::discovery::{self, Discoverability};
use super::error::DirectoryError;
use super::revocation::{self, Scope};
use super::two_factor;
use crate::kernel::{DomainName, OrgId, Rng, Slug, Timestamp};
use crate::store::{StoreError, Table, Tx};

/// Organizations by id.
pub const ORGANIZATIONS: Table<OrgId, Organization> = Table::new("organizations");
/// Which organization has a slug, or had it: a slug is never used again (D3).
pub(super) const BY_SLUG: Table<Slug, OrgId> = Table::new("organization_by_slug");

/// The longest name of an organization, in characters.
pub const NAME_LIMIT: usize = 120;
/// How many organizations one page of a listing holds at most.
pub const PAGE: usize = 500;
/// The shortest session limit that can be set.
const SHORTEST_SESSION: Duration = Duration::from_secs(60);
/// The longest session limit that can be set: it bounds what revocation must remember.
pub const LONGEST_SESSION: Duration = Duration::from_secs(30 * 24 * 3600);

/// What sort of organization it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrgKind {
    /// A customer company.
    #[default]
    Customer,
    /// An Admin organization: holds single sign-on and domains for those linked to it.
    Admin,
}

/// When a second factor is asked for, from the least strict to the strictest (D12).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TwoFactor {
    /// Never.
    #[default]
    Off,
    /// After a password.
    Password,
    /// Always.
    Always,
}

impl TwoFactor {
    /// As `org set` takes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            TwoFactor::Off => "off",
            TwoFactor::Password => "password",
            TwoFactor::Always => "always",
        }
    }
}

impl FromStr for TwoFactor {
    type Err = DirectoryError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let all = [TwoFactor::Off, TwoFactor::Password, TwoFactor::Always];
        let wanted = || invalid(format!("two_factor is off, password or always, not «{text}»"));
        all.into_iter().find(|value| value.as_str() == text).ok_or_else(wanted)
    }
}

/// A customer company, or an Admin organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organization {
    /// The id; never used again.
    pub id: OrgId,
    /// The short name in URLs and commands.
    pub slug: Slug,
    /// The name for people.
    pub name: String,
    /// Customer or Admin.
    pub kind: OrgKind,
    /// When it was made.
    pub created: Timestamp,
    /// Its settings.
    pub settings: OrgSettings,
}

/// What an organization may set (D1). Keys whose effect this version does not have are refused, never stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "settings, each of which is on or off")]
pub struct OrgSettings {
    /// People of the verified domains sign in by single sign-on only.
    pub require_sso: bool,
    /// Whoever of the verified domains succeeds at the IdP is added as a member.
    pub idp_managed_access: bool,
    /// A second factor shown at the identity provider counts.
    pub trust_idp_mfa: bool,
    /// What the identity provider must say for that; empty: the usual values.
    pub mfa_values: Vec<String>,
    /// Answers that nobody asked for are taken (R46).
    pub idp_initiated: bool,
    /// When a second factor is asked for.
    pub two_factor: TwoFactor,
    /// How many sign-ins are left to whoever has none; `None`: the usual number (D24).
    pub grace_sign_ins: Option<u32>,
    /// For how many days a browser may be trusted; `None`: not at all.
    pub trusted_browser_days: Option<u32>,
    /// Shorter idle limit of sessions in this organization, in seconds.
    pub session_idle: Option<u64>,
    /// Shorter absolute limit of sessions in this organization, in seconds.
    pub session_absolute: Option<u64>,
    /// How people of the work domains come in, while there is no single sign-on.
    pub discoverability: Discoverability,
    /// The work domains whose people find the organization.
    pub discoverable_domains: Vec<DomainName>,
    /// By what name a group of the Admin organization stands for this one (D15).
    pub scim_name: Option<String>,
}

impl Organization {
    /// Sets one key of `org set` (CONTRACT.md).
    ///
    /// # Errors
    /// [`DirectoryError::InvalidSetting`] with the sentence that says what is wanted.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), DirectoryError> {
        match key {
            "name" => self.name = valid_name(value)?,
            "require_sso" => self.settings.require_sso = switch(key, value)?,
            "idp_managed_access" => self.settings.idp_managed_access = switch(key, value)?,
            "idp_initiated" => self.settings.idp_initiated = switch(key, value)?,
            "session_idle" => self.settings.session_idle = session_limit(key, value)?,
            "session_absolute" => self.settings.session_absolute = session_limit(key, value)?,
            "discoverability" => self.settings.discoverability = value.parse()?,
            "discoverable_domains" => self.settings.discoverable_domains = discovery::domains(value)?,
            "two_factor" => self.settings.two_factor = value.parse()?,
            "grace_sign_ins" => self.settings.grace_sign_ins = Some(number(key, value, 0..=two_factor::GRACE_LIMIT)?),
            "trust_idp_mfa" => self.settings.trust_idp_mfa = switch(key, value)?,
            "mfa_values" => self.settings.mfa_values = two_factor::mfa_values(value)?,
            "trusted_browser_days" if value == "off" => self.settings.trusted_browser_days = None,
            "trusted_browser_days" => {
                self.settings.trusted_browser_days = Some(number(key, value, 1..=two_factor::TRUSTED_DAYS_LIMIT)?);
            }
            "scim_name" => self.settings.scim_name = scim_name(value)?,
            _ => {
                let known = "name, require_sso, idp_managed_access, idp_initiated, session_idle, session_absolute, two_factor, \
                             grace_sign_ins, trust_idp_mfa, mfa_values, trusted_browser_days, discoverability, \
                             discoverable_domains, scim_name";
                return Err(invalid(format!("«{key}» is not a setting: those are {known}")));
            }
        }
        Ok(())
    }
}

fn invalid(text: String) -> DirectoryError {
    DirectoryError::InvalidSetting(text)
}

/// A name for people: trimmed, 1 to [`NAME_LIMIT`] characters, no control characters.
pub fn valid_name(text: &str) -> Result<String, DirectoryError> {
    let name = text.trim();
    if name.is_empty() || name.chars().count() > NAME_LIMIT || name.chars().any(char::is_control) {
        return Err(invalid(format!("a name has 1 to {NAME_LIMIT} characters, none of them a control character")));
    }
    Ok(name.to_owned())
}

fn switch(key: &str, value: &str) -> Result<bool, DirectoryError> {
    match value {
        "true" | "on" => Ok(true),
        "false" | "off" => Ok(false),
        _ => Err(invalid(format!("{key} is true or false, not «{value}»"))),
    }
}

/// The name of a group; nothing, or `none`: no group stands for it.
fn scim_name(value: &str) -> Result<Option<String>, DirectoryError> {
    if value.trim().is_empty() || value == "none" {
        return Ok(None);
    }
    super::team::valid_name(value).map(Some)
}

/// A whole number within bounds.
fn number(key: &str, value: &str, bounds: RangeInclusive<u32>) -> Result<u32, DirectoryError> {
    let wanted = || invalid(format!("{key} is {} to {}, not «{value}»", bounds.start(), bounds.end()));
    value.parse().ok().filter(|number| bounds.contains(number)).ok_or_else(wanted)
}

/// `default`, or a duration: a whole number followed by `s`, `m`, `h` or `d`.
fn session_limit(key: &str, value: &str) -> Result<Option<u64>, DirectoryError> {
    if value == "default" {
        return Ok(None);
    }
    let wanted = || invalid(format!("{key} is «default», or 1m to 30d such as 30m, 8h or 7d, not «{value}»"));
    let unit = value.chars().last().ok_or_else(wanted)?;
    let factor: u64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 24 * 3600,
        _ => return Err(wanted()),
    };
    let number: u64 = value[..value.len() - 1].parse().map_err(|_| wanted())?;
    let seconds = number.checked_mul(factor).ok_or_else(wanted)?;
    if seconds < SHORTEST_SESSION.as_secs() || seconds > LONGEST_SESSION.as_secs() {
        return Err(wanted());
    }
    Ok(Some(seconds))
}

/// Makes an organization.
///
/// # Errors
/// [`DirectoryError::SlugTaken`], also if the slug was used once (D3); [`DirectoryError::InvalidSetting`] for the name.
pub async fn create(
    tx: &Tx,
    rng: &dyn Rng,
    slug: &Slug,
    name: &str,
    kind: OrgKind,
) -> Result<Organization, DirectoryError> {
    let name = valid_name(name)?;
    if tx.get(&BY_SLUG, slug).await?.is_some() {
        return Err(DirectoryError::SlugTaken(slug.clone()));
    }
    let id = OrgId::random(rng);
    let organization =
        Organization { id, slug: slug.clone(), name, kind, created: tx.now(), settings: OrgSettings::default() };
    tx.put(&BY_SLUG, slug, &id)?;
    tx.put(&ORGANIZATIONS, &id, &organization)?;
    Ok(organization)
}

/// The organization with this id, if it still is.
pub async fn by_id(tx: &Tx, id: OrgId) -> Result<Option<Organization>, StoreError> {
    tx.get(&ORGANIZATIONS, &id).await
}

/// The organization with this slug.
///
/// # Errors
/// [`DirectoryError::NoSuchOrganization`].
pub async fn by_slug(tx: &Tx, slug: &Slug) -> Result<Organization, DirectoryError> {
    let missing = || DirectoryError::NoSuchOrganization(slug.clone());
    let id = tx.get(&BY_SLUG, slug).await?.ok_or_else(missing)?;
    by_id(tx, id).await?.ok_or_else(missing)
}

/// The id of the organization that has this slug, or had it before it was deleted.
///
/// # Errors
/// [`DirectoryError::NoSuchOrganization`].
pub async fn once_by_slug(tx: &Tx, slug: &Slug) -> Result<OrgId, DirectoryError> {
    let id = tx.get(&BY_SLUG, slug).await?;
    id.ok_or_else(|| DirectoryError::NoSuchOrganization(slug.clone()))
}

/// Every slug there is or was, by organization.
pub async fn slugs(tx: &Tx) -> Result<BTreeMap<OrgId, Slug>, StoreError> {
    let (mut found, mut after): (_, Option<Slug>) = (BTreeMap::new(), None);
    loop {
        let page = tx.scan(&BY_SLUG, &(), after.as_ref(), PAGE).await?;
        let Some((last, _)) = page.last() else { return Ok(found) };
        after = Some(last.clone());
        found.extend(page.into_iter().map(|(slug, id)| (id, slug)));
    }
}

/// Writes a changed organization. Its id and slug must be those it was read with. Whoever changes its work domains takes
/// it [off their lists](discovery::unlist) before.
pub fn save(tx: &Tx, organization: &Organization) -> Result<(), StoreError> {
    discovery::list(tx, organization)?;
    tx.put(&ORGANIZATIONS, &organization.id, organization)
}

/// All organizations behind `after`, in the order of their ids, at most [`PAGE`].
pub async fn list(tx: &Tx, after: Option<OrgId>) -> Result<Vec<Organization>, StoreError> {
    let rows = tx.scan(&ORGANIZATIONS, &(), after.as_ref(), PAGE).await?;
    Ok(rows.into_iter().map(|(_, organization)| organization).collect())
}

/// Removes an organization with its links, single sign-on, claims, teams and memberships; its slug stays used (D3, R41).
/// Accounts stay: they may belong to others. The groups of an Admin organization let go of the linked ones, as they would
/// if each left (D16). Sessions in it, and those that its connection made, end in the same commit.
///
/// # Errors
/// [`DirectoryError::Store`].
pub async fn delete(tx: &Tx, rng: &dyn Rng, organization: &Organization) -> Result<(), DirectoryError> {
    super::provisioning::mapping::disconnect_all(tx, rng, organization.id).await?;
    revocation::revoke(tx, Scope::Organization(organization.id))?;
    revocation::revoke(tx, Scope::Connection(organization.id))?;
    super::link::remove_all(tx, organization).await?;
    super::sso::remove(tx, organization.id).await?;
    super::claim::remove_all(tx, organization.id).await?;
    super::team::remove_all(tx, organization.id).await?;
    super::member::remove_all(tx, organization.id).await?;
    super::provisioning::remove_all(tx, organization).await?;
    super::provisioning_log::remove_all(tx, organization.id).await?;
    discovery::unlist(tx, organization);
    tx.delete(&ORGANIZATIONS, &organization.id);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_take_what_they_mean_and_say_what_they_want() {
        let mut organization = Organization {
            id: OrgId::from_bytes([1; 16]),
            slug: "acme".parse().unwrap(),
            name: "Acme".to_owned(),
            kind: OrgKind::Customer,
            created: Timestamp::EPOCH,
            settings: OrgSettings::default(),
        };
        organization.set("require_sso", "true").unwrap();
        organization.set("session_idle", "30m").unwrap();
        organization.set("two_factor", "always").unwrap();
        organization.set("grace_sign_ins", "0").unwrap();
        organization.set("trusted_browser_days", "30").unwrap();
        assert!(organization.settings.require_sso);
        assert_eq!(organization.settings.two_factor, TwoFactor::Always);
        assert_eq!(organization.settings.grace_sign_ins, Some(0));
        assert_eq!(organization.settings.trusted_browser_days, Some(30));
        organization.set("trusted_browser_days", "off").unwrap();
        assert_eq!(organization.settings.trusted_browser_days, None);
        assert_eq!(organization.settings.session_idle, Some(1800));
        for (key, value) in [
            ("session_idle", "0s"),
            ("session_idle", "31d"),
            ("session_idle", "1"),
            ("session_idle", ""),
            ("session_idle", "99999999999999999999d"),
            ("session_idle", "1é"),
            ("require_sso", "yes please"),
            ("name", " "),
            ("colour", "red"),
            ("two_factor", "on"),
            ("grace_sign_ins", "-1"),
            ("grace_sign_ins", "21"),
            ("trust_idp_mfa", "sometimes"),
            ("mfa_values", ""),
            ("trusted_browser_days", "0"),
            ("trusted_browser_days", "91"),
            ("idp_initiated", "perhaps"),
        ] {
            assert!(organization.set(key, value).is_err(), "{key}={value}");
        }
    }
}
