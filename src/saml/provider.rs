//! An identity provider ready to be checked against: settings and keys, prepared once. Without a key it can't exist (R18).

use std::fmt;

use bergshamra::crypto::sign::SigningKey;
use bergshamra::keys::loader;
use bergshamra::{DsigContext, KeysManager};
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::public_key::PublicKey;

use super::algorithms::KeyKind;
use super::base64::decode;
use super::error::SamlError;
use crate::directory::sso::{CERTIFICATE_LIMIT, SsoCertificate, SsoConnection, SsoSettings};

/// The weakest RSA key that is taken, in bits (R17).
const RSA_BITS_MIN: usize = 2048;
/// The largest RSA key that is taken, in bits: larger ones cost too much.
const RSA_BITS_MAX: usize = 8192;
/// A connection's IdP: its settings, and the keys that its messages may be signed with.
pub struct IdentityProvider {
    settings: SsoSettings,
    keys: Vec<TrustedKey>,
    context: DsigContext,
}

/// A configured signing key.
pub(super) struct TrustedKey {
    /// SHA-256 of its certificate, lower-case hexadecimal.
    pub(super) sha256: String,
    /// Its certificate, exactly, without trailing bytes.
    #[cfg_attr(not(feature = "second-word"), expect(dead_code, reason = "only the second verifier loads it"))]
    pub(super) certificate: Vec<u8>,
    /// What it can verify.
    pub(super) kind: KeyKind,
    /// The key.
    pub(super) key: SigningKey,
}

impl IdentityProvider {
    /// Prepares a connection.
    ///
    /// # Errors
    /// [`SamlError::SsoOff`] without any certificate (R18); [`SamlError::Configuration`] for a certificate that can't be
    /// read, or whose key is too weak or of a kind that is not taken (R17). Dates don't matter here (R12).
    pub fn new(connection: &SsoConnection) -> Result<Self, SamlError> {
        if connection.certificates.is_empty() {
            return Err(SamlError::SsoOff);
        }
        if connection.certificates.len() > CERTIFICATE_LIMIT {
            return Err(SamlError::TooLarge { what: "certificates of one connection", limit: CERTIFICATE_LIMIT });
        }
        let mut manager = KeysManager::new();
        let mut keys = Vec::new();
        for certificate in &connection.certificates {
            let (trusted, key) = trust(certificate)?;
            manager.add_key(key);
            keys.push(trusted);
        }
        Ok(IdentityProvider { settings: connection.settings.clone(), keys, context: DsigContext::new(manager) })
    }

    /// The connection's settings.
    pub fn settings(&self) -> &SsoSettings {
        &self.settings
    }

    /// The keys, all of which may verify.
    pub(super) fn keys(&self) -> &[TrustedKey] {
        &self.keys
    }

    /// The verifier's own view of the same keys.
    pub(super) fn context(&self) -> &DsigContext {
        &self.context
    }
}

impl fmt::Debug for IdentityProvider {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "IdentityProvider({}, {} keys)", self.settings.entity_id, self.keys.len())
    }
}

/// Reads a configured certificate. Only its key counts: by way of the key, certificates with odd serials, encodings or
/// trailing bytes work too.
fn trust(configured: &SsoCertificate) -> Result<(TrustedKey, bergshamra::Key), SamlError> {
    let refuse = |why: &str| SamlError::Configuration(format!("certificate {}: {why}", configured.sha256));
    let der = decode(&configured.der_base64).ok_or_else(|| refuse("it is not base64"))?;
    let (rest, certificate) = X509Certificate::from_der(&der).map_err(|_| refuse("it can't be read"))?;
    let key_info = certificate.public_key();
    let kind = kind_of(&key_info.parsed().map_err(|_| refuse("its key can't be read"))?).map_err(refuse)?;
    let key = loader::load_spki_der(key_info.raw).map_err(|_| refuse("its key can't be used"))?;
    let signing = key.to_signing_key().ok().flatten().ok_or_else(|| refuse("its key can't be used"))?;
    let exact = der[..der.len() - rest.len()].to_vec();
    Ok((TrustedKey { sha256: configured.sha256.clone(), certificate: exact, kind, key: signing }, key))
}

/// What a public key can verify, or why it is not taken.
fn kind_of(key: &PublicKey<'_>) -> Result<KeyKind, &'static str> {
    match key {
        PublicKey::RSA(rsa) => {
            let modulus = rsa.modulus.iter().skip_while(|byte| **byte == 0).count();
            let bits = 8 * modulus - rsa.modulus.iter().find(|b| **b != 0).map_or(0, |b| b.leading_zeros() as usize);
            let exponent = rsa.try_exponent().unwrap_or(0);
            if !(RSA_BITS_MIN..=RSA_BITS_MAX).contains(&bits) {
                return Err("an RSA key must have 2048 to 8192 bits");
            }
            if exponent < 3 || exponent % 2 == 0 {
                return Err("its RSA exponent is unsafe");
            }
            Ok(KeyKind::Rsa)
        }
        PublicKey::EC(point) => match point.key_size() {
            256 => Ok(KeyKind::P256),
            384 => Ok(KeyKind::P384),
            _ => Err("an EC key must be on P-256 or P-384"),
        },
        _ => Err("its key must be RSA, or EC on P-256 or P-384"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prepared_connection_is_shared_between_threads() {
        fn shared<T: Send + Sync>() {}
        shared::<IdentityProvider>();
    }
}
