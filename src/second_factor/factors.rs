//! What an account has as second factors, and how they come and go: one record, so that all of it changes at once.
//!
//! A new method counts from its first right code on; until then the old one stays (D24). What is being set up belongs to
//! the sign-in or the session in which it is, and nobody else who is in the account at the same time sees it; and
//! it is void once anything else about the factors changed.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::passkeys::{self, NamedKey};
use super::person::Person;
use super::phone::Phone;
use super::recovery::RecoveryCodes;
use super::totp::{AppSecret, matching_step};
use super::{attempts, sms, trusted};
use crate::directory::user;
use crate::kernel::{Rng, Secret, Timestamp, UserId};
use crate::store::{StoreError, Table, TableChecker, Tx, checker};

/// The factors of an account.
const FACTORS: Table<UserId, Factors> = Table::new("second_factors");
/// The secrets of apps that are being set up, by account and the sign-in or session in which they are.
const PENDING_APPS: Table<(UserId, String), PendingApp> = Table::new("pending_second_factor_apps");

/// How long a method may be being set up.
pub const SET_UP_WITHIN: Duration = Duration::from_secs(3600);
/// How many set-ups of an account are looked at when all are dropped.
const PENDING_LIMIT: usize = 1000;

/// The factors of an account.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Factors {
    /// The authenticator app, once a first code of it was right.
    #[serde(default)]
    pub app: Option<App>,
    /// The phone that gets codes, once a first one came back.
    #[serde(default)]
    pub phone: Option<Phone>,
    /// Passkeys and security keys.
    #[serde(default)]
    pub passkeys: Vec<NamedKey>,
    /// What helps when everything else is lost.
    #[serde(default)]
    pub recovery: RecoveryCodes,
    /// When a method last came, went, or was replaced.
    #[serde(default)]
    pub changed: Option<Timestamp>,
}

impl Factors {
    /// Whether there is any method; recovery codes alone are none.
    pub fn any(&self) -> bool {
        self.app.is_some() || self.phone.is_some() || !self.passkeys.is_empty()
    }
}

/// An authenticator app.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct App {
    pub(super) secret: AppSecret,
    /// Since when it counts.
    pub since: Timestamp,
    /// The step of the last code that was right: none at or before it is again.
    #[serde(default)]
    pub(super) last_used: Option<u64>,
}

/// An app that is being set up.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct PendingApp {
    secret: AppSecret,
    /// When the factors had last changed at its start.
    changed: Option<Timestamp>,
}

/// How a set-up ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmed {
    /// The method counts.
    Done,
    /// The code is wrong; the same set-up goes on.
    Wrong,
    /// There is no such set-up: it took too long, was begun elsewhere, or something else changed since.
    Gone,
}

/// The factors of an account; without any: the default.
///
/// # Errors
/// The store's.
pub async fn of(tx: &Tx, user: UserId) -> Result<Factors, StoreError> {
    Ok(tx.get(&FACTORS, &user).await?.unwrap_or_default())
}

pub(super) fn save(tx: &Tx, user: UserId, factors: &Factors) -> Result<(), StoreError> {
    tx.put(&FACTORS, &user, factors)
}

/// The secret of the app that is being set up in `place`, the id of a sign-in or a session; the same one again while it
/// is good, so that a page can be loaded again after it was scanned.
///
/// # Errors
/// The store's.
pub async fn set_up_app(tx: &Tx, rng: &dyn Rng, user: UserId, place: &str) -> Result<AppSecret, StoreError> {
    let changed = of(tx, user).await?.changed;
    let key = (user, place.to_owned());
    if let Some(pending) = tx.get(&PENDING_APPS, &key).await?.filter(|pending| pending.changed == changed) {
        return Ok(pending.secret);
    }
    let pending = PendingApp { secret: AppSecret::random(rng), changed };
    tx.put_until(&PENDING_APPS, &key, &pending, tx.now().plus(SET_UP_WITHIN))?;
    Ok(pending.secret)
}

/// Makes the app that is being set up in `place` count, if `code` is one of it: in place of another app, if there was
/// one, and that one is void. The code is used up. Audited.
///
/// Whether this person may set one up, the caller has looked at.
///
/// # Errors
/// The store's.
pub async fn confirm_app(tx: &Tx, person: &Person<'_>, place: &str, code: &str) -> Result<Confirmed, StoreError> {
    let (user, key) = (person.user.id, (person.user.id, place.to_owned()));
    let mut factors = of(tx, user).await?;
    let pending = tx.get(&PENDING_APPS, &key).await?;
    let Some(pending) = pending.filter(|pending| pending.changed == factors.changed) else {
        return Ok(Confirmed::Gone);
    };
    let Some(step) = matching_step(&pending.secret, code, tx.now(), None) else { return Ok(Confirmed::Wrong) };
    tx.delete(&PENDING_APPS, &key);
    let before = if factors.app.is_some() { "an authenticator app" } else { "" };
    factors.app = Some(App { secret: pending.secret, since: tx.now(), last_used: Some(step) });
    change(tx, person, factors).await?;
    person.audit(tx, "second_factor.app.set", before, "an authenticator app")?;
    Ok(Confirmed::Done)
}

/// Takes the app away; with the last method the recovery codes go, too. Gives whether there was one. Audited.
///
/// # Errors
/// The store's.
pub async fn remove_app(tx: &Tx, person: &Person<'_>) -> Result<bool, StoreError> {
    let mut factors = of(tx, person.user.id).await?;
    if factors.app.take().is_none() {
        return Ok(false);
    }
    change(tx, person, factors).await?;
    person.audit(tx, "second_factor.app.remove", "an authenticator app", "")?;
    Ok(true)
}

/// Writes changed methods: browsers that were trusted by the old ones are no longer, and what else was being set up is
/// void.
pub(super) async fn change(tx: &Tx, person: &Person<'_>, mut factors: Factors) -> Result<(), StoreError> {
    if !factors.any() {
        factors.recovery = RecoveryCodes::default();
    }
    // Later than before, whatever the clock says: it tells one state from another.
    let tick = Duration::from_millis(1);
    factors.changed = Some(factors.changed.map_or(tx.now(), |before| before.plus(tick).max(tx.now())));
    trusted::forget_all(tx, person.user.id).await?;
    save(tx, person.user.id, &factors)
}

/// Ten recovery codes, to be shown once, in place of those that there were. Audited.
///
/// # Errors
/// The store's.
pub async fn new_recovery_codes(tx: &Tx, person: &Person<'_>) -> Result<Vec<Secret<String>>, StoreError> {
    let mut factors = of(tx, person.user.id).await?;
    let before = format!("{} left", factors.recovery.left());
    let (codes, shown) = RecoveryCodes::random(person.rng, tx.now());
    factors.recovery = codes;
    save(tx, person.user.id, &factors)?;
    person.audit(tx, "second_factor.recovery_codes.set", &before, &format!("{} left", shown.len()))?;
    Ok(shown)
}

/// Takes everything away that an account has as second factor, with what is being set up, trusted browsers, and pauses.
/// Gives whether there was a method. The caller audits it.
///
/// # Errors
/// The store's.
pub async fn remove_all(tx: &Tx, user: UserId) -> Result<bool, StoreError> {
    for (key, _) in tx.scan(&PENDING_APPS, &user, None, PENDING_LIMIT).await? {
        tx.delete(&PENDING_APPS, &key);
    }
    sms::forget(tx, user).await?;
    passkeys::forget(tx, user).await?;
    trusted::forget_all(tx, user).await?;
    attempts::forget(tx, user);
    Ok(tx.take(&FACTORS, &user).await?.is_some_and(|factors| factors.any()))
}

/// What is promised of the records.
pub(super) fn checkers() -> Vec<TableChecker> {
    let factors = checker(&FACTORS, async |tx: Tx, id, factors: Factors| {
        if !factors.any() && factors.recovery.left() > 0 {
            return Ok(Some("there are recovery codes without a method".to_owned()));
        }
        of_account(&tx, id).await
    });
    let pending = checker(&PENDING_APPS, async |tx: Tx, (id, _), _: PendingApp| of_account(&tx, id).await);
    vec![factors, pending]
}

pub(super) async fn of_account(tx: &Tx, id: UserId) -> Result<Option<String>, StoreError> {
    let there = user::by_id(tx, id).await?.is_some();
    Ok((!there).then(|| "there is no such account".to_owned()))
}
