//! `webhook list | retry | test`: for the operator.

use std::sync::Arc;

use super::Administration;
use super::api::{
    DeadWebhookView, WebhookDead, WebhookList, WebhookRetried, WebhookRetry, WebhookTest, WebhookTestView, WebhookView,
};
use crate::directory::audit::OPERATOR;
use crate::kernel::{Fault, FaultKind, Slug};
use crate::store::Tx;
use crate::webhook::{self, Delivery};

/// How many dead events are looked at to say how many stay.
const LEFT_LIMIT: usize = 10_000;

/// The endpoints, and how they are doing.
pub async fn list(admin: Arc<Administration>, _: WebhookList) -> Result<Vec<WebhookView>, Fault> {
    admin.operators()?;
    let states = admin.courier.states().await?;
    let view = |state: webhook::EndpointState| WebhookView {
        name: state.name,
        place: state.place,
        waiting: state.waiting.count,
        oldest: state.waiting.oldest.map(|oldest| oldest.to_string()),
        dead: state.dead,
        gone_since: state.gone.map(|since| since.to_string()),
    };
    Ok(states.into_iter().map(view).collect())
}

/// What was given up, the oldest first.
pub async fn dead(admin: Arc<Administration>, call: WebhookDead) -> Result<Vec<DeadWebhookView>, Fault> {
    admin.operators()?;
    let endpoint = call.endpoint.as_ref().map(Slug::as_str);
    let found = webhook::dead(&admin.store.reader(), endpoint, call.last).await?;
    let view = |dead: Delivery| DeadWebhookView {
        id: dead.id,
        endpoint: dead.endpoint,
        kind: dead.kind,
        happened: dead.queued.to_string(),
        dead_since: dead.due.to_string(),
        failures: dead.failures,
        last: dead.last,
    };
    Ok(found.into_iter().map(view).collect())
}

/// Queues dead events anew: one, or all.
pub async fn retry(admin: Arc<Administration>, call: WebhookRetry) -> Result<WebhookRetried, Fault> {
    admin.operators()?;
    let admin = &*admin;
    let mut queued = 0;
    loop {
        let revive = async |tx: Tx| {
            let count = match call.id {
                Some(id) => admin.courier.revive(&tx, id).await?,
                None => admin.courier.revive_some(&tx).await?,
            };
            if count > 0 {
                let object = call.id.map_or_else(|| "all".to_owned(), |id| id.to_string());
                admin.audit(&tx, OPERATOR, "webhook.retry", object, "dead", format!("{count} queued"))?;
            }
            Ok::<_, Fault>(count)
        };
        let count = admin.store.transaction("webhook retry", revive).await?;
        queued += count;
        if count == 0 || call.id.is_some() {
            break;
        }
    }
    let left = webhook::dead(&admin.store.reader(), None, LEFT_LIMIT).await?;
    match call.id {
        Some(id) if queued == 0 && left.iter().any(|dead| dead.id == id) => {
            let text = "no endpoint of its name is configured any more: configure it, and start the server anew";
            Err(Fault::plain(FaultKind::Conflict, format!("{id} can't be queued: {text}")))
        }
        Some(id) if queued == 0 => {
            let text = format!("no dead event has the id {id}: `vestibule webhook list --dead` shows them");
            Err(Fault::plain(FaultKind::NotFound, text))
        }
        Some(_) => Ok(WebhookRetried { queued, left: 0 }),
        None => Ok(WebhookRetried { queued, left: left.len() }),
    }
}

/// Sends an endpoint a signed `webhook.test` now.
pub async fn test(admin: Arc<Administration>, call: WebhookTest) -> Result<WebhookTestView, Fault> {
    admin.operators()?;
    let Some(tried) = admin.courier.test(call.name.as_str()).await? else {
        let states = admin.courier.states().await?;
        let names: Vec<String> = states.into_iter().map(|state| state.name).collect();
        let known = if names.is_empty() { "none is".to_owned() } else { format!("there is {}", names.join(", ")) };
        let text = format!("no [[webhook]] of the name «{}» is configured: {known}", call.name);
        return Err(Fault::plain(FaultKind::NotFound, text));
    };
    if tried.back {
        let note = async |tx: Tx| {
            Ok::<_, Fault>(admin.audit(&tx, OPERATOR, "webhook.on", &call.name, "answered 410", "sent events again")?)
        };
        admin.store.transaction("note webhook test", note).await?;
    }
    let took_ms = u64::try_from(tried.took.as_millis()).unwrap_or(u64::MAX);
    Ok(WebhookTestView { id: tried.id, taken: tried.taken, answer: tried.answer, took_ms, back: tried.back })
}
