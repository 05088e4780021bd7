//! What goes on beside the requests: the change feed is followed, upstreams are looked at, certificates reloaded.

use std::sync::Arc;

use async_trait::async_trait;
use pingora::server::ShutdownWatch;
use pingora::services::background::BackgroundService;

use super::rules::Rules;
use super::tls::{Certificate, RELOAD_INTERVAL};
use super::upstream::HEALTH_INTERVAL;
use crate::session::Sessions;

/// The gate's background work.
pub struct Upkeep {
    pub(super) rules: Arc<Rules>,
    pub(super) certificate: Option<Arc<Certificate>>,
    pub(super) sessions: Arc<Sessions>,
}

#[async_trait]
impl BackgroundService for Upkeep {
    async fn start(&self, mut shutdown: ShutdownWatch) {
        let upstreams = async {
            loop {
                futures_util::future::join_all(self.rules.upstreams.iter().map(|upstream| upstream.look())).await;
                tokio::time::sleep(HEALTH_INTERVAL).await;
            }
        };
        let certificate = async {
            loop {
                tokio::time::sleep(RELOAD_INTERVAL).await;
                if let Some(certificate) = &self.certificate {
                    certificate.look();
                }
            }
        };
        tokio::select! {
            () = upstreams => {}
            () = certificate => {}
            // The feed may be unheard for longer than the grace of a shutdown lasts.
            () = async { self.sessions.follow().await; std::future::pending().await } => {}
            _ = shutdown.changed() => {}
        }
    }
}
