//! The configuration in the gate's words, and the gate's routes in the words of `explain`.

use std::borrow::Cow;

use url::Url;

use crate::administration::explain::{RouteDecision, RouteExplainer, Visitor};
use crate::config;
use crate::config::Config;
use crate::kernel::{Fault, FaultKind, Role, Slug};
use crate::proxy::routes::Routes;
use crate::proxy::{Access, GateSettings, IdentityFact, Protocol, RouteSettings, TlsFiles, UpstreamSettings, path};
use crate::session::team_key;

/// What the gate needs of the configuration.
pub fn settings(config: &Config) -> GateSettings {
    GateSettings {
        listen: config.listen.proxy,
        tls: config.listen.tls.clone().map(|config::TlsFiles { certificate, key }| TlsFiles { certificate, key }),
        public_url: config.public_url.clone(),
        trusted_proxies: config.trusted_proxies.clone(),
        upstreams: config.upstreams.iter().cloned().map(upstream).collect(),
        routes: config.routes.iter().cloned().map(route).collect(),
        identity_headers: config.identity_headers.iter().flat_map(|(fact, names)| further(fact, names)).collect(),
        access_log: true,
        open_files: config::open_files(),
    }
}

fn upstream(upstream: config::Upstream) -> UpstreamSettings {
    // Destructured whole, so that a new key can't be forgotten.
    let config::Upstream { name, addresses, protocol, audience, server_name, ca } = upstream;
    let protocol = match protocol {
        config::UpstreamProtocol::Http => Protocol::Http,
        config::UpstreamProtocol::Https => Protocol::Https,
        config::UpstreamProtocol::H2c => Protocol::H2c,
        config::UpstreamProtocol::H2 => Protocol::H2,
    };
    let addresses = addresses.into_iter().map(|address| (address.host, address.port)).collect();
    UpstreamSettings { name, addresses, protocol, audience, server_name, ca }
}

fn route(route: config::Route) -> RouteSettings {
    let config::Route { path, access, max_age, upstream } = route;
    let access = match access {
        config::Access::Public => Access::Public,
        config::Access::SignedIn => Access::SignedIn,
        config::Access::Only { orgs, roles, teams } => Access::Only { orgs, roles, teams },
    };
    RouteSettings { path, access, max_age, upstream }
}

fn further(fact: &str, names: &[String]) -> Vec<(String, IdentityFact)> {
    let facts = config::FACTS.iter().zip(IdentityFact::ALL);
    let found = facts.filter(|(name, _)| **name == fact).map(|(_, fact)| fact);
    found.flat_map(|fact| names.iter().map(move |name| (name.clone(), fact))).collect()
}

/// Asks the gate's own routes what they decide.
pub struct Explainer {
    routes: Routes,
    upstreams: Vec<String>,
    public_url: Url,
}

impl Explainer {
    /// Over the routes of the gate.
    ///
    /// # Errors
    /// A sentence that names a route that can't be.
    pub fn new(gate: &GateSettings) -> Result<Self, String> {
        let names: Vec<&str> = gate.upstreams.iter().map(|upstream| upstream.name.as_str()).collect();
        let routes = Routes::new(&gate.routes, &names)?;
        let upstreams = gate.upstreams.iter().map(|upstream| upstream.name.clone()).collect();
        Ok(Explainer { routes, upstreams, public_url: gate.public_url.clone() })
    }

    /// The path of a URL of this site, as it would arrive.
    fn path(&self, asked: &str) -> Result<String, Fault> {
        let refuse = |text: String| Fault::plain(FaultKind::Invalid, text);
        let path = if asked.starts_with('/') {
            asked.split(['?', '#']).next().unwrap_or_default().to_owned()
        } else {
            let url = Url::parse(asked)
                .map_err(|_| refuse(format!("«{asked}» is neither a URL nor a path such as /reports")))?;
            if url.origin() != self.public_url.origin() {
                return Err(refuse(format!("{asked} is not of this site, which is {}", self.public_url)));
            }
            url.path().to_owned()
        };
        path::canonical(&path)
            .map(Cow::into_owned)
            .map_err(|error| refuse(format!("{asked}: the gate refuses this path: {error}")))
    }
}

impl RouteExplainer for Explainer {
    fn explain(&self, url: &str, member: Option<&Visitor>) -> Result<RouteDecision, Fault> {
        let path = self.path(url)?;
        if path == "/.vestibule" || path.starts_with("/.vestibule/") {
            let route = format!("{path} is the portal's own: it is open to all");
            return Ok(RouteDecision { route, allowed: true, public: true });
        }
        let found = self.routes.find(&path);
        let found = found
            .map_err(|error| Fault::plain(FaultKind::Invalid, format!("{url}: the gate refuses this path: {error}")))?;
        let upstream = self.upstreams.get(found.upstream).map_or("", String::as_str);
        let (who, allowed, public) = match &found.access {
            Access::Public => ("open to all".to_owned(), true, true),
            Access::SignedIn => ("for everyone with a session".to_owned(), member.is_some(), false),
            Access::Only { orgs, roles, teams } => {
                let fits = member.is_some_and(|Visitor { slug, role, teams: held }| {
                    (orgs.is_empty() || orgs.contains(slug))
                        && (roles.is_empty() || roles.contains(role))
                        && (teams.is_empty() || held.iter().any(|team| teams.contains(&team_key(team))))
                });
                (format!("for {} alone", told(orgs, roles, teams)), fits, false)
            }
        };
        let pattern = found.pattern();
        let second = found.max_age.map_or_else(String::new, |max_age| {
            format!(", with a second factor of the last {} minutes", max_age.as_secs().div_ceil(60))
        });
        let route = format!("{path} falls under {pattern}: {who}{second}; {upstream} answers");
        Ok(RouteDecision { route, allowed, public })
    }
}

fn told(orgs: &[Slug], roles: &[Role], teams: &[String]) -> String {
    let join = |texts: Vec<String>| texts.join(" or ");
    let mut parts = Vec::new();
    if !roles.is_empty() {
        parts.push(format!("role {}", join(roles.iter().map(ToString::to_string).collect())));
    }
    if !orgs.is_empty() {
        parts.push(format!("members of {}", join(orgs.iter().map(ToString::to_string).collect())));
    }
    if !teams.is_empty() {
        parts.push(format!("teams {}", join(teams.to_vec())));
    }
    parts.join(", ")
}
