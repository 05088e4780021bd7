//! The proof that an IdP vouches for a person, here and now. Only the verifier can make one.

use super::identity::{Attribute, NameId};
use crate::kernel::{EmailAddress, Timestamp};

/// An assertion that passed every check: what sign-in takes, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedAssertion {
    pub(super) assertion_id: String,
    pub(super) issuer: String,
    pub(super) email: EmailAddress,
    pub(super) first_name: Option<String>,
    pub(super) last_name: Option<String>,
    pub(super) name_id: Option<NameId>,
    pub(super) session_index: Option<String>,
    pub(super) authn_instant: Timestamp,
    pub(super) authn_contexts: Vec<String>,
    pub(super) session_not_on_or_after: Option<Timestamp>,
    pub(super) not_on_or_after: Timestamp,
    pub(super) attributes: Vec<Attribute>,
}

impl VerifiedAssertion {
    /// The assertion's ID: used once, by IdP (R32).
    pub fn assertion_id(&self) -> &str {
        &self.assertion_id
    }
    /// The IdP's entity ID, equal to the configured one (R24).
    pub fn issuer(&self) -> &str {
        &self.issuer
    }
    /// The asserted address. That its domain is the organization's is still to be checked (R37).
    pub fn email(&self) -> &EmailAddress {
        &self.email
    }
    /// The given name, for display.
    pub fn first_name(&self) -> Option<&str> {
        self.first_name.as_deref()
    }
    /// The family name, for display.
    pub fn last_name(&self) -> Option<&str> {
        self.last_name.as_deref()
    }
    /// The person's name at the IdP: for logout requests. For links see [`stable_name_id`].
    pub fn name_id(&self) -> Option<&NameId> {
        self.name_id.as_ref()
    }
    /// The IdP's name of its session.
    pub fn session_index(&self) -> Option<&str> {
        self.session_index.as_deref()
    }
    /// When the IdP authenticated the person.
    pub fn authn_instant(&self) -> Timestamp {
        self.authn_instant
    }
    /// How, as class references.
    pub fn authn_contexts(&self) -> &[String] {
        &self.authn_contexts
    }
    /// When the session must end at the latest, if the IdP says so (R28).
    pub fn session_not_on_or_after(&self) -> Option<Timestamp> {
        self.session_not_on_or_after
    }
    /// From when on the assertion would be refused anyway, clock skew included: so long its ID is remembered (R32).
    pub fn not_on_or_after(&self) -> Timestamp {
        self.not_on_or_after
    }
    /// Every attribute, as received.
    pub fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }
}

/// The name that an SSO link may hang on: none if it is absent, transient, or an e-mail address (R40, D4).
pub fn stable_name_id(assertion: &VerifiedAssertion) -> Option<&NameId> {
    assertion.name_id.as_ref().filter(|name_id| name_id.is_stable())
}
