//! What must be let in: every way in which an honest IdP may sign, write and encrypt.

use super::draft::{ADA, Draft, attribute, audience, conditions, confirmation, issuer};
use super::forge::*;
use super::world::*;

#[test]
fn r10_response_or_assertion_or_both_may_be_signed() {
    let world = World::default();
    world.check("assertion", &Draft::default().xml(), ADA);
    world.check("response", &Draft::response_signed().xml(), ADA);
    world.check("both", &Draft::both_signed().xml(), ADA);
}

#[test]
fn the_proof_says_what_the_assertion_said() {
    let verdict = World::default().verdict(&Draft::default().xml());
    let proof = verdict.outcome.unwrap();
    assert_eq!(proof.assertion_id(), "_a1");
    assert_eq!(proof.issuer(), IDP);
    assert_eq!((proof.first_name(), proof.last_name()), (Some("Ada"), Some("Lovelace")));
    assert_eq!(vestibule::saml::stable_name_id(&proof).map(|name| name.value.as_str()), Some("00u-ada"));
    assert_eq!(proof.session_index(), Some("_s1"));
    assert_eq!(proof.authn_instant().to_string(), "2026-11-22T11:59:50Z");
    assert_eq!(proof.authn_contexts(), ["urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"]);
    assert_eq!(proof.not_on_or_after().to_string(), "2026-11-22T12:06:00Z", "with the skew");
    assert_eq!(proof.session_not_on_or_after(), None);
    assert_eq!(verdict.facts.certificate_sha256.as_deref(), Some("sha256-of-idp"));
    assert_eq!(verdict.facts.attribute_names, ["email", "firstName", "lastName"]);
}

#[test]
fn r13_every_algorithm_of_the_list_is_taken() {
    let check = |key: &'static str, method, digest| {
        let signing = Signing { method, digest, ..Signing::by(key) };
        let xml = Draft::default().with(|draft| draft.sign_assertion = Some(signing)).xml();
        World::trusting(&[key]).check(method, &xml, ADA);
    };
    check("idp", RSA_SHA256, SHA256);
    check("idp", RSA_SHA256, SHA512);
    check("idp", RSA_SHA384, SHA384);
    check("idp", RSA_SHA512, SHA512);
    check("p256", ECDSA_SHA256, SHA256);
    check("p384", ECDSA_SHA384, SHA384);
}

#[test]
fn r13_both_canonicalizations_and_prefix_lists_are_taken() {
    let world = World::default();
    let check = |what: &str, signing: Signing| {
        for mut draft in [Draft::default(), Draft::response_signed()] {
            let place =
                if draft.sign_response.is_some() { &mut draft.sign_response } else { &mut draft.sign_assertion };
            *place = Some(signing.clone());
            world.check(what, &draft.xml(), ADA);
        }
    };
    check("inclusive content", Signing { transforms: vec![ENVELOPED, INCLUSIVE], ..Signing::default() });
    check("inclusive SignedInfo", Signing { info: INCLUSIVE, ..Signing::default() });
    check("prefixes", Signing { prefixes: Some("saml samlp xs xsi #default"), ..Signing::default() });
    check("default namespace", Signing { prefix: "", ..Signing::default() });
    check("another prefix", Signing { prefix: "dsig", ..Signing::default() });
    check("no KeyInfo", Signing { key_info: None, ..Signing::default() });
}

#[test]
fn r12_every_configured_certificate_is_tried() {
    let xml = Draft::default().xml();
    World::trusting(&["idp_next", "idp"]).check("before the rollover", &xml, ADA);
    World::trusting(&["idp_renewed"]).check("the same key, renewed", &xml, ADA);
    World::trusting(&["p256", "stranger", "idp"]).check("among others", &xml, ADA);
    let after = Draft::default().with(|draft| draft.sign_assertion = Some(Signing::by("idp_next"))).xml();
    World::trusting(&["idp", "idp_next"]).check("after the rollover", &after, ADA);
}

#[test]
fn r13_sha1_is_taken_where_the_organization_allows_it() {
    // Made by OpenSSL, since the library at hand does not make such signatures any more.
    let xml = file("legacy/rsa_sha1.xml");
    World::default().with(|settings| settings.allow_sha1 = true).check("allowed", &xml, ADA);
    World::default().check("not allowed", &xml, "alg_not_allowed");
}

#[test]
fn r19_every_encryption_of_the_list_is_opened() {
    const OAEP: &str = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p";
    const OAEP_11: &str = "http://www.w3.org/2009/xmlenc11#rsa-oaep";
    let ciphers = [
        "http://www.w3.org/2001/04/xmlenc#aes128-cbc",
        "http://www.w3.org/2001/04/xmlenc#aes256-cbc",
        "http://www.w3.org/2009/xmlenc11#aes128-gcm",
        "http://www.w3.org/2009/xmlenc11#aes256-gcm",
    ];
    let transports = [
        (OAEP, None, None),
        (OAEP, Some(SHA1), None),
        (OAEP_11, None, None),
        (OAEP_11, Some(SHA256), Some("http://www.w3.org/2009/xmlenc11#mgf1sha256")),
    ];
    let world = World::default();
    for cipher in ciphers {
        for (transport, digest, mask) in transports {
            for beside in [false, true] {
                let sealing = Sealing { cipher, transport, digest, mask, beside, ..Sealing::default() };
                let xml = Draft::default().with(|draft| draft.encrypt = Some(sealing)).xml();
                world.check(&format!("{cipher} {transport} {beside}"), &xml, ADA);
            }
        }
    }
}

#[test]
fn r20_a_signed_response_vouches_for_what_it_encloses_encrypted() {
    let world = World::default();
    let sealed = |draft: Draft| draft.with(|draft| draft.encrypt = Some(Sealing::default())).xml();
    world.check("response signed", &sealed(Draft::response_signed()), ADA);
    world.check("both signed", &sealed(Draft::both_signed()), ADA);
    let demanding = World::default().with(|settings| settings.require_encryption = true);
    demanding.check("encryption demanded", &sealed(Draft::default()), ADA);
}

#[test]
fn r21_a_decrypted_assertion_may_lean_on_the_prefixes_around_it() {
    let bare = Draft::default().assertion().replace(" xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"", "");
    let draft = Draft::response_signed();
    let xml = signed(&draft.around(&encrypted(&bare, &Sealing::default())), "_r1", &Signing::default());
    World::default().check("inherited prefix", &xml, ADA);
}

#[test]
fn r23_the_next_key_opens_too() {
    let sealing = Sealing { key: "sp_next", ..Sealing::default() };
    let xml = Draft::default().with(|draft| draft.encrypt = Some(sealing)).xml();
    World::default().check("the next key is not there", &xml, "decrypt_failed");
    let mut world = World::default();
    world.keys.push(decryption_key("sp_next"));
    world.check("the next key is there", &xml, ADA);
    let several = Sealing { keys: 3, ..Sealing::default() };
    world.check("several encrypted keys", &Draft::default().with(|d| d.encrypt = Some(several)).xml(), ADA);
}

#[test]
fn r26_one_bearer_confirmation_of_several_is_enough() {
    let holder = "<saml:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:holder-of-key\"/>";
    let other = confirmation(
        "Recipient=\"https://other.example/acs\" NotOnOrAfter=\"2026-11-22T12:30:00Z\" InResponseTo=\"_req-1\"",
    );
    let draft = Draft::default().with(|draft| draft.confirmation = [holder, &other, &draft.confirmation].concat());
    let verdict = World::default().verdict(&draft.xml());
    // The replay memory outlasts the longest of them, but not the conditions.
    assert_eq!(verdict.outcome.unwrap().not_on_or_after().to_string(), "2026-11-22T12:06:00Z");
}

#[test]
fn r25_r30_several_audiences_and_known_conditions_are_taken() {
    let world = World::default();
    let check = |what: &str, inside: String| {
        world.check(what, &Draft::default().with(|draft| draft.conditions = conditions(&inside)).xml(), ADA);
    };
    check("OneTimeUse", audience(ENTITY_ID) + "<saml:OneTimeUse/>");
    check("ProxyRestriction", audience(ENTITY_ID) + "<saml:ProxyRestriction Count=\"0\"/>");
    check("two restrictions with us", audience(ENTITY_ID) + &audience(ENTITY_ID));
    let either = format!("https://other.example</saml:Audience><saml:Audience>{ENTITY_ID}");
    check("one restriction of two", audience(&either));
}

#[test]
fn r28_the_skew_is_granted_and_no_more() {
    let xml = Draft::default().xml();
    World::default().at("2026-11-22T12:05:59Z").check("within", &xml, ADA);
    World::default().at("2026-11-22T12:06:00Z").check("beyond", &xml, "expired");
    World::default().with(|s| s.skew_seconds = 300).at("2026-11-22T12:09:59Z").check("five minutes", &xml, ADA);
    World::default().with(|s| s.skew_seconds = 9_999).at("2026-11-22T12:10:00Z").check("at most", &xml, "expired");
    World::default().with(|s| s.skew_seconds = 0).at("2026-11-22T12:05:00Z").check("none", &xml, "expired");
    World::default().at("2026-11-22T11:59:00Z").check("a clock behind", &xml, ADA);
    World::default().at("2026-11-22T11:58:57Z").check("a clock too far behind", &xml, "not_yet_valid");
    let never = Draft::default().with(|draft| {
        draft.authn =
            draft.authn.replace(" SessionIndex", " SessionNotOnOrAfter=\"9999-12-31T23:59:59Z\" SessionIndex");
    });
    World::default().check("the end of the calendar", &never.xml(), ADA);
}

#[test]
fn r24_r27_what_an_unsigned_response_may_leave_out() {
    let world = World::default();
    let no_issuer = Draft::default().with(|draft| draft.response_issuer = String::new());
    world.check("no issuer of the Response", &no_issuer.xml(), ADA);
    let cut = |draft: &mut Draft| {
        draft.response_attributes = draft.response_attributes.replace(&format!("Destination=\"{ACS}\""), "");
    };
    world.check("no Destination", &Draft::default().with(cut).xml(), ADA);
    world.check("no Destination, signed", &Draft::response_signed().with(cut).xml(), "destination_mismatch");
    let other = Draft::default().with(|draft| draft.response_issuer = issuer("https://other.example"));
    world.check("another issuer of the Response", &other.xml(), "issuer_mismatch");
}

#[test]
fn r6_comments_cdata_and_references_never_change_who_it_is() {
    let world = World::default();
    let xml = Draft::default().xml();
    world.check("comment", &xml.replace(">ada@", "><!-- a comment -->ada@<!-- another -->"), ADA);
    let cdata =
        Draft::default().with(|draft| draft.attributes = draft.attributes.replace(ADA, "<![CDATA[ada@]]>acme.example"));
    world.check("CDATA", &cdata.xml(), ADA);
    world.check("a character reference", &xml.replace(">ada@", ">&#97;da@"), ADA);
}

#[test]
fn r8_r9_white_space_marks_and_declarations_are_tolerated() {
    let world = World::default();
    let xml = Draft::default().xml();
    world.check("byte order mark", &format!("\u{feff}{xml}"), ADA);
    world.check("declaration", &format!("<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?>\n{xml}\n"), ADA);
}

#[test]
fn r54_r38_an_attribute_may_be_mapped() {
    let draft = Draft::default().with(|draft| draft.attributes = draft.attributes.replace("\"email\"", "\"login\""));
    World::default().check("unknown name", &draft.xml(), "email_missing");
    let world = World::default().with(|settings| settings.attributes.email = Some("login".into()));
    world.check("mapped", &draft.xml(), ADA);
    let noise = Draft::default().with(|draft| {
        let structured = attribute("urn:oid:1.3.6.1.4.1.5923.1.1.1.10", "<saml:NameID>x</saml:NameID>");
        let groups = attribute("groups", "a") + &attribute("groups", "b");
        draft.attributes = draft
            .attributes
            .replace("</saml:AttributeStatement>", &(structured + &groups + "</saml:AttributeStatement>"));
    });
    let proof = World::default().verdict(&noise.xml()).outcome.unwrap();
    let groups = proof.attributes().iter().find(|attribute| attribute.name == "groups").unwrap();
    assert_eq!(groups.values, ["a", "b"], "repeated elements are merged");
}
