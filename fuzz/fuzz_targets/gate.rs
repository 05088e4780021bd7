//! libFuzzer's way into `targets/gate.rs`.
#![no_main]

#[path = "../targets/gate.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| target::run(bytes));
