//! libFuzzer's way into `targets/saml_bytes.rs`.
#![no_main]

#[allow(dead_code, reason = "shared with the tests")]
#[path = "../../tests/it/saml/forge.rs"]
mod forge;
#[allow(dead_code, reason = "shared with the tests")]
#[path = "../../tests/it/saml/world.rs"]
mod world;
#[path = "../targets/saml_bytes.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| target::run(bytes));
