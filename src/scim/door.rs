//! From a request to its answer: limits, token, endpoint, body, in this order (S2, S36).
//!
//! Nothing is read for a stranger: whoever shows no good token has their answer before a byte of the body. What comes
//! after holds a [`ProvisioningScope`], and cannot name another organization.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, header};
use axum::response::Response;
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::answer::{Answer, refused};
use super::cursor::CursorKey;
use super::error::ScimError;
use super::group_lists::MemberBounds;
use super::limits;
use super::list::ListRequest;
use super::request_log::{Came, RequestLog};
use super::route::{Route, route};
use crate::directory::provisioning::{ProvisioningError, ProvisioningScope, Rosters, cursor_key};
use crate::kernel::{OrgId, Rng};
use crate::store::{Store, StoreError, Tx};

/// How many requests of one organization are worked on at once; more wait.
const AT_ONCE: usize = 16;
/// How long a request waits for its turn.
const TURN_PATIENCE: Duration = Duration::from_secs(20);

/// Whoever is on the other end of the connection; put into each request by the listener.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// The SCIM server.
pub struct ScimServer {
    pub(super) store: Store,
    pub(super) rng: Arc<dyn Rng>,
    pub(super) rosters: Arc<Rosters>,
    pub(super) cursors: CursorKey,
    pub(super) bounds: MemberBounds,
    log: RequestLog,
    /// The base URL, from the configuration alone (S16); no slash at its end.
    pub(super) base: String,
    turns: Mutex<HashMap<OrgId, Arc<Semaphore>>>,
}

/// A request whose token was good, with its body.
pub(super) struct Asked {
    pub scope: ProvisioningScope,
    pub query: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Asked {
    fn header(&self, name: HeaderName) -> Option<&str> {
        // What can't be read matches nothing.
        self.headers.get(name).map(|value| value.to_str().unwrap_or("?"))
    }

    pub(super) fn if_match(&self) -> Option<&str> {
        self.header(header::IF_MATCH)
    }

    pub(super) fn if_none_match(&self) -> Option<&str> {
        self.header(header::IF_NONE_MATCH)
    }
}

impl ScimServer {
    /// A server whose base URL is `base`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open(store: Store, rng: Arc<dyn Rng>, base: &str) -> Result<Arc<Self>, StoreError> {
        let key = store.transaction("scim cursor key", async |tx: Tx| cursor_key(&tx, &*rng).await).await?;
        let rosters = Rosters::new(store.clone());
        let base = base.trim_end_matches('/').to_owned();
        let cursors = CursorKey::new(&key);
        Ok(Arc::new(ScimServer {
            store,
            rng,
            rosters,
            cursors,
            bounds: MemberBounds::default(),
            log: RequestLog::default(),
            base,
            turns: Mutex::default(),
        }))
    }

    /// The lists of people kept in memory, which something has to [follow](Rosters::follow).
    pub fn rosters(&self) -> &Arc<Rosters> {
        &self.rosters
    }

    /// Writes what was noted for `vestibule scim-log`, once a second, for as long as it is let.
    pub async fn keep_log(&self) {
        self.log.keep(&self.store).await;
    }

    /// Writes what is not written yet, before the process ends.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn write_log(&self) -> Result<(), StoreError> {
        self.log.write(&self.store).await
    }

    /// Answers one request.
    pub async fn answer(&self, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        let (began, method) = (Instant::now(), known(&parts.method));
        let response = match self.handle(parts, body).await {
            Ok(answer) => answer.into_response(),
            Err(error) => refused(error),
        };
        let status = response.status().as_u16().to_string();
        metrics::counter!("vestibule_scim_requests_total", "method" => method, "status" => status).increment(1);
        metrics::histogram!("vestibule_scim_seconds", "method" => method).record(began.elapsed().as_secs_f64());
        response
    }

    async fn handle(&self, parts: Parts, body: Body) -> Result<Answer, ScimError> {
        limits::head(&parts)?;
        let scope = self.scope(&parts).await?;
        let (organization, began, mut came) = (scope.organization(), Instant::now(), Came::of(&parts));
        let answered = self.handle_known(scope, parts, body, &mut came).await;
        self.log.note(organization, came.ended(&answered, self.store.now(), began.elapsed()));
        answered
    }

    /// A request of an organization that is known.
    async fn handle_known(
        &self,
        scope: ProvisioningScope,
        parts: Parts,
        body: Body,
        came: &mut Came,
    ) -> Result<Answer, ScimError> {
        let route = route(parts.uri.path());
        let method = if parts.method == Method::HEAD { Method::GET } else { parts.method.clone() };
        if let Some(answer) = method_refused(&route, &method) {
            return Ok(answer);
        }
        let _turn = self.turn(scope.organization()).await?;
        let body = if limits::has_body(&method) {
            limits::media_type(&parts.headers)?;
            limits::body(&parts.headers, body).await?
        } else {
            Bytes::new()
        };
        came.with_body(&body);
        let query = parts.uri.query().unwrap_or_default().to_owned();
        let asked = Asked { scope, query, headers: parts.headers, body };
        self.dispatch(&method, route, &asked).await
    }

    /// The scope of the token that was shown; the same answer for none and for a wrong one (S1, S14).
    async fn scope(&self, parts: &Parts) -> Result<ProvisioningScope, ScimError> {
        let shown = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let bearer = shown.and_then(|shown| {
            let (scheme, token) = shown.trim().split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        });
        let Some(bearer) = bearer else { return Err(ProvisioningError::NoToken.into()) };
        let from = parts.extensions.get::<Peer>().map_or_else(|| "SCIM".to_owned(), |peer| format!("SCIM, {}", peer.0));
        Ok(ProvisioningScope::open(&self.store.reader(), bearer, &from).await?)
    }

    /// Waits for a place among the requests of the organization: one that sends many holds up nobody else.
    async fn turn(&self, organization: OrgId) -> Result<OwnedSemaphorePermit, ScimError> {
        let turns = {
            let mut all = self.turns.lock();
            all.retain(|_, turns| Arc::strong_count(turns) > 1 || turns.available_permits() < AT_ONCE);
            Arc::clone(all.entry(organization).or_insert_with(|| Arc::new(Semaphore::new(AT_ONCE))))
        };
        let busy = || ScimError::plain(429, "Too many requests at once: send this one again in a moment.");
        match tokio::time::timeout(TURN_PATIENCE, turns.acquire_owned()).await {
            Ok(Ok(turn)) => Ok(turn),
            Ok(Err(_)) | Err(_) => Err(busy()),
        }
    }

    pub(super) async fn dispatch(&self, method: &Method, route: Route, asked: &Asked) -> Result<Answer, ScimError> {
        let list = || ListRequest::from_query(&asked.query);
        let search = || ListRequest::from_search(&asked.body);
        match (method, route) {
            (&Method::POST, Route::Users) => self.create_user(asked).await,
            (_, Route::Users) => self.list_users(asked, &list()?).await,
            (_, Route::SearchUsers) => self.list_users(asked, &search()?).await,
            (&Method::PUT, Route::User(id)) => self.replace_user(asked, id).await,
            (&Method::PATCH, Route::User(id)) => self.patch_user(asked, id).await,
            (&Method::DELETE, Route::User(id)) => self.delete_user(asked, id).await,
            (_, Route::User(id)) => self.read_user(asked, id).await,
            (&Method::POST, Route::Groups) => self.create_group(asked).await,
            (_, Route::Groups) => self.list_groups(asked, &list()?).await,
            (_, Route::SearchGroups) => self.list_groups(asked, &search()?).await,
            (&Method::PUT, Route::Group(id)) => self.replace_group(asked, id).await,
            (&Method::PATCH, Route::Group(id)) => self.patch_group(asked, id).await,
            (&Method::DELETE, Route::Group(id)) => self.delete_group(asked, id).await,
            (_, Route::Group(id)) => self.read_group(asked, id).await,
            (_, Route::ServiceProviderConfig) => self.service_provider_config(&asked.query),
            (_, Route::ResourceTypes(name)) => self.resource_types(name.as_deref(), &asked.query),
            (_, Route::Schemas(urn)) => self.schemas(urn.as_deref(), &asked.query),
            (_, Route::Me) => {
                Err(ScimError::plain(501, "A token stands for an organization, not for a person: there is no /Me."))
            }
            (_, Route::NoSuchResource(id)) => Err(ProvisioningError::NoSuchResource(id).into()),
            (_, Route::Search) => self.search_all(asked).await,
            (_, Route::Bulk) => self.bulk(asked).await,
            (_, Route::Unknown) => Err(ScimError::plain(404, "There is no such endpoint.")),
        }
    }
}

/// A method as metrics tell it: what a stranger makes up is one word.
fn known(method: &Method) -> &'static str {
    let all = ["GET", "POST", "PUT", "PATCH", "DELETE"];
    all.into_iter().find(|known| *known == method.as_str()).unwrap_or("other")
}

/// The methods of an endpoint; none: whatever it is, the answer is another error.
const fn methods(route: &Route) -> Option<&'static str> {
    match route {
        Route::Users | Route::Groups => Some("GET, POST"),
        Route::User(_) | Route::Group(_) => Some("GET, PUT, PATCH, DELETE"),
        Route::SearchUsers | Route::SearchGroups | Route::Search | Route::Bulk => Some("POST"),
        Route::ServiceProviderConfig | Route::ResourceTypes(_) | Route::Schemas(_) => Some("GET"),
        Route::Me | Route::NoSuchResource(_) | Route::Unknown => None,
    }
}

/// 405 for a method that an endpoint does not have, with those that it has (S14).
fn method_refused(route: &Route, method: &Method) -> Option<Answer> {
    let allowed = methods(route)?;
    if allowed.split(", ").any(|known| known == method.as_str()) {
        return None;
    }
    let error = ScimError::plain(405, format!("This endpoint takes {allowed} alone."));
    Some(Answer { allow: Some(allowed), status: StatusCode::METHOD_NOT_ALLOWED, ..Answer::from(error) })
}

/// The door: whatever is asked, an answer in SCIM's words.
pub fn router(server: Arc<ScimServer>) -> Router {
    let answer = async |State(server): State<Arc<ScimServer>>, request: Request| server.answer(request).await;
    Router::new().fallback(answer).with_state(server)
}
