//! A phone as second factor: it counts once a code that was sent to it came back.

use serde::{Deserialize, Serialize};

use super::factors::{self, Confirmed};
use super::person::Person;
use super::sms::{self, PhoneNumber, Proven};
use crate::kernel::Timestamp;
use crate::store::{StoreError, Tx};

/// A phone that gets codes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phone {
    /// Its number.
    pub number: PhoneNumber,
    /// Since when it counts.
    pub since: Timestamp,
}

/// Makes the number count to which a code was sent from `place`, if `code` is that one: in place of another number, if
/// there was one. The code is used up. Audited.
///
/// Whether this person may set one up, the caller has looked at. Whatever the answer, the caller's transaction has to be
/// committed: wrong ones are counted in it.
///
/// # Errors
/// The store's.
pub async fn confirm(tx: &Tx, person: &Person<'_>, place: &str, code: &str) -> Result<Confirmed, StoreError> {
    let mut factors = factors::of(tx, person.user.id).await?;
    let number = match sms::prove(tx, person.user.id, place, factors.changed, code).await? {
        Proven::Yes(number) => number,
        Proven::Wrong => return Ok(Confirmed::Wrong),
        Proven::Gone => return Ok(Confirmed::Gone),
    };
    let before = factors.phone.as_ref().map(|phone| told(&phone.number)).unwrap_or_default();
    let after = told(&number);
    factors.phone = Some(Phone { number, since: tx.now() });
    factors::change(tx, person, factors).await?;
    person.audit(tx, "second_factor.phone.set", &before, &after)?;
    Ok(Confirmed::Done)
}

/// Takes the phone away; with the last method the recovery codes go, too. Gives whether there was one. Audited.
///
/// # Errors
/// The store's.
pub async fn remove(tx: &Tx, person: &Person<'_>) -> Result<bool, StoreError> {
    let mut factors = factors::of(tx, person.user.id).await?;
    let Some(phone) = factors.phone.take() else { return Ok(false) };
    factors::change(tx, person, factors).await?;
    person.audit(tx, "second_factor.phone.remove", &told(&phone.number), "")?;
    Ok(true)
}

fn told(number: &PhoneNumber) -> String {
    format!("a phone whose number ends in {}", number.ending())
}
