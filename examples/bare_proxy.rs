//! A bare pingora proxy, for the load comparison: no gate, no sessions, the same profile and allocator as Vestibule.
//!
//! `bare_proxy LISTEN UPSTREAM [headers]`, both `address:port`; one worker thread. With `headers` it writes as many
//! headers of the same sizes as Vestibule writes about a signed-in person: what those cost by themselves.

use async_trait::async_trait;
use pingora::http::RequestHeader;
use pingora::prelude::{HttpPeer, Server, http_proxy_service};
use pingora::proxy::{ProxyHttp, Session};
use pingora::server::configuration::ServerConf;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What Vestibule writes: names, and the lengths of their values.
const HEADERS: [(&str, usize); 9] = [
    ("X-Forwarded-For", 9),
    ("X-Forwarded-Proto", 4),
    ("X-Forwarded-Host", 15),
    ("X-Vestibule-User", 36),
    ("X-Vestibule-Email", 16),
    ("X-Vestibule-Name", 14),
    ("X-Vestibule-Org", 4),
    ("X-Vestibule-Role", 6),
    ("X-Vestibule-Assertion", 600),
];

struct Bare {
    upstream: String,
    headers: Vec<(&'static str, String)>,
}

#[async_trait]
impl ProxyHttp for Bare {
    type CTX = ();

    fn new_ctx(&self) {}

    async fn upstream_peer(&self, _: &mut Session, (): &mut ()) -> pingora::Result<Box<HttpPeer>> {
        Ok(Box::new(HttpPeer::new(self.upstream.as_str(), false, String::new())))
    }

    async fn upstream_request_filter(
        &self,
        _: &mut Session,
        request: &mut RequestHeader,
        (): &mut (),
    ) -> pingora::Result<()> {
        for (name, value) in &self.headers {
            request.insert_header(*name, value.as_str())?;
        }
        Ok(())
    }
}

fn main() -> Result<(), String> {
    let mut arguments = std::env::args().skip(1);
    let (Some(listen), Some(upstream)) = (arguments.next(), arguments.next()) else {
        return Err("usage: bare_proxy LISTEN UPSTREAM [headers]".to_owned());
    };
    let told = arguments.next().is_some_and(|mode| mode == "headers");
    let headers = HEADERS.iter().filter(|_| told).map(|(name, length)| (*name, "x".repeat(*length))).collect();
    let conf = ServerConf { threads: 1, ..ServerConf::default() };
    let mut server = Server::new_with_opt_and_conf(None, conf);
    server.bootstrap();
    let mut service = http_proxy_service(&server.configuration, Bare { upstream, headers });
    service.add_tcp(&listen);
    server.add_service(service);
    server.run_forever()
}
