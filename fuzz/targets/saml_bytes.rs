//! Any bytes as a response: never a panic, never a sign-in but by the genuine signature, never two opinions.

use std::sync::OnceLock;

use super::world::World;
use vestibule::saml::SamlError;

/// One input.
pub fn run(bytes: &[u8]) {
    static WORLD: OnceLock<World> = OnceLock::new();
    match WORLD.get_or_init(World::default).verdict_of_bytes(bytes).outcome {
        Ok(proof) => assert_eq!(proof.email().as_str(), "ada@acme.example"),
        Err(error) => assert!(!matches!(error, SamlError::Disagreement(_)), "{error}"),
    }
}
