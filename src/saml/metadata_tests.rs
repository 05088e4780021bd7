//! The metadata of well-known IdPs, and files that are none (R52).

use super::*;

fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/saml/metadata/{name}.xml", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(path).expect("a fixture")
}

fn text(name: &str) -> String {
    String::from_utf8(fixture(name)).expect("text")
}

fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2026-11-22T12:00:00Z").expect("a date")
}

fn read(xml: &str) -> Result<IdpMetadata, MetadataError> {
    IdpMetadata::parse(xml.as_bytes(), now())
}

/// What matters of a dialect, a line each.
fn told(name: &str) -> String {
    let metadata = IdpMetadata::parse(&fixture(name), now()).unwrap_or_else(|error| panic!("{name}: {error}"));
    let keys: Vec<String> = metadata.certificates.iter().map(|held| held.key.to_string()).collect();
    let signature = metadata.signature;
    let (settings, usable) = metadata.into_settings(now()).expect("settings");
    assert_eq!(usable.len(), keys.len(), "{name}");
    let lines = [
        settings.entity_id,
        format!("{:?} {}", settings.sign_in_binding, settings.sign_in_url),
        settings.sign_out_url.unwrap_or_default(),
        format!("{} signed requests: {} {signature:?}", keys.join(", "), settings.sign_requests),
    ];
    lines.join("\n")
}

#[test]
fn r52_each_well_known_dialect_is_read() {
    let check = |name: &str, expected: [&str; 4]| assert_eq!(told(name), expected.join("\n"), "{name}");
    check(
        "okta",
        [
            "http://www.okta.com/exk1a2b3c4d5e6f7g8h9",
            "Redirect https://acme.okta.example/app/acme_vestibule_1/exk1a2b3c4d5e6f7g8h9/sso/saml",
            "",
            "RSA 2048 signed requests: false Absent",
        ],
    );
    check(
        "entra",
        [
            "https://sts.windows.net/8f3b2c10-aaaa-bbbb-cccc-1234567890ab/",
            "Redirect https://login.microsoftonline.com/8f3b2c10-aaaa-bbbb-cccc-1234567890ab/saml2",
            "https://login.microsoftonline.com/8f3b2c10-aaaa-bbbb-cccc-1234567890ab/saml2",
            "RSA 2048 signed requests: false Intact",
        ],
    );
    check(
        "onelogin",
        [
            "https://app.onelogin.example/saml/metadata/0a1b2c3d-1111-2222-3333-444455556666",
            "Redirect https://acme.onelogin.example/trust/saml2/http-redirect/sso/0a1b2c3d",
            "https://acme.onelogin.example/trust/saml2/http-redirect/slo/1234567",
            "RSA 2048 signed requests: false Absent",
        ],
    );
    check(
        "google",
        [
            "https://accounts.google.com/o/saml2?idpid=C01abc2de",
            "Redirect https://accounts.google.com/o/saml2/idp?idpid=C01abc2de",
            "",
            "RSA 2048, ECDSA P-256 signed requests: false Absent",
        ],
    );
}

#[test]
fn r52_each_dialect_of_a_server_of_ones_own_is_read() {
    let check = |name: &str, expected: [&str; 4]| assert_eq!(told(name), expected.join("\n"), "{name}");
    check(
        "adfs",
        [
            "http://fs.acme.example/adfs/services/trust",
            "Redirect https://fs.acme.example/adfs/ls/",
            "https://fs.acme.example/adfs/ls/",
            "RSA 2048 signed requests: false Intact",
        ],
    );
    check(
        "keycloak",
        [
            "https://id.acme.example/realms/acme",
            "Redirect https://id.acme.example/realms/acme/protocol/saml",
            "https://id.acme.example/realms/acme/protocol/saml",
            "RSA 2048 signed requests: true Absent",
        ],
    );
    check(
        "simplesamlphp",
        [
            "http://localhost:8085/simplesaml/saml2/idp/metadata.php",
            "Redirect http://localhost:8085/simplesaml/saml2/idp/SSOService.php",
            "http://localhost:8085/simplesaml/saml2/idp/SingleLogoutService.php",
            "RSA 2048 signed requests: false Absent",
        ],
    );
}

#[test]
fn r52_post_is_taken_where_redirect_is_not_offered() {
    let xml = text("okta").replacen("HTTP-Redirect", "HTTP-Artifact", 1);
    let metadata = read(&xml).expect("metadata");
    assert_eq!(metadata.sign_in.binding, Binding::Post);
    let xml = xml.replace("HTTP-POST", "SOAP");
    assert_eq!(read(&xml), Err(MetadataError::NoSignIn));
}

#[test]
fn r52_a_key_for_no_use_in_particular_signs_and_one_for_encryption_does_not() {
    let plain = text("okta").replace(" use=\"signing\"", "");
    assert_eq!(read(&plain).expect("metadata").certificates.len(), 1);
    let encryption = text("okta").replace("use=\"signing\"", "use=\"encryption\"");
    assert_eq!(read(&encryption), Err(MetadataError::NoCertificate));
}

#[test]
fn r52_one_idp_among_several_entities_is_taken_and_of_several_idps_none() {
    let bare = |xml: String| xml.split_once("?>").map_or(xml.clone(), |(_, rest)| rest.to_owned());
    let (okta, keycloak) = (bare(text("okta")), bare(text("keycloak")));
    let ours = "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"us\">\
                <md:SPSSODescriptor/></md:EntityDescriptor>";
    let group = |inner: &str| {
        format!(
            "<EntitiesDescriptor xmlns=\"{METADATA}\" validUntil=\"2030-01-01T00:00:00\">{inner}</EntitiesDescriptor>"
        )
    };
    let metadata = read(&group(&format!("{ours}{}", group(&okta)))).expect("metadata");
    assert_eq!(metadata.entity_id, "http://www.okta.com/exk1a2b3c4d5e6f7g8h9");
    assert_eq!(metadata.valid_until.map(|until| until.to_string()).as_deref(), Some("2030-01-01T00:00:00Z"));
    let named = "http://www.okta.com/exk1a2b3c4d5e6f7g8h9, https://id.acme.example/realms/acme".to_owned();
    assert_eq!(read(&group(&format!("{okta}{keycloak}"))), Err(MetadataError::Several(named)));
    assert_eq!(read(&group(ours)), Err(MetadataError::ServiceProvider("us".to_owned())));
    assert_eq!(read(&group("")), Err(MetadataError::NoIdentityProvider));
}

#[test]
fn r52_metadata_past_its_date_refuses_wherever_the_date_stands() {
    let past = Timestamp::parse_rfc3339("2026-11-22T12:00:00Z").expect("a date");
    let xml = text("google").replace("2031-10-01T08:21:44.000Z", "2026-11-22T12:00:00Z");
    assert_eq!(read(&xml), Err(MetadataError::Expired(past)));
    let inner =
        text("google").replace("<md:IDPSSODescriptor ", "<md:IDPSSODescriptor validUntil=\"2026-11-22T12:00:00\" ");
    assert_eq!(read(&inner), Err(MetadataError::Expired(past)), "zoneless, in the role");
    let broken = text("google").replace("2031-10-01T08:21:44.000Z", "soon");
    assert_eq!(read(&broken), Err(MetadataError::Date("soon".to_owned())));
    let never = text("google").replace("2031-10-01T08:21:44.000Z", "9999-12-31T23:59:59Z");
    assert!(read(&never).is_ok());
}

#[test]
fn r52_a_changed_signed_file_is_told_and_an_unknown_way_of_signing_is_not_held_against_it() {
    let changed = text("entra").replace("login.microsoftonline.com", "login.example.com");
    assert_eq!(read(&changed), Err(MetadataError::SignatureBroken));
    let whole = text("entra").replace("URI=\"#_5e0b1a52-6a7c-4b5e-9f0e-2d1c3b4a5f60\"", "URI=\"\"");
    assert_eq!(read(&whole).expect("metadata").signature, MetadataSignature::Unchecked);
    let (before, after) = changed.split_once("<Signature").expect("a signature");
    let (_, after) = after.split_once("</Signature>").expect("its end");
    assert_eq!(read(&format!("{before}{after}")).expect("metadata").signature, MetadataSignature::Absent);
}

#[test]
fn r52_what_is_no_metadata_of_an_idp_says_what_it_is() {
    let check = |bytes: &[u8], expected: MetadataError| assert_eq!(IdpMetadata::parse(bytes, now()), Err(expected));
    check(b" \n", MetadataError::Empty);
    check(b"<!DOCTYPE html><html><title>Log in</title></html>", MetadataError::Html);
    check(include_bytes!("../../tests/saml/certificates/rsa.pem"), MetadataError::Certificate);
    check(b"hello", MetadataError::NotMetadata("it is no XML".to_owned()));
    check(b"<Response/>", MetadataError::NotMetadata("its root is Response".to_owned()));
    check(b"<EntityDescriptor/>", MetadataError::NotMetadata("its root is EntityDescriptor".to_owned()));
    let ours = super::super::service_provider::ServiceProvider::new("https://app.example.com");
    let ours = ours.metadata(&"acme".parse().expect("a slug"), &[], None);
    let name = "https://app.example.com/.vestibule/saml/acme/metadata".to_owned();
    check(ours.as_bytes(), MetadataError::ServiceProvider(name));
    let old = text("okta").replace("urn:oasis:names:tc:SAML:2.0:protocol", "urn:oasis:names:tc:SAML:1.1:protocol");
    check(old.as_bytes(), MetadataError::NotSaml2("http://www.okta.com/exk1a2b3c4d5e6f7g8h9".to_owned()));
    let nameless = text("okta").replace("entityID=\"http://www.okta.com/exk1a2b3c4d5e6f7g8h9\"", "");
    check(nameless.as_bytes(), MetadataError::EntityId);
    let garbled = text("okta").replace("<ds:X509Certificate>MI", "<ds:X509Certificate>??");
    check(garbled.as_bytes(), MetadataError::BadCertificate(CertificateError::NotACertificate));
}

#[test]
fn r2_r7_metadata_with_a_document_type_or_beyond_bounds_is_refused() {
    let refused = |xml: &str, with: &str| {
        let Err(MetadataError::Xml(why)) = read(xml) else { panic!("taken: {with}") };
        assert!(why.contains(with), "{why}");
    };
    let dtd = text("keycloak").replacen("<md:", "<!DOCTYPE x [<!ENTITY a \"b\">]><md:", 1);
    refused(&dtd, "a document type");
    refused(&format!("<a {}/>", "b='' ".repeat(300)), "attributes");
    refused(&"<a>".repeat(100), "nested elements");
    refused(&format!("<a>{}</a>", " ".repeat(1 << 20)), "bytes");
    refused("<a><b></a>", "not a readable");
}

#[test]
fn r52_a_sign_in_address_is_https_or_this_very_machine() {
    let check = |url: &str, fits: bool| assert_eq!(check_url(url).is_ok(), fits, "{url}");
    check("https://idp.example/sso?x=1", true);
    check("http://localhost:8085/sso", true);
    check("http://127.0.0.1/sso", true);
    check("http://[::1]:80/sso", true);
    for wrong in [
        "",
        "http://idp.example/sso",
        "http://127.0.0.1.evil.example/sso",
        "http://10.0.0.1/sso",
        "javascript:alert(1)",
        "data:text/html,x",
        "//idp.example",
        "https://user@idp.example/",
        "https://idp.example/#x",
        "https://idp.example/a b",
        "https://idp.example\\@evil.example/",
        "https://idp.example/\nx",
    ] {
        check(wrong, false);
    }
    check(&format!("https://idp.example/{}", "a".repeat(URL_LIMIT)), false);
    let http = text("okta").replace("https://acme.okta.example", "http://acme.okta.example");
    assert!(matches!(read(&http), Err(MetadataError::Url(_))));
}

#[test]
fn r12_an_expired_certificate_beside_a_good_one_is_left_out_and_alone_refuses() {
    let late = Timestamp::parse_rfc3339("2027-01-01T00:00:00Z").expect("a date");
    let metadata = read(&text("google")).expect("metadata");
    let mut certificates = metadata.certificates.clone();
    certificates[0].not_after = late;
    let aging = IdpMetadata { certificates, ..metadata };
    let (_, usable) = aging.clone().into_settings(late).expect("settings");
    assert_eq!(usable.iter().map(|held| held.key.to_string()).collect::<Vec<_>>(), ["ECDSA P-256"]);
    let alone = IdpMetadata { certificates: aging.certificates[..1].to_vec(), ..aging };
    let refused = alone.into_settings(late);
    assert!(matches!(refused, Err(MetadataError::BadCertificate(CertificateError::Expired(..)))));
}
