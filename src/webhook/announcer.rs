//! Looks on at transactions, and queues for each endpoint what it wants to be told of them.

use std::sync::Arc;

use async_trait::async_trait;

use super::changes;
use super::endpoint::Endpoint;
use super::event::{Ids, body};
use super::outbox::{self, Delivery};
use crate::kernel::Rng;
use crate::store::{StoreError, Tx, Witness};

/// Queues what endpoints are to be told. Where there are none, there is no announcer, and nothing is looked at.
pub struct Announcer {
    endpoints: Vec<Endpoint>,
    rng: Arc<dyn Rng>,
    ids: Ids,
}

impl Announcer {
    /// One for these endpoints; `None` if there are none.
    pub fn new(endpoints: &[Endpoint], rng: Arc<dyn Rng>) -> Option<Arc<Self>> {
        let endpoints = endpoints.to_vec();
        (!endpoints.is_empty()).then(|| Arc::new(Announcer { endpoints, rng, ids: Ids::default() }))
    }
}

#[async_trait]
impl Witness for Announcer {
    async fn look(&self, tx: &Tx) -> Result<(), StoreError> {
        let events = changes::of(tx).await?;
        if events.is_empty() {
            return Ok(());
        }
        let ids = self.ids.take(tx.now(), events.len(), &*self.rng);
        for (event, id) in events.into_iter().zip(ids) {
            let kind = event.kind.as_str();
            let mut text = None;
            for endpoint in self.endpoints.iter().filter(|endpoint| endpoint.wants(kind)) {
                let text = text.get_or_insert_with(|| body(kind, tx.now(), &event.data)).clone();
                let made = Delivery::new(id, endpoint.name.as_str(), kind, &event.subject, text, tx.now());
                outbox::queue(tx, &made)?;
            }
        }
        Ok(())
    }
}
