//! `audit`: entries as text or JSON, the stream of new ones, and whether the chains are whole.

use std::str::FromStr;
use std::time::Duration;

use clap::Args;

use super::output::{complain, say};
use super::text::count;
use super::{Context, Failure};
use crate::admin::AUDIT_FOLLOW;
use crate::administration::api::{
    Audit, AuditFollow, AuditPage, AuditVerified, AuditVerify, AuditView, ChainView, Chains,
};
use crate::kernel::{Clock as _, Slug, SystemClock, Timestamp};
use crate::store::ChainHash;

/// What was typed.
#[derive(Debug, Args)]
pub struct Typed {
    /// Of this organization alone, even if it was deleted
    #[arg(long, value_name = "SLUG", conflicts_with = "operator")]
    pub org: Option<Slug>,
    /// Only what belongs to no organization
    #[arg(long)]
    pub operator: bool,
    /// Since then: 2026-11-22T10:15:00Z, 2026-11-22, or how long ago, such as 24h
    #[arg(long, value_name = "T")]
    pub since: Option<Moment>,
    /// The newest so many; default: 50, with --follow 10, with --since all
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub last: Option<u16>,
    /// Go on with new ones as they come
    #[arg(long, conflicts_with = "verify")]
    pub follow: bool,
    /// Look whether every chain is whole; exit code 1 if not
    #[arg(long, conflicts_with_all = ["since", "last"])]
    pub verify: bool,
    /// An end that --verify showed earlier: whether it is still in the chain
    #[arg(long, value_name = "NUMBER:HASH", requires = "verify", value_parser = end)]
    pub expect: Option<(u64, ChainHash)>,
}

/// How many entries are shown if nothing else is asked for.
const SHOWN: usize = 50;
/// How many come before the new ones if nothing else is asked for.
const SHOWN_BEFORE: usize = 10;

/// A moment: RFC 3339, a date, or how long ago.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(pub Timestamp);

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        moment(text, SystemClock.now()).map(Moment)
    }
}

fn moment(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    let ago = || -> Option<Timestamp> {
        let unit = text.chars().last()?;
        let seconds = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 24 * 3600,
            _ => return None,
        };
        let number: u64 = text[..text.len() - 1].parse().ok()?;
        Some(now.minus(Duration::from_secs(number.checked_mul(seconds)?)))
    };
    let date = || Timestamp::parse_rfc3339(&format!("{text}T00:00:00Z"));
    let wanted = "a moment is 2026-11-22T10:15:00Z, 2026-11-22 (midnight UTC), or how long ago: 90s, 30m, 24h, 7d";
    Timestamp::parse_rfc3339(text).or_else(date).or_else(ago).ok_or_else(|| wanted.to_owned())
}

/// A number and the hash that it had, as `--verify` shows them.
pub fn end(text: &str) -> Result<(u64, ChainHash), String> {
    let wanted = || "NUMBER:HASH is wanted, as an earlier --verify has shown it".to_owned();
    let (number, hash) = text.split_once(':').ok_or_else(wanted)?;
    Ok((number.parse().map_err(|_| wanted())?, hash.parse().map_err(|_| wanted())?))
}

pub(super) fn run(context: &Context, typed: Typed) -> Result<(), Failure> {
    let Typed { org, operator, since, last, follow, verify, expect } = typed;
    let chains = match org {
        Some(slug) => Chains::Org(slug),
        None if operator => Chains::Operator,
        None => Chains::All,
    };
    let since = since.map(|Moment(since)| since);
    if verify {
        return look(context, &AuditVerify { chains, expect });
    }
    if follow {
        let last = last.map_or(SHOWN_BEFORE, usize::from);
        let call = AuditFollow { chains, since, last };
        return context.server()?.stream(AUDIT_FOLLOW, &call, |text| told(context, text));
    }
    let last = last.map(usize::from).or(since.is_none().then_some(SHOWN));
    let mut call = Audit { chains, since, after: None, last };
    let server = context.server()?;
    let mut all: Vec<AuditView> = Vec::new();
    let mut shown = 0;
    loop {
        let AuditPage { entries, next, left_out } = server.call(&call)?;
        if left_out {
            complain("older entries are left out: name one chain with --org SLUG or --operator to see all of it");
        }
        shown += entries.len();
        if context.output.json {
            all.extend(entries);
        } else {
            for entry in &entries {
                say(&line(entry));
            }
        }
        match next {
            Some(next) => call.after = Some(next),
            None => break,
        }
    }
    if context.output.json {
        context.show(&all, |_| String::new());
    } else if shown == 0 {
        say("No entries.");
    }
    Ok(())
}

/// A line of the stream, as it came.
fn told(context: &Context, text: &str) -> Result<(), Failure> {
    if context.output.json {
        say(text);
        return Ok(());
    }
    let entry = serde_json::from_str(text).map_err(|error| Failure(format!("an entry is not understood: {error}")))?;
    say(&line(&entry));
    Ok(())
}

/// An entry in a line.
fn line(entry: &AuditView) -> String {
    let AuditView { number, time, actor, from, action, object, before, after, .. } = entry;
    let chain = entry.org.as_ref().map_or("(operator)", |slug| slug.as_str());
    let from = if from.is_empty() { String::new() } else { format!(" from {from}") };
    let change = match (before.as_str(), after.as_str()) {
        ("", "") => String::new(),
        ("", after) => format!(": {after}"),
        (before, "") => format!(": was {before}"),
        (before, after) => format!(": {before} → {after}"),
    };
    let later = if entry.chained_later { " (chained later)" } else { "" };
    format!("{time}  {chain} #{number}  {action} {object}{change}  by {actor}{from}{later}")
}

fn look(context: &Context, call: &AuditVerify) -> Result<(), Failure> {
    let found = context.server()?.call(call)?;
    context.show(&found, verified);
    match found.problems {
        0 => Ok(()),
        number => {
            let words = count(number, "problem");
            let text = format!("the audit has {words}: entries were changed or lost; compare it with a backup");
            Err(Failure(text))
        }
    }
}

fn verified(found: &AuditVerified) -> String {
    let one = |chain: &ChainView| {
        let name = chain.org.as_ref().map_or("(operator)", |slug| slug.as_str());
        let entries = if chain.entries == 1 { "1 entry".to_owned() } else { format!("{} entries", chain.entries) };
        let end = chain.end.as_ref().map_or(String::new(), |end| format!(", ends with {end}"));
        let state = if chain.count == 0 { "whole" } else { "NOT whole" };
        let mut lines = vec![format!("{name}: {entries}, {state}{end}")];
        lines.extend(chain.problems.iter().map(|problem| format!("  problem: {problem}")));
        let untold = chain.count - chain.problems.len();
        if untold > 0 {
            lines.push(format!("  and {untold} more"));
        }
        lines.join("\n")
    };
    if found.chains.is_empty() {
        return "No entries yet.".to_owned();
    }
    found.chains.iter().map(one).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_time_a_date_or_how_long_ago() {
        let now = Timestamp::parse_rfc3339("2026-11-22T10:15:00Z").unwrap();
        let check = |text: &str, expected: Option<&str>| {
            let expected = expected.map(|expected| Timestamp::parse_rfc3339(expected).unwrap());
            assert_eq!(moment(text, now).ok(), expected, "{text}");
        };
        check("2026-11-21T00:00:00+01:00", Some("2026-11-20T23:00:00Z"));
        check("2026-11-21", Some("2026-11-21T00:00:00Z"));
        check("90s", Some("2026-11-22T10:13:30Z"));
        check("24h", Some("2026-11-21T10:15:00Z"));
        check("7d", Some("2026-11-15T10:15:00Z"));
        for wrong in ["", "yesterday", "h", "-1h", "1é", "99999999999999999999d"] {
            check(wrong, None);
        }
    }
}
