//! The pages of single sign-on: the values to type, what is handed in, certificates, options and rules.

use http::StatusCode;
use vestibule::directory::{OrgKind, Origin, member, sso, user};
use vestibule::kernel::{Role, SystemRng};
use vestibule::store::Tx;

use super::world::{Browser, Page, Site};

const PAGE: &str = "/.vestibule/console/o/acme/sso";

fn file(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/saml/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Chooses a file in the form at `from`, and sends it.
async fn upload(browser: &mut Browser, from: &str, to: &str, fields: &[(&str, &str)], bytes: &[u8]) -> Page {
    let token = browser.get(from).await.token();
    let mut all = vec![("token", token.as_str())];
    all.extend_from_slice(fields);
    browser.upload(to, &all, ("file", bytes)).await
}

async fn set_up(ada: &mut Browser) {
    let to = format!("{PAGE}/metadata");
    let page = upload(ada, PAGE, &to, &[], &file("metadata/okta.xml")).await;
    assert_eq!(page.location, format!("{PAGE}?done=saved"), "{}", page.body);
}

#[tokio::test]
async fn each_providers_own_field_names_stand_beside_the_exact_values() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let mut ada = site.comes(&acme, "ada@acme.example", Role::Admin).await;
    let (acs, entity_id, sign_on) = (
        "class=\"copy\">http://localhost:8080/.vestibule/saml/acme/acs</code>",
        "class=\"copy\">http://localhost:8080/.vestibule/saml/acme/metadata</code>",
        "class=\"copy\">http://localhost:8080/.vestibule/sso/acme</code>",
    );
    let fields = [
        ("okta", "Audience URI (SP Entity ID)"),
        ("entra", "Reply URL (Assertion Consumer Service URL)"),
        ("google", "ACS URL"),
        ("onelogin", "ACS (Consumer) URL Validator"),
        ("ad-fs", "Federation metadata address"),
        ("keycloak", "Valid redirect URIs, Master SAML Processing URL"),
        ("other", "Metadata URL, and entity ID (Audience)"),
    ];
    for (key, field) in fields {
        let page = ada.get(&format!("{PAGE}?idp={key}")).await;
        page.says(field).says(acs).says(entity_id).says(sign_on);
    }
}

#[tokio::test]
async fn metadata_is_taken_as_a_file_or_as_text_and_waits_for_the_first_sign_in() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let mut ada = site.comes(&acme, "ada@acme.example", Role::Admin).await;
    set_up(&mut ada).await;
    let page = ada.get(PAGE).await;
    page.says("waiting for your first sign-in").says("http://www.okta.com/").says("/.vestibule/sso/acme/test");
    let last = site.audited(&acme).await.pop().unwrap();
    assert_eq!((last.actor.as_str(), last.action.as_str()), ("ada@acme.example", "sso.set"), "{last:?}");
    let text = String::from_utf8(file("metadata/keycloak.xml")).unwrap();
    let page = ada.submit(PAGE, &format!("{PAGE}/metadata"), &[("metadata", &text)]).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.body);
    ada.get(PAGE).await.says("/realms/").hides("http://www.okta.com/");
}

#[tokio::test]
async fn r53_each_wrong_upload_has_its_own_answer_and_changes_nothing() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let mut ada = site.comes(&acme, "ada@acme.example", Role::Admin).await;
    set_up(&mut ada).await;
    let before = sso::connection(&site.store.reader(), acme.id).await.unwrap();
    let (metadata, certificates) = (format!("{PAGE}/metadata"), format!("{PAGE}/certificates"));
    let okta = file("metadata/okta.xml");
    let file = |name: &str| file(&format!("certificates/{name}"));
    let (p12, p7b, request) = (file("bundle.p12"), file("bundle_der.p7b"), file("request.csr"));
    let (private_key, public_key, weak) = (file("private_key.pem"), file("public.pem"), file("rsa1024.pem"));
    let cases: [(&str, &[u8], &str); 14] = [
        (&metadata, b"", "The file is empty"),
        (&metadata, b"<!doctype html><html></html>", "This is a web page, not metadata"),
        (&metadata, b"<a/>", "This is not SAML metadata"),
        (&certificates, b"", "The file is empty"),
        (&certificates, &okta, "This is metadata, not a certificate"),
        (&certificates, b"<a/>", "This is an XML document, neither a certificate nor metadata"),
        (&certificates, b"<html></html>", "This is a web page"),
        (&certificates, &private_key, "This holds a private key"),
        (&certificates, &public_key, "This is a bare public key"),
        (&certificates, &request, "This is a certificate request"),
        (&certificates, &p7b, "This is a PKCS#7 bundle"),
        (&certificates, &p12, "openssl pkcs12 -in FILE"),
        (&certificates, &weak, "has a weak key"),
        (&certificates, b"\x89PNG\r\n\x1a\n\xff\xfe", "This is not a certificate"),
    ];
    for (to, bytes, answer) in cases {
        let page = upload(&mut ada, to.trim_end_matches("/metadata"), to, &[], bytes).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{answer}: {}", page.body);
        page.says(answer).says("role=\"alert\"");
    }
    assert_eq!(sso::connection(&site.store.reader(), acme.id).await.unwrap(), before);
}

#[tokio::test]
async fn a_form_with_a_file_passes_the_same_checks_as_any_other() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let mut ada = site.comes(&acme, "ada@acme.example", Role::Admin).await;
    let (to, okta, token) = (format!("{PAGE}/metadata"), file("metadata/okta.xml"), ada.get(PAGE).await.token());
    let wrong = ada.upload(&to, &[("token", "0000")], ("file", &okta)).await;
    assert_eq!(wrong.status, StatusCode::FORBIDDEN, "{}", wrong.body);
    let twice = ada.upload(&to, &[("token", &token), ("file", "x")], ("file", &okta)).await;
    assert_eq!(twice.status, StatusCode::BAD_REQUEST, "{}", twice.body);
    let large = ada.upload(&to, &[("token", &token)], ("file", &vec![b'x'; 4 * 1024 * 1024])).await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE, "{}", large.body);
    let mut member = site.comes(&acme, "bob@acme.example", Role::Member).await;
    let other = member.upload(&to, &[("token", &token)], ("file", &okta)).await;
    assert_eq!(other.status, StatusCode::FORBIDDEN);
    site.clock.advance(std::time::Duration::from_secs(31 * 60));
    let late = ada.upload(&to, &[("token", &token)], ("file", &okta)).await;
    assert_eq!(late.status, StatusCode::FORBIDDEN);
    assert!(sso::connection(&site.store.reader(), acme.id).await.unwrap().is_none());
}

#[tokio::test]
async fn by_hand_what_was_typed_stands_again_and_the_certificates_of_the_same_issuer_stay() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let mut ada = site.comes(&acme, "ada@acme.example", Role::Admin).await;
    set_up(&mut ada).await;
    let held = sso::connection(&site.store.reader(), acme.id).await.unwrap().unwrap();
    let (hand, issuer) = (format!("{PAGE}/hand"), held.settings.entity_id.as_str());
    let wrong = [("issuer", issuer), ("sign_in_url", "ftp://idp"), ("sign_out_url", ""), ("binding", "post")];
    let page = ada.submit(PAGE, &hand, &wrong).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST, "{}", page.body);
    page.says("value=\"ftp://idp\"").says("<details open>").says("https is needed");
    let right = [("issuer", issuer), ("sign_in_url", "https://idp.acme.example/sso"), ("binding", "post")];
    let page = ada.submit(PAGE, &hand, &right).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.body);
    let now = sso::connection(&site.store.reader(), acme.id).await.unwrap().unwrap();
    assert_eq!((now.settings.sign_in_url.as_str(), now.certificates), (right[1].1, held.certificates));
    let other = [("issuer", "https://other.example"), right[1]];
    let page = ada.submit(PAGE, &hand, &other).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST, "another issuer needs a certificate of its own");
}

#[tokio::test]
async fn certificates_stand_side_by_side_and_the_last_one_can_not_go() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let mut ada = site.comes(&acme, "ada@acme.example", Role::Admin).await;
    set_up(&mut ada).await;
    let here = format!("{PAGE}/certificates");
    ada.get(&here).await.says("days left").says("the only one");
    let page = upload(&mut ada, &here, &here, &[], &file("certificates/p256.pem")).await;
    assert_eq!(page.location, format!("{here}?done=added"), "{}", page.body);
    let held = sso::certificates(&site.store.reader(), acme.id).await.unwrap();
    assert_eq!(held.len(), 2);
    let remove = format!("{here}/remove");
    ada.get(&here).await.hides("the only one");
    let page = ada.submit(&here, &remove, &[("sha256", &held[0].sha256)]).await;
    assert_eq!(page.location, format!("{here}?done=removed"), "{}", page.body);
    let page = ada.submit(&here, &remove, &[("sha256", &held[1].sha256)]).await;
    assert_eq!(page.status, StatusCode::CONFLICT, "{}", page.body);
}

#[tokio::test]
async fn options_change_alone_and_what_was_wrong_stands_again() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let mut ada = site.comes(&acme, "ada@acme.example", Role::Admin).await;
    set_up(&mut ada).await;
    let here = format!("{PAGE}/options");
    let fields = [("sign_requests", "on"), ("skew_seconds", "120"), ("email", "urn:mail")];
    let page = ada.submit(&here, &here, &fields).await;
    assert_eq!(page.location, format!("{here}?done=saved"), "{}", page.body);
    let now = sso::connection(&site.store.reader(), acme.id).await.unwrap().unwrap();
    let settings = &now.settings;
    assert!(settings.sign_requests && !settings.allow_sha1 && settings.skew_seconds == 120, "{settings:?}");
    assert_eq!((settings.attributes.email.as_deref(), now.certificates.len()), (Some("urn:mail"), 1));
    for skew in ["301", "soon"] {
        let page = ada.submit(&here, &here, &[("skew_seconds", skew)]).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST);
        page.says(&format!("value=\"{skew}\""));
    }
}

#[tokio::test]
async fn d10_who_would_be_locked_out_is_told_before_and_only_a_sign_in_that_worked_switches_it_on() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let mut ada = site.comes(&acme, "ada@acme.example", Role::Owner).await;
    for email in ["bob@acme.example", "eve@nobody.example"] {
        site.person(&acme, email, Role::Member).await;
    }
    set_up(&mut ada).await;
    let here = format!("{PAGE}/require");
    let page = ada.get(&here).await;
    page.says("eve@nobody.example").says("nobody has proved nobody.example").hides("bob@acme.example");
    page.says("ada@acme.example").says("has none yet").says("a test is not enough");
    let page = ada.submit(PAGE, &here, &[("require", "true"), ("agreed", "on")]).await;
    assert_eq!(page.status, StatusCode::CONFLICT, "{}", page.body);
    let idp = sso::connection(&site.store.reader(), acme.id).await.unwrap().unwrap().settings.entity_id;
    let email = "ada@acme.example".parse().unwrap();
    site.change(async |tx: Tx| Ok(vestibule::directory::sso_proof::note(&tx, acme.id, &email, &idp)?)).await;
    ada.get(&here).await.says("shown to work");
    let page = ada.submit(&here, &here, &[("require", "true")]).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST, "they did not say that they looked");
    let page = ada.submit(&here, &here, &[("require", "true"), ("agreed", "on")]).await;
    assert_eq!(page.location, format!("{PAGE}/access?done=required"), "{}", page.body);
    assert!(site.now(&acme).await.settings.require_sso);
    ada.submit(&here, &here, &[("require", "false")]).await;
    assert!(!site.now(&acme).await.settings.require_sso);
}

#[tokio::test]
async fn d11_a_member_of_another_organizations_domain_enters_by_its_single_sign_on() {
    let site = Site::new().await;
    let (acme, globex) =
        (site.organization("acme", OrgKind::Customer).await, site.organization("globex", OrgKind::Customer).await);
    let mut ada = site.comes(&acme, "ada@acme.example", Role::Owner).await;
    site.person(&acme, "gus@globex.example", Role::Member).await;
    let here = format!("{PAGE}/require");
    ada.get(&here).await.says("the single sign-on of globex.example does not let them in here");
    set_up(&mut ada).await;
    let connection = sso::connection(&site.store.reader(), acme.id).await.unwrap().unwrap();
    site.change(async |tx: Tx| sso::set(&tx, &globex, &connection).await).await;
    ada.get(&here).await.hides("globex");
}

#[tokio::test]
async fn of_many_members_a_page_looks_at_a_hundred_and_says_where_the_next_are() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let mut ada = site.comes(&acme, "ada@acme.example", Role::Owner).await;
    site.change(async |tx: Tx| {
        for number in 0..150 {
            let account = user::create(&tx, &SystemRng, &format!("p{number}@nobody.example").parse().unwrap())?;
            member::add(&tx, &acme, &account, Role::Member, Origin::Hand).await?;
        }
        Ok(())
    })
    .await;
    let mut page = ada.get(&format!("{PAGE}/require")).await;
    let mut found = page.body.matches("@nobody.example").count();
    let mut pages = 1;
    while let Some((_, rest)) =
        page.body.split_once("<a href=\"").and_then(|_| page.body.split_once("/sso/require?after="))
    {
        let after = rest.split('"').next().unwrap().to_owned();
        page = ada.get(&format!("{PAGE}/require?after={after}")).await;
        found += page.body.matches("@nobody.example").count();
        pages += 1;
    }
    assert_eq!((found, pages), (150, 2));
}

#[tokio::test]
async fn rules_are_saved_and_a_linked_organization_sets_its_own_alone() {
    let site = Site::new().await;
    let (group, acme) =
        (site.organization("group", OrgKind::Admin).await, site.organization("acme", OrgKind::Customer).await);
    let mut ada = site.comes(&acme, "ada@acme.example", Role::Admin).await;
    let here = format!("{PAGE}/access");
    let all = "idp_managed_access idp_initiated trust_idp_mfa";
    let page =
        ada.submit(&here, &here, &[("fields", all), ("idp_managed_access", "on"), ("trust_idp_mfa", "on")]).await;
    assert_eq!(page.location, format!("{here}?done=saved"), "{}", page.body);
    let settings = site.now(&acme).await.settings;
    assert!(settings.idp_managed_access && settings.trust_idp_mfa && !settings.idp_initiated);
    site.link(&group, &acme).await;
    let page = ada.get(&here).await;
    page.says("linked to the Admin organization").says("name=\"idp_managed_access\"").hides("name=\"trust_idp_mfa\"");
    ada.get(PAGE).await.says("rests until the link ends");
}
