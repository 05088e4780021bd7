//! The one parsed tree and the only ways to read it: names with their namespace, unprefixed attributes, whole texts
//! (R1, R3, R5, R6).

use uppsala::{Document, NodeId, NodeKind, Parser};

use super::error::{SamlError, shown};
use super::prescan::{DEPTH_LIMIT, prescan};

/// The namespace of SAML 2.0 messages.
pub(super) const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
/// The namespace of SAML 2.0 assertions.
pub(super) const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
/// The namespace of XML signatures.
pub(super) const SIGNATURE: &str = "http://www.w3.org/2000/09/xmldsig#";
/// The namespace of XML encryption.
pub(super) const ENCRYPTION: &str = "http://www.w3.org/2001/04/xmlenc#";
/// The namespace of XML encryption 1.1.
pub(super) const ENCRYPTION_11: &str = "http://www.w3.org/2009/xmlenc11#";
/// The namespace of exclusive canonicalization.
pub(super) const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";

/// A parsed message. It borrows the text that it was parsed from.
pub(super) struct Tree<'a> {
    /// The parser's own document: the verifier needs it whole.
    pub(super) doc: Document<'a>,
    /// The text it was parsed from.
    pub(super) source: &'a str,
    /// The root element.
    pub(super) root: NodeId,
}

/// Checks and parses a message: once, strictly, without document types.
pub(super) fn parse(bytes: &[u8]) -> Result<Tree<'_>, SamlError> {
    let source = prescan(bytes)?;
    let depth = u32::try_from(DEPTH_LIMIT).unwrap_or(u32::MAX);
    let doc = Parser::new()
        .with_forbid_dtd(true)
        .with_max_depth(depth)
        .parse(source)
        .map_err(|error| SamlError::Malformed(shown(&error.to_string())))?;
    let root = doc.document_element().ok_or_else(|| SamlError::Malformed("it has no root element".into()))?;
    Ok(Tree { doc, source, root })
}

impl Tree<'_> {
    /// Whether the node is the element `name` of `namespace`.
    pub(super) fn is(&self, node: NodeId, namespace: &str, name: &str) -> bool {
        self.doc.element(node).is_some_and(|element| element.name.matches(Some(namespace), name))
    }

    /// The namespace and local name of an element, empty for none.
    pub(super) fn name(&self, node: NodeId) -> (&str, &str) {
        self.doc.element(node).map_or(("", ""), |element| {
            (element.name.namespace_uri.as_deref().unwrap_or_default(), &*element.name.local_name)
        })
    }

    /// The value of an attribute without namespace. Attributes of other namespaces never count (R5).
    pub(super) fn attribute(&self, node: NodeId, name: &str) -> Option<&str> {
        let attributes = &self.doc.element(node)?.attributes;
        let found = attributes.iter().find(|a| a.name.namespace_uri.is_none() && a.name.local_name == name)?;
        Some(&found.value)
    }

    /// The child elements, in order.
    pub(super) fn elements(&self, node: NodeId) -> impl Iterator<Item = NodeId> {
        self.doc.children_iter(node).filter(|child| self.doc.element(*child).is_some())
    }

    /// The child elements of that name, in order.
    pub(super) fn named(
        &self,
        node: NodeId,
        namespace: &'static str,
        name: &'static str,
    ) -> impl Iterator<Item = NodeId> {
        self.doc.children_iter(node).filter(move |child| self.is(*child, namespace, name))
    }

    /// The one child element of that name, if there is one; two refuse.
    pub(super) fn only(
        &self,
        node: NodeId,
        namespace: &'static str,
        name: &'static str,
    ) -> Result<Option<NodeId>, SamlError> {
        let mut found = self.named(node, namespace, name);
        let first = found.next();
        match found.next() {
            None => Ok(first),
            Some(_) => Err(SamlError::Structure(format!("more than one {name}"))),
        }
    }

    /// The whole text of an element: text and CDATA joined, comments skipped; a child element refuses (R6).
    pub(super) fn text(&self, node: NodeId) -> Result<String, SamlError> {
        let mut whole = String::new();
        for child in self.doc.children_iter(node) {
            match self.doc.node_kind(child) {
                Some(NodeKind::Text(text) | NodeKind::CData(text)) => whole.push_str(text),
                Some(NodeKind::Comment(_)) => {}
                _ => return Err(SamlError::Structure(format!("{} holds more than text", self.name(node).1))),
            }
        }
        Ok(whole)
    }

    /// The text of an element that holds nothing but one run of text: for signatures and ciphers (R15).
    pub(super) fn plain_text(&self, node: NodeId) -> Result<&str, SamlError> {
        let mut children = self.doc.children_iter(node);
        match (children.next().map(|child| self.doc.node_kind(child)), children.next()) {
            (Some(Some(NodeKind::Text(text))), None) => Ok(text),
            _ => Err(SamlError::Structure(format!("{} is not one plain text", self.name(node).1))),
        }
    }

    /// Every element of the tree, in document order.
    pub(super) fn walk(&self) -> impl Iterator<Item = NodeId> {
        let mut next = Some(self.root);
        std::iter::from_fn(move || {
            let current = next?;
            next = self.doc.first_child(current).or_else(|| self.after(current));
            Some(current)
        })
        .filter(|node| self.doc.element(*node).is_some())
    }

    /// The node behind a subtree, in document order.
    fn after(&self, mut node: NodeId) -> Option<NodeId> {
        while node != self.root {
            if let Some(sibling) = self.doc.next_sibling(node) {
                return Some(sibling);
            }
            node = self.doc.parent(node)?;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(xml: &str) -> Result<String, SamlError> {
        let tree = parse(xml.as_bytes())?;
        tree.text(tree.root)
    }

    #[test]
    fn r6_comments_and_cdata_never_cut_a_text() {
        assert_eq!(text_of("<a>ada@acme.example<!-- x -->.evil.example</a>").unwrap(), "ada@acme.example.evil.example");
        assert_eq!(text_of("<a>ada@<![CDATA[acme]]>.example</a>").unwrap(), "ada@acme.example");
        assert_eq!(text_of("<a>&#65;&amp;b</a>").unwrap(), "A&b");
        assert!(text_of("<a>ada<b/></a>").is_err());
    }

    #[test]
    fn r9_what_is_not_well_formed_is_refused() {
        for wrong in [
            "",
            "<a>",
            "<a/><b/>",
            "<a/>x",
            "<a b='1' b='2'/>",
            "<a>&x;</a>",
            "<a>&#0;</a>",
            "<p:a/>",
            "<a></b>",
            "<a xmlns:p='u:1' xmlns:q='u:1' p:b='' q:b=''/>",
            "<a>]]></a>",
            "<a>\u{1}</a>",
            "<a b='<'/>",
            "x<a/>",
        ] {
            assert!(parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn r5_an_attribute_of_another_namespace_does_not_count() {
        let tree = parse(b"<a xmlns:p='u:1' p:ID='evil'/>").unwrap();
        assert_eq!(tree.attribute(tree.root, "ID"), None);
        assert_eq!(tree.walk().count(), 1);
    }
}
