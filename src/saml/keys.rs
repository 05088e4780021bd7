//! Keeps the service provider's keys: one in use, the next one announced before it signs, the last one still opening.
//!
//! Rotation takes two steps, since IdPs hold a copy of our metadata: the first [`rotate`] announces a next key, the
//! second, once the IdPs have read the metadata again, puts it to use. Every key that is held opens what is encrypted.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use super::service_provider::ServiceProviderKey;
use crate::kernel::{Secret, Timestamp};
use crate::store::{Store, StoreError, Table, TableChecker, Tx, decodes};

/// The keys by their number, which only grows.
pub const SP_KEYS: Table<u64, StoredServiceProviderKey> = Table::new("sp_keys");
/// For how long the next key is announced before it signs: IdPs read metadata again about once a day.
pub const ANNOUNCED: Duration = Duration::from_secs(24 * 3600);
/// How many keys are held at most: next, current, previous.
const HELD: usize = 3;

/// What is promised of the keys' records, for [`check_store`](crate::store::check_store).
pub fn checkers() -> Vec<TableChecker> {
    vec![decodes(&SP_KEYS)]
}

/// What a key is for at present.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyStage {
    /// Announced in the metadata, not yet signing.
    Next,
    /// Announced, and signs.
    Current,
    /// No longer announced; opens what was encrypted to it.
    Previous,
}

/// A key as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StoredServiceProviderKey {
    /// What it is for at present.
    pub stage: KeyStage,
    /// The private key, PKCS#8 DER as base64.
    pub pkcs8_base64: Secret<String>,
    /// The certificate, DER as base64.
    pub certificate_base64: String,
    /// When it was made.
    pub created: Timestamp,
}

/// A key with its number and stage.
#[derive(Clone, Debug)]
pub struct HeldKey {
    /// Its number in the table.
    pub number: u64,
    /// What it is for at present.
    pub stage: KeyStage,
    /// When it was made.
    pub created: Timestamp,
    /// The key.
    pub key: ServiceProviderKey,
}

/// What [`rotate`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// The next key is announced in the metadata now; rotate again once the IdPs have read it.
    Announced,
    /// The next key signs now; the one before still opens what is encrypted to it.
    Promoted,
    /// Nothing: the next key is announced for less than [`ANNOUNCED`], namely since this moment.
    Waiting(Timestamp),
}

impl StoredServiceProviderKey {
    fn new(key: &ServiceProviderKey, stage: KeyStage, created: Timestamp) -> Self {
        StoredServiceProviderKey {
            stage,
            pkcs8_base64: Secret::new(BASE64.encode(key.pkcs8().expose())),
            certificate_base64: BASE64.encode(key.certificate()),
            created,
        }
    }

    fn open(&self) -> Result<ServiceProviderKey, StoreError> {
        let decode = |text: &str| {
            BASE64
                .decode(text)
                .map_err(|_| StoreError::Decode { table: SP_KEYS.name, reason: "a key is not base64".to_owned() })
        };
        let pkcs8 = Secret::new(decode(self.pkcs8_base64.expose())?);
        Ok(ServiceProviderKey::from_parts(pkcs8, decode(&self.certificate_base64)?))
    }
}

/// All keys that are held, newest first: what opens encrypted assertions.
///
/// # Errors
/// [`StoreError`], also if what is stored is no key.
pub async fn all(tx: &Tx) -> Result<Vec<HeldKey>, StoreError> {
    let mut held = Vec::new();
    for (number, stored) in tx.scan(&SP_KEYS, &(), None, HELD + 1).await? {
        held.push(HeldKey { number, stage: stored.stage, created: stored.created, key: stored.open()? });
    }
    held.reverse();
    Ok(held)
}

/// Of `held`, the key that signs.
pub fn current(held: &[HeldKey]) -> Option<&ServiceProviderKey> {
    held.iter().find(|held| held.stage == KeyStage::Current).map(|held| &held.key)
}

/// Of `held`, the keys that the metadata announces, the one in use first.
pub fn announced(held: &[HeldKey]) -> Vec<&ServiceProviderKey> {
    let of = |stage| held.iter().filter(move |held| held.stage == stage).map(|held| &held.key);
    of(KeyStage::Current).chain(of(KeyStage::Next)).collect()
}

/// Makes `fresh` the key in use, unless there is one already. True if it was taken.
///
/// # Errors
/// [`StoreError`].
pub async fn ensure(tx: &Tx, fresh: &ServiceProviderKey) -> Result<bool, StoreError> {
    // Numbers start with 1; reading it makes two nodes that start at once meet.
    let first = tx.get(&SP_KEYS, &1).await?;
    if first.is_some() || !all(tx).await?.is_empty() {
        return Ok(false);
    }
    tx.put(&SP_KEYS, &1, &StoredServiceProviderKey::new(fresh, KeyStage::Current, tx.now()))?;
    Ok(true)
}

/// Moves the keys one step on: announces `fresh` as the next one, or, if a next one is announced, puts that to use.
/// An IdP that has not read the metadata again would refuse the next key, so it waits [`ANNOUNCED`], unless `at_once`.
///
/// # Errors
/// [`StoreError`].
pub async fn rotate(tx: &Tx, fresh: &ServiceProviderKey, at_once: bool) -> Result<Rotation, StoreError> {
    let mut stored = Vec::new();
    for (number, _) in tx.scan(&SP_KEYS, &(), None, HELD + 1).await? {
        // Read again, so that two rotations at once meet.
        stored.extend(tx.get(&SP_KEYS, &number).await?.map(|key| (number, key)));
    }
    if let Some((_, next)) = stored.iter().find(|(_, key)| key.stage == KeyStage::Next) {
        if !at_once && tx.now().since(next.created) < ANNOUNCED {
            return Ok(Rotation::Waiting(next.created));
        }
        for (number, mut key) in stored {
            match key.stage {
                KeyStage::Previous => tx.delete(&SP_KEYS, &number),
                KeyStage::Current | KeyStage::Next => {
                    let next = key.stage == KeyStage::Next;
                    key.stage = if next { KeyStage::Current } else { KeyStage::Previous };
                    tx.put(&SP_KEYS, &number, &key)?;
                }
            }
        }
        return Ok(Rotation::Promoted);
    }
    let number = stored.last().map_or(1, |(number, _)| number + 1);
    let stage = if stored.is_empty() { KeyStage::Current } else { KeyStage::Next };
    // Nobody else may have taken the number meanwhile.
    tx.get(&SP_KEYS, &number).await?;
    tx.put(&SP_KEYS, &number, &StoredServiceProviderKey::new(fresh, stage, tx.now()))?;
    Ok(Rotation::Announced)
}

/// All keys of `store`, newest first; if there are none yet, `make` makes the first one.
///
/// # Errors
/// What `make` gives; [`StoreError`].
pub async fn load<E, F>(store: &Store, make: F) -> Result<Vec<HeldKey>, E>
where
    E: From<StoreError>,
    F: FnOnce() -> Result<ServiceProviderKey, E>,
{
    let held = all(&store.reader()).await?;
    if !held.is_empty() {
        return Ok(held);
    }
    let fresh = make()?;
    store.transaction("ensure SP key", async |tx: Tx| ensure(&tx, &fresh).await).await?;
    Ok(all(&store.reader()).await?)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::kernel::ManualClock;
    use crate::store::SledBackend;

    fn key(mark: u8) -> ServiceProviderKey {
        ServiceProviderKey::from_parts(Secret::new(vec![mark]), vec![mark])
    }

    fn marks<'k>(keys: impl IntoIterator<Item = &'k ServiceProviderKey>) -> Vec<u8> {
        keys.into_iter().map(|key| key.certificate()[0]).collect()
    }

    async fn store() -> Store {
        let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1)));
        Store::open(SledBackend::temporary().expect("a store"), clock).await.expect("a store")
    }

    async fn rotated(store: &Store, mark: u8, at_once: bool) -> Rotation {
        store.transaction("rotate", async |tx: Tx| rotate(&tx, &key(mark), at_once).await).await.expect("rotated")
    }

    #[tokio::test]
    async fn r51_the_first_key_is_made_once() {
        let store = store().await;
        let held = load(&store, || Ok::<_, StoreError>(key(1))).await.expect("a key");
        assert_eq!(marks(current(&held)), [1]);
        let again = load(&store, || -> Result<_, StoreError> { panic!("there is one") }).await.expect("a key");
        assert_eq!(marks(announced(&again)), [1]);
        let taken = store.transaction("ensure", async |tx: Tx| ensure(&tx, &key(2)).await).await;
        assert!(!taken.expect("a transaction"));
    }

    #[tokio::test]
    async fn r51_a_next_key_is_announced_before_it_signs_and_the_last_one_still_opens() {
        let store = store().await;
        load(&store, || Ok::<_, StoreError>(key(1))).await.expect("a key");
        let mut states = Vec::new();
        for mark in 2..6 {
            let did = rotated(&store, mark, true).await;
            let held = all(&store.reader()).await.expect("keys");
            let opening = marks(held.iter().map(|held| &held.key));
            states.push((did, marks(current(&held)), marks(announced(&held)), opening));
        }
        let expected = [
            (Rotation::Announced, vec![1], vec![1, 2], vec![2, 1]),
            (Rotation::Promoted, vec![2], vec![2], vec![2, 1]),
            (Rotation::Announced, vec![2], vec![2, 4], vec![4, 2, 1]),
            (Rotation::Promoted, vec![4], vec![4], vec![4, 2]),
        ];
        assert_eq!(states, expected);
    }

    #[tokio::test]
    async fn an_announced_key_waits_a_day_before_it_signs() {
        let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1)));
        let store = Store::open(SledBackend::temporary().expect("a store"), Arc::clone(&clock) as Arc<_>).await;
        let store = store.expect("a store");
        load(&store, || Ok::<_, StoreError>(key(1))).await.expect("a key");
        assert_eq!(rotated(&store, 2, false).await, Rotation::Announced);
        clock.advance(Duration::from_secs(24 * 3600 - 1));
        assert_eq!(rotated(&store, 3, false).await, Rotation::Waiting(Timestamp::from_seconds(1)));
        assert_eq!(marks(current(&all(&store.reader()).await.expect("keys"))), [1]);
        clock.advance(Duration::from_secs(1));
        assert_eq!(rotated(&store, 4, false).await, Rotation::Promoted);
    }
}
