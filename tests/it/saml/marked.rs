//! What people may see of a message: what is signed marked, and nothing that could be used again.

use std::fs;
use std::path::Path;

use vestibule::directory::LoginMessage;
use vestibule::saml::UnverifiedResponse;

use super::draft::Draft;
use super::forge::*;

const LEFT_OUT: [&str; 4] = ["SignatureValue", "DigestValue", "CipherValue", "X509Certificate"];

fn whole(message: &LoginMessage) -> String {
    message.parts.iter().map(|part| part.text.as_str()).collect()
}

/// The message, once it is seen to hold no value that must not be kept.
fn shown(what: &str, xml: &str) -> LoginMessage {
    let message = UnverifiedResponse::from_xml(xml.as_bytes()).to_show().unwrap_or_else(|| panic!("{what} is XML"));
    let whole = whole(&message);
    let mut values = 0;
    for name in LEFT_OUT {
        let tag = format!("{name}>");
        for value in xml.split(&tag).skip(1).step_by(2).filter_map(|rest| rest.split('<').next()) {
            let Some(piece) = value.trim().get(..16) else { continue };
            assert!(!whole.contains(piece), "{what}: {name} {piece}");
            values += 1;
        }
        assert!(
            message.cut || whole.matches(&tag).count() == xml.matches(&tag).count(),
            "{what}: {name} stays as such"
        );
    }
    assert!(values > 0 || !xml.contains("Signature>"), "{what} has values");
    message
}

fn check(what: &str, xml: &str, ids: &[&str]) -> LoginMessage {
    let message = shown(what, xml);
    let marked: Vec<&str> = message.parts.iter().filter(|part| part.signed).map(|part| part.text.as_str()).collect();
    assert_eq!(marked.len(), ids.len(), "{what}: {marked:?}");
    for (text, id) in marked.iter().zip(ids) {
        let element = source(xml, id);
        let (start, end) = (element.split('>').next().unwrap(), element.rsplit("</").next().unwrap());
        assert!(text.starts_with(start) && text.ends_with(&format!("</{end}")), "{what}: {id} {text}");
    }
    message
}

#[test]
fn what_is_signed_is_marked() {
    let none = Draft::default().with(|draft| draft.sign_assertion = None);
    assert!(!check("nothing", &none.xml(), &[]).encrypted);
    check("the assertion", &Draft::default().xml(), &["_a1"]);
    check("the response", &Draft::response_signed().xml(), &["_r1"]);
    check("both: the outer one", &Draft::both_signed().xml(), &["_r1"]);
    let inner = source(&Draft::default().xml(), "_a1");
    let sealed = check("encrypted", &Draft::default().around(&encrypted(&inner, &Sealing::default())), &[]);
    assert!(sealed.encrypted && !whole(&sealed).contains("ada@acme.example"));
    check("wrapped, before", &file("attacks/xsw3_evil_before.xml"), &["_a1"]);
    let evil = check("in an evil one", &file("attacks/xsw4_genuine_inside_evil.xml"), &["_a1"]);
    assert!(evil.parts.iter().any(|part| !part.signed && part.text.contains("Assertion")), "{evil:?}");
}

#[test]
fn of_every_message_in_the_files_nothing_is_left_that_could_be_used() {
    let mut count = 0;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/saml");
    for folder in fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            let text = fs::read_to_string(&path).unwrap_or_default();
            if text.contains(":Response") && !path.ends_with("template.xml") {
                shown(&path.display().to_string(), &text);
                count += 1;
            }
        }
    }
    assert!(count > 30, "{count} files");
}

#[test]
fn a_message_that_is_not_read_or_too_large_is_not_shown_or_cut() {
    for wrong in [&b"no XML"[..], b"", b"\xff\xfe", b"<!DOCTYPE a><a/>"] {
        assert!(UnverifiedResponse::from_xml(wrong).to_show().is_none());
    }
    let many = "<saml:Attribute Name=\"a\"><saml:AttributeValue>é</saml:AttributeValue></saml:Attribute>".repeat(2_500);
    let xml =
        Draft::default().xml().replace("</saml:AttributeStatement>", &format!("{many}</saml:AttributeStatement>"));
    assert!(xml.len() > 200 * 1024);
    let message = shown("200 KiB", &xml);
    assert!(message.cut && message.parts.iter().any(|part| part.signed));
}
