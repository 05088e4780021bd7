//! The side port's listener: connections in their number and their pace bounded, plain or TLS (S36).
//!
//! What a stranger can hold is [`CONNECTIONS_OF_ONE`] of [`CONNECTIONS`], for as long as a header may take.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io::Cursor;
use std::net::{IpAddr, Ipv6Addr, TcpListener as StdTcpListener};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use crate::proxy::TlsFiles;
use crate::proxy::tls::{Certificate, RELOAD_INTERVAL, Resolver};
use crate::scim::Peer;

/// How many connections there are at once; more wait to be accepted.
const CONNECTIONS: usize = 1024;
/// How many of them one client address has at once; of IPv6, one network of 64 bits. More are closed. A proxy in front is
/// one client, too.
const CONNECTIONS_OF_ONE: usize = 512;
/// How long a TLS handshake may take.
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(10);
/// How long a request's header may take to arrive, the pause before it included.
const HEADER_PATIENCE: Duration = Duration::from_secs(30);
/// How long a connection may be without a request.
const IDLE_PATIENCE: Duration = Duration::from_secs(90);
/// What an HTTP/2 connection begins with (RFC 9113 §3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The most that hyper holds of a header, in bytes: above the limits that are answered in SCIM's words.
const HEADER_BUFFER: usize = 128 * 1024;
/// The most headers of a request.
const HEADERS: usize = 100;
/// How many HTTP/2 requests one connection may have at once.
const STREAMS: u32 = 64;
/// How often, and how long, a silent HTTP/2 connection is asked whether it is there.
const PING_EVERY: Duration = Duration::from_secs(30);
const PING_PATIENCE: Duration = Duration::from_secs(20);
/// The pause after a connection could not be accepted: files may have run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// The side port, open and not yet served.
pub struct SidePort {
    listener: StdTcpListener,
    router: Router,
    certificate: Option<Arc<Certificate>>,
    bounds: Bounds,
}

/// What connections may take of it.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    connections: usize,
    connections_of_one: usize,
    handshake: Duration,
    header: Duration,
    idle: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Bounds {
            connections: CONNECTIONS,
            connections_of_one: CONNECTIONS_OF_ONE,
            handshake: HANDSHAKE_PATIENCE,
            header: HEADER_PATIENCE,
            idle: IDLE_PATIENCE,
        }
    }
}

impl SidePort {
    /// What answers at `listener`, with a certificate if it speaks TLS.
    ///
    /// # Errors
    /// A sentence about a certificate that can't be used.
    pub fn new(listener: StdTcpListener, router: Router, tls: Option<TlsFiles>) -> Result<Self, String> {
        let certificate = tls.map(Certificate::open).transpose()?;
        Ok(SidePort { listener, router, certificate, bounds: Bounds::default() })
    }

    /// Serves until the process ends.
    pub async fn serve(self) -> std::io::Result<()> {
        let SidePort { listener, router, certificate, bounds } = self;
        let listener = TcpListener::from_std(listener)?;
        let acceptor = certificate.as_ref().map(acceptor);
        let reload = async {
            loop {
                tokio::time::sleep(RELOAD_INTERVAL).await;
                if let Some(certificate) = &certificate {
                    certificate.look();
                }
            }
        };
        tokio::select! {
            () = accept(listener, router, acceptor, bounds) => Ok(()),
            () = reload => Ok(()),
        }
    }
}

fn acceptor(certificate: &Arc<Certificate>) -> TlsAcceptor {
    let resolver = Arc::new(Resolver(Arc::clone(certificate)));
    let mut config = rustls::ServerConfig::builder().with_no_client_auth().with_cert_resolver(resolver);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

/// How many connections each client address has.
#[derive(Default)]
struct Clients(Mutex<BTreeMap<IpAddr, usize>>);

/// A connection that is counted, until it is dropped.
struct Counted {
    clients: Arc<Clients>,
    client: IpAddr,
}

impl Clients {
    /// Counts one more of this address, if it may have one more.
    fn enter(self: &Arc<Self>, address: IpAddr, limit: usize) -> Option<Counted> {
        let client = network(address);
        let mut counts = self.0.lock();
        let count = counts.entry(client).or_default();
        if *count >= limit {
            return None;
        }
        *count += 1;
        Some(Counted { clients: Arc::clone(self), client })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut counts = self.clients.0.lock();
        if let Some(count) = counts.get_mut(&self.client) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.client);
            }
        }
    }
}

/// Whom an address belongs to: in IPv6, one client has a network of 64 bits.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        address @ IpAddr::V4(_) => address,
    }
}

async fn accept(listener: TcpListener, router: Router, acceptor: Option<TlsAcceptor>, bounds: Bounds) {
    let places = Arc::new(Semaphore::new(bounds.connections));
    let clients = Arc::new(Clients::default());
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let (stream, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection to the side port can't be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Some(counted) = clients.enter(address.ip(), bounds.connections_of_one) else { continue };
        let _ = stream.set_nodelay(true);
        let (router, acceptor, peer) = (router.clone(), acceptor.clone(), Peer(address.ip()));
        tokio::spawn(async move {
            let _held = (place, counted);
            match acceptor {
                None => connection(stream, router, peer, bounds).await,
                Some(acceptor) => {
                    let handshake = tokio::time::timeout(bounds.handshake, acceptor.accept(stream)).await;
                    if let Ok(Ok(stream)) = handshake {
                        connection(stream, router, peer, bounds).await;
                    }
                }
            }
        });
    }
}

/// What was read of a connection to see what it speaks.
struct Begun {
    bytes: Vec<u8>,
    http2: bool,
}

/// Reads until it is clear whether a connection is HTTP/2; none if it ends before. Over TLS this is what ALPN chose, or
/// the client errs and is answered as it asks.
async fn begun(stream: &mut (impl AsyncRead + Unpin)) -> Option<Begun> {
    let mut bytes = Vec::with_capacity(PREFACE.len());
    while bytes.len() < PREFACE.len() && PREFACE.starts_with(&bytes) {
        let wanted = PREFACE.len() - bytes.len();
        if (&mut *stream).take(wanted as u64).read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    Some(Begun { http2: bytes == PREFACE, bytes })
}

/// The requests of a connection that are being answered, and since when there is none.
struct Requests {
    open: usize,
    since: Instant,
}

/// A request that is being answered.
struct Open(Arc<Mutex<Requests>>);

impl Open {
    fn of(requests: &Arc<Mutex<Requests>>) -> Self {
        requests.lock().open += 1;
        Open(Arc::clone(requests))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut requests = self.0.lock();
        requests.open -= 1;
        requests.since = Instant::now();
    }
}

/// Waits until a connection was without a request for as long as it may be.
async fn idle(requests: &Mutex<Requests>, patience: Duration) {
    loop {
        let until = {
            let requests = requests.lock();
            let since = if requests.open > 0 { Instant::now() } else { requests.since };
            since + patience
        };
        if until <= Instant::now() {
            return;
        }
        tokio::time::sleep_until(until).await;
    }
}

async fn connection(
    mut stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    peer: Peer,
    bounds: Bounds,
) {
    // hyper would wait for what tells the version without end.
    let Ok(Some(begun)) = tokio::time::timeout(bounds.header, begun(&mut stream)).await else { return };
    let requests = Arc::new(Mutex::new(Requests { open: 0, since: Instant::now() }));
    let counted = Arc::clone(&requests);
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let (router, open) = (router.clone(), Open::of(&counted));
        async move {
            let _open = open;
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(peer);
            let answered: Result<_, Infallible> = router.oneshot(request).await;
            answered
        }
    });
    let (read, write) = tokio::io::split(stream);
    let http2 = begun.http2;
    let stream = tokio::io::join(Cursor::new(begun.bytes).chain(read), write);
    let builder = builder(http2, bounds);
    let mut served = pin!(builder.serve_connection(TokioIo::new(stream), service));
    // However it ends, the client knows why: it broke off, or was too slow.
    tokio::select! {
        _ = served.as_mut() => return,
        () = idle(&requests, bounds.idle) => {}
    }
    served.as_mut().graceful_shutdown();
    let _ = tokio::time::timeout(bounds.header, served).await;
}

fn builder(http2: bool, bounds: Bounds) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.header)
        .max_buf_size(HEADER_BUFFER)
        .max_headers(HEADERS);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(HEADER_BUFFER).unwrap_or(u32::MAX))
        .max_concurrent_streams(STREAMS)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_PATIENCE);
    if http2 { builder.http2_only() } else { builder.http1_only() }
}

#[cfg(test)]
#[path = "side_port_tests.rs"]
mod tests;
