//! One organization, its IdP and its pending request, at noon of a fixed day: what every response here is held against.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use vestibule::directory::sso::{SsoCertificate, SsoConnection, SsoSettings};
use vestibule::kernel::Timestamp;
use vestibule::saml::{DecryptionKey, Expected, IdentityProvider, SamlError, UnverifiedResponse, Verdict};

use super::forge::pem_body;

pub const IDP: &str = "https://idp.example/saml";
pub const ENTITY_ID: &str = "https://app.example/.vestibule/saml/acme/metadata";
pub const ACS: &str = "https://app.example/.vestibule/saml/acme/acs";
pub const REQUEST: &str = "_req-1";
pub const NOON: &str = "2026-11-22T12:00:00Z";

/// The longest that any one message may take. Tests run unoptimized and beside each other: this is a bound on the
/// order, the benchmark holds the figure.
const TIME_LIMIT: Duration = Duration::from_secs(1);

pub fn noon() -> Timestamp {
    Timestamp::parse_rfc3339(NOON).unwrap()
}

pub struct World {
    pub connection: SsoConnection,
    pub keys: Vec<DecryptionKey>,
    pub in_response_to: Option<&'static str>,
    pub unsolicited: bool,
    pub now: Timestamp,
}

impl Default for World {
    fn default() -> Self {
        World::trusting(&["idp"])
    }
}

pub fn certificate(name: &str) -> SsoCertificate {
    SsoCertificate {
        der_base64: pem_body(&format!("{name}.cert.pem")),
        sha256: format!("sha256-of-{name}"),
        subject: format!("CN={name}"),
        not_before: Timestamp::EPOCH,
        not_after: Timestamp::MAX,
        added: noon(),
    }
}

pub fn decryption_key(name: &str) -> DecryptionKey {
    let der = BASE64.decode(pem_body(&format!("{name}.key.pem"))).unwrap();
    DecryptionKey::from_pkcs8_der(&der).unwrap()
}

impl World {
    /// A connection to our IdP with these certificates.
    pub fn trusting(certificates: &[&str]) -> Self {
        let settings = SsoSettings::new(IDP, "https://idp.example/sso", noon());
        let certificates = certificates.iter().map(|name| certificate(name)).collect();
        World {
            connection: SsoConnection { settings, certificates },
            keys: vec![decryption_key("sp")],
            in_response_to: Some(REQUEST),
            unsolicited: false,
            now: noon(),
        }
    }

    /// The same world with other settings.
    pub fn with(mut self, change: impl FnOnce(&mut SsoSettings)) -> Self {
        change(&mut self.connection.settings);
        self
    }

    /// The same world at another time.
    pub fn at(mut self, time: &str) -> Self {
        self.now = Timestamp::parse_rfc3339(time).unwrap();
        self
    }

    pub fn verdict_of_bytes(&self, xml: &[u8]) -> Verdict {
        let idp = IdentityProvider::new(&self.connection).expect("a connection that can be used");
        let expected = Expected {
            connection: &idp,
            entity_id: ENTITY_ID,
            acs_url: ACS,
            in_response_to: self.in_response_to,
            unsolicited: self.unsolicited,
            decryption_keys: &self.keys,
        };
        let response = match UnverifiedResponse::from_form_field(&BASE64.encode(xml)) {
            Ok(response) => response,
            Err(error) => return Verdict { checks: Vec::new(), outcome: Err(error), facts: <_>::default() },
        };
        let verdict = response.verify(&expected, self.now);
        // What is read at all can be shown.
        let well_formed = verdict.checks.first().is_some_and(|check| check.passed);
        assert_eq!(response.to_show().is_some(), well_formed, "{:?}", verdict.checks);
        verdict
    }

    /// The verdict, which must come without a panic, in time, and with both verifiers of one mind.
    pub fn verdict(&self, xml: &str) -> Verdict {
        let started = Instant::now();
        let verdict = catch_unwind(AssertUnwindSafe(|| self.verdict_of_bytes(xml.as_bytes())))
            .unwrap_or_else(|_| panic!("the verifier panicked on {xml:.2000}"));
        assert!(started.elapsed() < TIME_LIMIT, "{:?} for {xml:.2000}", started.elapsed());
        if let Err(SamlError::Disagreement(reason)) = &verdict.outcome {
            panic!("the verifiers disagree ({reason}) on {xml:.4000}");
        }
        let passed = verdict.checks.iter().all(|check| check.passed);
        assert_eq!(passed, verdict.outcome.is_ok(), "the checks tell the outcome: {:#?}", verdict.checks);
        verdict
    }

    /// Holds one message against this world: the e-mail address that it signs in, or the code of its refusal.
    #[track_caller]
    pub fn check(&self, what: &str, xml: &str, expected: &str) {
        let verdict = self.verdict(xml);
        let came = match &verdict.outcome {
            Ok(assertion) => assertion.email().as_str().to_owned(),
            Err(error) => error.code().to_owned(),
        };
        assert_eq!(came, expected, "{what}: {:?}\n{:#?}", verdict.outcome.err(), verdict.checks);
    }
}
