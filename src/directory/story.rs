//! What is written down of a sign-in that comes to a session: kept while the second factor is still to come.

use serde::{Deserialize, Serialize};

use super::audit::{self, AuditEntry};
use super::login::{self, LoginCheck, LoginOutcome, LoginRecord};
use crate::kernel::{Client, LoginId, OrgId, Rng};
use crate::store::{StoreError, Tx};

/// The check's name in the sign-in log.
pub(super) const SECOND_FACTOR: &str = "second factor";

/// A sign-in, or another way to a session, as logs and audits tell it.
#[derive(Clone, Debug, Serialize, Deserialize)]
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

/// A request that takes a sign-in further.
#[derive(Clone, Copy, Debug)]
pub struct Further<'a> {
    /// Where it came from.
    pub client: Client,
    /// Its reference.
    pub reference: &'a str,
}

impl Story {
    /// Writes it down in the sign-in log and the audit.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn tell(&self, tx: &Tx, rng: &dyn Rng, client: Client) -> Result<(), StoreError> {
        self.log(tx).await?;
        for organization in &self.organizations {
            let entry = AuditEntry::new(tx, &self.actor, &self.action, &self.object);
            audit::append(tx, rng, *organization, &entry.changed("", &self.after).from(client))?;
        }
        Ok(())
    }

    /// Writes it down in the sign-in log alone.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn log(&self, tx: &Tx) -> Result<(), StoreError> {
        let Some(record) = &self.record else { return Ok(()) };
        for organization in &self.organizations {
            login::record(tx, *organization, record).await?;
        }
        Ok(())
    }

    /// The same, with the second factor still to come.
    #[must_use]
    pub fn half(&self, what: &str) -> Self {
        let record = self.record.clone().map(|mut record| {
            record.outcome = LoginOutcome::Continued;
            record.checks.push(second_factor(true, "asked for next", what));
            record
        });
        Story { record, action: "login.first_factor".to_owned(), after: what.to_owned(), ..self.clone() }
    }

    /// The same, come to its end by another request.
    #[must_use]
    pub fn ended(&self, tx: &Tx, rng: &dyn Rng, by: Further<'_>, outcome: LoginOutcome, shown: &str) -> Self {
        let passed = !matches!(outcome, LoginOutcome::Refused { .. });
        let record = self.record.clone().map(|mut record| {
            record.id = LoginId::random(rng);
            record.at = tx.now();
            by.reference.clone_into(&mut record.reference);
            record.client = by.client.to_string();
            record.outcome = outcome;
            record.checks.push(second_factor(passed, "one of the person's", shown));
            record
        });
        Story { record, after: format!("{}, {shown}", self.after), ..self.clone() }
    }
}

fn second_factor(passed: bool, expected: &str, received: &str) -> LoginCheck {
    LoginCheck { name: SECOND_FACTOR.to_owned(), passed, expected: expected.to_owned(), received: received.to_owned() }
}
