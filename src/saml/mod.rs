//! SAML 2.0, the service provider's side: the strict verifier of responses, and what goes to the IdP.
//!
//! In reading order of a response's way: `response` decides; `prescan`, `document`, `hygiene` and `structure` refuse what
//! has not the one shape; `signature` (with `signature_parts`, `algorithms`, `provider`) verifies; `decrypt` opens;
//! `conditions` and `identity` read what is covered; `second_word` may still refuse. `error` and `advice` say why.
//! Going out: `authn_request` by `redirect` or form, `service_provider` (metadata), `keys` and `signing`.
//! `marked` shows a message to people. What administrators upload: `certificate` (told apart by `upload`) and `metadata`, which
//! `fetch` reads at its address; `expiry` warns before it ends.

mod advice;
mod algorithms;
pub mod authn_request;
mod base64;
pub mod certificate;
pub mod checks;
mod conditions;
mod decrypt;
mod document;
pub mod error;
pub mod expiry;
pub mod fetch;
mod hygiene;
mod identity;
mod instant;
pub mod keys;
mod marked;
pub mod metadata;
mod prescan;
mod provider;
pub mod received_request;
pub mod redirect;
pub mod response;
mod second_word;
pub mod service_provider;
mod signature;
mod signature_parts;
pub mod signing;
mod structure;
mod upload;
mod verified;

pub use checks::{Check, CheckName};
pub use decrypt::DecryptionKey;
pub use error::SamlError;
pub use identity::{Attribute, NameId};
pub use provider::IdentityProvider;
pub use response::{Expected, Facts, Peek, UnverifiedResponse, Verdict};
pub use verified::{VerifiedAssertion, stable_name_id};
