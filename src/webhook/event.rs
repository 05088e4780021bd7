//! Events: their types, which of them an endpoint is told, and the body that tells one.

use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;
use serde_json::Value;

use crate::kernel::{Rng, Timestamp, WebhookId};

/// Something that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EventType {
    UserCreated,
    UserUpdated,
    UserActivated,
    UserDeactivated,
    MembershipCreated,
    MembershipUpdated,
    MembershipDeleted,
    TeamCreated,
    TeamUpdated,
    TeamDeleted,
    TeamMemberAdded,
    TeamMemberRemoved,
}

/// The types of all events.
pub const EVENT_TYPES: [&str; 12] = [
    "user.created",
    "user.updated",
    "user.activated",
    "user.deactivated",
    "membership.created",
    "membership.updated",
    "membership.deleted",
    "team.created",
    "team.updated",
    "team.deleted",
    "team_member.added",
    "team_member.removed",
];

/// The type of what `vestibule webhook test` sends, whatever an endpoint wants to be told.
pub(super) const TEST: &str = "webhook.test";

impl EventType {
    /// As it is told.
    pub const fn as_str(self) -> &'static str {
        match self {
            EventType::UserCreated => "user.created",
            EventType::UserUpdated => "user.updated",
            EventType::UserActivated => "user.activated",
            EventType::UserDeactivated => "user.deactivated",
            EventType::MembershipCreated => "membership.created",
            EventType::MembershipUpdated => "membership.updated",
            EventType::MembershipDeleted => "membership.deleted",
            EventType::TeamCreated => "team.created",
            EventType::TeamUpdated => "team.updated",
            EventType::TeamDeleted => "team.deleted",
            EventType::TeamMemberAdded => "team_member.added",
            EventType::TeamMemberRemoved => "team_member.removed",
        }
    }
}

/// What of all events an endpoint is told: one type, those of a group (`user.*`), or all (`*`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter(String);

/// No event there is has such a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAnEvent;

impl FromStr for Filter {
    type Err = NotAnEvent;

    fn from_str(text: &str) -> Result<Self, NotAnEvent> {
        let filter = Filter(text.to_owned());
        if EVENT_TYPES.iter().any(|known| filter.takes(known)) { Ok(filter) } else { Err(NotAnEvent) }
    }
}

impl Filter {
    /// Whether it takes events of this type.
    pub fn takes(&self, event: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some("") => true,
            Some(group) => group.ends_with('.') && event.starts_with(group),
            None => self.0 == event,
        }
    }
}

/// An event as it arises in a transaction.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Event {
    pub kind: EventType,
    /// Whom or what it is about: events of one subject are delivered in their order, as far as that can be.
    pub subject: String,
    /// What is told of it.
    pub data: Value,
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    timestamp: String,
    data: &'a Value,
}

/// The body that tells it («Payload structure»); the very text that is signed.
pub(super) fn body(kind: &str, at: Timestamp, data: &Value) -> String {
    serde_json::to_string(&Body { kind, timestamp: at.to_rfc3339_millis(), data }).unwrap_or_default()
}

/// How far the milliseconds stand above the number in what [`Ids`] counts, in bits.
const NUMBER_BITS: u32 = 16;

/// Gives ids in the order in which they are asked for, also within a millisecond and where the clock goes back (the form
/// of RFC 9562 §5.7, with 16 bits behind the milliseconds that count).
#[derive(Debug, Default)]
pub(super) struct Ids(AtomicU64);

impl Ids {
    /// `count` ids for what happens `now`.
    pub fn take(&self, now: Timestamp, count: usize, rng: &dyn Rng) -> impl Iterator<Item = WebhookId> + use<> {
        let least = u64::try_from(now.millis()).unwrap_or(0) << NUMBER_BITS;
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        let after = |next: u64| next.max(least).saturating_add(count);
        let before =
            self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |next| Some(after(next))).unwrap_or_default();
        let (first, chance) = (before.max(least), rng.bytes());
        (first..after(before)).map(move |number| id(number, chance))
    }
}

fn id(number: u64, chance: [u8; 7]) -> WebhookId {
    let [.., high, low] = number.to_be_bytes();
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&number.to_be_bytes()[..6]);
    bytes[6..9].copy_from_slice(&[0x70 | high >> 4, high << 4 | low >> 4, 0x80 | (low & 0x0f) << 2]);
    bytes[9..].copy_from_slice(&chance);
    WebhookId::from_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::kernel::SeededRng;

    #[test]
    fn a_filter_takes_a_type_a_group_or_all() {
        let check = |filter: &str, event: &str, expected: bool| {
            assert_eq!(filter.parse::<Filter>().unwrap().takes(event), expected, "{filter} {event}");
        };
        check("*", "user.created", true);
        check("user.*", "user.created", true);
        check("user.*", "membership.created", false);
        check("team.*", "team_member.added", false);
        check("team_member.*", "team_member.added", true);
        check("user.created", "user.created", true);
        check("user.created", "user.updated", false);
        for wrong in ["", "user", "user*", "users.*", "user.deleted", "User.created", "**", ".*", "webhook.test"] {
            assert_eq!(wrong.parse::<Filter>(), Err(NotAnEvent), "{wrong}");
        }
    }

    #[test]
    fn ids_sort_as_what_they_stand_for_happened() {
        let (rng, ids) = (SeededRng::new(1), Ids::default());
        let now = Timestamp::from_seconds(1_800_000_000);
        let mut all: Vec<WebhookId> = ids.take(now, 70_000, &rng).collect();
        all.extend(ids.take(now, 2, &rng));
        all.extend(ids.take(now.minus(Duration::from_secs(60)), 2, &rng));
        all.extend(ids.take(now.plus(Duration::from_millis(10)), 2, &rng));
        assert_eq!(all.len(), 70_006);
        assert!(
            all.is_sorted_by(|one, two| one < two),
            "within a transaction, a millisecond, and if the clock goes back"
        );
        let text = all[16_384].to_string();
        assert_eq!((&text[14..15], &text[19..20]), ("7", "8"), "{text}");
        let other = Ids::default().take(now, 1, &rng).next();
        assert_ne!(other, all.first().copied(), "of another process at the same moment");
    }

    #[test]
    fn a_body_has_type_moment_and_data() {
        let at = Timestamp::from_millis(1_800_000_000_250);
        let told = body("user.created", at, &serde_json::json!({ "id": "1" }));
        assert_eq!(told, r#"{"type":"user.created","timestamp":"2027-01-15T08:00:00.250Z","data":{"id":"1"}}"#);
    }
}
