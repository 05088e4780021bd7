//! Whether every index agrees with its records: what `vestibule check --store` asks of the directory.

use super::{claim, member, organization, sso, user};
use crate::kernel::OrgId;
use crate::store::{Key, StoreError, Table, Tx};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// How many rows are read at a time.
const PAGE: usize = 500;
/// How many problems are told at most: more than these say nothing new.
const PROBLEM_LIMIT: usize = 1000;

/// Looks at every record and index row of the directory.
///
/// Gives a sentence for each disagreement; none if all is well.
///
/// # Errors
/// [`StoreError`] if the store can't be read; a row that does not decode counts as such.
pub async fn problems(tx: &Tx) -> Result<Vec<String>, StoreError> {
    let mut found = Vec::new();
    organizations(tx, &mut found).await?;
    users(tx, &mut found).await?;
    members(tx, &mut found).await?;
    claims(tx, &mut found).await?;
    single_sign_on(tx, &mut found).await?;
    found.truncate(PROBLEM_LIMIT);
    Ok(found)
}

/// Runs `look` over every row of `table`.
async fn each<K, V>(
    tx: &Tx,
    table: &Table<K, V>,
    mut look: impl AsyncFnMut(K, V) -> Result<(), StoreError>,
) -> Result<(), StoreError>
where
    K: Key + Clone,
    V: Serialize + DeserializeOwned,
{
    let mut after: Option<K> = None;
    loop {
        let page = tx.scan(table, &(), after.as_ref(), PAGE).await?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after = Some(last.clone());
        for (key, value) in page {
            look(key, value).await?;
        }
    }
}

async fn organizations(tx: &Tx, found: &mut Vec<String>) -> Result<(), StoreError> {
    each(tx, &organization::ORGANIZATIONS, async |id, record| {
        if record.id != id || tx.get(&organization::BY_SLUG, &record.slug).await? != Some(id) {
            found.push(format!("organization {id} ({}): its slug does not lead to it", record.slug));
        }
        Ok(())
    })
    .await
}

async fn users(tx: &Tx, found: &mut Vec<String>) -> Result<(), StoreError> {
    each(tx, &user::USERS, async |id, record| {
        if record.id != id || tx.get(&user::BY_EMAIL, &record.email).await? != Some(id) {
            found.push(format!("account {id}: its address does not lead to it"));
        }
        Ok(())
    })
    .await?;
    each(tx, &user::BY_EMAIL, async |email, id| {
        if user::by_id(tx, id).await?.is_none_or(|user| user.email != email) {
            found.push(format!("an address leads to account {id}, which does not have it"));
        }
        Ok(())
    })
    .await?;
    each(tx, &user::SSO_LINKS, async |(organization, idp, _), id| {
        if user::by_id(tx, id).await?.is_none() {
            found.push(format!("a link of organization {organization} ({idp}) leads to no account"));
        }
        Ok(())
    })
    .await
}

async fn members(tx: &Tx, found: &mut Vec<String>) -> Result<(), StoreError> {
    each(tx, &member::MEMBERS, async |(organization, user), record| {
        if record.organization != organization || record.user != user {
            found.push(format!("member {user} of {organization}: the record says otherwise than its key"));
        }
        if tx.get(&member::BY_USER, &(user, organization)).await?.is_none() {
            found.push(format!("member {user} of {organization}: missing in the account's organizations"));
        }
        if user::by_id(tx, user).await?.is_none() {
            found.push(format!("member {user} of {organization}: there is no such account"));
        }
        missing_organization(tx, organization, "a member", found).await
    })
    .await?;
    each(tx, &member::BY_USER, async |(user, organization), ()| {
        if member::find(tx, organization, user).await?.is_none() {
            found.push(format!("account {user} names organization {organization}, which it is no member of"));
        }
        Ok(())
    })
    .await
}

async fn claims(tx: &Tx, found: &mut Vec<String>) -> Result<(), StoreError> {
    each(tx, &claim::CLAIMS, async |(organization, domain), record| {
        let holder = tx.get(&claim::VERIFIED, &domain).await?;
        if record.state.holds() && holder != Some(organization) {
            found.push(format!("the domain {domain} is verified for {organization}, and does not lead to it"));
        }
        missing_organization(tx, organization, "a claim", found).await
    })
    .await?;
    each(tx, &claim::VERIFIED, async |domain, holder| {
        let claim = tx.get(&claim::CLAIMS, &(holder, domain.clone())).await?;
        if claim.is_none_or(|claim| !claim.state.holds()) {
            found.push(format!("the domain {domain} leads to {holder}, which has no verified claim of it"));
        }
        Ok(())
    })
    .await
}

async fn single_sign_on(tx: &Tx, found: &mut Vec<String>) -> Result<(), StoreError> {
    each(tx, &sso::SSO_SETTINGS, async |organization, _| {
        if sso::certificates(tx, organization).await?.is_empty() {
            found.push(format!("single sign-on of {organization} has no certificate (R18)"));
        }
        missing_organization(tx, organization, "a connection", found).await
    })
    .await
}

async fn missing_organization(
    tx: &Tx,
    organization: OrgId,
    whose: &str,
    found: &mut Vec<String>,
) -> Result<(), StoreError> {
    if organization::by_id(tx, organization).await?.is_none() {
        found.push(format!("{whose} belongs to organization {organization}, which there is not"));
    }
    Ok(())
}
