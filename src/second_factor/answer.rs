//! The one place where an answer to the second factor is looked at.

use std::fmt;

use super::attempts::{self, Guarded, Ticket};
use super::passkeys::RelyingParty;
use super::person::Person;
use super::totp::matching_step;
use super::{factors, sms};
use crate::store::{StoreError, Tx};

/// What a person answers. It doesn't print what they typed.
#[derive(Clone, Copy)]
pub enum Answer<'a> {
    /// A code of the authenticator app.
    App(&'a str),
    /// A code that was sent by SMS.
    Sms {
        /// The sign-in or session that asked for it.
        place: &'a str,
        /// The code.
        code: &'a str,
    },
    /// What a browser says for a passkey.
    Passkey {
        /// The sign-in or session in which it was asked for.
        place: &'a str,
        /// The browser's answer, as JSON.
        response: &'a str,
        /// This site.
        party: &'a RelyingParty,
    },
    /// A recovery code.
    Recovery(&'a str),
}

impl Answer<'_> {
    /// What pauses when such answers are wrong.
    pub const fn guarded(&self) -> Guarded {
        match self {
            Answer::App(_) | Answer::Sms { .. } => Guarded::Codes,
            Answer::Passkey { .. } => Guarded::Passkeys,
            Answer::Recovery(_) => Guarded::Recovery,
        }
    }
}

impl fmt::Debug for Answer<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Answer({:?})", self.guarded())
    }
}

/// By what a second factor was shown; what apps are told of it (`amr`) is the session's to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactorMethod {
    /// A code of the authenticator app.
    App,
    /// A code by SMS.
    Sms,
    /// A passkey or a security key.
    Passkey,
    /// A recovery code.
    Recovery,
}

/// A right answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Right {
    /// By what.
    pub method: FactorMethod,
    /// How many recovery codes are left.
    pub recovery_left: usize,
}

/// What an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Right: it is used up, in this transaction.
    Right(Right),
    /// Wrong, or right once and used since.
    Wrong,
}

/// Looks at an answer whose attempt was reserved. What makes it right is used up in `tx`, so that it can't be without
/// the answer counting, nor the answer count without it: make the session in the same transaction.
///
/// A ticket of another account, or for another kind of answer, makes it wrong.
///
/// # Errors
/// The store's.
pub async fn answer(tx: &Tx, person: &Person<'_>, ticket: &Ticket, answer: Answer<'_>) -> Result<Verdict, StoreError> {
    if ticket.user != person.user.id || ticket.guarded != answer.guarded() {
        return Ok(Verdict::Wrong);
    }
    let mut factors = factors::of(tx, ticket.user).await?;
    let method = match answer {
        Answer::App(code) => {
            let Some(app) = &mut factors.app else { return Ok(Verdict::Wrong) };
            let Some(step) = matching_step(&app.secret, code, tx.now(), app.last_used) else {
                return Ok(Verdict::Wrong);
            };
            app.last_used = Some(step);
            FactorMethod::App
        }
        Answer::Sms { place, code } => {
            let Some(phone) = &factors.phone else { return Ok(Verdict::Wrong) };
            if !sms::take(tx, ticket.user, place, &phone.number, code).await? {
                return Ok(Verdict::Wrong);
            }
            FactorMethod::Sms
        }
        Answer::Passkey { place, response, party } => {
            if !party.is_right(tx, ticket.user, place, (&mut factors, response)).await? {
                return Ok(Verdict::Wrong);
            }
            FactorMethod::Passkey
        }
        Answer::Recovery(code) => {
            if !factors.recovery.take(code) {
                return Ok(Verdict::Wrong);
            }
            let left = format!("{} left", factors.recovery.left());
            person.audit(tx, "second_factor.recovery_code.use", "", &left)?;
            FactorMethod::Recovery
        }
    };
    factors::save(tx, ticket.user, &factors)?;
    attempts::succeeded(tx, ticket).await?;
    Ok(Verdict::Right(Right { method, recovery_left: factors.recovery.left() }))
}
