//! `logins`: the sign-ins kept, newest first.

use std::sync::Arc;

use super::Administration;
use super::api::{LoginView, Logins};
use super::organization::permitted;
use crate::directory::{LoginOutcome, LoginRecord, login};
use crate::kernel::{Fault, Slug};

/// The last sign-ins of an organization; of all, for the operator.
pub async fn list(admin: Arc<Administration>, call: Logins) -> Result<Vec<LoginView>, Fault> {
    let tx = admin.store.reader();
    let mut found = Vec::new();
    for organization in permitted(&admin, &tx, call.org.as_ref()).await? {
        let records = login::list(&tx, organization.id, call.last).await?;
        found.extend(records.into_iter().map(|record| (record.at, view(&organization.slug, record))));
    }
    found.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    // One that entered a linked organization is in the Admin organization's log, too.
    let mut seen = std::collections::BTreeSet::new();
    found.retain(|(_, view)| seen.insert(view.id));
    found.truncate(call.last);
    Ok(found.into_iter().map(|(_, view)| view).collect())
}

/// A sign-in as it is shown.
pub fn view(slug: &Slug, record: LoginRecord) -> LoginView {
    let (outcome, reason, fix) = match record.outcome {
        LoginOutcome::Accepted => ("accepted", None, None),
        LoginOutcome::Continued => ("continued", None, None),
        LoginOutcome::Refused { code, fix } => ("refused", Some(code), Some(fix)),
        LoginOutcome::Tested { code, fix } => ("tested", code, fix),
    };
    LoginView {
        id: record.id,
        slug: slug.clone(),
        at: record.at.to_string(),
        outcome: outcome.to_owned(),
        reason,
        fix,
        reference: record.reference,
        email: record.email,
        idp: record.idp,
        client: record.client,
        checks: record.checks,
    }
}
