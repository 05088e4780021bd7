//! The service provider: its names and addresses for each organization, its keys, and its metadata (R42, R51).

use std::fmt;
use std::time::Duration;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_RSA_SHA256, SerialNumber, date_time_ymd};
use rustls::pki_types::PrivatePkcs8KeyDer;
use uppsala::XmlWriter;

use super::signing::{DSIG, SigningError, SigningKey};
use crate::directory::sso::SsoSettings;
use crate::kernel::{Rng, Secret, Slug, Timestamp};

/// The namespace of SAML 2.0 metadata.
pub const METADATA: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
/// The SAML 2.0 protocol, as a supported one is named.
pub const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
/// The HTTP-POST binding.
pub const POST_BINDING: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
/// The HTTP-Redirect binding.
pub const REDIRECT_BINDING: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
/// How long a key's certificate runs, in days: IdPs that look at dates at all want years.
const CERTIFICATE_DAYS: u32 = 3650;
/// How long before its making a certificate starts, in days: for IdPs whose clock is behind.
const CERTIFICATE_BACKDATED_DAYS: u32 = 1;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Where this service provider lives, and what follows from that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceProvider {
    /// `public_url` of the configuration, without a slash at its end.
    base_url: String,
    /// What IdPs may show people as the name of the service (`ProviderName`), if set.
    pub display_name: Option<String>,
    /// Whether single logout is offered in the metadata (R49): only once it is answered.
    pub single_logout: bool,
}

impl ServiceProvider {
    /// The service provider at `public_url`.
    pub fn new(public_url: &str) -> Self {
        let base_url = public_url.trim_end_matches('/').to_owned();
        ServiceProvider { base_url, display_name: None, single_logout: false }
    }

    /// `public_url`, without a slash at its end.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The entity ID for an organization, which is its metadata's URL too (Okta's «Audience URI», Entra's «Identifier»).
    pub fn entity_id(&self, slug: &Slug) -> String {
        format!("{}/.vestibule/saml/{slug}/metadata", self.base_url)
    }

    /// The assertion consumer service of an organization (Okta's «Single sign on URL», Entra's «Reply URL»).
    pub fn acs_url(&self, slug: &Slug) -> String {
        format!("{}/.vestibule/saml/{slug}/acs", self.base_url)
    }

    /// The single logout service of an organization.
    pub fn slo_url(&self, slug: &Slug) -> String {
        format!("{}/.vestibule/saml/{slug}/slo", self.base_url)
    }

    /// The metadata for an organization (R51).
    ///
    /// `keys` are those to announce, the one in use first: all are announced for signing in that order; for encryption
    /// the order is reversed, so that an IdP that takes the first one moves to the newest. `settings`, if the
    /// organization has any, say whether requests are signed.
    pub fn metadata(&self, slug: &Slug, keys: &[&ServiceProviderKey], settings: Option<&SsoSettings>) -> String {
        let signs = settings.is_some_and(|settings| settings.sign_requests);
        let mut writer = XmlWriter::new();
        writer.write_declaration();
        let entity_id = self.entity_id(slug);
        writer.start_element(
            "md:EntityDescriptor",
            &[("xmlns:md", METADATA), ("xmlns:ds", DSIG), ("entityID", &entity_id)],
        );
        writer.start_element(
            "md:SPSSODescriptor",
            &[
                ("AuthnRequestsSigned", if signs { "true" } else { "false" }),
                ("WantAssertionsSigned", "true"),
                ("protocolSupportEnumeration", PROTOCOL),
            ],
        );
        for key in keys {
            write_key(&mut writer, "signing", key);
        }
        for key in keys.iter().rev() {
            write_key(&mut writer, "encryption", key);
        }
        if self.single_logout {
            let location = self.slo_url(slug);
            for binding in [REDIRECT_BINDING, POST_BINDING] {
                writer.empty_element("md:SingleLogoutService", &[("Binding", binding), ("Location", &location)]);
            }
        }
        for format in [
            "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
            "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
            "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
        ] {
            writer.start_element("md:NameIDFormat", &[]);
            writer.text(format);
            writer.end_element("md:NameIDFormat");
        }
        let acs = self.acs_url(slug);
        writer.empty_element(
            "md:AssertionConsumerService",
            &[("Binding", POST_BINDING), ("Location", &acs), ("index", "0"), ("isDefault", "true")],
        );
        writer.end_element("md:SPSSODescriptor");
        writer.end_element("md:EntityDescriptor");
        writer.into_string()
    }
}

fn write_key(writer: &mut XmlWriter, usage: &str, key: &ServiceProviderKey) {
    writer.start_element("md:KeyDescriptor", &[("use", usage)]);
    for name in ["ds:KeyInfo", "ds:X509Data", "ds:X509Certificate"] {
        writer.start_element(name, &[]);
    }
    writer.text(&BASE64.encode(&key.certificate));
    for name in ["ds:X509Certificate", "ds:X509Data", "ds:KeyInfo"] {
        writer.end_element(name);
    }
    if usage == "encryption" {
        // Strongest first; what the verifier opens, and nothing else (R22).
        for method in [
            "http://www.w3.org/2009/xmlenc11#aes256-gcm",
            "http://www.w3.org/2009/xmlenc11#aes128-gcm",
            "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p",
        ] {
            writer.empty_element("md:EncryptionMethod", &[("Algorithm", method)]);
        }
    }
    writer.end_element("md:KeyDescriptor");
}

/// A key of the service provider: RSA 2048, with a self-signed certificate that carries its public half.
#[derive(Clone)]
pub struct ServiceProviderKey {
    pkcs8: Secret<Vec<u8>>,
    certificate: Vec<u8>,
}

impl ServiceProviderKey {
    /// From the parts that [`pkcs8`](Self::pkcs8) and [`certificate`](Self::certificate) give.
    pub const fn from_parts(pkcs8: Secret<Vec<u8>>, certificate: Vec<u8>) -> Self {
        ServiceProviderKey { pkcs8, certificate }
    }

    /// A fresh key, whose certificate names `common_name`. Takes up to a second or so of CPU: not on a proxy thread.
    /// The serial number comes from `rng`; the key itself from aws-lc's own generator, which takes no other.
    ///
    /// # Errors
    /// [`SigningError::Crypto`] if the key can't be made.
    pub fn generate(common_name: &str, now: Timestamp, rng: &dyn Rng) -> Result<Self, SigningError> {
        const FAILED: SigningError = SigningError::Crypto("a key could not be made");
        let rsa = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| FAILED)?;
        let der: Pkcs8V1Der<'_> = rsa.as_der().map_err(|_| FAILED)?;
        let pkcs8 = der.as_ref().to_vec();
        let key = KeyPair::from_pkcs8_der_and_sign_algo(&PrivatePkcs8KeyDer::from(pkcs8.as_slice()), &PKCS_RSA_SHA256)
            .map_err(|_| FAILED)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, common_name);
        let (year, month, day) = day_of(now.minus(DAY * CERTIFICATE_BACKDATED_DAYS));
        params.not_before = date_time_ymd(year, month, day);
        let (year, month, day) = day_of(now.plus(DAY * CERTIFICATE_DAYS));
        params.not_after = date_time_ymd(year, month, day);
        let mut serial: [u8; 16] = rng.bytes();
        // Positive, and of full length (RFC 5280 §4.1.2.2).
        serial[0] = (serial[0] & 0x7f) | 0x40;
        params.serial_number = Some(SerialNumber::from_slice(&serial));
        let certificate = params.self_signed(&key).map_err(|_| FAILED)?;
        Ok(ServiceProviderKey { pkcs8: Secret::new(pkcs8), certificate: certificate.der().to_vec() })
    }

    /// The private key, PKCS#8 DER. Never log it.
    pub const fn pkcs8(&self) -> &Secret<Vec<u8>> {
        &self.pkcs8
    }

    /// The certificate, DER.
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// The key, ready to sign.
    ///
    /// # Errors
    /// [`SigningError::Key`] if the stored bytes are no RSA key.
    pub fn signing_key(&self) -> Result<SigningKey, SigningError> {
        SigningKey::new(self.pkcs8.clone(), self.certificate.clone())
    }
}

/// The day (UTC) of `moment`: year, month, day of the month.
fn day_of(moment: Timestamp) -> (i32, u8, u8) {
    let date = jiff::Timestamp::from_millisecond(moment.millis())
        .map_or(jiff::civil::Date::constant(1970, 1, 1), |moment| moment.to_zoned(jiff::tz::TimeZone::UTC).date());
    let part = |value: i8| u8::try_from(value).unwrap_or(1);
    (i32::from(date.year()), part(date.month()), part(date.day()))
}

impl fmt::Debug for ServiceProviderKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ServiceProviderKey([secret])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::SeededRng;

    fn key(mark: u8) -> ServiceProviderKey {
        ServiceProviderKey::from_parts(Secret::new(Vec::new()), vec![mark; 3])
    }

    fn slug() -> Slug {
        "acme".parse().expect("a slug")
    }

    #[test]
    fn r42_each_organization_has_addresses_of_its_own() {
        let provider = ServiceProvider::new("https://app.example.com/");
        assert_eq!(provider.entity_id(&slug()), "https://app.example.com/.vestibule/saml/acme/metadata");
        assert_eq!(provider.acs_url(&slug()), "https://app.example.com/.vestibule/saml/acme/acs");
        assert_eq!(provider.slo_url(&slug()), "https://app.example.com/.vestibule/saml/acme/slo");
    }

    #[test]
    fn r51_metadata_announces_each_key_for_its_use_current_and_next() {
        let provider = ServiceProvider::new("https://app.example.com");
        let (current, next) = (key(1), key(2));
        let xml = provider.metadata(&slug(), &[&current, &next], None);
        let document = uppsala::Parser::new().with_forbid_dtd(true).parse(&xml).expect("well-formed");
        let described: Vec<(String, String)> = document
            .get_elements_by_tag_name_ns(METADATA, "KeyDescriptor")
            .into_iter()
            .map(|node| {
                let usage = document.get_attribute(node, "use").unwrap_or_default().to_owned();
                (usage, document.text_content_deep(node))
            })
            .collect();
        let expected = [("signing", 1), ("signing", 2), ("encryption", 2), ("encryption", 1)]
            .map(|(usage, mark)| (usage.to_owned(), BASE64.encode([mark; 3])));
        assert_eq!(described, expected);
        let services = document.get_elements_by_tag_name_ns(METADATA, "AssertionConsumerService");
        assert_eq!(document.get_attribute(services[0], "Location"), Some(provider.acs_url(&slug()).as_str()));
        assert!(!xml.contains("SingleLogoutService"), "not offered before it is answered");
    }

    #[test]
    fn r51_metadata_says_whether_requests_are_signed_and_escapes_what_it_holds() {
        let mut settings = SsoSettings::new("idp", "https://idp.example/sso", Timestamp::EPOCH);
        settings.sign_requests = true;
        let mut provider = ServiceProvider::new("https://app.example.com/a&b\"<");
        provider.single_logout = true;
        let xml = provider.metadata(&slug(), &[&key(1)], Some(&settings));
        assert!(xml.contains("AuthnRequestsSigned=\"true\""));
        let document = uppsala::Parser::new().with_forbid_dtd(true).parse(&xml).expect("well-formed");
        let root = document.document_element().expect("a root");
        assert_eq!(document.get_attribute(root, "entityID"), Some(provider.entity_id(&slug()).as_str()));
        assert_eq!(document.get_elements_by_tag_name_ns(METADATA, "SingleLogoutService").len(), 2);
    }

    #[test]
    fn a_fresh_key_has_a_certificate_for_its_name_and_ten_years() {
        let now = Timestamp::parse_rfc3339("2026-11-22T10:00:00Z").expect("a date");
        let key = ServiceProviderKey::generate("app.example.com", now, &SeededRng::new(1)).expect("a key");
        let (_, certificate) = x509_parser::parse_x509_certificate(key.certificate()).expect("a certificate");
        assert_eq!(certificate.subject().to_string(), "CN=app.example.com");
        let dates = certificate.validity();
        assert_eq!(Timestamp::from_seconds(dates.not_before.timestamp()).to_string(), "2026-11-21T00:00:00Z");
        assert_eq!(Timestamp::from_seconds(dates.not_after.timestamp()).to_string(), "2036-11-19T00:00:00Z");
        assert!(key.signing_key().is_ok());
        assert_eq!(format!("{key:?}"), "ServiceProviderKey([secret])");
    }
}
