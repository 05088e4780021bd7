//! `apply`, the claims: on the operator's word, or by DNS, where a file can begin a claim and no more.

use super::api::{Difference, WantedOrganization};
use super::{Administration, domain};
use crate::directory::{Claim, Organization, claim};
use crate::kernel::{DomainName, Fault};
use crate::store::Tx;

/// What is to be done about claims.
#[derive(Clone, Debug, PartialEq, Eq)]
enum ClaimStep {
    /// Verified on the operator's word.
    Trust(DomainName),
    /// To be proved by DNS.
    Begin(DomainName),
    Release(DomainName),
}

/// From the claims there are to those wanted. Pure. What is verified stays as it is, however it was proved.
fn claim_steps(held: &[Claim], trusted: &[DomainName], by_dns: &[DomainName], prune: bool) -> Vec<ClaimStep> {
    let find = |domain: &DomainName| held.iter().find(|claim| claim.domain == *domain);
    let mut steps = Vec::new();
    let unlisted = |claim: &&Claim| prune && !trusted.contains(&claim.domain) && !by_dns.contains(&claim.domain);
    steps.extend(held.iter().filter(unlisted).map(|claim| ClaimStep::Release(claim.domain.clone())));
    for domain in trusted {
        if !find(domain).is_some_and(|claim| claim.state.holds()) {
            steps.push(ClaimStep::Trust(domain.clone()));
        }
    }
    // One that waits goes on waiting; one whose search is over is looked for anew.
    let waits = |claim: &Claim| claim.state.holds() || claim.due.is_some();
    let anew = by_dns.iter().filter(|domain| !trusted.contains(domain) && !find(domain).is_some_and(waits));
    steps.extend(anew.map(|domain| ClaimStep::Begin(domain.clone())));
    steps
}

/// Brings the claims of one organization to what is wanted.
pub async fn bring(
    admin: &Administration,
    tx: &Tx,
    found: &Organization,
    wanted: &WantedOrganization,
    prune: bool,
) -> Result<Vec<Difference>, Fault> {
    let mut held = Vec::new();
    for claim in claim::list(tx, found.id).await? {
        // Read by key, so that a change meanwhile runs this again.
        held.extend(claim::find(tx, found.id, &claim.domain).await?);
    }
    let mut changes = Vec::new();
    for step in claim_steps(&held, &wanted.domains, &wanted.domains_by_dns, prune) {
        changes.push(match step {
            ClaimStep::Trust(domain) => {
                domain::trusted(admin, tx, found, &domain).await?;
                Difference::new(&found.slug, "domain", None, domain.to_string())
            }
            ClaimStep::Begin(domain) => {
                domain::by_dns(admin, tx, found, &domain).await?;
                let told = format!(
                    "{domain}, to be proved by DNS, which no file can do: `vestibule domain list {}` shows the record",
                    found.slug
                );
                Difference::new(&found.slug, "domain", None, told)
            }
            ClaimStep::Release(domain) => {
                domain::give_up(admin, tx, found, &domain).await?;
                Difference::new(&found.slug, "domain", Some(domain.to_string()), None)
            }
        });
    }
    Ok(changes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{OrgId, Timestamp};

    #[test]
    fn claims_move_from_what_is_to_what_is_wanted() {
        let domain = |name: &str| -> DomainName { format!("{name}.example").parse().unwrap() };
        let domains = |names: &[&str]| names.iter().map(|name| domain(name)).collect::<Vec<_>>();
        let id = OrgId::from_bytes([1; 16]);
        let verified = Claim::trusted(id, &domain("held"), Timestamp::EPOCH);
        let pending = Claim::pending(id, &domain("waits"), Some("token".to_owned()), Timestamp::EPOCH);
        let given_up = Claim { due: None, domain: domain("late"), ..pending.clone() };
        let held = [verified, pending, given_up];
        let check = |trusted: &[&str], by_dns: &[&str], prune, expected: &[ClaimStep]| {
            assert_eq!(claim_steps(&held, &domains(trusted), &domains(by_dns), prune), expected);
        };
        let (trust, begin) = (|name| ClaimStep::Trust(domain(name)), |name| ClaimStep::Begin(domain(name)));
        let release = |name| ClaimStep::Release(domain(name));
        check(&[], &[], false, &[]);
        check(&["held"], &["held", "waits"], false, &[]);
        check(&["waits"], &[], false, &[trust("waits")]);
        check(&["new"], &["other"], false, &[trust("new"), begin("other")]);
        check(&[], &["late"], false, &[begin("late")]);
        check(&["held"], &["waits"], true, &[release("late")]);
        check(&[], &[], true, &[release("held"), release("waits"), release("late")]);
    }
}
