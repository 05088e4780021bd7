//! What the gate decides by, compiled from the settings once.

use std::net::IpAddr;
use std::sync::Arc;

use super::forwarded::TrustedProxies;
use super::headers::HeaderRules;
use super::host::Hosts;
use super::routes::Routes;
use super::settings::GateSettings;
use super::upstream::Upstream;
use crate::session::Sessions;

/// The settings in the form that requests are held against.
pub struct Rules {
    /// Who may go where.
    pub routes: Routes,
    /// What is dropped and written.
    pub headers: HeaderRules,
    /// The names that the gate answers to.
    pub hosts: Hosts,
    /// The apps behind, in the order of the configuration.
    pub upstreams: Vec<Arc<Upstream>>,
    /// Who is believed.
    pub trusted: TrustedProxies,
    /// `public_url` without a last `/`.
    pub public_url: String,
    /// The site's name for people: host, and port if it is not the usual one.
    pub site: String,
    /// Whether browsers see https.
    pub https: bool,
    /// Whether each request leaves a line in the log.
    pub access_log: bool,
}

impl Rules {
    /// Compiles the settings.
    ///
    /// # Errors
    /// A sentence about what can't be.
    pub fn new(settings: &GateSettings, sessions: &Sessions) -> Result<Self, String> {
        let names: Vec<&str> = settings.upstreams.iter().map(|upstream| upstream.name.as_str()).collect();
        if names.is_empty() {
            return Err("there is no [[upstream]]: at least one app must stand behind".to_owned());
        }
        let upstreams = settings
            .upstreams
            .iter()
            .map(|upstream| Upstream::new(upstream.clone(), sessions.audience(&upstream.audience)).map(Arc::new));
        Ok(Rules {
            routes: Routes::new(&settings.routes, &names)?,
            headers: HeaderRules::new(&settings.identity_headers)?,
            hosts: Hosts::new(&settings.public_url),
            upstreams: upstreams.collect::<Result<_, _>>()?,
            trusted: TrustedProxies::new(&settings.trusted_proxies),
            public_url: settings.public_url.as_str().trim_end_matches('/').to_owned(),
            site: site(&settings.public_url),
            https: settings.public_url.scheme() == "https",
            access_log: settings.access_log,
        })
    }

    /// Whether this peer is a trusted proxy.
    pub fn trusts(&self, peer: Option<IpAddr>) -> bool {
        peer.is_some_and(|peer| self.trusted.contains(peer))
    }
}

fn site(public_url: &url::Url) -> String {
    let host = public_url.host_str().unwrap_or_default();
    public_url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}
