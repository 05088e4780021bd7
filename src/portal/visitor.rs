//! Who is at the door: the session of this browser, if it has a good one, and the ends of sessions.

use axum::response::Response;
use http::{HeaderMap, header};

use super::page::Trouble;
use super::standing;
use super::state::Portal;
use crate::directory::audit::{self, OPERATOR};
use crate::directory::{AuditEntry, user};
use crate::kernel::{Client, OrgId, SessionId, UserId};
use crate::second_factor::trusted;
use crate::session::{Authentication, Scope, SessionRecord, half, records};
use crate::store::{StoreError, Tx};

/// Somebody with a good session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visitor {
    /// The session.
    pub session: SessionId,
    /// Whose it is.
    pub user: UserId,
    /// The organization that it is in.
    pub organization: Option<OrgId>,
}

impl Visitor {
    /// Whether they have a second factor here that was not shown in their session just now.
    ///
    /// # Errors
    /// The store's.
    pub async fn wants_second(&self, tx: &Tx) -> Result<bool, StoreError> {
        match records::find(tx, self.session).await? {
            Some(record) => standing::wants_second(tx, &record).await,
            None => Ok(false),
        }
    }
}

impl Portal {
    /// Who is signed in in this browser; `None`: nobody.
    ///
    /// # Errors
    /// «Unavailable», if nobody can tell just now.
    pub(super) async fn visitor(&self, headers: &HeaderMap) -> Result<Option<Visitor>, Trouble> {
        match self.sessions.authenticate(headers).await {
            Authentication::SignedIn(who) => Ok(Some(Visitor {
                session: who.session.id,
                user: who.session.user,
                organization: who.session.organization,
            })),
            Authentication::Nobody { .. } => Ok(None),
            Authentication::Unavailable(error) => Err(error.into()),
        }
    }

    /// Ends sessions of the person who is signed in, on every node within a second, and audits it.
    pub(super) async fn end_sessions(&self, by: Visitor, ids: &[SessionId], client: Client) -> Result<(), Trouble> {
        let end = async |tx: Tx| {
            let person = user::by_id(&tx, by.user).await?;
            // Whoever is between the factors elsewhere shows the first one again.
            half::end_all(&tx, by.user).await?;
            let actor = person.map_or_else(|| by.user.to_string(), |person| person.email.to_string());
            for id in ids {
                let held = records::find(&tx, *id).await?.and_then(|record| record.organization);
                self.sessions.end(&tx, *id).await?;
                let entry = AuditEntry::new(&tx, &actor, "session.end", id).from(client);
                audit::append(&tx, &*self.rng, held.unwrap_or(OPERATOR), &entry)?;
            }
            Ok(())
        };
        self.store.transaction("end sessions", end).await
    }

    /// Ends all sessions of the person who is signed in but this one, however many, and the trust in browsers;
    /// audits each, and gives how many there were.
    pub(super) async fn end_other_sessions(&self, by: Visitor, client: Client) -> Result<usize, Trouble> {
        let end = async |tx: Tx| {
            let person = user::by_id(&tx, by.user).await?;
            half::end_all(&tx, by.user).await?;
            let actor = person.map_or_else(|| by.user.to_string(), |person| person.email.to_string());
            trusted::forget_all(&tx, by.user).await?;
            let ended = records::end_each(&tx, by.user, Some(by.session)).await?;
            for record in &ended {
                let entry = AuditEntry::new(&tx, &actor, "session.end", record.id).from(client);
                audit::append(&tx, &*self.rng, record.organization.unwrap_or(OPERATOR), &entry)?;
            }
            Ok::<_, Trouble>(ended.len())
        };
        self.store.transaction("end other sessions", end).await
    }

    /// Whether a session is one of this account, and not over.
    pub(super) async fn is_session_of(&self, user: UserId, id: SessionId) -> Result<bool, Trouble> {
        let found = records::find(&self.store.reader(), id).await?;
        Ok(found.is_some_and(|record| record.user == user))
    }

    /// The sessions of an account, newest first.
    pub(super) async fn sessions_of(&self, user: UserId) -> Result<Vec<SessionRecord>, Trouble> {
        Ok(records::list(&self.store.reader(), Scope::User(user)).await?)
    }

    /// Takes the session cookie back.
    pub(super) fn without_session(&self, mut response: Response) -> Response {
        response.headers_mut().append(header::SET_COOKIE, self.sessions.clear_cookie());
        response
    }
}
