//! What is not theirs to know who ask: which other organizations somebody is in (D5).

use std::collections::BTreeSet;

use super::{Administration, Ended, Known};
use crate::directory::{link, organization};
use crate::kernel::Slug;
use crate::store::{StoreError, Tx};

/// The organizations that are told of; `None`: all, to the operator.
pub type Seen = Option<BTreeSet<Slug>>;

/// Those of whoever asks: their own, the Admin organization that it is linked to, and those linked to it.
pub async fn seen(admin: &Administration, tx: &Tx) -> Result<Seen, StoreError> {
    let Some(own) = admin.by.organization() else { return Ok(None) };
    let above = link::find(tx, own).await?.map(|link| link.admin);
    let mut seen = BTreeSet::new();
    for id in [Some(own), above].into_iter().flatten() {
        seen.extend(organization::by_id(tx, id).await?.map(|organization| organization.slug));
    }
    seen.extend(link::linked_to(tx, own).await?.into_iter().map(|organization| organization.slug));
    Ok(Some(seen))
}

/// Leaves out of what is known which other organizations there are.
pub fn draw(known: &mut Known, seen: &Seen) {
    let Some(seen) = seen else { return };
    known.elsewhere = 0;
    let hidden = match &mut known.entry {
        Ended::In(slug, ..) | Ended::Joins(slug) | Ended::Portal(slug, _) => !seen.contains(slug),
        Ended::Pick(open) => {
            open.retain(|slug| seen.contains(slug));
            open.is_empty()
        }
        Ended::Refused(_) | Ended::Elsewhere => false,
    };
    if hidden {
        (known.entry, known.second) = (Ended::Elsewhere, None);
    }
    known.local.hide(|slug| !seen.contains(slug));
}
