//! The shape of a response: one assertion at its place, signatures at theirs, each part once (R3, R4, R7, R10).

use uppsala::NodeId;

use super::document::{ASSERTION, PROTOCOL, SIGNATURE, Tree};
use super::error::{SamlError, shown};
use super::hygiene::{Places, walk};

/// A `samlp:Response` whose parts stand where they belong. Nothing in it is trusted yet.
pub(super) struct ResponseShape {
    /// The signature of the whole, if it has one.
    pub(super) signature: Option<NodeId>,
    /// What it carries; nothing, if the IdP refused.
    pub(super) content: Option<Content>,
}

/// What a response carries.
pub(super) enum Content {
    /// An assertion in the clear.
    Plain(AssertionShape),
    /// An encrypted one.
    Encrypted(NodeId),
}

/// A `saml:Assertion` whose parts stand where they belong.
#[derive(Clone, Copy)]
pub(super) struct AssertionShape {
    /// The assertion.
    pub(super) node: NodeId,
    /// Its own signature, if it has one.
    pub(super) signature: Option<NodeId>,
}

/// Reads the shape of a response.
pub(super) fn response(tree: &Tree<'_>) -> Result<ResponseShape, SamlError> {
    if !tree.is(tree.root, PROTOCOL, "Response") {
        return Err(wrong(format!("its root is {}", shown(tree.name(tree.root).1))));
    }
    let places = walk(tree)?;
    for child in tree.elements(tree.root) {
        match tree.name(child) {
            (ASSERTION, "Issuer" | "Assertion" | "EncryptedAssertion")
            | (SIGNATURE, "Signature")
            | (PROTOCOL, "Status" | "Extensions") => {}
            (_, name) => return Err(wrong(format!("{} in the Response", shown(name)))),
        }
    }
    head(tree, tree.root)?;
    tree.only(tree.root, PROTOCOL, "Extensions")?;
    let content = content(tree, &places)?;
    let signature = tree.only(tree.root, SIGNATURE, "Signature")?;
    let inner = match &content {
        Some(Content::Plain(assertion)) => assertion.signature,
        _ => None,
    };
    signatures_are(&places, &[signature, inner])?;
    Ok(ResponseShape { signature, content })
}

/// Reads the shape of a decrypted assertion, which is a document of its own (R21).
pub(super) fn lone_assertion(tree: &Tree<'_>) -> Result<AssertionShape, SamlError> {
    let places = walk(tree)?;
    if places.assertions != [tree.root] || !places.encrypted.is_empty() {
        return Err(wrong("not one assertion".into()));
    }
    let shape = assertion(tree, tree.root)?;
    signatures_are(&places, &[shape.signature])?;
    Ok(shape)
}

/// At most one assertion, plain or encrypted, and right under the Response: any other anywhere refuses (R4).
fn content(tree: &Tree<'_>, places: &Places) -> Result<Option<Content>, SamlError> {
    let (node, encrypted) = match (places.assertions.as_slice(), places.encrypted.as_slice()) {
        ([], []) => return Ok(None),
        ([node], []) => (*node, false),
        ([], [node]) => (*node, true),
        _ => return Err(wrong("more than one assertion".into())),
    };
    if tree.doc.parent(node) != Some(tree.root) {
        return Err(wrong("an assertion that is not right under the Response".into()));
    }
    Ok(Some(if encrypted { Content::Encrypted(node) } else { Content::Plain(assertion(tree, node)?) }))
}

fn assertion(tree: &Tree<'_>, node: NodeId) -> Result<AssertionShape, SamlError> {
    for child in tree.elements(node) {
        match tree.name(child) {
            (
                ASSERTION,
                "Issuer"
                | "Subject"
                | "Conditions"
                | "Advice"
                | "AuthnStatement"
                | "AttributeStatement"
                | "AuthzDecisionStatement",
            )
            | (SIGNATURE, "Signature") => {}
            (_, name) => return Err(wrong(format!("{} in the Assertion", shown(name)))),
        }
    }
    head(tree, node)?;
    tree.only(node, ASSERTION, "Subject")?;
    tree.only(node, ASSERTION, "Conditions")?;
    Ok(AssertionShape { node, signature: tree.only(node, SIGNATURE, "Signature")? })
}

/// What Response and Assertion have in common: version 2.0, an ID, at most one issuer (R5, R30).
fn head(tree: &Tree<'_>, node: NodeId) -> Result<(), SamlError> {
    let name = tree.name(node).1;
    if tree.attribute(node, "Version") != Some("2.0") {
        return Err(wrong(format!("a {name} that is not of version 2.0")));
    }
    if tree.attribute(node, "ID").is_none() {
        return Err(wrong(format!("a {name} without ID")));
    }
    tree.only(node, ASSERTION, "Issuer")?;
    Ok(())
}

/// Every signature of the document is one of those that stand where they belong (R10).
fn signatures_are(places: &Places, expected: &[Option<NodeId>]) -> Result<(), SamlError> {
    let known = |found: &NodeId| expected.contains(&Some(*found));
    if places.signatures.iter().all(known) { Ok(()) } else { Err(wrong("a Signature out of its place".into())) }
}

fn wrong(reason: String) -> SamlError {
    SamlError::Structure(reason)
}
