//! Encrypted assertions that must stay shut, or that hold what must not be believed (R19 to R23).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use vestibule::kernel::Explain as _;
use vestibule::saml::DecryptionKey;

use super::draft::{ADA, Draft};
use super::forge::*;
use super::world::*;

const NOISE: &str = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";

/// A response around this encrypted assertion, not signed itself.
fn around(sealed: &str) -> String {
    Draft::default().around(sealed)
}

/// The signed assertion of the ordinary message, as it stands there.
fn genuine() -> String {
    source(&Draft::default().xml(), "_a1")
}

fn holding(plain: &str) -> String {
    around(&encrypted(plain, &Sealing::default()))
}

#[test]
fn r19_no_other_algorithm_opens_anything() {
    let world = World::default();
    let check = |sealing: Sealing| {
        let what = format!("{} {}", sealing.cipher, sealing.transport);
        world.check(&what, &around(&encrypted_with(&sealing, NOISE, &BASE64.encode([1; 256]))), "decrypt_failed");
    };
    for transport in [
        "http://www.w3.org/2001/04/xmlenc#rsa-1_5",
        "http://www.w3.org/2001/04/xmlenc#kw-aes128",
        "http://www.w3.org/2001/04/xmlenc#dh",
        "",
    ] {
        check(Sealing { transport, ..Sealing::default() });
    }
    for cipher in [
        "http://www.w3.org/2001/04/xmlenc#tripledes-cbc",
        "http://www.w3.org/2001/04/xmlenc#aes192-cbc",
        "http://www.w3.org/2009/xmlenc11#aes192-gcm",
        "none",
        "",
    ] {
        check(Sealing { cipher, ..Sealing::default() });
    }
    check(Sealing { digest: Some("http://www.w3.org/2001/04/xmldsig-more#md5"), ..Sealing::default() });
    let mask = Some("http://www.w3.org/2009/xmlenc11#mgf1sha512");
    check(Sealing { transport: "http://www.w3.org/2009/xmlenc11#rsa-oaep", mask, ..Sealing::default() });
}

#[test]
fn r20_anyone_can_encrypt_to_us() {
    let world = World::default();
    world.check("unsigned inside unsigned", &holding(&Draft::default().assertion()), "not_signed");
    let stranger = Draft::default().with(|draft| draft.sign_assertion = Some(Signing::by("stranger")));
    world.check("a stranger's", &holding(&source(&stranger.xml(), "_a1")), "signature_invalid");
    world.check("changed inside", &holding(&genuine().replace(ADA, "eve@acme.example")), "signature_invalid");
    let mixed = Draft { sign_assertion: Some(Signing::by("stranger")), ..Draft::response_signed() };
    let mixed = mixed.with(|draft| draft.encrypt = Some(Sealing::default()));
    world.check("a stranger's inside a signed Response", &mixed.xml(), "signature_invalid");
    let swapped = Draft::response_signed().with(|draft| draft.encrypt = Some(Sealing::default())).xml();
    let from = swapped.find("<saml:EncryptedAssertion").unwrap();
    let other = encrypted(&Draft::default().assertion().replace(ADA, "eve@acme.example"), &Sealing::default());
    world.check(
        "swapped under the Response's signature",
        &format!("{}{other}</samlp:Response>", &swapped[..from]),
        "signature_invalid",
    );
}

#[test]
fn r21_what_was_decrypted_is_a_message_like_any_other() {
    let world = World::default();
    let check = |what: &str, plain: &str| world.check(what, &holding(plain), "decrypt_failed");
    let assertion = genuine();
    check("a document type", &format!("<!DOCTYPE r [<!ENTITY a \"b\">]>{assertion}"));
    check("an instruction", &format!("<?x?>{assertion}"));
    check("two assertions", &[assertion.as_str(), &assertion].concat());
    check("text behind", &format!("{assertion}x"));
    check("a Response", &Draft::default().xml());
    check("an Issuer", "<saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">x</saml:Issuer>");
    check("nothing", "");
    check("a cut one", &assertion[..assertion.len() / 2]);
    check("too deep", &"<a>".repeat(1_000));
    check(
        "an assertion in its Advice",
        &assertion.replace(
            "<saml:Conditions",
            &format!(
                "<saml:Advice>{}</saml:Advice><saml:Conditions",
                Draft::default().assertion().replace("_a1", "_a2")
            ),
        ),
    );
    let evil = Draft::default().assertion().replace(ADA, "eve@acme.example").replace("_a1", "_evil");
    let wrapped = evil.replacen(
        "</saml:Issuer>",
        &format!(
            "</saml:Issuer>{}",
            &assertion[assertion.find("<ds:Signature").unwrap()..assertion.find("</ds:Signature>").unwrap()]
        ),
        1,
    );
    check(
        "a wrapped one",
        &wrapped.replacen(
            "<saml:Subject>",
            &format!("<ds:Object>{assertion}</ds:Object></ds:Signature><saml:Subject>"),
            1,
        ),
    );
    let again = encrypted(&assertion, &Sealing::default());
    check("encrypted twice", &again);
    let bytes = encrypted_bytes(b"\xff\xfe\0", &Sealing::default());
    world.check("no text", &around(&bytes), "decrypt_failed");
}

#[test]
fn r22_every_failure_looks_the_same() {
    let world = World::default();
    let cbc = Sealing { cipher: "http://www.w3.org/2001/04/xmlenc#aes128-cbc", ..Sealing::default() };
    let flipped = |sealing: &Sealing, at: usize| {
        let xml = around(&encrypted(&genuine(), sealing));
        let from = xml.rfind("<xenc:CipherValue>").unwrap() + "<xenc:CipherValue>".len();
        let to = xml.rfind("</xenc:CipherValue>").unwrap();
        let mut bytes = BASE64.decode(&xml[from..to]).unwrap();
        let at = at.min(bytes.len() - 1);
        bytes[at] ^= 1;
        [&xml[..from], &BASE64.encode(bytes), &xml[to..]].concat()
    };
    let noise = BASE64.encode([1; 256]);
    let cases = [
        ("padding", flipped(&cbc, usize::MAX)),
        ("first block", flipped(&cbc, 0)),
        ("second block", flipped(&cbc, 20)),
        ("middle", flipped(&cbc, 1_000)),
        ("tag", flipped(&Sealing::default(), usize::MAX)),
        ("wrong key", around(&encrypted(&genuine(), &Sealing { key: "sp_next", ..Sealing::default() }))),
        ("key noise", around(&encrypted_with(&Sealing::default(), NOISE, &noise))),
        ("empty value", around(&encrypted_with(&Sealing::default(), "AA==", &noise))),
        ("short value", around(&encrypted_with(&cbc, "AQID", &noise))),
        ("short key", around(&encrypted_with(&cbc, NOISE, "AQID"))),
        ("unsigned", holding(&Draft::default().assertion())),
        (
            "stranger",
            holding(&source(&Draft::default().with(|d| d.sign_assertion = Some(Signing::by("stranger"))).xml(), "_a1")),
        ),
        (
            "rsa-1_5",
            around(&encrypted_with(
                &Sealing { transport: "http://www.w3.org/2001/04/xmlenc#rsa-1_5", ..Sealing::default() },
                NOISE,
                &noise,
            )),
        ),
    ];
    let mut seen = std::collections::BTreeSet::new();
    for (what, xml) in cases {
        let error = world.verdict(&xml).outcome.expect_err(what);
        assert!(!error.public().contains("encrypt"), "{what}");
        seen.insert((error.kind().status(), error.public().into_owned()));
    }
    assert_eq!(seen.len(), 1, "{seen:#?}");
}

#[test]
fn r19_r22_ciphertexts_of_every_length_are_refused_without_a_panic() {
    let world = World::default();
    for cipher in [
        "http://www.w3.org/2001/04/xmlenc#aes128-cbc",
        "http://www.w3.org/2001/04/xmlenc#aes256-cbc",
        "http://www.w3.org/2009/xmlenc11#aes128-gcm",
        "http://www.w3.org/2009/xmlenc11#aes256-gcm",
    ] {
        let sealing = Sealing { cipher, ..Sealing::default() };
        let whole = around(&encrypted("x", &sealing));
        let from = whole.rfind("<xenc:CipherValue>").unwrap() + "<xenc:CipherValue>".len();
        let to = whole.rfind("</xenc:CipherValue>").unwrap();
        for length in 1..50 {
            let xml = [&whole[..from], &BASE64.encode(vec![9; length]), &whole[to..]].concat();
            world.check(&format!("{cipher} {length}"), &xml, "decrypt_failed");
        }
        let xml = [&whole[..from], &whole[to..]].concat();
        world.check("no text at all", &xml, "decrypt_failed");
    }
}

#[test]
fn r19_the_structure_of_an_encrypted_assertion_is_exact() {
    let world = World::default();
    let xml = around(&encrypted(&genuine(), &Sealing::default()));
    let check = |what: &str, from: &str, to: &str, expected: &str| {
        assert!(xml.contains(from), "{from}");
        world.check(what, &xml.replacen(from, to, 1), expected);
    };
    check(
        "a reference",
        "<xenc:CipherData>",
        "<xenc:CipherData><xenc:CipherReference URI=\"http://127.0.0.1:9/\"/>",
        "structure",
    );
    check("other content", "xmlenc#Element\"", "xmlenc#Content\"", "decrypt_failed");
    check("no key", "<xenc:EncryptedKey", "<xenc:Other><xenc:EncryptedKey", "malformed");
    let many = Sealing { keys: 5, ..Sealing::default() };
    world.check("too many keys", &around(&encrypted(&genuine(), &many)), "decrypt_failed");
    let data =
        xml[xml.find("<xenc:EncryptedData").unwrap()..xml.find("</saml:EncryptedAssertion>").unwrap()].to_owned();
    check("two pieces", "</saml:EncryptedAssertion>", &format!("{data}</saml:EncryptedAssertion>"), "decrypt_failed");
    let unsigned = around(&data);
    world.check("without its wrapper", &unsigned, "structure");
}

#[test]
fn r23_encryption_may_be_demanded_and_needs_a_key() {
    let demanding = World::default().with(|settings| settings.require_encryption = true);
    demanding.check("plain", &Draft::default().xml(), "not_encrypted");
    let mut keyless = World::default();
    keyless.keys.clear();
    keyless.check("no key", &holding(&genuine()), "decrypt_failed");
    assert!(DecryptionKey::from_pkcs8_der(b"no key").is_err());
    let ec = BASE64.decode(pem_body("p256.key.pem")).unwrap();
    assert!(DecryptionKey::from_pkcs8_der(&ec).is_err());
}
