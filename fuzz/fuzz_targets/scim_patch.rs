//! libFuzzer's way into `targets/scim_patch.rs`.
#![no_main]

#[path = "../targets/scim_patch.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| target::run(bytes));
