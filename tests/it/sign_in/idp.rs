//! An IdP whose every word can be changed: makes signed responses.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use vestibule::directory::SsoCertificate;
use vestibule::kernel::{Rng, SystemRng, Timestamp};
use vestibule::saml::authn_request::message_id;
use vestibule::saml::certificate::Certificate;
use vestibule::saml::service_provider::ServiceProviderKey;

use super::browser::Sent;

/// An IdP with its key.
pub struct Idp {
    pub entity_id: String,
    key: &'static ServiceProviderKey,
    public_url: String,
}

/// What an IdP answers; each part is right until a test changes it.
#[derive(Clone)]
pub struct Answer<'a> {
    idp: &'a Idp,
    /// The organization whose ACS and entity ID it is for.
    pub slug: String,
    /// The organization whose ACS it is brought to.
    pub brought_to: String,
    pub in_response_to: Option<String>,
    pub relay_state: String,
    pub email: String,
    pub name_id: Option<(String, String)>,
    pub names: Option<(String, String)>,
    pub assertion_id: String,
    pub session_end: Option<Timestamp>,
    pub issued: Timestamp,
    /// How the person was authenticated, as context class.
    pub context: String,
    /// The same, as values of Entra's claim.
    pub methods: Vec<String>,
}

impl Idp {
    pub fn new(entity_id: &str, key: &'static ServiceProviderKey, public_url: &str) -> Self {
        Idp { entity_id: entity_id.to_owned(), key, public_url: public_url.to_owned() }
    }

    /// Its certificate, as a connection holds it.
    pub fn certificate(&self, now: Timestamp) -> SsoCertificate {
        Certificate::from_der(self.key.certificate()).unwrap().to_stored(now)
    }

    /// The answer to a request, for the person who asks: Ada of acme, unless changed.
    pub fn answer(&self, to: &Sent) -> Answer<'_> {
        let slug = to.xml.split_once("/.vestibule/saml/").unwrap().1.split('/').next().unwrap();
        let issued = to.xml.split_once(" IssueInstant=\"").unwrap().1.split('"').next().unwrap();
        let rng: &dyn Rng = &SystemRng;
        Answer {
            idp: self,
            slug: slug.to_owned(),
            brought_to: slug.to_owned(),
            in_response_to: Some(to.request_id.clone()),
            relay_state: to.relay_state.clone(),
            email: "ada@acme.example".to_owned(),
            name_id: None,
            names: None,
            assertion_id: message_id(rng),
            session_end: None,
            issued: Timestamp::parse_rfc3339(issued).unwrap(),
            context: "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport".to_owned(),
            methods: Vec::new(),
        }
    }
}

impl Answer<'_> {
    pub fn email(mut self, email: &str) -> Self {
        email.clone_into(&mut self.email);
        self
    }

    /// With a persistent NameID.
    pub fn name_id(mut self, value: &str) -> Self {
        let format = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
        self.name_id = Some((format.to_owned(), value.to_owned()));
        self
    }

    /// The form: path of the ACS, SAMLResponse, RelayState.
    pub fn form(&self) -> (String, String, String) {
        let acs = format!("/.vestibule/saml/{}/acs", self.brought_to);
        (acs, BASE64.encode(self.xml()), self.relay_state.clone())
    }

    pub fn xml(&self) -> String {
        let site = format!("{}/.vestibule/saml/{}", self.idp.public_url, self.slug);
        let response_id = message_id(&SystemRng as &dyn Rng);
        let (issuer, issued) = (&self.idp.entity_id, self.issued);
        let in_response_to = self.in_response_to.as_ref().map_or(String::new(), |id| format!(" InResponseTo=\"{id}\""));
        let assertion = self.idp.key.signing_key().unwrap().sign_enveloped(&self.assertion(), &self.assertion_id);
        format!(
            "<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
             xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"{response_id}\" Version=\"2.0\" \
             IssueInstant=\"{issued}\" Destination=\"{site}/acs\"{in_response_to}><saml:Issuer>{issuer}</saml:Issuer>\
             <samlp:Status><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/></samlp:Status>\
             {}</samlp:Response>",
            assertion.unwrap()
        )
    }

    fn assertion(&self) -> String {
        let site = format!("{}/.vestibule/saml/{}", self.idp.public_url, self.slug);
        let (id, issuer, issued) = (&self.assertion_id, &self.idp.entity_id, self.issued);
        let until = Timestamp::from_seconds(issued.seconds() + 300);
        let in_response_to = self.in_response_to.as_ref().map_or(String::new(), |id| format!(" InResponseTo=\"{id}\""));
        let session_end = self.session_end.map_or(String::new(), |end| format!(" SessionNotOnOrAfter=\"{end}\""));
        let (format, name_id) = self
            .name_id
            .clone()
            .unwrap_or(("urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress".to_owned(), self.email.clone()));
        let attribute = |name: &str, value: &str| {
            format!(
                "<saml:Attribute Name=\"{name}\"><saml:AttributeValue>{value}</saml:AttributeValue></saml:Attribute>"
            )
        };
        let names = self.names.as_ref().map_or(String::new(), |(first, last)| {
            format!("{}{}", attribute("firstName", first), attribute("lastName", last))
        });
        let values: Vec<String> =
            self.methods.iter().map(|value| format!("<saml:AttributeValue>{value}</saml:AttributeValue>")).collect();
        let claim = "http://schemas.microsoft.com/claims/authnmethodsreferences";
        let methods = match values.concat() {
            none if none.is_empty() => none,
            values => format!("<saml:Attribute Name=\"{claim}\">{values}</saml:Attribute>"),
        };
        let context = &self.context;
        format!(
            "<saml:Assertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"{id}\" Version=\"2.0\" \
             IssueInstant=\"{issued}\"><saml:Issuer>{issuer}</saml:Issuer><saml:Subject>\
             <saml:NameID Format=\"{format}\">{name_id}</saml:NameID>\
             <saml:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\">\
             <saml:SubjectConfirmationData NotOnOrAfter=\"{until}\" Recipient=\"{site}/acs\"{in_response_to}/>\
             </saml:SubjectConfirmation></saml:Subject>\
             <saml:Conditions NotBefore=\"{issued}\" NotOnOrAfter=\"{until}\"><saml:AudienceRestriction>\
             <saml:Audience>{site}/metadata</saml:Audience></saml:AudienceRestriction></saml:Conditions>\
             <saml:AuthnStatement AuthnInstant=\"{issued}\"{session_end}><saml:AuthnContext><saml:AuthnContextClassRef>\
             {context}</saml:AuthnContextClassRef>\
             </saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement>{}{names}{methods}</saml:AttributeStatement>\
             </saml:Assertion>",
            attribute("email", &self.email)
        )
    }
}
