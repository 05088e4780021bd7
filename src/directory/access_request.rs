//! Requests to be let into an organization: one by one person, told to its owners and admins by mail, decided once.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::audit::{self, AuditEntry};
use super::authority::{self, Act, Target};
use super::barred;
use super::claim::VERIFIED;
use super::error::DirectoryError;
use super::member::{self, Origin};
use super::organization::{self, OrgKind, Organization};
use super::outbox::{self, Mail};
use super::user::{self, User};
use crate::kernel::{Client, EmailAddress, OrgId, Rng, Role, Secret, Timestamp, TokenHash, UserId};
use crate::store::{StoreError, Table, TableChecker, Tx, checker, decodes};

/// Requests by organization and person.
const REQUESTS: Table<(OrgId, UserId), AccessRequest> = Table::new("access_requests");
/// The other way round: what a person asked for.
const BY_USER: Table<(UserId, OrgId), ()> = Table::new("access_request_by_user");
/// Which request a link means, by the hash of its token.
const LINKS: Table<[u8; 32], (OrgId, UserId)> = Table::new("access_request_links");

/// How long a request can be decided; from then on the person may ask again.
pub const REQUEST_FOR: Duration = Duration::from_secs(14 * 24 * 3600);
/// How long after a refusal the person can't ask the same organization again.
pub const DECLINED_FOR: Duration = Duration::from_secs(30 * 24 * 3600);
/// How many requests of one person are remembered at once: each is mail to somebody.
pub const REQUEST_LIMIT: usize = 10;
/// How many requests are read at once.
const PAGE: usize = 500;
/// Random bytes of a link's token.
const TOKEN_BYTES: usize = 32;
/// Who decides.
const DECIDERS: [Role; 2] = [Role::Owner, Role::Admin];

/// Where a request stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nobody has decided yet.
    Waiting,
    /// Decided.
    Decided {
        /// Whether the person was let in.
        granted: bool,
        /// By whom.
        by: EmailAddress,
    },
}

/// A person's request to be let into an organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessRequest {
    /// The organization.
    pub organization: OrgId,
    /// The person.
    pub user: UserId,
    /// When they asked.
    pub asked: Timestamp,
    /// Who had the verified claim of their domain then. If that is another one at the decision, whoever has the address
    /// by then need not be who asked.
    pub holder: Option<OrgId>,
    /// Where it stands.
    pub state: State,
}

/// What became of asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The owners and admins are told.
    Now,
    /// They were told before.
    Before,
    /// They declined, not long ago.
    Declined,
    /// The person waits for too many answers already.
    TooMany,
    /// There is nobody who could be told.
    Nobody,
}

/// What became of a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It holds.
    Done,
    /// Somebody decided before.
    Before {
        /// Whether the person was let in.
        granted: bool,
        /// By whom.
        by: EmailAddress,
    },
    /// The request is void: the account is off, or its domain changed hands.
    Void,
}

/// What the mails about requests say: the portal knows where its pages are.
pub trait Words: Send + Sync {
    /// Subject and text of the mail to those who decide; `token` is the link's.
    fn to_deciders(&self, who: &User, organization: &Organization, token: &Secret<String>) -> (String, String);
    /// Subject and text of the mail to the person.
    fn to_person(&self, organization: &Organization, granted: bool) -> (String, String);
}

/// Asks to be let into `organization`, in which `user` is no member; the caller has looked that it takes requests.
///
/// # Errors
/// The store's.
pub async fn ask(
    tx: &Tx,
    rng: &dyn Rng,
    organization: &Organization,
    (user, from): (&User, Client),
    words: &dyn Words,
) -> Result<Asked, StoreError> {
    match find(tx, organization.id, user.id).await?.map(|held| held.state) {
        Some(State::Waiting) => return Ok(Asked::Before),
        Some(State::Decided { granted: false, .. }) => return Ok(Asked::Declined),
        // Let in once, and no member any more.
        Some(State::Decided { granted: true, .. }) | None => {}
    }
    if of_user(tx, user.id).await?.len() >= REQUEST_LIMIT {
        return Ok(Asked::TooMany);
    }
    let token = Secret::new(rng.token::<TOKEN_BYTES>());
    let (subject, text) = words.to_deciders(user, organization, &token);
    let until = tx.now().plus(REQUEST_FOR);
    let told =
        outbox::queue_to_members(tx, rng, organization.id, &DECIDERS, (subject.as_str(), text.as_str()), until).await?;
    if told == 0 {
        return Ok(Asked::Nobody);
    }
    let (key, asked) = ((organization.id, user.id), tx.now());
    let holder = tx.get(&VERIFIED, &user.email.domain()).await?;
    let request = AccessRequest { organization: key.0, user: key.1, asked, holder, state: State::Waiting };
    write(tx, &request, until)?;
    tx.put_until(&LINKS, TokenHash::of(token.expose().as_bytes()).as_bytes(), &key, until)?;
    note(tx, rng, &request, (user, &from.to_string()), ("access.ask", user), "waiting")?;
    Ok(Asked::Now)
}

fn write(tx: &Tx, request: &AccessRequest, until: Timestamp) -> Result<(), StoreError> {
    tx.put_until(&REQUESTS, &(request.organization, request.user), request, until)?;
    tx.put_until(&BY_USER, &(request.user, request.organization), &(), until)
}

fn note(
    tx: &Tx,
    rng: &dyn Rng,
    request: &AccessRequest,
    (actor, from): (&User, &str),
    (action, object): (&str, &User),
    after: &str,
) -> Result<(), StoreError> {
    let entry = AuditEntry::new(tx, actor.email.as_str(), action, &object.email).changed("", after).from(from);
    audit::append(tx, rng, request.organization, &entry)
}

/// The request of a person, if there is one.
pub async fn find(tx: &Tx, organization: OrgId, user: UserId) -> Result<Option<AccessRequest>, StoreError> {
    tx.get(&REQUESTS, &(organization, user)).await
}

/// The requests to an organization that nobody has decided yet, at most `limit`.
///
/// # Errors
/// The store's.
pub async fn waiting(tx: &Tx, organization: OrgId, limit: usize) -> Result<Vec<AccessRequest>, StoreError> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = tx.scan(&REQUESTS, &organization, after.as_ref(), PAGE).await?;
        let Some((last, _)) = page.last() else { break };
        after = Some(*last);
        found.extend(page.into_iter().map(|(_, request)| request).filter(|held| held.state == State::Waiting));
        if found.len() >= limit {
            break;
        }
    }
    found.truncate(limit);
    Ok(found)
}

/// The organizations that a person asked lately.
pub async fn of_user(tx: &Tx, user: UserId) -> Result<Vec<OrgId>, StoreError> {
    let rows = tx.scan(&BY_USER, &user, None, REQUEST_LIMIT).await?;
    Ok(rows.into_iter().map(|((_, organization), ())| organization).collect())
}

/// A request as those who may decide on it see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The organization.
    pub organization: Organization,
    /// Who asks.
    pub who: User,
    /// The request.
    pub request: AccessRequest,
}

/// The request that a link means, for `reader`: `None`, the same whether the link is wrong or over, or they are no owner
/// or admin of that organization. The link alone opens nothing.
///
/// # Errors
/// The store's.
pub async fn open(tx: &Tx, token: &str, reader: UserId) -> Result<Option<Opened>, StoreError> {
    let Some(key) = tx.get(&LINKS, TokenHash::of(token.as_bytes()).as_bytes()).await? else { return Ok(None) };
    open_by_key(tx, key, reader).await
}

/// The request of `user` to be let into `organization`, for `reader`: as [`open`] gives it.
///
/// # Errors
/// The store's.
pub async fn open_by_key(tx: &Tx, (id, user): (OrgId, UserId), reader: UserId) -> Result<Option<Opened>, StoreError> {
    let (organization, who) = (organization::by_id(tx, id).await?, user::by_id(tx, user).await?);
    let (Some(organization), Some(who)) = (organization, who) else { return Ok(None) };
    if organization.kind != OrgKind::Customer || !may_decide(tx, id, reader).await? {
        return Ok(None);
    }
    let request = find(tx, id, user).await?;
    Ok(request.map(|request| Opened { organization, who, request }))
}

/// Whether somebody may let people into an organization (D1): their own role or a team's counts, if their account is on.
async fn may_decide(tx: &Tx, organization: OrgId, user: UserId) -> Result<bool, StoreError> {
    let Some(account) = user::by_id(tx, user).await? else { return Ok(false) };
    let Some(actor) = authority::actor(tx, organization, &account).await? else { return Ok(false) };
    Ok(authority::may(actor, Act::Add(organization, Role::Member), Target::default()).is_ok())
}

/// Decides on a request, once: lets the person in as `member`, or not, and tells them. `opened` is from the same
/// transaction.
///
/// # Errors
/// The store's.
pub async fn decide(
    tx: &Tx,
    rng: &dyn Rng,
    opened: Opened,
    (decider, from): (&User, &str),
    granted: bool,
    words: &dyn Words,
) -> Result<Decision, DirectoryError> {
    let Opened { organization, who, request } = opened;
    if let State::Decided { granted, by } = request.state {
        return Ok(Decision::Before { granted, by });
    }
    let holder = tx.get(&VERIFIED, &who.email.domain()).await?;
    if !who.active || holder != request.holder {
        return Ok(Decision::Void);
    }
    let until = tx.now().plus(if granted { REQUEST_FOR } else { DECLINED_FOR });
    let request = AccessRequest { state: State::Decided { granted, by: decider.email.clone() }, ..request };
    write(tx, &request, until)?;
    if granted && member::find(tx, organization.id, who.id).await?.is_none() {
        barred::lift(tx, organization.id, &who.email);
        member::add(tx, &organization, &who, Role::Member, Origin::Hand).await?;
        note(tx, rng, &request, (decider, from), ("member.add", &who), Role::Member.as_str())?;
    }
    let after = if granted { "granted" } else { "declined" };
    note(tx, rng, &request, (decider, from), ("access.decide", &who), after)?;
    let (subject, text) = words.to_person(&organization, granted);
    outbox::queue(tx, rng, &Mail::new(&who.email, &subject, &text), tx.now().plus(REQUEST_FOR)).await?;
    Ok(Decision::Done)
}

/// What is promised of the requests.
pub(super) fn checkers() -> Vec<TableChecker> {
    let record = checker(&REQUESTS, async |tx: Tx, (organization, user), record: AccessRequest| {
        let right = record.organization == organization && record.user == user;
        let listed = tx.get(&BY_USER, &(user, organization)).await?.is_some();
        Ok((!right || !listed).then(|| "the request is missing among those of its person".to_owned()))
    });
    let index = checker(&BY_USER, async |tx: Tx, (user, organization), ()| {
        let right = find(&tx, organization, user).await?.is_some();
        Ok((!right).then(|| "the person asked for nothing there".to_owned()))
    });
    vec![record, index, decodes(&LINKS)]
}
