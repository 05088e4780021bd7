//! A sign-in on its way: pending until the IdP answers, verified until its browser comes back, then finished.
//!
//! One record holds all of it, so that each step moves it on in one transaction, and of many that try, one does.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::return_path::ReturnPath;
use crate::directory::{LoginCheck, LoginMessage, LoginRecord, SsoSettings};
use crate::kernel::{EmailAddress, OrgId, Timestamp, TokenHash, UserId};
use crate::saml::SamlError;
use crate::store::{StoreError, Table, Tx};

/// Sign-ins on their way, by the id of their AuthnRequest, which is their RelayState and their last step's handle too:
/// 160 random bits that prove nothing without the browser's login cookie.
pub const SIGN_INS: Table<String, SignIn> = Table::new("sign_ins");
/// Assertions that were used: (organization of the connection, IdP, assertion id) (R32).
pub const USED_ASSERTIONS: Table<(OrgId, String, String), ()> = Table::new("used_assertions");

/// How long the IdP has to answer.
pub const PENDING_FOR: Duration = Duration::from_secs(10 * 60);
/// How long the browser has to come back with its cookie, once the answer was verified.
pub const VERIFIED_FOR: Duration = Duration::from_secs(2 * 60);
/// How long the browser that began a test can look at what came of it.
pub const TESTED_FOR: Duration = Duration::from_secs(10 * 60);
/// How long a used answer is known as such, so that the back button leads to the app (R34).
pub const FINISHED_FOR: Duration = Duration::from_secs(24 * 3600);

/// A sign-in, from the question to its end.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SignIn {
    /// The organization that is entered, and no other: the one at whose address the sign-in began, or, once it is
    /// finished, the one that was entered. `None`: by the rules, once it is known who it is (D13).
    pub organization: Option<OrgId>,
    /// The organization whose connection is used: the same, or its Admin organization.
    pub connection: OrgId,
    /// The entity ID of the IdP that was asked.
    pub idp: String,
    /// Where the person goes afterwards (R47).
    pub return_to: ReturnPath,
    /// The hash of the login cookie that the browser got (R33).
    pub browser: TokenHash,
    /// How far it is.
    pub stage: Stage,
    /// Who began it, if it is a test alone: it shows what a sign-in would come to, and signs nobody in (R55).
    #[serde(default)]
    pub test: Option<String>,
}

/// How far a sign-in is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The IdP was asked.
    Pending,
    /// The IdP's answer was verified; the browser is on its way back.
    Verified(Box<VerifiedIdentity>),
    /// It ended: this account got a session, or nobody did.
    Finished(Option<UserId>),
    /// It was a test, and this came of it.
    Tested(Box<LoginRecord>),
}

/// Who the IdP says that it is: what a verified assertion leaves behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifiedIdentity {
    /// The e-mail address.
    pub email: EmailAddress,
    /// The given name.
    pub first_name: Option<String>,
    /// The family name.
    pub last_name: Option<String>,
    /// The NameID, if it makes a link (D4).
    pub stable_name_id: Option<String>,
    /// When the IdP authenticated the person.
    pub authenticated: Timestamp,
    /// When the IdP wants the session to end at the latest (R28).
    pub session_end: Option<Timestamp>,
    /// How the IdP says that it authenticated the person: the context classes, and what it claims of methods.
    #[serde(default)]
    pub authn_methods: Vec<String>,
    /// The assertion's id.
    pub assertion_id: String,
    /// The checks that were passed, for the sign-in log.
    pub checks: Vec<LoginCheck>,
    /// The message, to be kept beside the sign-in log.
    #[serde(default)]
    pub message: Option<LoginMessage>,
    /// When the connection was last changed by which it was verified.
    #[serde(default)]
    pub connection_updated: Option<Timestamp>,
}

impl VerifiedIdentity {
    /// Whether the connection that it was verified by is another by now: what no certificate that counts vouches for any
    /// more is no sign-in, and what it came to proves nothing of how it is set now (D10).
    ///
    /// # Errors
    /// [`SamlError::Configuration`].
    pub fn check(&self, settings: &SsoSettings) -> Result<(), SamlError> {
        if self.connection_updated == Some(settings.updated) {
            return Ok(());
        }
        let text = "it was changed after this answer had been verified. Start the sign-in again.";
        Err(SamlError::Configuration(text.to_owned()))
    }
}

/// The sign-in with this request id, unless its time is over.
pub async fn find(tx: &Tx, request_id: &str) -> Result<Option<SignIn>, StoreError> {
    tx.get(&SIGN_INS, &request_id.to_owned()).await
}

impl SignIn {
    /// Keeps a new sign-in, whose request has just been made.
    pub fn start(&self, tx: &Tx, request_id: &str) -> Result<(), StoreError> {
        tx.put_until(&SIGN_INS, &request_id.to_owned(), self, tx.now().plus(PENDING_FOR))
    }

    /// Moves it on: the answer was verified.
    pub fn verified(self, tx: &Tx, request_id: &str, identity: VerifiedIdentity) -> Result<(), StoreError> {
        let moved = SignIn { stage: Stage::Verified(Box::new(identity)), ..self };
        tx.put_until(&SIGN_INS, &request_id.to_owned(), &moved, tx.now().plus(VERIFIED_FOR))
    }

    /// Moves a test to its end.
    pub fn tested(self, tx: &Tx, request_id: &str, record: LoginRecord) -> Result<(), StoreError> {
        let moved = SignIn { stage: Stage::Tested(Box::new(record)), ..self };
        tx.put_until(&SIGN_INS, &request_id.to_owned(), &moved, tx.now().plus(TESTED_FOR))
    }

    /// Moves it to its end, with a session for somebody in an organization, or for nobody.
    pub fn finished(self, tx: &Tx, request_id: &str, entered: Option<(UserId, OrgId)>) -> Result<(), StoreError> {
        let (user, organization) = entered.unzip();
        let organization = organization.or(self.organization);
        let moved = SignIn { stage: Stage::Finished(user), organization, ..self };
        tx.put_until(&SIGN_INS, &request_id.to_owned(), &moved, tx.now().plus(FINISHED_FOR))
    }
}
