//! Writes the answers of an IdP: a Response with one assertion, or a refusal; signed and encrypted as asked.

use std::time::Duration;

use uppsala::XmlWriter;

use super::encrypt::encrypt_assertion;
use super::people::Person;
use crate::kernel::{Rng, Timestamp};
use crate::saml::authn_request::{ASSERTION, message_id};
use crate::saml::service_provider::PROTOCOL;
use crate::saml::signing::{SigningError, SigningKey};

/// How long an assertion holds.
const LIFETIME: Duration = Duration::from_secs(300);
const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
const RESPONDER: &str = "urn:oasis:names:tc:SAML:2.0:status:Responder";
const AUTHN_FAILED: &str = "urn:oasis:names:tc:SAML:2.0:status:AuthnFailed";
const PERSISTENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";

/// What is signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Signing {
    /// The assertion.
    #[default]
    Assertion,
    /// The response.
    Response,
    /// Both.
    Both,
}

/// How answers are protected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResponseOptions {
    /// What is signed.
    pub signing: Signing,
    /// The service provider's certificate (DER) whose key assertions are encrypted to, if any.
    pub encrypt_to: Option<Vec<u8>>,
}

/// Whom an answer is from, for, and to.
#[derive(Clone, Copy, Debug)]
pub struct Addresses<'a> {
    /// The IdP's entity ID.
    pub issuer: &'a str,
    /// The service provider's ACS.
    pub acs_url: &'a str,
    /// The service provider's entity ID.
    pub audience: &'a str,
    /// The request's ID; `None`: unasked.
    pub in_response_to: Option<&'a str>,
}

/// A response that signs `person` in.
///
/// # Errors
/// [`SigningError`] if it can't be signed or encrypted.
pub fn sign_in(
    addresses: &Addresses<'_>,
    person: &Person,
    options: &ResponseOptions,
    key: &SigningKey,
    now: Timestamp,
    rng: &dyn Rng,
) -> Result<String, SigningError> {
    let id = message_id(rng);
    let mut assertion = write_assertion(addresses, person, &id, now, rng);
    if options.signing != Signing::Response {
        assertion = key.sign_enveloped(&assertion, &id)?;
    }
    if let Some(certificate) = &options.encrypt_to {
        assertion = encrypt_assertion(&assertion, certificate, rng)?;
    }
    let id = message_id(rng);
    let response = write_response(addresses, &id, now, |writer| {
        status(writer, SUCCESS, None);
        writer.raw(&assertion);
    });
    if options.signing == Signing::Assertion { Ok(response) } else { key.sign_enveloped(&response, &id) }
}

/// A signed response that refuses: the person was not signed in.
///
/// # Errors
/// [`SigningError`] if it can't be signed.
pub fn refuse(
    addresses: &Addresses<'_>,
    key: &SigningKey,
    now: Timestamp,
    rng: &dyn Rng,
) -> Result<String, SigningError> {
    let id = message_id(rng);
    let response = write_response(addresses, &id, now, |writer| status(writer, RESPONDER, Some(AUTHN_FAILED)));
    key.sign_enveloped(&response, &id)
}

fn write_response(addresses: &Addresses<'_>, id: &str, now: Timestamp, content: impl FnOnce(&mut XmlWriter)) -> String {
    let issued = now.to_string();
    let mut attributes = vec![
        ("xmlns:samlp", PROTOCOL),
        ("xmlns:saml", ASSERTION),
        ("ID", id),
        ("Version", "2.0"),
        ("IssueInstant", &issued),
        ("Destination", addresses.acs_url),
    ];
    attributes.extend(addresses.in_response_to.map(|request| ("InResponseTo", request)));
    let mut writer = XmlWriter::new();
    writer.start_element("samlp:Response", &attributes);
    text(&mut writer, "saml:Issuer", &[], addresses.issuer);
    content(&mut writer);
    writer.end_element("samlp:Response");
    writer.into_string()
}

fn status(writer: &mut XmlWriter, code: &str, detail: Option<&str>) {
    writer.start_element("samlp:Status", &[]);
    writer.start_element("samlp:StatusCode", &[("Value", code)]);
    if let Some(detail) = detail {
        writer.empty_element("samlp:StatusCode", &[("Value", detail)]);
    }
    writer.end_element("samlp:StatusCode");
    writer.end_element("samlp:Status");
}

fn write_assertion(addresses: &Addresses<'_>, person: &Person, id: &str, now: Timestamp, rng: &dyn Rng) -> String {
    let (issued, until) = (now.to_string(), now.plus(LIFETIME).to_string());
    let session = message_id(rng);
    let mut writer = XmlWriter::new();
    let attributes = [
        ("xmlns:saml", ASSERTION),
        ("xmlns:xs", "http://www.w3.org/2001/XMLSchema"),
        ("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance"),
        ("ID", id),
        ("Version", "2.0"),
        ("IssueInstant", &issued),
    ];
    writer.start_element("saml:Assertion", &attributes);
    text(&mut writer, "saml:Issuer", &[], addresses.issuer);
    writer.start_element("saml:Subject", &[]);
    text(&mut writer, "saml:NameID", &[("Format", PERSISTENT)], person.id);
    let bearer = [("Method", "urn:oasis:names:tc:SAML:2.0:cm:bearer")];
    writer.start_element("saml:SubjectConfirmation", &bearer);
    let mut data = vec![("Recipient", addresses.acs_url), ("NotOnOrAfter", &until)];
    data.extend(addresses.in_response_to.map(|request| ("InResponseTo", request)));
    writer.empty_element("saml:SubjectConfirmationData", &data);
    writer.end_element("saml:SubjectConfirmation");
    writer.end_element("saml:Subject");
    writer.start_element("saml:Conditions", &[("NotBefore", &issued), ("NotOnOrAfter", &until)]);
    writer.start_element("saml:AudienceRestriction", &[]);
    text(&mut writer, "saml:Audience", &[], addresses.audience);
    writer.end_element("saml:AudienceRestriction");
    writer.end_element("saml:Conditions");
    writer.start_element("saml:AuthnStatement", &[("AuthnInstant", &issued), ("SessionIndex", &session)]);
    writer.start_element("saml:AuthnContext", &[]);
    let class = "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified";
    text(&mut writer, "saml:AuthnContextClassRef", &[], class);
    writer.end_element("saml:AuthnContext");
    writer.end_element("saml:AuthnStatement");
    writer.start_element("saml:AttributeStatement", &[]);
    for (name, value) in [("email", person.email), ("firstName", person.first_name), ("lastName", person.last_name)] {
        let format = "urn:oasis:names:tc:SAML:2.0:attrname-format:basic";
        writer.start_element("saml:Attribute", &[("Name", name), ("NameFormat", format)]);
        text(&mut writer, "saml:AttributeValue", &[("xsi:type", "xs:string")], value);
        writer.end_element("saml:Attribute");
    }
    writer.end_element("saml:AttributeStatement");
    writer.end_element("saml:Assertion");
    writer.into_string()
}

fn text(writer: &mut XmlWriter, name: &str, attributes: &[(&str, &str)], text: &str) {
    writer.start_element(name, attributes);
    writer.text(text);
    writer.end_element(name);
}
