//! The token of an organization's identity provider: one for each, shown once, kept as a hash (S1).

use serde::{Deserialize, Serialize};

use crate::directory::link;
use crate::directory::organization::Organization;
use crate::kernel::{OrgId, Rng, Secret, Timestamp, TokenHash};
use crate::store::{StoreError, Table, Tx};

/// The token of each organization that has one.
pub(in crate::directory) const TOKENS: Table<OrgId, ScimToken> = Table::new("scim_tokens");
/// Whose a token is, by its hash.
pub(in crate::directory) const BY_HASH: Table<[u8; 32], OrgId> = Table::new("scim_token_by_hash");

/// What every token begins with, so that it is known for one wherever it turns up.
pub const PREFIX: &str = "vestibule_scim_";
/// Random bytes of a token: 256 bits.
const TOKEN_BYTES: usize = 32;
/// Random bytes of a token's id, by which the audit names it.
const ID_BYTES: usize = 6;
/// The longest text that is looked at as a token, in bytes.
const PRESENTED_LIMIT: usize = 200;

/// What is kept of a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScimToken {
    /// By which the audit names it; says nothing about the token itself.
    pub id: String,
    /// Its hash.
    pub hash: TokenHash,
    /// Since when.
    pub created: Timestamp,
}

/// Makes an organization's token, and ends the one before in the same commit. Gives the token, to be shown once, what is
/// kept of it, and what was kept of the one before.
///
/// # Errors
/// [`StoreError`].
pub async fn issue(
    tx: &Tx,
    rng: &dyn Rng,
    organization: &Organization,
) -> Result<(Secret<String>, ScimToken, Option<ScimToken>), StoreError> {
    let before = revoke(tx, organization.id).await?;
    let text = format!("{PREFIX}{}", rng.token::<TOKEN_BYTES>());
    let made = ScimToken { id: rng.token::<ID_BYTES>(), hash: TokenHash::of(text.as_bytes()), created: tx.now() };
    tx.put(&TOKENS, &organization.id, &made)?;
    tx.put(&BY_HASH, made.hash.as_bytes(), &organization.id)?;
    Ok((Secret::new(text), made, before))
}

/// Ends an organization's token; gives what was kept of it.
///
/// # Errors
/// [`StoreError`].
pub async fn revoke(tx: &Tx, organization: OrgId) -> Result<Option<ScimToken>, StoreError> {
    let held = tx.take(&TOKENS, &organization).await?;
    if let Some(held) = &held {
        tx.delete(&BY_HASH, held.hash.as_bytes());
    }
    Ok(held)
}

/// What is kept of an organization's token.
///
/// # Errors
/// [`StoreError`].
pub async fn find(tx: &Tx, organization: OrgId) -> Result<Option<ScimToken>, StoreError> {
    tx.get(&TOKENS, &organization).await
}

/// Whether an organization has a token that opens anything: under a link it rests (D15).
///
/// # Errors
/// [`StoreError`].
pub async fn counts(tx: &Tx, organization: OrgId) -> Result<bool, StoreError> {
    Ok(find(tx, organization).await?.is_some() && link::find(tx, organization).await?.is_none())
}

/// Whose token this is. It is found by its hash, and the hash compared in constant time (S1).
///
/// # Errors
/// [`StoreError`].
pub async fn owner(tx: &Tx, presented: &str) -> Result<Option<(OrgId, ScimToken)>, StoreError> {
    if presented.len() > PRESENTED_LIMIT {
        return Ok(None);
    }
    let hash = TokenHash::of(presented.as_bytes());
    let Some(organization) = tx.get(&BY_HASH, hash.as_bytes()).await? else { return Ok(None) };
    let held = find(tx, organization).await?;
    Ok(held.filter(|held| held.hash == hash).map(|held| (organization, held)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::organization::{self, OrgKind};
    use crate::directory::provisioning::check;
    use crate::kernel::{ManualClock, SeededRng};
    use crate::store::{SledBackend, Store, check_store};
    use std::sync::Arc;

    #[tokio::test]
    async fn s1_a_new_token_ends_the_old_one_and_only_a_hash_is_kept() {
        let now = Timestamp::from_seconds(1_800_000_000);
        let store = Store::open(SledBackend::temporary().unwrap(), Arc::new(ManualClock::at(now))).await.unwrap();
        let rng = SeededRng::new(1);
        let make = async |slug: &str| {
            let slug = slug.parse().unwrap();
            let body = async |tx: Tx| organization::create(&tx, &rng, &slug, "A", OrgKind::Customer).await;
            store.transaction("test", body).await.unwrap()
        };
        let (acme, globex) = (make("acme").await, make("globex").await);
        let issue = async |to: &Organization| {
            store.transaction("test", async |tx: Tx| issue(&tx, &rng, to).await).await.unwrap()
        };
        let (first, kept, none) = issue(&acme).await;
        assert!(none.is_none());
        assert!(first.expose().len() >= PREFIX.len() + 43, "256 bits in base64url");
        let (other, ..) = issue(&globex).await;
        let owner = async |text: &str| owner(&store.reader(), text).await.unwrap().map(|(id, _)| id);
        assert_eq!(owner(first.expose()).await, Some(acme.id));
        assert_eq!(owner(other.expose()).await, Some(globex.id));
        let (second, _, before) = issue(&acme).await;
        assert_eq!(before.unwrap().id, kept.id);
        assert_eq!(owner(first.expose()).await, None, "the new one ends the old one");
        assert_eq!(owner(second.expose()).await, Some(acme.id));
        for wrong in ["", "x", &"x".repeat(5000), &second.expose()[1..], &second.expose().to_uppercase()] {
            assert_eq!(owner(wrong).await, None, "{wrong}");
        }
        let shown = format!("{kept:?}{}", serde_json::to_string(&kept).unwrap());
        assert!(!shown.contains(&first.expose()[PREFIX.len()..]), "the token itself is kept nowhere");
        assert_eq!(check_store(&store, &check::checkers()).await.unwrap().findings, []);
        store.transaction("test", async |tx: Tx| revoke(&tx, acme.id).await).await.unwrap();
        assert_eq!(owner(second.expose()).await, None);
    }
}
