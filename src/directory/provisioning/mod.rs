//! What provisioning keeps and may touch: tokens, people and groups as an identity provider sent them (SCIM.md).
//!
//! Whoever holds a [`ProvisioningScope`] has shown an organization's token, and reaches that organization's people
//! alone; nothing here gives or changes anything without one. The door that speaks SCIM composes these functions into one
//! transaction for each request.

pub mod check;
mod cursor_key;
mod domain_list;
pub mod error;
pub mod group;
pub mod group_members;
pub mod linked_group;
pub mod mapping;
mod ordered;
pub mod owners;
pub mod person;
pub mod person_change;
pub mod roster;
pub mod scope;
pub mod token;

pub use cursor_key::cursor_key;
pub use error::ProvisioningError;
pub use group::{Group, GroupMember};
pub use person::{Person, PersonRecord};
pub use person_change::PersonInput;
pub use roster::{RosterPage, Rosters};
pub use scope::ProvisioningScope;
pub use token::ScimToken;

use super::organization::Organization;
use crate::store::{StoreError, Tx};

/// Removes what is kept for an organization that ends.
pub(super) async fn remove_all(tx: &Tx, organization: &Organization) -> Result<(), StoreError> {
    token::revoke(tx, organization.id).await?;
    linked_group::remove_all(tx, organization.id).await?;
    person::remove_all(tx, organization.id).await
}
