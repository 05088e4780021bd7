//! The gate: pingora in front of the app. Every request is made canonical, decided on, and told who sends it.
//!
//! A request's way: [`limits`] (its form), [`path`] (one canonical path), [`host`], then Vestibule's own pages, or
//! [`routes`] and [`decide`] (pure), then [`headers`] (what the app is told) and the [`upstream`].

mod app;
mod context;
pub mod decide;
mod failure;
mod flow;
mod forward_auth;
pub mod forwarded;
mod gate;
mod guard;
pub mod headers;
pub mod host;
pub mod limits;
mod own;
mod pace;
mod pages;
pub mod path;
mod portal_service;
mod receiving;
pub mod routes;
mod rules;
pub mod settings;
mod sign_in;
mod streams;
pub mod tls;
mod upkeep;
pub mod upstream;

use std::sync::Arc;

use pingora::listeners::tls::TlsSettings;
use pingora::server::configuration::ServerConf;
use pingora::services::background::GenBackgroundService;
use pingora::services::listening::Service;

pub use app::GateApp;
pub use settings::{Access, GateSettings, IdentityFact, Protocol, RouteSettings, TlsFiles, UpstreamSettings};
pub use upkeep::Upkeep;

use receiving::Receiving;

use crate::kernel::Rng;
use crate::session::Sessions;

/// The gate's two services, to be added to pingora's server.
pub struct GateServices {
    /// The proxy listener.
    pub listener: Service<GateApp>,
    /// What goes on beside: health of the upstreams, the certificate's files, the change feed.
    pub upkeep: GenBackgroundService<Upkeep>,
}

/// Builds the gate. `portal` answers what is Vestibule's own; requests to it carry a [`crate::kernel::Client`].
///
/// # Errors
/// A sentence about what can't be: a route, a header name, a certificate file.
pub fn service(
    settings: &GateSettings,
    sessions: &Arc<Sessions>,
    portal: axum::Router,
    rng: Arc<dyn Rng>,
    conf: &Arc<ServerConf>,
) -> Result<GateServices, String> {
    let rules = Arc::new(rules::Rules::new(settings, sessions)?);
    let certificate = settings.tls.clone().map(tls::Certificate::open).transpose()?;
    let gate = gate::Gate {
        rules: Arc::clone(&rules),
        sessions: Arc::clone(sessions),
        portal,
        receiving: Receiving::default(),
        rng,
        counters: context::Counters::default(),
    };
    let proxy = pingora::proxy::http_proxy(conf, gate);
    let most = limits::connections(settings.open_files);
    if most < limits::CONNECTIONS {
        tracing::warn!(connections = most, "the process may open few files: raise that limit (LimitNOFILE, ulimit -n)");
    }
    let app = GateApp::new(proxy, Arc::clone(&rules), Arc::clone(sessions), certificate.is_none(), most);
    let mut listener = Service::new("gate".to_owned(), app);
    let address = settings.listen.to_string();
    match &certificate {
        None => listener.add_tcp(&address),
        Some(certificate) => {
            let mut tls = TlsSettings::intermediate("", "").map_err(|error| error.to_string())?;
            tls.set_cert_resolver(Arc::new(tls::Resolver(Arc::clone(certificate))));
            tls.enable_h2();
            listener.add_tls_with_settings(&address, None, tls);
        }
    }
    let upkeep = Upkeep { rules, certificate, sessions: Arc::clone(sessions) };
    Ok(GateServices { listener, upkeep: GenBackgroundService::new("gate upkeep".to_owned(), Arc::new(upkeep)) })
}
