//! What runs beside the gate: the admin socket, the ops listener, the sweeper, automatic exports, the mail, the
//! webhooks, the looks at domains, certificates and metadata.

use std::net::TcpListener as StdTcpListener;
use std::os::unix::net::UnixListener as StdUnixListener;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use metrics_exporter_prometheus::PrometheusHandle;
use parking_lot::Mutex;
use pingora::server::ShutdownWatch;
use pingora::services::background::BackgroundService;
use tokio::net::{TcpListener, UnixListener};

use super::side_port::SidePort;
use crate::administration::{Administration, sso_metadata};
use crate::kernel::Clock;
use crate::mail::Mailer;
use crate::proof::Proof;
use crate::saml::expiry::Expiry;
use crate::scim::ScimServer;
use crate::store::{ExportSchedule, Store, export_if_due};
use crate::webhook::Courier;

/// How often rows whose time is over are removed.
const SWEEP_EVERY: Duration = Duration::from_secs(60);
/// How often it is looked whether an export is due.
const EXPORT_LOOK_EVERY: Duration = Duration::from_secs(5 * 60);
/// How often metrics are tidied.
const METRICS_EVERY: Duration = Duration::from_secs(5);
/// The time between two automatic exports.
pub const EXPORT_EVERY: Duration = Duration::from_secs(6 * 3600);
/// How many automatic exports are kept: a week of them.
pub const EXPORTS_KEPT: usize = 28;

/// A listener of the house with what answers there.
pub enum Door {
    /// The admin socket.
    Admin(StdUnixListener, Router),
    /// The side port.
    Side(SidePort),
    /// The ops listener, or one of the demo.
    Tcp(StdTcpListener, Router),
}

/// The house.
pub struct House {
    /// Taken when it starts.
    pub doors: Mutex<Vec<Door>>,
    /// The data.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Sends the mail; `None`: none is sent.
    pub mailer: Option<Arc<Mailer>>,
    /// Sends the webhooks.
    pub courier: Arc<Courier>,
    /// When exports are made.
    pub exports: Option<ExportSchedule>,
    /// The SCIM server, whose lists of people follow the store, and whose log is written.
    pub scim: Arc<ScimServer>,
    /// Looks at claimed domains.
    pub proof: Arc<Proof>,
    /// Looks at certificates.
    pub expiry: Expiry,
    /// Reads identity providers' metadata again.
    pub admin: Arc<Administration>,
    /// The metrics.
    pub metrics: PrometheusHandle,
}

#[async_trait]
impl BackgroundService for House {
    async fn start(&self, mut shutdown: ShutdownWatch) {
        let doors = std::mem::take(&mut *self.doors.lock());
        let doors = futures_util::future::join_all(doors.into_iter().map(serve));
        tokio::select! {
            _ = doors => {}
            () = self.sweep() => {}
            () = self.export() => {}
            () = self.send_mail() => {}
            () = self.courier.run() => {}
            () = self.proof.keep_proved() => {}
            () = self.expiry.keep_watch() => {}
            () = sso_metadata::keep_fresh(&self.admin) => {}
            () = self.scim.rosters().follow() => {}
            () = self.scim.keep_log() => {}
            () = self.tidy_metrics() => {}
            _ = shutdown.changed() => {}
        }
        if let Err(error) = self.courier.stop().await {
            tracing::warn!(%error, "the next server has to wait a moment before it sends webhooks");
        }
        if let Err(error) = self.scim.write_log().await {
            tracing::warn!(%error, "the last SCIM requests could not be written to the log");
        }
    }
}

async fn serve(door: Door) {
    let served = match door {
        Door::Admin(listener, router) => match UnixListener::from_std(listener) {
            Ok(listener) => axum::serve(listener, router).await,
            Err(error) => Err(error),
        },
        Door::Side(side) => side.serve().await,
        Door::Tcp(listener, router) => match TcpListener::from_std(listener) {
            Ok(listener) => axum::serve(listener, router).await,
            Err(error) => Err(error),
        },
    };
    if let Err(error) = served {
        tracing::error!(%error, "a listener stopped");
    }
}

impl House {
    async fn sweep(&self) {
        loop {
            tokio::time::sleep(SWEEP_EVERY).await;
            match self.store.sweep().await {
                Ok(0) => {}
                Ok(count) => tracing::debug!(count, "removed rows whose time was over"),
                Err(error) => tracing::error!(%error, "rows whose time is over can't be removed"),
            }
        }
    }

    async fn export(&self) {
        let Some(schedule) = &self.exports else {
            return std::future::pending().await;
        };
        loop {
            match export_if_due(&**self.store.backend(), schedule, self.clock.now()).await {
                Ok(None) => {}
                Ok(Some(path)) => tracing::info!(path = %path.display(), "exported the store"),
                Err(error) => tracing::error!(%error, "the store can't be exported"),
            }
            tokio::time::sleep(EXPORT_LOOK_EVERY).await;
        }
    }

    async fn send_mail(&self) {
        match &self.mailer {
            Some(mailer) => mailer.run().await,
            None => std::future::pending().await,
        }
    }

    async fn tidy_metrics(&self) {
        loop {
            tokio::time::sleep(METRICS_EVERY).await;
            self.metrics.run_upkeep();
        }
    }
}
