//! An IdP's metadata, from an uploaded file, read into settings: what it offers, and which keys it signs with (R52).
//!
//! Trust comes from the administrator who uploads the file. A signature in it is checked under the certificate that it
//! names itself: that proves nothing about where the file is from, but a file that was changed on the way, or cut, or
//! saved again by an editor, is told from one that was not. One that can't be checked (another way of signing) is noted.

use std::borrow::Cow;
use std::net::IpAddr;

use uppsala::NodeId;
use url::{Host, Url};

use super::certificate::{Certificate, CertificateError, parse_certificates};
use super::document::{SIGNATURE, Tree, parse};
use super::error::{SamlError, shown};
use super::instant::Instant;
use super::provider::IdentityProvider;
use super::service_provider::{METADATA, POST_BINDING, PROTOCOL, REDIRECT_BINDING};
use super::signature;
use super::upload::{self, decode_text};
use crate::directory::sso::{Binding, SsoConnection, SsoSettings};
use crate::kernel::{Explain, FaultKind, Timestamp};

/// The longest entity ID, in bytes (SAML metadata §2.2.1).
pub const ENTITY_ID_LIMIT: usize = 1024;
/// The longest endpoint URL, in bytes.
pub const URL_LIMIT: usize = 2048;
/// How many entity IDs a refusal names at most.
const NAMED_LIMIT: usize = 5;

/// Why a file is no metadata of one IdP, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each variant is told by its sentence")]
pub enum MetadataError {
    #[error("the file is empty: download the metadata again")]
    Empty,
    #[error("this is a web page, not metadata: the page may need a login; download the XML file itself")]
    Html,
    #[error("this is a certificate, not metadata: hand it in as a certificate, beside issuer and sign-in URL")]
    Certificate,
    #[error("this is not SAML metadata: {0}. An XML document whose root is EntityDescriptor is wanted")]
    NotMetadata(String),
    #[error("the file can't be read: {0}")]
    Xml(String),
    #[error(
        "this is the metadata of a service provider ({0}), the app's side: the identity provider's is wanted here, \
         with an IDPSSODescriptor"
    )]
    ServiceProvider(String),
    #[error("the file describes no identity provider: it has no IDPSSODescriptor")]
    NoIdentityProvider,
    #[error("the identity provider {0} does not offer SAML 2.0: only older protocols are named")]
    NotSaml2(String),
    #[error("the file describes several identity providers ({0}): download the metadata of the one to use")]
    Several(String),
    #[error("the identity provider has no entityID, or one that is empty or over {ENTITY_ID_LIMIT} bytes")]
    EntityId,
    #[error("the metadata was valid until {0}: download it again")]
    Expired(Timestamp),
    #[error("`{0}` is no date for validUntil")]
    Date(String),
    #[error("the identity provider names no sign-in address for HTTP-Redirect or HTTP-POST")]
    NoSignIn,
    #[error(
        "the address {0} can't be used: https is needed (http only on this very machine), without user or fragment"
    )]
    Url(String),
    #[error("the metadata holds no signing certificate: without one nothing can be verified")]
    NoCertificate,
    #[error("a certificate in the metadata: {0}")]
    BadCertificate(#[source] CertificateError),
    #[error(
        "the metadata was changed after the identity provider signed it: download it again and upload it untouched, or, \
         if you changed it on purpose, remove its Signature element"
    )]
    SignatureBroken,
}

impl Explain for MetadataError {
    fn kind(&self) -> FaultKind {
        FaultKind::Invalid
    }
    fn public(&self) -> Cow<'static, str> {
        Cow::Owned(self.to_string())
    }
    fn detail(&self) -> String {
        self.to_string()
    }
}

/// An address of the IdP, and how messages travel there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The URL: https, or http on loopback.
    pub url: String,
    /// The binding.
    pub binding: Binding,
}

/// What was found of a signature in the metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetadataSignature {
    /// None.
    Absent,
    /// It verifies under the certificate that it names: the file is as it was signed.
    Intact,
    /// It is of a form that is not checked.
    Unchecked,
}

/// What an IdP says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdpMetadata {
    /// Its entity ID: the `Issuer` of its messages.
    pub entity_id: String,
    /// Where sign-in requests go: HTTP-Redirect if it is offered, else HTTP-POST.
    pub sign_in: Endpoint,
    /// Where logout requests go.
    pub sign_out: Option<Endpoint>,
    /// Its signing certificates, each once, usable or not.
    pub certificates: Vec<Certificate>,
    /// It wants AuthnRequests signed (R45).
    pub want_authn_requests_signed: bool,
    /// Until when the metadata holds, if it says so.
    pub valid_until: Option<Timestamp>,
    /// What was found of its signature.
    pub signature: MetadataSignature,
}

impl IdpMetadata {
    /// Reads metadata from a file's bytes: an `EntityDescriptor` of an IdP, or an `EntitiesDescriptor` with exactly one.
    ///
    /// # Errors
    /// [`MetadataError`], which says what the file is instead, or what is wrong with it.
    pub fn parse(bytes: &[u8], now: Timestamp) -> Result<Self, MetadataError> {
        let text = decode_text(bytes).ok_or_else(|| not_xml(bytes))?;
        let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}' || c == '\0');
        if text.is_empty() {
            return Err(MetadataError::Empty);
        }
        if !text.starts_with('<') {
            return Err(not_xml(bytes));
        }
        if upload::classify_markup(text) == CertificateError::Html {
            return Err(MetadataError::Html);
        }
        let tree = parse(text.as_bytes()).map_err(|error| MetadataError::Xml(unreadable(&error)))?;
        let (entity, role) = identity_provider(&tree)?;
        let entity_id = tree.attribute(entity, "entityID").unwrap_or_default();
        if entity_id.is_empty() || entity_id.len() > ENTITY_ID_LIMIT {
            return Err(MetadataError::EntityId);
        }
        let valid_until = valid_until(&tree, role)?;
        if let Some(past) = valid_until.filter(|until| *until <= now) {
            return Err(MetadataError::Expired(past));
        }
        let wants_signed = tree.attribute(role, "WantAuthnRequestsSigned").map(str::trim);
        Ok(IdpMetadata {
            entity_id: entity_id.to_owned(),
            sign_in: sign_in(&tree, role)?,
            sign_out: endpoints(&tree, role, "SingleLogoutService").into_iter().find_map(Result::ok),
            certificates: signing_certificates(&tree, role)?,
            want_authn_requests_signed: matches!(wants_signed, Some("true" | "1")),
            valid_until,
            signature: check_signature(&tree)?,
        })
    }

    /// The settings that follow from the metadata, and those of its certificates that may be used at `now`. Others, an
    /// expired one beside its successor, are left out.
    ///
    /// # Errors
    /// [`MetadataError::BadCertificate`] if none may be used.
    pub fn into_settings(self, now: Timestamp) -> Result<(SsoSettings, Vec<Certificate>), MetadataError> {
        let mut refused = None;
        let mut usable = Vec::new();
        for certificate in self.certificates {
            match certificate.usable_for_signing(now) {
                Ok(()) => usable.push(certificate),
                Err(error) => refused = refused.or(Some(error)),
            }
        }
        if usable.is_empty() {
            return Err(refused.map_or(MetadataError::NoCertificate, MetadataError::BadCertificate));
        }
        let mut settings = SsoSettings::new(self.entity_id, self.sign_in.url, now);
        settings.sign_in_binding = self.sign_in.binding;
        settings.sign_out_url = self.sign_out.map(|endpoint| endpoint.url);
        settings.sign_requests = self.want_authn_requests_signed;
        Ok((settings, usable))
    }
}

/// What a file is that does not start like XML.
fn not_xml(bytes: &[u8]) -> MetadataError {
    match parse_certificates(bytes) {
        Ok(_) => MetadataError::Certificate,
        Err(CertificateError::NotACertificate) => MetadataError::NotMetadata("it is no XML".to_owned()),
        Err(other) => MetadataError::NotMetadata(other.to_string()),
    }
}

fn unreadable(error: &SamlError) -> String {
    match error {
        SamlError::Doctype(what) => format!("it holds {what}, which is refused: remove it"),
        SamlError::TooLarge { what, limit } => format!("it has too many {what} (at most {limit})"),
        other => other.to_string(),
    }
}

/// The one IdP of the file: its `EntityDescriptor`, and its SAML 2.0 role.
fn identity_provider(tree: &Tree<'_>) -> Result<(NodeId, NodeId), MetadataError> {
    if !["EntityDescriptor", "EntitiesDescriptor"].iter().any(|name| tree.is(tree.root, METADATA, name)) {
        return Err(MetadataError::NotMetadata(format!("its root is {}", shown(tree.name(tree.root).1))));
    }
    let entities: Vec<NodeId> = tree.walk().filter(|node| tree.is(*node, METADATA, "EntityDescriptor")).collect();
    let offers = |entity: NodeId, role| tree.named(entity, METADATA, role).next().is_some();
    let name = |entity: NodeId| shown(tree.attribute(entity, "entityID").unwrap_or("without entityID"));
    let providers: Vec<NodeId> = entities.iter().copied().filter(|one| offers(*one, "IDPSSODescriptor")).collect();
    match providers.as_slice() {
        [entity] => {
            let mut roles = tree.named(*entity, METADATA, "IDPSSODescriptor");
            let role = roles.find(|role| {
                let protocols = tree.attribute(*role, "protocolSupportEnumeration").unwrap_or_default();
                protocols.split_ascii_whitespace().any(|protocol| protocol == PROTOCOL)
            });
            role.map(|role| (*entity, role)).ok_or_else(|| MetadataError::NotSaml2(name(*entity)))
        }
        [] => match entities.iter().find(|entity| offers(**entity, "SPSSODescriptor")) {
            Some(entity) => Err(MetadataError::ServiceProvider(name(*entity))),
            None => Err(MetadataError::NoIdentityProvider),
        },
        several => {
            let mut named: Vec<String> = several.iter().take(NAMED_LIMIT).map(|entity| name(*entity)).collect();
            if several.len() > NAMED_LIMIT {
                named.push(format!("and {} more", several.len() - NAMED_LIMIT));
            }
            Err(MetadataError::Several(named.join(", ")))
        }
    }
}

/// The earliest `validUntil` of the role and of all that it stands in. Without a zone it is read as UTC.
fn valid_until(tree: &Tree<'_>, role: NodeId) -> Result<Option<Timestamp>, MetadataError> {
    let mut earliest: Option<Timestamp> = None;
    let mut node = Some(role);
    while let Some(current) = node.filter(|node| tree.doc.element(*node).is_some()) {
        if let Some(text) = tree.attribute(current, "validUntil") {
            let zoned = Instant::of(tree, current, "validUntil").ok().flatten();
            let until = zoned
                .or_else(|| Timestamp::parse_rfc3339(&format!("{}Z", text.trim())))
                .ok_or_else(|| MetadataError::Date(shown(text)))?;
            earliest = Some(earliest.map_or(until, |held| held.min(until)));
        }
        node = tree.doc.parent(current);
    }
    Ok(earliest)
}

fn sign_in(tree: &Tree<'_>, role: NodeId) -> Result<Endpoint, MetadataError> {
    let mut found = endpoints(tree, role, "SingleSignOnService");
    let best = found.iter().position(Result::is_ok).unwrap_or(0);
    if found.is_empty() { Err(MetadataError::NoSignIn) } else { found.swap_remove(best) }
}

/// The endpoints of a service: those by redirect first. Other bindings are left out.
fn endpoints(tree: &Tree<'_>, role: NodeId, service: &'static str) -> Vec<Result<Endpoint, MetadataError>> {
    let of = |uri: &'static str, binding| {
        tree.named(role, METADATA, service).filter(move |node| tree.attribute(*node, "Binding") == Some(uri)).map(
            move |node| {
                let url = tree.attribute(node, "Location").unwrap_or_default().trim().to_owned();
                check_url(&url).map(|()| Endpoint { url, binding })
            },
        )
    };
    of(REDIRECT_BINDING, Binding::Redirect).chain(of(POST_BINDING, Binding::Post)).collect()
}

/// Whether a message may be sent to `url`: https, or http on loopback, without user, password or fragment.
///
/// # Errors
/// [`MetadataError::Url`].
pub fn check_url(url: &str) -> Result<(), MetadataError> {
    let refused = || MetadataError::Url(shown(url));
    let strange = |c: char| c.is_whitespace() || c.is_control() || c == '\\';
    if url.len() > URL_LIMIT || url.contains(strange) {
        return Err(refused());
    }
    let parsed = Url::parse(url).map_err(|_| refused())?;
    let loopback = match parsed.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        None => false,
    };
    let scheme_fits = parsed.scheme() == "https" || (parsed.scheme() == "http" && loopback);
    let bare = parsed.username().is_empty() && parsed.password().is_none() && parsed.fragment().is_none();
    if scheme_fits && bare { Ok(()) } else { Err(refused()) }
}

/// The certificates of every key for signing, or for no use in particular; each once.
fn signing_certificates(tree: &Tree<'_>, role: NodeId) -> Result<Vec<Certificate>, MetadataError> {
    let mut found: Vec<Certificate> = Vec::new();
    for descriptor in tree.named(role, METADATA, "KeyDescriptor") {
        if !matches!(tree.attribute(descriptor, "use"), None | Some("signing")) {
            continue;
        }
        for key_info in tree.named(descriptor, SIGNATURE, "KeyInfo") {
            for certificate in named_certificates(tree, key_info)? {
                if !found.iter().any(|held| held.der == certificate.der) {
                    found.push(certificate);
                }
            }
        }
    }
    if found.is_empty() { Err(MetadataError::NoCertificate) } else { Ok(found) }
}

/// The certificates in a `ds:KeyInfo`: several `X509Data`, several in one.
fn named_certificates(tree: &Tree<'_>, key_info: NodeId) -> Result<Vec<Certificate>, MetadataError> {
    let mut found = Vec::new();
    for data in tree.named(key_info, SIGNATURE, "X509Data") {
        for node in tree.named(data, SIGNATURE, "X509Certificate") {
            let text = tree.text(node).map_err(|error| MetadataError::Xml(error.to_string()))?;
            found.extend(parse_certificates(text.as_bytes()).map_err(MetadataError::BadCertificate)?);
        }
    }
    Ok(found)
}

/// Checks the root's signature under the certificate that it names itself.
fn check_signature(tree: &Tree<'_>) -> Result<MetadataSignature, MetadataError> {
    let all: Vec<NodeId> = tree.walk().filter(|node| tree.is(*node, SIGNATURE, "Signature")).collect();
    let [node] = all.as_slice() else {
        let none = all.is_empty();
        return Ok(if none { MetadataSignature::Absent } else { MetadataSignature::Unchecked });
    };
    let key_info = tree.named(*node, SIGNATURE, "KeyInfo").next();
    let certificates = key_info.and_then(|key_info| named_certificates(tree, key_info).ok()).unwrap_or_default();
    let mut settings = SsoSettings::new("", "", Timestamp::EPOCH);
    // Old ways of signing are no reason to refuse a file that an administrator vouches for.
    settings.allow_sha1 = true;
    let certificates = certificates.iter().map(|certificate| certificate.to_stored(Timestamp::EPOCH)).collect();
    let Ok(named) = IdentityProvider::new(&SsoConnection { settings, certificates }) else {
        return Ok(MetadataSignature::Unchecked);
    };
    match signature::verify(tree, &all, &named) {
        Ok(_) => Ok(MetadataSignature::Intact),
        Err(SamlError::SignatureInvalid { .. }) => Err(MetadataError::SignatureBroken),
        Err(_) => Ok(MetadataSignature::Unchecked),
    }
}

#[cfg(test)]
#[path = "metadata_tests.rs"]
mod tests;
