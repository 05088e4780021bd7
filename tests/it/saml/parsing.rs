//! Documents that are no plain XML response: refused before anything in them is believed (R1 to R9).

use std::io::Write as _;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use vestibule::saml::UnverifiedResponse;

use super::draft::{ADA, Draft};
use super::forge::*;
use super::world::*;

fn changed(from: &str, to: &str) -> String {
    let xml = Draft::default().xml();
    assert!(xml.contains(from), "{from}");
    xml.replacen(from, to, 1)
}

#[test]
fn r2_document_types_entities_and_instructions_are_refused() {
    let world = World::default();
    let xml = Draft::default().xml();
    let before = |what: &str, prolog: &str| world.check(what, &format!("{prolog}{xml}"), "doctype");
    before("a harmless one", "<!DOCTYPE samlp:Response>");
    before("an entity", "<!DOCTYPE r [<!ENTITY a \"ada\">]>");
    before("a file", "<!DOCTYPE r [<!ENTITY a SYSTEM \"file:///etc/passwd\">]>");
    before("an address", "<!DOCTYPE r SYSTEM \"http://127.0.0.1:9/r.dtd\">");
    let laughs = repeated(9, |n| format!("<!ENTITY l{} \"&l{n};&l{n};\">", n + 1));
    before("laughs", &format!("<!DOCTYPE r [<!ENTITY l0 \"ha\">{laughs}]>"));
    before("an instruction", "<?xml-stylesheet href=\"http://127.0.0.1:9/s.xsl\"?>");
    world.check("an entity in the text", &changed(">ada@", ">&a;ada@"), "malformed");
    world.check("an entity in an ID (CVE-2025-23369)", &changed("ID=\"_a1\"", "ID=\"&a;_a1\""), "malformed");
    world.check("an instruction in a name", &changed(">ada@", ">ada@<?x?>"), "doctype");
    world.check("behind the end", &format!("{xml}<!DOCTYPE r>"), "doctype");
    let include = "<xi:include xmlns:xi=\"http://www.w3.org/2001/XInclude\" href=\"file:///etc/passwd\"/>";
    world.check(
        "an inclusion",
        &changed("<samlp:Status>", &format!("<samlp:Extensions>{include}</samlp:Extensions><samlp:Status>")),
        "doctype",
    );
}

#[test]
fn r3_the_root_is_a_response_by_its_namespace() {
    let world = World::default();
    let unsigned = Draft::default().with(|draft| draft.sign_assertion = None);
    world.check("an assertion alone", &Draft::default().with(|d| d.sign_response = None).assertion(), "structure");
    let rename = |to: &str| unsigned.xml().replace("samlp:Response", to);
    world.check("another name", &rename("samlp:AuthnRequest"), "structure");
    world.check("another case", &rename("samlp:response"), "structure");
    world.check("another namespace", &unsigned.xml().replace("SAML:2.0:protocol", "SAML:1.0:protocol"), "structure");
    world.check(
        "no namespace",
        &unsigned.xml().replace("xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\"", "xmlns:samlp=\"urn:x\""),
        "structure",
    );
    let enveloped = format!("<e:Envelope xmlns:e=\"urn:e\">{}</e:Envelope>", Draft::default().xml());
    world.check("inside an envelope", &enveloped, "structure");
    let other = Draft::default().assertion().replace("SAML:2.0:assertion", "SAML:1.0:assertion");
    world.check("an assertion of another version", &unsigned.around(&other), "structure");
    world.check("version 2.1", &changed("Version=\"2.0\"", "Version=\"2.1\""), "structure");
    world.check("no version", &changed(" Version=\"2.0\"", ""), "structure");
}

#[test]
fn r5_only_the_unprefixed_id_names_anything() {
    let world = World::default();
    let check = |what: &str, from: &str, to: &str| world.check(what, &changed(from, to), "structure");
    check("a prefixed ID", "ID=\"_a1\"", "samlp:ID=\"_a1\"");
    check("a prefixed ID beside", "ID=\"_a1\"", "samlp:ID=\"_x\" ID=\"_a1\"");
    check("Id", "ID=\"_a1\"", "Id=\"_a1\"");
    check("id", "ID=\"_a1\"", "id=\"_a1\"");
    check("xml:id", "ID=\"_a1\"", "xml:id=\"_a1\"");
    check("the same twice", "ID=\"_r1\"", "ID=\"_a1\"");
    check("the same in another spelling", "<saml:Subject>", "<saml:Subject Id=\"_a1\">");
    check("no name", "ID=\"_a1\"", "ID=\"1\"");
    check("empty", "ID=\"_r1\"", "ID=\"\"");
}

#[test]
fn r6_an_element_in_a_value_is_refused() {
    let world = World::default();
    let signed_with = |from: &str, to: &str| {
        let draft = Draft::default().with(|draft| {
            for part in [&mut draft.attributes, &mut draft.name_id, &mut draft.assertion_issuer, &mut draft.conditions]
            {
                *part = part.replace(from, to);
            }
        });
        draft.xml()
    };
    let inside = "<saml:x/>";
    world.check("e-mail", &signed_with(ADA, &format!("ada@{inside}acme.example")), "email_ambiguous");
    world.check("NameID", &signed_with("00u-ada", &format!("00u{inside}")), "structure");
    world.check("issuer", &signed_with("idp.example/saml", &format!("idp.example/{inside}saml")), "structure");
    world.check("audience", &signed_with("acme/metadata", &format!("acme/{inside}metadata")), "structure");
}

#[test]
fn r7_what_is_too_large_is_refused_in_no_time() {
    let world = World::default();
    let xml = Draft::default().xml();
    let inside = |content: &str| {
        xml.replacen("<samlp:Status>", &format!("<samlp:Extensions>{content}</samlp:Extensions><samlp:Status>"), 1)
    };
    let quick = |what: &str, xml: &str, expected: &str| {
        let started = Instant::now();
        world.check(what, xml, expected);
        println!("{what}: {:?} for {} bytes", started.elapsed(), xml.len());
    };
    let attributes = repeated(28_000, |n| format!(" a{n}=\"\""));
    quick("28,000 attributes", &inside(&format!("<x xmlns=\"urn:x\"{attributes}/>")), "too_large");
    quick("deep", &inside(&("<x xmlns=\"urn:x\">".to_owned() + &"<x>".repeat(50_000))), "too_large");
    quick("many", &inside(&"<samlp:x/>".repeat(30_000)), "too_large");
    let namespaces = repeated(200, |n| format!(" xmlns:n{n}=\"urn:{n}\""));
    quick("namespaces", &inside(&format!("<x xmlns=\"urn:x\"{namespaces}/>")), "too_large");
    quick("bytes", &inside(&"a".repeat(1 << 20)), "too_large");
    quick(
        "signatures",
        &inside(&"<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"/>".repeat(9_000)),
        "structure",
    );
    let same = "<samlp:x/>".repeat(19_000);
    quick("nearly too many", &inside(&same), ADA);
    let padding =
        Draft::default().with(|draft| draft.attributes = draft.attributes.replace("Lovelace", &"x".repeat(1_000_000)));
    quick("a long value, well signed", &padding.xml(), ADA);
    let wide = repeated(1_000, |n| format!("<samlp:x{}/>", repeated(200, |a| format!(" a{a}=\"{n}\""))));
    quick("wide elements", &inside(&wide[..900_000.min(wide.rfind("<samlp:x ").unwrap())]), "malformed");
    let groups = repeated(2_000, |n| format!("<saml:AttributeValue>group-{n}</saml:AttributeValue>"));
    let many = Draft::default().with(|draft| {
        let list = format!("<saml:Attribute Name=\"groups\">{groups}</saml:Attribute></saml:AttributeStatement>");
        draft.attributes = draft.attributes.replace("</saml:AttributeStatement>", &list);
    });
    quick("2,000 groups, well signed", &many.xml(), ADA);
}

#[test]
fn r8_a_form_field_is_base64_and_never_inflated() {
    let code = |field: &str| UnverifiedResponse::from_form_field(field).map_or_else(|error| error.code(), |_| "read");
    let field = BASE64.encode(Draft::default().xml());
    assert_eq!(code(&field), "read");
    let lines: Vec<&str> = field.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
    assert_eq!(code(&lines.join("\r\n")), "read");
    assert_eq!(code(&format!(" \t{field}\n")), "read");
    for wrong in
        [&field[1..], &format!("{field}="), &field.replace('A', "-"), &field.replacen('A', "%", 1), "<xml/>", "é"]
    {
        assert_eq!(code(wrong), "malformed");
    }
    assert_eq!(code(&"A".repeat(2 << 20)), "too_large");
    let mut deflated = DeflateEncoder::new(Vec::new(), Compression::best());
    deflated.write_all(Draft::default().xml().as_bytes()).unwrap();
    let verdict = World::default().verdict_of_bytes(&deflated.finish().unwrap());
    assert_eq!(verdict.outcome.unwrap_err().code(), "malformed");
    assert_eq!(World::default().verdict_of_bytes(b"").outcome.unwrap_err().code(), "malformed");
}

#[test]
fn r9_what_is_not_one_well_formed_document_is_refused() {
    let world = World::default();
    let xml = Draft::default().xml();
    let check = |what: &str, xml: &str| world.check(what, xml, "malformed");
    check("cut", &xml[..xml.len() - 20]);
    check("cut in the middle", &xml[..xml.len() / 2]);
    check("two roots", &format!("{xml}{xml}"));
    check("trailing text", &format!("{xml}x"));
    check("leading text", &format!("x{xml}"));
    check("NUL", &xml.replacen(">ada@", ">ada\0@", 1));
    check("a NUL reference", &xml.replacen(">ada@", ">&#0;ada@", 1));
    check("a control character", &xml.replacen(">ada@", ">\u{8}ada@", 1));
    check("another encoding", &format!("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>{xml}"));
    check("wide characters", &format!("<?xml version=\"1.0\" encoding=\"UTF-16\"?>{xml}"));
    check("UTF-7", &format!("<?xml version=\"1.0\" encoding=\"UTF-7\"?>{xml}"));
    check("the same attribute twice", &xml.replacen("ID=\"_a1\"", "ID=\"_a1\" ID=\"_a1\"", 1));
    check("an unknown prefix", &xml.replacen("<saml:Subject>", "<evil:Subject/><saml:Subject>", 1));
    let mut bytes = xml.clone().into_bytes();
    bytes[100] = 0xff;
    assert_eq!(world.verdict_of_bytes(&bytes).outcome.unwrap_err().code(), "malformed");
    let wide: Vec<u8> = xml.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(world.verdict_of_bytes(&wide).outcome.unwrap_err().code(), "malformed");
}

#[test]
fn every_prefix_of_a_good_message_is_refused() {
    let world = World::default();
    let xml = Draft::response_signed().xml();
    for end in (0..xml.len()).step_by(7) {
        assert!(world.verdict_of_bytes(&xml.as_bytes()[..end]).outcome.is_err(), "{end}");
    }
}

#[test]
fn a_peek_tells_what_the_message_claims() {
    let peek = |xml: &str| UnverifiedResponse::from_xml(xml.as_bytes()).peek();
    let claimed = peek(&Draft::default().xml()).unwrap();
    assert_eq!((claimed.in_response_to.as_deref(), claimed.issuer.as_deref()), (Some(REQUEST), Some(IDP)));
    let xml = changed(&format!(" InResponseTo=\"{REQUEST}\""), "");
    assert_eq!(peek(&xml).unwrap().in_response_to.as_deref(), Some(REQUEST), "from the confirmation");
    assert_eq!(peek("<!DOCTYPE r><r/>"), None);
    let sealed = Draft::default().with(|draft| draft.encrypt = Some(Sealing::default())).xml();
    assert_eq!(peek(&sealed).unwrap().in_response_to.as_deref(), Some(REQUEST));
}
