//! Metadata that changes: what is followed, what stays as it was set by hand, and what is refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, KeyPair, date_time_ymd};

use super::*;
use crate::administration::api::{FileBytes, SsoOptions, SsoSource};
use crate::administration::connection;
use crate::directory::Binding;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const LATER: Timestamp = Timestamp::from_seconds(1_800_086_400);
const IDP: &str = "https://idp.acme.test/";

/// A certificate that ends in this year, base64.
fn certificate(year: i32) -> String {
    let key = KeyPair::generate().unwrap();
    let mut parameters = CertificateParams::new(vec!["idp.acme.test".to_owned()]).unwrap();
    parameters.not_after = date_time_ymd(year, 1, 1);
    STANDARD.encode(parameters.self_signed(&key).unwrap().der())
}

fn xml(entity_id: &str, sign_in: &str, certificates: &[&str]) -> String {
    let key = |der: &&str| {
        format!(
            "<KeyDescriptor use=\"signing\"><KeyInfo xmlns=\"http://www.w3.org/2000/09/xmldsig#\"><X509Data>\
             <X509Certificate>{der}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>"
        )
    };
    let keys = certificates.iter().map(key).collect::<Vec<_>>().concat();
    format!(
        "<EntityDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"{entity_id}\"><IDPSSODescriptor \
         protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">{keys}<SingleSignOnService \
         Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" Location=\"{sign_in}\"/></IDPSSODescriptor>\
         </EntityDescriptor>"
    )
}

/// As it is set at an address.
fn made(certificates: &[&str]) -> Made {
    let read = Some(FileBytes(xml(IDP, "https://idp.acme.test/sso", certificates).into_bytes()));
    let source = SsoSource::Address { url: "https://idp.acme.test/metadata".to_owned(), read };
    connection::of(&source, &SsoOptions::default(), None, NOW).unwrap()
}

fn next(before: &Made, xml: &str) -> Result<Made, Fault> {
    let metadata = IdpMetadata::parse(xml.as_bytes(), LATER).unwrap();
    follow(&before.connection, before.said.as_ref().unwrap(), metadata, LATER)
}

fn held(made: &Made) -> Vec<&str> {
    let mut held: Vec<&str> = made.connection.certificates.iter().map(|held| held.der_base64.as_str()).collect();
    held.sort_unstable();
    held
}

#[track_caller]
fn holds(made: &Made, expected: &[&str]) {
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(held(made), expected);
}

#[test]
fn r52_a_rollover_is_followed_from_the_old_one_to_both_to_the_new_one() {
    let (old, new) = (certificate(2040), certificate(2050));
    let first = made(&[&old]);
    assert_eq!(first.connection.settings.metadata_url.as_deref(), Some("https://idp.acme.test/metadata"));
    let sign_in = "https://idp.acme.test/sso";
    let same = next(&first, &xml(IDP, sign_in, &[&old])).unwrap();
    assert_eq!(same, first, "nothing changed, not even the moment");
    let both = next(&same, &xml(IDP, sign_in, &[&old, &new])).unwrap();
    holds(&both, &[&old, &new]);
    assert_eq!(both.connection.settings.updated, LATER);
    let after = next(&both, &xml(IDP, sign_in, &[&new])).unwrap();
    holds(&after, &[&new]);
    // At once, too.
    holds(&next(&first, &xml(IDP, sign_in, &[&new])).unwrap(), &[&new]);
    // And back again.
    holds(&next(&after, &xml(IDP, sign_in, &[&old])).unwrap(), &[&old]);
}

#[test]
fn what_the_metadata_changes_is_followed_and_what_was_set_by_hand_stays() {
    let old = certificate(2040);
    let mut first = made(&[&old]);
    first.connection.settings.sign_in_binding = Binding::Post;
    first.connection.settings.sign_requests = true;
    first.connection.settings.sign_out_url = Some("https://idp.acme.test/out".to_owned());
    first.connection.settings.skew_seconds = 120;
    let same = next(&first, &xml(IDP, "https://idp.acme.test/sso", &[&old])).unwrap();
    assert_eq!(same, first);
    let moved = next(&first, &xml(IDP, "https://idp.acme.test/sso2", &[&old])).unwrap();
    let settings = &moved.connection.settings;
    assert_eq!(
        (settings.sign_in_url.as_str(), settings.sign_in_binding),
        ("https://idp.acme.test/sso2", Binding::Redirect)
    );
    assert!(settings.sign_requests && settings.skew_seconds == 120 && settings.sign_out_url.is_some());
    let wants = xml(IDP, "https://idp.acme.test/sso", &[&old])
        .replace("<IDPSSODescriptor ", "<IDPSSODescriptor WantAuthnRequestsSigned=\"true\" ");
    first.connection.settings.sign_requests = false;
    assert!(next(&first, &wants).unwrap().connection.settings.sign_requests);
}

#[test]
fn a_certificate_that_was_added_or_removed_by_hand_stays_so() {
    let (old, own, new) = (certificate(2040), certificate(2041), certificate(2050));
    let mut first = made(&[&old, &new]);
    let by_hand = made(&[&own]).connection.certificates;
    first.connection.certificates.retain(|held| held.der_base64 != old);
    first.connection.certificates.extend(by_hand);
    let sign_in = "https://idp.acme.test/sso";
    let same = next(&first, &xml(IDP, sign_in, &[&old, &new])).unwrap();
    holds(&same, &[&own, &new]);
    let without = next(&same, &xml(IDP, sign_in, &[&old])).unwrap();
    holds(&without, &[&own]);
    holds(&next(&without, &xml(IDP, sign_in, &[&old, &new])).unwrap(), &[&own, &new]);
}

#[test]
fn a_certificate_that_was_removed_by_hand_stays_away_even_where_the_metadata_forgets_it_for_a_while() {
    let (leaked, good) = (certificate(2040), certificate(2050));
    let sign_in = "https://idp.acme.test/sso";
    let (both, without) = (xml(IDP, sign_in, &[&leaked, &good]), xml(IDP, sign_in, &[&good]));
    let mut made = made(&[&leaked, &good]);
    let by_hand = made.connection.certificates.clone();
    made.connection.certificates.retain(|held| held.der_base64 != leaked);
    // In turn from one that is behind and one that is not.
    for document in [&without, &both, &both, &without, &without, &both] {
        made = next(&made, document).unwrap();
        holds(&made, &[&good]);
    }
    // What somebody brings back by hand is held, and followed again.
    made.connection.certificates = by_hand;
    made = next(&made, &both).unwrap();
    holds(&made, &[&leaked, &good]);
    made = next(&made, &without).unwrap();
    holds(&made, &[&good]);
    holds(&next(&made, &both).unwrap(), &[&leaked, &good]);
}

#[test]
fn of_those_removed_by_hand_the_latest_are_remembered() {
    let mut last = made(&[&certificate(2040)]).said.unwrap();
    last.removed = (0..REMOVED_LIMIT).map(|n| n.to_string()).collect();
    let kept = removed(&last, &[]);
    assert_eq!((kept.len(), kept.first().map(String::as_str)), (REMOVED_LIMIT, Some("1")));
    assert_eq!(kept.last(), last.certificates.first());
}

#[test]
fn r18_what_would_leave_no_good_certificate_is_refused() {
    let (old, over) = (certificate(2040), certificate(2020));
    let first = made(&[&old]);
    let check = |xml: &str, expected: &str| {
        let refused = next(&first, xml).expect_err(xml);
        assert!(refused.detail.contains(expected), "{}", refused.detail);
    };
    let sign_in = "https://idp.acme.test/sso";
    check(&xml("https://other.test/", sign_in, &[&old]), "another identity provider's");
    // Exactly the same, to the letter.
    check(&xml("https://idp.acme.test", sign_in, &[&old]), "another identity provider's");
    check(&xml(IDP, sign_in, &[&over]), "ended on");
    let many: Vec<String> = (0..=CERTIFICATE_LIMIT).map(|_| certificate(2040)).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    check(&xml(IDP, sign_in, &many), "over 10 certificates");
    // One that is over, beside one that is not, is not taken; one that was held is kept while it is named.
    holds(&next(&first, &xml(IDP, sign_in, &[&old, &over])).unwrap(), &[&old]);
    let ended = made(&[&old]);
    let (much_later, successor) = (Timestamp::parse_rfc3339("2041-01-01T00:00:00Z").unwrap(), certificate(2050));
    let at_that_time = |certificates: &[&str]| {
        let metadata = IdpMetadata::parse(xml(IDP, sign_in, certificates).as_bytes(), much_later).unwrap();
        follow(&ended.connection, ended.said.as_ref().unwrap(), metadata, much_later)
    };
    assert!(at_that_time(&[&old]).is_err());
    let both = at_that_time(&[&old, &successor]).unwrap();
    holds(&both, &[&old, &successor]);
    assert!(both.said.unwrap().certificates.len() == 2);
    let mut removed = ended.clone();
    removed.connection.certificates[0].not_after = NOW;
    assert!(next(&removed, &xml(IDP, sign_in, &[&old])).expect_err("none").detail.contains("no certificate"));
}
