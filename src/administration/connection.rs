//! From what an administrator hands in to a connection, and what differs between two: pure.

use super::api::{Difference, SsoOptions, SsoSource};
use super::sso::refuse;
use crate::directory::sso_refresh::Said;
use crate::directory::{SsoCertificate, SsoConnection, SsoSettings};
use crate::kernel::{Fault, Slug, Timestamp};
use crate::saml::certificate::{Certificate, parse_certificates};
use crate::saml::metadata::{ENTITY_ID_LIMIT, IdpMetadata, check_url};

/// A connection as it is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// The connection.
    pub connection: SsoConnection,
    /// What its metadata said, if that was read at its address now.
    pub said: Option<Said>,
}

/// What metadata says, as its settings and certificates tell it.
pub fn said(settings: &SsoSettings, certificates: &[Certificate]) -> Said {
    Said {
        sign_in_url: settings.sign_in_url.clone(),
        sign_in_binding: settings.sign_in_binding,
        sign_out_url: settings.sign_out_url.clone(),
        sign_requests: settings.sign_requests,
        certificates: certificates.iter().map(|certificate| certificate.sha256.clone()).collect(),
        removed: Vec::new(),
    }
}

/// The connection that `source` and `options` mean; what neither says stays as it is in `before`.
///
/// # Errors
/// What is wrong, and what to do.
pub fn of(
    source: &SsoSource,
    options: &SsoOptions,
    before: Option<&SsoConnection>,
    now: Timestamp,
) -> Result<Made, Fault> {
    let mut heard = None;
    let (mut settings, certificates): (SsoSettings, Vec<Certificate>) = match source {
        SsoSource::Metadata(file) => {
            let metadata = IdpMetadata::parse(&file.0, now).map_err(refuse)?;
            metadata.into_settings(now).map_err(refuse)?
        }
        SsoSource::Address { url, read } => {
            let read = read.as_ref().ok_or_else(|| Fault::internal("metadata at an address that was not read"))?;
            let metadata = IdpMetadata::parse(&read.0, now).map_err(refuse)?;
            let (settings, certificates) = metadata.into_settings(now).map_err(refuse)?;
            heard = Some(said(&settings, &certificates));
            (SsoSettings { metadata_url: Some(url.clone()), ..settings }, certificates)
        }
        SsoSource::Typed { issuer, sign_in_url, certificates } => {
            let certificates = certificates.iter().map(|file| parse_certificates(&file.0));
            let certificates = certificates.collect::<Result<Vec<_>, _>>().map_err(refuse)?.concat();
            (SsoSettings::new(issuer.trim(), sign_in_url.trim(), now), certificates)
        }
        SsoSource::Kept => {
            let before = before.ok_or_else(|| refuse("there is no single sign-on yet: set it up first"))?;
            (SsoSettings { updated: now, ..before.settings.clone() }, Vec::new())
        }
    };
    check_url(&settings.sign_in_url).map_err(refuse)?;
    if settings.entity_id.is_empty() || settings.entity_id.len() > ENTITY_ID_LIMIT {
        return Err(refuse("the issuer is the identity provider's entity ID, exactly as it shows it"));
    }
    if let Some(before) = before {
        let SsoSettings { allow_sha1, skew_seconds, require_encryption, .. } = before.settings;
        settings = SsoSettings { allow_sha1, skew_seconds, require_encryption, ..settings };
        settings.attributes = before.settings.attributes.clone();
        (settings.force_authn, settings.name_id_format) =
            (before.settings.force_authn, before.settings.name_id_format.clone());
        settings.authn_contexts.clone_from(&before.settings.authn_contexts);
    }
    let settings = with_options(settings, options)?;
    let mut stored: Vec<SsoCertificate> = Vec::new();
    for certificate in &certificates {
        certificate.usable_for_signing(now).map_err(refuse)?;
        if !stored.iter().any(|held| held.sha256 == certificate.sha256) {
            stored.push(certificate.to_stored(now));
        }
    }
    // Of the same identity provider, what is held stays where no other is handed in.
    let same = before.filter(|before| before.settings.entity_id == settings.entity_id);
    if let (true, Some(before)) = (stored.is_empty(), same) {
        stored.clone_from(&before.certificates);
    }
    stored.sort_by(|one, two| one.sha256.cmp(&two.sha256));
    Ok(Made { connection: SsoConnection { settings, certificates: stored }, said: heard })
}

fn with_options(mut settings: SsoSettings, options: &SsoOptions) -> Result<SsoSettings, Fault> {
    // Destructured whole, so that a new option can't be forgotten.
    let SsoOptions { sign_out_url, binding, sign_requests, allow_sha1, skew_seconds, require_encryption, attributes } =
        options;
    match sign_out_url.as_deref() {
        None => {}
        Some("") => settings.sign_out_url = None,
        Some(url) => {
            check_url(url).map_err(refuse)?;
            settings.sign_out_url = Some(url.to_owned());
        }
    }
    settings.sign_in_binding = binding.unwrap_or(settings.sign_in_binding);
    settings.sign_requests = sign_requests.unwrap_or(settings.sign_requests);
    settings.allow_sha1 = allow_sha1.unwrap_or(settings.allow_sha1);
    settings.require_encryption = require_encryption.unwrap_or(settings.require_encryption);
    settings.skew_seconds = skew_seconds.unwrap_or(settings.skew_seconds);
    if settings.skew_seconds > SsoSettings::MAX_SKEW_SECONDS {
        return Err(refuse(format!("the clock skew is 0 to {} seconds", SsoSettings::MAX_SKEW_SECONDS)));
    }
    if let Some(attributes) = attributes {
        settings.attributes = attributes.clone();
    }
    Ok(settings)
}

/// What differs between two connections of one organization; moments don't count.
pub fn differences(slug: &Slug, before: Option<&SsoConnection>, after: &SsoConnection) -> Vec<Difference> {
    let old = before.map(told).unwrap_or_default();
    let pairs = told(after).into_iter().map(|(what, new)| {
        let old = old.iter().find(|(name, _)| *name == what).map(|(_, value)| value.clone());
        (what, old.filter(|old| !old.is_empty()), new)
    });
    pairs
        .filter(|(_, old, new)| old.as_deref().unwrap_or_default() != new)
        .map(|(what, old, new)| {
            Difference::new(slug, format!("sso {what}"), old, Some(new).filter(|new| !new.is_empty()))
        })
        .collect()
}

/// A connection as pairs of texts; defaults are empty.
fn told(connection: &SsoConnection) -> Vec<(&'static str, String)> {
    let SsoConnection { settings, certificates } = connection;
    // Destructured whole, so that a new setting can't be forgotten.
    let SsoSettings {
        entity_id,
        sign_in_url,
        sign_in_binding,
        sign_out_url,
        sign_requests,
        allow_sha1,
        skew_seconds,
        require_encryption,
        force_authn,
        name_id_format,
        authn_contexts,
        attributes,
        metadata_url,
        updated: _,
    } = settings;
    let flag = |flag: &bool| if *flag { "on".to_owned() } else { String::new() };
    let json = |value: serde_json::Result<String>| value.unwrap_or_default();
    let mut shown: Vec<&str> = certificates.iter().map(|certificate| &certificate.sha256[..16]).collect();
    shown.sort_unstable();
    let default_skew = *skew_seconds == SsoSettings::DEFAULT_SKEW_SECONDS;
    let default_attributes = *attributes == crate::directory::AttributeMapping::default();
    vec![
        ("issuer", entity_id.clone()),
        ("metadata_address", metadata_url.clone().unwrap_or_default()),
        ("sign_in_url", sign_in_url.clone()),
        ("binding", format!("{sign_in_binding:?}").to_lowercase()),
        ("sign_out_url", sign_out_url.clone().unwrap_or_default()),
        ("sign_requests", flag(sign_requests)),
        ("allow_sha1", flag(allow_sha1)),
        ("skew", if default_skew { String::new() } else { format!("{skew_seconds}s") }),
        ("require_encryption", flag(require_encryption)),
        ("force_authn", flag(force_authn)),
        ("name_id_format", name_id_format.clone().unwrap_or_default()),
        ("authn_contexts", authn_contexts.join(", ")),
        ("attributes", if default_attributes { String::new() } else { json(serde_json::to_string(attributes)) }),
        ("certificates", shown.join(", ")),
    ]
}
