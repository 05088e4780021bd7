//! The keys that seal cookies and sign assertions: made on the first start, rotated, shared by the nodes of one store.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use super::error::SessionError;
use super::token::LONGEST_SESSION;
use crate::kernel::{Rng, Sealer, Secret, Timestamp, TokenHash};
use crate::store::{Change, Store, StoreError, Table, TableChecker, Tx, checker};

/// Keys that seal cookies, by number; the highest is in use.
const SEALING_KEYS: Table<u64, StoredKey> = Table::new("sealing_keys");
/// Keys that sign assertions, by number; the highest is in use.
const SIGNING_KEYS: Table<u64, StoredKey> = Table::new("signing_keys");

/// How many keys of a kind are held at most; beyond, rotating drops the oldest.
const KEY_LIMIT: usize = 64;
/// How long a signing key is published after it was replaced: far longer than any assertion lives, so that an app
/// that fetches the key set rarely still checks the last ones.
const PUBLISHED_FOR: Duration = Duration::from_secs(7 * 24 * 3600);

/// A key as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct StoredKey {
    created: Timestamp,
    /// 32 bytes as base64: an AES-256 key, or an Ed25519 seed.
    key: Secret<String>,
}

/// What is promised of the keys' records.
pub(super) fn checkers() -> Vec<TableChecker> {
    async fn is_key(_: Tx, _: u64, stored: StoredKey) -> Result<Option<String>, StoreError> {
        Ok(stored.bytes().is_none().then(|| "the key is not 32 bytes of base64".to_owned()))
    }
    vec![checker(&SEALING_KEYS, is_key), checker(&SIGNING_KEYS, is_key)]
}

impl StoredKey {
    fn fresh(rng: &dyn Rng, now: Timestamp) -> Self {
        StoredKey { created: now, key: Secret::new(STANDARD.encode(rng.bytes::<32>())) }
    }

    fn bytes(&self) -> Option<[u8; 32]> {
        STANDARD.decode(self.key.expose()).ok()?.try_into().ok()
    }
}

/// An Ed25519 key with its public name.
#[derive(Debug)]
pub struct SigningKey {
    /// The `kid`: follows from the public key.
    pub id: String,
    pair: Ed25519KeyPair,
}

impl SigningKey {
    fn from_seed(seed: &[u8; 32]) -> Option<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).ok()?;
        let id = URL_SAFE_NO_PAD.encode(&TokenHash::of(pair.public_key().as_ref()).as_bytes()[..12]);
        Some(SigningKey { id, pair })
    }

    /// The JSON Web Key (RFC 8037 §2).
    fn jwk(&self) -> serde_json::Value {
        serde_json::json!({
            "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA",
            "kid": self.id, "x": URL_SAFE_NO_PAD.encode(self.pair.public_key().as_ref()),
        })
    }

    /// A compact JWS over `claims` (RFC 7515 §7.1).
    pub fn sign(&self, claims: &serde_json::Value) -> String {
        let header = serde_json::json!({ "alg": "EdDSA", "typ": "JWT", "kid": self.id });
        let part = |json: &serde_json::Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let mut token = format!("{}.{}", part(&header), part(claims));
        let signature = self.pair.sign(token.as_bytes());
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature.as_ref(), &mut token);
        token
    }
}

/// The keys in use at one moment.
#[derive(Debug)]
pub struct KeySet {
    /// Seals cookies with the newest key, opens with every one.
    pub sealer: Sealer,
    /// Signs assertions.
    pub signing: SigningKey,
    /// The JSON Web Key Set (RFC 7517 §5): the current key and the previous ones.
    pub jwks: String,
}

/// The keys, followed through the change feed.
pub struct Keys(ArcSwap<KeySet>);

impl Keys {
    /// Loads the keys, making the first ones if there are none.
    ///
    /// # Errors
    /// [`SessionError::Keys`] if what is stored is no key; [`SessionError::Store`].
    pub async fn open(store: &Store, rng: &dyn Rng) -> Result<Self, SessionError> {
        let set = store
            .transaction("session keys", async |tx: Tx| {
                for table in [&SEALING_KEYS, &SIGNING_KEYS] {
                    // The first row is read by its key, so that of two nodes that start at once one makes it.
                    if tx.scan(table, &(), None, 1).await?.is_empty() && tx.get(table, &0).await?.is_none() {
                        tx.put(table, &0, &StoredKey::fresh(rng, tx.now()))?;
                    }
                }
                load(&tx).await
            })
            .await?;
        Ok(Keys(ArcSwap::from_pointee(set)))
    }

    /// The keys of this moment.
    pub fn current(&self) -> arc_swap::Guard<Arc<KeySet>> {
        self.0.load()
    }

    /// Whether a commit changed the keys.
    pub fn concerns(change: &Change) -> bool {
        change.touches(&SEALING_KEYS) || change.touches(&SIGNING_KEYS)
    }

    /// Reads the keys anew.
    ///
    /// # Errors
    /// As [`open`](Self::open); the old keys stay in use.
    pub async fn reload(&self, store: &Store) -> Result<(), SessionError> {
        self.0.store(Arc::new(load(&store.reader()).await?));
        Ok(())
    }
}

/// Makes new keys of both kinds. What is sealed or signed with the old ones stays good for as long as it can live.
///
/// # Errors
/// [`StoreError`].
pub async fn rotate(tx: &Tx, rng: &dyn Rng) -> Result<(), StoreError> {
    for (table, kept_for) in [(&SEALING_KEYS, LONGEST_SESSION), (&SIGNING_KEYS, PUBLISHED_FOR)] {
        let held = tx.scan(table, &(), None, KEY_LIMIT).await?;
        let next = held.last().map_or(0, |(number, _)| number + 1);
        if let Some((newest, _)) = held.last() {
            // Read by key: of two rotations at once, one is run again and sees the other's key.
            if let Some(key) = tx.get(table, newest).await? {
                tx.put_until(table, newest, &key, tx.now().plus(kept_for))?;
            }
        }
        if let (KEY_LIMIT.., Some((oldest, _))) = (held.len(), held.first()) {
            tx.delete(table, oldest);
        }
        tx.get(table, &next).await?;
        tx.put(table, &next, &StoredKey::fresh(rng, tx.now()))?;
    }
    Ok(())
}

async fn load(tx: &Tx) -> Result<KeySet, SessionError> {
    let sealing = tx.scan(&SEALING_KEYS, &(), None, KEY_LIMIT).await?;
    let sealing: Option<Vec<_>> = sealing
        .iter()
        .rev()
        // A seal carries the number's last byte: KEY_LIMIT keeps those of the keys held apart.
        .map(|(number, key)| Some((number.to_be_bytes()[7], Secret::new(key.bytes()?))))
        .collect();
    let sealer = sealing.and_then(Sealer::new).ok_or(SessionError::Keys("a sealing key is not 32 bytes of base64"))?;
    let signing = tx.scan(&SIGNING_KEYS, &(), None, KEY_LIMIT).await?;
    let signing: Option<Vec<SigningKey>> =
        signing.iter().rev().map(|(_, key)| SigningKey::from_seed(&key.bytes()?)).collect();
    let unusable = SessionError::Keys("a signing key is not an Ed25519 seed");
    let signing = signing.ok_or(unusable.clone())?;
    let jwks = serde_json::json!({ "keys": signing.iter().map(SigningKey::jwk).collect::<Vec<_>>() }).to_string();
    let signing = signing.into_iter().next().ok_or(unusable)?;
    Ok(KeySet { sealer, signing, jwks })
}
