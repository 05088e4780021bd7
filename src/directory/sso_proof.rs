//! The proof that a connection works: a sign-in through it by an owner or admin, which `require_sso` asks for (D10).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::DirectoryError;
use super::organization::Organization;
use super::sso::SSO_SETTINGS;
use crate::kernel::{EmailAddress, OrgId, Timestamp};
use crate::store::{StoreError, Table, Tx};

/// The last such sign-in, by the organization of the connection.
pub(super) const PROOFS: Table<OrgId, Proof> = Table::new("sso_proofs");
/// How old it may be.
pub const GOOD_FOR: Duration = Duration::from_secs(3600);

/// A successful sign-in of somebody who runs the organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub email: EmailAddress,
    /// The entity ID of the identity provider.
    pub idp: String,
}

/// Notes that an owner or admin of `connection` signed in through it.
///
/// # Errors
/// [`StoreError`].
pub fn note(tx: &Tx, connection: OrgId, email: &EmailAddress, idp: &str) -> Result<(), StoreError> {
    let proof = Proof { at: tx.now(), email: email.clone(), idp: idp.to_owned() };
    // The end belongs to the hour: `at most an hour old`.
    let end = tx.now().plus(GOOD_FOR).plus(Duration::from_millis(1));
    tx.put_until(&PROOFS, &connection, &proof, end)
}

/// The proof that `organization`'s connection, as it is now, works.
///
/// # Errors
/// [`DirectoryError::Unproven`] if there is none.
pub async fn of(tx: &Tx, organization: &Organization) -> Result<Proof, DirectoryError> {
    let unproven = || DirectoryError::Unproven(organization.slug.clone());
    let proof = tx.get(&PROOFS, &organization.id).await?.ok_or_else(unproven)?;
    let settings = tx.get(&SSO_SETTINGS, &organization.id).await?.ok_or_else(unproven)?;
    // Whatever was changed since, the proof is not of that very connection.
    let same = settings.entity_id == proof.idp && settings.updated <= proof.at;
    same.then_some(proof).ok_or_else(unproven)
}
