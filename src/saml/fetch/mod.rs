//! Reads the metadata that an identity provider publishes, from an address that somebody typed: by https, bounded in size
//! and in time, and nothing at an address that is not public, unless the operator names the host (R52).
//!
//! Whoever runs an organization types the address, and this server asks: so it must not become their way to what only
//! this server reaches. The name is looked up once, every address that it has is judged, and the connection goes to these
//! addresses alone, past any proxy: a name that leads elsewhere a moment later leads nowhere. Each address that an answer
//! leads on to passes the same.

mod places;
mod turns;

use std::borrow::Cow;
use std::error::Error;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::header::{ACCEPT, LOCATION};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Response};
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use url::{Host, Url};

pub use places::is_public;
pub use turns::Asker;
use turns::Turns;

use super::error::shown;
use super::metadata::URL_LIMIT;
use super::prescan::MESSAGE_LIMIT;
use crate::kernel::{Explain, FaultKind};

/// How long a connection may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// How long all of it may take, from the name to the last byte.
const WITHIN: Duration = Duration::from_secs(10);
/// How often an answer may lead on to another address.
const REDIRECT_LIMIT: usize = 3;
/// What is asked for (SAML metadata §4.1.1).
const WANTED: &str = "application/samlmetadata+xml, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.1";

/// What the operator allows: nothing by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FetchSettings {
    /// Hosts, in lower case, each with the port that may be asked there wherever they are: an identity provider in a network
    /// of the operator's own.
    pub internal_hosts: Vec<(String, u16)>,
    /// PEM: the authorities that these hosts' certificates are of, instead of the system's.
    pub authorities: Option<Vec<u8>>,
}

/// Why there is no document, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each variant is told by its sentence")]
pub enum FetchError {
    #[error("the address {0} can't be used: it begins with https:// and a host's name, without user or fragment")]
    Url(String),
    #[error("{}", unreadable(.0))]
    NoSuchHost(String),
    #[error("{}", unreadable(.0))]
    Internal(String),
    #[error("{0} can't be reached")]
    Unreachable(String),
    #[error("the certificate of {0} can't be trusted, so nothing is read there")]
    Untrusted(String),
    #[error("{0} did not answer within {1:?}")]
    Slow(String, Duration),
    #[error("the answer of {0} broke off")]
    BrokenOff(String),
    #[error("{0} answers {1}: the address of the metadata itself is wanted, which opens without a sign-in")]
    Status(String, u16),
    #[error("what {0} sends is larger than {limit} KiB, so it was not read", limit = MESSAGE_LIMIT / 1024)]
    TooLarge(String),
    #[error("the address leads on to others more than {REDIRECT_LIMIT} times")]
    Redirects,
    #[error("too many addresses are being read just now: try again in a minute")]
    Busy,
    #[error("nothing can be read: {0}")]
    Ours(String),
}

/// The same whether there is no such host or an internal one: whoever types addresses doesn't learn which names there are.
fn unreadable(host: &str) -> String {
    format!(
        "{host} has no public address here: check the name, or hand the metadata in as a file; \
         the operator can name the host in `[saml] internal_hosts`"
    )
}

impl Explain for FetchError {
    fn kind(&self) -> FaultKind {
        match self {
            FetchError::Busy => FaultKind::TooMany,
            FetchError::Ours(_) => FaultKind::Internal,
            _ => FaultKind::Invalid,
        }
    }
    fn public(&self) -> Cow<'static, str> {
        match self {
            FetchError::Ours(_) => Cow::Borrowed("Something went wrong on this side. Please try again in a moment."),
            other => Cow::Owned(other.to_string()),
        }
    }
    fn detail(&self) -> String {
        self.to_string()
    }
}

/// Reads what stands at an address.
#[async_trait]
pub trait Documents: Send + Sync {
    /// The document at `url`, whole, for somebody.
    ///
    /// # Errors
    /// [`FetchError`].
    async fn read(&self, url: &str, asker: Asker) -> Result<Vec<u8>, FetchError>;
}

/// Finds the addresses of a host by its name.
#[async_trait]
pub trait Names: Send + Sync {
    /// All that there are.
    ///
    /// # Errors
    /// That there is no such host, or that it can't be found out.
    async fn addresses(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>>;
}

/// As the system finds them, its file of hosts included.
struct SystemNames;

#[async_trait]
impl Names for SystemNames {
    async fn addresses(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok(tokio::net::lookup_host((host, port)).await?.collect())
    }
}

/// Says of every name that it has the addresses that were judged, and no others.
struct Pinned(Vec<SocketAddr>);

impl Resolve for Pinned {
    fn resolve(&self, _: Name) -> Resolving {
        let addresses: Addrs = Box::new(self.0.clone().into_iter());
        Box::pin(std::future::ready(Ok(addresses)))
    }
}

/// Reads documents over the net.
pub struct Fetcher {
    internal_hosts: Vec<(String, u16)>,
    authorities: Vec<Certificate>,
    names: Arc<dyn Names>,
    within: Duration,
    turns: Turns,
}

impl Fetcher {
    /// One that reads what `settings` allow.
    ///
    /// # Errors
    /// A sentence for the operator, if the authorities are no certificates.
    pub fn new(settings: &FetchSettings) -> Result<Self, String> {
        let authorities = match &settings.authorities {
            Some(pem) => Certificate::from_pem_bundle(pem)
                .map_err(|error| format!("«ca» of [saml] holds a certificate that can't be read: {error}"))?,
            None => Vec::new(),
        };
        let fetcher = Fetcher {
            internal_hosts: settings.internal_hosts.clone(),
            authorities,
            names: Arc::new(SystemNames),
            within: WITHIN,
            turns: Turns::new(),
        };
        // Authorities are judged where they are used: so that a wrong one is known before.
        client(&fetcher.authorities, Vec::new()).map_err(|error| format!("«ca» of [saml] can't be used: {error}"))?;
        Ok(fetcher)
    }

    /// The same, with other names.
    #[must_use]
    pub fn with_names(self, names: Arc<dyn Names>) -> Self {
        Fetcher { names, ..self }
    }

    async fn follow(&self, mut url: Url) -> Result<Vec<u8>, FetchError> {
        for _ in 0..=REDIRECT_LIMIT {
            let host = host_of(&url);
            let answer = self.ask(&url, &host).await?;
            let status = answer.status();
            if status.is_success() {
                return body(answer, &host).await;
            }
            let next = answer.headers().get(LOCATION).filter(|_| status.is_redirection());
            let Some(next) = next else { return Err(FetchError::Status(host, status.as_u16())) };
            let next = next.to_str().ok().and_then(|next| url.join(next).ok());
            url = checked(next.ok_or_else(|| FetchError::Status(host, status.as_u16()))?)?;
        }
        Err(FetchError::Redirects)
    }

    /// Asks at one address, and follows to no other.
    async fn ask(&self, url: &Url, host: &str) -> Result<Response, FetchError> {
        let port = url.port_or_known_default().unwrap_or(443);
        let addresses = match url.host() {
            Some(Host::Ipv4(address)) => vec![SocketAddr::new(address.into(), port)],
            Some(Host::Ipv6(address)) => vec![SocketAddr::new(address.into(), port)],
            Some(Host::Domain(name)) => self.names.addresses(name, port).await.unwrap_or_default(),
            None => Vec::new(),
        };
        if addresses.is_empty() {
            return Err(FetchError::NoSuchHost(host.to_owned()));
        }
        let named = host.trim_end_matches('.');
        let internal = self.internal_hosts.iter().any(|(allowed, at)| allowed == named && *at == port);
        // One that is not public is enough: which of them answers is not ours to choose.
        if !internal && !addresses.iter().all(|address| is_public(address.ip())) {
            return Err(FetchError::Internal(host.to_owned()));
        }
        let judged: Vec<IpAddr> = addresses.iter().map(|address| address.ip().to_canonical()).collect();
        let authorities = if internal { self.authorities.clone() } else { Vec::new() };
        // It reads the system's authorities: nothing for the threads that serve.
        let client = spawn_blocking(move || client(&authorities, addresses)).await;
        let client = client.map_err(|error| FetchError::Ours(format!("TLS can't be set up: {error}")))??;
        let answer = client.get(url.clone()).header(ACCEPT, WANTED).send().await.map_err(|error| told(&error, host))?;
        match answer.remote_addr() {
            Some(reached) if judged.contains(&reached.ip().to_canonical()) => Ok(answer),
            _ => Err(FetchError::Internal(host.to_owned())),
        }
    }
}

/// A client of its own for each address: no connection that was made for one serves another. Without `authorities`, those
/// of the system are trusted.
fn client(authorities: &[Certificate], addresses: Vec<SocketAddr>) -> Result<Client, FetchError> {
    let agent = concat!("Vestibule/", env!("CARGO_PKG_VERSION"));
    let mut builder = Client::builder()
        .https_only(true)
        .no_proxy()
        .redirect(Policy::none())
        .referer(false)
        .dns_resolver(Arc::new(Pinned(addresses)))
        .connect_timeout(CONNECT_WITHIN)
        .user_agent(agent);
    if !authorities.is_empty() {
        builder = builder.tls_certs_only(authorities.iter().cloned());
    }
    builder.build().map_err(|error| FetchError::Ours(format!("TLS can't be set up: {error}")))
}

#[async_trait]
impl Documents for Fetcher {
    async fn read(&self, typed: &str, asker: Asker) -> Result<Vec<u8>, FetchError> {
        let url = checked_text(typed)?;
        let host = host_of(&url);
        let _turn = self.turns.take(asker, self.within).await.ok_or(FetchError::Busy)?;
        let read = timeout(self.within, self.follow(url)).await.unwrap_or(Err(FetchError::Slow(host, self.within)));
        match &read {
            Err(FetchError::NoSuchHost(host)) => tracing::info!(host, "metadata was asked for at a host that is none"),
            Err(FetchError::Internal(host)) => tracing::info!(host, "metadata was asked for at an internal address"),
            _ => {}
        }
        read
    }
}

/// Whether a text is meant as an address rather than as a file's name.
pub fn is_address(text: &str) -> bool {
    let scheme = |wanted: &str| text.get(..wanted.len()).is_some_and(|start| start.eq_ignore_ascii_case(wanted));
    scheme("https://") || scheme("http://")
}

/// An address as it is kept: https, with a host, without user, password or fragment.
///
/// # Errors
/// [`FetchError::Url`].
pub fn checked_text(typed: &str) -> Result<Url, FetchError> {
    let typed = typed.trim();
    let strange = |c: char| c.is_whitespace() || c.is_control() || c == '\\';
    if typed.len() > URL_LIMIT || typed.contains(strange) {
        return Err(FetchError::Url(shown(typed)));
    }
    checked(Url::parse(typed).map_err(|_| FetchError::Url(shown(typed)))?)
}

fn checked(url: Url) -> Result<Url, FetchError> {
    let bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    let fits = url.as_str().len() <= URL_LIMIT && url.port_or_known_default() != Some(0);
    if url.scheme() == "https" && url.has_host() && bare && fits {
        return Ok(url);
    }
    // No more of it: what an answer leads to may hold a key.
    Err(FetchError::Url(format!("{}://{}", url.scheme(), host_of(&url))))
}

fn host_of(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}

/// What is sent, up to the limit of all metadata.
async fn body(mut answer: Response, host: &str) -> Result<Vec<u8>, FetchError> {
    let too_large = || FetchError::TooLarge(host.to_owned());
    if answer.content_length().is_some_and(|length| length > MESSAGE_LIMIT as u64) {
        return Err(too_large());
    }
    let mut read = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| told(&error, host))? {
        if read.len() + chunk.len() > MESSAGE_LIMIT {
            return Err(too_large());
        }
        read.extend_from_slice(&chunk);
    }
    Ok(read)
}

/// Why there was no answer.
fn told(error: &reqwest::Error, host: &str) -> FetchError {
    let host = host.to_owned();
    if is_untrusted(error) {
        FetchError::Untrusted(host)
    } else if error.is_timeout() {
        FetchError::Slow(host, CONNECT_WITHIN)
    } else if error.is_connect() {
        FetchError::Unreachable(host)
    } else {
        FetchError::BrokenOff(host)
    }
}

/// Whether it was the certificate that could not be trusted.
fn is_untrusted(error: &(dyn Error + 'static)) -> bool {
    if let Some(tls) = error.downcast_ref::<rustls::Error>() {
        return matches!(tls, rustls::Error::InvalidCertificate(_));
    }
    // One that wraps another of the system's does not name it as its source.
    let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    let inner: Option<&(dyn Error + 'static)> = match wrapped {
        Some(inner) => Some(inner),
        None => error.source(),
    };
    inner.is_some_and(is_untrusted)
}

#[cfg(test)]
mod tests;
