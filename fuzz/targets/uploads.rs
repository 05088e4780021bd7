//! Files that an administrator uploads: metadata and certificates in any state of disrepair.

use vestibule::kernel::Timestamp;
use vestibule::saml::{certificate, metadata};

/// One input.
pub fn run(bytes: &[u8]) {
    let _ = metadata::IdpMetadata::parse(bytes, Timestamp::EPOCH);
    let _ = certificate::parse_certificates(bytes);
}
