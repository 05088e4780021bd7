//! SAML 2.0.
