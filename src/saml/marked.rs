//! A message for people to look at: without what could be used again, and with what its signatures say they cover marked.
//!
//! What is marked is what the message says, not what holds: that is for the verifier.

use std::collections::BTreeSet;
use std::ops::Range;

use uppsala::NodeId;

use super::document::{ENCRYPTION, SIGNATURE, Tree, parse};
use crate::directory::{LoginMessage, MessagePart};

/// The elements whose content is left out, whatever their namespace.
const LEFT_OUT: [&str; 4] = ["SignatureValue", "DigestValue", "CipherValue", "X509Certificate"];
/// The longest text of an element, in bytes: a longer one is left out, as it may hold a token, or another message.
const TEXT_LIMIT: usize = 512;
/// What stands in its place.
const PLACE: &str = "…";

/// The message, if it is XML as the verifier takes it.
pub(super) fn marked(bytes: &[u8]) -> Option<LoginMessage> {
    let tree = parse(bytes).ok()?;
    let (names, whole) = references(&tree);
    let (mut left_out, mut covered, mut encrypted) = (Vec::new(), Vec::new(), false);
    for node in tree.walk() {
        let range = tree.doc.node_range(node)?;
        encrypted |= tree.is(node, ENCRYPTION, "EncryptedData");
        let named = tree.attribute(node, "ID").is_some_and(|id| names.contains(id));
        if (named || (whole && node == tree.root)) && is_behind(&covered, &range) {
            covered.push(range.clone());
        }
        if is_behind(&left_out, &range) {
            left_out.extend(content(tree.source, &range).filter(|content| is_left_out(&tree, node, content)));
        }
    }
    Some(LoginMessage::new(parts(tree.source, &covered, &left_out), encrypted))
}

/// What the signatures refer to: elements by `ID`, and whether the whole document is.
fn references<'t>(tree: &'t Tree<'_>) -> (BTreeSet<&'t str>, bool) {
    let (mut names, mut whole) = (BTreeSet::new(), false);
    for node in tree.walk().filter(|node| tree.is(*node, SIGNATURE, "SignedInfo")) {
        for uri in tree.named(node, SIGNATURE, "Reference").filter_map(|reference| tree.attribute(reference, "URI")) {
            whole |= uri.is_empty();
            names.extend(uri.strip_prefix('#'));
        }
    }
    (names, whole)
}

/// Whether a range lies behind all of these, and in none: the outermost counts.
fn is_behind(ranges: &[Range<usize>], range: &Range<usize>) -> bool {
    ranges.last().is_none_or(|last| last.end <= range.start)
}

fn is_left_out(tree: &Tree<'_>, node: NodeId, content: &Range<usize>) -> bool {
    let is_long = content.len() > TEXT_LIMIT && tree.elements(node).next().is_none();
    is_long || LEFT_OUT.contains(&tree.name(node).1)
}

/// What is between the tags of an element, if there is anything. In what is well-formed, no tag holds a `<`.
fn content(source: &str, element: &Range<usize>) -> Option<Range<usize>> {
    let text = source.get(element.clone())?;
    let mut quote = None;
    let start = text.bytes().position(|byte| {
        match quote {
            Some(open) if open == byte => quote = None,
            None if matches!(byte, b'"' | b'\'') => quote = Some(byte),
            _ => {}
        }
        quote.is_none() && byte == b'>'
    })?;
    let content = element.start + start + 1..element.start + text.rfind("</")?;
    (!content.is_empty()).then_some(content)
}

/// The text in runs that are covered, or not.
fn parts(source: &str, covered: &[Range<usize>], left_out: &[Range<usize>]) -> impl Iterator<Item = MessagePart> {
    let mut at = 0;
    let runs = covered.iter().flat_map(move |range| {
        let before = std::mem::replace(&mut at, range.end)..range.start;
        [(false, before), (true, range.clone())]
    });
    let rest = covered.last().map_or(0, |last| last.end)..source.len();
    runs.chain([(false, rest)]).map(|(signed, run)| MessagePart { signed, text: without(source, run, left_out) })
}

/// The text of a run, without what is left out.
fn without(source: &str, run: Range<usize>, left_out: &[Range<usize>]) -> String {
    let (mut text, mut at) = (String::new(), run.start);
    let first = left_out.partition_point(|range| range.end <= run.start);
    for range in left_out.iter().skip(first).take_while(|range| range.start < run.end) {
        if range.start >= run.start {
            text.push_str(source.get(at..range.start).unwrap_or_default());
            text.push_str(PLACE);
        }
        at = range.end.min(run.end);
    }
    text.push_str(source.get(at..run.end).unwrap_or_default());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "<SignatureValue>c2ln</SignatureValue>";

    /// The parts in one text, the covered ones in «».
    fn shown(xml: &str) -> String {
        let message = marked(xml.as_bytes()).unwrap();
        let parts = message.parts.iter();
        parts.map(|part| if part.signed { format!("«{}»", part.text) } else { part.text.clone() }).collect()
    }

    fn check(xml: &str, expected: &str) {
        assert_eq!(shown(xml), expected, "{xml:.200}");
    }

    fn signature(uri: &str) -> String {
        format!(
            "<Signature xmlns='{SIGNATURE}'><SignedInfo><Reference URI='{uri}'>\
             <DigestValue>ZGln</DigestValue></Reference></SignedInfo>{KEY}</Signature>"
        )
    }

    #[test]
    fn what_could_be_used_again_is_left_out() {
        check("<a><SignatureValue>c2ln</SignatureValue></a>", "<a><SignatureValue>…</SignatureValue></a>");
        check(
            "<a><x:DigestValue xmlns:x='u:>' b='\">'>a<b/>c</x:DigestValue ></a>",
            "<a><x:DigestValue xmlns:x='u:>' b='\">'>…</x:DigestValue ></a>",
        );
        check("<CipherValue>a<!-- </CipherValue> --><![CDATA[</b>]]></CipherValue>", "<CipherValue>…</CipherValue>");
        let empty = "<a><X509Certificate/><X509Certificate></X509Certificate>é</a>";
        check(empty, empty);
        check(
            "<a>\r\n<SignatureValue>é<DigestValue>b</DigestValue></SignatureValue>ü</a>",
            "<a>\r\n<SignatureValue>…</SignatureValue>ü</a>",
        );
        let short = format!("<a><b>{}</b></a>", "x".repeat(TEXT_LIMIT));
        check(&short, &short);
        check(&format!("<a><b>{}</b></a>", "é".repeat(TEXT_LIMIT)), "<a><b>…</b></a>");
        check("\u{feff}<?xml version='1.0'?><!-- ü --><a/>", "<?xml version='1.0'?><!-- ü --><a/>");
    }

    #[test]
    fn what_a_signature_names_is_marked_and_the_outermost_alone() {
        let (by_id, whole) = (signature("#i"), signature(""));
        let [shown_by_id, shown_whole] = [&by_id, &whole].map(|text| text.replace("c2ln", "…").replace("ZGln", "…"));
        check(
            &format!("<r><b ID='i'>{by_id}ü</b><c ID='j'/></r>"),
            &format!("<r>«<b ID='i'>{shown_by_id}ü</b>»<c ID='j'/></r>"),
        );
        check(&format!("<!-- x --><r>{whole}</r>"), &format!("<!-- x -->«<r>{shown_whole}</r>»"));
        check(
            &format!("<r>{whole}<b ID='i'>{by_id}</b></r>"),
            &format!("«<r>{shown_whole}<b ID='i'>{shown_by_id}</b></r>»"),
        );
        // Wrapped: what is named, wherever it stands, and each that has the name.
        check(
            &format!("<r><b ID='evil'>{by_id}<c ID='i'/></b><c ID='i'/></r>"),
            &format!("<r><b ID='evil'>{shown_by_id}«<c ID='i'/>»</b>«<c ID='i'/>»</r>"),
        );
        // Inside of what is left out there is nothing to mark.
        check(
            &format!("<r>{by_id}<CipherValue>a<c ID='i'>b</c>d</CipherValue>e</r>"),
            &format!("<r>{shown_by_id}<CipherValue>…</CipherValue>e</r>"),
        );
        for none in ["#", "#nobody", "i", "other.xml#i"] {
            let message = marked(format!("<r ID='i'>{}</r>", signature(none)).as_bytes()).unwrap();
            assert!(message.parts.iter().all(|part| !part.signed), "{none}");
        }
    }

    #[test]
    fn of_what_is_not_xml_nothing_is_shown() {
        for wrong in ["", "x", "<a>", "<a></b>", "<!DOCTYPE a><a/>", "<a>\0</a>", "<a/><b/>"] {
            assert!(marked(wrong.as_bytes()).is_none(), "{wrong}");
        }
        assert!(marked(b"<a>\xff</a>").is_none());
    }

    #[test]
    fn a_large_message_is_cut() {
        let xml = format!("<r ID='i'>{}{}</r>", signature("#i"), "<a b=\"c\">ü</a>".repeat(15_000));
        assert!(xml.len() > 200 * 1024);
        let message = marked(xml.as_bytes()).unwrap();
        assert!(message.cut && !message.encrypted);
        assert!(message.parts.iter().all(|part| part.signed), "its end is cut, not its mark");
    }
}
