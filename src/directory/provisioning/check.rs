//! What `vestibule check --store` asks of provisioning: every record decodes, and every index agrees with its records.

use super::cursor_key;
use super::linked_group::{self, LinkedGroup};
use super::mapping;
use super::person::{self, PersonRecord};
use super::token::{self, ScimToken};
use crate::directory::{link, organization, team, user};
use crate::kernel::OrgId;
use crate::store::{StoreError, TableChecker, Tx, checker, decodes};

/// What provisioning promises of each of its records and index rows.
pub fn checkers() -> Vec<TableChecker> {
    let mut all = tokens();
    all.extend(people());
    all.extend(ids());
    all.extend(groups());
    all.extend(group_members());
    all.push(names());
    all.push(decodes(&cursor_key::KEYS));
    all
}

/// The sentence, unless `right`.
fn unless(right: bool, problem: &str) -> Option<String> {
    (!right).then(|| problem.to_owned())
}

async fn there(tx: &Tx, id: OrgId) -> Result<bool, StoreError> {
    Ok(organization::by_id(tx, id).await?.is_some())
}

fn tokens() -> Vec<TableChecker> {
    let record = checker(&token::TOKENS, async |tx: Tx, organization, held: ScimToken| {
        let led = tx.get(&token::BY_HASH, held.hash.as_bytes()).await?;
        let right = led == Some(organization) && there(&tx, organization).await?;
        Ok(unless(right, "the token does not lead to its organization"))
    });
    let index = checker(&token::BY_HASH, async |tx: Tx, hash, organization| {
        let held = token::find(&tx, organization).await?;
        Ok(unless(held.is_some_and(|held| *held.hash.as_bytes() == hash), "the hash leads to no token"))
    });
    vec![record, index]
}

fn people() -> Vec<TableChecker> {
    let record = checker(&person::RECORDS, async |tx: Tx, (organization, account), record: PersonRecord| {
        if let Some(external_id) = &record.external_id {
            let row = (organization, person::external_key(external_id), account);
            if tx.get(&person::BY_EXTERNAL_ID, &row).await?.is_none() {
                return Ok(unless(false, "the person is not found by their external id"));
            }
        }
        let right = user::by_id(&tx, account).await?.is_some() && there(&tx, organization).await?;
        Ok(unless(right, "there is no such account, or no such organization"))
    });
    let index = checker(&person::BY_EXTERNAL_ID, async |tx: Tx, (organization, key, account), ()| {
        let held = tx.get(&person::RECORDS, &(organization, account)).await?.and_then(|record| record.external_id);
        let right = held.is_some_and(|external_id| person::external_key(&external_id) == key);
        Ok(unless(right, "the external id leads to a person who does not have it"))
    });
    vec![record, index]
}

fn ids() -> Vec<TableChecker> {
    let id = checker(&person::IDS, async |tx: Tx, (organization, id), account| {
        let back = tx.get(&person::ID_OF, &(organization, account)).await?;
        Ok(unless(back == Some(id), "the id leads to an account that has another"))
    });
    let of = checker(&person::ID_OF, async |tx: Tx, (organization, account), id| {
        let back = tx.get(&person::IDS, &(organization, id)).await?;
        Ok(unless(back == Some(account), "the account's id does not lead to it"))
    });
    vec![id, of]
}

fn groups() -> Vec<TableChecker> {
    let record = checker(&linked_group::GROUPS, async |tx: Tx, (organization, id), group: LinkedGroup| {
        if group.organization != organization || group.id != id {
            return Ok(unless(false, "the group says otherwise than its key"));
        }
        let led = tx.get(&linked_group::BY_NAME, &(organization, team::fold(&group.name))).await?;
        Ok(unless(led == Some(id) && there(&tx, organization).await?, "the group's name does not lead to it"))
    });
    let index = checker(&linked_group::BY_NAME, async |tx: Tx, (organization, name), id| {
        let found = tx.get(&linked_group::GROUPS, &(organization, id)).await?;
        Ok(unless(found.is_some_and(|group| team::fold(&group.name) == name), "it leads to a group of another name"))
    });
    let stamp = checker(&linked_group::STAMPS, async |tx: Tx, place, _| {
        let right = tx.get(&linked_group::GROUPS, &place).await?.is_some();
        Ok(unless(right, "it tells when a group changed which there is not"))
    });
    let person_stamp = checker(&linked_group::PERSON_STAMPS, async |tx: Tx, (organization, account), _| {
        let right = user::by_id(&tx, account).await?.is_some() && there(&tx, organization).await?;
        Ok(unless(right, "it tells when somebody came into a group, and the account or the organization is missing"))
    });
    vec![record, index, stamp, person_stamp]
}

fn group_members() -> Vec<TableChecker> {
    let record = checker(&linked_group::MEMBERS, async |tx: Tx, (organization, group, account), _| {
        if tx.get(&linked_group::BY_PERSON, &(account, organization, group)).await?.is_none() {
            return Ok(unless(false, "the group is missing among the person's groups"));
        }
        let right = tx.get(&linked_group::GROUPS, &(organization, group)).await?.is_some();
        Ok(unless(right && user::by_id(&tx, account).await?.is_some(), "the group or the account is missing"))
    });
    let index = checker(&linked_group::BY_PERSON, async |tx: Tx, (account, organization, group), ()| {
        let right = tx.get(&linked_group::MEMBERS, &(organization, group, account)).await?.is_some();
        Ok(unless(right, "the person's groups name one which they are not in"))
    });
    vec![record, index]
}

fn names() -> TableChecker {
    checker(&mapping::NAMES, async |tx: Tx, (admin, name), organization| {
        let linked = link::find(&tx, organization).await?.is_some_and(|link| link.admin == admin);
        let found = organization::by_id(&tx, organization).await?.and_then(|found| found.settings.scim_name);
        let right = linked && found.is_some_and(|held| team::fold(&held) == name);
        Ok(unless(right, "the SCIM name leads to an organization that does not have it, or is not linked"))
    })
}
