//! One walk over the whole tree before anything in it is trusted: ids, namespaces, and where assertions and signatures
//! stand (R3, R4, R5, R16).

use std::collections::HashSet;

use uppsala::{Element, NodeId};

use super::document::{ASSERTION, ENCRYPTION, PROTOCOL, SIGNATURE, Tree};
use super::error::{SamlError, shown};

/// The longest id, in bytes.
const ID_LIMIT: usize = 256;
const INCLUSION: &str = "http://www.w3.org/2001/XInclude";
const XML: &str = "http://www.w3.org/XML/1998/namespace";

/// Where the elements stand that trust hangs on, in document order.
#[derive(Default)]
pub(super) struct Places {
    /// Every `saml:Assertion`.
    pub(super) assertions: Vec<NodeId>,
    /// Every `saml:EncryptedAssertion`.
    pub(super) encrypted: Vec<NodeId>,
    /// Every `ds:Signature`.
    pub(super) signatures: Vec<NodeId>,
}

/// Walks the tree once.
pub(super) fn walk(tree: &Tree<'_>) -> Result<Places, SamlError> {
    let mut places = Places::default();
    let mut ids = HashSet::new();
    for node in tree.walk() {
        let Some(element) = tree.doc.element(node) else { continue };
        namespaces(element)?;
        identifiers(element, &mut ids)?;
        match tree.name(node) {
            (ASSERTION, "Assertion") => places.assertions.push(node),
            (ASSERTION, "EncryptedAssertion") => places.encrypted.push(node),
            (SIGNATURE, "Signature") => places.signatures.push(node),
            (ASSERTION, name @ ("EncryptedID" | "EncryptedAttribute" | "BaseID")) => {
                return Err(SamlError::Structure(format!("{name} is not taken")));
            }
            (PROTOCOL, "Response") if node != tree.root => {
                return Err(SamlError::Structure("a Response inside the Response".into()));
            }
            (ENCRYPTION, "CipherReference") => return Err(SamlError::Structure("a CipherReference".into())),
            (INCLUSION, _) => return Err(SamlError::Doctype("an inclusion")),
            _ => {}
        }
    }
    Ok(places)
}

/// Namespace URIs must be absolute, and no prefix may be undeclared: canonicalization is not defined for the rest (R16).
fn namespaces(element: &Element<'_>) -> Result<(), SamlError> {
    for (prefix, uri) in &element.namespace_declarations {
        let undeclared_default = prefix.is_empty() && uri.is_empty();
        if !undeclared_default && !is_absolute(uri) {
            return Err(SamlError::Structure(format!("`{}` as a namespace", shown(uri))));
        }
    }
    Ok(())
}

/// Whether a namespace URI has a scheme and only characters that a URI may have.
fn is_absolute(uri: &str) -> bool {
    let Some((scheme, rest)) = uri.split_once(':') else { return false };
    let letters = scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    let plain = rest.bytes().all(|b| b.is_ascii_graphic() && !b"<>\"{}|\\^`".contains(&b));
    scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && letters && plain && !rest.is_empty()
}

/// Every id is unique, whatever its spelling; only the unprefixed `ID` names anything, the prefixed ones refuse (R5).
fn identifiers<'d>(element: &'d Element<'_>, ids: &mut HashSet<&'d str>) -> Result<(), SamlError> {
    for attribute in &element.attributes {
        let local = &*attribute.name.local_name;
        let foreign = attribute.name.namespace_uri.as_deref();
        if foreign.is_some() && local.eq_ignore_ascii_case("id") || foreign == Some(XML) && local == "base" {
            return Err(SamlError::Structure(format!("a prefixed {local} attribute")));
        }
        if foreign.is_some() || !matches!(local, "ID" | "Id" | "id" | "AssertionID") {
            continue;
        }
        if !is_ncname(&attribute.value) {
            return Err(SamlError::Structure(format!("`{}` as an id", shown(&attribute.value))));
        }
        if !ids.insert(&attribute.value) {
            return Err(SamlError::Structure(format!("the id {} twice", shown(&attribute.value))));
        }
    }
    Ok(())
}

/// Whether the text is an NCName of ASCII: what every IdP uses as an id or a prefix.
pub(super) fn is_ncname(text: &str) -> bool {
    let first = text.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    first && text.len() <= ID_LIMIT && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::saml::document::parse;

    fn check(xml: &str, expected: bool) {
        let tree = parse(xml.as_bytes()).expect(xml);
        assert_eq!(walk(&tree).is_ok(), expected, "{xml}");
    }

    #[test]
    fn r5_ids_are_unique_in_every_spelling() {
        check("<a ID='x'><b ID='y'/></a>", true);
        check("<a ID='x'><b ID='x'/></a>", false);
        check("<a ID='x'><b Id='x'/></a>", false);
        check("<a ID='x'><b id='x'/></a>", false);
        check("<a xmlns:p='u:1' p:ID='x'/>", false);
        check("<a xml:id='x'/>", false);
        check("<a xml:base='http://a.example'/>", false);
        check("<a xml:lang='en' ID='x'/>", true);
        for wrong in ["", "1x", "x y", "x'/><a ID='", "#x", "x:y", "é"] {
            let quoted = wrong.replace('\'', "&apos;").replace('<', "&lt;");
            check(&format!("<a ID='{quoted}'/>"), false);
        }
    }

    #[test]
    fn r16_namespaces_are_absolute() {
        check("<a xmlns='urn:a' xmlns:b='http://b.example/x'/>", true);
        check("<a xmlns:b='urn:b'><c xmlns=''/></a>", true);
        for relative in ["1", "../a", "a/b", "//a.example", "urn:", "urn:a b", ":a", "1:a"] {
            check(&format!("<a xmlns:b='{relative}'/>"), false);
        }
    }

    #[test]
    fn r2_an_inclusion_is_refused() {
        check("<a xmlns:xi='http://www.w3.org/2001/XInclude'><xi:include href='file:///etc/passwd'/></a>", false);
    }
}
