//! libFuzzer's way into `targets/scim_filter.rs`.
#![no_main]

#[path = "../targets/scim_filter.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| target::run(bytes));
