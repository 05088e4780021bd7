//! People as provisioning sees them: the accounts of an organization's verified domains that are members within reach,
//! with what their identity provider sent (S5, D15, G.b).
//!
//! Whoever came another way has no record and is shown all the same. An id is the account's own, until provisioning
//! deletes the person: then the next life has another (S3).

use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::error::ProvisioningError;
use super::linked_group;
use super::scope::ProvisioningScope;
use crate::directory::user::{self, User};
use crate::directory::{member, team_member};
use crate::kernel::{EmailAddress, OrgId, Rng, TeamId, Timestamp, UserId};
use crate::store::{StoreError, Table, Tx};

/// What was sent of a person, by organization and account.
pub const RECORDS: Table<(OrgId, UserId), PersonRecord> = Table::new("scim_people");
/// The people with an external id, by its hash.
pub(in crate::directory) const BY_EXTERNAL_ID: Table<(OrgId, [u8; 32], UserId), ()> =
    Table::new("scim_person_by_external_id");
/// The account that an id means, where it is not the account's own.
pub(in crate::directory) const IDS: Table<(OrgId, UserId), UserId> = Table::new("scim_ids");
/// The id of an account, where it is not the account's own.
pub(in crate::directory) const ID_OF: Table<(OrgId, UserId), UserId> = Table::new("scim_id_of");

/// The longest external id, in bytes.
pub const EXTERNAL_ID_LIMIT: usize = 1000;
/// How many people with one external id are given at most: it is unique to nobody.
const SAME_EXTERNAL_ID: usize = 100;
/// How many rows one step of removing reads.
const PAGE: usize = 500;

/// What an identity provider sent of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonRecord {
    /// What it calls them; compared exactly (S3).
    #[serde(default)]
    pub external_id: Option<String>,
    /// All that it sent and may read back, as it was sent.
    pub attributes: Map<String, Value>,
    /// Since when.
    pub created: Timestamp,
    /// When provisioning last changed it.
    pub modified: Timestamp,
}

/// Somebody whom the token's organization may see and touch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The id in SCIM.
    pub id: UserId,
    /// The account.
    pub account: User,
    /// What was sent, if provisioning keeps them.
    pub record: Option<PersonRecord>,
    /// Since when they are a member within reach.
    pub since: Timestamp,
}

impl Person {
    /// When it was made, for `meta.created`.
    pub fn created(&self) -> Timestamp {
        self.record.as_ref().map_or(self.since, |record| record.created)
    }

    /// When provisioning last changed it, for `meta.lastModified`.
    pub fn modified(&self) -> Timestamp {
        self.record.as_ref().map_or(self.since, |record| record.modified)
    }
}

pub(super) fn external_key(external_id: &str) -> [u8; 32] {
    let mut key = [0; 32];
    key.copy_from_slice(digest(&SHA256, external_id.as_bytes()).as_ref());
    key
}

/// Whom provisioning keeps in an organization, with what it sent, behind `after`, at most `limit`.
///
/// # Errors
/// [`StoreError`].
pub async fn kept(
    tx: &Tx,
    organization: OrgId,
    after: Option<UserId>,
    limit: usize,
) -> Result<Vec<(UserId, PersonRecord)>, StoreError> {
    let after = after.map(|user| (organization, user));
    let rows = tx.scan(&RECORDS, &organization, after.as_ref(), limit).await?;
    Ok(rows.into_iter().map(|((_, user), record)| (user, record)).collect())
}

/// The person with this id.
///
/// # Errors
/// [`ProvisioningError::NoSuchResource`], the same for an id that never was and one of another organization (S2).
pub async fn by_id(tx: &Tx, scope: &ProvisioningScope, id: UserId) -> Result<Person, ProvisioningError> {
    let account = tx.get(&IDS, &(scope.organization(), id)).await?.unwrap_or(id);
    let found = by_account(tx, scope, account).await?;
    found.filter(|person| person.id == id).ok_or_else(|| ProvisioningError::NoSuchResource(id.to_string()))
}

/// The person that an account is, if the scope may see it.
///
/// # Errors
/// [`StoreError`].
pub async fn by_account(tx: &Tx, scope: &ProvisioningScope, account: UserId) -> Result<Option<Person>, StoreError> {
    match user::by_id(tx, account).await? {
        Some(account) => of(tx, scope, account).await,
        None => Ok(None),
    }
}

/// The person that an account is, if the scope may see it: the domain is verified, and it is a member within reach.
pub(super) async fn of(tx: &Tx, scope: &ProvisioningScope, account: User) -> Result<Option<Person>, StoreError> {
    if !scope.holds(tx, &account.email.domain()).await? {
        return Ok(None);
    }
    let memberships = scope.memberships(tx, account.id).await?;
    let Some(since) = memberships.iter().map(|member| member.created).min() else { return Ok(None) };
    let key = (scope.organization(), account.id);
    let id = id_of(tx, scope, account.id).await?;
    Ok(Some(Person { id, record: tx.get(&RECORDS, &key).await?, since, account }))
}

/// As [`of`], without reading what was sent of them.
pub(super) async fn is_seen(tx: &Tx, scope: &ProvisioningScope, account: &User) -> Result<bool, StoreError> {
    Ok(scope.holds(tx, &account.email.domain()).await? && !scope.memberships(tx, account.id).await?.is_empty())
}

/// The id of an account in SCIM.
pub(super) async fn id_of(tx: &Tx, scope: &ProvisioningScope, account: UserId) -> Result<UserId, StoreError> {
    Ok(tx.get(&ID_OF, &(scope.organization(), account)).await?.unwrap_or(account))
}

/// The person with this address: one look at an index (S40).
///
/// # Errors
/// [`StoreError`].
pub async fn by_user_name(
    tx: &Tx,
    scope: &ProvisioningScope,
    user_name: &EmailAddress,
) -> Result<Option<Person>, StoreError> {
    match user::find_by_email(tx, user_name).await? {
        Some(account) => of(tx, scope, account).await,
        None => Ok(None),
    }
}

/// The people with this external id: one look at an index (S40).
///
/// # Errors
/// [`StoreError`].
pub async fn by_external_id(tx: &Tx, scope: &ProvisioningScope, external_id: &str) -> Result<Vec<Person>, StoreError> {
    let prefix = (scope.organization(), external_key(external_id));
    let same = |person: &Person| {
        person.record.as_ref().is_some_and(|record| record.external_id.as_deref() == Some(external_id))
    };
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = tx.scan(&BY_EXTERNAL_ID, &prefix, after.as_ref(), PAGE).await?;
        let Some((last, ())) = page.last() else { return Ok(found) };
        after = Some(*last);
        for ((.., account), ()) in page {
            found.extend(by_account(tx, scope, account).await?.filter(same));
            if found.len() == SAME_EXTERNAL_ID {
                return Ok(found);
            }
        }
    }
}

/// The groups that a person is in, with their names.
///
/// # Errors
/// [`StoreError`].
pub async fn groups(tx: &Tx, scope: &ProvisioningScope, account: UserId) -> Result<Vec<(TeamId, String)>, StoreError> {
    if scope.is_admin() {
        return linked_group::of_person(tx, scope.organization(), account).await;
    }
    let teams = team_member::of_user(tx, scope.organization(), account).await?;
    Ok(teams.into_iter().map(|team| (team.id, team.name)).collect())
}

/// Writes what was sent of a person, moving the index of external ids.
pub(super) async fn put(
    tx: &Tx,
    scope: &ProvisioningScope,
    account: UserId,
    record: &PersonRecord,
) -> Result<(), StoreError> {
    let key = (scope.organization(), account);
    let before = tx.get(&RECORDS, &key).await?.and_then(|before| before.external_id);
    if before != record.external_id {
        if let Some(before) = &before {
            tx.delete(&BY_EXTERNAL_ID, &(key.0, external_key(before), account));
        }
        if let Some(after) = &record.external_id {
            tx.put(&BY_EXTERNAL_ID, &(key.0, external_key(after), account), &())?;
        }
    }
    tx.put(&RECORDS, &key, record)
}

/// Removes what was sent of a person; should they come back, it will be under another id (S3).
pub(super) async fn forget(
    tx: &Tx,
    rng: &dyn Rng,
    scope: &ProvisioningScope,
    account: UserId,
) -> Result<(), StoreError> {
    let key = (scope.organization(), account);
    if let Some(external_id) = tx.take(&RECORDS, &key).await?.and_then(|record| record.external_id) {
        tx.delete(&BY_EXTERNAL_ID, &(key.0, external_key(&external_id), account));
    }
    if let Some(id) = tx.take(&ID_OF, &key).await? {
        tx.delete(&IDS, &(key.0, id));
    }
    let next = UserId::random(rng);
    tx.put(&ID_OF, &key, &next)?;
    tx.put(&IDS, &(key.0, next), &account)
}

/// Removes what is kept of the people of an organization that ends.
pub(super) async fn remove_all(tx: &Tx, organization: OrgId) -> Result<(), StoreError> {
    loop {
        let page = tx.scan(&RECORDS, &organization, None, PAGE).await?;
        if page.is_empty() {
            break;
        }
        for ((_, account), record) in page {
            tx.delete(&RECORDS, &(organization, account));
            if let Some(external_id) = record.external_id {
                tx.delete(&BY_EXTERNAL_ID, &(organization, external_key(&external_id), account));
            }
        }
    }
    loop {
        let page = tx.scan(&ID_OF, &organization, None, PAGE).await?;
        if page.is_empty() {
            return Ok(());
        }
        for ((_, account), id) in page {
            tx.delete(&ID_OF, &(organization, account));
            tx.delete(&IDS, &(organization, id));
        }
    }
}

/// Whether somebody is a member of one organization, awake.
pub(super) async fn is_member(tx: &Tx, organization: OrgId, account: UserId) -> Result<bool, StoreError> {
    Ok(member::find(tx, organization, account).await?.is_some())
}
