//! SAML 2.0: what goes out (metadata, requests), what an administrator uploads, and the strict verifier of what comes in.

pub mod authn_request;
pub mod keys;
pub mod redirect;
pub mod service_provider;
pub mod signing;
