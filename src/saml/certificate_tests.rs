//! Uploads of every sort, and what is said of them (R53).

use super::*;

const RSA: &[u8] = include_bytes!("../../tests/saml/certificates/rsa.pem");
const P256: &[u8] = include_bytes!("../../tests/saml/certificates/p256.pem");

fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/saml/certificates/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(path).expect("a fixture")
}

fn pem() -> String {
    String::from_utf8(RSA.to_vec()).expect("text")
}

fn der() -> Vec<u8> {
    parse_certificates(RSA).expect("a certificate").remove(0).der
}

fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2026-11-22T00:00:00Z").expect("a date")
}

#[test]
fn r53_a_certificate_is_described() {
    let found = parse_certificates(RSA).expect("a certificate");
    let [certificate] = found.as_slice() else { panic!("one certificate") };
    assert_eq!(certificate.subject, "C=SE, O=Acme, Inc., CN=idp.acme.example");
    assert_eq!(certificate.issuer, certificate.subject);
    assert_eq!(certificate.key.to_string(), "RSA 2048");
    assert_eq!(certificate.sha256.len(), 64);
    assert!(
        certificate.not_before < now().plus(std::time::Duration::from_secs(86_400)) && certificate.not_after > now()
    );
    let stored = certificate.to_stored(now());
    assert_eq!(BASE64.decode(stored.der_base64).expect("base64"), certificate.der);
}

#[test]
fn r53_every_way_of_writing_a_certificate_is_read() {
    let body: String = pem().lines().filter(|line| !line.starts_with("-----")).collect();
    let wide: Vec<u8> = [0xff, 0xfe].into_iter().chain(pem().encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let check = |name: &str, bytes: &[u8]| {
        let found = parse_certificates(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(found.len(), 1, "{name}");
        assert_eq!(found[0].der, der(), "{name}");
    };
    check("CRLF", pem().replace('\n', "\r\n").as_bytes());
    check("old Mac line ends", pem().replace('\n', "\r").as_bytes());
    check("byte order mark", format!("\u{feff}{}", pem()).as_bytes());
    check("UTF-16", &wide);
    check("one line", pem().replace('\n', "").as_bytes());
    check("one line with spaces", pem().replace('\n', " ").as_bytes());
    check("written line ends", pem().replace('\n', "\\n").as_bytes());
    check("indented", pem().replace('\n', "\n    ").as_bytes());
    check("bag attributes", format!("Bag Attributes\n    localKeyID: 01\nsubject=/CN=x\n{}", pem()).as_bytes());
    check("text behind", format!("{}\nthat was it\n", pem()).as_bytes());
    check("DER", &der());
    check("DER with a line end", &[der(), b"\r\n".to_vec()].concat());
    check("base64 without headers", body.as_bytes());
    check("base64 in short lines", body.as_bytes().chunks(40).collect::<Vec<_>>().join(&b'\n').as_slice());
    check("base64 without padding", body.trim_end_matches('=').as_bytes());
    check("quoted base64", format!("\"{body}\"").as_bytes());
    check("trusted certificate", pem().replace("CERTIFICATE", "TRUSTED CERTIFICATE").as_bytes());
    check("twice the same", [RSA, RSA].concat().as_slice());
}

#[test]
fn r53_several_certificates_keep_their_order() {
    let found = parse_certificates(&[P256, b"\n# the old one\n", RSA].concat()).expect("two certificates");
    let keys: Vec<String> = found.iter().map(|certificate| certificate.key.to_string()).collect();
    assert_eq!(keys, ["ECDSA P-256", "RSA 2048"]);
}

#[test]
fn r53_every_wrong_upload_has_its_own_sentence() {
    let text = pem();
    let body = text.lines().filter(|line| !line.starts_with("-----")).collect::<String>();
    let check = |bytes: &[u8], expected: CertificateError| {
        assert_eq!(parse_certificates(bytes), Err(expected));
    };
    check(b"", CertificateError::Empty);
    check(b" \r\n\xef\xbb\xbf", CertificateError::Empty);
    check(b"<?xml version=\"1.0\"?><md:EntityDescriptor/>", CertificateError::Metadata);
    check(b"<Response/>", CertificateError::Xml);
    check(b"<!DOCTYPE html><title>Log in</title>", CertificateError::Html);
    check(b"\n<HTML><body>", CertificateError::Html);
    check(&fixture("private_key.pem"), CertificateError::PrivateKey);
    check(&[RSA, &fixture("private_key.pem")].concat(), CertificateError::PrivateKey);
    check(b"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n", CertificateError::PrivateKey);
    check(&fixture("public.pem"), CertificateError::PublicKey);
    check(b"ssh-rsa AAAAB3NzaC1yc2E= me@here", CertificateError::PublicKey);
    check(&fixture("request.csr"), CertificateError::Request);
    check(&fixture("bundle.p7b"), CertificateError::Pkcs7);
    check(&fixture("bundle_der.p7b"), CertificateError::Pkcs7);
    check(&fixture("bundle.p12"), CertificateError::Pkcs12);
    check(&text.as_bytes()[..text.len() / 2], CertificateError::Truncated);
    check(&text.as_bytes()[text.len() / 2..], CertificateError::Truncated);
    check(&der()[..der().len() - 7], CertificateError::Truncated);
    check(&body.as_bytes()[..body.len() / 2], CertificateError::Truncated);
    check(b"SHA256 Fingerprint=AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89",
        CertificateError::Fingerprint);
    check(b"-----BEGIN PGP MESSAGE-----\n\n-----END PGP MESSAGE-----", CertificateError::NotACertificate);
    check(b"hello", CertificateError::NotACertificate);
    check(b"\x89PNG\r\n\x1a\n\0\0", CertificateError::NotACertificate);
    check(b"0\x82\x01", CertificateError::Truncated);
    check(&vec![b'a'; UPLOAD_LIMIT + 1], CertificateError::TooLarge(UPLOAD_LIMIT + 1));
}

#[test]
fn r53_der_of_something_else_is_told_apart_too() {
    let unwrap_pem = |name: &str| {
        let text = String::from_utf8(fixture(name)).expect("text");
        let body: String = text.lines().filter(|line| !line.starts_with("-----")).collect();
        BASE64.decode(body).expect("base64")
    };
    assert_eq!(parse_certificates(&unwrap_pem("private_key.pem")), Err(CertificateError::PrivateKey));
    assert_eq!(parse_certificates(&unwrap_pem("public.pem")), Err(CertificateError::PublicKey));
    assert_eq!(parse_certificates(&unwrap_pem("request.csr")), Err(CertificateError::Request));
    let private = BASE64.encode(unwrap_pem("private_key.pem"));
    assert_eq!(parse_certificates(private.as_bytes()), Err(CertificateError::PrivateKey), "as base64");
}

#[test]
fn r12_r13_r17_only_a_present_certificate_with_a_strong_allowed_key_is_usable() {
    let check = |name: &str, expected: &str| {
        let certificate = parse_certificates(&fixture(name)).expect("a certificate").remove(0);
        let said = certificate.usable_for_signing(now()).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(said.contains(expected) && said.is_empty() == expected.is_empty(), "{name}: {said}");
    };
    check("rsa.pem", "");
    check("p256.pem", "");
    check("rsa1024.pem", "weak key, RSA 1024");
    check("secp256k1.pem", "can't be used, ECDSA on the curve 1.3.132.0.10");
    check("ed25519.pem", "can't be used, Ed25519");
    check("dsa.pem", "can't be used, DSA");
    let certificate = parse_certificates(RSA).expect("a certificate").remove(0);
    let (at_its_end, just_before) = (certificate.not_after, Timestamp::from_millis(certificate.not_after.millis() - 1));
    assert!(matches!(certificate.usable_for_signing(at_its_end), Err(CertificateError::Expired(..))));
    assert_eq!(certificate.usable_for_signing(just_before), Ok(()));
    assert_eq!(certificate.usable_for_signing(Timestamp::EPOCH), Ok(()), "the next one may start later");
}

#[test]
fn no_prefix_and_no_changed_byte_makes_it_panic() {
    let der = der();
    for end in 0..der.len() {
        let _ = parse_certificates(&der[..end]);
        let mut changed = der.clone();
        changed[end] ^= 0x41;
        for certificate in parse_certificates(&changed).into_iter().flatten() {
            let _ = certificate.usable_for_signing(now());
        }
    }
}
