//! libFuzzer's way into `targets/saml_mutated.rs`.
#![no_main]

#[allow(dead_code, reason = "shared with the tests")]
#[path = "../../tests/it/saml/draft.rs"]
mod draft;
#[allow(dead_code, reason = "shared with the tests")]
#[path = "../../tests/it/saml/forge.rs"]
mod forge;
#[allow(dead_code, reason = "shared with the tests")]
#[path = "../../tests/it/saml/world.rs"]
mod world;
#[path = "../targets/saml_mutated.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| target::run(bytes));
