//! Encrypts an assertion as IdPs do: AES-256-GCM under a fresh key, which travels by RSA-OAEP (R19).

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OaepPublicEncryptingKey, PublicEncryptingKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::kernel::Rng;
use crate::saml::signing::{DSIG, SigningError};

/// A `saml:EncryptedAssertion` with `assertion` in it, for the key of `certificate` (DER).
///
/// # Errors
/// [`SigningError::Crypto`] if the certificate holds no RSA key that encrypts.
pub(super) fn encrypt_assertion(assertion: &str, certificate: &[u8], rng: &dyn Rng) -> Result<String, SigningError> {
    const FAILED: SigningError = SigningError::Crypto("the assertion could not be encrypted");
    let (_, parsed) = X509Certificate::from_der(certificate).map_err(|_| FAILED)?;
    let public = PublicEncryptingKey::from_der(parsed.public_key().raw).map_err(|_| FAILED)?;
    let public = OaepPublicEncryptingKey::new(public).map_err(|_| FAILED)?;
    let content_key: [u8; 32] = rng.bytes();
    let mut transported = vec![0; public.ciphertext_size()];
    let transported = public.encrypt(&OAEP_SHA1_MGF1SHA1, &content_key, &mut transported, None).map_err(|_| FAILED)?;
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &content_key).map_err(|_| FAILED)?);
    let nonce: [u8; NONCE_LEN] = rng.bytes();
    let mut body = assertion.as_bytes().to_vec();
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut body).map_err(|_| FAILED)?;
    let content = [nonce.as_slice(), &body].concat();
    Ok(format!(
        "<saml:EncryptedAssertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">\
         <xenc:EncryptedData xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\" \
         Type=\"http://www.w3.org/2001/04/xmlenc#Element\">\
         <xenc:EncryptionMethod Algorithm=\"http://www.w3.org/2009/xmlenc11#aes256-gcm\"/>\
         <ds:KeyInfo xmlns:ds=\"{DSIG}\"><xenc:EncryptedKey>\
         <xenc:EncryptionMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p\">\
         <ds:DigestMethod Algorithm=\"http://www.w3.org/2000/09/xmldsig#sha1\"/></xenc:EncryptionMethod>\
         <xenc:CipherData><xenc:CipherValue>{}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedKey></ds:KeyInfo>\
         <xenc:CipherData><xenc:CipherValue>{}</xenc:CipherValue></xenc:CipherData>\
         </xenc:EncryptedData></saml:EncryptedAssertion>",
        BASE64.encode(transported),
        BASE64.encode(content)
    ))
}
