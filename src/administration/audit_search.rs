//! A look into one organization's audit, newest first, and its export: both bounded, however long the chain is.

use std::sync::Arc;
use std::time::Duration;

use super::Administration;
use super::api::{AuditFound, AuditSearch};
use super::audit::told;
use crate::directory::audit::{self, AUDIT, AuditEntry};
use crate::directory::authority::Act;
use crate::directory::organization;
use crate::kernel::Fault;

/// How many entries one page has.
const PAGE: usize = 100;
/// How many entries one look for a page takes.
const LOOK: u64 = 10_000;
/// How many entries one export has at most.
pub const EXPORT_LIMIT: usize = 50_000;
/// How many entries one export looks at.
const EXPORT_LOOK: u64 = 500_000;
/// How many entries are read at once.
const STEP: u64 = 500;
/// Where entries that are as late as a moment are sought: times nearly rise.
const DISORDER: Duration = Duration::from_secs(2 * 3600 + 1);

/// A page of the entries that are meant, newest first.
///
/// # Errors
/// «Forbidden»; no such organization; the store's.
pub async fn search(admin: Arc<Administration>, call: AuditSearch) -> Result<AuditFound, Fault> {
    look(&admin, &call, PAGE, LOOK).await
}

/// All entries that are meant, newest first, up to [`EXPORT_LIMIT`].
///
/// # Errors
/// «Forbidden»; no such organization; the store's.
pub async fn export(admin: Arc<Administration>, call: AuditSearch) -> Result<AuditFound, Fault> {
    look(&admin, &call, EXPORT_LIMIT, EXPORT_LOOK).await
}

/// Looks at the entries before a number, from the newest on, until there are enough, or enough were looked at.
async fn look(admin: &Administration, call: &AuditSearch, enough: usize, limit: u64) -> Result<AuditFound, Fault> {
    let tx = admin.store.reader();
    let found = organization::by_slug(&tx, &call.slug).await?;
    admin.permit(&tx, Act::Manage(found.id), None).await?;
    let last = AUDIT.head(&tx, &found.id).await?.map_or(0, |head| head.number);
    let mut top = call.before.map_or(last, |before| before.saturating_sub(1)).min(last);
    if let Some(until) = call.until {
        top = top.min(match audit::number_before(&tx, found.id, until.plus(DISORDER)).await? {
            number if number < last => number,
            _ => last,
        });
    }
    let bottom = match call.since {
        Some(since) => audit::number_before(&tx, found.id, since).await?,
        None => 0,
    };
    let floor = bottom.max(top.saturating_sub(limit));
    let mut entries = Vec::new();
    while top > floor && entries.len() < enough {
        let after = floor.max(top.saturating_sub(STEP));
        let step = usize::try_from(top - after).unwrap_or(usize::MAX);
        for (number, audited) in audit::page(&tx, found.id, after, step).await?.into_iter().rev() {
            top = number - 1;
            if is_meant(call, &audited.entry) {
                entries.push(told(Some(found.slug.clone()), number, audited));
            }
            if entries.len() == enough {
                break;
            }
        }
        if entries.len() < enough {
            top = after;
        }
        // A long look leaves the thread to others in between.
        tokio::task::yield_now().await;
    }
    Ok(AuditFound { entries, next: (top > bottom).then_some(top + 1), last })
}

/// Whether an entry is one of those that are meant.
fn is_meant(call: &AuditSearch, entry: &AuditEntry) -> bool {
    let has = |text: &str, wanted: &str| wanted.is_empty() || text.to_lowercase().contains(&wanted.to_lowercase());
    call.since.is_none_or(|since| entry.at >= since)
        && call.until.is_none_or(|until| entry.at < until)
        && has(&entry.actor, call.actor.trim())
        && has(&entry.action, call.action.trim())
}
