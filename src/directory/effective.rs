//! What holds for an address: the organization that its domain leads to, and the rules of an organization, its own or
//! its Admin organization's (D8, D9, D12, D14).
//!
//! [`of_domain`] answers the e-mail question, [`of_organization`] is the same for an organization named by its slug.
//! Both read a handful of records by key; neither looks at any person.

use super::claim::{self, VERIFIED};
use super::link::{self, Link};
use super::organization::{self, OrgKind, OrgSettings, Organization, TwoFactor};
use super::sso::{self, SSO_SETTINGS};
use super::two_factor::{self, GRACE_SIGN_INS};
use crate::kernel::{DomainName, OrgId, Timestamp};
use crate::store::{StoreError, Tx};

/// The rules that hold in an organization (D12).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "settings, each of which is on or off")]
pub struct Rules {
    /// People of the verified domains sign in by single sign-on only. The Admin organization's, if linked.
    pub require_sso: bool,
    /// Whoever of the verified domains succeeds at the identity provider is added. Always the organization's own.
    pub idp_managed_access: bool,
    /// A second factor shown at the identity provider counts. The Admin organization's, if linked.
    pub trust_idp_mfa: bool,
    /// Answers that nobody asked for are taken. The Admin organization's, if linked.
    pub idp_initiated: bool,
    /// When a second factor is asked for: the stricter of both.
    pub two_factor: TwoFactor,
    /// How many sign-ins are left to whoever has none: the organization's own.
    pub grace_sign_ins: u32,
    /// For how many days a browser may be trusted: the organization's own.
    pub trusted_browser_days: Option<u32>,
    /// The idle limit of sessions, in seconds: the shorter of both.
    pub session_idle: Option<u64>,
    /// The absolute limit of sessions, in seconds: the shorter of both.
    pub session_absolute: Option<u64>,
}

impl Rules {
    /// From an organization's own settings, and its Admin organization's if it is linked.
    pub fn of(own: &OrgSettings, admin: Option<&OrgSettings>) -> Rules {
        let shared = admin.unwrap_or(own);
        let shorter = |own: Option<u64>, other: Option<u64>| own.into_iter().chain(other).min();
        Rules {
            require_sso: shared.require_sso,
            idp_managed_access: own.idp_managed_access,
            trust_idp_mfa: shared.trust_idp_mfa,
            idp_initiated: shared.idp_initiated,
            two_factor: own.two_factor.max(shared.two_factor),
            grace_sign_ins: own.grace_sign_ins.unwrap_or(GRACE_SIGN_INS),
            trusted_browser_days: own.trusted_browser_days,
            session_idle: shorter(own.session_idle, shared.session_idle),
            session_absolute: shorter(own.session_absolute, shared.session_absolute),
        }
    }
}

/// An organization with what holds in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effective {
    /// The organization itself.
    pub organization: Organization,
    /// Its link and its Admin organization, if it is linked.
    pub link: Option<(Link, Organization)>,
    /// What holds in it.
    pub rules: Rules,
}

impl Effective {
    /// The organization whose connection its people sign in by, domains that it still holds in the window aside.
    pub fn connection(&self) -> &Organization {
        self.link.as_ref().map_or(&self.organization, |(_, admin)| admin)
    }

    /// Whether what the identity provider of `by` said of an authentication counts here as a second factor: only that
    /// of the organization itself, or of its Admin organization, and only where that is trusted (D12).
    pub fn proves_second_factor(&self, by: OrgId, said: &[String]) -> bool {
        let accepted = &self.connection().settings.mfa_values;
        self.trusts_second_factor(by) && two_factor::proves(said, accepted)
    }

    /// Whether a second factor at the identity provider of `by` counts here.
    pub fn trusts_second_factor(&self, by: OrgId) -> bool {
        self.rules.trust_idp_mfa && (by == self.organization.id || by == self.connection().id)
    }

    /// The organization whose own connection and claims count at `now`: everywhere but under a link whose window is over.
    pub fn own_counts(&self, now: Timestamp) -> bool {
        self.link.as_ref().is_none_or(|(link, _)| link.in_window(now))
    }
}

/// An organization with what holds in it.
///
/// # Errors
/// [`StoreError`].
pub async fn of_organization(tx: &Tx, organization: Organization) -> Result<Effective, StoreError> {
    let link = if organization.kind == OrgKind::Customer { link::find(tx, organization.id).await? } else { None };
    let link = match link {
        Some(link) => organization::by_id(tx, link.admin).await?.map(|admin| (link, admin)),
        None => None,
    };
    let rules = Rules::of(&organization.settings, link.as_ref().map(|(_, admin)| &admin.settings));
    Ok(Effective { organization, link, rules })
}

/// The organization that the addresses of `domain` lead to: its connection is the one that counts for them. `None`:
/// nobody has verified the domain, or the claim rests under a link whose window is over (D14).
///
/// # Errors
/// [`StoreError`].
pub async fn of_domain(tx: &Tx, domain: &DomainName) -> Result<Option<Effective>, StoreError> {
    let Some(holder) = claim::holder(tx, domain).await? else { return Ok(None) };
    let effective = of_organization(tx, holder).await?;
    Ok(effective.own_counts(tx.now()).then_some(effective))
}

/// Whether `organization` holds `domain`, whatever rests.
///
/// # Errors
/// [`StoreError`].
pub async fn holds(tx: &Tx, organization: OrgId, domain: &DomainName) -> Result<bool, StoreError> {
    Ok(tx.get(&VERIFIED, domain).await? == Some(organization))
}

/// How the e-mail question is answered, the same for every address of a domain (D9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// On to the identity provider.
    SingleSignOn,
    /// A page that offers single sign-on and a password.
    Either,
    /// A password, or a magic link.
    Password,
    /// No organization: sign-up where that is of use, else a page that says so.
    NoOrganization,
}

/// D9, pure: `sso`: single sign-on is set up and can be used.
pub const fn answer_by(require_sso: bool, idp_managed_access: bool, sso: bool) -> Answer {
    match (require_sso, idp_managed_access, sso) {
        // Required, even if it can't be used just now: nothing else opens in its stead.
        (true, ..) | (false, true, true) => Answer::SingleSignOn,
        (false, false, true) => Answer::Either,
        (false, _, false) => Answer::Password,
    }
}

/// How the e-mail question is answered for a domain, given what [`of_domain`] said of it.
///
/// # Errors
/// [`StoreError`].
pub async fn answer(tx: &Tx, effective: Option<&Effective>) -> Result<Answer, StoreError> {
    let Some(Effective { organization, rules, .. }) = effective else { return Ok(Answer::NoOrganization) };
    let mut managed = rules.idp_managed_access;
    if !rules.require_sso && !managed && organization.kind == OrgKind::Admin {
        // Its people are added by the organizations linked to it, each by its own setting (D13).
        managed = link::linked_to(tx, organization.id).await?.iter().any(|linked| linked.settings.idp_managed_access);
    }
    Ok(answer_by(rules.require_sso, managed, has_sso(tx, organization.id).await?))
}

/// Whether the organization's own connection is set up and has a certificate.
///
/// # Errors
/// [`StoreError`].
pub async fn has_sso(tx: &Tx, organization: OrgId) -> Result<bool, StoreError> {
    Ok(tx.get(&SSO_SETTINGS, &organization).await?.is_some() && !sso::certificates(tx, organization).await?.is_empty())
}

/// The organization whose connection `/.vestibule/sso/{slug}` uses (D13, D14): the Admin organization's, if linked; but
/// its own, as long as it holds domains of its own within the window, since these lead there.
///
/// # Errors
/// [`StoreError`].
pub async fn connection_of(tx: &Tx, effective: &Effective) -> Result<Organization, StoreError> {
    let own = &effective.organization;
    if effective.link.is_some() && effective.own_counts(tx.now()) && has_sso(tx, own.id).await? {
        let held = claim::list(tx, own.id).await?;
        if held.iter().any(|claim| claim.state.holds()) {
            return Ok(own.clone());
        }
    }
    Ok(effective.connection().clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d12_what_is_the_admins_and_what_each_ones_own() {
        let own = OrgSettings {
            require_sso: true,
            idp_managed_access: true,
            two_factor: TwoFactor::Always,
            grace_sign_ins: Some(0),
            session_idle: Some(600),
            ..OrgSettings::default()
        };
        let admin = OrgSettings {
            trust_idp_mfa: true,
            idp_initiated: true,
            two_factor: TwoFactor::Password,
            trusted_browser_days: Some(30),
            session_idle: Some(1200),
            session_absolute: Some(3600),
            ..OrgSettings::default()
        };
        let alone = Rules::of(&own, None);
        assert!(alone.require_sso && alone.idp_managed_access && !alone.trust_idp_mfa);
        assert_eq!((alone.session_idle, alone.session_absolute), (Some(600), None));
        let linked = Rules::of(&own, Some(&admin));
        let expected = Rules {
            require_sso: false,
            idp_managed_access: true,
            trust_idp_mfa: true,
            idp_initiated: true,
            two_factor: TwoFactor::Always,
            grace_sign_ins: 0,
            trusted_browser_days: None,
            session_idle: Some(600),
            session_absolute: Some(3600),
        };
        assert_eq!(linked, expected);
        let other = Rules::of(&OrgSettings::default(), Some(&OrgSettings { two_factor: TwoFactor::Password, ..own }));
        assert!(other.require_sso && !other.idp_managed_access, "JIT is never the Admin's");
        assert_eq!((other.two_factor, other.grace_sign_ins), (TwoFactor::Password, 1));
    }

    #[test]
    fn d9_the_answer_is_by_the_domain_alone() {
        let check = |require_sso, managed, sso, expected| assert_eq!(answer_by(require_sso, managed, sso), expected);
        check(true, false, true, Answer::SingleSignOn);
        check(true, true, true, Answer::SingleSignOn);
        check(false, true, true, Answer::SingleSignOn);
        check(false, false, true, Answer::Either);
        check(false, false, false, Answer::Password);
        check(false, true, false, Answer::Password);
        // Never a password in place of what is required.
        check(true, false, false, Answer::SingleSignOn);
        check(true, true, false, Answer::SingleSignOn);
    }
}
