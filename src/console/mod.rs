//! The console: an organization's settings on pages, for its owners and admins, and all of them for the operator.
//!
//! A page is a template over the views of `administration`; a form is a call of one of its verbs, in the name of
//! whoever is signed in. [`Door`] says who that is, and whether they may; [`Posted`] is a form that passed it.

mod domains;
mod door;
mod general;
mod home;
mod key;
mod operator;
mod organizations;
mod posted;
mod shell;
mod words;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use url::Url;

use crate::administration::Administration;
use crate::kernel::Secret;
use crate::session::Sessions;
use crate::store::{StoreError, TableChecker, Tx};
use crate::web::edge::{self, Edge};
use crate::web::page::Trouble;

pub use door::Door;
pub use posted::Posted;
pub use shell::STYLE;

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
        .route("/.vestibule/console/o/{slug}", get(home::show))
        .route("/.vestibule/console/o/{slug}/", get(home::show))
        .route("/.vestibule/console/o/{slug}/general", get(general::show).post(general::save))
        .merge(domain_pages())
        .route("/.vestibule/console/{*rest}", get(missing).post(missing))
        .layer(from_fn_with_state(edge, edge::edge))
        .with_state(Arc::new(console))
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
