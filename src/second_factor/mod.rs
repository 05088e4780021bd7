//! The second factor: an authenticator app, codes by SMS, recovery codes, how often they may be tried, browsers that are trusted.
//!
//! Who is asked for one, when, is decided where people sign in. An answer is given in two steps: [`reserve`] counts it
//! as wrong, in a transaction of its own; [`answer()`], in the caller's, looks at it and takes that back if it is right.

mod answer;
mod attempts;
pub mod factors;
pub mod passkeys;
mod person;
pub mod phone;
mod recovery;
pub mod sms;
mod totp;
pub mod trusted;

pub use answer::{Answer, FactorMethod, Right, Verdict, answer};
pub use attempts::{Guarded, Reserved, Ticket, pause, reserve};
pub use factors::{App, Confirmed, Factors};
pub use passkeys::{NamedKey, NoPasskeys, RelyingParty};
pub use person::Person;
pub use phone::Phone;
pub use recovery::{CODES, RecoveryCodes};
pub use sms::{PhoneNumber, Sms, SmsSettings};
pub use totp::{AppSecret, matching_step};
pub use trusted::TrustedBrowser;

use crate::store::TableChecker;

/// What the room promises of each of its records, for [`check_store`](crate::store::check_store).
pub fn checkers() -> Vec<TableChecker> {
    let mut all = factors::checkers();
    all.extend(attempts::checkers());
    all.extend(sms::checkers());
    all.extend(passkeys::checkers());
    all.extend(trusted::checkers());
    all
}

#[cfg(test)]
mod factor_tests;
