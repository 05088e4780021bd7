//! The gate as pingora serves it: pingora's proxy, with limits on connections and a watcher on each.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use pingora::apps::{HttpServerApp, HttpServerOptions, ReusedHttpStream, ServerApp};
use pingora::protocols::Stream;
use pingora::protocols::http::ServerSession;
use pingora::protocols::http::v2::server::{H2Options, default_h2_options};
use pingora::proxy::HttpProxy;
use pingora::server::ShutdownWatch;

use super::gate::Gate;
use super::guard::{self, Ended};
use super::limits;
use super::rules::Rules;
use crate::session::Sessions;

/// The app of the proxy listener: limits how long a connection may take to begin.
pub struct GateApp {
    http: Arc<GateHttp>,
    open: AtomicUsize,
    most: usize,
}

/// Counts an open connection for as long as it lives.
struct Counted<'a>(&'a AtomicUsize);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The same, once a connection speaks HTTP.
struct GateHttp {
    proxy: Arc<HttpProxy<Gate>>,
    rules: Arc<Rules>,
    sessions: Arc<Sessions>,
    options: HttpServerOptions,
}

impl GateApp {
    /// Wraps pingora's proxy. `h2c`: whether HTTP/2 in the clear is spoken. `most`: how many connections are open at once.
    pub fn new(proxy: HttpProxy<Gate>, rules: Arc<Rules>, sessions: Arc<Sessions>, h2c: bool, most: usize) -> Self {
        let mut options = HttpServerOptions::default();
        options.h2c = h2c;
        options.keepalive_request_limit = Some(limits::REQUESTS_A_CONNECTION);
        options.h2_idle_timeout = Some(limits::NEXT_HEADER_TIME);
        let http = Arc::new(GateHttp { proxy: Arc::new(proxy), rules, sessions, options });
        GateApp { http, open: AtomicUsize::new(0), most }
    }
}

/// What pingora calls a connection that is kept for as long as it likes: how long that is, the watcher decides.
const WITHOUT_TIMER: u64 = 0;

/// Leaves a word on why a request was ended.
fn tell(ended: Ended) {
    match ended {
        Ended::Idle => {}
        Ended::SlowHeader => metrics::counter!("vestibule_slow_headers_total").increment(1),
        Ended::Late => metrics::counter!("vestibule_slow_bodies_total").increment(1),
        Ended::Session(of) => {
            metrics::counter!("vestibule_streams_ended_total").increment(1);
            tracing::info!(user = %of.user, session = %of.id, "an open stream ended with its session");
        }
        Ended::Rule(of) => {
            metrics::counter!("vestibule_streams_ended_total").increment(1);
            tracing::info!(user = %of.user, session = %of.id, "an open stream ended: its route is not theirs any more");
        }
    }
}

#[async_trait]
impl ServerApp for GateApp {
    async fn process_new(self: &Arc<Self>, session: Stream, shutdown: &ShutdownWatch) -> Option<Stream> {
        let open = self.open.fetch_add(1, Ordering::Relaxed);
        let _counted = Counted(&self.open);
        if open >= self.most {
            metrics::counter!("vestibule_connections_refused_total").increment(1);
            return None;
        }
        let (http, time) = (&self.http, limits::FIRST_HEADER_TIME);
        match guard::guarded(&http.sessions, &http.rules.routes, Some(time), http.process_new(session, shutdown)).await
        {
            Ok(reused) => reused,
            Err(ended) => {
                tell(ended);
                None
            }
        }
    }

    async fn cleanup(&self) {
        self.http.http_cleanup().await;
    }
}

#[async_trait]
impl HttpServerApp for GateHttp {
    async fn process_new_http(
        self: &Arc<Self>,
        mut session: ServerSession,
        shutdown: &ShutdownWatch,
    ) -> Option<ReusedHttpStream> {
        let first_or_next = guard::awaits_header(limits::NEXT_HEADER_TIME);
        let serve = |session| self.proxy.process_new_http(session, shutdown);
        if first_or_next {
            // Over HTTP/1.1 this runs in the connection's own task, which has a watcher: its timer is the only one.
            if session.get_keepalive().is_some() {
                session.set_keepalive(Some(WITHOUT_TIMER));
            }
            return serve(session).await;
        }
        match guard::guarded(&self.sessions, &self.rules.routes, None, serve(session)).await {
            Ok(reused) => reused,
            Err(ended) => {
                tell(ended);
                None
            }
        }
    }

    fn h2_options(&self) -> Option<H2Options> {
        guard::handshake_begins();
        let mut options = default_h2_options();
        options.max_header_list_size(u32::try_from(limits::HEADER_LIMIT).unwrap_or(u32::MAX));
        options.max_concurrent_streams(limits::H2_STREAMS);
        Some(options)
    }

    fn server_options(&self) -> Option<&HttpServerOptions> {
        // pingora asks for these once more when the handshake is done: from then on the idle limit holds.
        guard::handshake_is_done();
        Some(&self.options)
    }

    async fn http_cleanup(&self) {
        self.proxy.http_cleanup().await;
    }
}
