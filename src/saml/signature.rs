//! Verifies the signatures of a tree, under the configured keys alone (R10 to R17).
//!
//! First the SignedInfo of each, which is cheap and needs no transform; only then what it points to, by bergshamra,
//! whose answer must name these very nodes.

use aws_lc_rs::digest;
use bergshamra::VerifyResult;
use bergshamra::c14n::{C14nMode, canonicalize_doc};
use bergshamra::crypto::sign;
use bergshamra::dsig::verify::verify_all_document_with_source;
use bergshamra::xml::NodeSet;
use uppsala::NodeId;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::algorithms::{SHA1, SHA256, SHA384};
use super::base64::decode;
use super::document::{SIGNATURE, Tree};
use super::error::SamlError;
use super::provider::{IdentityProvider, TrustedKey};
use super::signature_parts::{SignatureParts, take_apart};
use crate::kernel::Timestamp;

/// The nodes of one tree that verified signatures cover.
#[derive(Default)]
pub(super) struct Covered<'p> {
    nodes: Vec<NodeId>,
    /// The keys that verified, in the order of the signatures.
    pub(super) keys: Vec<&'p TrustedKey>,
}

impl Covered<'_> {
    /// Whether a verified signature covers this node itself.
    pub(super) fn covers(&self, node: NodeId) -> bool {
        self.nodes.contains(&node)
    }
}

/// Verifies all these signatures, which must be all that the tree has.
pub(super) fn verify<'p>(
    tree: &Tree<'_>,
    signatures: &[NodeId],
    idp: &'p IdentityProvider,
) -> Result<Covered<'p>, SamlError> {
    if signatures.is_empty() {
        return Ok(Covered::default());
    }
    let allow_sha1 = idp.settings().allow_sha1;
    let parts: Vec<SignatureParts<'_>> =
        signatures.iter().map(|node| take_apart(tree, *node, allow_sha1)).collect::<Result<_, _>>()?;
    let mut covered = Covered::default();
    for part in &parts {
        covered.keys.push(signed_info(tree, part, idp)?);
    }
    let results = verify_all_document_with_source(idp.context(), &tree.doc, Some(tree.source))
        .map_err(|_| invalid(tree, &parts[0], idp, "The signature can't be processed"))?;
    if results.len() != parts.len() {
        return Err(SamlError::Structure("another number of signatures than was counted".into()));
    }
    for (part, result) in parts.iter().map(|part| (part, find(&results, part.node))) {
        if !result.is_some_and(|result| is_exactly(result, part)) {
            return Err(invalid(tree, part, idp, "The content was changed after it was signed"));
        }
        covered.nodes.push(part.signed);
    }
    Ok(covered)
}

fn find(results: &[VerifyResult], node: NodeId) -> Option<&VerifyResult> {
    let of = |result: &&VerifyResult| matches!(result, VerifyResult::Valid { signature_node, .. } if *signature_node == node);
    results.iter().find(of)
}

/// Whether the result is that of one digest over the very element that the signature stands in.
fn is_exactly(result: &VerifyResult, part: &SignatureParts<'_>) -> bool {
    let VerifyResult::Valid { references, .. } = result else { return false };
    match references.as_slice() {
        [reference] => reference.digest_verified && reference.resolved_node == Some(part.signed),
        _ => false,
    }
}

/// Verifies one SignedInfo under any configured key that fits the algorithm (R12); gives that key.
fn signed_info<'p>(
    tree: &Tree<'_>,
    part: &SignatureParts<'_>,
    idp: &'p IdentityProvider,
) -> Result<&'p TrustedKey, SamlError> {
    let fail = |reason| invalid(tree, part, idp, reason);
    if part.digest == empty_digest(part.digest_method) {
        return Err(fail("It signs nothing"));
    }
    let mode = C14nMode::from_uri(part.canonicalization).ok_or_else(|| fail("It can't be canonicalized"))?;
    let nodes = NodeSet::tree_without_comments(part.signed_info, &tree.doc);
    let bytes = canonicalize_doc(&tree.doc, mode, Some(&nodes), &part.prefixes)
        .ok()
        .filter(|bytes| !bytes.is_empty())
        .ok_or_else(|| fail("It can't be canonicalized"))?;
    let algorithm = sign::from_uri(part.method).map_err(|_| fail("Its algorithm is not at hand"))?;
    let fitting = idp.keys().iter().filter(|key| key.kind.fits(part.method));
    for key in fitting {
        if key.kind.has_shape(&part.value) && matches!(algorithm.verify(&key.key, &bytes, &part.value), Ok(true)) {
            return Ok(key);
        }
    }
    Err(fail("No configured key verifies the signature"))
}

/// The digest of nothing: no signature may be over that (R16).
fn empty_digest(method: &str) -> Vec<u8> {
    let algorithm = match method {
        SHA1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
        SHA256 => &digest::SHA256,
        SHA384 => &digest::SHA384,
        _ => &digest::SHA512,
    };
    digest::digest(algorithm, b"").as_ref().to_vec()
}

/// The refusal, with the certificate that the message names beside the configured ones.
fn invalid(tree: &Tree<'_>, part: &SignatureParts<'_>, idp: &IdentityProvider, reason: &'static str) -> SamlError {
    SamlError::SignatureInvalid {
        reason,
        message_certificate: part.key_info.and_then(|key_info| named_certificate(tree, key_info)),
        configured: idp.keys().iter().map(|key| key.sha256.clone()).collect(),
    }
}

/// The first certificate in the key hints: shown to people, never used.
fn named_certificate(tree: &Tree<'_>, key_info: NodeId) -> Option<(String, Timestamp)> {
    let data = tree.named(key_info, SIGNATURE, "X509Data").next()?;
    let text = tree.text(tree.named(data, SIGNATURE, "X509Certificate").next()?).ok()?;
    let der = decode(&text)?;
    let (_, certificate) = X509Certificate::from_der(&der).ok()?;
    let until = Timestamp::from_seconds(certificate.validity().not_after.timestamp());
    Some((hex(digest::digest(&digest::SHA256, &der).as_ref()), until))
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]]).map(char::from).collect()
}
