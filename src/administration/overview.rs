//! An organization at a glance: what needs attention, sign-ins by day, sessions now. Gathering is one thing, what is
//! worth a word another, and pure.

use std::sync::Arc;
use std::time::Duration;

use super::Administration;
use super::api::{Attention, AttentionPage, DayView, OverviewShow, OverviewView};
use crate::directory::authority::Act;
use crate::directory::provisioning::token;
use crate::directory::{
    Claim, ClaimState, LoginOutcome, LoginRecord, access_request, claim, effective, link, login, member, organization,
    provisioning_log, sso, sso_refresh,
};
use crate::kernel::{Fault, Timestamp};
use crate::session::{Scope, records};

/// How many days are told of: sign-ins are kept no longer.
const DAYS: usize = 7;
/// Sign-ins that are looked at.
const LOGINS: usize = 2000;
/// A certificate that ends within this time is worth a word (R58).
const CERTIFICATE_NOTICE: Duration = Duration::from_secs(30 * DAY);
/// Metadata that can't be read or followed for so long is worth a word (R52).
const UNREADABLE: Duration = Duration::from_secs(3 * DAY);
/// An identity provider that provisions is heard of more often than this.
const SILENCE: Duration = Duration::from_secs(3 * DAY);
/// So many refused sign-ins within a day are worth a word, if they are more than those that were let in.
const FAILING: usize = 3;
/// How many members to confirm, and requests, are counted.
const COUNTED: usize = 100;
const DAY: u64 = 24 * 3600;

/// What the attention rests on.
#[derive(Clone, Debug, Default)]
struct Facts {
    /// Whether an identity provider is set up, here or by the Admin organization.
    single_sign_on: bool,
    /// When each of its own certificates ends.
    certificates: Vec<Timestamp>,
    /// Since when the identity provider's metadata can't be read or followed.
    unreadable: Option<Timestamp>,
    claims: Vec<Claim>,
    /// Of the last day: refused, and let in.
    refused: usize,
    accepted: usize,
    /// Since when there is a token, and when it was last used.
    provisioning: Option<(Timestamp, Option<Timestamp>)>,
    owner: bool,
    asleep: usize,
    requests: usize,
}

/// An organization at a glance; for those who run it.
pub async fn show(admin: Arc<Administration>, call: OverviewShow) -> Result<OverviewView, Fault> {
    let tx = admin.store.reader();
    let found = organization::by_slug(&tx, &call.slug).await?;
    admin.permit(&tx, Act::Manage(found.id), None).await?;
    let (now, here) = (tx.now(), found.id);
    let linked = link::find(&tx, here).await?.is_some();
    let logins = login::list(&tx, here, LOGINS).await?;
    let held = effective::of_organization(&tx, found).await?;
    let day = |record: &&LoginRecord| now < record.at.plus(Duration::from_secs(DAY));
    let refused = |record: &&LoginRecord| matches!(record.outcome, LoginOutcome::Refused { .. });
    let token = token::find(&tx, here).await?.filter(|_| !linked);
    let last = provisioning_log::list(&tx, here, 1).await?.into_iter().next();
    let facts = Facts {
        single_sign_on: effective::has_sso(&tx, held.connection().id).await?,
        // Under a link, what is its own rests.
        certificates: if linked { Vec::new() } else { ends(&sso::certificates(&tx, here).await?) },
        unreadable: sso_refresh::find(&tx, here).await?.filter(|_| !linked).and_then(since),
        claims: if linked { Vec::new() } else { claim::list(&tx, here).await? },
        refused: logins.iter().filter(day).filter(refused).count(),
        accepted: logins.iter().filter(day).filter(|record| !refused(record)).count(),
        provisioning: token.map(|token| (token.created, last.map(|request| request.at))),
        owner: member::has_owner(&tx, here).await?,
        asleep: member::sleeping(&tx, here, COUNTED).await?.len(),
        requests: access_request::waiting(&tx, here, COUNTED).await?.len(),
    };
    let sessions = records::list(&tx, Scope::Organization(here)).await?.len();
    Ok(OverviewView {
        attention: attention(&facts, now),
        days: days(&logins, now),
        sessions,
        more_sessions: sessions >= records::LIST_LIMIT,
        single_sign_on: facts.single_sign_on,
        domains: facts.claims.iter().filter(|claim| claim.state.holds()).count(),
        provisioning: facts.provisioning.is_some(),
    })
}

fn since(refresh: sso_refresh::Refresh) -> Option<Timestamp> {
    refresh.failing.map(|failing| failing.since)
}

fn ends(certificates: &[crate::directory::SsoCertificate]) -> Vec<Timestamp> {
    certificates.iter().map(|certificate| certificate.not_after).collect()
}

/// What is worth a word, the most pressing first: pure.
fn attention(facts: &Facts, now: Timestamp) -> Vec<Attention> {
    let mut found = Vec::new();
    let mut tell = |page, text: String| found.push(Attention { page, text });
    // While another certificate is good for longer, one that ends is no trouble.
    if let Some(last) = facts.certificates.iter().max() {
        if *last <= now {
            let text = "The identity provider's certificate has ended: add the new one.".to_owned();
            tell(AttentionPage::SingleSignOn, text);
        } else if *last < now.plus(CERTIFICATE_NOTICE) {
            let text =
                format!("The identity provider's certificate ends in {}: add the next one.", time_left(*last, now));
            tell(AttentionPage::SingleSignOn, text);
        }
    }
    if let Some(since) = facts.unreadable.filter(|since| now >= since.plus(UNREADABLE)) {
        let time = days_text(now.since(since));
        let text = format!("The identity provider's metadata has been out of reach, or refused, for {time}.");
        tell(AttentionPage::SingleSignOn, text);
    }
    for claim in &facts.claims {
        let domain = &claim.domain;
        match claim.state {
            ClaimState::Verified => {}
            ClaimState::Lapsing => {
                tell(AttentionPage::Domains, format!("The record of {domain} is gone: put it back, or it lapses."));
            }
            ClaimState::Pending => tell(AttentionPage::Domains, format!("{domain} waits for its DNS record.")),
            ClaimState::Unverified => tell(AttentionPage::Domains, format!("{domain} is not proved any more.")),
        }
    }
    if facts.refused >= FAILING && facts.refused > facts.accepted {
        let text = format!("{} sign-ins were refused within a day, and {} let in.", facts.refused, facts.accepted);
        tell(AttentionPage::SignIns, text);
    }
    if let Some((since, last)) = facts.provisioning
        && now >= last.unwrap_or(since).plus(SILENCE)
    {
        let text = match last {
            Some(last) => format!("SCIM has been silent for {}.", days_text(now.since(last))),
            None => "SCIM has a token, and nobody has used it yet.".to_owned(),
        };
        tell(AttentionPage::Provisioning, text);
    }
    if facts.asleep > 0 {
        tell(AttentionPage::People, counted(facts.asleep, "membership waits", "memberships wait", "to be confirmed"));
    }
    if facts.requests > 0 {
        tell(AttentionPage::People, counted(facts.requests, "person asks", "people ask", "to be let in"));
    }
    if !facts.owner {
        tell(AttentionPage::Members, "There is no owner who could sign in: make somebody one.".to_owned());
    }
    if !facts.single_sign_on {
        tell(AttentionPage::SingleSignOn, "No identity provider is connected yet.".to_owned());
    } else if facts.claims.is_empty() && !facts.certificates.is_empty() {
        tell(AttentionPage::Domains, "No domain is claimed yet, so nobody is led to the identity provider.".to_owned());
    }
    found
}

fn counted(count: usize, one: &str, many: &str, what: &str) -> String {
    match count {
        1 => format!("1 {one} {what}."),
        COUNTED.. => format!("{COUNTED} {many} {what}, or more."),
        _ => format!("{count} {many} {what}."),
    }
}

fn time_left(end: Timestamp, now: Timestamp) -> String {
    days_text(end.since(now))
}

fn days_text(time: Duration) -> String {
    match time.as_secs() / DAY {
        0 => "less than a day".to_owned(),
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    }
}

/// Sign-ins by day (UTC), the oldest day first.
fn days(logins: &[LoginRecord], now: Timestamp) -> Vec<DayView> {
    let date = |moment: Timestamp| moment.to_string().chars().take(10).collect::<String>();
    let day = |back: usize| date(now.minus(Duration::from_secs(DAY * u64::try_from(back).unwrap_or_default())));
    let mut days: Vec<DayView> =
        (0..DAYS).rev().map(|back| DayView { date: day(back), accepted: 0, refused: 0 }).collect();
    for record in logins {
        let date = date(record.at);
        let Some(held) = days.iter_mut().find(|held| held.date == date) else { continue };
        match record.outcome {
            LoginOutcome::Refused { .. } => held.refused += 1,
            LoginOutcome::Accepted | LoginOutcome::Continued => held.accepted += 1,
            LoginOutcome::Tested { .. } => {}
        }
    }
    days
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::OrgId;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn in_days(days: u64) -> Timestamp {
        NOW.plus(Duration::from_secs(days * DAY))
    }

    fn quiet() -> Facts {
        Facts {
            single_sign_on: true,
            certificates: vec![in_days(400)],
            claims: vec![claimed(ClaimState::Verified)],
            owner: true,
            ..Facts::default()
        }
    }

    fn claimed(state: ClaimState) -> Claim {
        let domain = "acme.example".parse().unwrap();
        Claim { state, ..Claim::trusted(OrgId::from_bytes([1; 16]), &domain, NOW) }
    }

    #[track_caller]
    fn check(facts: &Facts, expected: &[&str]) {
        let told: Vec<String> = attention(facts, NOW).into_iter().map(|attention| attention.text).collect();
        assert_eq!(told.len(), expected.len(), "{told:?}");
        for (told, expected) in told.iter().zip(expected) {
            assert!(told.contains(expected), "{told} has {expected}");
        }
    }

    #[test]
    fn what_needs_attention_is_told_and_nothing_else() {
        check(&quiet(), &[]);
        check(&Facts { certificates: vec![in_days(29)], ..quiet() }, &["ends in 29 days"]);
        check(&Facts { certificates: vec![in_days(1)], ..quiet() }, &["ends in 1 day:"]);
        check(&Facts { certificates: vec![NOW], ..quiet() }, &["has ended"]);
        check(&Facts { certificates: vec![in_days(1), in_days(300)], ..quiet() }, &[]);
        let days_ago = |days: u64| Some(NOW.minus(Duration::from_secs(days * DAY)));
        check(&Facts { unreadable: days_ago(2), ..quiet() }, &[]);
        check(&Facts { unreadable: days_ago(3), ..quiet() }, &["out of reach, or refused, for 3 days"]);
        check(&Facts { claims: vec![claimed(ClaimState::Lapsing)], ..quiet() }, &["acme.example is gone"]);
        check(&Facts { claims: vec![claimed(ClaimState::Pending)], ..quiet() }, &["waits for its DNS record"]);
        check(&Facts { claims: vec![claimed(ClaimState::Unverified)], ..quiet() }, &["not proved any more"]);
        check(&Facts { claims: Vec::new(), ..quiet() }, &["No domain is claimed"]);
        check(&Facts { refused: 2, ..quiet() }, &[]);
        check(&Facts { refused: 3, accepted: 2, ..quiet() }, &["3 sign-ins were refused"]);
        check(&Facts { refused: 9, accepted: 20, ..quiet() }, &[]);
        let long_ago = NOW.minus(Duration::from_secs(4 * DAY));
        check(&Facts { provisioning: Some((long_ago, Some(NOW))), ..quiet() }, &[]);
        check(&Facts { provisioning: Some((long_ago, Some(long_ago))), ..quiet() }, &["silent for 4 days"]);
        check(&Facts { provisioning: Some((long_ago, None)), ..quiet() }, &["nobody has used it"]);
        check(&Facts { asleep: 1, ..quiet() }, &["1 membership waits to be confirmed."]);
        check(&Facts { requests: 100, ..quiet() }, &["100 people ask to be let in, or more."]);
        check(&Facts { owner: false, ..quiet() }, &["no owner"]);
        check(&Facts { single_sign_on: false, certificates: Vec::new(), ..quiet() }, &["No identity provider"]);
    }
}
