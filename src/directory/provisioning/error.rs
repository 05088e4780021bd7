//! What provisioning refuses, and why: sentences that an administrator of the customer reads in their identity provider.

use crate::directory::DirectoryError;
use crate::kernel::DomainName;
use crate::store::StoreError;

/// A refusal. No text names another organization, but the Admin organization that a linked one stands under.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ProvisioningError {
    /// No token, or none that is good.
    #[error("the bearer token is missing, or not one of those in use: `vestibule scim-token issue` makes a new one")]
    NoToken,
    /// A linked organization's token rests (D15).
    #[error(
        "this organization is linked to the Admin organization «{0}»: provision its people and groups there, with that \
         organization's token"
    )]
    Resting(String),
    /// The domain is not a verified one of the token's organization (S4, G.e).
    #[error("the domain {0} is not verified for this organization: verify it first, or leave this person out")]
    ForeignDomain(DomainName),
    /// The address is one of this organization's people already (S18).
    #[error("a person with this userName is there already")]
    UserNameTaken,
    /// The address has an account that is no member here (S6, D19).
    #[error("this person has an account already that is not in this organization: invite this person first")]
    Outsider,
    /// A group of this name is there already (S8).
    #[error("a group with this displayName is there already")]
    GroupNameTaken,
    /// No such person or group, or none that this token reaches (S2).
    #[error("there is no such resource: {0}")]
    NoSuchResource(String),
    /// It would leave an organization without an owner (D18).
    #[error(
        "this person is the last owner of {0}: make somebody else an owner first (`vestibule user set {0} EMAIL --role \
         owner`)"
    )]
    LastOwner(String),
    /// A value can't be kept.
    #[error("{0}")]
    InvalidValue(String),
    /// What is to be kept is too much.
    #[error("this is more than can be kept: {0}")]
    TooLarge(String),
    /// More would have to be looked at than this server does for one request.
    #[error("{0}")]
    TooMany(String),
    /// The directory refused.
    #[error(transparent)]
    Directory(DirectoryError),
    /// The store failed.
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for ProvisioningError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::TooLarge { size, .. } => {
                ProvisioningError::TooLarge(format!("{size} bytes, at most 16384 are kept of one person or group"))
            }
            other => ProvisioningError::Store(other),
        }
    }
}

impl From<DirectoryError> for ProvisioningError {
    fn from(error: DirectoryError) -> Self {
        match error {
            DirectoryError::Store(error) => error.into(),
            DirectoryError::InvalidSetting(text) => ProvisioningError::InvalidValue(text),
            DirectoryError::TeamNameTaken(..) => ProvisioningError::GroupNameTaken,
            other => ProvisioningError::Directory(other),
        }
    }
}
