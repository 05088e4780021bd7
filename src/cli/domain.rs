//! `domain`

use super::output::{facts, table};
use super::text::{self, word};
use super::verbs::Domain;
use super::{Context, Failure};
use crate::administration::api::{
    DomainChecked, DomainClaim, DomainList, DomainRelease, DomainTransfer, DomainVerify, DomainView,
};
use crate::directory::{ClaimState, Event};

pub(super) fn run(context: &Context, verb: Domain) -> Result<(), Failure> {
    match verb {
        Domain::Claim { slug, domain, trusted } => context.ask(&DomainClaim { slug, domain, trusted }, claimed),
        Domain::Verify { slug, domain } => verify(context, &DomainVerify { slug, domain }),
        Domain::List { slug, all } => context.ask(&DomainList { slug, all }, |found| list(found)),
        Domain::Transfer { domain, to } => context.ask(&DomainTransfer { domain, to }, text::changes),
        Domain::Release { slug, domain } => context.ask(&DomainRelease { slug, domain }, text::changes),
    }
}

fn claimed(claim: &DomainView) -> String {
    let (domain, slug) = (&claim.domain, &claim.slug);
    if claim.trusted {
        return format!(
            "{domain} is verified for {slug}, on your own word: everyone with such an address signs in there."
        );
    }
    if claim.state.holds() {
        return format!("{domain} is verified for {slug} already.");
    }
    let first = match &claim.held_by {
        Some(holder) => format!("As long as {holder} holds the domain, the record alone changes nothing.\n"),
        None => String::new(),
    };
    format!(
        "{domain} is claimed for {slug}. This record in its DNS proves it:\n\n{}\n\n{first}It is looked for by itself, less \
         and less often, for two weeks; at once: `vestibule domain verify {slug} {domain}`",
        record(claim)
    )
}

/// The record, as somebody types it who looks after DNS.
fn record(claim: &DomainView) -> String {
    let value = claim.record.clone().unwrap_or_default();
    let lines = facts(&[
        ("name", format!("{} (some consoles want @)", claim.domain)),
        ("type", "TXT".to_owned()),
        ("value", value),
    ]);
    lines.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

/// A domain that is not verified is what was asked for, and yet not good: exit code 1.
fn verify(context: &Context, call: &DomainVerify) -> Result<(), Failure> {
    let checked = context.server()?.call(call)?;
    context.show(&checked, verified);
    if checked.claim.state.holds() {
        return Ok(());
    }
    let reason = match &checked.claim.held_by {
        Some(holder) => format!("{holder} holds it"),
        None => format!("the record is not there: {}", checked.claim.record.as_deref().unwrap_or_default()),
    };
    Err(Failure(format!("{} is not verified for {}: {reason}", call.domain, call.slug)))
}

fn verified(checked: &DomainChecked) -> String {
    let claim = &checked.claim;
    let mut pairs: Vec<(&str, String)> = Vec::new();
    for answer in &claim.answers {
        pairs.push(("answer", format!("{}: {}", answer.server, answer.detail)));
    }
    pairs.push(("state", told(claim)));
    let by_event = |event: Event| match event {
        Event::Verified => "verified now",
        Event::Healed => "the record is back: it stays verified",
        Event::Lapsing => "the record is gone: the grace begins",
        Event::Unverified => "the grace is over: the domain is lost",
        Event::Taken => "the record is there, but another organization holds the domain",
    };
    pairs.extend(checked.event.map(|event| ("change", by_event(event).to_owned())));
    let times = [("seen", &claim.seen), ("next check", &claim.next_check)];
    pairs.extend(times.into_iter().filter_map(|(name, time)| time.clone().map(|time| (name, time))));
    facts(&pairs)
}

/// The state with what matters about it.
fn told(claim: &DomainView) -> String {
    let state = word(&claim.state);
    let state = if claim.rests { format!("{state}, rests under a link") } else { state };
    match (&claim.state, &claim.lapses, &claim.held_by) {
        (ClaimState::Lapsing, Some(ends), _) => format!("{state}, lost {ends}"),
        (_, _, Some(holder)) => format!("{state}, held by {holder}"),
        _ => state,
    }
}

fn list(found: &[DomainView]) -> String {
    let row = |claim: &DomainView| {
        let how = if claim.trusted { "the operator's word" } else { "DNS" };
        let answers = claim.answers.iter().map(|answer| answer.detail.clone());
        let mut answers: Vec<String> = answers.collect();
        answers.dedup();
        [
            claim.domain.to_string(),
            claim.slug.to_string(),
            told(claim),
            how.to_owned(),
            claim.verified.clone().unwrap_or_default(),
            claim.seen.clone().unwrap_or_default(),
            claim.next_check.clone().unwrap_or_default(),
            answers.join("; "),
        ]
    };
    let rows: Vec<_> = found.iter().map(row).collect();
    let empty =
        "No claimed domains: `vestibule domain claim SLUG DOMAIN` makes a claim; --all shows those that rest, too.";
    table(["DOMAIN", "ORGANIZATION", "STATE", "BY", "SINCE", "SEEN", "NEXT CHECK", "DNS SAID"], &rows, empty)
}
