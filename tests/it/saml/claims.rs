//! Genuine signatures under wrong claims: other issuers, audiences, addresses, dates, requests, people (R24 to R40).

use super::draft::{ADA, Draft, attribute, audience, conditions, confirmation, issuer};
use super::forge::*;
use super::world::*;

const STATUS: &str = "urn:oasis:names:tc:SAML:2.0:status";

/// Holds a well signed, changed message against the ordinary world.
fn check(what: &str, expected: &str, change: impl FnOnce(&mut Draft)) {
    World::default().check(what, &Draft::default().with(change).xml(), expected);
}

#[test]
fn r24_the_issuer_is_the_configured_one_exactly() {
    for other in [
        "https://idp.example/saml/",
        "http://idp.example/saml",
        "https://IDP.example/saml",
        " https://idp.example/saml",
        "https://idp.example/saml.evil.example",
        "https://idp.example",
        "",
    ] {
        check(other, "issuer_mismatch", |draft| draft.assertion_issuer = issuer(other));
        check(other, "issuer_mismatch", |draft| draft.response_issuer = issuer(other));
    }
    check("hidden behind a comment", "issuer_mismatch", |d| {
        d.assertion_issuer = issuer("https://idp.example/saml<!-- -->x");
    });
    let silent = Draft::response_signed().with(|draft| draft.response_issuer = String::new());
    // The forge signs behind the first issuer, which is the assertion's then: sign by hand, before the status.
    let xml = silent.clone().with(|draft| draft.sign_response = None).xml();
    let made = signed(
        &xml.replacen("<samlp:Status>", "<saml:Issuer></saml:Issuer><samlp:Status>", 1),
        "_r1",
        &Signing::default(),
    );
    World::default().check("an empty issuer of a signed Response", &made, "issuer_mismatch");
    check("two", "structure", |draft| draft.response_issuer = issuer(IDP) + &issuer(IDP));
}

#[test]
fn r25_we_are_the_audience_of_each_restriction() {
    let inside =
        |what: &str, inside: String| check(what, "audience_mismatch", |draft| draft.conditions = conditions(&inside));
    inside("none", String::new());
    inside("another", audience("https://other.example"));
    inside("a prefix", audience("https://app.example/.vestibule/saml/acme"));
    inside("a suffix", audience(&format!("{ENTITY_ID}/")));
    inside("another case", audience(&ENTITY_ID.to_uppercase()));
    inside("one of two", audience(ENTITY_ID) + &audience("https://other.example"));
    inside("an empty one", audience(ENTITY_ID) + "<saml:AudienceRestriction/>");
    inside("another organization's", audience("https://app.example/.vestibule/saml/globex/metadata"));
    check("no Conditions", "structure", |draft| draft.conditions = String::new());
    check("two Conditions", "structure", |draft| draft.conditions = draft.conditions.repeat(2));
}

#[test]
fn r26_the_bearer_is_confirmed_for_here_and_now() {
    let data =
        |what: &str, expected: &str, data: &str| check(what, expected, |draft| draft.confirmation = confirmation(data));
    let (request, end, recipient) = (
        format!("InResponseTo=\"{REQUEST}\""),
        "NotOnOrAfter=\"2026-11-22T12:05:00Z\"",
        format!("Recipient=\"{ACS}\""),
    );
    let with_recipient = |recipient: &str| format!("{request} {end} Recipient=\"{recipient}\"");
    data("no recipient", "recipient_mismatch", &format!("{request} {end}"));
    data("another", "recipient_mismatch", &with_recipient("https://other.example/acs"));
    data("a prefix", "recipient_mismatch", &with_recipient("https://app.example/.vestibule/saml/acme/ac"));
    data("a longer one", "recipient_mismatch", &with_recipient(&format!("{ACS}/x")));
    data("another scheme", "recipient_mismatch", &with_recipient(&ACS.replace("https", "http")));
    data("another organization's", "recipient_mismatch", &with_recipient(&ACS.replace("acme", "globex")));
    data("no end", "subject_confirmation", &format!("{request} {recipient}"));
    data(
        "a beginning",
        "subject_confirmation",
        &format!("{request} {end} {recipient} NotBefore=\"2026-11-22T11:00:00Z\""),
    );
    data("ended", "expired", &format!("{request} {recipient} NotOnOrAfter=\"2026-11-22T11:59:00Z\""));
    check("none", "subject_confirmation", |draft| draft.confirmation = String::new());
    check("holder of key", "subject_confirmation", |draft| {
        draft.confirmation = draft.confirmation.replace("bearer", "holder-of-key");
    });
    check("no data", "subject_confirmation", |draft| {
        draft.confirmation = "<saml:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\"/>".into();
    });
    let half = confirmation(&format!("{request} {end} Recipient=\"https://other.example\""));
    let other = confirmation(&format!("{request} {recipient} NotOnOrAfter=\"2026-11-22T11:00:00Z\""));
    check("two halves make no whole", "recipient_mismatch", |draft| draft.confirmation = half + &other);
}

#[test]
fn r27_the_destination_is_our_acs() {
    for other in [
        "",
        "https://other.example/acs",
        "http://app.example/.vestibule/saml/acme/acs",
        "https://app.example/.vestibule/saml/globex/acs",
    ] {
        let change = |draft: &mut Draft| draft.response_attributes = draft.response_attributes.replace(ACS, other);
        check(other, "destination_mismatch", change);
        World::default().check(other, &Draft::response_signed().with(change).xml(), "destination_mismatch");
    }
}

#[test]
fn r28_dates_are_read_and_kept() {
    let replaced = |what: &str, expected: &str, from: &str, to: &str| {
        check(what, expected, |draft| {
            for part in
                [&mut draft.conditions, &mut draft.confirmation, &mut draft.authn, &mut draft.assertion_attributes]
            {
                *part = part.replace(from, to);
            }
        });
    };
    replaced("ended", "expired", "12:05:00Z", "11:58:59Z");
    replaced("not begun", "not_yet_valid", "11:55:00Z", "12:01:01Z");
    replaced("issued in the future", "not_yet_valid", "11:59:58Z", "12:30:00Z");
    replaced("authenticated in the future", "not_yet_valid", "11:59:50Z", "12:30:00Z");
    let session = "SessionNotOnOrAfter=\"2026-11-22T11:00:00Z\" SessionIndex";
    replaced("the session ended", "expired", "SessionIndex", session);
    for unreadable in [
        "tomorrow",
        "",
        "2026-11-22T12:05:00",
        "2026-11-22",
        "2026-13-22T12:05:00Z",
        "99999-11-22T12:05:00Z",
        "2026-11-22T12:05:00Z ",
    ] {
        replaced(unreadable, "malformed", "2026-11-22T12:05:00Z", unreadable);
    }
    replaced("no issue instant", "structure", " IssueInstant=\"2026-11-22T11:59:58Z\"", "");
    replaced("no authentication instant", "structure", " AuthnInstant=\"2026-11-22T11:59:50Z\"", "");
}

#[test]
fn r29_only_success_is_success() {
    let status = |what: &str, expected: &str, status: &str| check(what, expected, |draft| draft.status = status.into());
    let code = |value: &str, inside: &str| {
        format!("<samlp:Status><samlp:StatusCode Value=\"{value}\">{inside}</samlp:StatusCode></samlp:Status>")
    };
    status("responder", "status_not_success", &code(&format!("{STATUS}:Responder"), ""));
    status(
        "success inside",
        "status_not_success",
        &code(&format!("{STATUS}:Responder"), &format!("<samlp:StatusCode Value=\"{STATUS}:Success\"/>")),
    );
    status("lookalike", "status_not_success", &code(&format!("{STATUS}:Success "), ""));
    status("another case", "status_not_success", &code(&format!("{STATUS}:success"), ""));
    status("empty", "status_not_success", &code("", ""));
    status("none", "structure", "");
    status("no code", "structure", "<samlp:Status/>");
    status("two", "structure", &code(&format!("{STATUS}:Success"), "").repeat(2));
    let refused = Draft::default().with(|draft| {
        let message = "<samlp:StatusMessage>AADSTS75011 &lt;script></samlp:StatusMessage></samlp:Status>";
        let denied = format!("<samlp:StatusCode Value=\"{STATUS}:NoAuthnContext\"/>");
        draft.status = code(&format!("{STATUS}:Responder"), &denied).replace("</samlp:Status>", message);
    });
    // An IdP that refuses sends no assertion, and often no signature.
    let error = World::default().verdict(&refused.around("")).outcome.unwrap_err();
    assert_eq!(error.code(), "status_not_success");
    assert!(error.fix().contains("AADSTS75011"), "{}", error.fix());
}

#[test]
fn r30_unknown_conditions_and_missing_statements_refuse() {
    let condition = |name: &str| {
        check(name, "condition_unknown", |draft| draft.conditions = conditions(&(audience(ENTITY_ID) + name)));
    };
    condition("<saml:Condition xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"x\"/>");
    condition("<x xmlns=\"urn:x\"/>");
    condition("<OneTimeUse xmlns=\"urn:x\"/>");
    check("no AuthnStatement", "structure", |draft| draft.authn = String::new());
}

#[test]
fn r31_r46_the_message_answers_our_request() {
    let response = |to: &str| {
        let to = to.to_owned();
        move |draft: &mut Draft| {
            draft.response_attributes = draft.response_attributes.replace(&format!("InResponseTo=\"{REQUEST}\""), &to);
        }
    };
    let signed_part = |to: &str| {
        let to = to.to_owned();
        move |draft: &mut Draft| {
            draft.confirmation = draft.confirmation.replace(&format!("InResponseTo=\"{REQUEST}\""), &to);
        }
    };
    check("another, outside", "in_response_to_unknown", response("InResponseTo=\"_req-2\""));
    check("another, inside", "in_response_to_unknown", signed_part("InResponseTo=\"_req-2\""));
    check("none, inside", "unsolicited", signed_part(""));
    check("none, outside", ADA, response(""));
    check("none at all", "unsolicited", |draft| {
        response("")(draft);
        signed_part("")(draft);
    });
    check("empty", "in_response_to_unknown", response("InResponseTo=\"\""));
    let nothing = World { in_response_to: None, ..World::default() };
    nothing.check("nothing is pending", &Draft::default().xml(), "in_response_to_unknown");
    let other = World { in_response_to: Some("_req-2"), ..World::default() };
    other.check("another is pending", &Draft::default().xml(), "in_response_to_unknown");
}

#[test]
fn r46_an_answer_to_nothing_is_taken_where_it_is_allowed_and_names_nothing() {
    let draft = |outside: bool, inside: bool| {
        let without = |text: &str| text.replace(&format!("InResponseTo=\"{REQUEST}\""), "");
        Draft::default().with(|draft| {
            if outside {
                draft.response_attributes = without(&draft.response_attributes);
            }
            if inside {
                draft.confirmation = without(&draft.confirmation);
            }
        })
    };
    let world = |in_response_to, unsolicited| World { in_response_to, unsolicited, ..World::default() };
    let allowed = world(None, true);
    allowed.check("it names nothing", &draft(true, true).xml(), ADA);
    allowed.check("it names a request", &draft(false, false).xml(), "in_response_to_unknown");
    allowed.check("outside", &draft(false, true).xml(), "in_response_to_unknown");
    allowed.check("inside", &draft(true, false).xml(), "in_response_to_unknown");
    world(Some(REQUEST), true).check("a request is pending", &draft(true, true).xml(), "unsolicited");
    world(Some(REQUEST), true).check("and answered", &draft(false, false).xml(), ADA);
    world(None, false).check("it is off", &draft(true, true).xml(), "unsolicited");
}

#[test]
fn r35_r36_another_organizations_message_is_not_ours() {
    let elsewhere = Draft::default().with(|draft| {
        for part in [&mut draft.conditions, &mut draft.confirmation, &mut draft.response_attributes] {
            *part = part.replace("/acme/", "/globex/");
        }
    });
    World::default().check("the same IdP, for another organization", &elsewhere.xml(), "destination_mismatch");
    let renamed = |draft: &mut Draft| draft.response_attributes = Draft::default().response_attributes;
    World::default().check("and sent here", &elsewhere.with(renamed).xml(), "audience_mismatch");
    World::trusting(&["idp_next"]).check(
        "the same issuer under another key",
        &Draft::default().xml(),
        "signature_invalid",
    );
    let other = World::default().with(|settings| settings.entity_id = "https://other-idp.example".into());
    other.check("the same key under another issuer", &Draft::default().xml(), "issuer_mismatch");
}

#[test]
fn r38_r39_one_address_or_none() {
    let email = |what: &str, expected: &str, attributes: String| {
        check(what, expected, |draft| {
            draft.attributes = format!("<saml:AttributeStatement>{attributes}</saml:AttributeStatement>");
        });
    };
    let one = attribute("email", ADA);
    email("none", "email_missing", attribute("uid", "ada"));
    email("empty", "email_missing", attribute("email", " "));
    email("twice", "email_ambiguous", one.repeat(2));
    email("two names that differ", "email_ambiguous", one.clone() + &attribute("mail", "eve@acme.example"));
    email(
        "two statements",
        "email_ambiguous",
        format!("{one}</saml:AttributeStatement><saml:AttributeStatement>{one}"),
    );
    let two = "ada@acme.example</saml:AttributeValue><saml:AttributeValue>eve@acme.example";
    email("two values", "email_ambiguous", attribute("email", two));
    for wrong in [
        "ada",
        "ada@acme.example,eve@acme.example",
        "ada@acme.example;",
        "ada@acme.example\u{200b}",
        "ada@acme\u{202e}.example",
        "ada@@acme.example",
        "&quot;ada&quot;@acme.example",
        "ada@acme.example&#13;&#10;X-Vestibule-Role: owner",
        "Ada &lt;ada@acme.example>",
        "ada@acme.example.",
        "ädä@acme.example",
    ] {
        email(wrong, "email_invalid", attribute("email", wrong));
    }
    email("white space around it", ADA, attribute("email", "&#10; ada@acme.example &#9;"));
    email("another case", ADA, attribute("email", "ADA@Acme.Example"));
    let name_id =
        "<saml:NameID Format=\"urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress\">ada@acme.example</saml:NameID>";
    check("the NameID of that format", ADA, |draft| {
        draft.name_id = name_id.into();
        draft.attributes = String::new();
    });
    check("another address as NameID is ignored (D4)", ADA, |draft| draft.name_id = name_id.replace("ada@", "eve@"));
    check("a control character in the NameID", "structure", |draft| {
        draft.name_id = draft.name_id.replace("00u-ada", "00u&#10;ada");
    });
    check("two NameIDs", "structure", |draft| draft.name_id = draft.name_id.repeat(2));
    check("an encrypted NameID", "structure", |draft| draft.name_id = "<saml:EncryptedID/>".into());
}
