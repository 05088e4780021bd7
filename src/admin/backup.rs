//! `backup`: the whole store as a stream, as it is at one moment, while the server goes on.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::Response;
use tokio::io::{AsyncReadExt as _, DuplexStream, duplex};

use crate::administration::Administration;
use crate::store::export;

/// How much waits between the store and the socket, in bytes.
const BUFFER: usize = 256 * 1024;
/// The largest piece that is sent at once, in bytes.
const PIECE: usize = 64 * 1024;

/// Streams an export. Its last line proves that it is whole: an error on the way leaves that line out.
pub(super) async fn stream(State(admin): State<Arc<Administration>>) -> Response {
    let (mut writer, reader) = duplex(BUFFER);
    tokio::spawn(async move {
        let backend = Arc::clone(admin.store.backend());
        match export(&*backend, admin.store.now(), &mut writer).await {
            Ok(summary) => tracing::info!(records = summary.records(), "the operator made a backup"),
            Err(error) => tracing::error!(%error, "a backup broke off"),
        }
    });
    Response::new(Body::from_stream(futures_util::stream::try_unfold(reader, piece)))
}

pub(super) async fn piece(mut reader: DuplexStream) -> std::io::Result<Option<(Bytes, DuplexStream)>> {
    let mut piece = vec![0; PIECE];
    let read = reader.read(&mut piece).await?;
    piece.truncate(read);
    Ok((read > 0).then(|| (Bytes::from(piece), reader)))
}
