//! The admin socket: what the commands ask of the running server, in the operator's name.

mod audit_stream;
mod backup;
mod socket;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};

pub use socket::{SocketError, bind};

use crate::administration::api::{self, Call, Refused};
use crate::administration::{
    Administration, apply, audit, check, confirm, console, domain, explain, invite, keys, link, link_preview, logins,
    organization, scim_log, scim_token, second_factor, session, sso, sso_metadata, sso_removal, team, user, webhook,
};
use crate::kernel::{Fault, FaultKind};

/// The largest call, in bytes: an `apply` with some hundred organizations.
const CALL_LIMIT: usize = 8 * 1024 * 1024;

/// Where a backup streams from.
pub const BACKUP: &str = "/v1/backup";
/// Where the audit streams from.
pub const AUDIT_FOLLOW: &str = "/v1/audit-follow";

/// Every verb with its handler.
pub fn router(admin: Arc<Administration>) -> Router {
    let streams = Router::new().route(BACKUP, get(backup::stream)).route(AUDIT_FOLLOW, post(audit_stream::follow));
    Verbs { router: streams.with_state(Arc::clone(&admin)), admin }
        .on(status)
        .on(organization::create)
        .on(organization::list)
        .on(organization::show)
        .on(organization::set)
        .on(organization::delete)
        .on(sso::show)
        .on(sso::set)
        .on(sso::add_certificate)
        .on(sso::list_certificates)
        .on(sso::remove_certificate)
        .on(sso_metadata::refresh)
        .on(sso_metadata::forget)
        .on(sso_removal::remove)
        .on(sso::test)
        .on(domain::claim)
        .on(domain::verify)
        .on(domain::list)
        .on(domain::transfer)
        .on(domain::release)
        .on(link::code)
        .on(link::join)
        .on(link_preview::preview)
        .on(link::leave)
        .on(link::list)
        .on(user::add)
        .on(invite::invite)
        .on(user::list)
        .on(user::show)
        .on(user::set)
        .on(user::activate)
        .on(user::remove)
        .on(user::reset_password)
        .on(second_factor::reset)
        .on(team::create)
        .on(team::list)
        .on(team::show)
        .on(team::add)
        .on(team::remove)
        .on(team::rename)
        .on(team::set_role)
        .on(team::delete)
        .on(confirm::confirm)
        .on(console::link)
        .on(scim_token::issue)
        .on(scim_token::revoke)
        .on(session::list)
        .on(session::revoke)
        .on(explain::explain)
        .on(logins::list)
        .on(scim_log::list)
        .on(webhook::list)
        .on(webhook::dead)
        .on(webhook::retry)
        .on(webhook::test)
        .on(keys::rotate)
        .on(audit::list)
        .on(audit::verify)
        .on(apply)
        .on(check::check)
        .router
        .layer(DefaultBodyLimit::max(CALL_LIMIT))
}

struct Verbs {
    router: Router,
    admin: Arc<Administration>,
}

impl Verbs {
    /// Answers `POST /v1/<verb>` with `handler`.
    fn on<C: Call, F, Fut>(mut self, handler: F) -> Self
    where
        F: Fn(Arc<Administration>, C) -> Fut + Copy + Send + Sync + 'static,
        Fut: Future<Output = Result<C::Answer, Fault>> + Send,
    {
        let admin = Arc::clone(&self.admin);
        let answer = async move |body: Bytes| {
            let called = serde_json::from_slice::<C>(&body)
                .map_err(|error| Fault::plain(FaultKind::Invalid, format!("the call is not understood: {error}")));
            match called {
                Ok(call) => render(handler(Arc::clone(&admin), call).await),
                Err(fault) => render::<()>(Err(fault)),
            }
        };
        self.router = self.router.route(&format!("/v1/{}", C::VERB), post(answer));
        self
    }
}

/// The one place where this door renders a fault: the operator reads the detail.
fn render<T: serde::Serialize>(answer: Result<T, Fault>) -> Response {
    let (status, body) = match answer {
        Ok(answer) => (StatusCode::OK, serde_json::to_vec(&answer)),
        Err(fault) => {
            let status = StatusCode::from_u16(fault.kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            if status.is_server_error() {
                tracing::error!(error = fault.detail, "an administration call failed");
            }
            (status, serde_json::to_vec(&Refused { error: fault.detail }))
        }
    };
    match body {
        Ok(body) => (status, [(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn status(admin: Arc<Administration>, _: api::Status) -> Result<api::StatusView, Fault> {
    Ok(api::StatusView {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        public_url: admin.service_provider.base_url().to_owned(),
        started: admin.started.to_string(),
    })
}
