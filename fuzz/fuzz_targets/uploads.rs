//! libFuzzer's way into `targets/uploads.rs`.
#![no_main]

#[path = "../targets/uploads.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| target::run(bytes));
