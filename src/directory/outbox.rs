//! The outbox: mail to be sent is a row, written in the transaction of what it tells. So nobody is told of what did not
//! happen, and nothing that was told is lost to a crash or to a mail server that is down.
//!
//! Queued is sent at least once: a row leaves only when the mail server has taken it, or when it is given up.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::member;
use super::team;
use super::team_member;
use super::user;
use crate::kernel::{EmailAddress, MailId, OrgId, Rng, Role, Secret, Timestamp, UserId};
use crate::store::{StoreError, Table, TableChecker, Tx, checker, decodes};

/// Mail to be sent, by the moment of its next attempt.
pub const OUTBOX: Table<(Timestamp, MailId), QueuedMail> = Table::new("outbox");
/// Whether this site sends mail at all: one row, which the server writes when it starts.
const SWITCH: Table<String, bool> = Table::new("mail_switch");

/// The longest subject, in characters; longer ones are cut.
pub const SUBJECT_LIMIT: usize = 150;
/// The longest text, in bytes; longer ones are cut.
pub const TEXT_LIMIT: usize = 8 * 1024;
/// How long one attempt may take: from then on the mail is due again, even if whoever tried was killed.
pub const ATTEMPT_FOR: Duration = Duration::from_secs(5 * 60);
/// How many rows are counted for the metrics.
pub const COUNT_LIMIT: usize = 10_000;
/// How many people of one organization one notice goes to.
const NOTICE_LIMIT: usize = 50;

/// A plain-text mail to one person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// To whom.
    pub to: EmailAddress,
    /// The subject; one line is made of it.
    pub subject: String,
    /// The text, which may hold a link that signs somebody in.
    pub text: MailText,
}

/// The text of a mail: never logged.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MailText(Secret<String>);

impl MailText {
    /// The text itself.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl PartialEq for MailText {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}
impl Eq for MailText {}

impl Mail {
    /// A mail. The subject becomes one line without control characters; subject and text are cut at their limits.
    pub fn new(to: &EmailAddress, subject: &str, text: &str) -> Self {
        let line: Vec<&str> = subject.split(|c: char| c.is_control() || c.is_whitespace()).collect();
        let words: Vec<&str> = line.into_iter().filter(|word| !word.is_empty()).collect();
        let subject = words.join(" ").chars().take(SUBJECT_LIMIT).collect();
        let text = text[..text.floor_char_boundary(TEXT_LIMIT)].to_owned();
        Mail { to: to.clone(), subject, text: MailText(Secret::new(text)) }
    }
}

/// A mail on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueuedMail {
    /// Its id, which its Message-ID is made of: sent twice after a crash, it is still one message.
    pub id: MailId,
    /// What is to be sent.
    pub mail: Mail,
    /// When it was queued.
    pub queued: Timestamp,
    /// From then on it would be of no use: given up.
    pub not_after: Timestamp,
    /// When it is tried next.
    pub due: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
}

/// What waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// How many, up to [`COUNT_LIMIT`].
    pub count: usize,
    /// When the oldest of them was queued.
    pub oldest: Option<Timestamp>,
}

/// Says whether this site sends mail: the server does, when it starts.
pub async fn switch(tx: &Tx, on: bool) -> Result<(), StoreError> {
    if is_on(tx).await? != on {
        tx.put(&SWITCH, &"smtp".to_owned(), &on)?;
    }
    Ok(())
}

/// Whether this site sends mail: without `[mail]` in the configuration it does not, and features that need it say so.
pub async fn is_on(tx: &Tx) -> Result<bool, StoreError> {
    Ok(tx.get(&SWITCH, &"smtp".to_owned()).await?.unwrap_or(false))
}

/// Queues a mail in the caller's transaction: it is sent if that commits, and not after `not_after`. Gives whether it
/// was queued; it is not where the site sends no mail.
///
/// # Errors
/// The store's.
pub async fn queue(tx: &Tx, rng: &dyn Rng, mail: &Mail, not_after: Timestamp) -> Result<bool, StoreError> {
    if !is_on(tx).await? {
        return Ok(false);
    }
    let (id, now) = (MailId::random(rng), tx.now());
    let queued = QueuedMail { id, mail: mail.clone(), queued: now, not_after, due: now, attempts: 0 };
    tx.put(&OUTBOX, &(queued.due, id), &queued)?;
    Ok(true)
}

/// Queues the same notice to each member of `organization` with one of `roles`, their own or a team's (D2), whose account
/// is active. Gives how many mails were queued.
///
/// # Errors
/// The store's.
pub async fn queue_to_members(
    tx: &Tx,
    rng: &dyn Rng,
    organization: OrgId,
    roles: &[Role],
    (subject, text): (&str, &str),
    not_after: Timestamp,
) -> Result<usize, StoreError> {
    let mut count = 0;
    for id in with_role(tx, organization, roles).await? {
        if member::find(tx, organization, id).await?.is_none() {
            continue;
        }
        let Some(user) = user::by_id(tx, id).await?.filter(|user| user.active) else { continue };
        count += usize::from(queue(tx, rng, &Mail::new(&user.email, subject, text), not_after).await?);
        if count == NOTICE_LIMIT {
            break;
        }
    }
    Ok(count)
}

/// Whoever has one of `roles`: by themselves first, then by a team that carries it.
async fn with_role(tx: &Tx, organization: OrgId, roles: &[Role]) -> Result<Vec<UserId>, StoreError> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = member::list(tx, organization, after).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.user);
        found.extend(page.iter().filter(|member| roles.contains(&member.role)).map(|member| member.user));
    }
    let mut held: BTreeSet<UserId> = found.iter().copied().collect();
    for team in team::list_all(tx, organization).await? {
        if team.role.is_some_and(|role| roles.contains(&role)) {
            found.extend(team_member::list_all(tx, &team).await?.into_iter().filter(|user| held.insert(*user)));
        }
    }
    Ok(found)
}

/// Takes the mail that has been due longest, for [`ATTEMPT_FOR`]: of many that ask, one gets it.
///
/// # Errors
/// The store's.
pub async fn take_due(tx: &Tx) -> Result<Option<QueuedMail>, StoreError> {
    let rows = tx.scan(&OUTBOX, &(), None, 1).await?;
    let Some((key, _)) = rows.into_iter().next().filter(|((due, _), _)| *due <= tx.now()) else { return Ok(None) };
    // Read by its key, so that another who takes it at the same moment makes this run again.
    let Some(taken) = tx.take(&OUTBOX, &key).await? else { return Ok(None) };
    let attempts = taken.attempts.saturating_add(1);
    let taken = QueuedMail { due: tx.now().plus(ATTEMPT_FOR), attempts, ..taken };
    tx.put(&OUTBOX, &(taken.due, taken.id), &taken)?;
    Ok(Some(taken))
}

/// Takes a mail out: it was sent, or given up.
pub fn remove(tx: &Tx, mail: &QueuedMail) {
    tx.delete(&OUTBOX, &(mail.due, mail.id));
}

/// Puts a mail off until `due`, unless somebody else has taken it meanwhile.
///
/// # Errors
/// The store's.
pub async fn put_off(tx: &Tx, mail: &QueuedMail, due: Timestamp) -> Result<(), StoreError> {
    if tx.take(&OUTBOX, &(mail.due, mail.id)).await?.is_some() {
        tx.put(&OUTBOX, &(due, mail.id), &QueuedMail { due, ..mail.clone() })?;
    }
    Ok(())
}

/// How many wait, and since when the oldest does.
///
/// # Errors
/// The store's.
pub async fn waiting(tx: &Tx) -> Result<Waiting, StoreError> {
    let rows = tx.scan(&OUTBOX, &(), None, COUNT_LIMIT).await?;
    Ok(Waiting { count: rows.len(), oldest: rows.iter().map(|(_, mail)| mail.queued).min() })
}

/// What is promised of the outbox's records.
pub(super) fn checkers() -> Vec<TableChecker> {
    let record = checker(&OUTBOX, async |_: Tx, (due, id), record: QueuedMail| {
        let right = record.due == due && record.id == id;
        Ok((!right).then(|| "the mail says otherwise than its key".to_owned()))
    });
    vec![record, decodes(&SWITCH)]
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::kernel::{Clock as _, ManualClock, SeededRng};
    use crate::store::{SledBackend, Store, check_store};

    async fn store() -> (Store, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_800_000_000)));
        (Store::open(SledBackend::temporary().unwrap(), clock.clone()).await.unwrap(), clock)
    }

    async fn run<T>(store: &Store, change: impl AsyncFn(&Tx) -> Result<T, StoreError>) -> T {
        store.transaction::<_, StoreError, _, _>("test", |tx: Tx| async { change(&{ tx }).await }).await.unwrap()
    }

    fn mail(number: u32) -> Mail {
        Mail::new(&"ada@acme.example".parse().unwrap(), &format!("Mail {number}"), "Hello")
    }

    #[tokio::test]
    async fn a_mail_is_taken_by_one_comes_back_if_nothing_was_heard_of_it_and_leaves_once_sent() {
        let (store, clock) = store().await;
        let rng = SeededRng::new(1);
        run(&store, async |tx| switch(tx, true).await).await;
        let later = clock.now().plus(Duration::from_secs(3600));
        assert!(run(&store, async |tx| queue(tx, &rng, &mail(1), later).await).await);
        let first = run(&store, take_due).await.expect("it is due");
        assert_eq!((first.mail.subject.as_str(), first.attempts), ("Mail 1", 1));
        assert_eq!(run(&store, take_due).await, None, "somebody is at it");
        clock.advance(ATTEMPT_FOR);
        let again = run(&store, take_due).await.expect("whoever had it was killed");
        assert_eq!((again.id, again.attempts), (first.id, 2));
        let due = clock.now().plus(Duration::from_secs(60));
        run(&store, async |tx| put_off(tx, &first, due).await).await;
        assert_eq!(run(&store, waiting).await.count, 1, "who lost it moves nothing");
        run(&store, async |tx| put_off(tx, &again, due).await).await;
        assert_eq!(run(&store, take_due).await, None);
        clock.advance(Duration::from_secs(60));
        let third = run(&store, take_due).await.expect("it is due again");
        let findings = check_store(&store, &checkers()).await.unwrap().findings;
        assert!(findings.is_empty(), "{findings:?}");
        run(&store, async |tx| {
            remove(tx, &third);
            Ok(())
        })
        .await;
        assert_eq!(run(&store, waiting).await, Waiting::default());
    }

    #[tokio::test]
    async fn where_no_mail_is_sent_none_is_queued() {
        let (store, clock) = store().await;
        let rng = SeededRng::new(1);
        assert!(!run(&store, async |tx| queue(tx, &rng, &mail(1), clock.now()).await).await);
        assert_eq!(run(&store, waiting).await.count, 0);
    }

    #[test]
    fn a_subject_is_one_line_and_a_text_never_shows_itself() {
        let to = "ada@acme.example".parse().unwrap();
        let made =
            Mail::new(&to, " Hello\r\nBcc: eve@evil.example\0\u{85}\u{2028}x  ", "https://app.example/x?token=y");
        assert_eq!(made.subject, "Hello Bcc: eve@evil.example x");
        assert!(!format!("{made:?}").contains("token"));
        assert_eq!(Mail::new(&to, &"ü".repeat(500), &"ü".repeat(9000)).subject.chars().count(), SUBJECT_LIMIT);
    }
}
