//! A response in the making: an ordinary one, until a test changes a part of it.

use super::forge::{Sealing, Signing, encrypted, signed, source};
use super::world::{ACS, ENTITY_ID, IDP, REQUEST};

/// The parts of a response, each as it will stand in the XML.
#[derive(Clone)]
pub struct Draft {
    pub response_attributes: String,
    pub response_issuer: String,
    pub status: String,
    pub assertion_attributes: String,
    pub assertion_issuer: String,
    pub name_id: String,
    pub confirmation: String,
    pub conditions: String,
    pub authn: String,
    pub attributes: String,
    pub sign_response: Option<Signing>,
    pub sign_assertion: Option<Signing>,
    pub encrypt: Option<Sealing>,
}

pub const ADA: &str = "ada@acme.example";

pub fn attribute(name: &str, value: &str) -> String {
    format!("<saml:Attribute Name=\"{name}\"><saml:AttributeValue>{value}</saml:AttributeValue></saml:Attribute>")
}

pub fn confirmation(data: &str) -> String {
    format!(
        "<saml:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\"><saml:SubjectConfirmationData {data}/>\
         </saml:SubjectConfirmation>"
    )
}

pub fn audience(entity_id: &str) -> String {
    format!("<saml:AudienceRestriction><saml:Audience>{entity_id}</saml:Audience></saml:AudienceRestriction>")
}

pub fn conditions(inside: &str) -> String {
    format!(
        "<saml:Conditions NotBefore=\"2026-11-22T11:55:00Z\" NotOnOrAfter=\"2026-11-22T12:05:00Z\">{inside}\
         </saml:Conditions>"
    )
}

pub fn issuer(entity_id: &str) -> String {
    format!("<saml:Issuer>{entity_id}</saml:Issuer>")
}

impl Default for Draft {
    fn default() -> Self {
        Draft {
            response_attributes: format!(
                "ID=\"_r1\" Version=\"2.0\" IssueInstant=\"2026-11-22T11:59:58Z\" Destination=\"{ACS}\" \
                 InResponseTo=\"{REQUEST}\""
            ),
            response_issuer: issuer(IDP),
            status:
                "<samlp:Status><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/></samlp:Status>"
                    .into(),
            assertion_attributes: "ID=\"_a1\" Version=\"2.0\" IssueInstant=\"2026-11-22T11:59:58Z\"".into(),
            assertion_issuer: issuer(IDP),
            name_id:
                "<saml:NameID Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\">00u-ada</saml:NameID>"
                    .into(),
            confirmation: confirmation(&format!(
                "InResponseTo=\"{REQUEST}\" NotOnOrAfter=\"2026-11-22T12:05:00Z\" Recipient=\"{ACS}\""
            )),
            conditions: conditions(&audience(ENTITY_ID)),
            authn:
                "<saml:AuthnStatement AuthnInstant=\"2026-11-22T11:59:50Z\" SessionIndex=\"_s1\"><saml:AuthnContext>\
                    <saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport\
                    </saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>"
                    .into(),
            attributes: format!(
                "<saml:AttributeStatement>{}{}{}</saml:AttributeStatement>",
                attribute("email", ADA),
                attribute("firstName", "Ada"),
                attribute("lastName", "Lovelace")
            ),
            sign_response: None,
            sign_assertion: Some(Signing::default()),
            encrypt: None,
        }
    }
}

impl Draft {
    /// Signed as a whole, not the assertion.
    pub fn response_signed() -> Self {
        Draft { sign_response: Some(Signing::default()), sign_assertion: None, ..Draft::default() }
    }

    /// Signed both ways.
    pub fn both_signed() -> Self {
        Draft { sign_response: Some(Signing::default()), ..Draft::default() }
    }

    /// Changed by `change`.
    pub fn with(mut self, change: impl FnOnce(&mut Draft)) -> Self {
        change(&mut self);
        self
    }

    /// The assertion, unsigned, with the namespace that it needs.
    pub fn assertion(&self) -> String {
        format!(
            "<saml:Assertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" {}>{}<saml:Subject>{}{}</saml:Subject>{}{}{}\
             </saml:Assertion>",
            self.assertion_attributes,
            self.assertion_issuer,
            self.name_id,
            self.confirmation,
            self.conditions,
            self.authn,
            self.attributes
        )
    }

    /// A response around whatever content, unsigned.
    pub fn around(&self, content: &str) -> String {
        format!(
            "<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
             xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" {}>{}{}{content}</samlp:Response>",
            self.response_attributes, self.response_issuer, self.status
        )
    }

    /// The finished message: the assertion signed in its place, then encrypted, then the whole signed.
    pub fn xml(&self) -> String {
        let mut xml = self.around(&self.assertion());
        if let Some(signing) = &self.sign_assertion {
            xml = signed(&xml, "_a1", signing);
        }
        if let Some(sealing) = &self.encrypt {
            let plain = source(&xml, "_a1");
            xml = xml.replace(&plain, &encrypted(&plain, sealing));
        }
        if let Some(signing) = &self.sign_response {
            xml = signed(&xml, "_r1", signing);
        }
        xml
    }
}
