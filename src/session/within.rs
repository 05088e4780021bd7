//! Whether a session is one in which an organization's rules are met: who runs it does so in such a session alone (D6).

use std::time::Duration;

use super::records::SessionRecord;
use crate::directory::{OrgKind, Organization, TwoFactor, effective, link};
use crate::store::{StoreError, Tx};

/// Whether a session is one in which an organization's rules are met: it is in that organization; or, of an Admin
/// organization, which nobody is ever in (D13), in one that is linked to it, by its own connection, or of somebody whom
/// its rules let in without, and with a second factor if it asks for one.
///
/// # Errors
/// [`StoreError`].
pub async fn is_within(tx: &Tx, record: &SessionRecord, organization: &Organization) -> Result<bool, StoreError> {
    if organization.kind == OrgKind::Customer {
        return Ok(record.organization == Some(organization.id));
    }
    let linked = match record.organization {
        Some(id) => link::find(tx, id).await?.is_some_and(|link| link.admin == organization.id),
        None => false,
    };
    let own = record.connection == Some(organization.id);
    let rules = effective::of_organization(tx, organization.clone()).await?.rules;
    let first = linked || own || !rules.require_sso;
    let second = match rules.two_factor {
        TwoFactor::Off => true,
        TwoFactor::Password => record.connection.is_some() || record.second_factor.is_some(),
        TwoFactor::Always => record.second_factor.is_some(),
    };
    let recent =
        rules.session_absolute.is_none_or(|limit| tx.now() < record.signed_in().plus(Duration::from_secs(limit)));
    Ok(first && second && recent)
}
