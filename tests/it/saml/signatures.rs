//! Signatures that must not count: other keys, other algorithms, other shapes (R10 to R18).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use vestibule::directory::sso::SsoConnection;
use vestibule::saml::{IdentityProvider, SamlError};

use super::draft::{ADA, Draft};
use super::forge::*;
use super::world::*;

fn signed_by(signing: Signing) -> String {
    Draft::default().with(|draft| draft.sign_assertion = Some(signing)).xml()
}

/// The ordinary message with one text of it replaced.
fn changed(from: &str, to: &str) -> String {
    let xml = Draft::default().xml();
    assert!(xml.contains(from), "{from}");
    xml.replacen(from, to, 1)
}

#[test]
fn r10_without_a_signature_nobody_is_signed_in() {
    let unsigned = Draft::default().with(|draft| draft.sign_assertion = None).xml();
    World::default().check("unsigned", &unsigned, "not_signed");
    let empty = unsigned.replacen(
        "</saml:Issuer>",
        "</saml:Issuer><ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"/>",
        1,
    );
    World::default().check("an empty Signature", &empty, "structure");
}

#[test]
fn r10_whatever_is_changed_after_signing_refuses() {
    let world = World::default();
    let check = |what: &str, from: &str, to: &str| world.check(what, &changed(from, to), "signature_invalid");
    check("address", ADA, "eve@acme.example");
    check("suffix", ">ada@acme.example<", ">ada@acme.example.evil.example<");
    check("comment that hides", ">ada@acme.example<", ">eve@acme.example<!--ada@acme.example--><");
    check("name", "00u-ada", "00u-eve");
    check("audience", "metadata</saml:Audience>", "metadata</saml:Audience><saml:Audience>x</saml:Audience>");
    check("date", "NotOnOrAfter=\"2026-11-22T12:05:00Z\" Recipient", "NotOnOrAfter=\"2026-11-23T12:05:00Z\" Recipient");
    check("attribute added", "<saml:Conditions ", "<saml:Conditions xmlns:x=\"urn:x\" x:y=\"\" ");
    check("white space", "<saml:Subject>", "<saml:Subject> ");
    check("SignedInfo", "<ds:Transforms>", "<ds:Transforms> ");
    let both = Draft::both_signed().xml();
    let status = "<samlp:Status>";
    world.check("the Response around", &both.replace(status, "<samlp:Extensions/><samlp:Status>"), "signature_invalid");
}

#[test]
fn r14_the_signature_is_checked_before_the_content() {
    let world = World::default();
    let reason = |xml: &str| match world.verdict(xml).outcome {
        Err(SamlError::SignatureInvalid { reason, .. }) => reason,
        other => panic!("{other:?}"),
    };
    let content = changed(ADA, "eve@acme.example");
    assert_eq!(reason(&content), "The content was changed after it was signed");
    let both = content.replacen("<ds:DigestMethod ", "<ds:DigestMethod  ", 1).replacen(
        "<ds:Transforms>",
        "<ds:Transforms> ",
        1,
    );
    assert_eq!(reason(&both), "No configured key verifies the signature", "no transform runs for a stranger");
}

#[test]
fn r10_every_signature_present_must_hold() {
    let world = World::default();
    let draft = Draft::both_signed().with(|draft| draft.sign_response = Some(Signing::by("stranger")));
    world.check("a stranger's around a genuine one", &draft.xml(), "signature_invalid");
    let draft = Draft::both_signed().with(|draft| draft.sign_assertion = Some(Signing::by("stranger")));
    world.check("a stranger's inside a genuine one", &draft.xml(), "signature_invalid");
}

#[test]
fn r11_only_the_configured_keys_count() {
    let world = World::default();
    let key_info = |inside| Signing { key_info: Some(inside), ..Signing::by("stranger") };
    world.check("a stranger's key", &signed_by(Signing::by("stranger")), "signature_invalid");
    world.check(
        "without KeyInfo",
        &signed_by(Signing { key_info: None, ..Signing::by("stranger") }),
        "signature_invalid",
    );
    world.check("by name", &signed_by(key_info("<ds:KeyName>idp</ds:KeyName>")), "signature_invalid");
    let remote = key_info(
        "<ds:RetrievalMethod URI=\"http://127.0.0.1:9/key\"/><ds:RetrievalMethod URI=\"file:///etc/passwd\"/>",
    );
    world.check("fetched", &signed_by(remote), "signature_invalid");
    let value = "<ds:KeyValue><ds:RSAKeyValue><ds:Modulus>AQAB</ds:Modulus><ds:Exponent>AQAB</ds:Exponent></ds:RSAKeyValue></ds:KeyValue>";
    world.check("by value", &signed_by(key_info(value)), "signature_invalid");
    let named = World::default().verdict(&signed_by(Signing::by("stranger")));
    let Err(error @ SamlError::SignatureInvalid { message_certificate: Some(_), .. }) = named.outcome else { panic!() };
    assert!(error.fix().contains("configured: sha256-of-idp"), "{}", error.fix());
}

#[test]
fn r13_no_other_algorithm_is_taken() {
    let world = World::default();
    let method = |uri: &str| world.check(uri, &changed(RSA_SHA256, uri), "alg_not_allowed");
    for name in ["hmac-sha256", "hmac-md5", "rsa-md5", "rsa-sha224", "rsa-ripemd160", "ecdsa-sha1", "ecdsa-sha512"] {
        method(&format!("http://www.w3.org/2001/04/xmldsig-more#{name}"));
    }
    for name in ["hmac-sha1", "dsa-sha1", "rsa-sha1"] {
        method(&format!("http://www.w3.org/2000/09/xmldsig#{name}"));
    }
    method("http://www.w3.org/2009/xmldsig11#dsa-sha256");
    method("http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1");
    method("none");
    method("");
    let digest = |uri: &str| {
        world.check(
            uri,
            &changed(&format!("DigestMethod Algorithm=\"{SHA256}\""), &format!("DigestMethod Algorithm=\"{uri}\"")),
            "alg_not_allowed",
        );
    };
    for uri in [SHA1, "http://www.w3.org/2001/04/xmldsig-more#md5", "http://www.w3.org/2001/04/xmlenc#ripemd160", ""] {
        digest(uri);
    }
    let sha1 = Signing { digest: SHA1, ..Signing::default() };
    world.check("SHA-1 digest, well signed", &signed_by(sha1), "alg_not_allowed");
    world.check(
        "no Algorithm",
        &changed(&format!("SignatureMethod Algorithm=\"{RSA_SHA256}\""), "SignatureMethod"),
        "structure",
    );
}

#[test]
fn r13_key_and_algorithm_must_fit() {
    let hmac = Signing { method: "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256", ..Signing::by("hmac:idp") };
    World::default().check("the certificate as a shared secret", &signed_by(hmac), "alg_not_allowed");
    World::default().check("EC for RSA", &signed_by(Signing::by("p256")), "signature_invalid");
    World::trusting(&["p256"]).check("RSA for EC", &signed_by(Signing::default()), "signature_invalid");
    World::trusting(&["p384"]).check("another curve", &signed_by(Signing::by("p256")), "signature_invalid");
    let length = "<ds:HMACOutputLength>8</ds:HMACOutputLength>";
    let parameter = changed(
        &format!("<ds:SignatureMethod Algorithm=\"{RSA_SHA256}\"/>"),
        &format!("<ds:SignatureMethod Algorithm=\"{RSA_SHA256}\">{length}</ds:SignatureMethod>"),
    );
    World::default().check("HMACOutputLength", &parameter, "structure");
}

#[test]
fn r13_no_other_transform_is_taken() {
    let world = World::default();
    let transforms = |what: &str, list: &str, expected: &str| {
        let xml = Draft::default().xml();
        let (from, to) = (xml.find("<ds:Transforms>").unwrap(), xml.find("</ds:Transforms>").unwrap());
        world.check(what, &format!("{}<ds:Transforms>{list}{}", &xml[..from], &xml[to..]), expected);
    };
    let one = |uri: &str| format!("<ds:Transform Algorithm=\"{uri}\"/>");
    let xslt = "http://www.w3.org/TR/1999/REC-xslt-19991116";
    let xpath = "http://www.w3.org/TR/1999/REC-xpath-19991116";
    transforms("none", "", "structure");
    transforms("enveloped alone", &one(ENVELOPED), "structure");
    transforms("canonicalization alone", &one(EXCLUSIVE), "structure");
    transforms("the other way round", &(one(EXCLUSIVE) + &one(ENVELOPED)), "alg_not_allowed");
    transforms("twice enveloped", &(one(ENVELOPED) + &one(ENVELOPED)), "alg_not_allowed");
    transforms("three", &(one(ENVELOPED) + &one(EXCLUSIVE) + &one(EXCLUSIVE)), "structure");
    transforms("two thousand", &one(EXCLUSIVE).repeat(2_000), "too_large");
    transforms("ten thousand", &(one(ENVELOPED) + &one(EXCLUSIVE).repeat(9_999)), "too_large");
    for uri in [
        xslt,
        xpath,
        "http://www.w3.org/2002/06/xmldsig-filter2",
        "http://www.w3.org/2000/09/xmldsig#base64",
        "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
        "http://www.w3.org/2006/12/xml-c14n11",
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments",
    ] {
        transforms(uri, &(one(ENVELOPED) + &one(uri)), "alg_not_allowed");
    }
    let inside = format!("<ds:Transform Algorithm=\"{ENVELOPED}\"><ds:XPath>true()</ds:XPath></ds:Transform>");
    transforms("a parameter", &(inside + &one(EXCLUSIVE)), "alg_not_allowed");
    let many = format!("<ec:InclusiveNamespaces xmlns:ec=\"{EXCLUSIVE}\" PrefixList=\"{}\"/>", "p ".repeat(10_000));
    let list = format!("<ds:Transform Algorithm=\"{EXCLUSIVE}\">{many}</ds:Transform>");
    transforms("a long prefix list", &(one(ENVELOPED) + &list), "structure");
}

#[test]
fn r10_a_reference_names_its_own_parent_and_nothing_else() {
    let world = World::default();
    let unsigned = Draft::default().with(|draft| draft.sign_assertion = None).xml();
    for uri in [
        "",
        "#",
        "#_r1",
        "#_nobody",
        "#xpointer(/)",
        "#xpointer(id('_a1'))",
        "_a1",
        "http://127.0.0.1:9/a",
        "file:///etc/passwd",
        "/etc/passwd",
        "cid:_a1",
        "#_a1 ",
    ] {
        let xml = signed_for(&unsigned, "_a1", uri, &Signing::default());
        world.check(uri, &xml, "structure");
    }
    world.check("no URI", &changed(" URI=\"#_a1\"", ""), "structure");
    world.check("a prefixed URI", &changed(" URI=\"#_a1\"", " xmlns:x=\"urn:x\" x:URI=\"#_a1\""), "structure");
    let two = changed("</ds:SignedInfo>", "<ds:Reference URI=\"#_a1\"/></ds:SignedInfo>");
    world.check("two references", &two, "structure");
}

#[test]
fn r15_each_part_once_and_in_its_place() {
    let world = World::default();
    let check = |what: &str, from: &str, to: &str| world.check(what, &changed(from, to), "structure");
    check("two SignedInfo", "<ds:SignedInfo>", "<ds:SignedInfo></ds:SignedInfo><ds:SignedInfo>");
    check(
        "two SignatureValue",
        "<ds:SignatureValue>",
        "<ds:SignatureValue>AA==</ds:SignatureValue><ds:SignatureValue>",
    );
    check("two DigestValue", "<ds:DigestValue>", "<ds:DigestValue>AA==</ds:DigestValue><ds:DigestValue>");
    check("comment in DigestValue", "<ds:DigestValue>", "<ds:DigestValue><!-- x -->");
    check("comment in SignatureValue", "<ds:SignatureValue>", "<ds:SignatureValue><!-- x -->");
    check("CDATA in DigestValue", "<ds:DigestValue>", "<ds:DigestValue><![CDATA[]]>");
    check("element in DigestValue", "<ds:DigestValue>", "<ds:DigestValue><x xmlns=\"urn:x\"/>");
    check("an Object", "</ds:Signature>", "<ds:Object/></ds:Signature>");
    check("a foreign element", "<ds:SignedInfo>", "<x xmlns=\"urn:x\"/><ds:SignedInfo>");
    check("a namesake", "<ds:SignedInfo>", "<ds:SignedInfo xmlns:ds=\"urn:x\"></ds:SignedInfo><ds:SignedInfo>");
    check("no base64", "<ds:SignatureValue>", "<ds:SignatureValue>!");
    check("a shadowed Algorithm", "<ds:SignatureMethod ", "<ds:SignatureMethod xmlns:x=\"urn:x\" x:Algorithm=\"y\" ");
    check("a Manifest", "</ds:SignatureValue>", "</ds:SignatureValue><ds:Manifest/>");
}

#[test]
fn r16_a_canonicalization_that_could_fail_is_refused() {
    let world = World::default();
    world.check("relative namespace", &changed("<saml:Subject>", "<saml:Subject xmlns:x=\"1\">"), "structure");
    world.check("undeclared prefix", &changed("<saml:Subject>", "<saml:Subject xmlns:x=\"\">"), "structure");
    let relative = Draft::default()
        .with(|draft| draft.name_id = draft.name_id.replace("<saml:NameID", "<saml:NameID xmlns:x=\"../x\""));
    world.check("relative namespace, well signed", &relative.xml(), "structure");
    // A signature over nothing at all: the digest of an empty text, rightly signed by the IdP.
    for (digest, empty) in
        [(SHA256, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="), (SHA1, "2jmj7l5rSw0yVb/vlWAYkK/YBwk=")]
    {
        let signing = Signing { digest, ..Signing::default() };
        let unsigned = Draft::default().with(|draft| draft.sign_assertion = None).xml();
        let made = unsigned.replacen("<saml:Subject>", &(template("#_a1", empty, &signing) + "<saml:Subject>"), 1);
        let world = World::default().with(|settings| settings.allow_sha1 = true);
        world.check("a digest of nothing", &seal(&made, &signing), "signature_invalid");
    }
}

#[test]
fn r17_degenerate_signatures_are_refused() {
    let value = |xml: &str, bytes: &[u8]| {
        let from = xml.find("<ds:SignatureValue>").unwrap() + "<ds:SignatureValue>".len();
        let to = xml.find("</ds:SignatureValue>").unwrap();
        [&xml[..from], &BASE64.encode(bytes), &xml[to..]].concat()
    };
    for (key, size) in [("p256", 64), ("p384", 96)] {
        let xml = signed_by(Signing::by(key));
        let world = World::trusting(&[key]);
        let half = |zero_first: bool| {
            let (zero, one) = (vec![0; size / 2], vec![1; size / 2]);
            if zero_first { [zero, one].concat() } else { [one, zero].concat() }
        };
        for wrong in
            [vec![0; size], half(true), half(false), vec![1; size - 1], vec![1; size + 1], vec![255; size], vec![]]
        {
            let expected = if wrong.is_empty() { "structure" } else { "signature_invalid" };
            world.check(&format!("{key} {}", wrong.len()), &value(&xml, &wrong), expected);
        }
    }
    let xml = Draft::default().xml();
    for wrong in [vec![0; 256], vec![1; 255], vec![255; 256], vec![1; 257], vec![0, 1]] {
        World::default().check("RSA", &value(&xml, &wrong), "signature_invalid");
    }
}

#[test]
fn r17_r18_a_connection_needs_a_sound_certificate() {
    let check = |certificates: &[&str], expected: &str| {
        let connection = World::trusting(certificates).connection;
        let came = IdentityProvider::new(&connection).map_or_else(|error| error.code(), |_| "usable");
        assert_eq!(came, expected, "{certificates:?}");
    };
    check(&["idp"], "usable");
    check(&["p256", "p384"], "usable");
    check(&[], "sso_off");
    check(&["weak"], "sso_configuration");
    check(&["idp", "weak"], "sso_configuration");
    check(&["p521"], "sso_configuration");
    check(&["ed25519"], "sso_configuration");
    let garbled = |change: &dyn Fn(&mut String)| {
        let mut connection: SsoConnection = World::default().connection;
        change(&mut connection.certificates[0].der_base64);
        IdentityProvider::new(&connection).is_ok()
    };
    assert!(!garbled(&|der| der.truncate(400)));
    assert!(!garbled(&|der| *der = "!".into()));
    let trailing = |der: &mut String| {
        let mut bytes = BASE64.decode(&*der).unwrap();
        bytes.extend_from_slice(b"\0\0");
        *der = BASE64.encode(bytes);
    };
    assert!(garbled(&trailing), "trailing bytes do no harm");
    let mut world = World::default();
    trailing(&mut world.connection.certificates[0].der_base64);
    world.check("under a certificate with trailing bytes", &Draft::default().xml(), ADA);
}
