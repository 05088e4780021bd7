//! Codes that are sent: six digits, ten minutes, good once, in the sign-in or session that asked for them alone.
//!
//! Each message is counted before it is sent: by account, by number, and by organization, so that nobody makes money by
//! having messages sent to numbers of their own (toll fraud).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::gateway::SmsSettings;
use super::number::PhoneNumber;
use crate::kernel::{OrgId, Rng, Timestamp, TokenHash, UserId};
use crate::second_factor::factors::{self, of_account};
use crate::second_factor::person::Person;
use crate::second_factor::totp;
use crate::store::{StoreError, Table, TableChecker, Tx, Window, checker, count, decodes};

/// The last code that was sent, by account and the sign-in or session that asked.
const SENT: Table<(UserId, String), SentCode> = Table::new("sms_codes");
/// Messages to a number that counts in a day, by its hash.
const TO_NUMBER: Table<[u8; 32], Window> = Table::new("sms_by_number");
/// Messages to a number that is to be proved in a day, by its hash: whoever asks for these may be a stranger to it, and
/// takes nothing from its owner.
const SET_UPS_TO_NUMBER: Table<[u8; 32], Window> = Table::new("sms_set_ups_by_number");
/// Messages for an organization in a day.
const FOR_ORGANIZATION: Table<OrgId, Window> = Table::new("sms_by_organization");
/// Messages for an account in an hour.
const FOR_ACCOUNT: Table<UserId, Window> = Table::new("sms_by_account");

/// How long a code is good.
pub const GOOD_FOR: Duration = Duration::from_secs(10 * 60);
/// How long one waits before another is sent.
pub const RESEND_AFTER: Duration = Duration::from_secs(30);
/// How many messages an account may ask for in an hour.
const PER_ACCOUNT: u32 = 5;
/// How many messages go in a day to a number that is to be proved, by whomever it is; fewer, if that is the cap of all.
const SET_UPS_PER_NUMBER: u32 = 5;
/// The part of an organization's daily messages, one in so many, that is kept for answers: no set-up gets these.
const KEPT_FOR_ANSWERS: u32 = 4;
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
/// How many wrong codes void one that is to prove a new number.
const TRIES: u32 = 5;
/// How many codes of an account are looked at when all are dropped.
const LIMIT: usize = 1000;

/// How far a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// It is being handed to the gateway.
    Sending,
    /// The gateway could not take it yet; we go on trying.
    Delayed,
    /// The gateway has it.
    Accepted,
    /// The phone has it.
    Delivered,
    /// The number can't get it.
    WrongNumber,
    /// The gateway took it, and it did not arrive.
    Undelivered,
    /// No message could be sent.
    Unavailable,
}

/// A code that was sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct SentCode {
    /// Tells one message from the next.
    id: String,
    hash: TokenHash,
    number: PhoneNumber,
    /// It is to prove a new number.
    #[serde(default)]
    set_up: Option<SetUp>,
    sent: Timestamp,
    #[serde(default)]
    tries: u32,
    delivery: Delivery,
}

/// A number that is being set up.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct SetUp {
    /// When the factors had last changed at its start.
    changed: Option<Timestamp>,
}

/// A code that was sent, as the page tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Underway {
    /// The last two digits of the number.
    pub ending: String,
    /// Whether it is to prove a new number.
    pub setting_up: bool,
    /// When.
    pub sent: Timestamp,
    /// How far it is.
    pub delivery: Delivery,
}

/// What a message is for.
#[derive(Clone, Copy, Debug)]
pub enum SmsFor<'a> {
    /// An answer with the number that counts.
    Answer,
    /// The proof of a new number.
    SetUp(&'a PhoneNumber),
}

/// A message to be sent; it is counted.
pub(super) struct Message {
    pub id: String,
    pub user: UserId,
    pub place: String,
    pub to: PhoneNumber,
    pub code: String,
    pub until: Timestamp,
    counted: Counted,
}

/// Where a message counts.
#[derive(Clone, Copy)]
struct Counted {
    number: [u8; 32],
    organization: OrgId,
    is_set_up: bool,
}

impl Counted {
    /// Messages to the number, and how many there may be.
    fn by_number(self, settings: &SmsSettings) -> (&'static Table<[u8; 32], Window>, u32) {
        if self.is_set_up {
            return (&SET_UPS_TO_NUMBER, settings.daily_per_number.min(SET_UPS_PER_NUMBER));
        }
        (&TO_NUMBER, settings.daily_per_number)
    }

    /// How many messages there may be for the organization.
    const fn by_organization(self, settings: &SmsSettings) -> u32 {
        if self.is_set_up { for_set_ups(settings) } else { settings.daily_per_organization }
    }

    /// How long there have been too many; `None`: there have not.
    async fn too_many(self, tx: &Tx, settings: &SmsSettings) -> Result<Option<Duration>, StoreError> {
        let (table, limit) = self.by_number(settings);
        let number = over(tx, tx.get(table, &self.number).await?, limit);
        let all = tx.get(&FOR_ORGANIZATION, &self.organization).await?;
        Ok(number.max(over(tx, all, self.by_organization(settings))))
    }

    /// Counts one; gives how many there are to the number, and for the organization.
    async fn count(self, tx: &Tx, settings: &SmsSettings) -> Result<(u32, u32), StoreError> {
        let of_number = count(tx, self.by_number(settings).0, &self.number, DAY).await?;
        Ok((of_number, count(tx, &FOR_ORGANIZATION, &self.organization, DAY).await?))
    }
}

/// How many messages of an organization's day set-ups may take.
const fn for_set_ups(settings: &SmsSettings) -> u32 {
    settings.daily_per_organization - settings.daily_per_organization / KEPT_FOR_ANSWERS
}

fn over(tx: &Tx, window: Option<Window>, limit: u32) -> Option<Duration> {
    window.filter(|window| window.count >= limit).map(|window| window.ends.since(tx.now()))
}

/// Whether a message may be sent.
pub(super) enum Prepared {
    Send(Box<Message>),
    Wait(Duration),
    NoPhone,
}

fn hash(user: UserId, id: &str, code: &str) -> TokenHash {
    TokenHash::of(format!("{user}\0{id}\0{code}").as_bytes())
}

fn six_digits(rng: &dyn Rng) -> String {
    // 2⁶⁴ over a million: no code is likelier than another by more than one in 10¹³.
    format!("{:06}", u64::from_be_bytes(rng.bytes()) % 1_000_000)
}

/// Makes a code and counts its message, unless one was sent just now or too many were.
pub(super) async fn prepare(
    tx: &Tx,
    person: &Person<'_>,
    place: &str,
    what_for: SmsFor<'_>,
    settings: &SmsSettings,
) -> Result<Prepared, StoreError> {
    let (user, key) = (person.user.id, (person.user.id, place.to_owned()));
    let held = factors::of(tx, user).await?;
    let (to, set_up) = match what_for {
        SmsFor::Answer => match held.phone {
            Some(phone) => (phone.number, None),
            None => return Ok(Prepared::NoPhone),
        },
        SmsFor::SetUp(number) => (number.clone(), Some(SetUp { changed: held.changed })),
    };
    if let Some(last) = tx.get(&SENT, &key).await? {
        let next = last.sent.plus(RESEND_AFTER);
        if next > tx.now() {
            return Ok(Prepared::Wait(next.since(tx.now())));
        }
    }
    let counted = Counted { number: to.hash(), organization: person.organization, is_set_up: set_up.is_some() };
    if let Some(long) = too_many(tx, person, counted, settings).await? {
        return Ok(Prepared::Wait(long));
    }
    let (id, code) = (person.rng.token::<9>(), six_digits(person.rng));
    let until = tx.now().plus(GOOD_FOR);
    let hash = hash(user, &id, &code);
    let sent = SentCode {
        id: id.clone(),
        hash,
        number: to.clone(),
        set_up,
        sent: tx.now(),
        tries: 0,
        delivery: Delivery::Sending,
    };
    tx.put_until(&SENT, &key, &sent, until)?;
    Ok(Prepared::Send(Box::new(Message { id, user, place: place.to_owned(), to, code, until, counted })))
}

/// Counts one message; if it is one too many, how long that lasts, and nothing is counted. The first that is too many
/// for an organization or a number is audited.
async fn too_many(
    tx: &Tx,
    person: &Person<'_>,
    counted: Counted,
    settings: &SmsSettings,
) -> Result<Option<Duration>, StoreError> {
    let (account, organization) = (person.user.id, person.organization);
    let of_account = over(tx, tx.get(&FOR_ACCOUNT, &account).await?, PER_ACCOUNT);
    if let Some(long) = of_account.max(counted.too_many(tx, settings).await?) {
        tracing::warn!(user = %account, %organization, "too many SMS were asked for: none is sent");
        return Ok(Some(long));
    }
    count(tx, &FOR_ACCOUNT, &account, HOUR).await?;
    let (of_number, of_organization) = counted.count(tx, settings).await?;
    if of_number == counted.by_number(settings).1 {
        person.audit(tx, "second_factor.sms.limit", "", &format!("{of_number} messages to one number in a day"))?;
    }
    if [for_set_ups(settings), settings.daily_per_organization].contains(&of_organization) {
        let after = format!("{of_organization} messages for the organization in a day");
        person.audit(tx, "second_factor.sms.limit", "", &after)?;
    }
    Ok(None)
}

/// Counts a further try of a message that may have been sent already: it may be paid twice. `false`: it would be one too
/// many.
pub(super) async fn count_again(tx: &Tx, message: &Message, settings: &SmsSettings) -> Result<bool, StoreError> {
    if message.counted.too_many(tx, settings).await?.is_some() {
        tracing::warn!(user = %message.user, "an SMS is not tried again: too many were sent today");
        return Ok(false);
    }
    message.counted.count(tx, settings).await?;
    Ok(true)
}

/// The code that was last asked for in `place`, while it is good.
///
/// # Errors
/// The store's.
pub async fn underway(tx: &Tx, user: UserId, place: &str) -> Result<Option<Underway>, StoreError> {
    let sent = tx.get(&SENT, &(user, place.to_owned())).await?;
    Ok(sent.map(|sent| Underway {
        ending: sent.number.ending().to_owned(),
        setting_up: sent.set_up.is_some(),
        sent: sent.sent,
        delivery: sent.delivery,
    }))
}

/// Notes how far a message is; `false`: nobody waits for it any more.
pub(super) async fn note(tx: &Tx, message: &Message, delivery: Delivery) -> Result<bool, StoreError> {
    let key = (message.user, message.place.clone());
    let Some(mut sent) = tx.get(&SENT, &key).await?.filter(|sent| sent.id == message.id) else { return Ok(false) };
    if sent.delivery != delivery {
        sent.delivery = delivery;
        tx.put_until(&SENT, &key, &sent, message.until)?;
    }
    Ok(true)
}

/// Uses up the code that was sent to `number` to be answered with; `false`: it is another, or there is none.
pub(in crate::second_factor) async fn take(
    tx: &Tx,
    user: UserId,
    place: &str,
    number: &PhoneNumber,
    typed: &str,
) -> Result<bool, StoreError> {
    let (Some(code), key) = (totp::digits(typed), (user, place.to_owned())) else { return Ok(false) };
    let Some(sent) = tx.get(&SENT, &key).await? else { return Ok(false) };
    let right = sent.set_up.is_none() && sent.number == *number && sent.hash == hash(user, &sent.id, &code);
    if right {
        tx.delete(&SENT, &key);
    }
    Ok(right)
}

/// What a code says of a number that is being set up.
pub(in crate::second_factor) enum Proven {
    /// It is theirs. The code is used up.
    Yes(PhoneNumber),
    /// Another code. After some of them this one is void.
    Wrong,
    /// There is no such set-up.
    Gone,
}

/// Looks at the code that was sent to a new number.
pub(in crate::second_factor) async fn prove(
    tx: &Tx,
    user: UserId,
    place: &str,
    changed: Option<Timestamp>,
    typed: &str,
) -> Result<Proven, StoreError> {
    let key = (user, place.to_owned());
    let Some(mut sent) = tx.get(&SENT, &key).await? else { return Ok(Proven::Gone) };
    if sent.set_up.as_ref().is_none_or(|set_up| set_up.changed != changed) || sent.tries >= TRIES {
        return Ok(Proven::Gone);
    }
    if totp::digits(typed).is_some_and(|code| sent.hash == hash(user, &sent.id, &code)) {
        tx.delete(&SENT, &key);
        return Ok(Proven::Yes(sent.number));
    }
    sent.tries += 1;
    let until = sent.sent.plus(GOOD_FOR);
    tx.put_until(&SENT, &key, &sent, until)?;
    Ok(Proven::Wrong)
}

/// Voids all codes of an account.
pub(in crate::second_factor) async fn forget(tx: &Tx, user: UserId) -> Result<(), StoreError> {
    for (key, _) in tx.scan(&SENT, &user, None, LIMIT).await? {
        tx.delete(&SENT, &key);
    }
    Ok(())
}

/// What is promised of the records.
pub(in crate::second_factor) fn checkers() -> Vec<TableChecker> {
    let sent = checker(&SENT, async |tx: Tx, (id, _), _: SentCode| of_account(&tx, id).await);
    vec![sent, decodes(&TO_NUMBER), decodes(&SET_UPS_TO_NUMBER), decodes(&FOR_ORGANIZATION), decodes(&FOR_ACCOUNT)]
}
