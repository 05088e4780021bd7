//! An IdP's signing certificate: read from whatever an administrator uploads, described, and judged (R12, R13, R17, R53).

use std::borrow::Cow;
use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bergshamra::keys::loader::load_spki_der;
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::public_key::PublicKey;

use super::upload::{self, Upload};
use crate::directory::sso::SsoCertificate;
use crate::kernel::{Explain, FaultKind, Timestamp};

/// The largest file that is read, in bytes.
pub const UPLOAD_LIMIT: usize = 512 * 1024;
/// The largest certificate, DER, in bytes: it must fit a record of the store.
pub const DER_LIMIT: usize = 8 * 1024;
/// How many certificates one file may hold.
pub const COUNT_LIMIT: usize = 20;
/// The fewest bits of an RSA key (R17).
pub const RSA_MIN_BITS: usize = 2048;
/// The most bits of an RSA key: verifying with longer ones costs too much.
pub const RSA_MAX_BITS: usize = 8192;
/// The longest name of a subject or issuer that is kept, in characters.
const NAME_LIMIT: usize = 200;

const OID_P256: &str = "1.2.840.10045.3.1.7";
const OID_P384: &str = "1.3.132.0.34";

/// A certificate, read but not yet trusted for anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// DER, without anything behind it.
    pub der: Vec<u8>,
    /// SHA-256 of the DER, lower-case hexadecimal.
    pub sha256: String,
    /// Its subject, for people.
    pub subject: String,
    /// Its issuer, for people.
    pub issuer: String,
    /// From when it is valid.
    pub not_before: Timestamp,
    /// Until when it is valid.
    pub not_after: Timestamp,
    /// Its public key.
    pub key: KeyDescription,
}

/// What sort of public key it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyDescription {
    /// RSA, with the bits of its modulus.
    Rsa(usize),
    /// RSA with an exponent that proves nothing (1, or even).
    RsaBadExponent,
    /// ECDSA on P-256.
    P256,
    /// ECDSA on P-384.
    P384,
    /// Anything else, by name.
    Other(String),
}

impl fmt::Display for KeyDescription {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyDescription::Rsa(bits) => write!(formatter, "RSA {bits}"),
            KeyDescription::RsaBadExponent => formatter.write_str("RSA with a broken exponent"),
            KeyDescription::P256 => formatter.write_str("ECDSA P-256"),
            KeyDescription::P384 => formatter.write_str("ECDSA P-384"),
            KeyDescription::Other(name) => formatter.write_str(name),
        }
    }
}

/// Why a file holds no certificate that can be used: what it is instead, and what to do (R53).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each variant is told by its sentence")]
pub enum CertificateError {
    #[error("the file is empty: export the signing certificate from the identity provider again")]
    Empty,
    #[error("the file has {0} bytes, a certificate a few thousand: this is something else")]
    TooLarge(usize),
    #[error("the file holds more than {COUNT_LIMIT} certificates: upload the signing certificate alone")]
    TooMany,
    #[error("this is metadata, not a certificate: hand it in as metadata, the certificates in it are read from there")]
    Metadata,
    #[error(
        "this is an XML document, neither a certificate nor metadata: download the certificate (.pem, .cer or .crt)"
    )]
    Xml,
    #[error("this is a web page: log in to the identity provider and download the certificate itself, not its page")]
    Html,
    #[error(
        "this holds a private key: keep it secret, it belongs to the identity provider alone. The part between BEGIN \
         CERTIFICATE and END CERTIFICATE is what is needed; if the key was sent around, have it replaced"
    )]
    PrivateKey,
    #[error("this is a bare public key: the certificate that holds it is needed (BEGIN CERTIFICATE)")]
    PublicKey,
    #[error("this is a certificate request (CSR): upload the certificate that came of it")]
    Request,
    #[error(
        "this is a PKCS#7 bundle (.p7b): turn it into certificates with `openssl pkcs7 -print_certs -in FILE`, \
         adding `-inform DER` if it is binary"
    )]
    Pkcs7,
    #[error(
        "this is a PKCS#12 bundle (.p12, .pfx), which may hold a private key: take the certificate out with \
         `openssl pkcs12 -in FILE -clcerts -nokeys`"
    )]
    Pkcs12,
    #[error("this is a fingerprint of a certificate: the certificate itself is needed to verify signatures")]
    Fingerprint,
    #[error("the certificate is cut off: copy or download it again, whole, with its BEGIN and END lines")]
    Truncated,
    #[error("this is not a certificate: PEM (BEGIN CERTIFICATE), DER, or its base64 text is wanted")]
    NotACertificate,
    #[error("the certificate ({0}) ended on {1}: download the identity provider's present one")]
    Expired(String, Timestamp),
    #[error("the certificate ({0}) has a weak key, RSA {1}: RSA {RSA_MIN_BITS} or more is needed")]
    Weak(String, usize),
    #[error(
        "the certificate ({0}) has a key that can't be used, {1}: RSA from {RSA_MIN_BITS} bits, ECDSA P-256 or P-384 can"
    )]
    KeyNotAllowed(String, String),
}

impl Explain for CertificateError {
    fn kind(&self) -> FaultKind {
        FaultKind::Invalid
    }
    fn public(&self) -> Cow<'static, str> {
        Cow::Owned(self.to_string())
    }
    fn detail(&self) -> String {
        self.to_string()
    }
}

/// The certificates in an uploaded file, in its order, each once (R53).
///
/// Takes PEM with one or several certificates (CRLF, byte order mark, bag attributes, spaces in place of line ends),
/// DER, and base64 without headers.
///
/// # Errors
/// [`CertificateError`], which says what the file is instead. Whether a certificate may be used is not judged here:
/// see [`Certificate::usable_for_signing`].
pub fn parse_certificates(bytes: &[u8]) -> Result<Vec<Certificate>, CertificateError> {
    if bytes.len() > UPLOAD_LIMIT {
        return Err(CertificateError::TooLarge(bytes.len()));
    }
    let blocks = match upload::read(bytes)? {
        Upload::Certificates(blocks) => blocks,
        Upload::Der(der) => vec![der],
    };
    let mut found: Vec<Certificate> = Vec::new();
    for block in blocks {
        let mut rest = block.as_slice();
        while !rest.iter().all(|byte| *byte == 0 || byte.is_ascii_whitespace()) {
            let (certificate, behind) = Certificate::read(rest)?;
            rest = behind;
            if !found.iter().any(|held| held.der == certificate.der) {
                found.push(certificate);
            }
            if found.len() > COUNT_LIMIT {
                return Err(CertificateError::TooMany);
            }
        }
    }
    if found.is_empty() { Err(CertificateError::Empty) } else { Ok(found) }
}

impl Certificate {
    /// A certificate from its DER alone, as metadata and messages hold it.
    ///
    /// # Errors
    /// [`CertificateError`], which says what the bytes are instead.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        Self::read(der).map(|(certificate, _)| certificate)
    }

    fn read(bytes: &[u8]) -> Result<(Self, &[u8]), CertificateError> {
        let Ok((rest, parsed)) = X509Certificate::from_der(bytes) else {
            return Err(upload::classify_der(bytes));
        };
        let der = &bytes[..bytes.len() - rest.len()];
        if der.len() > DER_LIMIT {
            return Err(CertificateError::TooLarge(der.len()));
        }
        let certificate = Certificate {
            der: der.to_vec(),
            sha256: hex(digest(&SHA256, der).as_ref()),
            subject: printable(&parsed.subject().to_string()),
            issuer: printable(&parsed.issuer().to_string()),
            not_before: Timestamp::from_seconds(parsed.validity().not_before.timestamp()),
            not_after: Timestamp::from_seconds(parsed.validity().not_after.timestamp()),
            key: describe_key(&parsed),
        };
        Ok((certificate, rest))
    }

    /// Whether signatures may be verified with it: not expired at `now`, when it is saved (R12), and a key that is
    /// allowed (R13, R17) and that the verifier can load. One that starts later is fine: it is the next one.
    ///
    /// # Errors
    /// [`CertificateError`], which says what is wrong with it.
    pub fn usable_for_signing(&self, now: Timestamp) -> Result<(), CertificateError> {
        let not_allowed = || CertificateError::KeyNotAllowed(self.subject.clone(), self.key.to_string());
        match &self.key {
            KeyDescription::Rsa(bits) if *bits < RSA_MIN_BITS => {
                return Err(CertificateError::Weak(self.subject.clone(), *bits));
            }
            KeyDescription::Rsa(bits) if *bits > RSA_MAX_BITS => return Err(not_allowed()),
            KeyDescription::RsaBadExponent | KeyDescription::Other(_) => return Err(not_allowed()),
            KeyDescription::Rsa(_) | KeyDescription::P256 | KeyDescription::P384 => {}
        }
        if self.not_after <= now {
            return Err(CertificateError::Expired(self.subject.clone(), self.not_after));
        }
        let (_, parsed) = X509Certificate::from_der(&self.der).map_err(|_| not_allowed())?;
        // As the verifier loads it: by its public key alone.
        load_spki_der(parsed.public_key().raw).map(|_| ()).map_err(|_| not_allowed())
    }

    /// As it is stored.
    pub fn to_stored(&self, added: Timestamp) -> SsoCertificate {
        SsoCertificate {
            der_base64: BASE64.encode(&self.der),
            sha256: self.sha256.clone(),
            subject: self.subject.clone(),
            not_before: self.not_before,
            not_after: self.not_after,
            added,
        }
    }
}

fn describe_key(certificate: &X509Certificate<'_>) -> KeyDescription {
    let info = certificate.public_key();
    match info.parsed() {
        Ok(PublicKey::RSA(rsa)) => match rsa.try_exponent() {
            Ok(exponent) if exponent < 3 || exponent.is_multiple_of(2) => KeyDescription::RsaBadExponent,
            _ => KeyDescription::Rsa(bits(rsa.modulus)),
        },
        Ok(PublicKey::EC(_)) => {
            let curve = info.algorithm.parameters.as_ref().and_then(|curve| curve.as_oid().ok());
            match curve.map(|oid| oid.to_id_string()).as_deref() {
                Some(OID_P256) => KeyDescription::P256,
                Some(OID_P384) => KeyDescription::P384,
                Some(other) => KeyDescription::Other(format!("ECDSA on the curve {other}")),
                None => KeyDescription::Other("ECDSA on a curve without a name".to_owned()),
            }
        }
        Ok(PublicKey::DSA(_)) => KeyDescription::Other("DSA".to_owned()),
        _ => KeyDescription::Other(match info.algorithm.algorithm.to_id_string().as_str() {
            "1.3.101.112" => "Ed25519".to_owned(),
            "1.3.101.113" => "Ed448".to_owned(),
            "1.2.840.113549.1.1.10" => "RSA for PSS alone".to_owned(),
            other => format!("of the algorithm {other}"),
        }),
    }
}

/// The bits of a big-endian number.
fn bits(number: &[u8]) -> usize {
    let digits = number.iter().position(|byte| *byte != 0).map_or(&[][..], |start| &number[start..]);
    digits.first().map_or(0, |first| digits.len() * 8 - usize::try_from(first.leading_zeros()).unwrap_or(0))
}

/// A name without control characters, cut to [`NAME_LIMIT`]: it is shown in terminals and pages.
fn printable(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(NAME_LIMIT).collect()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
#[path = "certificate_tests.rs"]
mod tests;
