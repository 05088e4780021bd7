//! Organizations with tokens over a throw-away store, and the door called in process.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;
use vestibule::directory::organization::{self, OrgKind};
use vestibule::directory::provisioning::{mapping, token};
use vestibule::directory::{DirectoryError, Organization, Origin, claim, link, member, user};
use vestibule::kernel::{EmailAddress, ManualClock, Role, SeededRng, SystemRng, Timestamp, UserId};
use vestibule::scim::{ScimServer, router};
use vestibule::store::{SledBackend, Store, Tx, check_store};

/// What every location begins with.
pub const BASE: &str = "https://scim.example/scim/v2";

pub struct Site {
    pub store: Store,
    pub clock: Arc<ManualClock>,
    pub rng: SeededRng,
    pub router: Router,
}

/// An organization whose identity provider has a token.
#[derive(Clone)]
pub struct Tenant {
    pub organization: Organization,
    pub token: String,
}

/// An answer.
#[derive(Debug)]
pub struct Got {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Got {
    #[track_caller]
    pub fn is(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Site {
    pub async fn new() -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_800_000_000)));
        let store = Store::open(SledBackend::temporary().unwrap(), clock.clone()).await.unwrap();
        Self::over(store, clock).await
    }

    pub async fn over(store: Store, clock: Arc<ManualClock>) -> Self {
        let server = ScimServer::open(store.clone(), Arc::new(SystemRng), BASE).await.unwrap();
        Site { store, clock, rng: SeededRng::new(1), router: router(server) }
    }

    pub fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Does something to the directory, as an operator would.
    pub async fn does<T>(&self, body: impl AsyncFn(&Tx) -> Result<T, DirectoryError>) -> T {
        let body = &body;
        self.store.transaction("test", |tx: Tx| async move { body(&tx).await }).await.unwrap()
    }

    pub async fn tenant(&self, slug: &str, domain: &str, kind: OrgKind) -> Tenant {
        let (organization, token) = self
            .does(async |tx| {
                let made = organization::create(tx, &self.rng, &slug.parse().unwrap(), slug, kind).await?;
                if !domain.is_empty() {
                    claim::claim_trusted(tx, &made, &domain.parse().unwrap()).await?;
                }
                let (token, ..) = token::issue(tx, &self.rng, &made).await?;
                Ok((made, token.expose().clone()))
            })
            .await;
        Tenant { organization, token }
    }

    /// A customer organization with the domain `<slug>.example`.
    pub async fn customer(&self, slug: &str) -> Tenant {
        self.tenant(slug, &format!("{slug}.example"), OrgKind::Customer).await
    }

    pub async fn add_by_hand(&self, to: &Tenant, email: &str, role: Role) -> UserId {
        self.does(async |tx| {
            let email: EmailAddress = email.parse().unwrap();
            let account = match user::find_by_email(tx, &email).await? {
                Some(account) => account,
                None => user::create(tx, &self.rng, &email)?,
            };
            member::add(tx, &to.organization, &account, role, Origin::Hand).await?;
            Ok(account.id)
        })
        .await
    }

    /// Links a customer organization to an Admin organization, under a SCIM name if it has one.
    pub async fn link(&self, linked: &Tenant, admin: &Tenant) {
        self.does(async |tx| {
            let code = link::code(tx, &self.rng, &admin.organization)?;
            let found = organization::by_id(tx, linked.organization.id).await?.unwrap();
            link::join(tx, &found, code.expose(), Duration::from_secs(3600)).await?;
            mapping::connect(tx, &self.rng, admin.organization.id, &found).await
        })
        .await;
    }

    /// The membership of somebody, by their address.
    pub async fn membership(&self, of: &Tenant, email: &str) -> Option<member::Member> {
        let tx = self.store.reader();
        let account = user::find_by_email(&tx, &email.parse().unwrap()).await.unwrap()?;
        member::find(&tx, of.organization.id, account.id).await.unwrap()
    }

    pub async fn send(&self, request: Request<Body>) -> Got {
        let answered = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = answered.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() };
        Got { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    pub async fn ask(&self, tenant: &Tenant, method: &str, path: &str, body: Option<&Value>) -> Got {
        self.ask_with(tenant, method, path, body, &[]).await
    }

    pub async fn ask_with(
        &self,
        tenant: &Tenant,
        method: &str,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Got {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/scim/v2{path}"))
            .header("authorization", format!("Bearer {}", tenant.token))
            .header("content-type", "application/scim+json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.send(request.body(body).unwrap()).await
    }

    pub async fn get(&self, tenant: &Tenant, path: &str) -> Got {
        self.ask(tenant, "GET", path, None).await
    }

    pub async fn post(&self, tenant: &Tenant, path: &str, body: &Value) -> Got {
        self.ask(tenant, "POST", path, Some(body)).await
    }

    pub async fn patch(&self, tenant: &Tenant, path: &str, operations: Value) -> Got {
        let urn = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
        self.ask(tenant, "PATCH", path, Some(&json!({ "schemas": [urn], "Operations": operations }))).await
    }

    /// Makes a person; gives their id.
    pub async fn person(&self, tenant: &Tenant, email: &str) -> String {
        self.post(tenant, "/Users", &person(email)).await.is(201)["id"].as_str().unwrap().to_owned()
    }

    /// Makes a group; gives its id.
    pub async fn group(&self, tenant: &Tenant, name: &str, members: &[&str]) -> String {
        let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
        let body = json!({ "displayName": name, "members": members });
        self.post(tenant, "/Groups", &body).await.is(201)["id"].as_str().unwrap().to_owned()
    }

    /// Whether every record and index of the directory is right.
    pub async fn check(&self) {
        let report = check_store(&self.store, &vestibule::directory::check::checkers()).await.unwrap();
        assert_eq!(report.findings, []);
    }
}

/// The smallest person.
pub fn person(email: &str) -> Value {
    json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": email })
}

/// The path of a list with a filter.
pub fn filtered(kind: &str, filter: &str) -> String {
    let encoded: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
    format!("/{kind}?filter={encoded}")
}

/// The ids of a list's resources.
pub fn ids(list: &Value) -> Vec<String> {
    list["Resources"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

/// The ids of a group's members.
pub fn members(group: &Value) -> Vec<String> {
    let members = group["members"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut ids: Vec<String> = members.iter().map(|one| one["value"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids
}
