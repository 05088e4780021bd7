//! From a connection, and what its metadata says now, to the connection that follows it: pure (R52).
//!
//! What the metadata says otherwise than the last time is followed. What it did not change stays as it is, so that what
//! somebody set by hand is not undone each day: another binding, a certificate that was added or removed. One thing it
//! can't change is whose identity provider it is.

use super::connection::{Made, said};
use super::sso::refuse;
use crate::directory::sso::CERTIFICATE_LIMIT;
use crate::directory::sso_refresh::Said;
use crate::directory::{SsoCertificate, SsoConnection, SsoSettings};
use crate::kernel::{Fault, Timestamp};
use crate::saml::metadata::IdpMetadata;

/// How many certificates that were removed by hand are remembered.
const REMOVED_LIMIT: usize = 100;

/// The connection that follows metadata as it is now.
///
/// # Errors
/// Why it is not followed: the connection stays as it is.
pub fn follow(before: &SsoConnection, last: &Said, metadata: IdpMetadata, now: Timestamp) -> Result<Made, Fault> {
    if metadata.entity_id != before.settings.entity_id {
        return Err(refuse(
            "the metadata at this address is another identity provider's now (its entityID is another): if that is \
             meant, set it anew",
        ));
    }
    let named: Vec<String> = metadata.certificates.iter().map(|certificate| certificate.sha256.clone()).collect();
    let (fresh, usable) = metadata.into_settings(now).map_err(refuse)?;
    let mut heard = said(&fresh, &usable);
    // One that was taken then, and is over now, is still one that it names.
    let still =
        last.certificates.iter().filter(|sha256| named.contains(sha256) && !heard.certificates.contains(sha256));
    heard.certificates.extend(still.cloned().collect::<Vec<_>>());
    heard.removed = removed(last, &before.certificates);
    let stays = |held: &&SsoCertificate| named.contains(&held.sha256) || !last.certificates.contains(&held.sha256);
    let mut certificates: Vec<SsoCertificate> = before.certificates.iter().filter(stays).cloned().collect();
    for certificate in usable {
        let held = certificates.iter().any(|held| held.sha256 == certificate.sha256);
        if !held && !last.certificates.contains(&certificate.sha256) && !heard.removed.contains(&certificate.sha256) {
            certificates.push(certificate.to_stored(now));
        }
    }
    if !certificates.iter().any(|certificate| certificate.not_after > now) {
        return Err(refuse("the metadata at this address would leave no certificate that is still good"));
    }
    if certificates.len() > CERTIFICATE_LIMIT {
        return Err(refuse(format!("with those of the metadata there would be over {CERTIFICATE_LIMIT} certificates")));
    }
    certificates.sort_by(|one, two| one.sha256.cmp(&two.sha256));
    let settings = settings(&before.settings, last, &heard);
    let mut connection = SsoConnection { settings, certificates };
    if connection != *before {
        connection.settings.updated = now;
    }
    Ok(Made { connection, said: Some(heard) })
}

/// The certificates that were taken once and are held no more, since somebody removed them: they stay away even where the
/// metadata names them no more for a while, as it does where one of several caches is behind. One that the metadata itself
/// dropped was held until then, and may return; so may one that was added by hand again.
fn removed(last: &Said, held: &[SsoCertificate]) -> Vec<String> {
    let mut removed: Vec<String> = Vec::new();
    for sha256 in last.removed.iter().chain(&last.certificates) {
        if !held.iter().any(|held| held.sha256 == *sha256) && !removed.contains(sha256) {
            removed.push(sha256.clone());
        }
    }
    let over = removed.len().saturating_sub(REMOVED_LIMIT);
    removed.split_off(over)
}

fn settings(before: &SsoSettings, last: &Said, heard: &Said) -> SsoSettings {
    let mut settings = before.clone();
    if (&heard.sign_in_url, heard.sign_in_binding) != (&last.sign_in_url, last.sign_in_binding) {
        settings.sign_in_url.clone_from(&heard.sign_in_url);
        settings.sign_in_binding = heard.sign_in_binding;
    }
    if heard.sign_out_url != last.sign_out_url {
        settings.sign_out_url.clone_from(&heard.sign_out_url);
    }
    if heard.sign_requests != last.sign_requests {
        settings.sign_requests = heard.sign_requests;
    }
    settings
}

#[cfg(test)]
#[path = "connection_follow_tests.rs"]
mod tests;
