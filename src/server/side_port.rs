//! The side port's listener: connections in their number and their pace bounded, plain or TLS (S36).
//!
//! What a stranger can hold is one of [`CONNECTIONS`], for as long as a header may take.

use std::convert::Infallible;
use std::net::TcpListener as StdTcpListener;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use crate::proxy::TlsFiles;
use crate::proxy::tls::{Certificate, RELOAD_INTERVAL, Resolver};
use crate::scim::Peer;

/// How many connections there are at once; more wait to be accepted.
const CONNECTIONS: usize = 1024;
/// How long a TLS handshake may take.
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(10);
/// How long a request's header may take to arrive, the pause before it included.
const HEADER_PATIENCE: Duration = Duration::from_secs(30);
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
}

impl SidePort {
    /// What answers at `listener`, with a certificate if it speaks TLS.
    ///
    /// # Errors
    /// A sentence about a certificate that can't be used.
    pub fn new(listener: StdTcpListener, router: Router, tls: Option<TlsFiles>) -> Result<Self, String> {
        let certificate = tls.map(Certificate::open).transpose()?;
        Ok(SidePort { listener, router, certificate })
    }

    /// Serves until the process ends.
    pub async fn serve(self) -> std::io::Result<()> {
        let SidePort { listener, router, certificate } = self;
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
            () = accept(listener, router, acceptor) => Ok(()),
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

async fn accept(listener: TcpListener, router: Router, acceptor: Option<TlsAcceptor>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
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
        let _ = stream.set_nodelay(true);
        let (router, acceptor, peer) = (router.clone(), acceptor.clone(), Peer(address.ip()));
        tokio::spawn(async move {
            let _place = place;
            match acceptor {
                None => connection(stream, router, peer).await,
                Some(acceptor) => {
                    let handshake = tokio::time::timeout(HANDSHAKE_PATIENCE, acceptor.accept(stream)).await;
                    if let Ok(Ok(stream)) = handshake {
                        connection(stream, router, peer).await;
                    }
                }
            }
        });
    }
}

async fn connection(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, router: Router, peer: Peer) {
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let router = router.clone();
        async move {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(peer);
            let answered: Result<_, Infallible> = router.oneshot(request).await;
            answered
        }
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_PATIENCE)
        .max_buf_size(HEADER_BUFFER)
        .max_headers(HEADERS);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(HEADER_BUFFER).unwrap_or(u32::MAX))
        .max_concurrent_streams(STREAMS)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_PATIENCE);
    // However it ends, the client knows why: it broke off, or was too slow.
    let _ = builder.serve_connection(TokioIo::new(stream), service).await;
}
