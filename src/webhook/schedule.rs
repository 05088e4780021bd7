//! When a delivery that failed is tried again: the schedule that Standard Webhooks gives as its example, with jitter.

use std::time::Duration;

use crate::kernel::{Rng, Timestamp};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// The longest that an endpoint's `Retry-After` is followed.
pub(super) const RETRY_AFTER_LIMIT: Duration = Duration::from_secs(24 * HOUR);
/// By how much at most a pause is lengthened by chance: a fifth.
const JITTER_SHARE: u32 = 5;

/// How long is waited for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// How often it is looked whether an event is due.
    pub look_every: Duration,
    /// The pauses between the tries of an event; after the try behind the last one it is dead.
    pub pauses: Vec<Duration>,
    /// How long an endpoint is left alone that is not there or asks for rest; doubled with each further time.
    pub first_rest: Duration,
    /// The longest of those, but for what it asks for itself.
    pub longest_rest: Duration,
    /// How long one try may take from first to last.
    pub answer_within: Duration,
}

impl Default for Rules {
    fn default() -> Self {
        let seconds = [5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR];
        Rules {
            look_every: Duration::from_millis(250),
            pauses: seconds.into_iter().map(Duration::from_secs).collect(),
            first_rest: Duration::from_secs(1),
            longest_rest: Duration::from_secs(60),
            answer_within: Duration::from_secs(20),
        }
    }
}

impl Rules {
    /// When an event is tried next that failed `failures` times by now, never earlier than the endpoint `asked` for;
    /// `None`: it is dead.
    pub(super) fn next(
        &self,
        now: Timestamp,
        failures: u32,
        asked: Option<Duration>,
        rng: &dyn Rng,
    ) -> Option<Timestamp> {
        let number = usize::try_from(failures.checked_sub(1)?).ok()?;
        let pause = self.pauses.get(number)?;
        let longer = *pause + jitter(*pause / JITTER_SHARE, rng);
        Some(now.plus(longer.max(asked.unwrap_or_default().min(RETRY_AFTER_LIMIT))))
    }

    /// How long an endpoint is left alone that failed as a whole `failures` times in a row.
    pub(super) fn rest(&self, failures: u32, asked: Option<Duration>) -> Duration {
        let rest = self.first_rest.saturating_mul(1 << failures.saturating_sub(1).min(20)).min(self.longest_rest);
        rest.max(asked.unwrap_or_default().min(RETRY_AFTER_LIMIT))
    }
}

/// Anything up to `most`.
fn jitter(most: Duration, rng: &dyn Rng) -> Duration {
    let chance = u32::from(u16::from_be_bytes(rng.bytes()));
    most * chance / u32::from(u16::MAX)
}

/// How long a `Retry-After` asks to wait: whole seconds, or until a date (RFC 9110 §10.2.3).
pub(super) fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(Timestamp::from_millis(date.as_millisecond()).since(now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::SeededRng;

    #[test]
    fn pauses_are_the_schedules_or_up_to_a_fifth_longer_and_then_it_is_dead() {
        let (rules, rng) = (Rules::default(), SeededRng::new(1));
        let now = Timestamp::from_seconds(1_800_000_000);
        for (number, pause) in rules.pauses.iter().enumerate() {
            let failures = u32::try_from(number).unwrap() + 1;
            let waits: Vec<Duration> =
                (0..50).map(|_| rules.next(now, failures, None, &rng).expect("another try").since(now)).collect();
            assert!(waits.iter().all(|wait| wait >= pause && *wait <= *pause + *pause / 5), "{pause:?}: {waits:?}");
            assert!(waits.iter().any(|wait| *wait != waits[0]), "there is no chance in it");
        }
        assert_eq!(rules.pauses.len(), 9);
        assert_eq!(rules.next(now, 10, None, &rng), None);
        assert_eq!(rules.next(now, u32::MAX, Some(Duration::from_secs(1)), &rng), None);
    }

    #[test]
    fn what_the_endpoint_asks_for_makes_a_pause_longer_within_bounds_and_never_shorter() {
        let (rules, rng) = (Rules::default(), SeededRng::new(1));
        let now = Timestamp::from_seconds(1_800_000_000);
        let check = |asked: u64, least: u64, most: u64| {
            let wait = rules.next(now, 2, Some(Duration::from_secs(asked)), &rng).unwrap().since(now).as_secs();
            assert!((least..=most).contains(&wait), "{asked}: {wait}");
        };
        check(1, 300, 360);
        check(900, 900, 900);
        check(u64::MAX, 24 * 3600, 24 * 3600);
    }

    #[test]
    fn an_endpoint_that_is_not_there_is_left_alone_for_longer_each_time() {
        let rules = Rules::default();
        let rests: Vec<u64> = (1..=8).map(|failures| rules.rest(failures, None).as_secs()).collect();
        assert_eq!(rests, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(rules.rest(1, Some(Duration::from_secs(120))), Duration::from_secs(120));
        assert_eq!(rules.rest(u32::MAX, Some(Duration::MAX)), RETRY_AFTER_LIMIT);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = Timestamp::parse_rfc3339("2026-11-27T12:00:00Z").unwrap();
        let check = |text: &str, expected: Option<u64>| {
            assert_eq!(retry_after(text, now).map(|wait| wait.as_secs()), expected, "{text}");
        };
        check("120", Some(120));
        check(" 0 ", Some(0));
        check("Fri, 27 Nov 2026 12:02:00 GMT", Some(120));
        check("Fri, 27 Nov 2026 11:00:00 GMT", Some(0));
        for wrong in ["", "soon", "-1", "1.5", "2026-11-27"] {
            check(wrong, None);
        }
    }
}
