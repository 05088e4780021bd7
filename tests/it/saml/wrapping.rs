//! Signature wrapping in every published form: a genuine signature moved about so that somebody else is read (R4, R10).
//!
//! The documents are kept under `tests/saml/attacks`, so that other tools can be tried with them. After a change here,
//! `VESTIBULE_WRITE_FIXTURES=1 cargo test --test it saml` writes them anew.

use super::draft::{ADA, Draft};
use super::forge::*;
use super::world::*;

const EVE: &str = "eve@acme.example";

/// A genuine message and its parts.
struct Genuine {
    xml: String,
    assertion: String,
    signature: String,
}

impl Genuine {
    fn of(draft: &Draft) -> Self {
        let xml = draft.xml();
        let from = xml.find("<ds:Signature ").unwrap();
        let to = xml.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
        Genuine { assertion: source(&xml, "_a1"), signature: xml[from..to].to_owned(), xml }
    }

    /// The assertion without its signature.
    fn bare(&self) -> String {
        self.assertion.replace(&self.signature, "")
    }

    /// An assertion that speaks of somebody else, unsigned.
    fn evil(&self) -> String {
        self.bare().replace(ADA, EVE).replace("\"_a1\"", "\"_evil\"")
    }

    /// The message with its assertion replaced by `content`.
    fn with(&self, content: &str) -> String {
        self.xml.replace(&self.assertion, content)
    }
}

/// Puts `inside` right before the end of the outermost element of `xml`.
fn append(xml: &str, inside: &str) -> String {
    let end = xml.rfind("</").unwrap();
    [&xml[..end], inside, &xml[end..]].concat()
}

/// Puts `part` behind the first issuer.
fn behind_issuer(xml: &str, part: &str) -> String {
    xml.replacen("</saml:Issuer>", &format!("</saml:Issuer>{part}"), 1)
}

fn object(content: &str) -> String {
    format!("<ds:Object>{content}</ds:Object>")
}

/// Every attack by its name, with the document and the code of its refusal.
pub fn attacks() -> Vec<(&'static str, String, &'static str)> {
    let by_assertion = Genuine::of(&Draft::default());
    let by_response = Genuine::of(&Draft::response_signed());
    let mut all = around_the_response(&by_response);
    all.extend(around_the_assertion(&by_assertion));
    all.extend(hidden_assertions(&by_assertion));
    all
}

/// XSW1 and XSW2 and their kin: the signature covers a Response that is no longer the root.
fn around_the_response(g: &Genuine) -> Vec<(&'static str, String, &'static str)> {
    let unsigned = g.xml.replace(&g.signature, "");
    let evil = unsigned.replace(ADA, EVE).replace("\"_r1\"", "\"_evil_r\"").replace("\"_a1\"", "\"_evil\"");
    let holding = append(&g.signature, &object(&unsigned));
    vec![
        ("xsw1_response_in_object", behind_issuer(&evil, &holding), "structure"),
        (
            "xsw2_response_beside_signature",
            behind_issuer(&evil, &[unsigned.as_str(), &g.signature].concat()),
            "structure",
        ),
        (
            "response_in_extensions",
            behind_issuer(&evil, &format!("{}<samlp:Extensions>{unsigned}</samlp:Extensions>", g.signature)),
            "structure",
        ),
        (
            "response_in_status_detail",
            evil.replace(
                "</samlp:Status>",
                &format!("<samlp:StatusDetail>{}</samlp:StatusDetail></samlp:Status>", g.xml),
            ),
            "structure",
        ),
        ("same_id_response", behind_issuer(&evil.replace("_evil_r", "_r1"), &holding), "structure"),
        ("foreign_signature", behind_issuer(&evil, &g.signature), "structure"),
        (
            "foreign_signature_same_id",
            behind_issuer(&evil.replace("_evil_r", "_r1"), &g.signature),
            "signature_invalid",
        ),
    ]
}

/// XSW3 to XSW8: the signature covers an assertion that is not the one at the expected place.
fn around_the_assertion(g: &Genuine) -> Vec<(&'static str, String, &'static str)> {
    let (evil, bare, genuine) = (g.evil(), g.bare(), g.assertion.as_str());
    let swallowed = |inside: &str| g.with(&behind_issuer(&evil, inside));
    vec![
        ("xsw3_evil_before", g.with(&[&evil, genuine].concat()), "structure"),
        ("xsw3_evil_behind", g.with(&[genuine, &evil].concat()), "structure"),
        ("xsw4_genuine_inside_evil", g.with(&append(&evil, genuine)), "structure"),
        (
            "xsw5_signature_moved_genuine_last",
            g.with(&[swallow(&evil, &g.signature), bare.clone()].concat()),
            "structure",
        ),
        ("xsw6_genuine_in_signature_of_evil", swallowed(&append(&g.signature, &bare)), "structure"),
        (
            "xsw7_evil_in_extensions",
            g.with(genuine)
                .replace("<samlp:Status>", &format!("<samlp:Extensions>{evil}</samlp:Extensions><samlp:Status>")),
            "structure",
        ),
        ("xsw8_genuine_in_object_of_evil", swallowed(&append(&g.signature, &object(&bare))), "structure"),
        ("same_id_evil_before", g.with(&[&evil.replace("_evil", "_a1"), genuine].concat()), "structure"),
        ("same_id_evil_around", swallowed(&append(&g.signature, &object(&bare))).replace("_evil", "_a1"), "structure"),
        ("evil_with_foreign_signature", swallowed(&g.signature), "structure"),
        ("evil_with_foreign_signature_same_id", swallowed(&g.signature).replace("_evil", "_a1"), "signature_invalid"),
        ("signature_on_the_response_for_the_assertion", behind_issuer(&g.with(&bare), &g.signature), "structure"),
        (
            "evil_signed_by_reference_to_genuine_in_advice",
            swallowed(&format!("{}<saml:Advice>{bare}</saml:Advice>", g.signature)),
            "structure",
        ),
        ("genuine_wrapped_in_unknown_element", g.with(&format!("<x xmlns=\"urn:x\">{genuine}</x>{evil}")), "structure"),
        ("second_signature_inside", g.with(&append(genuine, &g.signature)), "structure"),
        (
            "signature_in_subject",
            g.with(&bare.replace("<saml:Subject>", &format!("<saml:Subject>{}", g.signature))),
            "structure",
        ),
        ("signature_outside_everything", append(&g.with(&bare), &g.signature), "structure"),
    ]
}

fn swallow(evil: &str, signature: &str) -> String {
    behind_issuer(evil, signature)
}

/// A second assertion, wherever one could hide (R4).
fn hidden_assertions(g: &Genuine) -> Vec<(&'static str, String, &'static str)> {
    let (evil, genuine) = (g.evil(), g.assertion.as_str());
    let other = signed(&g.with(&evil), "_evil", &Signing::default());
    let other = source(&other, "_evil");
    let sealed = encrypted_with(&Sealing::default(), "AAAA", "AAAA");
    vec![
        ("two_signed_assertions", g.with(&[genuine, &other].concat()), "structure"),
        ("plain_and_encrypted", g.with(&[genuine, &sealed].concat()), "structure"),
        ("two_encrypted", g.with(&[sealed.as_str(), &sealed].concat()), "structure"),
        (
            "encrypted_in_extensions",
            g.xml.replace("<samlp:Status>", &format!("<samlp:Extensions>{sealed}</samlp:Extensions><samlp:Status>")),
            "structure",
        ),
        (
            "assertion_in_status_detail",
            g.xml.replace(
                "</samlp:Status>",
                &format!("<samlp:StatusDetail>{other}</samlp:StatusDetail></samlp:Status>"),
            ),
            "structure",
        ),
        ("assertion_in_key_info", g.xml.replace("</ds:KeyInfo>", &format!("{other}</ds:KeyInfo>")), "structure"),
        ("assertion_in_attribute_value", g.with(&genuine.replace(ADA, &other)), "structure"),
        ("no_assertion_at_all", g.with(""), "structure"),
    ]
}

#[test]
fn r4_r10_no_wrapped_document_signs_anybody_in() {
    let world = World::default();
    for (name, xml, expected) in attacks() {
        world.check(name, &xml, expected);
    }
}

#[test]
fn the_attacks_on_disk_are_these() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/saml/attacks");
    let write = std::env::var_os("VESTIBULE_WRITE_FIXTURES").is_some();
    for (name, xml, _) in attacks() {
        let path = folder.join(format!("{name}.xml"));
        if write {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, &xml).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).ok().as_deref(), Some(xml.as_str()), "{}", path.display());
    }
}
