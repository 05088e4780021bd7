//! `audit --follow`: entries as they come, a line of JSON each, none left out and none twice.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::Response;
use tokio::io::{AsyncWriteExt as _, DuplexStream, duplex};

use super::{backup, render};
use crate::administration::Administration;
use crate::administration::api::{AuditFollow, AuditView};
use crate::administration::audit::{self, Names, all, chain, ends};
use crate::directory::audit::{AUDIT, page};
use crate::kernel::{Fault, FaultKind, OrgId, Timestamp};
use crate::store::{Feed, FeedEvent, Store};

/// How much waits between the store and the socket, in bytes.
const BUFFER: usize = 64 * 1024;
/// How many entries are read at once.
const PAGE: usize = 500;

/// A stream in progress: which chains it tells of, and how far each was told.
struct Follower {
    store: Store,
    only: Option<OrgId>,
    told: BTreeMap<OrgId, u64>,
    names: Names,
    writer: DuplexStream,
}

/// Answers `audit --follow`.
pub(super) async fn follow(State(admin): State<Arc<Administration>>, body: Bytes) -> Response {
    let started = async {
        let call: AuditFollow = serde_json::from_slice(&body)
            .map_err(|error| Fault::plain(FaultKind::Invalid, format!("the call is not understood: {error}")))?;
        start(&admin, &call).await
    };
    match started.await {
        Ok(reader) => Response::new(Body::from_stream(futures_util::stream::try_unfold(reader, backup::piece))),
        Err(fault) => render::<()>(Err(fault)),
    }
}

async fn start(admin: &Administration, call: &AuditFollow) -> Result<DuplexStream, Fault> {
    // Before anything is read: what is committed from here on is heard.
    let feed = admin.store.feed();
    let tx = admin.store.reader();
    let names = Names::read(&tx).await?;
    let only = chain(&tx, &call.chains).await?;
    let told = ends(&tx).await?;
    let since = call.since.unwrap_or(Timestamp::EPOCH);
    let limit = if call.since.is_some() { audit::LIMIT } else { call.last.min(audit::LIMIT) };
    let mut first: Vec<(OrgId, AuditView)> = match only {
        Some(chain) => {
            let newest = crate::directory::audit::newest(&tx, chain, limit).await?;
            let recent = newest.into_iter().filter(|(_, audited)| audited.entry.at >= since);
            recent.map(|(number, audited)| (chain, names.view(chain, number, audited))).collect()
        }
        None => all(&tx, &names, since, limit).await?.0,
    };
    // What came after the ends were read is told by the feed.
    first.retain(|(chain, view)| told.get(chain).is_some_and(|end| view.number <= *end));
    let (writer, reader) = duplex(BUFFER);
    let follower = Follower { store: admin.store.clone(), only, told, names, writer };
    tokio::spawn(follower.run(first.into_iter().map(|(_, view)| view).collect(), feed));
    Ok(reader)
}

impl Follower {
    /// Runs until the other side goes, or the store is closed.
    async fn run(mut self, first: Vec<AuditView>, mut feed: Feed) {
        for view in first {
            if !self.send(&view).await {
                return;
            }
        }
        loop {
            let longer: Vec<OrgId> = match feed.next().await {
                FeedEvent::Change(change) => AUDIT.extended(&change).collect(),
                FeedEvent::Quiet => {
                    // So that a reader who has gone is noticed.
                    if self.writer.write_all(b"\n").await.is_err() {
                        return;
                    }
                    continue;
                }
                FeedEvent::Lost => match ends(&self.store.reader()).await {
                    Ok(ends) => ends.into_keys().collect(),
                    Err(error) => return tracing::error!(%error, "the audit can't be followed"),
                },
                FeedEvent::Closed => return,
            };
            let only = self.only;
            for chain in longer.into_iter().filter(|chain| only.is_none_or(|only| only == *chain)) {
                match self.tell(chain).await {
                    Ok(true) => {}
                    Ok(false) => return,
                    Err(error) => return tracing::error!(%error, "the audit can't be followed"),
                }
            }
        }
    }

    /// Tells what is new in a chain; `false`: nobody listens.
    async fn tell(&mut self, chain: OrgId) -> Result<bool, crate::store::StoreError> {
        let tx = self.store.reader();
        if !self.names.knows(chain) {
            self.names = Names::read(&tx).await?;
        }
        loop {
            let after = self.told.get(&chain).copied().unwrap_or(0);
            let found = page(&tx, chain, after, PAGE).await?;
            if found.is_empty() {
                return Ok(true);
            }
            for (number, audited) in found {
                self.told.insert(chain, number);
                let view = self.names.view(chain, number, audited);
                if !self.send(&view).await {
                    return Ok(false);
                }
            }
        }
    }

    async fn send(&mut self, view: &AuditView) -> bool {
        let Ok(mut line) = serde_json::to_vec(view) else { return false };
        line.push(b'\n');
        self.writer.write_all(&line).await.is_ok()
    }
}
