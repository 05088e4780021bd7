//! The proof that somebody showed an organization's token: the only way to what provisioning may see and touch (S2).

use super::error::ProvisioningError;
use super::token;
use crate::directory::audit::{self, AuditEntry};
use crate::directory::claim::VERIFIED;
use crate::directory::organization::{self, OrgKind, Organization};
use crate::directory::{link, member};
use crate::kernel::{DomainName, OrgId, Rng, UserId};
use crate::store::{StoreError, Tx};

/// An organization's provisioning, by its token. There is no way to make one but [`open`](Self::open).
#[derive(Clone, Debug)]
pub struct ProvisioningScope {
    organization: OrgId,
    kind: OrgKind,
    token: String,
    from: String,
}

impl ProvisioningScope {
    /// Opens the scope of whoever shows `bearer`, from the address `from`.
    ///
    /// # Errors
    /// [`ProvisioningError::NoToken`]; [`ProvisioningError::Resting`] for a linked organization (D15).
    pub async fn open(tx: &Tx, bearer: &str, from: &str) -> Result<Self, ProvisioningError> {
        let Some((id, token)) = token::owner(tx, bearer).await? else { return Err(ProvisioningError::NoToken) };
        let Some(found) = organization::by_id(tx, id).await? else { return Err(ProvisioningError::NoToken) };
        let scope = ProvisioningScope { organization: id, kind: found.kind, token: token.id, from: from.to_owned() };
        scope.check(tx).await?;
        Ok(scope)
    }

    /// Whether the token still counts for its organization, in a transaction that goes on with it.
    ///
    /// # Errors
    /// [`ProvisioningError::Resting`].
    pub async fn check(&self, tx: &Tx) -> Result<(), ProvisioningError> {
        let Some(link) = link::find(tx, self.organization).await? else { return Ok(()) };
        let admin = organization::by_id(tx, link.admin).await?;
        Err(ProvisioningError::Resting(admin.map_or_else(String::new, |admin| admin.name)))
    }

    /// The organization.
    pub const fn organization(&self) -> OrgId {
        self.organization
    }

    /// Whether it is an Admin organization, whose groups are memberships of linked ones.
    pub const fn is_admin(&self) -> bool {
        matches!(self.kind, OrgKind::Admin)
    }

    /// The organization's record.
    ///
    /// # Errors
    /// [`ProvisioningError::NoToken`] if it is gone.
    pub async fn record(&self, tx: &Tx) -> Result<Organization, ProvisioningError> {
        organization::by_id(tx, self.organization).await?.ok_or(ProvisioningError::NoToken)
    }

    /// Whether the domain is one of the organization's verified ones: exactly this domain (S4).
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn holds(&self, tx: &Tx, domain: &DomainName) -> Result<bool, StoreError> {
        Ok(tx.get(&VERIFIED, domain).await? == Some(self.organization))
    }

    /// Refuses a domain that is not the organization's.
    pub(super) async fn demand(&self, tx: &Tx, domain: DomainName) -> Result<(), ProvisioningError> {
        if self.holds(tx, &domain).await? { Ok(()) } else { Err(ProvisioningError::ForeignDomain(domain)) }
    }

    /// The organizations within reach that the account is a member of, awake.
    pub(super) async fn memberships(&self, tx: &Tx, account: UserId) -> Result<Vec<member::Member>, StoreError> {
        if !self.is_admin() {
            return Ok(member::find(tx, self.organization, account).await?.into_iter().collect());
        }
        awake_within(tx, self.organization, account).await
    }

    /// Notes a change in the chain of `organization`, in the transaction that makes it: by which token, how it was, how
    /// it is (S11).
    pub(super) fn audit(
        &self,
        tx: &Tx,
        rng: &dyn Rng,
        organization: OrgId,
        action: &str,
        object: impl std::fmt::Display,
        (before, after): (String, String),
    ) -> Result<(), StoreError> {
        let actor = format!("scim token {}", self.token);
        let entry = AuditEntry::new(tx, actor, action, object).changed(before, after).from(&self.from);
        audit::append(tx, rng, organization, &entry)
    }
}

/// Whether `organization` is an Admin organization itself, or linked to it.
async fn within(tx: &Tx, admin: OrgId, organization: OrgId) -> Result<bool, StoreError> {
    Ok(organization == admin || link::find(tx, organization).await?.is_some_and(|link| link.admin == admin))
}

/// The memberships of an account in an Admin organization and in those linked to it, awake.
pub(super) async fn awake_within(tx: &Tx, admin: OrgId, account: UserId) -> Result<Vec<member::Member>, StoreError> {
    let mut found = Vec::new();
    for organization in member::of_user(tx, account).await? {
        if within(tx, admin, organization).await? {
            found.extend(member::find(tx, organization, account).await?);
        }
    }
    Ok(found)
}
