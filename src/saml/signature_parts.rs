//! A signature taken apart by its exact shape, before any key or transform is used (R7, R10, R13, R15, R16).

use uppsala::NodeId;

use super::algorithms::{self, ENVELOPED, EXCLUSIVE_C14N};
use super::base64::decode;
use super::document::{EXCLUSIVE, SIGNATURE, Tree};
use super::error::{SamlError, shown};
use super::hygiene::is_ncname;

/// The most prefixes in an `InclusiveNamespaces` list.
const PREFIX_LIMIT: usize = 32;

/// A signature that has exactly the parts it may have.
pub(super) struct SignatureParts<'t> {
    /// The `ds:Signature`.
    pub(super) node: NodeId,
    /// The element that it stands in and signs.
    pub(super) signed: NodeId,
    /// The `ds:SignedInfo`.
    pub(super) signed_info: NodeId,
    /// How SignedInfo is canonicalized.
    pub(super) canonicalization: &'t str,
    /// The prefixes that exclusive canonicalization of SignedInfo treats as inclusive.
    pub(super) prefixes: Vec<&'t str>,
    /// The signature algorithm.
    pub(super) method: &'t str,
    /// The digest that the content must have.
    pub(super) digest: Vec<u8>,
    /// The digest algorithm.
    pub(super) digest_method: &'t str,
    /// The signature itself.
    pub(super) value: Vec<u8>,
    /// The key hints: never used to verify, only to tell people which certificate the message names (R11).
    pub(super) key_info: Option<NodeId>,
}

/// Takes the signature `node` apart.
pub(super) fn take_apart<'t>(
    tree: &'t Tree<'_>,
    node: NodeId,
    allow_sha1: bool,
) -> Result<SignatureParts<'t>, SamlError> {
    let signed = tree.doc.parent(node).ok_or_else(|| wrong("a Signature without parent"))?;
    only_attributes(tree, node, &["Id"])?;
    let (signed_info, value, key_info) = match children(tree, node)?.as_slice() {
        [("SignedInfo", info), ("SignatureValue", value)] => (*info, *value, None),
        [("SignedInfo", info), ("SignatureValue", value), ("KeyInfo", key)] => (*info, *value, Some(*key)),
        _ => return Err(wrong("a Signature whose parts are not SignedInfo, SignatureValue and KeyInfo")),
    };
    only_attributes(tree, signed_info, &["Id"])?;
    let parts = children(tree, signed_info)?;
    let [("CanonicalizationMethod", canonicalization), ("SignatureMethod", method), ("Reference", reference)] =
        parts.as_slice()
    else {
        return Err(wrong("a SignedInfo whose parts are not two methods and one Reference"));
    };
    let (digest_method, digest) = take_reference(tree, *reference, signed, allow_sha1)?;
    let (canonicalization, prefixes) = take_canonicalization(tree, *canonicalization)?;
    let method_name = algorithm(tree, *method)?;
    algorithms::signature_method(method_name, allow_sha1)?;
    if tree.elements(*method).next().is_some() {
        return Err(wrong("a SignatureMethod with parameters"));
    }
    Ok(SignatureParts {
        node,
        signed,
        signed_info,
        canonicalization,
        prefixes,
        method: method_name,
        digest,
        digest_method,
        value: base64_of(tree, value)?,
        key_info,
    })
}

/// The one Reference: to the element that the signature stands in, enveloped, then canonicalized (R10, R13).
fn take_reference<'t>(
    tree: &'t Tree<'_>,
    reference: NodeId,
    signed: NodeId,
    allow_sha1: bool,
) -> Result<(&'t str, Vec<u8>), SamlError> {
    only_attributes(tree, reference, &["Id", "URI", "Type"])?;
    let names = tree.attribute(reference, "URI").and_then(|uri| uri.strip_prefix('#'));
    if names.is_none() || names != tree.attribute(signed, "ID") {
        return Err(wrong("a Reference that does not name the element it stands in"));
    }
    let parts = children(tree, reference)?;
    let [("Transforms", transforms), ("DigestMethod", method), ("DigestValue", value)] = parts.as_slice() else {
        return Err(wrong("a Reference whose parts are not Transforms, DigestMethod and DigestValue"));
    };
    only_attributes(tree, *transforms, &[])?;
    let list = children(tree, *transforms)?;
    let [("Transform", enveloped), ("Transform", canonical)] = list.as_slice() else {
        return Err(wrong("other Transforms than two"));
    };
    let first = algorithm(tree, *enveloped)?;
    if first != ENVELOPED || tree.elements(*enveloped).next().is_some() {
        return Err(SamlError::AlgorithmNotAllowed { what: "first transform", received: shown(first) });
    }
    take_canonicalization(tree, *canonical)?;
    let digest_method = algorithm(tree, *method)?;
    algorithms::digest_method(digest_method, allow_sha1)?;
    if tree.elements(*method).next().is_some() {
        return Err(wrong("a DigestMethod with parameters"));
    }
    only_attributes(tree, *value, &[])?;
    Ok((digest_method, base64_of(tree, *value)?))
}

/// A canonicalization and its prefix list, which only the exclusive one may have.
fn take_canonicalization<'t>(tree: &'t Tree<'_>, node: NodeId) -> Result<(&'t str, Vec<&'t str>), SamlError> {
    let name = algorithm(tree, node)?;
    algorithms::canonicalization(name)?;
    let parameters: Vec<NodeId> = tree.elements(node).collect();
    let list = match parameters.as_slice() {
        [] => return Ok((name, Vec::new())),
        [list] if name == EXCLUSIVE_C14N && tree.is(*list, EXCLUSIVE, "InclusiveNamespaces") => *list,
        _ => return Err(wrong("a canonicalization with other parameters than one prefix list")),
    };
    only_attributes(tree, list, &["PrefixList"])?;
    let prefixes: Vec<&str> = tree.attribute(list, "PrefixList").unwrap_or_default().split_ascii_whitespace().collect();
    let plain = |prefix: &&str| *prefix == "#default" || is_ncname(prefix);
    if prefixes.len() > PREFIX_LIMIT || !prefixes.iter().all(plain) || tree.elements(list).next().is_some() {
        return Err(wrong("a prefix list that is too long or no list of prefixes"));
    }
    Ok((name, prefixes))
}

/// The child elements, all of the signature namespace, with their names.
fn children<'t>(tree: &'t Tree<'_>, node: NodeId) -> Result<Vec<(&'t str, NodeId)>, SamlError> {
    tree.elements(node)
        .map(|child| match tree.name(child) {
            (SIGNATURE, name) => Ok((name, child)),
            (_, name) => Err(SamlError::Structure(format!("{} inside a Signature", shown(name)))),
        })
        .collect()
}

/// The `Algorithm` of an element that has no other attribute.
fn algorithm<'t>(tree: &'t Tree<'_>, node: NodeId) -> Result<&'t str, SamlError> {
    only_attributes(tree, node, &["Algorithm"])?;
    tree.attribute(node, "Algorithm").ok_or_else(|| wrong("a method without Algorithm"))
}

/// No attribute but these, and none of another namespace: the verifier looks attributes up by their local name.
fn only_attributes(tree: &Tree<'_>, node: NodeId, allowed: &[&str]) -> Result<(), SamlError> {
    let attributes = tree.doc.element(node).map(|element| element.attributes.as_slice()).unwrap_or_default();
    let known = |name: &uppsala::QName<'_>| name.namespace_uri.is_none() && allowed.contains(&&*name.local_name);
    if attributes.iter().all(|attribute| known(&attribute.name)) {
        return Ok(());
    }
    Err(SamlError::Structure(format!("an attribute too many on {}", tree.name(node).1)))
}

fn base64_of(tree: &Tree<'_>, node: NodeId) -> Result<Vec<u8>, SamlError> {
    decode(tree.plain_text(node)?).ok_or_else(|| wrong("a signature or digest that is not base64"))
}

fn wrong(reason: &str) -> SamlError {
    SamlError::Structure(reason.to_owned())
}
