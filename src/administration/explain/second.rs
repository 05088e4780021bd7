//! What a sign-in will ask for beside its first factor.

use crate::directory::two_factor::{self, Asked, Case, FirstFactor};
use crate::directory::{TwoFactor, User, effective, organization};
use crate::kernel::Slug;
use crate::second_factor::factors;
use crate::store::{StoreError, Tx};

/// In a sentence: what is asked of `account` after `first` at the organization `slug`, or at none.
pub async fn told(
    tx: &Tx,
    account: Option<&User>,
    slug: Option<&Slug>,
    first: FirstFactor,
) -> Result<String, StoreError> {
    let found = match slug {
        Some(slug) => organization::by_slug(tx, slug).await.ok(),
        None => None,
    };
    let entered = match found {
        Some(found) => Some(effective::of_organization(tx, found).await?),
        None => None,
    };
    let rules = entered.as_ref().map(|entered| entered.rules).unwrap_or_default();
    let mut grace_left = rules.grace_sign_ins;
    if let (Some(entered), Some(account)) = (&entered, account) {
        let id = entered.organization.id;
        grace_left = two_factor::grace_left(tx, id, account.id, rules.grace_sign_ins).await?;
    }
    let has_factor = match account {
        Some(account) => factors::of(tx, account.id).await?.any(),
        None => false,
    };
    let policy = rules.two_factor;
    let case = Case { policy, first, shown: false, has_factor, trusted_browser: false, grace_left };
    let by_sso = matches!(first, FirstFactor::Sso { .. });
    let told = match two_factor::decide(&case) {
        Asked::Nothing if policy == TwoFactor::Password && by_sso => {
            "none after single sign-on (two_factor is password)".to_owned()
        }
        Asked::Nothing => "none is asked for".to_owned(),
        Asked::Challenge => format!("theirs is asked for{}", because(policy)),
        Asked::OfferSetUp => {
            format!("none yet: they are asked to set one up, and can put it off at {grace_left} sign-ins")
        }
        Asked::SetUp => "none yet: they must set one up to get in".to_owned(),
    };
    let proves = by_sso && policy == TwoFactor::Always && rules.trust_idp_mfa;
    Ok(if proves { format!("{told}; unless the identity provider proves one") } else { told })
}

const fn because(policy: TwoFactor) -> &'static str {
    match policy {
        TwoFactor::Off => ", by their own choice",
        TwoFactor::Password | TwoFactor::Always => "",
    }
}
