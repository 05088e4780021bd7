//! The sessions there are, for lists, and the revocations, for every node: rows that leave when their time is over.
//!
//! A session lives by its cookie, not by its row: the gate never looks here. Ending sessions is one row, whatever
//! their number, which the change feed carries into the memory of each node.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::token::{Method, SecondFactor, SessionToken};
pub(super) use crate::directory::revocation::REVOCATIONS;
pub use crate::directory::revocation::Scope;
use crate::directory::{gain_stamp, revocation};
use crate::kernel::{OrgId, SessionId, Timestamp, UserId};
use crate::store::{Key, StoreError, Table, TableChecker, Tx, checker, decodes};

/// Sessions by id.
const SESSIONS: Table<SessionId, SessionRecord> = Table::new("sessions");
/// The sessions of a user.
const BY_USER: Table<(UserId, SessionId), ()> = Table::new("session_by_user");
/// The sessions in an organization.
const BY_ORGANIZATION: Table<(OrgId, SessionId), ()> = Table::new("session_by_organization");

/// How many sessions a list gives at most.
pub const LIST_LIMIT: usize = 1000;
/// How many sessions of an account are looked at in one step when all are ended.
const STEP: usize = 500;
/// How much of the browser's name is kept, in bytes.
const USER_AGENT_LIMIT: usize = 120;

/// A session as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRecord {
    /// The session.
    pub id: SessionId,
    /// Whose it is.
    pub user: UserId,
    /// The organization that it is in.
    pub organization: Option<OrgId>,
    /// The organization whose single sign-on made it.
    pub connection: Option<OrgId>,
    /// The first factor.
    pub method: Method,
    /// When it was made.
    pub created: Timestamp,
    /// When the person last showed who they are.
    pub auth_time: Timestamp,
    /// The second factor, if one was shown.
    pub second_factor: Option<SecondFactor>,
    /// When the person signed in; `None`: when it was made. A session that took the place of another in an organization
    /// switched to was made later, and is not younger for that.
    #[serde(default)]
    pub signed_in: Option<Timestamp>,
    /// When it ends at the latest; the idle limit may end it sooner.
    pub absolute_end: Timestamp,
    /// Where it was made from.
    pub client: Option<IpAddr>,
    /// The browser's name for itself, shortened.
    pub user_agent: Option<String>,
}

impl SessionRecord {
    /// When the person signed in.
    pub fn signed_in(&self) -> Timestamp {
        self.signed_in.unwrap_or(self.created)
    }
}

impl Scope {
    /// Whether a session is among them.
    pub fn covers(self, session: &SessionRecord) -> bool {
        match self {
            Scope::All => true,
            Scope::Session(id) => session.id == id,
            Scope::User(user) => session.user == user,
            Scope::Organization(organization) => session.organization == Some(organization),
            Scope::Connection(connection) => session.connection == Some(connection),
            Scope::Membership(organization, user) => session.organization == Some(organization) && session.user == user,
            Scope::Through(organization, connection) => {
                session.organization == Some(organization) && session.connection == Some(connection)
            }
        }
    }
}

/// What is promised of the records of sessions and revocations: each index row leads to its session, and back.
pub(super) fn checkers() -> Vec<TableChecker> {
    let record = checker(&SESSIONS, async |tx: Tx, id, record: SessionRecord| {
        let mut right = record.id == id && tx.get(&BY_USER, &(record.user, id)).await?.is_some();
        if let Some(organization) = record.organization {
            right &= tx.get(&BY_ORGANIZATION, &(organization, id)).await?.is_some();
        }
        Ok((!right).then(|| "the session is missing in a list".to_owned()))
    });
    let by_user = checker(&BY_USER, async |tx: Tx, (user, id), ()| {
        let right = tx.get(&SESSIONS, &id).await?.is_some_and(|record| record.user == user);
        Ok((!right).then(|| "the account's list leads to no session of it".to_owned()))
    });
    let by_organization = checker(&BY_ORGANIZATION, async |tx: Tx, (organization, id), ()| {
        let right = tx.get(&SESSIONS, &id).await?.is_some_and(|record| record.organization == Some(organization));
        Ok((!right).then(|| "the organization's list leads to no session in it".to_owned()))
    });
    vec![record, by_user, by_organization, decodes(&REVOCATIONS)]
}

/// Writes the row of a new session.
pub(super) fn insert(
    tx: &Tx,
    token: &SessionToken,
    signed_in: Option<Timestamp>,
    (client, agent): (Option<IpAddr>, Option<&str>),
) -> Result<(), StoreError> {
    let record = SessionRecord {
        id: token.id,
        user: token.user,
        organization: token.organization,
        connection: token.connection,
        method: token.method,
        created: token.created,
        auth_time: token.auth_time,
        second_factor: token.second_factor,
        signed_in,
        absolute_end: token.absolute_end,
        client,
        user_agent: agent.map(shorten),
    };
    let end = record.absolute_end;
    gain_stamp::moved(tx, record.user)?;
    tx.put_until(&SESSIONS, &record.id, &record, end)?;
    tx.put_until(&BY_USER, &(record.user, record.id), &(), end)?;
    if let Some(organization) = record.organization {
        tx.put_until(&BY_ORGANIZATION, &(organization, record.id), &(), end)?;
    }
    Ok(())
}

fn shorten(agent: &str) -> String {
    let clean: String = agent.chars().filter(|c| !c.is_control()).collect();
    clean[..clean.floor_char_boundary(USER_AGENT_LIMIT)].to_owned()
}

/// Ends the sessions of `scope` that were made until now, on every node within a second, and their open streams.
///
/// # Errors
/// [`StoreError`].
pub async fn revoke(tx: &Tx, scope: Scope) -> Result<(), StoreError> {
    revocation::revoke(tx, scope)?;
    if let Scope::Session(id) = scope
        && let Some(record) = tx.take(&SESSIONS, &id).await?
    {
        tx.delete(&BY_USER, &(record.user, id));
        if let Some(organization) = record.organization {
            tx.delete(&BY_ORGANIZATION, &(organization, id));
        }
    }
    Ok(())
}

/// Ends the sessions of an account, each for itself, so that `stays` lives, and one that is made in the same transaction
/// later on; gives those that were not over.
///
/// # Errors
/// [`StoreError`].
pub async fn end_each(tx: &Tx, user: UserId, stays: Option<SessionId>) -> Result<Vec<SessionRecord>, StoreError> {
    gain_stamp::watch(tx, user).await?;
    let (mut ended, mut after) = (Vec::new(), None);
    loop {
        let rows = tx.scan(&BY_USER, &user, after.as_ref(), STEP).await?;
        let is_last = rows.len() < STEP;
        for ((_, id), ()) in &rows {
            if Some(*id) != stays
                && let Some(record) = find(tx, *id).await?
            {
                revoke(tx, Scope::Session(*id)).await?;
                ended.push(record);
            }
        }
        match rows.into_iter().next_back() {
            Some((key, ())) if !is_last => after = Some(key),
            _ => return Ok(ended),
        }
    }
}

/// The session with this id, if it is not over.
///
/// # Errors
/// [`StoreError`].
pub async fn find(tx: &Tx, id: SessionId) -> Result<Option<SessionRecord>, StoreError> {
    match tx.get(&SESSIONS, &id).await? {
        Some(record) if !is_revoked(tx, &record).await? => Ok(Some(record)),
        _ => Ok(None),
    }
}

/// The sessions of `scope` that are not over, newest first, at most [`LIST_LIMIT`]. A session whose idle limit has
/// passed is still listed: only its cookie knows when it was last used.
///
/// # Errors
/// [`StoreError`].
pub async fn list(tx: &Tx, scope: Scope) -> Result<Vec<SessionRecord>, StoreError> {
    let ids: Vec<SessionId> = match scope {
        Scope::User(user) | Scope::Membership(_, user) => keys(tx, &BY_USER, &user).await?,
        Scope::Organization(organization) | Scope::Through(organization, _) => {
            keys(tx, &BY_ORGANIZATION, &organization).await?
        }
        Scope::Session(id) => vec![id],
        Scope::All | Scope::Connection(_) => {
            let rows = tx.scan(&SESSIONS, &(), None, LIST_LIMIT).await?;
            rows.into_iter().map(|(id, _)| id).collect()
        }
    };
    let mut found = Vec::new();
    for id in ids {
        if let Some(record) = find(tx, id).await?
            && scope.covers(&record)
        {
            found.push(record);
        }
    }
    found.sort_by_key(|record| std::cmp::Reverse(record.created));
    Ok(found)
}

async fn keys<P: Key + Copy>(
    tx: &Tx,
    table: &Table<(P, SessionId), ()>,
    prefix: &P,
) -> Result<Vec<SessionId>, StoreError> {
    let rows = tx.scan(table, prefix, None, LIST_LIMIT).await?;
    Ok(rows.into_iter().map(|((_, id), ())| id).collect())
}

async fn is_revoked(tx: &Tx, session: &SessionRecord) -> Result<bool, StoreError> {
    let SessionRecord { id, user, organization, connection, created, .. } = *session;
    Ok(tx.get(&REVOCATIONS, &Scope::Session(id)).await?.is_some_and(|moment| created <= moment)
        || ended_since(tx, (user, organization, connection), created).await?)
}

/// Whether sessions of `user` in `organization`, made by `connection` at `made`, were ended since, all together.
///
/// # Errors
/// [`StoreError`].
pub async fn ended_since(
    tx: &Tx,
    (user, organization, connection): (UserId, Option<OrgId>, Option<OrgId>),
    made: Timestamp,
) -> Result<bool, StoreError> {
    let mut scopes = vec![Scope::All, Scope::User(user)];
    scopes.extend(connection.map(Scope::Connection));
    if let Some(organization) = organization {
        scopes.extend([Scope::Organization(organization), Scope::Membership(organization, user)]);
        scopes.extend(connection.map(|connection| Scope::Through(organization, connection)));
    }
    for scope in scopes {
        if tx.get(&REVOCATIONS, &scope).await?.is_some_and(|moment| made <= moment) {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::kernel::ManualClock;
    use crate::session::token::LONGEST_SESSION;
    use crate::store::{SledBackend, Store, check_store};

    const USER: UserId = UserId::from_bytes([2; 16]);
    const ORGANIZATION: OrgId = OrgId::from_bytes([1; 16]);

    async fn changed(store: &Store, change: impl AsyncFn(&Tx) -> Result<(), StoreError>) -> Vec<String> {
        store.transaction::<_, StoreError, _, _>("test", |tx: Tx| async { change(&{ tx }).await }).await.unwrap();
        let report = check_store(store, &checkers()).await.unwrap();
        report.findings.into_iter().map(|finding| finding.problem).collect()
    }

    fn token(id: SessionId, now: Timestamp) -> SessionToken {
        SessionToken {
            id,
            user: USER,
            organization: Some(ORGANIZATION),
            connection: None,
            method: Method::Sso,
            second_factor: None,
            created: now,
            auth_time: now,
            seen: now,
            absolute_end: now.plus(LONGEST_SESSION),
        }
    }

    fn numbered(number: usize) -> SessionId {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        SessionId::from_bytes(bytes)
    }

    async fn store() -> (Store, Timestamp) {
        let now = Timestamp::from_seconds(1_800_000_000);
        (Store::open(SledBackend::temporary().unwrap(), Arc::new(ManualClock::at(now))).await.unwrap(), now)
    }

    #[tokio::test]
    async fn all_of_an_account_end_however_many_there_are_but_the_one_that_stays() {
        let (store, now) = store().await;
        let count = 2 * STEP + 2;
        for first in (0..count).step_by(100) {
            let fill = async |tx: &Tx| {
                (first..count.min(first + 100))
                    .try_for_each(|number| insert(tx, &token(numbered(number), now), None, (None, None)))
            };
            store.transaction::<_, StoreError, _, _>("test", |tx: Tx| async { fill(&{ tx }).await }).await.unwrap();
        }
        let stays = numbered(count - 2);
        let end = async |tx: Tx| end_each(&tx, USER, Some(stays)).await;
        let ended = store.transaction::<_, StoreError, _, _>("test", end).await.unwrap();
        assert_eq!(ended.len(), count - 1);
        let left = list(&store.reader(), Scope::User(USER)).await.unwrap();
        assert_eq!(left.into_iter().map(|record| record.id).collect::<Vec<_>>(), [stays]);
    }

    #[tokio::test]
    async fn a_session_that_is_made_between_the_look_and_the_commit_ends_too() {
        let (store, now) = store().await;
        let late = numbered(1);
        let runs = std::sync::atomic::AtomicUsize::new(0);
        let end = async |tx: Tx| {
            let ended = end_each(&tx, USER, None).await?;
            if runs.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0 {
                let sign_in = async |tx: Tx| insert(&tx, &token(late, now), None, (None, None));
                store.transaction::<_, StoreError, _, _>("sign in", sign_in).await?;
            }
            revocation::revoke(&tx, Scope::Session(numbered(2)))?;
            Ok(ended.len())
        };
        assert_eq!(store.transaction::<_, StoreError, _, _>("end", end).await.unwrap(), 1);
        assert_eq!(find(&store.reader(), late).await.unwrap(), None);
    }

    #[tokio::test]
    async fn every_list_leads_to_its_session_and_a_check_tells_where_not() {
        let (store, now) = store().await;
        let (one, other) = (SessionId::from_bytes([3; 16]), SessionId::from_bytes([4; 16]));
        let both = async |tx: &Tx| {
            insert(tx, &token(one, now), None, (None, None))?;
            insert(tx, &token(other, now), None, (None, None))
        };
        let fine = Vec::<String>::new();
        assert_eq!(changed(&store, both).await, fine);
        assert_eq!(changed(&store, async |tx| revoke(tx, Scope::Session(one)).await).await, fine);
        let unlisted = changed(&store, async |tx| {
            tx.delete(&BY_USER, &(USER, other));
            Ok(())
        })
        .await;
        assert_eq!(unlisted, ["the session is missing in a list"]);
        let dangling = changed(&store, async |tx| {
            tx.delete(&SESSIONS, &other);
            Ok(())
        })
        .await;
        assert_eq!(dangling, ["the organization's list leads to no session in it"]);
    }
}
