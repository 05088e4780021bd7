//! Passkeys and security keys (WebAuthn Level 3): what a browser is asked for, and what its answers are worth.
//!
//! A challenge belongs to the sign-in or session in which it was made, is good once, and for five minutes. A key shows
//! that its person is there by a PIN, a finger or a face: it can be neither guessed nor typed into a wrong site, so no
//! pause holds for it. The library takes the chance in challenges from the system itself.

#[cfg(test)]
mod tests;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;
use uuid::Uuid;
use webauthn_rs::prelude::{
    AuthenticationResult, Passkey, PasskeyAuthentication, PasskeyRegistration, PublicKeyCredential,
    RegisterPublicKeyCredential, WebauthnError,
};
use webauthn_rs::{Webauthn, WebauthnBuilder};

use super::factors::{self, Confirmed, Factors, of_account};
use super::person::Person;
use crate::directory::User;
use crate::kernel::{Timestamp, TokenHash, UserId};
use crate::store::{StoreError, Table, TableChecker, Tx, checker};

/// The keys of an account, by the hash of the credential's id.
const KEYS: Table<(UserId, [u8; 32]), Passkey> = Table::new("passkeys");
/// Whose a credential is: no two accounts have the same (WebAuthn §7.1, step 26).
const OWNERS: Table<[u8; 32], UserId> = Table::new("passkey_owners");
/// What a browser was asked for, by account and the sign-in or session.
const CHALLENGES: Table<(UserId, String), Challenge> = Table::new("passkey_challenges");

/// How long a challenge is good.
const ANSWER_WITHIN: Duration = Duration::from_secs(5 * 60);
/// How many keys an account has at most: what is asked for names all of them, and has to fit into one record.
pub const KEPT: usize = 8;
/// The longest id of a credential that we take, in bytes.
const ID_LIMIT: usize = 512;
/// The largest record of a key that we take, in bytes of JSON: a challenge names all [`KEPT`], within one record.
const KEY_LIMIT: usize = 1536;
/// The longest name of a key, in characters.
const NAME_LIMIT: usize = 40;
/// How many challenges of an account are looked at when all are dropped.
const LIMIT: usize = 1000;

/// A key, as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedKey {
    /// The hash of its credential's id: tells it from others.
    pub id: TokenHash,
    /// What its person calls it.
    pub name: String,
    /// Since when it counts.
    pub since: Timestamp,
    /// The signature counter that it last showed; 0: it has none.
    #[serde(default)]
    pub(super) counter: u32,
}

/// What a browser was asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Challenge {
    /// A new key.
    SetUp {
        state: Box<PasskeyRegistration>,
        /// When the factors had last changed at its start.
        changed: Option<Timestamp>,
    },
    /// An answer by one of the account's keys.
    Answer { state: Box<PasskeyAuthentication> },
}

/// This site can't have passkeys.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "passkeys are off: browsers bind them to a host name, and «public_url» names an address ({0}); use https with a \
     name, or http://localhost"
)]
pub struct NoPasskeys(String);

/// This site, as keys know it: the relying party, whose id is the host of `public_url`.
#[derive(Clone, Debug)]
pub struct RelyingParty(Webauthn);

impl RelyingParty {
    /// The relying party at `public_url`.
    ///
    /// # Errors
    /// [`NoPasskeys`], where that has no name.
    pub fn new(public_url: &Url) -> Result<Self, NoPasskeys> {
        let host = public_url.host_str().unwrap_or_default();
        let builder = WebauthnBuilder::new(host, public_url).map_err(|_| NoPasskeys(host.to_owned()))?;
        let built = builder.rp_name(host).timeout(ANSWER_WITHIN).build();
        built.map(RelyingParty).map_err(|_| NoPasskeys(host.to_owned()))
    }

    /// Asks for a new key in `place`, the id of a sign-in or a session: gives the options for
    /// `navigator.credentials.create` as JSON. `None`: the account has as many as it can.
    ///
    /// # Errors
    /// The store's.
    pub async fn ask_for_new(&self, tx: &Tx, user: &User, place: &str) -> Result<Option<String>, StoreError> {
        let held = factors::of(tx, user.id).await?;
        if held.passkeys.len() >= KEPT {
            return Ok(None);
        }
        let known = keys(tx, user.id, &held).await?.iter().map(|key| key.cred_id().clone()).collect();
        let (id, name) = (Uuid::from_bytes(*user.id.as_bytes()), user.email.as_str());
        let begun = self.0.start_passkey_registration(id, name, &user.display_name(), Some(known));
        let Some((asked, state)) = worked(begun) else { return Ok(None) };
        let challenge = Challenge::SetUp { state: Box::new(state), changed: held.changed };
        tx.put_until(&CHALLENGES, &(user.id, place.to_owned()), &challenge, tx.now().plus(ANSWER_WITHIN))?;
        Ok(serde_json::to_string(&asked.public_key).ok())
    }

    /// Makes a new key count, if `answer` is a browser's to what it was asked for in `place`. Audited.
    ///
    /// Whether this person may set one up, the caller has looked at.
    ///
    /// # Errors
    /// The store's.
    pub async fn confirm(
        &self,
        tx: &Tx,
        person: &Person<'_>,
        place: &str,
        (name, answer): (&str, &str),
    ) -> Result<Confirmed, StoreError> {
        let user = person.user.id;
        let mut held = factors::of(tx, user).await?;
        let challenge = tx.take(&CHALLENGES, &(user, place.to_owned())).await?;
        let Some(Challenge::SetUp { state, .. }) = challenge.filter(|challenge| challenge.is_set_up(held.changed))
        else {
            return Ok(Confirmed::Gone);
        };
        let Ok(answer) = serde_json::from_str::<RegisterPublicKeyCredential>(answer) else {
            return Ok(Confirmed::Wrong);
        };
        let Some(key) = worked(self.0.finish_passkey_registration(&answer, &state)) else {
            return Ok(Confirmed::Wrong);
        };
        let id = TokenHash::of(key.cred_id());
        let taken = tx.get(&OWNERS, id.as_bytes()).await?.is_some();
        if taken || !fits(&key) || key.cred_id().len() > ID_LIMIT || held.passkeys.len() >= KEPT {
            return Ok(Confirmed::Wrong);
        }
        tx.put(&OWNERS, id.as_bytes(), &user)?;
        tx.put(&KEYS, &(user, *id.as_bytes()), &key)?;
        let name = tidy(name, held.passkeys.len() + 1);
        held.passkeys.push(NamedKey { id, name: name.clone(), since: tx.now(), counter: 0 });
        factors::change(tx, person, held).await?;
        person.audit(tx, "second_factor.passkey.add", "", &name)?;
        Ok(Confirmed::Done)
    }

    /// Asks for an answer by one of the account's keys in `place`: gives the options for `navigator.credentials.get` as
    /// JSON. `None`: the account has no key.
    ///
    /// # Errors
    /// The store's.
    pub async fn ask_for_answer(&self, tx: &Tx, user: UserId, place: &str) -> Result<Option<String>, StoreError> {
        let held = factors::of(tx, user).await?;
        let keys = keys(tx, user, &held).await?;
        if keys.is_empty() {
            return Ok(None);
        }
        let Some((asked, state)) = worked(self.0.start_passkey_authentication(&keys)) else { return Ok(None) };
        let challenge = Challenge::Answer { state: Box::new(state) };
        tx.put_until(&CHALLENGES, &(user, place.to_owned()), &challenge, tx.now().plus(ANSWER_WITHIN))?;
        Ok(serde_json::to_string(&asked.public_key).ok())
    }

    /// Whether a browser's answer is right; the challenge is used up either way. `held` learns the key's counter.
    pub(super) async fn is_right(
        &self,
        tx: &Tx,
        user: UserId,
        place: &str,
        (held, answer): (&mut Factors, &str),
    ) -> Result<bool, StoreError> {
        let challenge = tx.take(&CHALLENGES, &(user, place.to_owned())).await?;
        let Some(Challenge::Answer { state }) = challenge else { return Ok(false) };
        let Ok(answer) = serde_json::from_str::<PublicKeyCredential>(answer) else { return Ok(false) };
        let Some(result) = worked(self.0.finish_passkey_authentication(&answer, &state)) else { return Ok(false) };
        let id = TokenHash::of(result.cred_id());
        // The key may be gone since it was asked for, or have been used meanwhile.
        let Some(mut key) = tx.get(&KEYS, &(user, *id.as_bytes())).await? else { return Ok(false) };
        let Some(named) = held.passkeys.iter_mut().find(|named| named.id == id) else { return Ok(false) };
        if !goes_on(named, &result) {
            return Ok(false);
        }
        named.counter = result.counter();
        if key.update_credential(&result) == Some(true) {
            tx.put(&KEYS, &(user, *id.as_bytes()), &key)?;
        }
        Ok(true)
    }
}

impl Challenge {
    fn is_set_up(&self, now: Option<Timestamp>) -> bool {
        matches!(self, Challenge::SetUp { changed, .. } if *changed == now)
    }
}

/// Whether a key is small enough to be kept: it may come with certificates of any size.
fn fits(key: &Passkey) -> bool {
    serde_json::to_vec(key).is_ok_and(|record| record.len() <= KEY_LIMIT)
}

/// Whether a key's counter goes on, if it has one: one that doesn't may be a copy (WebAuthn §6.1.1).
fn goes_on(named: &NamedKey, result: &AuthenticationResult) -> bool {
    (result.counter() == 0 && named.counter == 0) || result.counter() > named.counter
}

/// What the library made of it. What a browser sent can be wrong in many ways: which one is for the log.
fn worked<T>(result: Result<T, WebauthnError>) -> Option<T> {
    result.map_err(|error| tracing::info!(%error, "a passkey's answer is refused")).ok()
}

async fn keys(tx: &Tx, user: UserId, held: &Factors) -> Result<Vec<Passkey>, StoreError> {
    let mut keys = Vec::new();
    for named in &held.passkeys {
        keys.extend(tx.get(&KEYS, &(user, *named.id.as_bytes())).await?);
    }
    Ok(keys)
}

/// A name for lists: what was typed, without control characters; a number, if nothing was.
fn tidy(name: &str, number: usize) -> String {
    let tidy: String = name.trim().chars().filter(|c| !c.is_control()).take(NAME_LIMIT).collect();
    if tidy.is_empty() { format!("Passkey {number}") } else { tidy }
}

/// Takes a key away, by its id in hexadecimal; with the last method the recovery codes go, too. Gives whether there was
/// such a one. Audited.
///
/// # Errors
/// The store's.
pub async fn remove(tx: &Tx, person: &Person<'_>, id: &str) -> Result<bool, StoreError> {
    let user = person.user.id;
    let mut held = factors::of(tx, user).await?;
    let Some(at) = held.passkeys.iter().position(|named| named.id.to_hex() == id) else { return Ok(false) };
    let named = held.passkeys.remove(at);
    drop_key(tx, user, named.id.as_bytes());
    factors::change(tx, person, held).await?;
    person.audit(tx, "second_factor.passkey.remove", &named.name, "")?;
    Ok(true)
}

fn drop_key(tx: &Tx, user: UserId, id: &[u8; 32]) {
    tx.delete(&KEYS, &(user, *id));
    tx.delete(&OWNERS, id);
}

/// Drops all keys of an account, and what its browsers were asked for.
pub(super) async fn forget(tx: &Tx, user: UserId) -> Result<(), StoreError> {
    for ((_, id), _) in tx.scan(&KEYS, &user, None, LIMIT).await? {
        drop_key(tx, user, &id);
    }
    for (key, _) in tx.scan(&CHALLENGES, &user, None, LIMIT).await? {
        tx.delete(&CHALLENGES, &key);
    }
    Ok(())
}

/// What is promised of the records.
pub(super) fn checkers() -> Vec<TableChecker> {
    let key = checker(&KEYS, async |tx: Tx, (user, id): (UserId, [u8; 32]), _: Passkey| {
        if tx.get(&OWNERS, &id).await? != Some(user) {
            return Ok(Some("the credential does not lead to its account".to_owned()));
        }
        let listed = factors::of(&tx, user).await?.passkeys.iter().any(|named| *named.id.as_bytes() == id);
        Ok((!listed).then(|| "the passkey is missing among the account's factors".to_owned()))
    });
    let owner = checker(&OWNERS, async |tx: Tx, id, user| {
        let there = tx.get(&KEYS, &(user, id)).await?.is_some();
        Ok((!there).then(|| "the credential leads to an account that has no such passkey".to_owned()))
    });
    let challenge = checker(&CHALLENGES, async |tx: Tx, (user, _), _: Challenge| of_account(&tx, user).await);
    vec![key, owner, challenge]
}
