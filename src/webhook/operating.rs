//! What the operator asks of the courier: how endpoints are doing, a test of one, what is dead once more.

use std::time::Duration;

use serde_json::json;

use super::courier::{Courier, Post, Rest};
use super::delivery::Outcome;
use super::event::{TEST, body};
use super::outbox::{self, Delivery, Waiting};
use crate::kernel::{Timestamp, WebhookId};
use crate::store::{StoreError, Tx};

/// How many dead events are queued anew in one transaction.
const REVIVED_AT_ONCE: usize = 200;

/// An endpoint as lists show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointState {
    /// Its name.
    pub name: String,
    /// Scheme, host and port.
    pub place: String,
    /// What waits.
    pub waiting: Waiting,
    /// How many are dead.
    pub dead: usize,
    /// Since when nothing is sent, since it answered 410.
    pub gone: Option<Timestamp>,
}

/// What came of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// The event's id.
    pub id: WebhookId,
    /// Whether it was taken.
    pub taken: bool,
    /// The status, or what went wrong.
    pub answer: String,
    /// How long it took.
    pub took: Duration,
    /// It had said that it was gone, and is sent events again.
    pub back: bool,
}

impl Courier {
    /// The endpoint of that name.
    fn post(&self, name: &str) -> Option<&Post> {
        self.posts.iter().find(|post| post.endpoint.name.as_str() == name)
    }

    /// Sends an endpoint a signed `webhook.test` at once, past the outbox; `None`: there is none of that name. If it is
    /// taken, an endpoint that had said it was gone is sent events again.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn test(&self, name: &str) -> Result<Option<Tried>, StoreError> {
        let Some(post) = self.post(name) else { return Ok(None) };
        let now = self.store.now();
        let id = WebhookId::random(&*self.rng);
        let text = body(TEST, now, &json!({ "endpoint": name }));
        let outcome = self.transport.send(&post.endpoint, &Delivery::new(id, name, TEST, "", text, now), now).await;
        let took = self.store.now().since(now);
        let (taken, answer) = match outcome {
            Outcome::Taken(status) => (true, status.to_string()),
            Outcome::Gone => (false, "410".to_owned()),
            Outcome::Refused(last) | Outcome::Resting(last, _) => (false, last),
        };
        let mut back = false;
        if taken {
            *post.rest.lock() = Rest::NONE;
            let on = async |tx: Tx| outbox::set_back(&tx, name).await;
            back = self.store.transaction("switch endpoint on", on).await?;
        }
        Ok(Some(Tried { id, taken, answer, took, back }))
    }

    /// Every endpoint, and how it is doing.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn states(&self) -> Result<Vec<EndpointState>, StoreError> {
        let tx = self.store.reader();
        let mut states = Vec::new();
        for post in &self.posts {
            let name = post.endpoint.name.as_str();
            states.push(EndpointState {
                name: name.to_owned(),
                place: post.endpoint.place(),
                waiting: outbox::waiting(&tx, name).await?,
                dead: outbox::dead(&tx, Some(name), outbox::DEAD_LIMIT).await?.len(),
                gone: outbox::gone(&tx, name).await?,
            });
        }
        Ok(states)
    }

    /// Queues a dead event anew, in the caller's transaction; gives for how many endpoints. Those that are configured no more
    /// don't count.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn revive(&self, tx: &Tx, id: WebhookId) -> Result<usize, StoreError> {
        let mut count = 0;
        for post in &self.posts {
            count += usize::from(outbox::revive(tx, post.endpoint.name.as_str(), id).await?);
        }
        Ok(count)
    }

    /// Queues dead events anew, a page of them, in the caller's transaction; gives how many. 0: there are no more.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn revive_some(&self, tx: &Tx) -> Result<usize, StoreError> {
        for post in &self.posts {
            let name = post.endpoint.name.as_str();
            let dead = outbox::dead(tx, Some(name), REVIVED_AT_ONCE).await?;
            for delivery in &dead {
                outbox::revive(tx, name, delivery.id).await?;
            }
            if !dead.is_empty() {
                return Ok(dead.len());
            }
        }
        Ok(0)
    }
}
