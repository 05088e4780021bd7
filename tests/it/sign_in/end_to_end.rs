//! Through the real binary: from the app to the IdP and back, with every way of signing and encrypting.

use vestibule::demo::{ResponseOptions, Signing};
use vestibule::saml::service_provider::ServiceProvider;

use crate::world::forms::Form;
use crate::world::person::{Person, Seen};
use crate::world::simplesamlphp::{ADA, Registration, SimpleSamlPhp, Variant};
use crate::world::{Wishes, World};

/// Goes from the app to the e-mail question, and answers it.
async fn ask(world: &World, person: &mut Person, email: &str) -> Seen {
    let question = person.open(&format!("{}/", world.public_url)).await;
    assert_eq!(question.url.path(), "/.vestibule/sign-in", "{question:?}");
    person.send(&question, question.form().fill("email", email)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_comes_to_the_app_and_the_app_knows_them() {
    let world = World::start().await;
    let mut ada = Person::new(&world);
    let app = ada.sign_in(&world, "ada@acme.example").await;
    assert_eq!((app.url.path(), app.status.as_u16()), ("/", 200), "{app:?}\n{}", world.log());
    assert!(app.body.contains("ada@acme.example") && app.body.contains("verified"), "{}", app.body);
    assert_eq!(ada.cookie_names(&world.public_url), ["vestibule"]);
    let logins = world.run(&["logins", "--org", "acme"]);
    assert!(logins.contains("ada@acme.example"), "{logins}");
    assert!(!world.log().contains("ada@acme.example"), "addresses stay out of the log: {}", world.log());

    let out = ada.open(&format!("{}/.vestibule/sign-out", world.public_url)).await;
    let out = ada.send(&out, out.form()).await;
    assert!(out.body.contains("You are signed out"), "{}", out.body);
    let asked = ada.open(&format!("{}/", world.public_url)).await;
    assert_eq!(asked.url.path(), "/.vestibule/sign-in");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_count_however_they_are_signed() {
    for signing in [Signing::Assertion, Signing::Response, Signing::Both] {
        let answers = ResponseOptions { signing, encrypt_to: None };
        let world = World::with(Wishes { answers, ..Wishes::default() }).await;
        let app = Person::new(&world).sign_in(&world, "katherine@globex.example").await;
        assert!(app.body.contains("katherine@globex.example"), "{signing:?}: {}\n{}", app.body, world.log());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_https_cookies_are_secure_and_bound_to_the_host() {
    let world = World::with(Wishes { https: true, ..Wishes::default() }).await;
    let mut ada = Person::new(&world);
    let app = ada.sign_in(&world, "ada@acme.example").await;
    assert!(app.body.contains("ada@acme.example"), "{}\n{}", app.body, world.log());
    assert_eq!(ada.cookie_names(&world.public_url), ["__Host-vestibule"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_large_is_refused_and_written_down() {
    let world = World::start().await;
    let url = format!("{}/.vestibule/saml/acme/acs", world.public_url);
    let client = reqwest::Client::new();
    for (size, code) in [(900_000, "malformed"), (1_100_000, "too_large"), (5_000_000, "too_large")] {
        let form = [("SAMLResponse", "%".repeat(size / 3))];
        let answer = client.post(&url).form(&form).send().await.expect("an answer");
        assert!(answer.status().is_client_error(), "{size}: {answer:?}");
        assert!(answer.text().await.unwrap_or_default().contains("Reference"), "{size}");
        let last = world.run(&["logins", "--org", "acme", "--last", "1"]);
        assert!(last.contains(code), "{size}: {last}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_app_sees_no_cookie_of_a_sign_in_under_way() {
    let configuration = "[[route]]\npath = \"/public/\"\naccess = \"public\"\n".to_owned();
    let world = World::with(Wishes { configuration, ..Wishes::default() }).await;
    let mut ada = Person::new(&world);
    ask(&world, &mut ada, "ada@acme.example").await;
    let [cookie] = ada.cookie_names(&world.public_url).try_into().expect("one cookie");
    assert!(cookie.starts_with("vestibule-login-"), "{cookie}");
    let app = ada.open(&format!("{}/public/", world.public_url)).await;
    assert!(app.status.is_success() && app.body.to_lowercase().contains("sec-fetch-mode"), "{app:?}");
    assert!(!app.body.contains(&cookie), "{}", app.body);
}

/// Our certificate that assertions are to be encrypted to: from our own metadata.
pub fn encryption_certificate(metadata: &str) -> Vec<u8> {
    use base64::Engine as _;
    let (_, encryption) = metadata.split_once("use=\"encryption\"").expect("a key for encryption");
    let (_, certificate) = encryption.split_once("<ds:X509Certificate>").expect("a certificate");
    let certificate = certificate.split('<').next().unwrap_or_default();
    base64::engine::general_purpose::STANDARD.decode(certificate).expect("base64")
}

/// SimpleSAMLphp as acme's identity provider, which says how people are authenticated there.
async fn simplesamlphp(world: &World, variant: Variant, context: Option<&str>) -> SimpleSamlPhp {
    let (slug, provider) = ("acme".parse().unwrap(), ServiceProvider::new(&world.public_url));
    let metadata = world.get("/.vestibule/saml/acme/metadata").await;
    let registration = Registration {
        entity_id: provider.entity_id(&slug),
        acs_url: provider.acs_url(&slug),
        certificate: encryption_certificate(&metadata),
    };
    let idp = SimpleSamlPhp::start_saying(&registration, variant, context).await;
    let file = world.path("simplesamlphp.xml");
    std::fs::write(&file, idp.metadata().await).unwrap();
    world.run(&["sso", "set", "acme", "--metadata", &file.display().to_string()]);
    idp
}

/// Goes from the app to SimpleSAMLphp, which asks for name and password, and brings its answer.
async fn by_way_of(world: &World, idp: &SimpleSamlPhp, ada: &mut Person) -> Seen {
    let asked = ask(world, ada, ADA.2).await;
    assert!(asked.url.as_str().starts_with(&idp.base_url), "{asked:?}");
    let answer = ada.send(&asked, asked.form().fill("username", ADA.0).fill("password", ADA.1)).await;
    assert!(Form::first(&answer.body).value("SAMLResponse").is_some(), "{answer:?}");
    ada.send(&answer, answer.form()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_factor_at_simplesamlphp_counts_where_it_is_trusted() {
    let world = World::start().await;
    world.run(&["org", "set", "acme", "two_factor=always", "trust_idp_mfa=true", "grace_sign_ins=0"]);
    let refeds = "https://refeds.org/profile/mfa";
    for (context, trusted, is_in) in [(None, true, false), (Some(refeds), true, true), (Some(refeds), false, false)] {
        world.try_run(&["org", "set", "acme", &format!("trust_idp_mfa={trusted}")]);
        let idp = simplesamlphp(&world, Variant::SignedAssertion, context).await;
        let mut ada = Person::new(&world);
        let seen = by_way_of(&world, &idp, &mut ada).await;
        let expected = if is_in { "/" } else { "/.vestibule/second-factor/setup" };
        assert_eq!(seen.url.path(), expected, "{context:?} {trusted}: {seen:?}");
        let app = ada.open(&format!("{}/.vestibule/session", world.public_url)).await;
        assert_eq!(app.status.is_success(), is_in, "{context:?} {trusted}: {app:?}");
    }
    let logins = world.run(&["logins", "--org", "acme"]);
    assert!(logins.contains("second factor"), "{logins}");
}

/// Signs Ada in at SimpleSAMLphp.
async fn sign_in_at_simplesamlphp(world: &World, variant: Variant) {
    let idp = simplesamlphp(world, variant, None).await;
    let mut ada = Person::new(world);
    let app = by_way_of(world, &idp, &mut ada).await;
    let logins = world.run(&["logins", "--org", "acme"]);
    let signed_in = app.status.is_success() && app.body.contains(ADA.2) && app.body.contains("Ada Lovelace");
    assert!(signed_in, "{variant:?}: {app:?}\n{logins}\n{}", world.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn simplesamlphp_signs_in_with_signed_assertions_signed_responses_and_encrypted_assertions() {
    let world = World::start().await;
    for variant in Variant::ALL {
        sign_in_at_simplesamlphp(&world, variant).await;
    }
}
