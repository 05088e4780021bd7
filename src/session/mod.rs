//! Sessions: a sealed cookie that names a person, the memory of those that were ended, and what the app is told.
//!
//! The gate's path through this room ([`Sessions::authenticate`]) does no I/O and takes no lock: open the cookie, look
//! into the revocations, take the facts from the cache. [`Sessions::follow`] keeps both true by the change feed.

pub mod assertion;
pub mod cookie;
pub mod error;
pub mod facts;
mod follow;
pub mod half;
pub mod keys;
pub mod operator;
pub mod records;
pub mod revocation;
pub mod sessions;
pub mod token;
mod within;

pub use assertion::Audience;
pub use cookie::{CookieForm, Stripped, sets_reserved};
pub use error::SessionError;
pub use facts::{Facts, OrganizationFacts, team_key};
pub use half::{HalfId, HalfSession};
pub use records::{Scope, SessionRecord};
pub use revocation::Wakes;
pub use sessions::{Authentication, FEED_BOUND, NewSession, SessionSettings, SessionStart, Sessions, SignedIn};
pub use token::{LONGEST_SESSION, Method, SecondFactor, SecondMethod, SessionToken};
pub use within::is_within;

use crate::store::TableChecker;

/// What this room promises of its records, for [`check_store`](crate::store::check_store).
pub fn checkers() -> Vec<TableChecker> {
    let mut all = records::checkers();
    all.extend(keys::checkers());
    all.extend(half::checkers());
    all.extend(operator::checkers());
    all
}
