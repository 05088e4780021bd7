//! The sign-in log: found, read, and shown to somebody without an account.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::StatusCode;
use vestibule::directory::{
    LoginCheck, LoginOutcome, LoginRecord, OrgKind, Organization, SsoConnection, SsoSettings, login, login_share, sso,
};
use vestibule::kernel::{LoginId, Role, SystemRng};
use vestibule::store::{StoreError, Tx};

use super::world::Site;
use crate::saml::forge::file;
use crate::saml::world::{IDP, certificate};

const PAGE: &str = "/.vestibule/console/o/acme/logins";

async fn happens(site: &Site, of: &Organization, email: Option<&str>, outcome: LoginOutcome) -> LoginId {
    let write = async |tx: Tx| {
        let record = LoginRecord {
            id: LoginId::random(&SystemRng),
            at: tx.now(),
            reference: "ABCD-EFGH".to_owned(),
            email: email.map(str::to_owned),
            idp: Some("https://idp.acme.example".to_owned()),
            request_id: Some("_1".to_owned()),
            assertion_id: None,
            client: "192.0.2.9".to_owned(),
            outcome: outcome.clone(),
            checks: vec![LoginCheck {
                name: "audience".to_owned(),
                passed: false,
                expected: "us".to_owned(),
                received: "<b>\u{202e}them".to_owned(),
            }],
        };
        login::record(&tx, of.id, &record).await?;
        Ok::<_, StoreError>(record.id)
    };
    let id = site.store.transaction("test", write).await.unwrap();
    site.clock.advance(Duration::from_secs(1));
    id
}

fn refused() -> LoginOutcome {
    LoginOutcome::Refused { code: "audience_mismatch".to_owned(), fix: "Correct <it> at the IdP.".to_owned() }
}

#[tokio::test]
async fn sign_ins_are_found_by_outcome_and_address_and_paged() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let mut ada = site.comes(&acme, "ada@acme.example", Role::Admin).await;
    ada.get(PAGE).await.says("Nobody has signed in yet.");
    for number in 0..60 {
        happens(&site, &acme, Some(&format!("p{number}@acme.example")), LoginOutcome::Accepted).await;
    }
    happens(&site, &acme, Some("bob@acme.example"), refused()).await;
    happens(&site, &acme, None, LoginOutcome::Tested { code: None, fix: None }).await;
    let page = ada.get(PAGE).await;
    page.says("bob@acme.example").says("audience_mismatch").says("p59@acme.example").hides("p11@acme.example");
    let (_, next) = page.body.split_once("/o/acme/logins?after=").expect("older ones");
    let after = next.split('"').next().unwrap();
    ada.get(&format!("{PAGE}?outcome=&email=&after={after}")).await.says("p11@acme.example").hides("p12@acme.example");
    let page = ada.get(&format!("{PAGE}?outcome=refused")).await;
    page.says("bob@acme.example").hides("p59@acme.example");
    ada.get(&format!("{PAGE}?email=P5%40")).await.says("p5@acme.example").hides("p59@acme.example");
    ada.get(&format!("{PAGE}?outcome=tested")).await.says("tag good\">test").hides("bob@acme.example");
    ada.get(&format!("{PAGE}?email=nobody")).await.says("No sign-in is like that.");
}

#[tokio::test]
async fn one_sign_in_has_its_checks_reason_and_fix_as_text() {
    let site = Site::new().await;
    let (acme, globex) =
        (site.organization("acme", OrgKind::Customer).await, site.organization("globex", OrgKind::Customer).await);
    let mut ada = site.comes(&acme, "ada@acme.example", Role::Admin).await;
    let id = happens(&site, &acme, Some("bob@acme.example"), refused()).await;
    let page = ada.get(&format!("{PAGE}/{id}")).await;
    page.says("Correct &#60;it&#62; at the IdP.").says("<bdi>&#60;b&#62;\u{202e}them</bdi>").says("192.0.2.9");
    let other = happens(&site, &globex, Some("gus@globex.example"), refused()).await;
    let page = ada.get(&format!("{PAGE}/{other}")).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND, "of another organization: {}", page.body);
    assert_eq!(ada.get(&format!("{PAGE}/nonsense")).await.status, StatusCode::NOT_FOUND);
    let mut bob = site.comes(&acme, "bob@acme.example", Role::Member).await;
    assert_eq!(bob.get(&format!("{PAGE}/{id}")).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_link_shows_one_sign_in_alone_for_a_week_and_can_be_ended() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let mut ada = site.comes(&acme, "ada@acme.example", Role::Admin).await;
    let id = happens(&site, &acme, Some("bob@acme.example"), refused()).await;
    happens(&site, &acme, Some("eve@acme.example"), refused()).await;
    let here = format!("{PAGE}/{id}");
    let link = async |ada: &mut super::world::Browser| {
        let page = ada.submit(&here, &format!("{here}/share"), &[]).await;
        let (_, link) = page.body.split_once("class=\"copy\">http://localhost:8080").expect("a link");
        link.split('<').next().unwrap().to_owned()
    };
    let first = link(&mut ada).await;
    let page = site.stranger().get(&first).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    page.says("bob@acme.example").says("audience_mismatch").hides("eve@acme.example").hides("Sign-in log");
    assert!(page.policy.contains("form-action 'none'"), "{}", page.policy);
    let (_, token) = first.split_once("sign_in=").unwrap();
    ada.get(&here).await.says("A link of <bdi>ada@acme.example</bdi>").hides(token);
    for entry in site.audited(&acme).await {
        assert!(!format!("{entry:?}").contains(token), "{entry:?}");
    }
    let last = site.audited(&acme).await.pop().unwrap();
    assert_eq!((last.action.as_str(), last.object.as_str()), ("login.share", id.to_string().as_str()));
    // It is ended.
    ada.submit(&here, &format!("{here}/unshare"), &[]).await;
    assert_eq!(site.stranger().get(&first).await.status, StatusCode::NOT_FOUND);
    for wrong in ["", "?sign_in=", "?sign_in=abc"] {
        let page = site.stranger().get(&format!("/.vestibule/console/shared{wrong}")).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{wrong}");
    }
    // A week.
    let second = link(&mut ada).await;
    site.clock.advance(login_share::GOOD_FOR.saturating_sub(Duration::from_secs(2)));
    assert_eq!(site.stranger().get(&second).await.status, StatusCode::OK);
    site.clock.advance(Duration::from_secs(2));
    assert_eq!(site.stranger().get(&second).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn of_one_sign_in_there_are_five_links_at_most() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let mut ada = site.comes(&acme, "ada@acme.example", Role::Admin).await;
    let id = happens(&site, &acme, Some("bob@acme.example"), refused()).await;
    let here = format!("{PAGE}/{id}");
    for number in 0..=login_share::KEPT {
        let page = ada.submit(&here, &format!("{here}/share"), &[]).await;
        let expected = if number == login_share::KEPT { StatusCode::CONFLICT } else { StatusCode::OK };
        assert_eq!(page.status, expected, "{number}: {}", page.body);
    }
    let checkers = vestibule::directory::check::checkers();
    let findings = vestibule::store::check_store(&site.store, &checkers).await.unwrap().findings;
    assert!(findings.is_empty(), "{findings:?}");
}

#[tokio::test]
async fn of_a_sign_in_by_password_the_page_says_that_there_is_no_message() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let mut ada = site.comes(&acme, "ada@acme.example", Role::Admin).await;
    let by = async |idp: Option<&str>, check: &str| {
        let checks = vec![LoginCheck {
            name: check.to_owned(),
            passed: true,
            expected: "the account's".to_owned(),
            received: "it".to_owned(),
        }];
        let id = LoginId::random(&SystemRng);
        let record = LoginRecord {
            id,
            at: site.store.now(),
            reference: "ABCD-EFGH".to_owned(),
            email: Some("bob@acme.example".to_owned()),
            idp: idp.map(str::to_owned),
            request_id: None,
            assertion_id: None,
            client: "192.0.2.9".to_owned(),
            outcome: LoginOutcome::Accepted,
            checks,
        };
        let write = async |tx: Tx| login::record(&tx, acme.id, &record).await;
        site.store.transaction("test", write).await.unwrap();
        format!("{PAGE}/{id}")
    };
    for check in ["password", "link"] {
        let page = ada.get(&by(None, check).await).await;
        page.says("There is no message: this was a sign-in by a password or a mailed link").hides("No message is kept");
    }
    let page = ada.get(&by(Some("https://idp.acme.example"), "signature").await).await;
    page.says("No message is kept").says("the newest 50 that were accepted").hides("There is no message");
}

#[tokio::test]
async fn the_message_of_a_refused_sign_in_is_shown_with_what_is_signed_marked() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let globex = site.organization("globex", OrgKind::Customer).await;
    let connection = SsoConnection {
        settings: SsoSettings::new(IDP, "https://idp.example/sso", site.store.now()),
        certificates: vec![certificate("idp")],
    };
    site.change(async |tx: Tx| sso::set(&tx, &acme, &connection).await).await;
    let mut ada = site.comes(&acme, "ada@acme.example", Role::Admin).await;
    // Answered by the identity provider, late, and by a stranger.
    let xml = file("okta/response.xml").replace("ada@acme.example", "ada@acme.example&lt;b&gt;");
    let started = site.stranger().get("/.vestibule/sso/acme").await;
    let relay_state = url::Url::parse(&started.location).unwrap();
    let relay_state = relay_state.query_pairs().find(|(name, _)| name == "RelayState").unwrap().1.into_owned();
    let answered = async |relay_state: &str| {
        let fields = [("SAMLResponse", BASE64.encode(&xml)), ("RelayState", relay_state.to_owned())];
        let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
        let page = site.stranger().post("/.vestibule/saml/acme/acs", &fields).await;
        assert!(page.status.is_client_error(), "{page:?}");
        site.clock.advance(Duration::from_secs(1));
        let login = login::list(&site.store.reader(), acme.id, 1).await.unwrap().remove(0);
        format!("{PAGE}/{}", login.id)
    };
    let ours = answered(&relay_state).await;
    let strange = answered("_nobody").await;
    let page = ada.get(&ours).await;
    page.says("<span class=\"line in1\"><mark>&#60;saml2:Assertion ")
        .says("<mark>&#60;/saml2:Assertion&#62;</mark></span>");
    page.says("ada@acme.example&#38;lt;b&#38;gt;").says("SignatureValue&#62;…&#60;/").hides("No message is kept");
    for name in ["SignatureValue>", "DigestValue>", "X509Certificate>"] {
        let value = xml.split_once(name).expect(name).1.trim().get(..16).unwrap();
        page.hides(value);
    }
    ada.get(&strange).await.says("No message is kept").hides("<pre");
    // To nobody else, and not by a link.
    let mut gus = site.comes(&globex, "gus@globex.example", Role::Owner).await;
    assert_eq!(gus.get(&ours).await.status, StatusCode::FORBIDDEN);
    let elsewhere = ours.replace("/o/acme/", "/o/globex/");
    assert_eq!(gus.get(&elsewhere).await.status, StatusCode::NOT_FOUND);
    let page = ada.submit(&ours, &format!("{ours}/share"), &[]).await;
    let link = page.says("<mark>").body.split_once("class=\"copy\">http://localhost:8080").unwrap().1;
    site.stranger().get(link.split('<').next().unwrap()).await.says("Checks").hides("<mark>").hides("SignatureValue");
    for entry in site.audited(&acme).await {
        assert!(!format!("{entry:?}").contains("Assertion"), "{entry:?}");
    }
}
