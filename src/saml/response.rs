//! A response from the browser, and the one way to make it a [`VerifiedAssertion`] (R1): prescan, parse once, shape,
//! signature, decryption, our own checks, identity, the second word.

use uppsala::NodeId;

use super::base64::decode;
use super::checks::{Check, CheckName, Checks};
use super::conditions::{self, Message, Times};
use super::decrypt::{self, DecryptionKey};
use super::document::{ASSERTION, Tree, parse};
use super::error::{SamlError, shown};
use super::identity::{self, Subject};
use super::marked::marked;
use super::prescan::MESSAGE_LIMIT;
use super::provider::{IdentityProvider, TrustedKey};
use super::second_word::{self, Accepted, Signed};
use super::signature::{self, Covered};
use super::structure::{self, AssertionShape, Content, ResponseShape};
use super::verified::VerifiedAssertion;
use crate::directory::LoginMessage;
use crate::kernel::Timestamp;

/// The longest form field, in bytes of base64, white space included (R7).
pub const FORM_FIELD_LIMIT: usize = MESSAGE_LIMIT / 3 * 4 + MESSAGE_LIMIT / 8;

/// A response as it came: bytes that nobody trusts.
#[derive(Clone)]
pub struct UnverifiedResponse {
    bytes: Vec<u8>,
}

/// What a response is checked against. All of it comes from the pending request and the configuration, nothing from the
/// message (R35).
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The IdP of the connection whose ACS was called.
    pub connection: &'a IdentityProvider,
    /// Our entity ID for that organization.
    pub entity_id: &'a str,
    /// Our ACS URL for that organization, as browsers see it.
    pub acs_url: &'a str,
    /// The pending request that the message claims to answer. `None`: nothing is pending, and the message is refused,
    /// unless it claims none, and answers that nobody asked for are taken.
    pub in_response_to: Option<&'a str>,
    /// Answers that nobody asked for are taken (R46).
    pub unsolicited: bool,
    /// Our keys, current and next (R23).
    pub decryption_keys: &'a [DecryptionKey],
}

/// What came of verifying.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// Each check that was made, in order.
    pub checks: Vec<Check>,
    /// The proof, or the reason of the refusal.
    pub outcome: Result<VerifiedAssertion, SamlError>,
    /// What else the log should hold.
    pub facts: Facts,
}

/// Facts for the sign-in log. Untrusted if the outcome is a refusal; cut and printable; without personal values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The `Issuer` of the Response or the Assertion.
    pub issuer: Option<String>,
    /// The `ID` of the Response.
    pub response_id: Option<String>,
    /// The `ID` of the Assertion.
    pub assertion_id: Option<String>,
    /// The names of the attributes.
    pub attribute_names: Vec<String>,
    /// SHA-256 of the configured certificate whose key verified.
    pub certificate_sha256: Option<String>,
    /// Whether the assertion came encrypted.
    pub encrypted: bool,
}

/// What a message says of itself, to find the pending request and for logs. Nothing of it may be trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peek {
    /// The request that it claims to answer.
    pub in_response_to: Option<String>,
    /// The issuer that it names.
    pub issuer: Option<String>,
}

impl UnverifiedResponse {
    /// Decodes the form field `SAMLResponse`: base64, white space allowed, never inflated (R8).
    ///
    /// # Errors
    /// [`SamlError::TooLarge`] or [`SamlError::Malformed`].
    pub fn from_form_field(text: &str) -> Result<Self, SamlError> {
        if text.len() > FORM_FIELD_LIMIT {
            return Err(SamlError::TooLarge { what: "bytes", limit: MESSAGE_LIMIT });
        }
        let bytes = decode(text).ok_or_else(|| SamlError::Malformed("SAMLResponse is not base64".into()))?;
        Ok(UnverifiedResponse { bytes })
    }

    /// Takes the XML itself: for a message that was saved to a file.
    pub fn from_xml(xml: &[u8]) -> Self {
        UnverifiedResponse { bytes: xml.to_vec() }
    }

    /// What the message says of itself.
    pub fn peek(&self) -> Option<Peek> {
        let tree = parse(&self.bytes).ok()?;
        let named = tree.attribute(tree.root, "InResponseTo").map(str::to_owned);
        let data = || tree.walk().find(|node| tree.is(*node, ASSERTION, "SubjectConfirmationData"));
        let in_response_to = named.or_else(|| tree.attribute(data()?, "InResponseTo").map(str::to_owned));
        Some(Peek { in_response_to, issuer: issuer_of(&tree, tree.root) })
    }

    /// The message for people to look at: nothing in it can be used again. `None`: it is not XML that is read.
    pub fn to_show(&self) -> Option<LoginMessage> {
        marked(&self.bytes)
    }

    /// Verifies the message. Pure: no network, no file, no clock; never panics.
    pub fn verify(&self, expected: &Expected<'_>, now: Timestamp) -> Verdict {
        let mut trial = Trial { expected, now, checks: Checks::default(), facts: Facts::default() };
        let outcome = trial.run(&self.bytes);
        Verdict { checks: trial.checks.list, outcome, facts: trial.facts }
    }
}

fn issuer_of(tree: &Tree<'_>, node: NodeId) -> Option<String> {
    let issuer = tree.named(node, ASSERTION, "Issuer").next()?;
    tree.text(issuer).ok().map(|text| shown(&text))
}

/// One message on its way through the checks.
struct Trial<'e> {
    expected: &'e Expected<'e>,
    now: Timestamp,
    checks: Checks,
    facts: Facts,
}

/// The keys whose signatures held: none, where there is no signature.
struct Evidence<'e> {
    outer: Vec<&'e TrustedKey>,
    /// Those of the decrypted assertion, if it was decrypted.
    decrypted: Option<Vec<&'e TrustedKey>>,
}

impl<'e> Trial<'e> {
    fn run(&mut self, bytes: &[u8]) -> Result<VerifiedAssertion, SamlError> {
        let size = format!("{} bytes", bytes.len());
        let outer =
            self.checks.step(CheckName::WellFormed, "one XML document", parse(bytes).map(|tree| (tree, size)))?;
        self.facts.issuer = issuer_of(&outer, outer.root);
        self.facts.response_id = outer.attribute(outer.root, "ID").map(shown);
        let shape = structure::response(&outer).map(|shape| {
            let told =
                if shape.content.is_some() { "one response with one assertion" } else { "one response, no assertion" };
            (shape, told.to_owned())
        });
        let shape = self.checks.step(CheckName::Structure, "a Response with one Assertion", shape)?;
        self.checks.step(CheckName::Status, "Success", conditions::status(&outer))?;
        let ResponseShape { signature, content } = shape;
        let content = content.ok_or_else(|| SamlError::Structure("a successful Response without Assertion".into()));
        let content = content.map(|content| {
            let told = if matches!(content, Content::Plain(_)) { "in the clear" } else { "encrypted" };
            (content, format!("one assertion, {told}"))
        });
        match self.checks.step(CheckName::Structure, "an Assertion", content)? {
            Content::Plain(assertion) => self.plain(&outer, signature, assertion),
            Content::Encrypted(node) => self.encrypted(&outer, signature, node),
        }
    }

    /// An assertion in the clear: it or the whole Response must be signed.
    fn plain(
        &mut self,
        outer: &Tree<'_>,
        signature: Option<NodeId>,
        assertion: AssertionShape,
    ) -> Result<VerifiedAssertion, SamlError> {
        self.facts.assertion_id = outer.attribute(assertion.node, "ID").map(shown);
        let signatures: Vec<NodeId> = signature.into_iter().chain(assertion.signature).collect();
        let covered = self.signatures(outer, &signatures)?;
        let response_signed = covered.covers(outer.root);
        if !response_signed && !covered.covers(assertion.node) {
            return self.checks.step(CheckName::Signature, "Response or Assertion signed", Err(SamlError::NotSigned));
        }
        if self.expected.connection.settings().require_encryption {
            return self.checks.step(CheckName::Encryption, "an encrypted Assertion", Err(SamlError::NotEncrypted));
        }
        let message = Message { outer, response_signed, inner: outer, assertion: assertion.node };
        self.judge(&message, &Evidence { outer: covered.keys, decrypted: None })
    }

    /// An encrypted assertion: the Response's signature is verified first, on the tree as it came (R20, R21).
    fn encrypted(
        &mut self,
        outer: &Tree<'_>,
        signature: Option<NodeId>,
        node: NodeId,
    ) -> Result<VerifiedAssertion, SamlError> {
        self.facts.encrypted = true;
        let signatures: Vec<NodeId> = signature.into_iter().collect();
        let covering = self.signatures(outer, &signatures)?;
        let response_signed = covering.covers(outer.root);
        let opened =
            decrypt::open(outer, node, self.expected.decryption_keys).map(|text| (text, "decrypted".to_owned()));
        let text = self.checks.step(CheckName::Encryption, "encrypted to our key", opened)?;
        let inner = self.checks.step(CheckName::Encryption, "one Assertion", noise(parse(text.as_bytes())))?;
        let assertion = noise(structure::lone_assertion(&inner));
        let assertion = self.checks.step(CheckName::Encryption, "one Assertion", assertion)?;
        self.facts.assertion_id = inner.attribute(assertion.node, "ID").map(shown);
        let signatures: Vec<NodeId> = assertion.signature.into_iter().collect();
        let covered = self.signatures(&inner, &signatures)?;
        if !response_signed && !covered.covers(assertion.node) {
            return self.checks.step(CheckName::Signature, "Response or Assertion signed", Err(SamlError::NotSigned));
        }
        let message = Message { outer, response_signed, inner: &inner, assertion: assertion.node };
        self.judge(&message, &Evidence { outer: covering.keys, decrypted: Some(covered.keys) })
    }

    /// Verifies the signatures of one tree and writes down whose key it was.
    fn signatures(&mut self, tree: &Tree<'_>, signatures: &[NodeId]) -> Result<Covered<'e>, SamlError> {
        if signatures.is_empty() {
            return Ok(Covered::default());
        }
        let covered = signature::verify(tree, signatures, self.expected.connection).map(|covered| {
            let names: Vec<&str> = covered.keys.iter().map(|key| key.sha256.as_str()).collect();
            let text = format!("certificate {}", names.join(", "));
            (covered, text)
        });
        let covered = self.checks.step(CheckName::Signature, "a configured certificate", covered)?;
        self.facts.certificate_sha256 = covered.keys.last().map(|key| key.sha256.clone());
        Ok(covered)
    }

    /// Everything after the signatures.
    fn judge(&mut self, message: &Message<'_, '_>, evidence: &Evidence<'_>) -> Result<VerifiedAssertion, SamlError> {
        let settings = self.expected.connection.settings();
        let subject =
            identity::read(message.inner, message.assertion).map(|subject| (subject, "one subject".to_owned()));
        let subject = self.checks.step(CheckName::Structure, "a subject", subject)?;
        self.facts.issuer = Some(shown(&subject.issuer));
        self.facts.attribute_names = identity::names_received(&subject);
        let times = conditions::check(message, self.expected, self.now, &mut self.checks)?;
        let email = identity::email(&subject, &settings.attributes).map(|email| (email.clone(), email.to_string()));
        let email = self.checks.step(CheckName::Email, "one e-mail address", email)?;
        let accepted = Accepted {
            outer: Signed { tree: message.outer, keys: &evidence.outer },
            decrypted: evidence.decrypted.as_ref().map(|keys| Signed { tree: message.inner, keys }),
            subject: &subject,
        };
        let second = second_word::confirm(&accepted, self.expected.connection);
        self.checks.step(CheckName::SecondVerifier, "the same subject", second)?;
        let names = identity::names(&subject, &settings.attributes);
        Ok(verified(subject, email, names, &times))
    }
}

/// What comes out of a wrong key or a changed cipher is noise: one error, whatever it looks like (R22).
fn noise<T>(read: Result<T, SamlError>) -> Result<(T, String), SamlError> {
    let failed = |_| SamlError::DecryptFailed("what it holds is not one assertion".into());
    read.map(|read| (read, "one assertion".to_owned())).map_err(failed)
}

fn verified(
    subject: Subject,
    email: crate::kernel::EmailAddress,
    (first_name, last_name): (Option<String>, Option<String>),
    times: &Times,
) -> VerifiedAssertion {
    VerifiedAssertion {
        assertion_id: subject.assertion_id,
        issuer: subject.issuer,
        email,
        first_name,
        last_name,
        name_id: subject.name_id,
        session_index: subject.session_index,
        authn_instant: times.authn_instant.unwrap_or(Timestamp::EPOCH),
        authn_contexts: subject.authn_contexts,
        session_not_on_or_after: times.session_end,
        not_on_or_after: times.assertion_end.unwrap_or(Timestamp::MAX),
        attributes: subject.attributes,
    }
}
