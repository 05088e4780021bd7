//! An organization's single sign-on: what is stored of its identity provider.

use serde::{Deserialize, Serialize};

use super::error::DirectoryError;
use super::organization::Organization;
use super::sso_refresh::REFRESHES;
use crate::kernel::{OrgId, Timestamp};
use crate::store::{StoreError, Table, Tx};

/// The settings of an organization's connection.
pub const SSO_SETTINGS: Table<OrgId, SsoSettings> = Table::new("sso_settings");
/// Its certificates, by their SHA-256.
pub const SSO_CERTIFICATES: Table<(OrgId, String), SsoCertificate> = Table::new("sso_certificates");
/// How many certificates a connection can have, all of which are tried (R12): a rollover needs two.
pub const CERTIFICATE_LIMIT: usize = 10;

/// How a SAML message travels through the browser (SAML bindings §3.4, §3.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Binding {
    /// HTTP-Redirect: a GET with a deflated query parameter.
    #[default]
    Redirect,
    /// HTTP-POST: a form with a button.
    Post,
}

/// Which attributes of the IdP carry the identity. `None`: the well-known names are tried (R54).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AttributeMapping {
    /// The attribute with the e-mail address.
    pub email: Option<String>,
    /// The attribute with the given name.
    pub first_name: Option<String>,
    /// The attribute with the family name.
    pub last_name: Option<String>,
}

/// The settings of an organization's connection to its IdP, without its certificates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SsoSettings {
    /// The IdP's entity ID: what `Issuer` must equal exactly (R24).
    pub entity_id: String,
    /// Where sign-in requests go: https, or http on loopback.
    pub sign_in_url: String,
    /// How sign-in requests travel.
    pub sign_in_binding: Binding,
    /// Where logout requests go, if the IdP offers it.
    pub sign_out_url: Option<String>,
    /// Sign AuthnRequests (R45). Follows the metadata's `WantAuthnRequestsSigned`.
    pub sign_requests: bool,
    /// Accept RSA-SHA1 signatures and SHA-1 digests (R13). Advised against.
    pub allow_sha1: bool,
    /// Clock skew granted, in seconds: 0 to 300 (R28).
    pub skew_seconds: u16,
    /// Refuse assertions that come unencrypted (R23).
    pub require_encryption: bool,
    /// Ask the IdP to authenticate the person anew (`ForceAuthn`, R44).
    pub force_authn: bool,
    /// `NameIDPolicy` Format to ask for; none by default (R44).
    pub name_id_format: Option<String>,
    /// `RequestedAuthnContext` class references to ask for; none by default (R44).
    pub authn_contexts: Vec<String>,
    /// Which attributes carry the identity.
    pub attributes: AttributeMapping,
    /// Where the IdP publishes its metadata, if that is read again by itself (R52).
    #[serde(default)]
    pub metadata_url: Option<String>,
    /// When the settings were last changed.
    pub updated: Timestamp,
}

impl SsoSettings {
    /// Clock skew granted unless set, in seconds (R28).
    pub const DEFAULT_SKEW_SECONDS: u16 = 60;
    /// The most clock skew that can be granted, in seconds (R28).
    pub const MAX_SKEW_SECONDS: u16 = 300;

    /// Settings for an IdP, all else at its default.
    pub fn new(entity_id: impl Into<String>, sign_in_url: impl Into<String>, now: Timestamp) -> Self {
        SsoSettings {
            entity_id: entity_id.into(),
            sign_in_url: sign_in_url.into(),
            sign_in_binding: Binding::Redirect,
            sign_out_url: None,
            sign_requests: false,
            allow_sha1: false,
            skew_seconds: Self::DEFAULT_SKEW_SECONDS,
            require_encryption: false,
            force_authn: false,
            name_id_format: None,
            authn_contexts: Vec::new(),
            attributes: AttributeMapping::default(),
            metadata_url: None,
            updated: now,
        }
    }
}

/// A signing certificate of the IdP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SsoCertificate {
    /// The certificate, DER as base64.
    pub der_base64: String,
    /// SHA-256 of the DER, lower-case hexadecimal.
    pub sha256: String,
    /// Its subject, for people.
    pub subject: String,
    /// From when it is valid.
    pub not_before: Timestamp,
    /// Until when it is valid.
    pub not_after: Timestamp,
    /// When it was configured.
    pub added: Timestamp,
}

/// A connection as it is used: settings and at least one certificate (R18).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SsoConnection {
    /// The settings.
    pub settings: SsoSettings,
    /// The certificates, all of which may verify (R12). Empty: SSO is off.
    pub certificates: Vec<SsoCertificate>,
}

/// The organization's connection as it is stored; `None` if no single sign-on is set.
pub async fn connection(tx: &Tx, organization: OrgId) -> Result<Option<SsoConnection>, StoreError> {
    let Some(settings) = tx.get(&SSO_SETTINGS, &organization).await? else {
        return Ok(None);
    };
    Ok(Some(SsoConnection { settings, certificates: certificates(tx, organization).await? }))
}

/// The connection's certificates, in the order of their SHA-256.
pub async fn certificates(tx: &Tx, organization: OrgId) -> Result<Vec<SsoCertificate>, StoreError> {
    let rows = tx.scan(&SSO_CERTIFICATES, &organization, None, CERTIFICATE_LIMIT).await?;
    Ok(rows.into_iter().map(|(_, certificate)| certificate).collect())
}

/// Sets the connection whole: settings and all certificates, in place of what was there. With an address of its metadata,
/// the caller [keeps](super::sso_refresh::keep) beside it what that said.
///
/// # Errors
/// [`DirectoryError::InvalidSetting`] without a certificate (R18) or over [`CERTIFICATE_LIMIT`].
pub async fn set(tx: &Tx, organization: &Organization, connection: &SsoConnection) -> Result<(), DirectoryError> {
    check_count(connection.certificates.len())?;
    for old in certificates(tx, organization.id).await? {
        tx.delete(&SSO_CERTIFICATES, &(organization.id, old.sha256));
    }
    for certificate in &connection.certificates {
        tx.put(&SSO_CERTIFICATES, &(organization.id, certificate.sha256.clone()), certificate)?;
    }
    if connection.settings.metadata_url.is_none() {
        tx.delete(&REFRESHES, &organization.id);
    }
    Ok(tx.put(&SSO_SETTINGS, &organization.id, &connection.settings)?)
}

fn check_count(count: usize) -> Result<(), DirectoryError> {
    let text = match count {
        0 => "single sign-on needs the IdP's signing certificate: without one nothing can be verified".to_owned(),
        1..=CERTIFICATE_LIMIT => return Ok(()),
        _ => format!("a connection has at most {CERTIFICATE_LIMIT} certificates: remove the expired ones"),
    };
    Err(DirectoryError::InvalidSetting(text))
}

/// Adds a certificate beside those there are (R12). Adding one that is there changes nothing.
///
/// # Errors
/// [`DirectoryError::NoSso`]; [`DirectoryError::InvalidSetting`] over [`CERTIFICATE_LIMIT`].
pub async fn add_certificate(
    tx: &Tx,
    organization: &Organization,
    certificate: &SsoCertificate,
) -> Result<(), DirectoryError> {
    let mut settings = require(tx, organization).await?;
    let mut held = certificates(tx, organization.id).await?;
    held.retain(|held| held.sha256 != certificate.sha256);
    check_count(held.len() + 1)?;
    settings.updated = tx.now();
    tx.put(&SSO_SETTINGS, &organization.id, &settings)?;
    Ok(tx.put(&SSO_CERTIFICATES, &(organization.id, certificate.sha256.clone()), certificate)?)
}

/// Removes the certificate with this SHA-256; the last one can't go (R18).
///
/// # Errors
/// [`DirectoryError::NoSso`], [`DirectoryError::NoSuchCertificate`], [`DirectoryError::LastCertificate`].
pub async fn remove_certificate(
    tx: &Tx,
    organization: &Organization,
    sha256: &str,
) -> Result<SsoCertificate, DirectoryError> {
    let mut settings = require(tx, organization).await?;
    let held = certificates(tx, organization.id).await?;
    let Some(found) = held.iter().find(|held| held.sha256 == sha256) else {
        return Err(DirectoryError::NoSuchCertificate(organization.slug.clone(), sha256.to_owned()));
    };
    if held.len() == 1 {
        return Err(DirectoryError::LastCertificate(organization.slug.clone()));
    }
    settings.updated = tx.now();
    tx.put(&SSO_SETTINGS, &organization.id, &settings)?;
    tx.delete(&SSO_CERTIFICATES, &(organization.id, found.sha256.clone()));
    Ok(found.clone())
}

async fn require(tx: &Tx, organization: &Organization) -> Result<SsoSettings, DirectoryError> {
    let found = tx.get(&SSO_SETTINGS, &organization.id).await?;
    found.ok_or_else(|| DirectoryError::NoSso(organization.slug.clone()))
}

/// Removes the connection; the sessions it made end within a second, by way of the change feed (D6, R41).
pub async fn remove(tx: &Tx, organization: OrgId) -> Result<(), StoreError> {
    for old in certificates(tx, organization).await? {
        tx.delete(&SSO_CERTIFICATES, &(organization, old.sha256));
    }
    tx.delete(&REFRESHES, &organization);
    tx.delete(&SSO_SETTINGS, &organization);
    Ok(())
}
