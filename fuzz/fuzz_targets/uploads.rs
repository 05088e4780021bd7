//! Files that an administrator uploads: metadata and certificates in any state of disrepair.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vestibule::kernel::Timestamp;
use vestibule::saml::{certificate, metadata};

fuzz_target!(|bytes: &[u8]| {
    let _ = metadata::IdpMetadata::parse(bytes, Timestamp::EPOCH);
    let _ = certificate::parse_certificates(bytes);
});
