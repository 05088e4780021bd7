//! The life of a claim: what one look into DNS makes of it, as a pure function of what was seen and when.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::claim::{Claim, ClaimState};
use crate::kernel::Timestamp;

/// The first pause between two looks for a record that is awaited; each further one is as long as the search so far.
pub const FIRST_PAUSE: Duration = Duration::from_secs(60);
/// The longest pause between two of them.
const LONGEST_PAUSE: Duration = Duration::from_secs(12 * 3600);
/// For how long a record is looked for unasked.
pub const SEARCH: Duration = Duration::from_secs(14 * 24 * 3600);
/// How soon DNS is asked again that gave no answer.
const AFTER_FAILURE: Duration = Duration::from_secs(3600);
/// How often a record is looked for while the grace runs, at least.
const WHILE_LAPSING: Duration = Duration::from_secs(6 * 3600);

/// What DNS showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Observation {
    /// The record is there.
    Found,
    /// NXDOMAIN, or NOERROR without the record (D8).
    Gone,
    /// SERVFAIL, a refusal, silence: nothing is known (D8).
    Failed,
}

/// How often verified claims are looked up, and how long a record may be gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Between two looks at a verified claim.
    pub recheck: Duration,
    /// From the record's disappearance to the claim's end.
    pub grace: Duration,
}

impl Default for Rules {
    fn default() -> Self {
        Rules { recheck: Duration::from_secs(24 * 3600), grace: Duration::from_secs(7 * 24 * 3600) }
    }
}

/// What happened to a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// It holds from now on.
    Verified,
    /// The record is back before the grace was over.
    Healed,
    /// The record is gone: the grace runs.
    Lapsing,
    /// The grace is over: the domain is the organization's no longer.
    Unverified,
    /// The record is there, but another organization holds the domain.
    Taken,
}

/// A claim after a look, and what happened to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The claim as it is now.
    pub claim: Claim,
    /// What is worth telling.
    pub event: Option<Event>,
}

/// When the grace of a lapsing claim is over.
pub fn grace_ends(claim: &Claim, rules: Rules) -> Option<Timestamp> {
    claim.lapsing.map(|since| since.plus(rules.grace))
}

/// The claim as one that is looked for from now on.
pub fn search_anew(claim: &Claim, now: Timestamp) -> Claim {
    if claim.state.holds() || claim.trusted {
        return claim.clone();
    }
    Claim { taken: None, sought: Some(now), due: Some(now), ..claim.clone() }
}

/// What one look makes of a claim. `taken`: another organization holds the domain. Claims on the operator's word stay
/// as they are.
pub fn observe(claim: &Claim, observation: Observation, taken: bool, now: Timestamp, rules: Rules) -> Step {
    if claim.trusted {
        return Step { claim: claim.clone(), event: None };
    }
    let mut next = Claim { checked: Some(now), ..claim.clone() };
    next.failing = match observation {
        Observation::Failed => claim.failing.or(Some(now)),
        Observation::Found | Observation::Gone => None,
    };
    if observation == Observation::Found {
        next.seen = Some(now);
    }
    let event = if claim.state.holds() {
        while_holding(&mut next, observation, now, rules)
    } else {
        while_waiting(&mut next, observation, taken, now, rules)
    };
    Step { claim: next, event }
}

fn while_waiting(
    next: &mut Claim,
    observation: Observation,
    taken: bool,
    now: Timestamp,
    rules: Rules,
) -> Option<Event> {
    if observation == Observation::Found && !taken {
        (next.state, next.verified) = (ClaimState::Verified, Some(now));
        (next.sought, next.taken) = (None, None);
        next.due = Some(now.plus(rules.recheck));
        return Some(Event::Verified);
    }
    let sought = *next.sought.get_or_insert(now);
    let pause = now.since(sought).clamp(FIRST_PAUSE, LONGEST_PAUSE);
    next.due = (now < sought.plus(SEARCH)).then(|| now.plus(pause));
    if !taken {
        next.taken = None;
    } else if observation == Observation::Found && next.taken.is_none() {
        next.taken = Some(now);
        return Some(Event::Taken);
    }
    None
}

fn while_holding(next: &mut Claim, observation: Observation, now: Timestamp, rules: Rules) -> Option<Event> {
    match (observation, next.lapsing) {
        (Observation::Found, lapsing) => {
            (next.state, next.lapsing) = (ClaimState::Verified, None);
            next.due = Some(now.plus(rules.recheck));
            lapsing.map(|_| Event::Healed)
        }
        // No answer says nothing, however long (D8): neither does it end a grace that runs.
        (Observation::Failed, _) => {
            next.due = Some(now.plus(rules.recheck.min(AFTER_FAILURE)));
            None
        }
        (Observation::Gone, None) => {
            (next.state, next.lapsing) = (ClaimState::Lapsing, Some(now));
            next.due = Some(next_while_lapsing(now, now, rules));
            Some(Event::Lapsing)
        }
        (Observation::Gone, Some(since)) if now < since.plus(rules.grace) => {
            next.due = Some(next_while_lapsing(since, now, rules));
            None
        }
        (Observation::Gone, Some(_)) => {
            (next.state, next.lapsing, next.verified) = (ClaimState::Unverified, None, None);
            (next.sought, next.due) = (Some(now), Some(now.plus(FIRST_PAUSE)));
            Some(Event::Unverified)
        }
    }
}

/// The next look while the grace runs: often enough that a record which is back heals soon, and at its very end.
fn next_while_lapsing(since: Timestamp, now: Timestamp, rules: Rules) -> Timestamp {
    now.plus(rules.recheck.min(WHILE_LAPSING)).min(since.plus(rules.grace))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::OrgId;
    use ClaimState::{Lapsing, Pending, Unverified, Verified};
    use Observation::{Failed, Found, Gone};

    const HOUR: Duration = Duration::from_secs(3600);
    const DAY: Duration = Duration::from_secs(24 * 3600);
    const START: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn pending() -> Claim {
        let token = Some("token".to_owned());
        Claim::pending(OrgId::from_bytes([1; 16]), &"acme.example".parse().unwrap(), token, START)
    }

    /// A claim in `state`, reached as in life.
    fn claim(state: ClaimState) -> Claim {
        let seen = observe(&pending(), Found, false, START, Rules::default()).claim;
        let lapsing = observe(&seen, Gone, false, START, Rules::default()).claim;
        let claim = match state {
            Pending => pending(),
            Verified => seen,
            Lapsing => lapsing,
            Unverified => observe(&lapsing, Gone, false, START.plus(7 * DAY), Rules::default()).claim,
        };
        assert_eq!(claim.state, state);
        claim
    }

    #[test]
    fn every_observation_in_every_state() {
        let check = |from: ClaimState, observation, taken, after: Duration, to: ClaimState, event: Option<Event>| {
            let step = observe(&claim(from), observation, taken, START.plus(after), Rules::default());
            let told = (step.claim.state, step.event);
            assert_eq!(told, (to, event), "{from:?}, {observation:?}, taken: {taken}, after {after:?}");
        };
        check(Pending, Found, false, DAY, Verified, Some(Event::Verified));
        check(Pending, Found, true, DAY, Pending, Some(Event::Taken));
        check(Pending, Gone, false, DAY, Pending, None);
        check(Pending, Gone, true, DAY, Pending, None);
        check(Pending, Failed, false, DAY, Pending, None);
        check(Verified, Found, false, DAY, Verified, None);
        check(Verified, Gone, false, DAY, Lapsing, Some(Event::Lapsing));
        check(Verified, Failed, false, DAY, Verified, None);
        check(Verified, Failed, false, 1000 * DAY, Verified, None);
        check(Lapsing, Found, false, DAY, Verified, Some(Event::Healed));
        check(Lapsing, Found, false, 8 * DAY, Verified, Some(Event::Healed));
        check(Lapsing, Gone, false, 167 * HOUR, Lapsing, None);
        check(Lapsing, Gone, false, 7 * DAY, Unverified, Some(Event::Unverified));
        check(Lapsing, Failed, false, DAY, Lapsing, None);
        check(Lapsing, Failed, false, 8 * DAY, Lapsing, None);
        check(Unverified, Found, false, 8 * DAY, Verified, Some(Event::Verified));
        check(Unverified, Found, true, 8 * DAY, Unverified, Some(Event::Taken));
        check(Unverified, Gone, false, 8 * DAY, Unverified, None);
        check(Unverified, Failed, false, 8 * DAY, Unverified, None);
    }

    #[test]
    fn the_operators_word_never_lapses() {
        let trusted = Claim::trusted(OrgId::from_bytes([1; 16]), &"acme.example".parse().unwrap(), START);
        for observation in [Found, Gone, Failed] {
            let step = observe(&trusted, observation, false, START.plus(1000 * DAY), Rules::default());
            assert_eq!(step, Step { claim: trusted.clone(), event: None });
        }
    }

    #[test]
    fn servfail_for_eight_days_unverifies_nothing_and_an_answer_is_missed_by_an_hour_at_most() {
        let (mut held, mut now) = (claim(Verified), START);
        while now < START.plus(8 * DAY) {
            now = held.due.unwrap();
            held = observe(&held, Failed, false, now, Rules::default()).claim;
            assert!(held.due.unwrap() <= now.plus(HOUR));
        }
        assert_eq!((held.state, held.lapsing), (Verified, None));
        assert_eq!(held.failing, Some(START.plus(DAY)), "since the first that failed");
        held = observe(&held, Found, false, now, Rules::default()).claim;
        assert_eq!((held.failing, held.seen), (None, Some(now)));
    }

    #[test]
    fn a_record_is_awaited_with_growing_pauses_and_not_for_ever() {
        let mut claim = pending();
        let (mut looks, mut last) = (0, START);
        let mut pauses = Vec::new();
        while let Some(due) = claim.due {
            pauses.push(due.since(last));
            (last, looks) = (due, looks + 1);
            claim = observe(&claim, Gone, false, due, Rules::default()).claim;
        }
        assert!(pauses.windows(2).all(|pair| pair[0] <= pair[1]), "{pauses:?}");
        assert_eq!((pauses[0], *pauses.last().unwrap()), (FIRST_PAUSE, LONGEST_PAUSE));
        assert!(last >= START.plus(SEARCH), "it is looked for until then");
        assert!(looks < 50, "{looks} looks");
        assert_eq!(search_anew(&claim, last).due, Some(last));
    }

    #[test]
    fn the_loser_is_told_once_and_wins_when_the_domain_is_free() {
        let first = observe(&pending(), Found, true, START, Rules::default());
        assert_eq!(first.event, Some(Event::Taken));
        let again = observe(&first.claim, Found, true, START.plus(HOUR), Rules::default());
        assert_eq!(again.event, None);
        let free = observe(&again.claim, Found, false, START.plus(DAY), Rules::default());
        assert_eq!((free.event, free.claim.taken), (Some(Event::Verified), None));
    }

    #[test]
    fn the_end_of_the_grace_is_looked_at_when_it_comes() {
        let mut held = claim(Lapsing);
        assert_eq!(grace_ends(&held, Rules::default()), Some(START.plus(7 * DAY)));
        while held.state == Lapsing {
            let due = held.due.unwrap();
            assert!(due <= START.plus(7 * DAY));
            held = observe(&held, Gone, false, due, Rules::default()).claim;
        }
        assert_eq!((held.state, held.checked), (Unverified, Some(START.plus(7 * DAY))));
    }
}
