//! What asks an IdP to sign someone in: an AuthnRequest, by redirect or by form, signed or not (R44, R45).

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use uppsala::XmlWriter;

use super::redirect::{RELAY_STATE_LIMIT, encode, encode_message, with_query};
use super::service_provider::{POST_BINDING, PROTOCOL, ServiceProvider};
use super::signing::{RSA_SHA256, SigningError, SigningKey};
use crate::directory::sso::{Binding, SsoSettings};
use crate::kernel::{Explain, FaultKind, Rng, Slug, Timestamp};

/// The namespace of assertions.
pub const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
/// Random bytes of a message's ID: 160 bits (R44 wants 128 at least).
const ID_BYTES: usize = 20;

/// A fresh ID for a message or an assertion: an NCName with 160 random bits.
pub fn message_id(rng: &dyn Rng) -> String {
    use std::fmt::Write as _;
    rng.bytes::<ID_BYTES>().iter().fold("_".to_owned(), |mut id, byte| {
        // Writing to a String does not fail.
        let _ = write!(id, "{byte:02x}");
        id
    })
}

/// A request for a sign-in, ready to be sent by either binding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthnRequest {
    /// Its ID: what the answer's `InResponseTo` must be.
    pub id: String,
    /// `IssueInstant`.
    pub issued: Timestamp,
    /// `Destination`: the IdP's sign-in URL.
    pub destination: String,
    /// How the IdP wants it.
    pub binding: Binding,
    xml: String,
}

/// The form that carries a message by POST.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostForm {
    /// Where it goes.
    pub action: String,
    /// Hidden fields, name and value; neither is escaped for HTML.
    pub fields: Vec<(&'static str, String)>,
}

/// A request that can't be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// `RelayState` over 80 bytes (SAML bindings §3.4.3).
    #[error("RelayState has {0} bytes, more than {RELAY_STATE_LIMIT}")]
    RelayStateTooLong(usize),
    /// The key did not sign.
    #[error(transparent)]
    Signing(#[from] SigningError),
}

impl Explain for RequestError {
    fn kind(&self) -> FaultKind {
        FaultKind::Internal
    }
    fn public(&self) -> Cow<'static, str> {
        Cow::Borrowed("The sign-in could not be started. Please tell whoever runs this service.")
    }
    fn detail(&self) -> String {
        self.to_string()
    }
}

impl AuthnRequest {
    /// A request to the IdP of `settings`, for the organization `slug` (R44). What is not set is not asked for: no
    /// `NameIDPolicy`, no `RequestedAuthnContext`, since IdPs refuse what they don't offer.
    pub fn new(
        settings: &SsoSettings,
        provider: &ServiceProvider,
        slug: &Slug,
        now: Timestamp,
        rng: &dyn Rng,
    ) -> AuthnRequest {
        let id = message_id(rng);
        let xml = write(&id, settings, provider, slug, now);
        AuthnRequest {
            id,
            issued: now,
            destination: settings.sign_in_url.clone(),
            binding: settings.sign_in_binding,
            xml,
        }
    }

    /// The message, unsigned.
    pub fn xml(&self) -> &str {
        &self.xml
    }

    /// The URL that carries the request by redirect, signed over the raw query if there is a key (R45). A query of
    /// the IdP's own URL is kept.
    ///
    /// # Errors
    /// [`RequestError::RelayStateTooLong`]; [`RequestError::Signing`].
    pub fn redirect_url(&self, relay_state: &str, key: Option<&SigningKey>) -> Result<String, RequestError> {
        check_relay_state(relay_state)?;
        let mut query = format!("SAMLRequest={}&RelayState={}", encode_message(&self.xml), encode(relay_state));
        if let Some(key) = key {
            query = format!("{query}&SigAlg={}", encode(RSA_SHA256));
            let signature = BASE64.encode(key.sign(query.as_bytes())?);
            query = format!("{query}&Signature={}", encode(&signature));
        }
        Ok(with_query(&self.destination, &query))
    }

    /// The form that carries the request by POST, with an enveloped signature if there is a key (R45).
    ///
    /// # Errors
    /// [`RequestError::RelayStateTooLong`]; [`RequestError::Signing`].
    pub fn post_form(&self, relay_state: &str, key: Option<&SigningKey>) -> Result<PostForm, RequestError> {
        check_relay_state(relay_state)?;
        let xml = match key {
            Some(key) => Cow::Owned(key.sign_enveloped(&self.xml, &self.id)?),
            None => Cow::Borrowed(self.xml.as_str()),
        };
        let fields = vec![("SAMLRequest", BASE64.encode(xml.as_bytes())), ("RelayState", relay_state.to_owned())];
        Ok(PostForm { action: self.destination.clone(), fields })
    }
}

fn check_relay_state(relay_state: &str) -> Result<(), RequestError> {
    if relay_state.len() > RELAY_STATE_LIMIT {
        return Err(RequestError::RelayStateTooLong(relay_state.len()));
    }
    Ok(())
}

fn write(id: &str, settings: &SsoSettings, provider: &ServiceProvider, slug: &Slug, now: Timestamp) -> String {
    let (issued, acs) = (now.to_string(), provider.acs_url(slug));
    let mut attributes = vec![
        ("xmlns:samlp", PROTOCOL),
        ("xmlns:saml", ASSERTION),
        ("ID", id),
        ("Version", "2.0"),
        ("IssueInstant", &issued),
        ("Destination", &settings.sign_in_url),
        ("AssertionConsumerServiceURL", &acs),
        ("ProtocolBinding", POST_BINDING),
    ];
    if settings.force_authn {
        attributes.push(("ForceAuthn", "true"));
    }
    if let Some(name) = &provider.display_name {
        attributes.push(("ProviderName", name));
    }
    let mut writer = XmlWriter::new();
    writer.start_element("samlp:AuthnRequest", &attributes);
    writer.start_element("saml:Issuer", &[]);
    writer.text(&provider.entity_id(slug));
    writer.end_element("saml:Issuer");
    if let Some(format) = &settings.name_id_format {
        writer.empty_element("samlp:NameIDPolicy", &[("Format", format), ("AllowCreate", "true")]);
    }
    if !settings.authn_contexts.is_empty() {
        writer.start_element("samlp:RequestedAuthnContext", &[("Comparison", "exact")]);
        for class in &settings.authn_contexts {
            writer.start_element("saml:AuthnContextClassRef", &[]);
            writer.text(class);
            writer.end_element("saml:AuthnContextClassRef");
        }
        writer.end_element("samlp:RequestedAuthnContext");
    }
    writer.end_element("samlp:AuthnRequest");
    writer.into_string()
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

    use super::*;
    use crate::kernel::SeededRng;
    use crate::saml::redirect::RedirectMessage;
    use crate::saml::signing::tests::{test_key, verifies};

    fn settings() -> SsoSettings {
        SsoSettings::new("https://idp.example/id", "https://idp.example/sso?idpid=C1&x=<", Timestamp::EPOCH)
    }

    fn request(settings: &SsoSettings) -> AuthnRequest {
        let provider = ServiceProvider::new("https://app.example.com");
        let now = Timestamp::parse_rfc3339("2026-11-22T10:00:00Z").expect("a date");
        AuthnRequest::new(settings, &provider, &"acme".parse().expect("a slug"), now, &SeededRng::new(5))
    }

    /// The root's attributes and its children's names.
    fn outline(xml: &str) -> (Vec<(String, String)>, Vec<String>) {
        let document = uppsala::Parser::new().with_forbid_dtd(true).parse(xml).expect("well-formed");
        let root = document.document_element().expect("a root");
        let element = document.element(root).expect("an element");
        let attribute = |held: &uppsala::Attribute<'_>| (held.name.local_name.to_string(), held.value.to_string());
        let children = document.children(root).into_iter().filter_map(|child| document.element(child));
        (
            element.attributes.iter().map(attribute).collect(),
            children.map(|child| child.name.local_name.to_string()).collect(),
        )
    }

    #[test]
    fn r44_a_request_says_who_asks_where_to_answer_and_nothing_that_was_not_set() {
        let request = request(&settings());
        let (attributes, children) = outline(request.xml());
        let expected = [
            ("ID", request.id.as_str()),
            ("Version", "2.0"),
            ("IssueInstant", "2026-11-22T10:00:00Z"),
            ("Destination", "https://idp.example/sso?idpid=C1&x=<"),
            ("AssertionConsumerServiceURL", "https://app.example.com/.vestibule/saml/acme/acs"),
            ("ProtocolBinding", POST_BINDING),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(attributes, expected);
        assert_eq!(children, ["Issuer"]);
        assert!(request.id.starts_with('_') && request.id.len() == 41, "{}", request.id);
    }

    #[test]
    fn r44_what_is_set_is_asked_for() {
        let mut settings = settings();
        settings.force_authn = true;
        settings.name_id_format = Some("urn:oasis:names:tc:SAML:2.0:nameid-format:persistent".to_owned());
        settings.authn_contexts = vec!["urn:a".to_owned(), "urn:b&c".to_owned()];
        let request = request(&settings);
        let (attributes, children) = outline(request.xml());
        assert!(attributes.contains(&("ForceAuthn".to_owned(), "true".to_owned())));
        assert_eq!(children, ["Issuer", "NameIDPolicy", "RequestedAuthnContext"]);
    }

    #[test]
    fn r44_no_two_ids_are_equal() {
        let rng = SeededRng::new(1);
        assert_ne!(message_id(&rng), message_id(&rng));
    }

    #[test]
    fn r45_a_redirect_keeps_the_idps_query_and_is_signed_over_the_raw_one() {
        let key = test_key();
        let request = request(&settings());
        let url = request.redirect_url("state", Some(&key)).expect("a URL");
        let query = url.strip_prefix("https://idp.example/sso?idpid=C1&x=<&").expect("the IdP's own query");
        let read = RedirectMessage::parse(query).expect("a message");
        assert_eq!((read.xml.as_slice(), read.relay_state.as_deref()), (request.xml().as_bytes(), Some("state")));
        let signature = read.signature.expect("a signature");
        assert_eq!(signature.algorithm, RSA_SHA256);
        let (_, certificate) = x509_parser::parse_x509_certificate(key.certificate()).expect("a certificate");
        let public = UnparsedPublicKey::new(
            &RSA_PKCS1_2048_8192_SHA256,
            certificate.public_key().subject_public_key.data.as_ref(),
        );
        assert!(public.verify(&signature.signed, &signature.value).is_ok());
        let unsigned = request.redirect_url("state", None).expect("a URL");
        assert!(!unsigned.contains("SigAlg"));
    }

    #[test]
    fn r45_a_form_carries_an_enveloped_signature() {
        let key = test_key();
        let request = request(&settings());
        let form = request.post_form("state", Some(&key)).expect("a form");
        assert_eq!(form.action, request.destination);
        assert_eq!(form.fields[1], ("RelayState", "state".to_owned()));
        let xml = String::from_utf8(BASE64.decode(&form.fields[0].1).expect("base64")).expect("text");
        assert_eq!(outline(&xml).1, ["Issuer", "Signature"]);
        assert!(verifies(&xml, key.certificate()));
        let unsigned = request.post_form("state", None).expect("a form");
        assert_eq!(unsigned.fields[0].1, BASE64.encode(request.xml()));
    }

    #[test]
    fn r44_a_relay_state_over_80_bytes_is_not_sent() {
        let long = "a".repeat(81);
        assert_eq!(request(&settings()).redirect_url(&long, None), Err(RequestError::RelayStateTooLong(81)));
        assert_eq!(request(&settings()).post_form(&long, None), Err(RequestError::RelayStateTooLong(81)));
    }
}
