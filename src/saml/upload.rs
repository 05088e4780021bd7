//! Tells what an uploaded file is, byte by byte: certificates, or one of the things people take for them (R53).

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::certificate::CertificateError;

/// What was found in a file.
pub(super) enum Upload {
    /// The decoded blocks of a PEM file.
    Certificates(Vec<Vec<u8>>),
    /// One block of DER, whatever it is.
    Der(Vec<u8>),
}

/// Padding may be missing, as people lose it when copying.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OID: u8 = 0x06;
/// 1.2.840.113549.1.7, PKCS#7, encoded.
const OID_PKCS7: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07];

/// Reads a file as far as telling its blocks.
pub(super) fn read(bytes: &[u8]) -> Result<Upload, CertificateError> {
    if is_der(bytes) {
        return Ok(Upload::Der(bytes.to_vec()));
    }
    let text = decode_text(bytes).ok_or(CertificateError::NotACertificate)?;
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}' || c == '"' || c == '\'' || c == '\0');
    if text.is_empty() {
        return Err(CertificateError::Empty);
    }
    if text.starts_with('<') {
        return Err(classify_markup(text));
    }
    if text.contains("-----BEGIN") || text.contains("-----END") {
        return pem_blocks(text).map(Upload::Certificates);
    }
    if text.starts_with("ssh-") || text.starts_with("ecdsa-sha2-") {
        return Err(CertificateError::PublicKey);
    }
    if is_fingerprint(text) {
        return Err(CertificateError::Fingerprint);
    }
    match decode_base64(text) {
        Some(der) if is_der(&der) => Ok(Upload::Der(der)),
        _ => Err(CertificateError::NotACertificate),
    }
}

/// Starts like DER: a sequence whose length is not text, or is exactly that of what follows.
fn is_der(bytes: &[u8]) -> bool {
    let exact = || element(bytes).is_some_and(|(_, content, rest)| rest.is_empty() && element(content).is_some());
    matches!(bytes, [SEQUENCE, second, ..] if *second >= 0x80 || !second.is_ascii_graphic() || exact())
}

/// UTF-8, or the UTF-16 that some Windows tools write.
pub(super) fn decode_text(bytes: &[u8]) -> Option<Cow<'_, str>> {
    let wide = |pair: fn([u8; 2]) -> u16| {
        let units = bytes[2..].chunks_exact(2).map(|chunk| pair([chunk[0], chunk[1]]));
        char::decode_utf16(units).collect::<Result<String, _>>().ok().map(Cow::Owned)
    };
    match bytes {
        [0xff, 0xfe, ..] => wide(u16::from_le_bytes),
        [0xfe, 0xff, ..] => wide(u16::from_be_bytes),
        _ => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
    }
}

pub(super) fn classify_markup(text: &str) -> CertificateError {
    let start: String = text.chars().take(4096).collect::<String>().to_ascii_lowercase();
    if text.contains("EntityDescriptor") || text.contains("EntitiesDescriptor") {
        CertificateError::Metadata
    } else if start.contains("<html") || start.contains("<!doctype html") || start.contains("<head") {
        CertificateError::Html
    } else {
        CertificateError::Xml
    }
}

/// A digest in hexadecimal, perhaps with colons: of SHA-1, SHA-256 or longer.
fn is_fingerprint(text: &str) -> bool {
    let text = text.rsplit_once('=').map_or(text, |(_, value)| value);
    let digits: Vec<char> = text.chars().filter(|c| !matches!(c, ':' | ' ' | '-')).collect();
    matches!(digits.len(), 32 | 40 | 64 | 96 | 128) && digits.iter().all(char::is_ascii_hexdigit)
}

/// Base64 with white space of any sort in it, also written as `\n` and `\r`.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let text = text.replace("\\n", "").replace("\\r", "");
    let packed: String = text.chars().filter(|c| !c.is_whitespace() && *c != '\u{feff}').collect();
    LENIENT.decode(packed).ok().filter(|bytes| !bytes.is_empty())
}

/// The certificates among the PEM blocks. Text outside of blocks (bag attributes) is skipped; a block of something
/// else refuses with its own error, a private key before all.
fn pem_blocks(text: &str) -> Result<Vec<Vec<u8>>, CertificateError> {
    if text.contains("PRIVATE KEY-----") {
        return Err(CertificateError::PrivateKey);
    }
    let mut blocks = Vec::new();
    let mut rest = text;
    while let Some((_, behind)) = rest.split_once("-----BEGIN ") {
        let (label, behind) = behind.split_once("-----").ok_or(CertificateError::Truncated)?;
        match label.trim() {
            "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE" => {}
            "PUBLIC KEY" | "RSA PUBLIC KEY" | "EC PUBLIC KEY" | "SSH2 PUBLIC KEY" => {
                return Err(CertificateError::PublicKey);
            }
            "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => return Err(CertificateError::Request),
            "PKCS7" | "CMS" | "PKCS #7 SIGNED DATA" => return Err(CertificateError::Pkcs7),
            _ => return Err(CertificateError::NotACertificate),
        }
        let (body, behind) = behind.split_once("-----END ").ok_or(CertificateError::Truncated)?;
        let (end, behind) = behind.split_once("-----").ok_or(CertificateError::Truncated)?;
        if end.trim() != label.trim() {
            return Err(CertificateError::Truncated);
        }
        let mut block = decode_base64(body).ok_or(CertificateError::Truncated)?;
        if label.trim() == "TRUSTED CERTIFICATE" {
            // OpenSSL's form: the certificate, then what it is trusted for.
            let whole = element(&block).map_or(block.len(), |(_, _, rest)| block.len() - rest.len());
            block.truncate(whole);
        }
        blocks.push(block);
        rest = behind;
    }
    if blocks.is_empty() { Err(CertificateError::Truncated) } else { Ok(blocks) }
}

/// What DER that is no certificate is instead.
pub(super) fn classify_der(bytes: &[u8]) -> CertificateError {
    let Some(&SEQUENCE) = bytes.first() else {
        return CertificateError::NotACertificate;
    };
    let Some((_, content, _)) = element(bytes) else {
        return CertificateError::Truncated;
    };
    let Some((first, first_content, rest)) = element(content) else {
        return CertificateError::NotACertificate;
    };
    let second = element(rest).map(|(tag, ..)| tag);
    let inner = element(first_content).map(|(tag, ..)| tag);
    match (first, first_content, second) {
        (OID, oid, _) if oid.starts_with(OID_PKCS7) => CertificateError::Pkcs7,
        (INTEGER, [3], Some(SEQUENCE)) => CertificateError::Pkcs12,
        // PKCS#8, PKCS#1 and SEC 1; an encrypted PKCS#8.
        (INTEGER, [0 | 1], Some(SEQUENCE | INTEGER | OCTET_STRING)) | (SEQUENCE, _, Some(OCTET_STRING)) => {
            CertificateError::PrivateKey
        }
        (SEQUENCE, _, Some(BIT_STRING)) if inner == Some(OID) => CertificateError::PublicKey,
        // The bare numbers of an RSA public key.
        (INTEGER, _, Some(INTEGER)) => CertificateError::PublicKey,
        (SEQUENCE, [INTEGER, 1, 0, ..], Some(SEQUENCE)) => CertificateError::Request,
        _ => CertificateError::NotACertificate,
    }
}

/// The first DER element of `bytes`: its tag, its content, and what is behind it. `None` if it is cut off.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, first], rest) = bytes.split_first_chunk::<2>()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        if digits.is_empty() || digits.len() > 4 {
            return None;
        }
        (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}
