//! Signs with RSA-SHA256: raw bytes for the Redirect binding, enveloped XML signatures for everything else (R45).

use std::borrow::Cow;
use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bergshamra::c14n::{C14nMode, canonicalize_doc};
use uppsala::Document;

use crate::kernel::{Explain, FaultKind, Secret};

/// The signature algorithm that is written: RSA-SHA256 (R13, R45).
pub const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
/// The namespace of XML signatures.
pub const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
const SHA_256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
const EXCLUSIVE_C14N: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";

/// An RSA private key with the certificate that tells others its public half.
pub struct SigningKey {
    rsa: RsaKeyPair,
    pkcs8: Secret<Vec<u8>>,
    certificate: Vec<u8>,
}

/// Signing failed: never for what a stranger sent, always for something of ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SigningError {
    /// The private key is not an RSA key in PKCS#8.
    #[error("the private key is not an RSA key in PKCS#8 form")]
    Key,
    /// The key refused to sign, or to be made.
    #[error("the RSA key could not be made or used: {0}")]
    Crypto(&'static str),
    /// The document to sign is not as it must be.
    #[error("the document can't be signed: {0}")]
    Document(String),
}

impl Explain for SigningError {
    fn kind(&self) -> FaultKind {
        FaultKind::Internal
    }
    fn public(&self) -> Cow<'static, str> {
        Cow::Borrowed("The sign-in request could not be signed. Please tell whoever runs this service.")
    }
    fn detail(&self) -> String {
        self.to_string()
    }
}

impl SigningKey {
    /// A key from its PKCS#8 DER and the DER of its certificate.
    ///
    /// # Errors
    /// [`SigningError::Key`] if it is no RSA key.
    pub fn new(pkcs8: Secret<Vec<u8>>, certificate: Vec<u8>) -> Result<Self, SigningError> {
        let rsa = RsaKeyPair::from_pkcs8(pkcs8.expose()).map_err(|_| SigningError::Key)?;
        Ok(SigningKey { rsa, pkcs8, certificate })
    }

    /// The private key, PKCS#8 DER. Never log it.
    pub const fn pkcs8(&self) -> &Secret<Vec<u8>> {
        &self.pkcs8
    }

    /// The certificate, DER.
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// The certificate, DER as base64 in one line: what `ds:X509Certificate` holds.
    pub fn certificate_base64(&self) -> String {
        BASE64.encode(&self.certificate)
    }

    /// The RSA-SHA256 (PKCS#1 v1.5) signature of `message`.
    ///
    /// # Errors
    /// [`SigningError::Crypto`] if the key can't sign.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SigningError> {
        let mut signature = vec![0; self.rsa.public_modulus_len()];
        // PKCS#1 v1.5 signatures take no randomness; the argument is ignored.
        self.rsa
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
            .map_err(|_| SigningError::Crypto("the signature failed"))?;
        Ok(signature)
    }

    /// Signs the root element of `xml`, whose `ID` attribute is `id`, with an enveloped signature under exclusive
    /// canonicalisation. The signature is put where the SAML schemas want it: behind the issuer, or first.
    /// `xml` is to be of our own writing.
    ///
    /// # Errors
    /// [`SigningError::Document`] if `xml` is not well-formed, or its root is empty or has another ID.
    pub fn sign_enveloped(&self, xml: &str, id: &str) -> Result<String, SigningError> {
        let document = uppsala::Parser::new()
            .with_forbid_dtd(true)
            .parse(xml)
            .map_err(|error| SigningError::Document(error.to_string()))?;
        let root_id = document.document_element().and_then(|root| document.get_attribute(root, "ID"));
        if root_id != Some(id) {
            return Err(SigningError::Document(format!("its root has not the ID {id}")));
        }
        let canonical = canonicalize_doc::<&str>(&document, C14nMode::Exclusive, None, &[])
            .map_err(|error| SigningError::Document(error.to_string()))?;
        // Written in canonical form, so that these very bytes are what a verifier will canonicalise it to.
        let signed_info = format!(
            "<ds:SignedInfo xmlns:ds=\"{DSIG}\">\
             <ds:CanonicalizationMethod Algorithm=\"{EXCLUSIVE_C14N}\"></ds:CanonicalizationMethod>\
             <ds:SignatureMethod Algorithm=\"{RSA_SHA256}\"></ds:SignatureMethod>\
             <ds:Reference URI=\"#{id}\"><ds:Transforms>\
             <ds:Transform Algorithm=\"{ENVELOPED}\"></ds:Transform>\
             <ds:Transform Algorithm=\"{EXCLUSIVE_C14N}\"></ds:Transform></ds:Transforms>\
             <ds:DigestMethod Algorithm=\"{SHA_256}\"></ds:DigestMethod>\
             <ds:DigestValue>{}</ds:DigestValue></ds:Reference></ds:SignedInfo>",
            BASE64.encode(digest(&SHA256, &canonical))
        );
        let signature = format!(
            "<ds:Signature xmlns:ds=\"{DSIG}\">{signed_info}<ds:SignatureValue>{}</ds:SignatureValue>\
             <ds:KeyInfo><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>\
             </ds:Signature>",
            BASE64.encode(self.sign(signed_info.as_bytes())?),
            self.certificate_base64()
        );
        let place = place(&document).ok_or_else(|| SigningError::Document("its root is empty".to_owned()))?;
        Ok([&xml[..place], &signature, &xml[place..]].concat())
    }
}

/// Where the SAML schemas want a signature: right behind the issuer, or else, in metadata, before all else.
fn place(document: &Document<'_>) -> Option<usize> {
    let root = document.document_element()?;
    let first = document.children_iter(root).find(|child| document.element(*child).is_some())?;
    let range = document.node_range(first)?;
    let issuer = document.element(first).is_some_and(|element| &*element.name.local_name == "Issuer");
    Some(if issuer { range.end } else { range.start })
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "SigningKey(RSA {})",
            self.rsa.public_key().modulus().big_endian_without_leading_zero().len() * 8
        )
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::{Arc, OnceLock};

    use bergshamra::{DsigContext, KeysManager, keys};

    use super::*;
    use crate::kernel::{SeededRng, Timestamp};
    use crate::saml::service_provider::ServiceProviderKey;

    /// One key for all tests: making one takes a moment.
    pub(crate) fn test_key() -> Arc<SigningKey> {
        static KEY: OnceLock<Arc<SigningKey>> = OnceLock::new();
        let make = || {
            let now = Timestamp::parse_rfc3339("2026-11-22T00:00:00Z").expect("a date");
            let key = ServiceProviderKey::generate("test", now, &SeededRng::new(3)).expect("a key");
            Arc::new(key.signing_key().expect("an RSA key"))
        };
        Arc::clone(KEY.get_or_init(make))
    }

    /// Whether bergshamra finds exactly one signature in `xml`, valid under `certificate`.
    pub(crate) fn verifies(xml: &str, certificate: &[u8]) -> bool {
        let mut manager = KeysManager::new();
        manager.add_key(keys::loader::load_x509_cert_der(certificate).expect("a certificate"));
        let context = DsigContext::new(manager);
        let document = uppsala::Parser::new().with_forbid_dtd(true).parse(xml).expect("well-formed");
        let results = bergshamra::dsig::verify::verify_all_document_with_source(&context, &document, Some(xml));
        results.is_ok_and(|results| !results.is_empty() && results.iter().all(bergshamra::VerifyResult::is_valid))
    }

    const PLAIN: &str = "<p:M xmlns:p=\"urn:x\" xmlns:saml=\"urn:y\" ID=\"_a\"><saml:Issuer>me &amp; you</saml:Issuer>\
                         <p:Body b=\"1\" a=\"&#10;2\"/></p:M>";

    #[test]
    fn what_is_signed_verifies_and_what_is_changed_does_not() {
        let key = test_key();
        let signed = key.sign_enveloped(PLAIN, "_a").expect("signed");
        assert!(signed.contains("</saml:Issuer><ds:Signature"), "{signed}");
        assert!(verifies(&signed, key.certificate()));
        assert!(!verifies(&signed.replace("me &amp; you", "you"), key.certificate()));
    }

    #[test]
    fn a_document_without_that_id_or_an_issuer_is_not_signed() {
        let key = test_key();
        for (xml, id) in [(PLAIN, "_b"), ("<a ID=\"_a\"/>", "_a"), ("<a", "_a")] {
            assert!(matches!(key.sign_enveloped(xml, id), Err(SigningError::Document(_))), "{xml}");
        }
    }

    #[test]
    fn a_key_never_prints() {
        assert_eq!(format!("{:?}", test_key()), "SigningKey(RSA 2048)");
        assert!(SigningKey::new(Secret::new(vec![1]), Vec::new()).is_err());
    }
}
