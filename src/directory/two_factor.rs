//! When a second factor is asked for, and what of it: one pure decision for every way to a session (D10, D12, D24), and
//! the sign-ins that are left to somebody who has none yet.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::DirectoryError;
use super::organization::TwoFactor;
use crate::kernel::{OrgId, Timestamp, UserId};
use crate::store::{StoreError, Table, TableChecker, Tx, checker};

/// Sign-ins without a second factor since it is asked for, by membership (D24).
const GRACE: Table<(OrgId, UserId), Grace> = Table::new("second_factor_grace");

/// How many sign-ins are left to somebody without a second factor, unless the organization says otherwise (D1).
pub const GRACE_SIGN_INS: u32 = 1;
/// The most that an organization can leave.
pub const GRACE_LIMIT: u32 = 20;
/// The most days that a browser can be trusted.
pub const TRUSTED_DAYS_LIMIT: u32 = 90;
/// The most values of `mfa_values`.
pub const VALUES_LIMIT: usize = 20;
/// How many words of an identity provider on how it authenticated somebody are kept.
pub const METHODS_LIMIT: usize = 20;
/// The longest of them, in bytes.
pub const VALUE_LIMIT: usize = 200;

/// What an identity provider says that proves a second factor there, unless an organization has a list of its own: as
/// an authentication context class, or among the values of [`METHODS_CLAIMS`].
pub const MFA_VALUES: [&str; 6] = [
    "http://schemas.microsoft.com/claims/multipleauthn",
    "https://refeds.org/profile/mfa",
    "urn:oasis:names:tc:SAML:2.0:ac:classes:TimeSyncToken",
    "urn:oasis:names:tc:SAML:2.0:ac:classes:SmartcardPKI",
    "urn:oasis:names:tc:SAML:2.0:ac:classes:Smartcard",
    "urn:oasis:names:tc:SAML:2.0:ac:classes:MobileTwoFactorContract",
];
/// The attributes whose values say how somebody was authenticated (Entra, AD FS).
pub const METHODS_CLAIMS: [&str; 1] = ["http://schemas.microsoft.com/claims/authnmethodsreferences"];

/// The first factor, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FirstFactor {
    /// Single sign-on. `proved`: the identity provider says that there was a second factor, and its word counts here.
    Sso {
        /// It does.
        proved: bool,
    },
    /// A password.
    Password,
    /// A password where single sign-on is required (D10).
    BreakGlass,
    /// A link sent to the address.
    MagicLink,
    /// The operator's one-time link.
    Operator,
}

/// All that the decision looks at.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// What holds in the organization that is entered; [`TwoFactor::Off`] if none is.
    pub policy: TwoFactor,
    /// How they signed in.
    pub first: FirstFactor,
    /// A second factor was shown here already, in the session that goes on.
    pub shown: bool,
    /// They have set one up.
    pub has_factor: bool,
    /// Their browser is trusted, and the organization lets it be.
    pub trusted_browser: bool,
    /// How many sign-ins without one are left to them.
    pub grace_left: u32,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Nothing.
    Nothing,
    /// Their second factor.
    Challenge,
    /// To set one up, before anything else.
    SetUp,
    /// To set one up, or not yet.
    OfferSetUp,
}

/// Decides.
pub const fn decide(case: &Case) -> Asked {
    let local = matches!(case.first, FirstFactor::Password | FirstFactor::BreakGlass | FirstFactor::MagicLink);
    let proved = matches!(case.first, FirstFactor::Operator | FirstFactor::Sso { proved: true });
    let policy = match case.policy {
        TwoFactor::Off => false,
        TwoFactor::Password => local,
        TwoFactor::Always => !proved,
    };
    // Whoever has set one up is asked by their own choice, too, wherever no identity provider speaks for them.
    let wanted = policy || (local && case.has_factor);
    if case.shown || !wanted {
        return Asked::Nothing;
    }
    match (case.has_factor, case.trusted_browser) {
        // In an emergency nothing is taken on trust, nor put off (D10).
        (true, true) if !matches!(case.first, FirstFactor::BreakGlass) => Asked::Nothing,
        (true, _) => Asked::Challenge,
        (false, _) if case.grace_left > 0 && !matches!(case.first, FirstFactor::BreakGlass) => Asked::OfferSetUp,
        (false, _) => Asked::SetUp,
    }
}

/// So many days.
pub fn days(days: u32) -> Duration {
    Duration::from_secs(24 * 3600) * days
}

/// What an identity provider says of how it authenticated somebody: its context classes, and of its attributes the values
/// of [`METHODS_CLAIMS`]; the first [`METHODS_LIMIT`].
pub fn methods<'c>(contexts: &[String], attributes: impl IntoIterator<Item = (&'c str, &'c [String])>) -> Vec<String> {
    let claims = attributes.into_iter().filter(|(name, _)| METHODS_CLAIMS.contains(name));
    let said = contexts.iter().chain(claims.flat_map(|(_, values)| values)).map(|value| value.trim());
    said.filter(|value| value.len() <= VALUE_LIMIT).take(METHODS_LIMIT).map(str::to_owned).collect()
}

/// Whether what an identity provider said of an authentication proves a second factor. `accepted`: the organization's own
/// list; empty: [`MFA_VALUES`].
pub fn proves(said: &[String], accepted: &[String]) -> bool {
    said.iter().any(|said| {
        if accepted.is_empty() {
            MFA_VALUES.contains(&said.as_str())
        } else {
            accepted.iter().any(|value| value == said)
        }
    })
}

/// Reads `mfa_values`: `default`, or values with commas between.
///
/// # Errors
/// [`DirectoryError::InvalidSetting`].
pub fn mfa_values(text: &str) -> Result<Vec<String>, DirectoryError> {
    if text == "default" {
        return Ok(Vec::new());
    }
    let values: Vec<String> = text.split(',').map(|value| value.trim().to_owned()).collect();
    let plain =
        |value: &String| !value.is_empty() && value.len() <= VALUE_LIMIT && value.chars().all(|c| c.is_ascii_graphic());
    if values.len() > VALUES_LIMIT || !values.iter().all(plain) {
        let wanted = format!(
            "mfa_values is «default», or 1 to {VALUES_LIMIT} values with commas between, such as \
             https://refeds.org/profile/mfa, each of at most {VALUE_LIMIT} visible ASCII characters"
        );
        return Err(DirectoryError::InvalidSetting(wanted));
    }
    Ok(values)
}

/// The sign-ins of a membership without a second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Grace {
    /// Since when they are counted.
    since: Timestamp,
    /// How many there were.
    used: u32,
}

/// How many sign-ins are left to a membership, of `granted`.
///
/// # Errors
/// [`StoreError`].
pub async fn grace_left(tx: &Tx, organization: OrgId, user: UserId, granted: u32) -> Result<u32, StoreError> {
    let used = tx.get(&GRACE, &(organization, user)).await?.map_or(0, |grace| grace.used);
    Ok(granted.saturating_sub(used))
}

/// Counts a sign-in without a second factor, where one is asked for.
///
/// # Errors
/// [`StoreError`].
pub async fn use_grace(tx: &Tx, organization: OrgId, user: UserId) -> Result<(), StoreError> {
    let key = (organization, user);
    let grace = tx.get(&GRACE, &key).await?.unwrap_or(Grace { since: tx.now(), used: 0 });
    tx.put(&GRACE, &key, &Grace { used: grace.used.saturating_add(1), ..grace })
}

/// Forgets what was counted: nothing is asked for at this sign-in, or a second factor is there.
///
/// # Errors
/// [`StoreError`].
pub async fn forget_grace(tx: &Tx, organization: OrgId, user: UserId) -> Result<(), StoreError> {
    let key = (organization, user);
    if tx.get(&GRACE, &key).await?.is_some() {
        tx.delete(&GRACE, &key);
    }
    Ok(())
}

/// What is promised of the counts: each is of an account.
pub(super) fn checkers() -> Vec<TableChecker> {
    vec![checker(&GRACE, async |tx: Tx, (_, id), _: Grace| {
        let there = super::user::by_id(&tx, id).await?.is_some();
        Ok((!there).then(|| "sign-ins are counted of an account that is not there".to_owned()))
    })]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of one policy: what each first factor leads to for somebody who has a second one, and for somebody who has none.
    #[test]
    fn what_is_asked_for() {
        use Asked::{Challenge, Nothing, OfferSetUp, SetUp};
        use FirstFactor::{BreakGlass, MagicLink, Operator, Password, Sso};
        let check = |policy, first, [has, none, none_left]: [Asked; 3]| {
            let case = |has_factor, grace_left| {
                let (shown, trusted_browser) = (false, false);
                decide(&Case { policy, first, shown, has_factor, trusted_browser, grace_left })
            };
            assert_eq!([case(true, 0), case(false, 1), case(false, 0)], [has, none, none_left], "{policy:?} {first:?}");
            assert_eq!(case(true, 1), has, "grace is for those who have none");
        };
        let (by_sso, proved) = (Sso { proved: false }, Sso { proved: true });
        for policy in [TwoFactor::Off, TwoFactor::Password, TwoFactor::Always] {
            check(policy, Operator, [Nothing; 3]);
            check(policy, proved, [Nothing; 3]);
        }
        for (local, none_yet) in [(Password, OfferSetUp), (BreakGlass, SetUp), (MagicLink, OfferSetUp)] {
            check(TwoFactor::Off, local, [Challenge, Nothing, Nothing]);
            check(TwoFactor::Password, local, [Challenge, none_yet, SetUp]);
            check(TwoFactor::Always, local, [Challenge, none_yet, SetUp]);
        }
        check(TwoFactor::Off, by_sso, [Nothing; 3]);
        check(TwoFactor::Password, by_sso, [Nothing; 3]);
        check(TwoFactor::Always, by_sso, [Challenge, OfferSetUp, SetUp]);
    }

    #[test]
    fn a_trusted_browser_counts_for_those_who_have_a_factor_and_not_in_an_emergency() {
        let check = |first, has_factor, expected| {
            let case = Case {
                policy: TwoFactor::Always,
                first,
                shown: false,
                has_factor,
                trusted_browser: true,
                grace_left: 0,
            };
            assert_eq!(decide(&case), expected, "{case:?}");
        };
        check(FirstFactor::Password, true, Asked::Nothing);
        check(FirstFactor::MagicLink, true, Asked::Nothing);
        check(FirstFactor::Sso { proved: false }, true, Asked::Nothing);
        check(FirstFactor::BreakGlass, true, Asked::Challenge);
        check(FirstFactor::Password, false, Asked::SetUp);
        check(FirstFactor::BreakGlass, false, Asked::SetUp);
    }

    #[test]
    fn a_factor_that_was_shown_is_not_asked_for_again() {
        for policy in [TwoFactor::Off, TwoFactor::Password, TwoFactor::Always] {
            for first in [FirstFactor::Password, FirstFactor::BreakGlass, FirstFactor::Sso { proved: false }] {
                for has_factor in [false, true] {
                    let case = Case { policy, first, shown: true, has_factor, trusted_browser: false, grace_left: 0 };
                    assert_eq!(decide(&case), Asked::Nothing, "{case:?}");
                }
            }
        }
    }

    #[test]
    fn which_words_of_an_identity_provider_prove_a_second_factor() {
        let check = |said: &[&str], accepted: &[&str], expected: bool| {
            let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
            assert_eq!(proves(&owned(said), &owned(accepted)), expected, "{said:?} {accepted:?}");
        };
        for value in MFA_VALUES {
            check(&[value], &[], true);
            check(&["urn:oasis:names:tc:SAML:2.0:ac:classes:Password", value], &[], true);
            check(&[value], &["urn:other"], false);
            check(&[&value.to_uppercase()], &[], false);
            check(&[&format!("{value} ")], &[], false);
        }
        check(&[], &[], false);
        check(&[""], &[], false);
        check(&["urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"], &[], false);
        check(&["urn:other"], &["urn:one", "urn:other"], true);
    }

    #[test]
    fn only_what_speaks_of_the_authentication_is_taken_for_that() {
        let claim = METHODS_CLAIMS[0];
        let (mfa, password) = ([MFA_VALUES[0].to_owned(), "  x ".to_owned()], ["urn:password".to_owned()]);
        let other = ("http://schemas.microsoft.com/identity/claims/displayname", &mfa[..]);
        assert_eq!(methods(&password, [other]), ["urn:password"]);
        assert_eq!(methods(&password, [other, (claim, &mfa[..])]), ["urn:password", MFA_VALUES[0], "x"]);
        let many = vec!["urn:a".to_owned(); 100];
        assert_eq!(methods(&many, [(claim, &mfa[..])]).len(), METHODS_LIMIT);
    }

    #[test]
    fn the_list_of_values_is_read_or_refused() {
        assert_eq!(mfa_values("default").unwrap(), Vec::<String>::new());
        assert_eq!(mfa_values("urn:a, urn:b").unwrap(), ["urn:a", "urn:b"]);
        let long = "x".repeat(VALUE_LIMIT + 1);
        let many = vec!["urn:a"; VALUES_LIMIT + 1].join(",");
        for wrong in ["", ",", "urn:a,", "urn: a", "urn:é", &long, &many] {
            assert!(mfa_values(wrong).is_err(), "{wrong}");
        }
    }
}
