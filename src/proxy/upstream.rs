//! The apps behind: several addresses each, taken in turn, those that don't answer left out until they do.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use pingora::protocols::ALPN;
use pingora::upstreams::peer::HttpPeer;
use pingora::utils::tls::{WrappedX509, parse_x509};
use tokio::net::TcpStream;

use super::limits;
use super::settings::{Protocol, UpstreamSettings};
use crate::session::Audience;

/// How often each address is looked at and names are resolved again.
pub const HEALTH_INTERVAL: Duration = Duration::from_secs(5);
/// How long an address has to accept a connection when it is looked at.
const HEALTH_TIME: Duration = Duration::from_secs(2);
/// How many streams share one HTTP/2 connection to an upstream.
const H2_STREAMS: usize = 100;

/// An address of an upstream.
#[derive(Debug)]
pub struct Target {
    address: SocketAddr,
    host: String,
    answers: AtomicBool,
    peer: HttpPeer,
}

impl Target {
    fn set_answers(&self, answers: bool, upstream: &str) {
        if self.answers.swap(answers, Ordering::Relaxed) != answers {
            let state = if answers { "answers again" } else { "does not answer" };
            tracing::warn!(upstream, address = %self.address, "an upstream address {state}");
        }
    }
}

/// An app behind.
pub struct Upstream {
    settings: UpstreamSettings,
    authorities: Option<Arc<[WrappedX509]>>,
    /// The audience of its assertions.
    pub audience: Audience,
    targets: ArcSwap<Vec<Arc<Target>>>,
    next: AtomicUsize,
}

impl Upstream {
    /// An upstream of these settings. A name that does not resolve yet is tried again later.
    ///
    /// # Errors
    /// A sentence about the file of authorities.
    pub fn new(settings: UpstreamSettings, audience: Audience) -> Result<Self, String> {
        let authorities = settings.ca.as_deref().map(read_authorities).transpose()?;
        let upstream =
            Upstream { settings, authorities, audience, targets: ArcSwap::default(), next: AtomicUsize::new(0) };
        for name in ["vestibule_upstream_errors_total", "vestibule_upstream_connect_failures_total"] {
            metrics::counter!(name, "upstream" => upstream.settings.name.clone()).increment(0);
        }
        let mut found = Vec::new();
        for (host, port) in &upstream.settings.addresses {
            match std::net::ToSocketAddrs::to_socket_addrs(&(host.as_str(), *port)) {
                Ok(addresses) => found.extend(addresses.map(|address| (host.clone(), address))),
                Err(error) => {
                    tracing::warn!(upstream = upstream.settings.name, host, %error, "a name does not resolve");
                }
            }
        }
        upstream.take(found);
        Ok(upstream)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// Whether it is spoken to over HTTP/2.
    pub fn speaks_h2(&self) -> bool {
        self.settings.protocol.is_h2()
    }

    /// Takes over what the names resolve to now, keeping what is known of addresses that stay.
    fn take(&self, found: Vec<(String, SocketAddr)>) {
        let old = self.targets.load();
        let mut new: Vec<Arc<Target>> = Vec::new();
        for (host, address) in found {
            if new.iter().any(|target| target.address == address) {
                continue;
            }
            let kept = old.iter().find(|target| target.address == address && target.host == host);
            new.push(kept.map_or_else(|| Arc::new(self.target(host, address)), Arc::clone));
        }
        if new.len() != old.len() || new.iter().zip(old.iter()).any(|(new, old)| !Arc::ptr_eq(new, old)) {
            self.targets.store(Arc::new(new));
        }
    }

    fn target(&self, host: String, address: SocketAddr) -> Target {
        let protocol = self.settings.protocol;
        let name = self.settings.server_name.clone().unwrap_or_else(|| host.clone());
        let mut peer = HttpPeer::new(address, protocol.is_tls(), if protocol.is_tls() { name } else { String::new() });
        let options = &mut peer.options;
        options.connection_timeout = Some(limits::CONNECT_TIME);
        options.total_connection_timeout = Some(limits::CONNECT_TIME);
        options.read_timeout = Some(limits::UPSTREAM_SILENCE);
        options.write_timeout = Some(limits::WRITE_SILENCE);
        options.idle_timeout = Some(limits::UPSTREAM_IDLE);
        options.alpn = if protocol.is_h2() { ALPN::H2 } else { ALPN::H1 };
        options.ca.clone_from(&self.authorities);
        if protocol.is_h2() {
            options.max_h2_streams = H2_STREAMS;
            options.h2_ping_interval = Some(limits::UPSTREAM_IDLE);
        }
        Target { address, host, answers: AtomicBool::new(true), peer }
    }

    /// The next address in turn that answers; if none does, the next one all the same. `None` if there is none at all.
    pub fn pick(&self) -> Option<Arc<Target>> {
        let targets = self.targets.load();
        let start = self.next.fetch_add(1, Ordering::Relaxed);
        let in_turn = || (0..targets.len()).map(|step| &targets[start.wrapping_add(step) % targets.len()]);
        in_turn().find(|target| target.answers.load(Ordering::Relaxed)).or_else(|| in_turn().next()).cloned()
    }

    /// How many addresses there are.
    pub fn count(&self) -> usize {
        self.targets.load().len()
    }

    /// Marks an address that did not accept a connection.
    pub fn failed(&self, target: &Target) {
        metrics::counter!("vestibule_upstream_connect_failures_total", "upstream" => self.settings.name.clone())
            .increment(1);
        target.set_answers(false, &self.settings.name);
    }

    /// Resolves the names again and looks at each address.
    pub async fn look(&self) {
        let mut found = Vec::new();
        for (host, port) in &self.settings.addresses {
            if let Ok(addresses) = tokio::net::lookup_host((host.as_str(), *port)).await {
                found.extend(addresses.map(|address| (host.clone(), address)));
            } else {
                // The resolver may be down: what was known stays.
                let targets = self.targets.load();
                let known = targets.iter().filter(|target| target.host == *host);
                found.extend(known.map(|target| (host.clone(), target.address)));
            }
        }
        self.take(found);
        let targets = self.targets.load_full();
        let looks = targets.iter().map(|target| async {
            let connected = tokio::time::timeout(HEALTH_TIME, TcpStream::connect(target.address)).await;
            target.set_answers(matches!(connected, Ok(Ok(_))), &self.settings.name);
        });
        futures_util::future::join_all(looks).await;
    }
}

impl Target {
    /// What pingora connects to. To a stream that was announced it may be silent for long: [`super::pace`] sees to it
    /// that it begins its answer.
    pub fn peer(&self, announced: bool) -> Box<HttpPeer> {
        let mut peer = Box::new(self.peer.clone());
        if announced {
            peer.options.read_timeout = Some(limits::STREAM_SILENCE);
        }
        peer
    }
}

impl UpstreamSettings {
    /// An upstream at `addresses`, spoken to over plain HTTP/1.1.
    pub fn plain(name: &str, addresses: Vec<(String, u16)>) -> Self {
        UpstreamSettings {
            name: name.to_owned(),
            addresses,
            protocol: Protocol::Http,
            audience: name.to_owned(),
            server_name: None,
            ca: None,
        }
    }
}

fn read_authorities(path: &Path) -> Result<Arc<[WrappedX509]>, String> {
    let wrong = |reason: String| format!("the authorities in {}: {reason}", path.display());
    let text = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
    let mut found = Vec::new();
    for block in x509_parser::pem::Pem::iter_from_buffer(&text) {
        let block = block.map_err(|error| wrong(error.to_string()))?;
        if let Err(error) = block.parse_x509() {
            return Err(wrong(error.to_string()));
        }
        found.push(WrappedX509::new(block.contents.clone(), parse_x509));
    }
    if found.is_empty() { Err(wrong("there is no certificate in it".to_owned())) } else { Ok(found.into()) }
}
