//! Organizations that people of their work domains find by themselves: to join, or to ask to (D1, D7).
//!
//! What is not to be found is on no list, so that looking takes the same time with it and without it.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::claim::VERIFIED;
use super::effective::{self, Effective};
use super::error::DirectoryError;
use super::organization::{self, OrgKind, Organization};
use super::public_mail::PublicMail;
use crate::kernel::{DomainName, OrgId};
use crate::store::{StoreError, Table, TableChecker, Tx, checker};

/// The organizations that are to be found by people of a domain; never one that is invite only.
const FOUND_BY: Table<(DomainName, OrgId), ()> = Table::new("discoverable_by_domain");

/// How many work domains an organization can name.
pub const DOMAIN_LIMIT: usize = 50;
/// How many organizations one person is shown at most.
pub const OFFER_LIMIT: usize = 20;

/// How people of the work domains come in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Discoverability {
    /// They join by themselves.
    Open,
    /// They ask, and an owner or admin decides.
    Approval,
    /// They don't: nobody finds it.
    #[default]
    InviteOnly,
}

impl Discoverability {
    /// The name that commands and files use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Discoverability::Open => "open",
            Discoverability::Approval => "approval",
            Discoverability::InviteOnly => "invite_only",
        }
    }
}

impl fmt::Display for Discoverability {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for Discoverability {
    type Err = DirectoryError;

    fn from_str(text: &str) -> Result<Self, DirectoryError> {
        let all = [Discoverability::Open, Discoverability::Approval, Discoverability::InviteOnly];
        all.into_iter().find(|one| one.as_str() == text).ok_or_else(|| {
            let wanted = format!("discoverability is open, approval or invite_only, not «{text}»");
            DirectoryError::InvalidSetting(wanted)
        })
    }
}

/// Domains as `org set discoverable_domains=…` takes them: with commas or white space between; gives them sorted, each
/// once; none: empty.
///
/// # Errors
/// [`DirectoryError::InvalidSetting`].
pub fn domains(text: &str) -> Result<Vec<DomainName>, DirectoryError> {
    let mut found = BTreeSet::new();
    for part in text.split(|c: char| c == ',' || c.is_whitespace()).filter(|part| !part.is_empty()) {
        let wanted =
            |_| DirectoryError::InvalidSetting(format!("«{part}» is no domain: one like acme.example is wanted"));
        found.insert(part.parse::<DomainName>().map_err(wanted)?);
    }
    if found.len() > DOMAIN_LIMIT {
        let text = format!("an organization names at most {DOMAIN_LIMIT} work domains");
        return Err(DirectoryError::InvalidSetting(text));
    }
    Ok(found.into_iter().collect())
}

/// Refuses domains where everybody can have an address: they say of nobody where they work.
///
/// # Errors
/// [`DirectoryError::InvalidSetting`].
pub fn no_public_mail(organization: &Organization, public: &PublicMail) -> Result<(), DirectoryError> {
    match organization.settings.discoverable_domains.iter().find(|domain| public.contains(domain)) {
        None => Ok(()),
        Some(domain) => Err(DirectoryError::InvalidSetting(format!(
            "everybody can have an address of {domain}, so it says of nobody where they work: name work domains alone"
        ))),
    }
}

/// What somebody with a verified address of a domain can do about an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// Join.
    Join,
    /// Ask to be let in.
    Ask,
}

/// What the offer depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "a table of facts, each of which is true or not")]
pub struct Facts {
    /// The organization's choice.
    pub discoverability: Discoverability,
    /// It is a customer's, no Admin organization.
    pub customer: bool,
    /// It names this domain.
    pub named: bool,
    /// Another organization has the verified claim of the domain, and what is proved outranks what is named.
    pub held_by_another: bool,
    /// Single sign-on is set up for it, or required in it: then that decides who gets in.
    pub single_sign_on: bool,
}

/// Decides.
pub const fn offer(facts: &Facts) -> Option<Offer> {
    if !facts.customer || !facts.named || facts.held_by_another || facts.single_sign_on {
        return None;
    }
    match facts.discoverability {
        Discoverability::Open => Some(Offer::Join),
        Discoverability::Approval => Some(Offer::Ask),
        Discoverability::InviteOnly => None,
    }
}

/// The organizations that somebody with a verified address of `domain` may join, or ask to, by name.
///
/// # Errors
/// The store's.
pub async fn offers(tx: &Tx, domain: &DomainName) -> Result<Vec<(Organization, Offer)>, StoreError> {
    let holder = tx.get(&VERIFIED, domain).await?;
    let mut found = Vec::new();
    for ((_, id), ()) in tx.scan(&FOUND_BY, domain, None, OFFER_LIMIT).await? {
        let Some(organization) = organization::by_id(tx, id).await? else { continue };
        let here = effective::of_organization(tx, organization).await?;
        let settings = &here.organization.settings;
        let facts = Facts {
            discoverability: settings.discoverability,
            customer: here.organization.kind == OrgKind::Customer,
            named: settings.discoverable_domains.contains(domain),
            held_by_another: holder.is_some_and(|holder| holder != id),
            single_sign_on: single_sign_on(tx, &here).await?,
        };
        if let Some(offer) = offer(&facts) {
            found.push((here.organization, offer));
        }
    }
    found.sort_by(|(one, _), (two, _)| (&one.name, &one.slug).cmp(&(&two.name, &two.slug)));
    Ok(found)
}

/// Whether single sign-on decides who gets into an organization, so that nobody comes by themselves.
///
/// # Errors
/// The store's.
pub async fn single_sign_on(tx: &Tx, here: &Effective) -> Result<bool, StoreError> {
    Ok(here.rules.require_sso || effective::has_sso(tx, here.connection().id).await?)
}

/// Whether any organization is on the list of `domain`.
///
/// # Errors
/// The store's.
pub async fn is_found(tx: &Tx, domain: &DomainName) -> Result<bool, StoreError> {
    Ok(!tx.scan(&FOUND_BY, domain, None, 1).await?.is_empty())
}

/// Puts an organization onto the lists of its domains, unless it is invite only.
pub(super) fn list(tx: &Tx, organization: &Organization) -> Result<(), StoreError> {
    let settings = &organization.settings;
    if settings.discoverability == Discoverability::InviteOnly {
        return Ok(());
    }
    settings
        .discoverable_domains
        .iter()
        .try_for_each(|domain| tx.put(&FOUND_BY, &(domain.clone(), organization.id), &()))
}

/// Takes an organization, as it was, off all lists: before it is written anew, or goes.
pub fn unlist(tx: &Tx, before: &Organization) {
    for domain in &before.settings.discoverable_domains {
        tx.delete(&FOUND_BY, &(domain.clone(), before.id));
    }
}

/// What is promised of the lists.
pub(super) fn checkers() -> Vec<TableChecker> {
    let listed = checker(&organization::ORGANIZATIONS, async |tx: Tx, id, record: Organization| {
        let hidden = record.settings.discoverability == Discoverability::InviteOnly;
        for domain in &record.settings.discoverable_domains {
            if tx.get(&FOUND_BY, &(domain.clone(), id)).await?.is_some() == hidden {
                return Ok(Some(format!("people of {domain} find it, or not, otherwise than it says")));
            }
        }
        Ok(None)
    });
    let index = checker(&FOUND_BY, async |tx: Tx, (domain, id), ()| {
        let right = organization::by_id(&tx, id).await?.is_some_and(|found| {
            let settings = &found.settings;
            settings.discoverability != Discoverability::InviteOnly && settings.discoverable_domains.contains(&domain)
        });
        Ok((!right).then(|| "the domain lists an organization which does not name it".to_owned()))
    });
    vec![listed, index]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_offered_to_people_of_a_domain() {
        use Discoverability::{Approval, InviteOnly, Open};
        let check = |discoverability, [customer, named, held_by_another, single_sign_on]: [u8; 4], expected| {
            let facts = Facts {
                discoverability,
                customer: customer == 1,
                named: named == 1,
                held_by_another: held_by_another == 1,
                single_sign_on: single_sign_on == 1,
            };
            assert_eq!(offer(&facts), expected, "{facts:?}");
        };
        // customer, named, held by another, single sign-on
        check(Open, [1, 1, 0, 0], Some(Offer::Join));
        check(Approval, [1, 1, 0, 0], Some(Offer::Ask));
        for how in [Open, Approval, InviteOnly] {
            for row in 0..16_u8 {
                let row = [row & 1, row >> 1 & 1, row >> 2 & 1, row >> 3 & 1];
                if row != [1, 1, 0, 0] {
                    check(how, row, None);
                }
            }
        }
        check(InviteOnly, [1, 1, 0, 0], None);
    }

    #[test]
    fn work_domains_are_a_sorted_list_without_public_mail() {
        let read = |text: &str| domains(text).map(|all| all.iter().map(DomainName::to_string).collect::<Vec<_>>());
        assert_eq!(read("b.example, A.example,a.example").unwrap(), ["a.example", "b.example"]);
        assert_eq!(read(" b.example\r\na.example\t").unwrap(), ["a.example", "b.example"], "a line each");
        assert_eq!(read("bücher.example").unwrap(), ["xn--bcher-kva.example"]);
        assert_eq!(read(" ").unwrap(), [""; 0]);
        let many: Vec<String> = (0..=DOMAIN_LIMIT).map(|number| format!("d{number}.example")).collect();
        for wrong in ["example", "a..example", "@a.example", &many.join(",")] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
