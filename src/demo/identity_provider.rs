//! The demo's identity provider: SAML for several companies, where a click on a name is the sign-in.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Form, Path, RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;
use uppsala::XmlWriter;
use url::Url;

use super::page::{ContinuePage, NoticePage, PeoplePage, Powers, html};
use super::people::Company;
use super::response::{Addresses, ResponseOptions, refuse, sign_in};
use crate::kernel::{Clock, Rng, Slug};
use crate::saml::received_request::ReceivedRequest;
use crate::saml::redirect::{MessageKind, RELAY_STATE_LIMIT, RedirectMessage};
use crate::saml::service_provider::{
    METADATA, POST_BINDING, PROTOCOL, REDIRECT_BINDING, ServiceProvider, ServiceProviderKey,
};
use crate::saml::signing::{DSIG, SigningError, SigningKey};

/// The largest form that is read, in bytes.
const FORM_LIMIT: usize = 256 * 1024;

/// Identity providers of several companies, at one address.
pub struct DemoIdentityProvider {
    base_url: String,
    app: ServiceProvider,
    tenants: Vec<Tenant>,
    options: ResponseOptions,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
}

struct Tenant {
    company: Company,
    slug: Slug,
    key: SigningKey,
}

impl DemoIdentityProvider {
    /// Identity providers at `base_url` for the app at `public_url`, each company with a fresh key.
    ///
    /// # Errors
    /// [`SigningError`] if a key can't be made, or a company's slug is none.
    pub fn new(
        base_url: &str,
        public_url: &str,
        companies: Vec<Company>,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Result<Self, SigningError> {
        let now = clock.now();
        let tenant = |company: Company| {
            let slug = company.slug.parse().map_err(|_| SigningError::Document("a company's slug".to_owned()))?;
            let key = ServiceProviderKey::generate(company.domain, now, &*rng)?.signing_key()?;
            Ok(Tenant { company, slug, key })
        };
        Ok(DemoIdentityProvider {
            base_url: base_url.trim_end_matches('/').to_owned(),
            app: ServiceProvider::new(public_url),
            tenants: companies.into_iter().map(tenant).collect::<Result<_, SigningError>>()?,
            options: ResponseOptions::default(),
            clock,
            rng,
        })
    }

    /// The same, with answers signed and encrypted as `options` say.
    #[must_use]
    pub fn with_options(self, options: ResponseOptions) -> Self {
        DemoIdentityProvider { options, ..self }
    }

    /// A company's entity ID, which is its metadata's URL too.
    pub fn entity_id(&self, slug: &Slug) -> String {
        format!("{}/{slug}/metadata", self.base_url)
    }

    /// A company's metadata, if there is such a company.
    pub fn metadata(&self, slug: &Slug) -> Option<String> {
        let tenant = self.tenant(slug.as_str())?;
        let (entity_id, location) = (self.entity_id(slug), format!("{}/{slug}/sso", self.base_url));
        let mut writer = XmlWriter::new();
        writer.write_declaration();
        let root = [("xmlns:md", METADATA), ("xmlns:ds", DSIG), ("entityID", entity_id.as_str())];
        writer.start_element("md:EntityDescriptor", &root);
        let role = [("WantAuthnRequestsSigned", "false"), ("protocolSupportEnumeration", PROTOCOL)];
        writer.start_element("md:IDPSSODescriptor", &role);
        writer.start_element("md:KeyDescriptor", &[("use", "signing")]);
        for name in ["ds:KeyInfo", "ds:X509Data", "ds:X509Certificate"] {
            writer.start_element(name, &[]);
        }
        writer.text(&tenant.key.certificate_base64());
        for name in ["ds:X509Certificate", "ds:X509Data", "ds:KeyInfo", "md:KeyDescriptor"] {
            writer.end_element(name);
        }
        writer.start_element("md:NameIDFormat", &[]);
        writer.text("urn:oasis:names:tc:SAML:2.0:nameid-format:persistent");
        writer.end_element("md:NameIDFormat");
        for binding in [REDIRECT_BINDING, POST_BINDING] {
            writer.empty_element("md:SingleSignOnService", &[("Binding", binding), ("Location", &location)]);
        }
        writer.end_element("md:IDPSSODescriptor");
        writer.end_element("md:EntityDescriptor");
        Some(writer.into_string())
    }

    /// The answer to `request` that signs the person with `email` in, or, with an empty one, refuses: XML.
    /// `None` if the request is not from the app this serves, or there is no such person.
    ///
    /// # Errors
    /// [`SigningError`] if the answer can't be signed or encrypted.
    pub fn answer(&self, slug: &Slug, request: &ReceivedRequest, email: &str) -> Option<Result<String, SigningError>> {
        let tenant = self.tenant(slug.as_str())?;
        let (issuer, acs_url) = (self.entity_id(slug), self.app.acs_url(slug));
        self.check(slug, request).ok()?;
        let addresses = Addresses {
            issuer: &issuer,
            acs_url: &acs_url,
            audience: &request.issuer,
            in_response_to: Some(&request.id),
        };
        let now = self.clock.now();
        if email.is_empty() {
            return Some(refuse(&addresses, &tenant.key, now, &*self.rng));
        }
        let person = tenant.company.person(email)?;
        Some(sign_in(&addresses, person, &self.options, &tenant.key, now, &*self.rng))
    }

    /// Whether the request is the app's own: answers go to its ACS alone.
    fn check(&self, slug: &Slug, request: &ReceivedRequest) -> Result<(), String> {
        let (issuer, acs) = (self.app.entity_id(slug), self.app.acs_url(slug));
        if request.issuer != issuer {
            return Err(format!("The request is from {}, this identity provider serves {issuer}.", request.issuer));
        }
        match &request.acs_url {
            Some(url) if *url != acs => Err(format!("The answer is wanted at {url}, and goes to {acs} alone.")),
            _ => Ok(()),
        }
    }

    /// The routes: `/{company}/sso` by GET and POST, `/{company}/sign-in`, `/{company}/metadata`.
    pub fn router(self: Arc<Self>) -> Router {
        Router::new()
            .route("/{company}/sso", get(by_redirect).post(by_post))
            .route("/{company}/sign-in", post(signed_in))
            .route("/{company}/metadata", get(metadata))
            .layer(DefaultBodyLimit::max(FORM_LIMIT))
            .fallback(async || notice(StatusCode::NOT_FOUND, "", "Not found", "There is nothing at this address."))
            .with_state(self)
    }

    fn tenant(&self, name: &str) -> Option<&Tenant> {
        self.tenants.iter().find(|tenant| tenant.slug.as_str() == name)
    }

    /// The page that asks who it is, for a request that was read.
    fn ask(&self, tenant: &Tenant, xml: &[u8], relay_state: Option<&str>) -> Response {
        let request = match ReceivedRequest::parse(xml).map_err(|error| error.to_string()) {
            Ok(request) => request,
            Err(error) => return refused(tenant, &error),
        };
        if let Err(error) = self.check(&tenant.slug, &request) {
            return refused(tenant, &error);
        }
        let (_, app) = self.app.base_url().split_once("://").unwrap_or(("", "the app"));
        let page = PeoplePage {
            company: &tenant.company,
            people: &tenant.company.people,
            app,
            saml_request: &BASE64.encode(xml),
            relay_state,
        };
        html(StatusCode::OK, Powers::PostHere, &page)
    }
}

/// The fields of a form that carries a request.
#[derive(Deserialize)]
struct RequestForm {
    #[serde(rename = "SAMLRequest")]
    request: String,
    #[serde(rename = "RelayState")]
    relay_state: Option<String>,
    /// Who it is; on the page that asks.
    person: Option<String>,
}

impl RequestForm {
    fn xml(&self) -> Result<Vec<u8>, &'static str> {
        if self.relay_state.as_ref().is_some_and(|state| state.len() > RELAY_STATE_LIMIT) {
            return Err("RelayState has more than 80 bytes.");
        }
        let packed: String = self.request.split_ascii_whitespace().collect();
        BASE64.decode(packed).map_err(|_| "SAMLRequest is not base64.")
    }
}

async fn by_redirect(
    State(idp): State<Arc<DemoIdentityProvider>>,
    Path(company): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let Some(tenant) = idp.tenant(&company) else {
        return no_company();
    };
    let Some(query) = query.filter(|query| !query.is_empty()) else {
        let start = format!("{}/.vestibule/sso/{}", idp.app.base_url(), tenant.slug);
        let page = NoticePage {
            slug: tenant.slug.as_str(),
            site: tenant.company.name,
            title: "Start at the app",
            text: "Signing in starts at the app, which sends you here.",
            link: Some((&start, "To the app")),
        };
        return html(StatusCode::BAD_REQUEST, Powers::None, &page);
    };
    match RedirectMessage::parse(&query) {
        Ok(message) if message.kind == MessageKind::Request => {
            idp.ask(tenant, &message.xml, message.relay_state.as_deref())
        }
        Ok(_) => refused(tenant, "This is no request."),
        Err(error) => refused(tenant, &error.to_string()),
    }
}

async fn by_post(
    State(idp): State<Arc<DemoIdentityProvider>>,
    Path(company): Path<String>,
    Form(form): Form<RequestForm>,
) -> Response {
    let Some(tenant) = idp.tenant(&company) else {
        return no_company();
    };
    match form.xml() {
        Ok(xml) => idp.ask(tenant, &xml, form.relay_state.as_deref()),
        Err(error) => refused(tenant, error),
    }
}

async fn signed_in(
    State(idp): State<Arc<DemoIdentityProvider>>,
    Path(company): Path<String>,
    Form(form): Form<RequestForm>,
) -> Response {
    let Some(tenant) = idp.tenant(&company) else {
        return no_company();
    };
    let email = form.person.as_deref().unwrap_or_default();
    let request = form.xml().map_err(str::to_owned);
    let request = request.and_then(|xml| ReceivedRequest::parse(&xml).map_err(|error| error.to_string()));
    let answer = match request.map(|request| idp.answer(&tenant.slug, &request, email)) {
        Err(error) => return refused(tenant, &error),
        Ok(None) => return refused(tenant, "The request is not the app's, or nobody has this address here."),
        Ok(Some(Err(_))) => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Ok(Some(Ok(answer))) => answer,
    };
    let name = tenant.company.person(email).map(super::people::Person::name);
    let title = name.map_or("You declined".to_owned(), |name| format!("Signed in as {name}"));
    let page = ContinuePage {
        company: &tenant.company,
        title: &title,
        acs_url: &idp.app.acs_url(&tenant.slug),
        saml_response: &BASE64.encode(answer),
        relay_state: form.relay_state.as_deref(),
    };
    let origin = Url::parse(idp.app.base_url()).map(|url| url.origin().ascii_serialization());
    html(StatusCode::OK, Powers::SendOn(origin.as_deref().unwrap_or("'none'")), &page)
}

async fn metadata(State(idp): State<Arc<DemoIdentityProvider>>, Path(company): Path<String>) -> Response {
    let metadata = company.parse().ok().and_then(|slug| idp.metadata(&slug));
    match metadata {
        Some(xml) => ([(header::CONTENT_TYPE, "application/samlmetadata+xml")], xml).into_response(),
        None => no_company(),
    }
}

fn no_company() -> Response {
    notice(StatusCode::NOT_FOUND, "", "No such company", "No company of the demo has this name.")
}

fn refused(tenant: &Tenant, error: &str) -> Response {
    notice(StatusCode::BAD_REQUEST, tenant.slug.as_str(), "This request can't be answered", error)
}

fn notice(status: StatusCode, slug: &str, title: &str, text: &str) -> Response {
    let page = NoticePage { slug, site: "Identity provider of the demo", title, text, link: None };
    html(status, Powers::None, &page)
}

#[cfg(test)]
#[path = "identity_provider_tests.rs"]
mod tests;
