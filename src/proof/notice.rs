//! What owners read by mail of their claimed domains.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::directory::outbox;
use crate::kernel::{DomainName, EmailAddress, OrgId, Rng, Role, Slug, Timestamp};
use crate::store::{StoreError, Tx};

/// For how long a notice is tried to be sent.
const WORTH_SENDING_FOR: Duration = Duration::from_secs(5 * 24 * 3600);
/// Where owners confirm.
const ORGANIZATION_PAGE: &str = "/.vestibule/organization";
/// How many addresses one notice names.
const NAMED_LIMIT: usize = 50;

/// A mail to the owners of an organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    pub subject: String,
    pub text: String,
}

impl Notice {
    /// Queues it, in the transaction of what it tells.
    pub async fn queue(&self, tx: &Tx, rng: &dyn Rng, organization: OrgId) -> Result<(), StoreError> {
        let not_after = tx.now().plus(WORTH_SENDING_FOR);
        let words = (self.subject.as_str(), self.text.as_str());
        outbox::queue_to_members(tx, rng, organization, &[Role::Owner], words, not_after).await.map(drop)
    }
}

fn notice(subject: String, text: &str, site: &str) -> Notice {
    Notice { subject, text: format!("{text}\n\n{site}\n") }
}

/// The record at the domain, as somebody types it who looks after DNS.
fn typed(domain: &DomainName, record: &str) -> String {
    format!("  name   {domain}\n  type   TXT\n  value  {record}")
}

/// The claim holds.
pub fn verified(site: &str, organization: &str, domain: &DomainName) -> Notice {
    let text = format!(
        "The record of {domain} was found: the domain is verified for {organization}. Keep the record: it is looked for \
         every day."
    );
    notice(format!("{domain} is verified"), &text, site)
}

/// The record is gone.
pub fn lapsing(site: &str, organization: &str, domain: &DomainName, record: &str, ends: Timestamp) -> Notice {
    let text = format!(
        "The record that proves that {domain} belongs to {organization} is gone from DNS. Until {ends} nothing changes. \
         If it is not back by then, {organization} loses the domain, and its people can't sign in by single sign-on any \
         more.\n\nPut the record back:\n\n{}",
        typed(domain, record)
    );
    notice(format!("{domain}: the record is gone, the domain will be lost"), &text, site)
}

/// The record is back in time.
pub fn healed(site: &str, organization: &str, domain: &DomainName) -> Notice {
    let text = format!("The record of {domain} is back in DNS: the domain stays with {organization}.");
    notice(format!("{domain}: the record is back"), &text, site)
}

/// The grace is over.
pub fn unverified(site: &str, organization: &str, domain: &DomainName, record: &str) -> Notice {
    let text = format!(
        "The record of {domain} was gone for too long: {organization} has lost the domain, and people with such an \
         address can't sign in by its single sign-on any more. Sessions that it made have ended.\n\nIt is verified again \
         as soon as the record is back, unless another organization has verified it meanwhile:\n\n{}",
        typed(domain, record)
    );
    notice(format!("{domain} is lost"), &text, site)
}

/// Another organization was first.
pub fn taken(site: &str, organization: &str, domain: &DomainName) -> Notice {
    let text = format!(
        "{organization} claims the domain {domain}, but another organization has verified it. If the domain is yours, \
         see which records of other organizations' claims are in its DNS, remove them, and ask whoever runs this site."
    );
    notice(format!("{domain} was verified for another organization"), &text, site)
}

/// The domain of members changed hands.
pub fn asleep(
    site: &str,
    (organization, slug): (&str, &Slug),
    domain: &DomainName,
    who: &BTreeSet<EmailAddress>,
) -> Notice {
    let mut names: Vec<String> = who.iter().take(NAMED_LIMIT).map(|email| format!("  {email}")).collect();
    if who.len() > NAMED_LIMIT {
        names.push(format!("  and {} more", who.len() - NAMED_LIMIT));
    }
    let text = format!(
        "The domain {domain} belongs to another organization than before. Whoever has such an address now need not be \
         the person whom {organization} let in, so these memberships rest until an owner confirms them:\n\n{}\n\nTo \
         confirm one, or to end it, open\n\n{}{ORGANIZATION_PAGE}?of={slug}\n\nAsk the person first, in another way \
         than by this address.",
        names.join("\n"),
        site.trim_end_matches('/')
    );
    notice(format!("Members at {domain} have to be confirmed"), &text, site)
}
