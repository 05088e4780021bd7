//! Where what holds in an organization comes from: its own settings, or those of the Admin organization that it is linked
//! to (D12, D14).

use std::sync::Arc;

use super::Administration;
use super::api::{HeldFrom, HeldSetting, LinkShow, LinkStateView};
use super::link::view;
use super::organization::{days, span};
use crate::directory::authority::Act;
use crate::directory::two_factor::GRACE_SIGN_INS;
use crate::directory::{Effective, OrgSettings, effective, organization};
use crate::kernel::Fault;

/// An organization's link, if it has one, and where each of its settings comes from.
///
/// # Errors
/// «Forbidden»; no such organization; the store's.
pub async fn show(admin: Arc<Administration>, call: LinkShow) -> Result<LinkStateView, Fault> {
    let tx = admin.store.reader();
    let found = organization::by_slug(&tx, &call.slug).await?;
    admin.permit(&tx, Act::Manage(found.id), None).await?;
    let held = effective::of_organization(&tx, found).await?;
    let settings = settings(&held);
    let (link, admin_name) = match &held.link {
        Some((link, above)) => (Some(view(&tx, above, &held.organization, link).await?), Some(above.name.clone())),
        None => (None, None),
    };
    Ok(LinkStateView { link, admin_name, settings })
}

/// Each setting as it holds, and where it comes from.
fn settings(held: &Effective) -> Vec<HeldSetting> {
    let rules = &held.rules;
    let own = &held.organization.settings;
    let above = held.link.as_ref().map(|(_, above)| &above.settings);
    let shared = if above.is_some() { HeldFrom::Admin } else { HeldFrom::Own };
    let limit = |limit: Option<u64>| limit.map_or_else(|| "as the site has it".to_owned(), span);
    let onoff = |on: bool| if on { "on" } else { "off" }.to_owned();
    let shorter = |of: fn(&OrgSettings) -> Option<u64>| {
        stricter(above, |theirs| of(theirs).is_some_and(|theirs| of(own).is_none_or(|own| theirs < own)))
    };
    [
        ("Single sign-on only", onoff(rules.require_sso), shared),
        ("The identity provider's second factor counts", onoff(rules.trust_idp_mfa), shared),
        ("Sign-ins that begin at the identity provider", onoff(rules.idp_initiated), shared),
        (
            "Second factor",
            rules.two_factor.as_str().to_owned(),
            stricter(above, |theirs| theirs.two_factor > own.two_factor),
        ),
        (
            "Sign-ins left without a second factor",
            own.grace_sign_ins.unwrap_or(GRACE_SIGN_INS).to_string(),
            HeldFrom::Own,
        ),
        ("Days for which a browser is trusted", days(rules.trusted_browser_days), HeldFrom::Own),
        ("A session ends without use", limit(rules.session_idle), shorter(|settings| settings.session_idle)),
        ("A session ends in any case", limit(rules.session_absolute), shorter(|settings| settings.session_absolute)),
        ("Whoever succeeds at the identity provider is added", onoff(rules.idp_managed_access), HeldFrom::Own),
    ]
    .map(|(name, value, from)| HeldSetting { name: name.to_owned(), value, from })
    .into()
}

/// Of what is the stricter of both: the Admin organization's, if that is it.
fn stricter(above: Option<&OrgSettings>, theirs: impl Fn(&OrgSettings) -> bool) -> HeldFrom {
    if above.is_some_and(theirs) { HeldFrom::Admin } else { HeldFrom::Own }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::{Link, OrgKind, Organization, Rules, TwoFactor};
    use crate::kernel::{OrgId, Timestamp};

    fn held(own: OrgSettings, above: Option<OrgSettings>) -> Vec<HeldSetting> {
        let rules = Rules::of(&own, above.as_ref());
        let make = |number: u8, kind, settings| Organization {
            id: OrgId::from_bytes([number; 16]),
            slug: "acme".parse().unwrap(),
            name: "Acme".to_owned(),
            kind,
            created: Timestamp::EPOCH,
            settings,
        };
        let link = above.map(|settings| {
            let admin = make(2, OrgKind::Admin, settings);
            (Link { admin: admin.id, since: Timestamp::EPOCH, window_ends: Timestamp::EPOCH }, admin)
        });
        settings(&Effective { organization: make(1, OrgKind::Customer, own), link, rules })
    }

    #[test]
    fn d12_each_setting_says_from_where_it_is() {
        let check = |own: OrgSettings, above: Option<OrgSettings>, number: usize, expected: (&str, HeldFrom)| {
            let found = held(own, above).swap_remove(number);
            assert_eq!((found.value.as_str(), found.from), expected, "{}", found.name);
        };
        let required = || OrgSettings { require_sso: true, idp_managed_access: true, ..OrgSettings::default() };
        let none = OrgSettings::default;
        check(required(), None, 0, ("on", HeldFrom::Own));
        check(required(), Some(none()), 0, ("off", HeldFrom::Admin));
        check(none(), Some(required()), 8, ("off", HeldFrom::Own));
        let strict = || OrgSettings { two_factor: TwoFactor::Always, session_idle: Some(600), ..none() };
        let mild = || OrgSettings { two_factor: TwoFactor::Password, session_idle: Some(1200), ..none() };
        check(mild(), Some(strict()), 3, ("always", HeldFrom::Admin));
        check(strict(), Some(mild()), 3, ("always", HeldFrom::Own));
        check(strict(), Some(strict()), 3, ("always", HeldFrom::Own));
        check(mild(), Some(strict()), 6, ("10m", HeldFrom::Admin));
        check(strict(), Some(mild()), 6, ("10m", HeldFrom::Own));
        check(none(), Some(mild()), 6, ("20m", HeldFrom::Admin));
        check(none(), Some(none()), 7, ("as the site has it", HeldFrom::Own));
    }
}
