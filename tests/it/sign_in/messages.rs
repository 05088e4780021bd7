//! Whose message is kept beside the sign-in log, and whose is not.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use vestibule::directory::{LoginMessage, login_message};
use vestibule::kernel::Role;
use vestibule::store::Tx;

use super::Site;
use super::browser::read_sent;
use super::idp::Answer;
use super::second_factor::{CHALLENGE, SET_UP, STEP, secret_of};

/// The message of acme's newest sign-in.
async fn newest(site: &Site) -> Option<LoginMessage> {
    let login = site.logins(&site.acme).await.into_iter().next().expect("a sign-in was written down");
    site.clock.advance(Duration::from_millis(10));
    login_message::find(&site.store.reader(), site.acme.id, login.id).await.unwrap()
}

fn value_of<'a>(xml: &'a str, name: &str) -> &'a str {
    xml.split_once(&format!("{name}>")).unwrap().1.split('<').next().unwrap()
}

/// The message is that answer's, its assertion marked, without what could be used again.
fn is_of(message: &LoginMessage, email: &str) {
    let signed: Vec<&str> = message.parts.iter().filter(|part| part.signed).map(|part| part.text.as_str()).collect();
    assert!(matches!(signed[..], [one] if one.starts_with("<saml:Assertion") && one.contains(email)), "{signed:?}");
    assert_eq!(value_of(signed[0], "SignatureValue"), "…");
    assert_eq!(value_of(signed[0], "DigestValue"), "…");
}

#[tokio::test]
async fn the_message_of_each_sign_in_of_this_browser_is_kept_without_what_could_be_used_again() {
    let site = Site::new().await;
    // Accepted.
    let mut ada = site.browser();
    site.sign_in_ada(&mut ada).await;
    assert_eq!(site.last_code(&site.acme).await, "accepted");
    is_of(&newest(&site).await.expect("accepted"), "ada@acme.example");
    // Refused at once, and at the last step, with the same answer again.
    let mut browser = site.browser();
    let sent = browser.ask("ada@acme.example", "/").await;
    let mut answer = site.acme_idp.answer(&sent).email("ada@acme.example");
    answer.slug = "globex".to_owned();
    browser.return_with(&answer).await;
    assert_eq!(site.last_code(&site.acme).await, "destination_mismatch");
    is_of(&newest(&site).await.expect("refused at once"), "ada@acme.example");
    let sent = browser.ask("ada@acme.example", "/").await;
    let answer = site.acme_idp.answer(&sent).email("eve@other.example");
    browser.return_with(&answer).await;
    assert_eq!(site.last_code(&site.acme).await, "email_domain");
    is_of(&newest(&site).await.expect("refused at the last step"), "eve@other.example");
    browser.return_with(&answer).await;
    assert_eq!(site.last_code(&site.acme).await, "replayed");
    assert_eq!(newest(&site).await, None, "used before");
    // In another browser than the one that asked: nothing, whoever knows the link.
    let sent = browser.ask("ada@acme.example", "/").await;
    let page = browser.bring(&site.acme_idp.answer(&sent)).await;
    site.browser().get(page.location()).await;
    assert_eq!(newest(&site).await, None, "in another browser");
    // Tests, right and wrong.
    let account = site.account("ada@acme.example").await.unwrap();
    let promote = async |tx: Tx| vestibule::directory::member::set_role(&tx, &site.acme, &account, Role::Owner).await;
    site.store.transaction("test", promote).await.unwrap();
    for slug in ["acme", "globex"] {
        let page = ada.post("/.vestibule/sso/acme/test", &[]).await;
        let mut answer: Answer<'_> = site.acme_idp.answer(&read_sent(page.location())).email("new@acme.example");
        answer.slug = slug.to_owned();
        ada.return_with(&answer).await;
        assert!(site.last_code(&site.acme).await.starts_with("tested "));
        is_of(&newest(&site).await.expect("a test"), "new@acme.example");
    }
    let checkers = vestibule::directory::check::checkers();
    let findings = vestibule::store::check_store(&site.store, &checkers).await.unwrap().findings;
    assert!(findings.is_empty(), "{findings:?}");
}

#[tokio::test]
async fn what_the_second_factor_decides_has_the_message_of_its_first_step_and_that_signs_nobody_in() {
    let site = Site::new().await;
    site.change(&site.acme, |acme| acme.set("two_factor", "always")).await;
    let mut ada = site.browser();
    site.sign_in_to(&mut ada, SET_UP).await;
    let secret = secret_of(&ada.get(SET_UP).await);
    ada.post(SET_UP, &[("code", &site.code(&secret))]).await;
    site.clock.advance(STEP);
    let mut ada = site.browser();
    let answer = site.sign_in_to(&mut ada, CHALLENGE).await;
    is_of(&newest(&site).await.expect("the second factor is next"), "ada@acme.example");
    ada.post(CHALLENGE, &[("code", "000000")]).await;
    let wrong = site.logins(&site.acme).await.remove(0);
    site.clock.advance(STEP);
    ada.post(CHALLENGE, &[("code", &site.code(&secret))]).await;
    let right = site.logins(&site.acme).await.remove(0);
    assert!(ada.has_session() && site.last_code(&site.acme).await == "accepted");
    for record in [wrong, right] {
        let found = login_message::of(&site.store.reader(), site.acme.id, &record).await.unwrap();
        let message = found.expect("that of the first step");
        is_of(&message, "ada@acme.example");
        let text: String = message.parts.iter().map(|part| part.text.as_str()).collect();
        assert!(text.contains(&answer.assertion_id), "of this very sign-in");
        let sent = answer.xml();
        for name in ["SignatureValue", "DigestValue"] {
            assert!(!text.contains(value_of(&sent, name)), "{name} is kept: {text}");
        }
        // What is kept, brought as an answer, is none.
        let mut browser = site.browser();
        let request = browser.ask("ada@acme.example", "/").await;
        let fields = [("SAMLResponse", BASE64.encode(&text)), ("RelayState", request.relay_state.clone())];
        let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
        browser.post_cross_site("/.vestibule/saml/acme/acs", &fields).await;
        site.clock.advance(Duration::from_millis(10));
        assert!(!browser.has_session() && site.last_code(&site.acme).await != "accepted");
    }
    let checkers = vestibule::directory::check::checkers();
    let findings = vestibule::store::check_store(&site.store, &checkers).await.unwrap().findings;
    assert!(findings.is_empty(), "{findings:?}");
}

impl Site {
    /// Ada comes by single sign-on, and is led on to `next`; gives what the identity provider said.
    async fn sign_in_to(&self, browser: &mut super::Browser, next: &str) -> Answer<'_> {
        let sent = browser.ask("ada@acme.example", "/deals").await;
        let answer = self.acme_idp.answer(&sent);
        assert_eq!(browser.return_with(&answer).await.location(), next);
        answer
    }
}

#[tokio::test]
async fn what_answers_no_request_of_ours_or_is_no_xml_leaves_no_message() {
    let site = Site::new().await;
    let mut browser = site.browser();
    let sent = browser.ask("ada@acme.example", "/").await;
    for (relay_state, id) in [("_nobody", Some("_nobody")), ("", None), ("", Some("_nobody"))] {
        let mut answer = site.acme_idp.answer(&sent);
        answer.in_response_to = id.map(str::to_owned);
        answer.relay_state = relay_state.to_owned();
        browser.return_with(&answer).await;
        assert_eq!(newest(&site).await, None, "«{relay_state}» {id:?}");
    }
    // Of another organization's request.
    let page = browser.get("/.vestibule/sso/globex").await;
    let mut answer = site.globex_idp.answer(&read_sent(page.location()));
    answer.brought_to = "acme".to_owned();
    browser.return_with(&answer).await;
    assert_eq!(newest(&site).await, None, "another's request");
    for message in ["bm8gWE1M", "%%%", ""] {
        let fields = [("SAMLResponse", message), ("RelayState", &sent.relay_state)];
        browser.post_cross_site("/.vestibule/saml/acme/acs", &fields).await;
        assert_eq!(newest(&site).await, None, "{message}");
    }
}
