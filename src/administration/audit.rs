//! `audit`: entries of one chain or of all, and whether chains are whole.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::runtime::Handle;

use super::Administration;
use super::api::{Audit, AuditPage, AuditVerified, AuditVerify, AuditView, ChainView, Chains};
use crate::directory::audit::{self, AUDIT, Audited, OPERATOR};
use crate::directory::authority::Act;
use crate::directory::organization;
use crate::kernel::{Fault, FaultKind, OrgId, Slug, Timestamp};
use crate::store::{ChainHash, StoreError, Tx};

/// How many entries one page of one chain has at most.
const PAGE: usize = 1000;
/// How many entries of all chains together are given at most: the newest.
pub const LIMIT: usize = 10_000;
/// How many chains are listed at once.
const CHAINS_AT_ONCE: usize = 500;

/// Whose chains: by name, those of deleted organizations too. The operator's has none.
pub struct Names(BTreeMap<OrgId, Slug>);

impl Names {
    /// Every name there is or was.
    pub async fn read(tx: &Tx) -> Result<Self, StoreError> {
        Ok(Names(organization::slugs(tx).await?))
    }

    /// An entry as it is told.
    pub fn view(&self, chain: OrgId, number: u64, audited: Audited) -> AuditView {
        told(self.0.get(&chain).cloned(), number, audited)
    }

    /// Whether the chain's organization is named; new ones may not be yet.
    pub fn knows(&self, chain: OrgId) -> bool {
        chain == OPERATOR || self.0.contains_key(&chain)
    }
}

/// An entry of an organization's chain as it is told; of the operator's, without name.
pub fn told(org: Option<Slug>, number: u64, audited: Audited) -> AuditView {
    let Audited { entry, salt: _, chained_later } = audited;
    AuditView {
        org,
        number,
        at: entry.at,
        time: entry.at.to_string(),
        actor: entry.actor,
        from: entry.from,
        action: entry.action,
        object: entry.object,
        before: entry.before,
        after: entry.after,
        chained_later,
    }
}

/// The one chain that is meant; `None`: all.
pub async fn chain(tx: &Tx, chains: &Chains) -> Result<Option<OrgId>, Fault> {
    Ok(match chains {
        Chains::All => None,
        Chains::Operator => Some(OPERATOR),
        Chains::Org(slug) => Some(organization::once_by_slug(tx, slug).await?),
    })
}

/// Every chain that has an end.
pub async fn ends(tx: &Tx) -> Result<BTreeMap<OrgId, u64>, StoreError> {
    let mut found = BTreeMap::new();
    let mut after = None;
    loop {
        let page = AUDIT.heads(tx, after.as_ref(), CHAINS_AT_ONCE).await?;
        let Some((last, _)) = page.last() else { return Ok(found) };
        after = Some(*last);
        found.extend(page.into_iter().map(|(chain, head)| (chain, head.number)));
    }
}

/// An organization's own chain is for those who run it, all else for the operator.
async fn permit(admin: &Administration, tx: &Tx, chain: Option<OrgId>) -> Result<(), Fault> {
    match chain {
        Some(chain) if chain != OPERATOR => admin.permit(tx, Act::Manage(chain), None).await,
        _ => admin.operators(),
    }
}

/// Entries, oldest first.
pub async fn list(admin: Arc<Administration>, call: Audit) -> Result<AuditPage, Fault> {
    let tx = admin.store.reader();
    let names = Names::read(&tx).await?;
    let since = call.since.unwrap_or(Timestamp::EPOCH);
    let chain = chain(&tx, &call.chains).await?;
    permit(&admin, &tx, chain).await?;
    let Some(chain) = chain else {
        let (found, over) = all(&tx, &names, since, call.last.unwrap_or(LIMIT).min(LIMIT)).await?;
        let entries = found.into_iter().map(|(_, view)| view).collect();
        return Ok(AuditPage { entries, next: None, left_out: over && call.last.is_none() });
    };
    let Some(last) = call.last else {
        return Ok(page(&tx, &names, chain, since, call.after).await?);
    };
    let found = audit::newest(&tx, chain, last.min(LIMIT)).await?;
    let entries = found.into_iter().filter(|(_, audited)| audited.entry.at >= since);
    let entries = entries.map(|(number, audited)| names.view(chain, number, audited)).collect();
    Ok(AuditPage { entries, next: None, left_out: false })
}

async fn page(
    tx: &Tx,
    names: &Names,
    chain: OrgId,
    since: Timestamp,
    after: Option<u64>,
) -> Result<AuditPage, StoreError> {
    let after = match after {
        Some(after) => after,
        None => audit::number_before(tx, chain, since).await?,
    };
    let found = audit::page(tx, chain, after, PAGE).await?;
    let next = found.last().filter(|_| found.len() == PAGE).map(|(number, _)| *number);
    let entries = found.into_iter().filter(|(_, audited)| audited.entry.at >= since);
    let entries = entries.map(|(number, audited)| names.view(chain, number, audited)).collect();
    Ok(AuditPage { entries, next, left_out: false })
}

/// The newest entries of all chains, in the order of their times, and whether older ones are left out.
pub async fn all(
    tx: &Tx,
    names: &Names,
    since: Timestamp,
    limit: usize,
) -> Result<(Vec<(OrgId, AuditView)>, bool), StoreError> {
    let (mut entries, mut left_out) = (Vec::new(), false);
    for (chain, _) in ends(tx).await? {
        let newest = audit::newest(tx, chain, limit).await?;
        let recent = newest.into_iter().filter(|(_, audited)| audited.entry.at >= since);
        entries.extend(recent.map(|(number, audited)| (chain, names.view(chain, number, audited))));
        if entries.len() > 2 * limit {
            left_out |= keep_newest(&mut entries, limit);
        }
    }
    left_out |= keep_newest(&mut entries, limit);
    Ok((entries, left_out))
}

fn keep_newest(entries: &mut Vec<(OrgId, AuditView)>, limit: usize) -> bool {
    entries.sort_by_key(|(chain, view)| (view.at, *chain, view.number));
    let over = entries.len().saturating_sub(limit);
    entries.drain(..over);
    over > 0
}

/// Looks at chains from their first entry to their last.
pub async fn verify(admin: Arc<Administration>, call: AuditVerify) -> Result<AuditVerified, Fault> {
    if call.expect.is_some() && call.chains == Chains::All {
        let text = "a number and its hash are of one chain: name it with --org SLUG or --operator";
        return Err(Fault::plain(FaultKind::Invalid, text.to_owned()));
    }
    // Long chains take a while, and must not stand in the way of others.
    let looked = tokio::task::spawn_blocking(move || Handle::current().block_on(look(&admin, &call)));
    looked.await.map_err(|error| Fault::internal(format!("the look was cut off: {error}")))?
}

async fn look(admin: &Administration, call: &AuditVerify) -> Result<AuditVerified, Fault> {
    let tx = admin.store.reader();
    let names = Names::read(&tx).await?;
    let only = chain(&tx, &call.chains).await?;
    permit(admin, &tx, only).await?;
    let meant: Vec<OrgId> = if let Some(chain) = only {
        vec![chain]
    } else {
        // Those of organizations too whose chain has no end any more.
        let unnamed = ends(&tx).await?.into_keys().filter(|chain| !names.0.contains_key(chain));
        names.0.keys().copied().chain(unnamed).collect()
    };
    let mut verified = AuditVerified { chains: Vec::new(), problems: 0 };
    for chain in meant {
        let view = look_at(&tx, &names, chain, call.expect).await?;
        verified.problems += view.count;
        verified.chains.push(view);
    }
    verified.chains.sort_by(|one, two| one.org.cmp(&two.org));
    Ok(verified)
}

async fn look_at(tx: &Tx, names: &Names, chain: OrgId, expect: Option<(u64, ChainHash)>) -> Result<ChainView, Fault> {
    let mut report = AUDIT.verify(tx, &chain).await?;
    if report.links == 0 && report.head.is_none() && chain != OPERATOR {
        report.tell("there is no entry at all, not even that the organization was made".to_owned());
    }
    if let Some((number, hash)) = expect {
        let found = match AUDIT.hash(tx, &chain, number).await {
            Ok(found) => found,
            Err(StoreError::Decode { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        if found != Some(hash) {
            let what = if found.is_none() { "there is none of this number" } else { "it is another now" };
            report
                .tell(format!("entry {number} had the hash that you give, and {what}: the chain was cut or rewritten"));
        }
    }
    Ok(ChainView {
        org: names.0.get(&chain).cloned(),
        entries: report.links,
        end: report.head.map(|head| format!("{}:{}", head.number, head.hash)),
        problems: report.problems,
        count: report.count,
    })
}
