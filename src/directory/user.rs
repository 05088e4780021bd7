//! Accounts: one for each e-mail address, found by their SSO link once it is made (D4, R40).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::error::DirectoryError;
use super::member_index;
use crate::kernel::{DomainName, EmailAddress, OrgId, Rng, Timestamp, UserId};
use crate::store::{StoreError, Table, Tx};

/// Accounts by id.
pub const USERS: Table<UserId, User> = Table::new("users");
/// Which account has an address.
pub(super) const BY_EMAIL: Table<EmailAddress, UserId> = Table::new("user_by_email");
/// The accounts of each domain.
pub(super) const BY_DOMAIN: Table<(DomainName, UserId), ()> = Table::new("user_by_domain");
/// Which account an IdP's stable NameID means: (organization of the connection, IdP's entity ID, NameID).
pub(super) const SSO_LINKS: Table<(OrgId, String, String), UserId> = Table::new("sso_links");

/// How many accounts one page of a listing holds at most.
pub const PAGE: usize = 500;
/// The longest given or family name, in characters; longer ones are cut.
pub const PERSON_NAME_LIMIT: usize = 100;

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The stable opaque id: what the app knows the person by.
    pub id: UserId,
    /// The address: an attribute, which the IdP may change within its organization's domains (R40).
    pub email: EmailAddress,
    /// The given name, if known.
    pub first_name: Option<String>,
    /// The family name, if known.
    pub last_name: Option<String>,
    /// A deactivated account has no session and gets none.
    pub active: bool,
    /// When it was made.
    pub created: Timestamp,
}

impl User {
    /// The name for people: given and family name, else the address.
    pub fn display_name(&self) -> String {
        match (&self.first_name, &self.last_name) {
            (Some(first), Some(last)) => format!("{first} {last}"),
            (Some(one), None) | (None, Some(one)) => one.clone(),
            (None, None) => self.email.to_string(),
        }
    }
}

/// The account with this id.
pub async fn by_id(tx: &Tx, id: UserId) -> Result<Option<User>, StoreError> {
    tx.get(&USERS, &id).await
}

/// The account with this address, if there is one.
pub async fn find_by_email(tx: &Tx, email: &EmailAddress) -> Result<Option<User>, StoreError> {
    match tx.get(&BY_EMAIL, email).await? {
        Some(id) => by_id(tx, id).await,
        None => Ok(None),
    }
}

/// The account with this address.
///
/// # Errors
/// [`DirectoryError::NoSuchUser`].
pub async fn by_email(tx: &Tx, email: &EmailAddress) -> Result<User, DirectoryError> {
    find_by_email(tx, email).await?.ok_or_else(|| DirectoryError::NoSuchUser(email.clone()))
}

/// The account that the link (organization, IdP, NameID) means, if it was made.
pub async fn find_by_link(tx: &Tx, organization: OrgId, idp: &str, name_id: &str) -> Result<Option<User>, StoreError> {
    match tx.get(&SSO_LINKS, &(organization, idp.to_owned(), name_id.to_owned())).await? {
        Some(id) => by_id(tx, id).await,
        None => Ok(None),
    }
}

/// The accounts whose address is of exactly this domain, behind `after`, at most [`PAGE`].
pub async fn of_domain(tx: &Tx, domain: &DomainName, after: Option<UserId>) -> Result<Vec<UserId>, StoreError> {
    let after = after.map(|user| (domain.clone(), user));
    let rows = tx.scan(&BY_DOMAIN, domain, after.as_ref(), PAGE).await?;
    Ok(rows.into_iter().map(|((_, user), ())| user).collect())
}

/// Whether any account has an address of exactly this domain.
pub async fn any_of_domain(tx: &Tx, domain: &DomainName) -> Result<bool, StoreError> {
    Ok(!tx.scan(&BY_DOMAIN, domain, None, 1).await?.is_empty())
}

/// Drops the links of an organization's identity provider to these accounts; gives how many there were.
pub async fn unlink(tx: &Tx, organization: OrgId, users: &BTreeSet<UserId>) -> Result<usize, StoreError> {
    let (mut dropped, mut after) = (0, None);
    loop {
        let page = tx.scan(&SSO_LINKS, &organization, after.as_ref(), PAGE).await?;
        for (key, user) in &page {
            if users.contains(user) {
                tx.delete(&SSO_LINKS, key);
                dropped += 1;
            }
        }
        match page.last() {
            Some((key, _)) if page.len() == PAGE => after = Some(key.clone()),
            _ => return Ok(dropped),
        }
    }
}

/// Makes the link (organization, IdP, NameID) mean `user` from now on.
pub fn link(tx: &Tx, organization: OrgId, idp: &str, name_id: &str, user: UserId) -> Result<(), StoreError> {
    tx.put(&SSO_LINKS, &(organization, idp.to_owned(), name_id.to_owned()), &user)
}

/// Makes an account; the caller has looked that there is none of that address.
pub fn create(tx: &Tx, rng: &dyn Rng, email: &EmailAddress) -> Result<User, StoreError> {
    let id = UserId::random(rng);
    let user = User { id, email: email.clone(), first_name: None, last_name: None, active: true, created: tx.now() };
    tx.put(&BY_EMAIL, email, &id)?;
    tx.put(&BY_DOMAIN, &(email.domain(), id), &())?;
    tx.put(&USERS, &id, &user)?;
    Ok(user)
}

/// Writes a changed account, moving what leads to it if its address or name changed.
/// The caller has looked that the new address is free.
pub async fn save(tx: &Tx, user: &User) -> Result<(), StoreError> {
    if let Some(before) = by_id(tx, user.id).await? {
        if user.email != before.email {
            tx.delete(&BY_EMAIL, &before.email);
            tx.put(&BY_EMAIL, &user.email, &user.id)?;
            tx.delete(&BY_DOMAIN, &(before.email.domain(), user.id));
            tx.put(&BY_DOMAIN, &(user.email.domain(), user.id), &())?;
        }
        member_index::moved(tx, &before, user).await?;
    }
    tx.put(&USERS, &user.id, user)
}

/// A person's name as an IdP sent it: trimmed, without control characters, cut at [`PERSON_NAME_LIMIT`].
pub fn tidy_name(text: &str) -> Option<String> {
    let tidy: String = text.trim().chars().filter(|c| !c.is_control()).take(PERSON_NAME_LIMIT).collect();
    (!tidy.is_empty()).then_some(tidy)
}

/// Switches an account on or off. Off ends its sessions within a second, by way of the change feed.
///
/// # Errors
/// [`DirectoryError::NoSuchUser`].
pub async fn set_active(tx: &Tx, email: &EmailAddress, active: bool) -> Result<User, DirectoryError> {
    let mut user = by_email(tx, email).await?;
    if user.active != active {
        user.active = active;
        save(tx, &user).await?;
    }
    Ok(user)
}
