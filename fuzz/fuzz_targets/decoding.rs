//! libFuzzer's way into `targets/decoding.rs`.
#![no_main]

#[path = "../targets/decoding.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| target::run(bytes));
