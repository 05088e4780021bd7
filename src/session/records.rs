//! The sessions there are, for lists, and the revocations, for every node: rows that leave when their time is over.
//!
//! A session lives by its cookie, not by its row: the gate never looks here. Ending sessions is one row, whatever
//! their number, which the change feed carries into the memory of each node.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::token::{Method, SecondFactor, SessionToken};
use crate::directory::revocation;
pub(super) use crate::directory::revocation::REVOCATIONS;
pub use crate::directory::revocation::Scope;
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

    #[tokio::test]
    async fn every_list_leads_to_its_session_and_a_check_tells_where_not() {
        let now = Timestamp::from_seconds(1_800_000_000);
        let store = Store::open(SledBackend::temporary().unwrap(), Arc::new(ManualClock::at(now))).await.unwrap();
        let (one, other) = (SessionId::from_bytes([3; 16]), SessionId::from_bytes([4; 16]));
        let token = |id| SessionToken {
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
        };
        let both = async |tx: &Tx| {
            insert(tx, &token(one), None, (None, None))?;
            insert(tx, &token(other), None, (None, None))
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
