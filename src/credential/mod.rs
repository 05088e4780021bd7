//! How people show who they are without an identity provider: passwords and their hashing, how often they may try, and
//! invitations by mail.
//!
//! The records are the directory's ([`directory::password`](crate::directory::password)); which organization takes
//! which way is decided where people sign in.

mod attempts;
mod common;
mod hash;
mod hasher;
pub mod invitation;
pub mod invitation_limit;
mod policy;

pub use attempts::{Attempt, TRIES_OF_A_NETWORK, Verdict, failed, reserve, succeeded};
pub use hash::{Cost, PasswordHash};
pub use hasher::{Busy, Hasher, Verified};
pub use policy::{Policy, Weakness};

use crate::store::TableChecker;

/// What is promised of this room's records.
pub fn checkers() -> Vec<TableChecker> {
    let mut all = attempts::checkers();
    all.extend(invitation_limit::checkers());
    all
}
