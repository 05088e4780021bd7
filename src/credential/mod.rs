//! How people show who they are without an identity provider: passwords and their hashing, and how often they may try.
//!
//! The records are the directory's ([`directory::password`](crate::directory::password)); which organization takes
//! which way is decided where people sign in.

mod attempts;
mod common;
mod hash;
mod hasher;
pub mod invitation;
mod policy;

pub use attempts::{Attempt, TRIES_OF_A_NETWORK, Verdict, checkers, failed, reserve, succeeded};
pub use hash::{Cost, PasswordHash};
pub use hasher::{Busy, Hasher, Verified};
pub use policy::{Policy, Weakness};
