//! `sso`: what goes over the socket.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::LoginView;
use crate::directory::{AttributeMapping, Binding, LoginCheck};
use crate::kernel::{EmailAddress, Slug, Timestamp};

/// A file as it is, whatever it holds: base64 on the way.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FileBytes(pub Vec<u8>);

impl From<FileBytes> for String {
    fn from(bytes: FileBytes) -> String {
        STANDARD.encode(bytes.0)
    }
}

impl TryFrom<String> for FileBytes {
    type Error = base64::DecodeError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        STANDARD.decode(text).map(FileBytes)
    }
}

impl std::fmt::Debug for FileBytes {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "FileBytes({} bytes)", self.0.len())
    }
}

/// `sso show`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SsoShow {
    /// Which.
    pub slug: Slug,
}

/// Where the settings of a connection come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SsoSource {
    /// The IdP's metadata.
    Metadata(FileBytes),
    /// Where the IdP publishes its metadata: the server reads it there, and again each day.
    Address {
        /// The https URL.
        url: String,
        /// What the server read there; never handed in.
        #[serde(skip)]
        read: Option<FileBytes>,
    },
    /// Typed by hand.
    Typed {
        /// The IdP's entity ID.
        issuer: String,
        /// Where sign-in requests go.
        sign_in_url: String,
        /// Its signing certificates; none: those that are held of this very issuer stay.
        certificates: Vec<FileBytes>,
    },
    /// What is held stays; only options change.
    Kept,
}

/// `sso set`: `None` leaves an option as it is, or at its default if the connection is new.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SsoSet {
    /// Which.
    pub slug: Slug,
    /// The IdP.
    pub source: SsoSource,
    /// The rest.
    pub options: SsoOptions,
}

/// Settings of a connection that no metadata brings, or that win over it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SsoOptions {
    /// Where logout requests go; empty: nowhere.
    pub sign_out_url: Option<String>,
    /// How sign-in requests travel.
    pub binding: Option<Binding>,
    /// Sign them.
    pub sign_requests: Option<bool>,
    /// Accept SHA-1 signatures (R13).
    pub allow_sha1: Option<bool>,
    /// Clock skew, in seconds (R28).
    pub skew_seconds: Option<u16>,
    /// Refuse what comes unencrypted (R23).
    pub require_encryption: Option<bool>,
    /// Which attributes carry the identity.
    pub attributes: Option<AttributeMapping>,
}

/// What to type at the IdP, and what is known of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SsoView {
    /// The organization.
    pub slug: Slug,
    /// The ACS.
    pub acs_url: String,
    /// The SP entity ID, at which its metadata is.
    pub entity_id: String,
    /// Where an IdP's tile leads to.
    pub sign_on_url: String,
    /// The IdP, if it is set.
    pub idp: Option<IdpView>,
    /// The Admin organization whose single sign-on counts instead: this one rests, and is kept (D12).
    #[serde(default)]
    pub rests_for: Option<Slug>,
}

/// An IdP as it is set.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "named as in `sso set`")]
pub struct IdpView {
    pub issuer: String,
    pub sign_in_url: String,
    pub binding: Binding,
    pub sign_out_url: Option<String>,
    pub sign_requests: bool,
    pub allow_sha1: bool,
    pub skew_seconds: u16,
    pub require_encryption: bool,
    pub attributes: AttributeMapping,
    pub certificates: Vec<CertificateView>,
    pub updated: String,
    #[serde(default)]
    pub metadata: Option<MetadataView>,
}

/// Metadata that is read again each day at its address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetadataView {
    /// The address.
    pub url: String,
    /// When it was last read and taken.
    pub read: String,
    /// When it is read next.
    pub next: String,
    /// Since when it can't be read or taken, and why.
    pub failing: Option<(String, String)>,
}

/// A certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateView {
    /// SHA-256 of the DER, hexadecimal: what `remove` takes.
    pub sha256: String,
    /// Its subject.
    pub subject: String,
    /// From when it is valid.
    pub not_before: String,
    /// Until when it is valid.
    pub not_after: String,
    /// Whether it is not valid now. It still verifies (R16).
    pub expired: bool,
    /// How many whole days it is valid still; negative: since when it is not.
    #[serde(default)]
    pub days_left: i64,
}

/// `sso certificate add`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SsoCertificateAdd {
    /// Which organization.
    pub slug: Slug,
    /// The file.
    pub certificate: FileBytes,
}

/// `sso certificate list`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SsoCertificateList {
    /// Which organization.
    pub slug: Slug,
}

/// `sso certificate remove`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SsoCertificateRemove {
    /// Which organization.
    pub slug: Slug,
    /// Its SHA-256, or the beginning of it.
    pub sha256: String,
}

/// `sso refresh`: reads the metadata at its address now.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SsoRefresh {
    /// Which organization.
    pub slug: Slug,
}

/// `sso refresh --forget`: what is set stays, and the address is not read any more.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SsoForget {
    /// Which organization.
    pub slug: Slug,
}

/// `sso test`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SsoTest {
    /// Which organization.
    pub slug: Slug,
    /// The response: XML, or base64 as it was posted.
    pub response: FileBytes,
    /// The moment by which it is judged; `None`: now.
    pub at: Option<Timestamp>,
}

/// What a saved response would have come to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SsoTestView {
    /// Each check, in order.
    pub checks: Vec<LoginCheck>,
    /// Whom it vouches for, if it is accepted.
    pub email: Option<EmailAddress>,
    /// The reason code, if it is refused.
    pub refused: Option<String>,
    /// What to do about it.
    pub fix: Option<String>,
}

/// How does single sign-on do?
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SsoState {
    /// Which organization.
    pub slug: Slug,
}

/// How single sign-on does, of the identity provider that is set.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SsoStateView {
    /// The last test, if it is still kept.
    pub last_test: Option<LoginView>,
    /// Something was changed since that test.
    pub stale: bool,
    /// When somebody last signed in by it, of the sign-ins that are kept.
    pub last_sign_in: Option<String>,
    /// People are provisioned by SCIM.
    pub scim: bool,
    /// The sign-in of an owner or admin that lets single sign-on be required (D10).
    pub proof: Option<String>,
}

impl SsoStateView {
    /// Whether the last test was of what is set now, and all was right.
    pub fn tested_well(&self) -> bool {
        !self.stale && self.last_test.as_ref().is_some_and(|test| test.reason.is_none())
    }
}
