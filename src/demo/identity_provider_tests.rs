//! The demo's identity provider against the real verifier, in every way of signing.

use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use super::*;
use crate::demo::companies;
use crate::demo::response::Signing;
use crate::directory::sso::{Binding, SsoConnection, SsoSettings};
use crate::kernel::{ManualClock, SeededRng, Timestamp};
use crate::saml::authn_request::AuthnRequest;
use crate::saml::metadata::IdpMetadata;
use crate::saml::{DecryptionKey, Expected, IdentityProvider, SamlError, UnverifiedResponse, VerifiedAssertion};

const APP: &str = "http://localhost:8080";

fn slug() -> Slug {
    "acme".parse().expect("a slug")
}

fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2026-11-22T12:00:00Z").expect("a date")
}

fn idp(options: ResponseOptions) -> DemoIdentityProvider {
    let (clock, rng) = (Arc::new(ManualClock::at(now())), Arc::new(SeededRng::new(1)));
    let made = DemoIdentityProvider::new("http://localhost:8090/", APP, companies(), clock, rng);
    made.expect("an identity provider").with_options(options)
}

fn settings(idp: &DemoIdentityProvider) -> SsoConnection {
    let metadata = IdpMetadata::parse(idp.metadata(&slug()).expect("metadata").as_bytes(), now()).expect("metadata");
    let (settings, certificates) = metadata.into_settings(now()).expect("settings");
    SsoConnection { settings, certificates: certificates.iter().map(|held| held.to_stored(now())).collect() }
}

fn request(settings: &SsoSettings) -> AuthnRequest {
    AuthnRequest::new(settings, &ServiceProvider::new(APP), &slug(), now(), &SeededRng::new(2))
}

fn verified(idp: &DemoIdentityProvider, email: &str, keys: &[DecryptionKey]) -> Result<VerifiedAssertion, SamlError> {
    let connection = settings(idp);
    let request = request(&connection.settings);
    let received = ReceivedRequest::parse(request.xml().as_bytes()).expect("a request");
    let answer = idp.answer(&slug(), &received, email).expect("an answer").expect("signed");
    let app = ServiceProvider::new(APP);
    let expected = Expected {
        connection: &IdentityProvider::new(&connection).expect("a connection"),
        entity_id: &app.entity_id(&slug()),
        acs_url: &app.acs_url(&slug()),
        in_response_to: Some(&request.id),
        unsolicited: false,
        decryption_keys: keys,
    };
    UnverifiedResponse::from_xml(answer.as_bytes()).verify(&expected, now()).outcome
}

#[test]
fn its_metadata_is_that_of_an_identity_provider() {
    let connection = settings(&idp(ResponseOptions::default()));
    assert_eq!(connection.settings.entity_id, "http://localhost:8090/acme/metadata");
    assert_eq!(connection.settings.sign_in_url, "http://localhost:8090/acme/sso");
    assert_eq!(connection.settings.sign_in_binding, Binding::Redirect);
}

#[test]
fn its_answers_are_accepted_however_they_are_signed_and_encrypted() {
    let key = ServiceProviderKey::generate("app", now(), &SeededRng::new(3)).expect("a key");
    let opening = [DecryptionKey::from_pkcs8_der(key.pkcs8().expose()).expect("a key")];
    for signing in [Signing::Assertion, Signing::Response, Signing::Both] {
        for encrypt_to in [None, Some(key.certificate().to_vec())] {
            let case = format!("{signing:?}, encrypted: {}", encrypt_to.is_some());
            let idp = idp(ResponseOptions { signing, encrypt_to });
            let outcome = verified(&idp, "ada@acme.example", &opening);
            assert!(outcome.is_ok(), "{case}: {outcome:?}");
        }
    }
}

#[test]
fn declining_is_an_answer_too() {
    let outcome = verified(&idp(ResponseOptions::default()), "", &[]);
    assert!(matches!(outcome, Err(SamlError::StatusNotSuccess { .. })), "{outcome:?}");
}

#[test]
fn it_answers_nobody_but_the_app_and_for_nobody_it_does_not_know() {
    let idp = idp(ResponseOptions::default());
    let connection = settings(&idp);
    let good = ReceivedRequest::parse(request(&connection.settings).xml().as_bytes()).expect("a request");
    assert!(idp.answer(&slug(), &good, "ada@acme.example").is_some());
    assert!(idp.answer(&slug(), &good, "alan@globex.example").is_none(), "not of this company");
    let elsewhere = ReceivedRequest { acs_url: Some("https://evil.example/".to_owned()), ..good.clone() };
    assert!(idp.answer(&slug(), &elsewhere, "ada@acme.example").is_none());
    let stranger = ReceivedRequest { issuer: "https://evil.example/".to_owned(), ..good };
    assert!(idp.answer(&slug(), &stranger, "ada@acme.example").is_none());
}

async fn call(idp: DemoIdentityProvider, request: Request<Body>) -> (StatusCode, String, String) {
    let response = Arc::new(idp).router().oneshot(request).await.expect("an answer");
    let status = response.status();
    let policy = response.headers().get("content-security-policy").and_then(|value| value.to_str().ok());
    let policy = policy.unwrap_or_default().to_owned();
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    (status, policy, String::from_utf8(body.to_vec()).expect("text"))
}

fn get_page(url: &str) -> Request<Body> {
    let path = url.strip_prefix("http://localhost:8090").unwrap_or(url);
    Request::get(path).body(Body::empty()).expect("a request")
}

fn post_form(path: &str, fields: &[(&str, &str)]) -> Request<Body> {
    let mut body = url::form_urlencoded::Serializer::new(String::new());
    body.extend_pairs(fields);
    let request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
    request.body(Body::from(body.finish())).expect("a request")
}

#[tokio::test]
async fn a_request_by_redirect_or_by_form_leads_to_the_people_of_that_company() {
    let connection = settings(&idp(ResponseOptions::default()));
    let request = request(&connection.settings);
    let by_redirect = get_page(&request.redirect_url("state-1", None).expect("a URL"));
    let form = request.post_form("state-1", None).expect("a form");
    let fields: Vec<(&str, &str)> = form.fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    for sent in [by_redirect, post_form("/acme/sso", &fields)] {
        let (status, policy, page) = call(idp(ResponseOptions::default()), sent).await;
        assert_eq!(status, StatusCode::OK, "{page}");
        assert!(page.contains("Continue as Ada Lovelace") && page.contains("Continue as Grace Hopper"), "{page}");
        assert!(!page.contains("Alan") && page.contains("value=\"state-1\""), "{page}");
        assert!(policy.contains("default-src 'none'") && policy.contains("form-action 'self'"), "{policy}");
    }
}

#[tokio::test]
async fn a_click_on_a_name_answers_the_app_and_the_page_may_send_itself_there_alone() {
    let connection = settings(&idp(ResponseOptions::default()));
    let saml_request = BASE64.encode(request(&connection.settings).xml());
    let fields = [("SAMLRequest", saml_request.as_str()), ("RelayState", "s"), ("person", "ada@acme.example")];
    let (status, policy, page) = call(idp(ResponseOptions::default()), post_form("/acme/sign-in", &fields)).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    assert!(page.contains("action=\"http://localhost:8080/.vestibule/saml/acme/acs\""), "{page}");
    assert!(page.contains("name=\"SAMLResponse\"") && page.contains("<button type=\"submit\""), "{page}");
    assert!(
        policy.contains("form-action http://localhost:8080;") && policy.contains("script-src 'sha256-"),
        "{policy}"
    );
    assert!(!policy.contains("unsafe"), "{policy}");
}

#[tokio::test]
async fn what_it_cannot_answer_it_says() {
    let check = async |sent: Request<Body>, status: StatusCode, text: &str| {
        let (found, _, page) = call(idp(ResponseOptions::default()), sent).await;
        assert!(found == status && page.contains(text), "{found} {page}");
    };
    check(get_page("/acme/sso"), StatusCode::BAD_REQUEST, "http://localhost:8080/.vestibule/sso/acme").await;
    check(get_page("/acme/sso?SAMLRequest=x"), StatusCode::BAD_REQUEST, "can&#39;t be decoded").await;
    check(get_page("/initech/sso?x"), StatusCode::NOT_FOUND, "No such company").await;
    check(get_page("/"), StatusCode::NOT_FOUND, "Not found").await;
    check(get_page("/initech/metadata"), StatusCode::NOT_FOUND, "No such company").await;
    check(get_page("/acme/metadata"), StatusCode::OK, "IDPSSODescriptor").await;
    check(post_form("/acme/sso", &[("SAMLRequest", "?")]), StatusCode::BAD_REQUEST, "not base64").await;
    check(post_form("/acme/sign-in", &[("SAMLRequest", "PGEvPg==")]), StatusCode::BAD_REQUEST, "root is a").await;
}
