//! The algorithms that are taken, each by its identifier; whatever is not here is refused (R13, R19).

use super::error::{SamlError, shown};

/// The transform that leaves out the signature itself.
pub(super) const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
/// Exclusive canonicalization, without comments.
pub(super) const EXCLUSIVE_C14N: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
/// Inclusive canonicalization 1.0, without comments.
pub(super) const INCLUSIVE_C14N: &str = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
/// SHA-1 as a digest: in signatures only where a connection allows it, in RSA-OAEP always.
pub(super) const SHA1: &str = "http://www.w3.org/2000/09/xmldsig#sha1";
/// SHA-256 as a digest.
pub(super) const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
/// SHA-384 as a digest.
pub(super) const SHA384: &str = "http://www.w3.org/2001/04/xmldsig-more#sha384";
/// SHA-512 as a digest.
pub(super) const SHA512: &str = "http://www.w3.org/2001/04/xmlenc#sha512";
const RSA_SHA1: &str = "http://www.w3.org/2000/09/xmldsig#rsa-sha1";
const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
const RSA_SHA384: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384";
const RSA_SHA512: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512";
const ECDSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
const ECDSA_SHA384: &str = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384";

/// The kind of a signing key. A key verifies only algorithms of its kind (R13).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyKind {
    /// RSA, 2048 bits or more.
    Rsa,
    /// ECDSA on P-256: signatures of 64 bytes.
    P256,
    /// ECDSA on P-384: signatures of 96 bytes.
    P384,
}

impl KeyKind {
    /// Whether a key of this kind may verify that signature algorithm.
    pub(super) fn fits(self, signature_method: &str) -> bool {
        match self {
            KeyKind::Rsa => matches!(signature_method, RSA_SHA1 | RSA_SHA256 | RSA_SHA384 | RSA_SHA512),
            KeyKind::P256 => signature_method == ECDSA_SHA256,
            KeyKind::P384 => signature_method == ECDSA_SHA384,
        }
    }

    /// Whether the signature has the length of this kind, and neither `r` nor `s` is zero (R17).
    pub(super) fn has_shape(self, signature: &[u8]) -> bool {
        let half = match self {
            KeyKind::Rsa => return true,
            KeyKind::P256 => 32,
            KeyKind::P384 => 48,
        };
        let nonzero = |part: &[u8]| part.iter().any(|byte| *byte != 0);
        signature.len() == 2 * half && nonzero(&signature[..half]) && nonzero(&signature[half..])
    }
}

/// Takes a signature algorithm, or refuses it.
pub(super) fn signature_method(received: &str, allow_sha1: bool) -> Result<(), SamlError> {
    match received {
        RSA_SHA256 | RSA_SHA384 | RSA_SHA512 | ECDSA_SHA256 | ECDSA_SHA384 => Ok(()),
        RSA_SHA1 if allow_sha1 => Ok(()),
        _ => Err(refused("signature", received)),
    }
}

/// Takes a digest algorithm, or refuses it.
pub(super) fn digest_method(received: &str, allow_sha1: bool) -> Result<(), SamlError> {
    match received {
        SHA256 | SHA384 | SHA512 => Ok(()),
        SHA1 if allow_sha1 => Ok(()),
        _ => Err(refused("digest", received)),
    }
}

/// Takes a canonicalization, or refuses it.
pub(super) fn canonicalization(received: &str) -> Result<(), SamlError> {
    match received {
        EXCLUSIVE_C14N | INCLUSIVE_C14N => Ok(()),
        _ => Err(refused("canonicalization", received)),
    }
}

/// How the key of an encrypted assertion travels: RSA-OAEP with its digest, MGF1 with the same one.
pub(super) fn key_transport(received: &str, digest: Option<&str>, mask: Option<&str>) -> Result<(), SamlError> {
    const MGF1_SHA1: &str = "http://www.w3.org/2009/xmlenc11#mgf1sha1";
    const MGF1_SHA256: &str = "http://www.w3.org/2009/xmlenc11#mgf1sha256";
    let fits = match received {
        "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p" => {
            matches!((digest, mask), (None | Some(SHA1), None | Some(MGF1_SHA1)))
        }
        "http://www.w3.org/2009/xmlenc11#rsa-oaep" => matches!(
            (digest, mask),
            (None | Some(SHA1), None | Some(MGF1_SHA1)) | (Some(SHA256), None | Some(MGF1_SHA256))
        ),
        _ => return Err(refused("key transport", received)),
    };
    if fits { Ok(()) } else { Err(refused("key transport digest", digest.or(mask).unwrap_or(received))) }
}

/// Takes a content encryption, and gives its key length in bytes.
pub(super) fn content_encryption(received: &str) -> Result<usize, SamlError> {
    match received {
        "http://www.w3.org/2001/04/xmlenc#aes128-cbc" | "http://www.w3.org/2009/xmlenc11#aes128-gcm" => Ok(16),
        "http://www.w3.org/2001/04/xmlenc#aes256-cbc" | "http://www.w3.org/2009/xmlenc11#aes256-gcm" => Ok(32),
        _ => Err(refused("encryption", received)),
    }
}

fn refused(what: &'static str, received: &str) -> SamlError {
    SamlError::AlgorithmNotAllowed { what, received: shown(received) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r13_sha1_is_an_exception_and_all_else_a_refusal() {
        let check = |method: &str, plain: bool, with_sha1: bool| {
            assert_eq!(signature_method(method, false).is_ok(), plain, "{method}");
            assert_eq!(signature_method(method, true).is_ok(), with_sha1, "{method}");
        };
        check(RSA_SHA256, true, true);
        check(ECDSA_SHA384, true, true);
        check(RSA_SHA1, false, true);
        for never in [
            "",
            "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
            "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
            "http://www.w3.org/2001/04/xmldsig-more#rsa-md5",
            "http://www.w3.org/2000/09/xmldsig#dsa-sha1",
            "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256 ",
            "HTTP://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        ] {
            check(never, false, false);
        }
        assert!(digest_method("http://www.w3.org/2001/04/xmldsig-more#md5", true).is_err());
        assert!(canonicalization("http://www.w3.org/2001/10/xml-exc-c14n#WithComments").is_err());
    }

    #[test]
    fn r17_a_zero_or_short_ecdsa_signature_has_no_shape() {
        assert!(KeyKind::P256.has_shape(&[1; 64]));
        assert!(!KeyKind::P256.has_shape(&[1; 63]));
        assert!(!KeyKind::P256.has_shape(&[[0; 32], [1; 32]].concat()));
        assert!(!KeyKind::P256.has_shape(&[[1; 32], [0; 32]].concat()));
        assert!(!KeyKind::P384.has_shape(&[1; 64]));
    }

    #[test]
    fn r19_only_oaep_and_aes_open_an_assertion() {
        assert!(key_transport("http://www.w3.org/2001/04/xmlenc#rsa-1_5", None, None).is_err());
        assert!(key_transport("http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p", None, None).is_ok());
        assert!(key_transport("http://www.w3.org/2009/xmlenc11#rsa-oaep", Some(SHA256), None).is_ok());
        assert!(content_encryption("http://www.w3.org/2001/04/xmlenc#tripledes-cbc").is_err());
        assert_eq!(content_encryption("http://www.w3.org/2009/xmlenc11#aes256-gcm"), Ok(32));
    }
}
