//! The ops listener: `/healthz` (the process lives), `/readyz` (it can decide), `/metrics` (Prometheus).

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;

use crate::directory::organization::ORGANIZATIONS;
use crate::kernel::OrgId;
use crate::session::Sessions;
use crate::store::Store;

/// How long the store may take to answer before the server counts as not ready.
const STORE_PATIENCE: Duration = Duration::from_secs(2);

/// What the answers are made from.
pub struct Ops {
    /// The data.
    pub store: Store,
    /// The sessions, whose feed must be fresh.
    pub sessions: Arc<Sessions>,
    /// The metrics.
    pub metrics: PrometheusHandle,
}

/// The listener's pages.
pub fn router(ops: Arc<Ops>) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(ops)
}

async fn ready(State(ops): State<Arc<Ops>>) -> impl IntoResponse {
    match trouble(&ops).await {
        None => (StatusCode::OK, "ready\n".to_owned()),
        Some(trouble) => (StatusCode::SERVICE_UNAVAILABLE, format!("{trouble}\n")),
    }
}

/// Why no decision can be made just now.
async fn trouble(ops: &Ops) -> Option<String> {
    let tx = ops.store.reader();
    match tokio::time::timeout(STORE_PATIENCE, tx.get(&ORGANIZATIONS, &OrgId::from_bytes([0; 16]))).await {
        Err(_) => return Some("the store does not answer".to_owned()),
        Ok(Err(error)) => {
            tracing::error!(%error, "the store can't be read");
            return Some("the store can't be read".to_owned());
        }
        Ok(Ok(_)) => {}
    }
    if ops.sessions.is_ready() {
        return None;
    }
    let silence = ops.sessions.feed_silence().as_secs();
    Some(format!("the change feed has been silent for {silence}s, so ended sessions might be missed"))
}

async fn metrics(State(ops): State<Arc<Ops>>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], ops.metrics.render())
}
