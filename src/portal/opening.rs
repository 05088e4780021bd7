//! The one way to a session: whoever showed a first factor, or goes on with the one they showed, passes here.

use axum::response::Response;
use http::{HeaderValue, header};

use super::local::Arrival;
use super::page::{self, Trouble};
use super::return_path::ReturnPath;
use super::state::Portal;
use crate::directory::{AuditEntry, LoginRecord, audit, login};
use crate::kernel::OrgId;
use crate::session::NewSession;
use crate::store::Tx;

/// What is written down of a sign-in that comes to a session.
#[derive(Clone, Debug)]
pub struct Story {
    /// Where: the organization that is entered, and that of the connection, if it is another.
    pub organizations: Vec<OrgId>,
    /// For the sign-in log, if it is a sign-in.
    pub record: Option<LoginRecord>,
    /// Who did it, for the audit.
    pub actor: String,
    /// What they did.
    pub action: String,
    /// To what.
    pub object: String,
    /// What came of it.
    pub after: String,
}

impl Story {
    /// Writes it down, in the transaction that makes the session.
    async fn tell(&self, portal: &Portal, tx: &Tx, arrival: &Arrival) -> Result<(), Trouble> {
        for organization in &self.organizations {
            if let Some(record) = &self.record {
                login::record(tx, *organization, record).await?;
            }
            let entry = AuditEntry::new(tx, &self.actor, &self.action, &self.object);
            let entry = entry.changed("", &self.after).from(arrival.client);
            audit::append(tx, &*portal.rng, *organization, &entry)?;
        }
        Ok(())
    }
}

/// Somebody who is to get a session.
pub struct Opening<'a> {
    /// What it is made of.
    pub new: NewSession,
    /// What is written down of it.
    pub story: Story,
    /// Where the person goes then.
    pub return_to: &'a ReturnPath,
    /// The browser that they come with.
    pub arrival: &'a Arrival,
}

/// What the browser gets.
#[derive(Debug)]
pub struct Opened {
    /// A cookie: to be sent only once the transaction is committed.
    cookie: HeaderValue,
    /// Where it goes.
    location: String,
}

impl Opened {
    /// The answer, with further cookies.
    pub fn respond(self, cookies: &[String]) -> Response {
        let mut response = page::redirect(&self.location, cookies);
        response.headers_mut().append(header::SET_COOKIE, self.cookie);
        response
    }
}

impl Portal {
    /// Opens a session within the caller's transaction, and writes down that it is there.
    ///
    /// # Errors
    /// The store's; the organization is gone.
    pub(super) async fn open(&self, tx: &Tx, opening: Opening<'_>) -> Result<Opened, Trouble> {
        let Opening { new, story, return_to, arrival } = opening;
        story.tell(self, tx, arrival).await?;
        let cookie = self.sessions.start(tx, &new).await?.set_cookie;
        Ok(Opened { cookie, location: return_to.as_str().to_owned() })
    }
}
