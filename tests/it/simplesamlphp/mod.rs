//! A real identity provider's answers, in each of its protections, held against the verifier.

use std::time::Duration;

use vestibule::directory::{Binding, SsoConnection};
use vestibule::kernel::{Clock as _, Slug, SystemClock, SystemRng};
use vestibule::saml::authn_request::AuthnRequest;
use vestibule::saml::metadata::IdpMetadata;
use vestibule::saml::service_provider::{ServiceProvider, ServiceProviderKey};
use vestibule::saml::{DecryptionKey, Expected, IdentityProvider, UnverifiedResponse, Verdict};

use crate::world::forms::Form;
use crate::world::simplesamlphp::{ADA, ENTITY_ID, Registration, SimpleSamlPhp, Variant};

/// What the IdP answers to Ada's sign-in, and what we make of it.
async fn verdict(variant: Variant, binding: Binding) -> Verdict {
    let provider = ServiceProvider::new("http://localhost:8080");
    let slug: Slug = "acme".parse().unwrap();
    let (clock, rng) = (SystemClock, SystemRng);
    let key = ServiceProviderKey::generate("vestibule", clock.now(), &rng).unwrap();
    let (entity_id, acs_url) = (provider.entity_id(&slug), provider.acs_url(&slug));
    let certificate = key.certificate().to_vec();
    let registration = Registration { entity_id: entity_id.clone(), acs_url: acs_url.clone(), certificate };
    let idp = SimpleSamlPhp::start(&registration, variant).await;

    let metadata = IdpMetadata::parse(&idp.metadata().await, clock.now()).unwrap();
    let (mut settings, certificates) = metadata.into_settings(clock.now()).unwrap();
    assert_eq!(settings.entity_id, ENTITY_ID);
    settings.sign_in_binding = binding;
    settings.require_encryption = variant == Variant::EncryptedAssertion;
    let certificates = certificates.iter().map(|one| one.to_stored(clock.now())).collect();
    let connection = IdentityProvider::new(&SsoConnection { settings: settings.clone(), certificates }).unwrap();

    let request = AuthnRequest::new(&settings, &provider, &slug, clock.now(), &rng);
    let answer = Form::first(&signs_in(&request, binding).await);
    assert_eq!(answer.action, acs_url);
    assert_eq!(answer.value("RelayState"), Some("a-handle"));
    let response = UnverifiedResponse::from_form_field(answer.value("SAMLResponse").unwrap()).unwrap();
    let keys = [DecryptionKey::from_pkcs8_der(key.pkcs8().expose()).unwrap()];
    let expected = Expected {
        connection: &connection,
        entity_id: &entity_id,
        acs_url: &acs_url,
        in_response_to: Some(&request.id),
        unsolicited: false,
        decryption_keys: &keys,
    };
    response.verify(&expected, clock.now())
}

/// Walks through the IdP's own pages as Ada; gives the page that carries the answer.
async fn signs_in(request: &AuthnRequest, binding: Binding) -> String {
    let timeout = Duration::from_secs(60);
    let client = reqwest::Client::builder().cookie_store(true).timeout(timeout).build().unwrap();
    let first = match binding {
        Binding::Redirect => client.get(request.redirect_url("a-handle", None).unwrap()).send().await.unwrap(),
        Binding::Post => {
            let form = request.post_form("a-handle", None).unwrap();
            client.post(&form.action).form(&form.fields).send().await.unwrap()
        }
    };
    let here = first.url().clone();
    let question = Form::first(&first.text().await.unwrap()).fill("username", ADA.0).fill("password", ADA.1);
    let target = here.join(&question.action).unwrap();
    client.post(target).form(&question.fields).send().await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn a_real_idp_is_understood_in_each_of_its_protections() {
    for (variant, binding) in Variant::ALL.into_iter().zip([Binding::Redirect, Binding::Post, Binding::Redirect]) {
        let verdict = verdict(variant, binding).await;
        let assertion = verdict.outcome.unwrap_or_else(|error| panic!("{variant:?}: {error} {:#?}", verdict.checks));
        assert_eq!(assertion.email().as_str(), ADA.2, "{variant:?}");
        assert_eq!(assertion.first_name(), Some("Ada"), "{variant:?}");
        assert_eq!(verdict.facts.encrypted, variant == Variant::EncryptedAssertion);
        assert!(verdict.checks.iter().all(|check| check.passed), "{variant:?} {:#?}", verdict.checks);
    }
}
