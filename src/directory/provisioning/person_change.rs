//! What provisioning does to people: make, replace, switch off and on, delete, each whole within the caller's transaction.

use serde_json::{Map, Value};

use super::error::ProvisioningError;
use super::person::{self, EXTERNAL_ID_LIMIT, Person, PersonRecord};
use super::scope::ProvisioningScope;
use super::{linked_group, owners};
use crate::directory::member::{self, Origin};
use crate::directory::revocation::{self, Scope};
use crate::directory::user::{self, User};
use crate::directory::{barred, one_time_link, organization, password};
use crate::kernel::{EmailAddress, Rng, Role, Timestamp};
use crate::store::{StoreError, Tx};

/// A whole person, as an identity provider wants them to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonInput {
    /// `userName`: the account's address (S4, D4).
    pub user_name: EmailAddress,
    /// `externalId`
    pub external_id: Option<String>,
    /// `active`; `None`: not said.
    pub active: Option<bool>,
    /// `name.givenName`
    pub first_name: Option<String>,
    /// `name.familyName`
    pub last_name: Option<String>,
    /// The address of `emails` that is marked primary.
    pub primary_email: Option<EmailAddress>,
    /// All that may be read back, as it was sent; no password.
    pub attributes: Map<String, Value>,
}

/// Makes a person: an account and a membership, or takes one over that is a member within reach and that provisioning
/// does not keep yet (D15), or brings one back that it deleted (D17).
///
/// # Errors
/// [`ProvisioningError::ForeignDomain`], [`ProvisioningError::UserNameTaken`], [`ProvisioningError::Outsider`],
/// [`ProvisioningError::LastOwner`], [`ProvisioningError::InvalidValue`].
pub async fn create(
    tx: &Tx,
    rng: &dyn Rng,
    scope: &ProvisioningScope,
    input: &PersonInput,
) -> Result<Person, ProvisioningError> {
    demand(tx, scope, input, None).await?;
    let (account, active) = match user::find_by_email(tx, &input.user_name).await? {
        None => (user::create(tx, rng, &input.user_name)?, true),
        Some(account) => match person::of(tx, scope, account.clone()).await? {
            Some(Person { record: Some(_), .. }) => return Err(ProvisioningError::UserNameTaken),
            // Taken over as they are, unless something else is said.
            Some(Person { account, .. }) => (account.clone(), account.active),
            // Whom this organization's provisioning took out, it may bring back; nobody else (S6).
            None if barred::is(tx, scope.organization(), &input.user_name).await? => (account, true),
            None => return Err(ProvisioningError::Outsider),
        },
    };
    if !person::is_member(tx, scope.organization(), account.id).await? {
        let organization = scope.record(tx).await?;
        member::add(tx, &organization, &account, Role::Member, Origin::Scim).await?;
    }
    let account = apply(tx, scope, &account, input, input.active.unwrap_or(active)).await?;
    let record = PersonRecord {
        external_id: input.external_id.clone(),
        attributes: input.attributes.clone(),
        created: tx.now(),
        modified: tx.now(),
    };
    person::put(tx, scope, account.id, &record).await?;
    let told = (String::new(), told(&record.attributes, account.active));
    scope.audit(tx, rng, scope.organization(), "scim.user.create", &account.email, told)?;
    found(tx, scope, account).await
}

/// Makes a person what the identity provider wants them to be. Memberships and roles stay (S29).
///
/// # Errors
/// As [`create`].
pub async fn replace(
    tx: &Tx,
    rng: &dyn Rng,
    scope: &ProvisioningScope,
    person: &Person,
    input: &PersonInput,
) -> Result<Person, ProvisioningError> {
    demand(tx, scope, input, person.record.as_ref()).await?;
    let before = &person.account;
    if input.user_name != before.email
        && let Some(other) = user::find_by_email(tx, &input.user_name).await?
    {
        let visible = person::of(tx, scope, other).await?.is_some();
        return Err(if visible { ProvisioningError::UserNameTaken } else { ProvisioningError::Outsider });
    }
    let account = apply(tx, scope, before, input, input.active.unwrap_or(before.active)).await?;
    let attributes = input.attributes.clone();
    let same = |held: &PersonRecord| {
        held.attributes == attributes && held.external_id == input.external_id && account == *before
    };
    if !person.record.as_ref().is_some_and(same) {
        let none = Map::new();
        let held = person.record.as_ref().map_or(&none, |record| &record.attributes);
        let (old, new) = difference(held, &attributes);
        let told = (told(&old, before.active), told(&new, account.active));
        let record = PersonRecord {
            external_id: input.external_id.clone(),
            attributes,
            created: person.created(),
            modified: later(tx.now(), person.modified()),
        };
        person::put(tx, scope, account.id, &record).await?;
        scope.audit(tx, rng, scope.organization(), "scim.user.update", &account.email, told)?;
    }
    found(tx, scope, account).await
}

/// Deletes a person: ends every membership within reach, the sign-in and all sessions; the account stays for the audit,
/// and signing in adds it nowhere until provisioning or an administrator brings it back (D17).
///
/// # Errors
/// [`ProvisioningError::LastOwner`].
pub async fn delete(
    tx: &Tx,
    rng: &dyn Rng,
    scope: &ProvisioningScope,
    person: &Person,
) -> Result<(), ProvisioningError> {
    let account = &person.account;
    linked_group::watch_person(tx, scope.organization(), account.id).await?;
    let memberships = scope.memberships(tx, account.id).await?;
    owners::keep(tx, &memberships).await?;
    for held in memberships {
        if let Some(organization) = organization::by_id(tx, held.organization).await? {
            member::remove(tx, &organization, account).await?;
            if organization.id != scope.organization() {
                let told = (held.role.as_str().to_owned(), String::new());
                scope.audit(tx, rng, organization.id, "scim.member.remove", &account.email, told)?;
            }
        }
    }
    linked_group::forget_person(tx, scope.organization(), account.id).await?;
    switch_off(tx, scope, account)?;
    user::save(tx, &User { active: false, ..account.clone() }).await?;
    password::forget(tx, account.id).await?;
    one_time_link::forget_all(tx, account.id).await?;
    let before = person.record.as_ref().map(|record| told(&record.attributes, account.active)).unwrap_or_default();
    person::forget(tx, rng, scope, account.id).await?;
    scope.audit(tx, rng, scope.organization(), "scim.user.delete", &account.email, (before, String::new()))?;
    Ok(())
}

/// What holds for every write: whose domains, and what can be kept. A primary address of a domain that was lost since it
/// was kept stands in no change's way, least of all in that of a switch off.
async fn demand(
    tx: &Tx,
    scope: &ProvisioningScope,
    input: &PersonInput,
    kept: Option<&PersonRecord>,
) -> Result<(), ProvisioningError> {
    scope.check(tx).await?;
    scope.demand(tx, input.user_name.domain()).await?;
    let kept = kept.and_then(|record| kept_primary(&record.attributes));
    if let Some(primary) = &input.primary_email
        && kept.is_none_or(|kept| kept.domain() != primary.domain())
    {
        scope.demand(tx, primary.domain()).await?;
    }
    if input.external_id.as_ref().is_some_and(|id| id.len() > EXTERNAL_ID_LIMIT) {
        let text = format!("externalId has at most {EXTERNAL_ID_LIMIT} bytes");
        return Err(ProvisioningError::InvalidValue(text));
    }
    Ok(())
}

/// The address of `emails` that is marked primary, as it is kept.
fn kept_primary(attributes: &Map<String, Value>) -> Option<EmailAddress> {
    let (_, emails) = attributes.iter().find(|(name, _)| name.eq_ignore_ascii_case("emails"))?;
    let of = |email: &Value, name: &str| {
        let (_, value) = email.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?;
        Some(value.clone())
    };
    let primary = emails.as_array()?.iter().find(|email| of(email, "primary") == Some(Value::Bool(true)))?;
    of(primary, "value")?.as_str()?.parse().ok()
}

/// Takes address, names and activity over into the account; a switch off ends its sessions in this commit (S10).
async fn apply(
    tx: &Tx,
    scope: &ProvisioningScope,
    before: &User,
    input: &PersonInput,
    active: bool,
) -> Result<User, ProvisioningError> {
    let name = |text: &Option<String>| text.as_deref().and_then(user::tidy_name);
    let after = User {
        email: input.user_name.clone(),
        first_name: name(&input.first_name).or_else(|| before.first_name.clone()),
        last_name: name(&input.last_name).or_else(|| before.last_name.clone()),
        active,
        ..before.clone()
    };
    if after.email != before.email {
        barred::follow(tx, &before.email, &after.email).await?;
    }
    if active {
        barred::lift(tx, scope.organization(), &after.email);
    } else {
        if before.active {
            owners::keep(tx, &scope.memberships(tx, before.id).await?).await?;
        }
        switch_off(tx, scope, &after)?;
    }
    if after != *before {
        user::save(tx, &after).await?;
    }
    Ok(after)
}

/// Ends an account's sessions, and has signing in add it nowhere any more.
fn switch_off(tx: &Tx, scope: &ProvisioningScope, account: &User) -> Result<(), StoreError> {
    // Here, not by the change feed alone: it would miss a deactivation that is taken back at once.
    revocation::revoke(tx, Scope::User(account.id))?;
    barred::bar(tx, scope.organization(), &account.email)
}

async fn found(tx: &Tx, scope: &ProvisioningScope, account: User) -> Result<Person, ProvisioningError> {
    let id = account.id.to_string();
    person::of(tx, scope, account).await?.ok_or(ProvisioningError::NoSuchResource(id))
}

/// A moment after the one before, so that two changes never bear the same time.
pub(super) fn later(now: Timestamp, before: Timestamp) -> Timestamp {
    now.max(Timestamp::from_millis(before.millis().saturating_add(1)))
}

/// What differs between two sets of attributes, as it was and as it is.
fn difference(before: &Map<String, Value>, after: &Map<String, Value>) -> (Map<String, Value>, Map<String, Value>) {
    let only = |of: &Map<String, Value>, against: &Map<String, Value>| {
        let differing = of.iter().filter(|(name, value)| against.get(*name) != Some(*value));
        differing.map(|(name, value)| (name.clone(), value.clone())).collect()
    };
    (only(before, after), only(after, before))
}

/// Attributes as the audit tells them; no password is ever among them.
fn told(attributes: &Map<String, Value>, active: bool) -> String {
    let mut shown: Map<String, Value> = attributes.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    shown.retain(|name, _| !name.eq_ignore_ascii_case("password"));
    shown.insert("active".to_owned(), Value::Bool(active));
    Value::Object(shown).to_string()
}
