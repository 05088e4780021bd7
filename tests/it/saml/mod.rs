//! The verifier, held against what IdPs send and what attackers make of it.

pub mod draft;
pub mod forge;
pub mod world;

mod accepted;
mod claims;
mod dialects;
mod encryption;
mod expiry;
mod marked;
mod mutated;
mod parsing;
mod signatures;
mod wrapping;
