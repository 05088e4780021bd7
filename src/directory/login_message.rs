//! The messages of sign-ins as people may look at them: beside the sign-in log, few, small, without what could be used
//! again (R55, R59). Those of accepted ones have places of their own, so that they push out no refusal.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::login::{self, KEPT_FOR, LoginOutcome, LoginRecord};
use super::story::SECOND_FACTOR;
use crate::kernel::{LoginId, OrgId};
use crate::store::{StoreError, Table, TableChecker, Tx, checker, decodes};

/// The messages, by the sign-in that they belong to.
const MESSAGES: Table<(OrgId, LoginId), Kept> = Table::new("login_messages");
/// Which sign-in has each of an organization's places: [`KEPT`], and behind them [`KEPT_ACCEPTED`], each kind taken one
/// after the other.
const PLACES: Table<(OrgId, u64), LoginId> = Table::new("login_message_places");
/// How many messages an organization has had of sign-ins that were refused, and of tests.
const COUNTS: Table<OrgId, u64> = Table::new("login_message_counts");
/// How many of sign-ins that were accepted.
const ACCEPTED_COUNTS: Table<OrgId, u64> = Table::new("login_message_accepted_counts");

/// How many messages of an organization are kept of sign-ins that were refused, and of tests: the newest.
pub const KEPT: u64 = 50;
/// How many of sign-ins that were accepted: the newest.
pub const KEPT_ACCEPTED: u64 = 50;
/// How many places an organization has.
const PLACE_COUNT: u64 = KEPT + KEPT_ACCEPTED;
/// The largest message, in bytes as it is stored.
pub const SIZE_LIMIT: usize = 12 * 1024;
/// What is stored around the parts, in bytes at most.
const FRAME: usize = 128;
/// What is stored around the text of each part, in bytes at most.
const PART_FRAME: usize = 40;

/// A message, decoded: nothing in it can be used again.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginMessage {
    /// Its text, in order.
    pub parts: Vec<MessagePart>,
    /// Whether its end was cut off.
    #[serde(default)]
    pub cut: bool,
    /// Whether something in it is encrypted: that is not there.
    #[serde(default)]
    pub encrypted: bool,
}

/// A run of a message's text.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessagePart {
    /// Whether a signature in the message says that it covers this.
    pub signed: bool,
    /// The text.
    pub text: String,
}

impl fmt::Debug for LoginMessage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "LoginMessage({} parts)", self.parts.len())
    }
}

impl fmt::Debug for MessagePart {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "MessagePart({} bytes)", self.text.len())
    }
}

impl LoginMessage {
    /// A message of these parts, cut where it would be larger than [`SIZE_LIMIT`].
    pub fn new(parts: impl IntoIterator<Item = MessagePart>, encrypted: bool) -> Self {
        let mut message = LoginMessage { parts: Vec::new(), cut: false, encrypted };
        let mut room = SIZE_LIMIT - FRAME;
        for mut part in parts {
            room = room.saturating_sub(PART_FRAME);
            let (end, stored) = fitting(&part.text, room);
            room -= stored;
            message.cut = end < part.text.len();
            part.text.truncate(end);
            if !part.text.is_empty() {
                message.parts.push(part);
            }
            if message.cut {
                break;
            }
        }
        message
    }

    /// Whether a signature in it says that it covers any of it.
    pub fn has_marks(&self) -> bool {
        self.parts.iter().any(|part| part.signed)
    }
}

/// How much of a text fits into `room` bytes of JSON: where it ends, and what it takes.
fn fitting(text: &str, room: usize) -> (usize, usize) {
    let mut stored = 0;
    for (at, character) in text.char_indices() {
        let size = match character {
            '"' | '\\' | '\n' | '\r' | '\t' => 2,
            control if control < ' ' => 6,
            plain => plain.len_utf8(),
        };
        if stored + size > room {
            return (at, stored);
        }
        stored += size;
    }
    (text.len(), stored)
}

/// A message in its place.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kept {
    place: u64,
    message: LoginMessage,
}

/// Keeps the message of a sign-in as long as the sign-in is, and takes the place of the organization's oldest of its kind:
/// accepted, or not. One that a stranger may have sent is not kept.
///
/// # Errors
/// [`StoreError`].
pub async fn keep(
    tx: &Tx,
    organization: OrgId,
    record: &LoginRecord,
    message: &LoginMessage,
) -> Result<(), StoreError> {
    let came_in = matches!(record.outcome, LoginOutcome::Accepted | LoginOutcome::Continued);
    if record.is_strange() {
        return Ok(());
    }
    let (counts, first, kept) = if came_in { (ACCEPTED_COUNTS, KEPT, KEPT_ACCEPTED) } else { (COUNTS, 0, KEPT) };
    let count = tx.get(&counts, &organization).await?.unwrap_or_default();
    let place = first + count % kept;
    if let Some(oldest) = tx.get(&PLACES, &(organization, place)).await? {
        tx.delete(&MESSAGES, &(organization, oldest));
    }
    let ends = record.at.plus(KEPT_FOR);
    tx.put(&counts, &organization, &(count + 1))?;
    tx.put_until(&PLACES, &(organization, place), &record.id, ends)?;
    tx.put_until(&MESSAGES, &(organization, record.id), &Kept { place, message: message.clone() }, ends)
}

/// The message of a sign-in, if it is kept.
///
/// # Errors
/// [`StoreError`].
pub async fn find(tx: &Tx, organization: OrgId, login: LoginId) -> Result<Option<LoginMessage>, StoreError> {
    Ok(tx.get(&MESSAGES, &(organization, login)).await?.map(|kept| kept.message))
}

/// The message of a sign-in, if it is kept: of one that the second factor decided, the message of its first step.
///
/// # Errors
/// [`StoreError`].
pub async fn of(tx: &Tx, organization: OrgId, record: &LoginRecord) -> Result<Option<LoginMessage>, StoreError> {
    let found = find(tx, organization, record.id).await?;
    let went_on = record.assertion_id.is_some() && record.checks.iter().any(|check| check.name == SECOND_FACTOR);
    if found.is_some() || !went_on {
        return Ok(found);
    }
    let is_first = |first: &LoginRecord| {
        first.outcome == LoginOutcome::Continued
            && (&first.request_id, &first.assertion_id) == (&record.request_id, &record.assertion_id)
    };
    match login::list(tx, organization, usize::MAX).await?.into_iter().find(is_first) {
        Some(first) => find(tx, organization, first.id).await,
        None => Ok(None),
    }
}

/// What is promised of the messages: each is in its place, and small.
pub(super) fn checkers() -> Vec<TableChecker> {
    let message = checker(&MESSAGES, async |tx: Tx, (organization, login), kept: Kept| {
        let placed = tx.get(&PLACES, &(organization, kept.place)).await? == Some(login) && kept.place < PLACE_COUNT;
        let small = serde_json::to_vec(&kept).is_ok_and(|bytes| bytes.len() <= SIZE_LIMIT);
        Ok((!placed || !small).then(|| "the message of a sign-in is out of its place, or too large".to_owned()))
    });
    let place = checker(&PLACES, async |tx: Tx, (organization, place), login| {
        let right = tx.get(&MESSAGES, &(organization, login)).await?.is_some_and(|kept| kept.place == place);
        Ok((!right).then(|| "a place is taken by the message of a sign-in which there is not".to_owned()))
    });
    vec![message, place, decodes(&COUNTS), decodes(&ACCEPTED_COUNTS)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_cut_between_characters_where_it_would_be_too_large() {
        let check = |text: &str, cut: bool| {
            let parts = [("<a>", false), (text, true), ("</a>", false)];
            let parts = parts.map(|(text, signed)| MessagePart { signed, text: text.to_owned() });
            let kept = Kept { place: PLACE_COUNT, message: LoginMessage::new(parts, true) };
            let size = serde_json::to_vec(&kept).unwrap().len();
            assert!(size <= SIZE_LIMIT, "{size}");
            assert_eq!(kept.message.cut, cut, "{text:.20}");
            let fills = SIZE_LIMIT - 2 * FRAME - 3 * PART_FRAME;
            assert!(!cut || size > fills, "{size} bytes are less than fit");
            let whole: String = kept.message.parts.iter().map(|part| part.text.as_str()).collect();
            assert!(cut || whole == format!("<a>{text}</a>"));
        };
        check("", false);
        check("a=\"b\"", false);
        for text in ["x", "\"", "é", "€", "\u{1f512}", "\u{1}", "\n", "a\u{7f}"] {
            check(&text.repeat(SIZE_LIMIT), true);
        }
        let many = (0..20_000).map(|number| MessagePart { signed: number % 2 == 0, text: "x".to_owned() });
        let message = LoginMessage::new(many, false);
        assert!(message.cut && serde_json::to_vec(&message).unwrap().len() <= SIZE_LIMIT);
    }

    #[test]
    fn nothing_of_a_message_is_told_by_debug() {
        let part = MessagePart { signed: true, text: "ada@acme.example".to_owned() };
        let told = format!("{:?} {part:?}", LoginMessage::new([part.clone()], false));
        assert!(!told.contains("ada"), "{told}");
    }
}
