//! What every sign-in leaves behind, whatever its end: a record with its checks, one log line, a count (R56, R59).

use crate::directory::{
    Admitted, AuditEntry, LoginCheck, LoginMessage, LoginOutcome, LoginRecord, Organization, Story, audit, login,
    login_message, organization,
};
use crate::kernel::{Client, Fault, LoginId, Reference, Rng};
use crate::saml::SamlError;
use crate::store::{StoreError, Tx};

use super::address::returning;
use super::page::Trouble;
use super::pending::SignIn;
use super::return_path::ReturnPath;
use super::state::Portal;

/// The longest text of a check that is kept, in bytes.
const CHECK_TEXT_LIMIT: usize = 160;

/// What is known of a sign-in so far.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The reference of the request.
    pub reference: Reference,
    /// The organization whose connection it is.
    pub organization: Organization,
    /// The organization that is entered, if it is another (D13).
    pub entered: Option<Organization>,
    /// The IdP that was asked, if a pending sign-in was found.
    pub idp: Option<String>,
    /// The request it answers, likewise.
    pub request_id: Option<String>,
    /// Whom it is about: only once the assertion is verified.
    pub email: Option<String>,
    /// The assertion's id.
    pub assertion_id: Option<String>,
    /// The client's address.
    pub client: String,
    /// The checks made so far.
    pub checks: Vec<LoginCheck>,
    /// The message, once it was found to answer a request of ours.
    pub message: Option<LoginMessage>,
    /// Who began it, if it is a test alone.
    pub test: Option<String>,
    /// Where the person was going, once a sign-in of theirs is found.
    pub return_to: Option<ReturnPath>,
}

impl Attempt {
    /// A sign-in of which nothing is known but for where it came.
    pub fn new(organization: Organization, client: Client, reference: Reference) -> Self {
        Attempt {
            reference,
            organization,
            entered: None,
            idp: None,
            request_id: None,
            email: None,
            assertion_id: None,
            client: client.to_string(),
            checks: Vec::new(),
            message: None,
            test: None,
            return_to: None,
        }
    }

    /// Where to start this sign-in again.
    pub fn start_again(&self) -> String {
        let start = format!("/.vestibule/sso/{}", self.entered.as_ref().unwrap_or(&self.organization).slug);
        returning(&start, self.return_to.as_ref().map(ReturnPath::as_str).unwrap_or_default())
    }

    /// Takes over which organization the sign-in was to enter, if that is another than the connection's (D13).
    pub async fn aim(&mut self, tx: &Tx, sign_in: &SignIn) -> Result<(), StoreError> {
        if let Some(aimed) = sign_in.organization.filter(|aimed| *aimed != self.organization.id) {
            self.entered = organization::by_id(tx, aimed).await?;
        }
        Ok(())
    }

    /// Adds a check, its texts cut.
    pub fn check(&mut self, name: &str, passed: bool, expected: &str, received: &str) {
        self.checks.push(check(name, passed, expected, received));
    }

    /// What is kept of it.
    pub fn record(&self, tx: &Tx, rng: &dyn Rng, outcome: LoginOutcome) -> LoginRecord {
        LoginRecord {
            id: LoginId::random(rng),
            at: tx.now(),
            reference: self.reference.to_string(),
            email: self.email.clone(),
            idp: self.idp.clone(),
            request_id: self.request_id.clone(),
            assertion_id: self.assertion_id.clone(),
            client: self.client.clone(),
            outcome,
            checks: self.checks.clone(),
        }
    }

    /// Keeps the message beside the record, in the log of the organization whose IdP sent it.
    pub async fn keep_message(&self, tx: &Tx, record: &LoginRecord) -> Result<(), StoreError> {
        match &self.message {
            Some(message) => login_message::keep(tx, self.organization.id, record, message).await,
            None => Ok(()),
        }
    }

    /// What is written down of a sign-in that makes a session.
    pub fn story(&self, tx: &Tx, rng: &dyn Rng) -> Story {
        let organizations = [Some(&self.organization), self.entered.as_ref()].into_iter().flatten();
        Story {
            organizations: organizations.map(|organization| organization.id).collect(),
            record: Some(self.record(tx, rng, LoginOutcome::Accepted)),
            actor: self.email.clone().unwrap_or_default(),
            action: "login.accepted".to_owned(),
            object: self.object(),
            after: "session".to_owned(),
        }
    }

    /// What the audit says that it was about.
    pub fn object(&self) -> String {
        let request = self.request_id.as_deref().unwrap_or("-");
        format!("request {request}, assertion {}", self.assertion_id.as_deref().unwrap_or("-"))
    }

    /// What the organization's administrator does about an error.
    pub fn fix(&self, error: &SamlError) -> String {
        error.fix().replace("{slug}", self.organization.slug.as_str())
    }

    /// Audits the membership, if this very sign-in made it.
    pub fn joined(&self, tx: &Tx, rng: &dyn Rng, admitted: &Admitted) -> Result<(), StoreError> {
        if !admitted.joined {
            return Ok(());
        }
        let email = &admitted.user.email;
        let entry = AuditEntry::new(tx, email.as_str(), "member.join", email).from(&self.client);
        let entry = entry.changed("", admitted.member.role.as_str());
        audit::append(tx, rng, admitted.organization.id, &entry)
    }

    /// The audit of an authenticated attempt. What strangers post is in the sign-in log alone, which is bounded.
    fn audit(&self, tx: &Tx, rng: &dyn Rng, action: &str, after: &str) -> Result<(), StoreError> {
        let Some(email) = &self.email else { return Ok(()) };
        let entry = AuditEntry::new(tx, email, action, self.object()).changed("", after).from(&self.client);
        for organization in [Some(&self.organization), self.entered.as_ref()].into_iter().flatten() {
            audit::append(tx, rng, organization.id, &entry)?;
        }
        Ok(())
    }
}

/// A check for the sign-in log, its texts cut.
pub fn check(name: &str, passed: bool, expected: &str, received: &str) -> LoginCheck {
    let cut = |text: &str| text[..text.floor_char_boundary(CHECK_TEXT_LIMIT)].to_owned();
    LoginCheck { name: name.to_owned(), passed, expected: cut(expected), received: cut(received) }
}

impl Portal {
    /// Writes a refusal down, logs it, counts it, and gives the trouble that the person sees: a plain sentence, a
    /// reference, and where to start again (R56).
    pub async fn refuse(&self, attempt: &Attempt, error: &SamlError) -> Trouble {
        let reference = &attempt.reference;
        let slug = &attempt.organization.slug;
        let outcome = LoginOutcome::Refused { code: error.code().to_owned(), fix: attempt.fix(error) };
        // One at a time: strangers who post rubbish must not make each other's transactions, or a good one, run again.
        let turn = self.refusals.lock().await;
        let written = self
            .store
            .transaction("refuse sign-in", async |tx: Tx| {
                let record = attempt.record(&tx, &*self.rng, outcome.clone());
                for organization in [Some(&attempt.organization), attempt.entered.as_ref()].into_iter().flatten() {
                    login::record(&tx, organization.id, &record).await?;
                }
                attempt.keep_message(&tx, &record).await?;
                attempt.audit(&tx, &*self.rng, "login.refused", error.code())
            })
            .await;
        drop(turn);
        if let Err::<(), StoreError>(problem) = written {
            tracing::error!(%reference, organization = %slug, %problem, "a refused sign-in could not be written down");
        }
        count("refused", error.code());
        let (code, client) = (error.code(), &attempt.client);
        tracing::info!(%reference, organization = %slug, code, client, "sign-in refused");
        let mut trouble = Trouble::from(Fault::from(error.clone()));
        trouble.title = Some("Sign-in not accepted");
        trouble.logged = true;
        trouble.again = Some(attempt.start_again().into());
        trouble
    }

    /// Logs and counts a sign-in that made a session, or a half one.
    pub fn accepted(&self, attempt: &Attempt, outcome: &'static str) {
        count(outcome, "ok");
        let Attempt { reference, organization, client, .. } = attempt;
        let organization = &organization.slug;
        tracing::info!(%reference, %organization, client, outcome, "a right answer of the identity provider");
    }
}

/// Counts a sign-in by outcome. Codes are a fixed set.
pub fn count(outcome: &'static str, code: &'static str) {
    metrics::counter!("vestibule_sign_ins_total", "outcome" => outcome, "code" => code).increment(1);
}
