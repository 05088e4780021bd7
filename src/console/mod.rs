//! The console: an organization's settings on pages, for its owners and admins, and all of them for the operator.
//!
//! A page is a template over the views of `administration`; a form is a call of one of its verbs, in the name of
//! whoever is signed in. [`Door`] says who that is, and whether they may; [`Posted`] is a form that passed it.

mod audit;
mod discoverability;
mod domains;
mod door;
mod explain;
mod freshness;
mod general;
mod home;
mod key;
mod logins;
mod members;
mod operator;
mod organizations;
mod person_words;
mod posted;
mod scim;
mod sessions;
mod shared;
mod shell;
mod sso;
mod teams;
mod two_factor;
mod words;
mod xml_lines;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use url::Url;

use crate::administration::Administration;
use crate::kernel::{Fault, FaultKind, Secret};
use crate::session::Sessions;
use crate::store::{StoreError, TableChecker, Tx};
use crate::web::edge::{self, Edge};
use crate::web::page::Trouble;

pub use door::Door;
pub use posted::Posted;
pub use shell::{COPY, STYLE};

/// The console's address.
pub const HERE: &str = "/.vestibule/console";

/// What the console needs, shared by all of its handlers.
pub struct Console {
    /// What is done to organizations, and for whom; here for the operator, until somebody else is known.
    administration: Arc<Administration>,
    sessions: Arc<Sessions>,
    /// Proves that a form is one of ours.
    key: Secret<[u8; 32]>,
    /// `public_url` as an `Origin` header says it.
    origin: String,
    /// The site's name for people: its host.
    site: String,
    /// Whether browsers come by https.
    secure: bool,
}

impl Console {
    /// The console of the site at `public_url`.
    ///
    /// # Errors
    /// The store's.
    pub async fn open(
        administration: Arc<Administration>,
        sessions: Arc<Sessions>,
        public_url: &Url,
    ) -> Result<Self, StoreError> {
        let rng = Arc::clone(&administration.rng);
        let make = async |tx: Tx| key::load(&tx, &*rng).await;
        let key = administration.store.transaction("console key", make).await?;
        let host = public_url.host_str().unwrap_or_default();
        Ok(Console {
            key,
            administration,
            sessions,
            origin: public_url.origin().ascii_serialization(),
            site: public_url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")),
            secure: public_url.scheme() == "https",
        })
    }
}

/// What is promised of the console's own tables.
pub fn checkers() -> Vec<TableChecker> {
    key::checkers()
}

/// All of the console's pages, to be joined with the portal's.
pub fn router(console: Console) -> Router {
    let edge = Arc::new(Edge { site: console.site.clone(), rng: Arc::clone(&console.administration.rng) });
    let missing = async || Trouble::not_found();
    Router::new()
        .route("/.vestibule/console", get(organizations::show))
        .route("/.vestibule/console/", get(organizations::show))
        .route("/.vestibule/console/enter", get(operator::ask).post(operator::enter))
        .route("/.vestibule/console/leave", post(operator::leave))
        .route("/.vestibule/console/create", post(organizations::create))
        .route("/.vestibule/console/o/{slug}", get(home::show))
        .route("/.vestibule/console/o/{slug}/", get(home::show))
        .route("/.vestibule/console/o/{slug}/general", get(general::show).post(general::save))
        .merge(domain_pages())
        .merge(sharing_pages())
        .merge(looking_pages())
        .merge(sign_on_pages())
        .merge(login_pages())
        .merge(people())
        .route("/.vestibule/console/{*rest}", get(missing).post(missing))
        .layer(from_fn(navigations_alone))
        .layer(from_fn_with_state(edge, edge::edge))
        .with_state(Arc::new(console))
}

/// Refuses what a script asks for: the app is of the same origin, and a script of its pages, or one that somebody slipped
/// into them, would read these pages and send their forms in the name of whoever is in the browser. No script can say that
/// its request is a navigation (Fetch Metadata, `Sec-Fetch-Mode`).
async fn navigations_alone(request: Request, next: Next) -> Response {
    match request.headers().get("sec-fetch-mode") {
        Some(mode) if mode != "navigate" => {
            let text = "The console is opened by people in a browser, not by scripts.";
            Trouble::from(Fault::new(FaultKind::Forbidden, text, "a script asked for a page of the console"))
                .into_response()
        }
        _ => next.run(request).await,
    }
}

fn domain_pages() -> Router<Arc<Console>> {
    Router::new()
        .route("/.vestibule/console/o/{slug}/domains", get(domains::show).post(domains::claim))
        .route("/.vestibule/console/o/{slug}/domains/{domain}", get(domains::one))
        .route("/.vestibule/console/o/{slug}/domains/{domain}/check", post(domains::check))
        .route(
            "/.vestibule/console/o/{slug}/domains/{domain}/release",
            get(domains::ask_release).post(domains::release),
        )
        .route("/.vestibule/console/o/{slug}/domains/{domain}/transfer", post(domains::transfer))
}

fn sharing_pages() -> Router<Arc<Console>> {
    Router::new()
        .route("/.vestibule/console/o/{slug}/shared", get(shared::show))
        .route("/.vestibule/console/o/{slug}/shared/code", post(shared::code))
        .route("/.vestibule/console/o/{slug}/shared/scim-name", post(shared::rename))
        .route("/.vestibule/console/o/{slug}/shared/preview", post(shared::preview))
        .route("/.vestibule/console/o/{slug}/shared/join", post(shared::join))
        .route("/.vestibule/console/o/{slug}/shared/leave", get(shared::ask_leave).post(shared::leave))
        .route("/.vestibule/console/o/{slug}/scim", get(scim::show))
        .route("/.vestibule/console/o/{slug}/scim/issue", post(scim::issue))
        .route("/.vestibule/console/o/{slug}/scim/revoke", post(scim::revoke))
        .route("/.vestibule/console/o/{slug}/scim/people", get(scim::people))
        .route("/.vestibule/console/o/{slug}/scim/drift", get(scim::drift))
        .route("/.vestibule/console/o/{slug}/scim/requests", get(scim::requests))
        .route("/.vestibule/console/o/{slug}/scim/requests/{request}", get(scim::request))
}

fn looking_pages() -> Router<Arc<Console>> {
    Router::new()
        .route("/.vestibule/console/o/{slug}/audit", get(audit::show))
        .route("/.vestibule/console/o/{slug}/audit/verify", post(audit::verify))
        .route("/.vestibule/console/o/{slug}/audit/export", get(audit::export))
        .route("/.vestibule/console/o/{slug}/explain", get(explain::show))
        .route("/.vestibule/console/o/{slug}/discoverability", get(discoverability::show).post(discoverability::save))
        .route("/.vestibule/console/o/{slug}/discoverability/members", post(discoverability::decide_member))
        .route("/.vestibule/console/o/{slug}/discoverability/requests", post(discoverability::decide_request))
}

/// Single sign-on.
fn sign_on_pages() -> Router<Arc<Console>> {
    Router::new()
        .route("/.vestibule/console/o/{slug}/sso", get(sso::show))
        .route("/.vestibule/console/o/{slug}/sso/metadata", post(sso::metadata::hand_in))
        .route("/.vestibule/console/o/{slug}/sso/address", post(sso::metadata::at_address))
        .route("/.vestibule/console/o/{slug}/sso/refresh", post(sso::metadata::refresh))
        .route("/.vestibule/console/o/{slug}/sso/forget", post(sso::metadata::forget))
        .route("/.vestibule/console/o/{slug}/sso/remove", get(sso::remove::ask).post(sso::remove::remove))
        .route("/.vestibule/console/o/{slug}/sso/hand", post(sso::hand))
        .route(
            "/.vestibule/console/o/{slug}/sso/certificates",
            get(sso::certificates::show).post(sso::certificates::add),
        )
        .route("/.vestibule/console/o/{slug}/sso/certificates/remove", post(sso::certificates::remove))
        .route("/.vestibule/console/o/{slug}/sso/options", get(sso::options::show).post(sso::options::save))
        .route("/.vestibule/console/o/{slug}/sso/access", get(sso::access::show).post(sso::access::save))
        .route("/.vestibule/console/o/{slug}/sso/require", get(sso::require::show).post(sso::require::save))
}

/// The sign-in log.
fn login_pages() -> Router<Arc<Console>> {
    Router::new()
        .route("/.vestibule/console/o/{slug}/logins", get(logins::list))
        .route("/.vestibule/console/o/{slug}/logins/{id}", get(logins::show))
        .route("/.vestibule/console/o/{slug}/logins/{id}/share", post(logins::share))
        .route("/.vestibule/console/o/{slug}/logins/{id}/unshare", post(logins::unshare))
        .route(logins::SHARED, get(logins::shared))
}

/// The pages about people: members, teams, second factors, sessions.
fn people() -> Router<Arc<Console>> {
    Router::new()
        .route("/.vestibule/console/o/{slug}/members", get(members::show).post(members::invite))
        .route("/.vestibule/console/o/{slug}/members/{id}", get(members::person::show).post(members::person::act))
        .route(
            "/.vestibule/console/o/{slug}/members/{id}/remove",
            get(members::person::ask_to_remove).post(members::person::remove),
        )
        .route("/.vestibule/console/o/{slug}/teams", get(teams::show).post(teams::create))
        .route("/.vestibule/console/o/{slug}/teams/{id}", get(teams::one::show).post(teams::one::act))
        .route(
            "/.vestibule/console/o/{slug}/teams/{id}/delete",
            get(teams::one::ask_to_delete).post(teams::one::delete),
        )
        .route("/.vestibule/console/o/{slug}/two-factor", get(two_factor::show).post(two_factor::save))
        .route("/.vestibule/console/o/{slug}/sessions", get(sessions::show).post(sessions::end))
        .route("/.vestibule/console/o/{slug}/sessions/end", get(sessions::ask_to_end_all).post(sessions::end_all))
}
