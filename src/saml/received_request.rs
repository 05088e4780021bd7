//! An AuthnRequest as an IdP reads it: for the demo's own IdP, and for tests of what we send.

use super::document::{ASSERTION, PROTOCOL, parse};
use super::error::{SamlError, shown};

/// What an IdP needs of a request. Nothing in it is verified: the IdP answers only to an address that it knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedRequest {
    /// Its ID: the answer's `InResponseTo`.
    pub id: String,
    /// The service provider's entity ID.
    pub issuer: String,
    /// Where the answer is wanted, if it says so.
    pub acs_url: Option<String>,
    /// Where it was sent to, if it says so.
    pub destination: Option<String>,
}

impl ReceivedRequest {
    /// Reads a request: bounded, without document types (R2, R7).
    ///
    /// # Errors
    /// [`SamlError`] if it is not an `AuthnRequest` with an ID and an issuer.
    pub fn parse(xml: &[u8]) -> Result<Self, SamlError> {
        let tree = parse(xml)?;
        if !tree.is(tree.root, PROTOCOL, "AuthnRequest") {
            return Err(SamlError::Structure(format!("its root is {}", shown(tree.name(tree.root).1))));
        }
        let issuer = tree.only(tree.root, ASSERTION, "Issuer")?;
        let issuer = issuer.ok_or_else(|| SamlError::Structure("an AuthnRequest without Issuer".to_owned()))?;
        let attribute = |name| tree.attribute(tree.root, name).map(str::to_owned);
        Ok(ReceivedRequest {
            id: attribute("ID").ok_or_else(|| SamlError::Structure("an AuthnRequest without ID".to_owned()))?,
            issuer: tree.text(issuer)?,
            acs_url: attribute("AssertionConsumerServiceURL"),
            destination: attribute("Destination"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::sso::SsoSettings;
    use crate::kernel::{SeededRng, Timestamp};
    use crate::saml::authn_request::AuthnRequest;
    use crate::saml::service_provider::ServiceProvider;

    #[test]
    fn what_we_send_is_read_back() {
        let settings = SsoSettings::new("idp", "https://idp.example/sso", Timestamp::EPOCH);
        let (provider, slug) = (ServiceProvider::new("https://app.example"), "acme".parse().expect("a slug"));
        let sent = AuthnRequest::new(&settings, &provider, &slug, Timestamp::EPOCH, &SeededRng::new(1));
        let read = ReceivedRequest::parse(sent.xml().as_bytes()).expect("a request");
        let expected = ReceivedRequest {
            id: sent.id,
            issuer: provider.entity_id(&slug),
            acs_url: Some(provider.acs_url(&slug)),
            destination: Some("https://idp.example/sso".to_owned()),
        };
        assert_eq!(read, expected);
    }

    #[test]
    fn what_is_no_request_is_refused() {
        let open = format!("<p:AuthnRequest xmlns:p=\"{PROTOCOL}\" xmlns:a=\"{ASSERTION}\"");
        for wrong in [
            "<AuthnRequest/>".to_owned(),
            format!("{open} ID=\"_1\"/>"),
            format!("{open}><a:Issuer>x</a:Issuer></p:AuthnRequest>"),
            format!("{open} ID=\"_1\"><a:Issuer>x</a:Issuer><a:Issuer>y</a:Issuer></p:AuthnRequest>"),
            format!("<!DOCTYPE x>{open} ID=\"_1\"><a:Issuer>x</a:Issuer></p:AuthnRequest>"),
        ] {
            assert!(ReceivedRequest::parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
