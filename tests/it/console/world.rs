//! A site in process with its console: organizations, people with sessions in them, the operator, and their browsers.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use http::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use parking_lot::Mutex;
use tower::ServiceExt as _;
use url::form_urlencoded::Serializer;
use vestibule::administration::explain::{RouteDecision, RouteExplainer, Visitor};
use vestibule::administration::{Administration, By};
use vestibule::console::{self, Console};
use vestibule::credential::{Hasher, Policy};
use vestibule::directory::organization::{self, OrgKind};
use vestibule::directory::{AuditEntry, DirectoryError, Organization, Origin, User, audit, claim, link, member, user};
use vestibule::kernel::{Client, Fault, FaultKind, ManualClock, Role, SystemRng, Timestamp};
use vestibule::portal::{self, Portal};
use vestibule::proof::{Proof, ProofSettings};
use vestibule::saml::fetch::{Asker, Documents, FetchError};
use vestibule::saml::service_provider::ServiceProvider;
use vestibule::session::{Method as Way, NewSession, SessionError, SessionSettings, Sessions, operator};
use vestibule::store::{SledBackend, Store, Tx};
use vestibule::webhook::{Courier, Rules};

use crate::world::dns::DnsServer;

/// Where the site is.
pub const SITE: &str = "http://localhost:8080";

struct NoRoutes;

impl RouteExplainer for NoRoutes {
    fn explain(&self, _: &str, _: Option<&Visitor>) -> Result<RouteDecision, Fault> {
        Err(Fault::plain(FaultKind::NotFound, "no routes"))
    }
}

/// What identity providers publish, at addresses that a test makes up.
#[derive(Default)]
pub struct Published(Mutex<BTreeMap<String, Result<Vec<u8>, FetchError>>>);

impl Published {
    /// From now on this is what stands there.
    pub fn put(&self, url: &str, document: Result<Vec<u8>, FetchError>) {
        self.0.lock().insert(url.to_owned(), document);
    }
}

#[async_trait]
impl Documents for Published {
    async fn read(&self, url: &str, _: Asker) -> Result<Vec<u8>, FetchError> {
        self.0.lock().get(url).cloned().unwrap_or_else(|| Err(FetchError::NoSuchHost(url.to_owned())))
    }
}

/// The site; its clock stands until a test moves it.
pub struct Site {
    pub store: Store,
    pub clock: Arc<ManualClock>,
    pub sessions: Arc<Sessions>,
    pub admin: Arc<Administration>,
    /// What identity providers publish.
    pub published: Arc<Published>,
    /// The one DNS server that is asked.
    pub dns: DnsServer,
    pub router: Router,
}

impl Site {
    pub async fn new() -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::parse_rfc3339("2026-11-22T10:00:00Z").unwrap()));
        let store = Store::open(SledBackend::temporary().unwrap(), clock.clone()).await.unwrap();
        let settings = SessionSettings { feed_bound: Duration::from_secs(10 * 3600), ..SessionSettings::new(SITE) };
        let sessions = Sessions::open(store.clone(), clock.clone(), Arc::new(SystemRng), settings).await.unwrap();
        tokio::spawn({
            let sessions = Arc::clone(&sessions);
            async move { sessions.follow().await }
        });
        let dns = DnsServer::start().await;
        let proof = ProofSettings { servers: vec![dns.address], ..ProofSettings::default() };
        let published = Arc::new(Published::default());
        let (rng, hasher) = (Arc::new(SystemRng), Hasher::new(Arc::new(SystemRng)));
        let admin = Arc::new(Administration {
            store: store.clone(),
            rng: rng.clone(),
            passwords: Policy::default(),
            hasher: Arc::clone(&hasher),
            service_provider: ServiceProvider::new(SITE),
            courier: Courier::new(store.clone(), rng.clone(), &[], Rules::default()).unwrap(),
            scim_url: format!("{SITE}/scim/v2"),
            documents: published.clone(),
            proof: Arc::new(Proof::new(store.clone(), rng.clone(), proof)),
            routes: Arc::new(NoRoutes),
            door_checkers: Vec::new,
            started: store.now(),
            by: By::admin_socket(),
        });
        let url = SITE.parse().unwrap();
        let portal =
            Portal::new(store.clone(), Arc::clone(&sessions), rng, &url).with_passwords(Policy::default(), hasher);
        let console = Console::open(Arc::clone(&admin), Arc::clone(&sessions), &url).await.unwrap();
        let router = portal::router(portal).merge(console::router(console));
        Site { store, clock, sessions, admin, published, dns, router }
    }

    /// Whatever changes the directory, as one transaction.
    pub async fn change<T, Fut>(&self, how: impl Fn(Tx) -> Fut) -> T
    where
        Fut: Future<Output = Result<T, DirectoryError>>,
    {
        self.store.transaction("test", how).await.unwrap()
    }

    /// An organization that has proved a domain of its name.
    pub async fn organization(&self, slug: &str, kind: OrgKind) -> Organization {
        self.change(async |tx: Tx| {
            let made = organization::create(&tx, &SystemRng, &slug.parse().unwrap(), slug, kind).await?;
            claim::claim_trusted(&tx, &made, &format!("{slug}.example").parse().unwrap()).await?;
            Ok(made)
        })
        .await
    }

    /// Links an organization to an Admin organization.
    pub async fn link(&self, admin: &Organization, linked: &Organization) {
        self.change(async |tx: Tx| {
            let code = link::code(&tx, &SystemRng, admin)?;
            link::join(&tx, linked, code.expose(), link::DEFAULT_WINDOW).await.map(|_| ())
        })
        .await;
    }

    /// Somebody with a role in an organization, and an account if they have none.
    pub async fn person(&self, organization: &Organization, email: &str, role: Role) -> User {
        self.change(async |tx: Tx| {
            let email = email.parse().unwrap();
            let account = match user::find_by_email(&tx, &email).await? {
                Some(account) => account,
                None => user::create(&tx, &SystemRng, &email)?,
            };
            member::add(&tx, organization, &account, role, Origin::Hand).await?;
            Ok(account)
        })
        .await
    }

    /// Their browser, signed in just now, in this organization.
    pub async fn browser(&self, account: &User, organization: Option<&Organization>) -> Browser {
        let new = NewSession {
            organization: organization.map(|organization| organization.id),
            ..NewSession::new(account.id, Way::Password, self.store.now())
        };
        let start = async |tx: Tx| self.sessions.start(&tx, &new).await;
        let started = self.store.transaction("test", start).await.map_err(|error: SessionError| error).unwrap();
        let mut browser = self.stranger();
        browser.keep(started.set_cookie.to_str().unwrap());
        browser
    }

    /// Somebody with a role, in a browser of their own.
    pub async fn comes(&self, organization: &Organization, email: &str, role: Role) -> Browser {
        let account = self.person(organization, email, role).await;
        let at = (organization.kind == OrgKind::Customer).then_some(organization);
        self.browser(&account, at).await
    }

    /// A browser of nobody.
    pub fn stranger(&self) -> Browser {
        Browser { router: self.router.clone(), mode: "navigate", cookies: BTreeMap::new() }
    }

    /// The operator's browser, signed in by the link.
    pub async fn operator(&self) -> Browser {
        let issue = async |tx: Tx| operator::issue(&tx, &SystemRng);
        let link = self.store.transaction("test", issue).await.unwrap();
        let mut browser = self.stranger();
        let page = browser.post("/.vestibule/console/enter", &[("link", &link)]).await;
        assert_eq!(page.location, "/.vestibule/console", "{}", page.body);
        browser
    }

    /// What the audit of an organization says, oldest first: who, action, object.
    pub async fn audited(&self, organization: &Organization) -> Vec<AuditEntry> {
        let found = audit::newest(&self.store.reader(), organization.id, 1000).await.unwrap();
        found.into_iter().map(|(_, audited)| audited.entry).collect()
    }

    /// The organization as it is now.
    pub async fn now(&self, organization: &Organization) -> Organization {
        organization::by_id(&self.store.reader(), organization.id).await.unwrap().unwrap()
    }
}

/// A browser with its cookies.
#[derive(Clone)]
pub struct Browser {
    router: Router,
    /// What `Sec-Fetch-Mode` says.
    pub mode: &'static str,
    pub cookies: BTreeMap<String, String>,
}

/// What a browser got.
#[derive(Debug)]
pub struct Page {
    pub status: StatusCode,
    /// Where it leads; empty: nowhere.
    pub location: String,
    pub policy: String,
    pub body: String,
}

impl Page {
    /// Holds the page to a text.
    pub fn says(&self, text: &str) -> &Self {
        assert!(self.body.contains(text), "«{text}» is not in {} {}", self.status, self.body);
        self
    }

    /// Holds the page to the absence of a text.
    pub fn hides(&self, text: &str) -> &Self {
        assert!(!self.body.contains(text), "«{text}» is in {}", self.body);
        self
    }

    /// The token of its forms.
    pub fn token(&self) -> String {
        let (_, rest) = self.body.split_once("name=\"token\" value=\"").expect("a form with a token");
        rest.split('"').next().unwrap().to_owned()
    }
}

impl Browser {
    pub async fn get(&mut self, path: &str) -> Page {
        self.send(Method::GET, path, String::new()).await
    }

    /// Posts these fields alone, from a page of this site.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let body = Serializer::new(String::new()).extend_pairs(fields).finish();
        self.send(Method::POST, path, body).await
    }

    /// Opens the page at `from`, fills the form in, and sends it to `to` with the page's token.
    pub async fn submit(&mut self, from: &str, to: &str, fields: &[(&str, &str)]) -> Page {
        let token = self.get(from).await.token();
        let mut all = vec![("token", token.as_str())];
        all.extend_from_slice(fields);
        self.post(to, &all).await
    }

    /// Posts a form with a file, as a browser does from a page of this site.
    pub async fn upload(&mut self, path: &str, fields: &[(&str, &str)], (name, bytes): (&str, &[u8])) -> Page {
        let mut body = Vec::new();
        for (name, value) in fields {
            let part = format!("--x1\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            body.extend_from_slice(part.as_bytes());
        }
        let head = format!("--x1\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"a.b\"\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n--x1--\r\n");
        self.send_as(Method::POST, path, "multipart/form-data; boundary=x1", body).await
    }

    async fn send(&mut self, method: Method, path: &str, body: String) -> Page {
        self.send_as(method, path, "application/x-www-form-urlencoded", body.into_bytes()).await
    }

    async fn send_as(&mut self, method: Method, path: &str, content_type: &str, body: Vec<u8>) -> Page {
        let mut request = Request::builder().method(&method).uri(path).header("user-agent", "Test/1.0");
        request = request.header("sec-fetch-mode", self.mode);
        if method == Method::POST {
            request = request.header(CONTENT_TYPE, content_type).header("sec-fetch-site", "same-origin");
        }
        if !self.cookies.is_empty() {
            let pairs: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header(COOKIE, pairs.join("; "));
        }
        let client: IpAddr = "192.0.2.7".parse().unwrap();
        let request = request.extension(Client::from(client)).body(Body::from(body)).unwrap();
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        for line in parts.headers.get_all(SET_COOKIE) {
            self.keep(line.to_str().unwrap());
        }
        assert!(!parts.status.is_server_error(), "{} for {path}", parts.status);
        let header = |name: &str| parts.headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        Page {
            status: parts.status,
            location: header(LOCATION.as_str()),
            policy: header("content-security-policy"),
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    fn keep(&mut self, line: &str) {
        let (pair, attributes) = line.split_once(';').unwrap();
        let (name, value) = pair.split_once('=').unwrap();
        assert!(attributes.contains("HttpOnly") && attributes.contains("SameSite="), "{line}");
        if attributes.contains("Max-Age=0") {
            self.cookies.remove(name);
        } else {
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }
}
