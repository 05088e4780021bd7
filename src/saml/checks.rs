//! The list of checks that a message went through, each with what was expected and received: for the sign-in log (R55).

use serde::{Deserialize, Serialize};

use super::error::{SamlError, shown};

/// What is checked, in the order in which it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckName {
    /// The bytes are one well-formed XML document within the limits (R2, R7 to R9).
    WellFormed,
    /// It is a Response with its parts at their places (R3 to R6, R10).
    Structure,
    /// The IdP says that it signed the person in (R29).
    Status,
    /// Response or Assertion is signed by the IdP (R10 to R18).
    Signature,
    /// The assertion was encrypted to us, where that is demanded (R19 to R23).
    Encryption,
    /// It is issued by this connection's IdP (R24).
    Issuer,
    /// It is addressed to our ACS (R27).
    Destination,
    /// It is meant for us (R25).
    Audience,
    /// It is valid now (R28).
    Time,
    /// All its conditions are known (R30).
    Conditions,
    /// It answers the request that is pending (R31).
    InResponseTo,
    /// Its bearer may present it at our ACS, now (R26).
    SubjectConfirmation,
    /// It says when and how the person was authenticated (R28, R30).
    Authentication,
    /// It names one e-mail address (R38, R39).
    Email,
    /// The second verifier confirms it.
    SecondVerifier,
}

impl CheckName {
    /// The name, for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            CheckName::WellFormed => "well-formed message",
            CheckName::Structure => "structure",
            CheckName::Status => "status",
            CheckName::Signature => "signature",
            CheckName::Encryption => "encryption",
            CheckName::Issuer => "issuer",
            CheckName::Destination => "destination",
            CheckName::Audience => "audience",
            CheckName::Time => "time",
            CheckName::Conditions => "conditions",
            CheckName::InResponseTo => "answers our request",
            CheckName::SubjectConfirmation => "subject confirmation",
            CheckName::Authentication => "authentication statement",
            CheckName::Email => "e-mail address",
            CheckName::SecondVerifier => "second verifier",
        }
    }
}

/// One check and how it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What was checked.
    pub name: CheckName,
    /// Whether it passed.
    pub passed: bool,
    /// What was expected, for people.
    pub expected: String,
    /// What was received, for people: cut and printable, never a secret.
    pub received: String,
}

/// Collects checks; remembers the first failure.
#[derive(Default)]
pub(super) struct Checks {
    pub(super) list: Vec<Check>,
    failure: Option<SamlError>,
}

impl Checks {
    /// Writes a check down and hands its outcome on: for steps that the next one builds on.
    pub(super) fn step<T>(
        &mut self,
        name: CheckName,
        expected: &str,
        outcome: Result<(T, String), SamlError>,
    ) -> Result<T, SamlError> {
        let (passed, received) = match &outcome {
            Ok((_, received)) => (true, shown(received)),
            Err(error) => (false, shown(&error.to_string())),
        };
        self.list.push(Check { name, passed, expected: shown(expected), received });
        outcome.map(|(value, _)| value)
    }

    /// Writes a check down and goes on, whatever came of it: the administrator should see all that is wrong at once.
    pub(super) fn note<T>(
        &mut self,
        name: CheckName,
        expected: &str,
        outcome: Result<(T, String), SamlError>,
    ) -> Option<T> {
        match self.step(name, expected, outcome) {
            Ok(value) => Some(value),
            Err(error) => {
                self.failure.get_or_insert(error);
                None
            }
        }
    }

    /// The first failure among those that were noted.
    pub(super) fn first_failure(&mut self) -> Result<(), SamlError> {
        self.failure.take().map_or(Ok(()), Err)
    }
}
