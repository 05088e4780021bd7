//! Any bytes as a response: never a panic, never a sign-in but by the genuine signature, never two opinions.
//! Seeds: `cargo fuzz run saml_bytes fuzz/corpus/saml_bytes tests/saml/attacks`.
#![no_main]

#[allow(dead_code, reason = "shared with the tests")]
#[path = "../../tests/it/saml/forge.rs"]
mod forge;
#[allow(dead_code, reason = "shared with the tests")]
#[path = "../../tests/it/saml/world.rs"]
mod world;

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use vestibule::saml::SamlError;
use world::World;

fuzz_target!(|bytes: &[u8]| {
    static WORLD: OnceLock<World> = OnceLock::new();
    match WORLD.get_or_init(World::default).verdict_of_bytes(bytes).outcome {
        Ok(proof) => assert_eq!(proof.email().as_str(), "ada@acme.example"),
        Err(error) => assert!(!matches!(error, SamlError::Disagreement(_)), "{error}"),
    }
});
