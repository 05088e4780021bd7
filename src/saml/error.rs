//! Why a sign-in is refused: one variant for each reason code, so that every door and every log speaks with one voice.
//!
//! The browser reads [`Explain::public`], the administrator reads [`SamlError::fix`] (in `advice`), both beside the
//! code and a reference (R56). Texts that came in a message are cut and made printable by [`shown`] before they land here.

use std::borrow::Cow;

use crate::kernel::{Explain, FaultKind, Timestamp};

/// The most of a received text that is kept for people to read, in bytes.
pub const SHOWN_LIMIT: usize = 200;

/// Why a SAML message, or the sign-in made of it, is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SamlError {
    /// The message is larger than a limit (R7).
    #[error("the message is too large: {what}, at most {limit}")]
    TooLarge {
        /// What is counted.
        what: &'static str,
        /// How many are allowed.
        limit: usize,
    },
    /// Not base64, not UTF-8, or not well-formed XML (R8, R9).
    #[error("not a readable message: {0}")]
    Malformed(String),
    /// A document type, an entity or a processing instruction (R2).
    #[error("the message holds {0}")]
    Doctype(&'static str),
    /// Well-formed, but not a Response as the profile describes it (R3 to R6, R10, R15, R30).
    #[error("not a response of the expected shape: {0}")]
    Structure(String),
    /// The IdP answered that it did not sign the person in (R29).
    #[error("the identity provider answered {}", spaced([code, detail, message]))]
    StatusNotSuccess {
        /// The top status code.
        code: String,
        /// The second status code, if there is one.
        detail: String,
        /// The IdP's own words, if there are some. Untrusted.
        message: String,
    },
    /// Neither the Response nor the Assertion carries a signature (R10).
    #[error("neither Response nor Assertion is signed")]
    NotSigned,
    /// An algorithm that is not on the list (R13, R19).
    #[error("the {what} algorithm {received} is not allowed")]
    AlgorithmNotAllowed {
        /// What it was to be used for.
        what: &'static str,
        /// Its identifier, as received.
        received: String,
    },
    /// The signature does not verify under any configured certificate (R11, R12, R14, R17).
    #[error("the signature does not verify: {reason}")]
    SignatureInvalid {
        /// What exactly failed.
        reason: &'static str,
        /// The certificate that the message carries: SHA-256 and until when it is valid. Untrusted, for people only.
        message_certificate: Option<(String, Timestamp)>,
        /// SHA-256 of the configured certificates.
        configured: Vec<String>,
    },
    /// The second verifier, libxmlsec1, does not confirm what the first accepted.
    #[error("the two verifiers disagree: {0}")]
    Disagreement(String),
    /// The encrypted assertion can't be read (R19 to R23). One kind for every reason (R22).
    #[error("the assertion can't be decrypted: {0}")]
    DecryptFailed(String),
    /// The connection demands encryption, and the assertion came without (R23).
    #[error("the assertion is not encrypted")]
    NotEncrypted,
    /// Not from the configured IdP (R24).
    #[error("issued by {received}, configured is {expected}")]
    IssuerMismatch {
        /// The configured entity ID.
        expected: String,
        /// What the message names.
        received: String,
    },
    /// Meant for another service provider, or for nobody in particular (R25).
    #[error("meant for {received}, we are {expected}")]
    AudienceMismatch {
        /// Our entity ID.
        expected: String,
        /// What the message names.
        received: String,
    },
    /// The confirmation is for another ACS (R26).
    #[error("confirmed for {received}, our ACS is {expected}")]
    RecipientMismatch {
        /// Our ACS URL.
        expected: String,
        /// What the message names.
        received: String,
    },
    /// The response is addressed elsewhere (R27).
    #[error("sent to {received}, our ACS is {expected}")]
    DestinationMismatch {
        /// Our ACS URL.
        expected: String,
        /// What the message names.
        received: String,
    },
    /// No subject confirmation of the bearer kind fits (R26).
    #[error("no bearer confirmation fits: {0}")]
    SubjectConfirmation(&'static str),
    /// A condition that we don't know (R30).
    #[error("the condition {0} is not known")]
    ConditionUnknown(String),
    /// Too late (R28).
    #[error("{what} ended at {at}, now is {now}")]
    Expired {
        /// Which date.
        what: &'static str,
        /// When it ended.
        at: Timestamp,
        /// Our time.
        now: Timestamp,
    },
    /// Too early (R28).
    #[error("{what} begins at {at}, now is {now}")]
    NotYetValid {
        /// Which date.
        what: &'static str,
        /// When it begins.
        at: Timestamp,
        /// Our time.
        now: Timestamp,
    },
    /// An answer to a request that is not pending here (R31, R33).
    #[error("an answer to request {received}, which is not pending in this browser")]
    InResponseToUnknown {
        /// The request that the message answers.
        received: String,
    },
    /// An answer to no request (R46).
    #[error("an answer to no request, and IdP-initiated sign-in is off")]
    Unsolicited,
    /// This assertion was used before (R32).
    #[error("the assertion was already used")]
    Replayed,
    /// No attribute with an e-mail address (R38).
    #[error("no e-mail attribute among {}", received.join(", "))]
    EmailMissing {
        /// The names of the attributes that came.
        received: Vec<String>,
    },
    /// More than one e-mail address (R38).
    #[error("more than one e-mail address in {attribute}")]
    EmailAmbiguous {
        /// Where they stand.
        attribute: String,
    },
    /// The attribute does not hold one e-mail address (R39).
    #[error("{received} is not an e-mail address")]
    EmailInvalid {
        /// What it holds.
        received: String,
    },
    /// The address's domain is not claimed by the organization (R37).
    #[error("the domain of {email} is not claimed by this organization")]
    EmailDomain {
        /// The asserted address.
        email: String,
    },
    /// The SSO link and the e-mail address point to different accounts (D4).
    #[error("{email} belongs to another account than this identity was linked to")]
    AccountConflict {
        /// The asserted address.
        email: String,
    },
    /// The account is deactivated.
    #[error("the account of {email} is deactivated")]
    AccountDeactivated {
        /// The asserted address.
        email: String,
    },
    /// Signed in at the IdP, but not a member here, and not to be made one.
    #[error("{email} is not a member of this organization")]
    NotAMember {
        /// The asserted address.
        email: String,
    },
    /// Provisioning took the address out, and nobody brought it back since (D17).
    #[error("{email} was taken out by provisioning")]
    Barred {
        /// The asserted address.
        email: String,
    },
    /// The organization's own connection rests, since it is linked to an Admin organization (D14).
    #[error("this connection rests: the organization is linked to an Admin organization")]
    ConnectionRests,
    /// The organization that was to be entered left the Admin organization meanwhile (D14).
    #[error("the organization to be entered is no longer linked to this one")]
    LinkEnded,
    /// The message came in a way that is not taken: by GET, or with doubled fields (R48).
    #[error("not a form post with one SAMLResponse: {0}")]
    WrongBinding(&'static str),
    /// The organization has no connection in use (R18).
    #[error("single sign-on is not set up for this organization")]
    SsoOff,
    /// The connection can't be used as it is configured (R12, R17, R18).
    #[error("the connection can't be used: {0}")]
    Configuration(String),
}

/// The texts that are not empty, a space between.
fn spaced(texts: [&str; 3]) -> String {
    texts.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" ")
}

impl SamlError {
    /// The reason code: stable, for logs, metrics and documentation.
    pub fn code(&self) -> &'static str {
        match self {
            SamlError::TooLarge { .. } => "too_large",
            SamlError::Malformed(_) => "malformed",
            SamlError::Doctype(_) => "doctype",
            SamlError::Structure(_) => "structure",
            SamlError::StatusNotSuccess { .. } => "status_not_success",
            SamlError::NotSigned => "not_signed",
            SamlError::AlgorithmNotAllowed { .. } => "alg_not_allowed",
            SamlError::SignatureInvalid { .. } => "signature_invalid",
            SamlError::Disagreement(_) => "verifiers_disagree",
            SamlError::DecryptFailed(_) => "decrypt_failed",
            SamlError::NotEncrypted => "not_encrypted",
            SamlError::IssuerMismatch { .. } => "issuer_mismatch",
            SamlError::AudienceMismatch { .. } => "audience_mismatch",
            SamlError::RecipientMismatch { .. } => "recipient_mismatch",
            SamlError::DestinationMismatch { .. } => "destination_mismatch",
            SamlError::SubjectConfirmation(_) => "subject_confirmation",
            SamlError::ConditionUnknown(_) => "condition_unknown",
            SamlError::Expired { .. } => "expired",
            SamlError::NotYetValid { .. } => "not_yet_valid",
            SamlError::InResponseToUnknown { .. } => "in_response_to_unknown",
            SamlError::Unsolicited => "unsolicited",
            SamlError::Replayed => "replayed",
            SamlError::EmailMissing { .. } => "email_missing",
            SamlError::EmailAmbiguous { .. } => "email_ambiguous",
            SamlError::EmailInvalid { .. } => "email_invalid",
            SamlError::EmailDomain { .. } => "email_domain",
            SamlError::AccountConflict { .. } => "account_conflict",
            SamlError::AccountDeactivated { .. } => "account_deactivated",
            SamlError::NotAMember { .. } => "not_a_member",
            SamlError::Barred { .. } => "removed_by_provisioning",
            SamlError::ConnectionRests => "connection_rests",
            SamlError::LinkEnded => "link_ended",
            SamlError::WrongBinding(_) => "wrong_binding",
            SamlError::SsoOff => "sso_off",
            SamlError::Configuration(_) => "sso_configuration",
        }
    }
}

/// What the browser reads when a message is refused for what it holds. One text for all of them, so that trying
/// messages teaches nothing (R22, R56).
const REFUSED: &str = "The answer of your organization's sign-in service was not accepted. Please try again, and if it happens again, \
     give the reference to your administrator.";

impl Explain for SamlError {
    fn kind(&self) -> FaultKind {
        match self {
            SamlError::TooLarge { .. } => FaultKind::TooLarge,
            SamlError::Malformed(_) | SamlError::Doctype(_) | SamlError::WrongBinding(_) => FaultKind::Invalid,
            SamlError::SsoOff => FaultKind::NotFound,
            _ => FaultKind::Forbidden,
        }
    }

    fn public(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            SamlError::StatusNotSuccess { .. } => {
                "Your organization's sign-in service did not sign you in. Please try again, or ask your administrator."
            }
            SamlError::Expired { .. } | SamlError::NotYetValid { .. } => {
                "The answer of your organization's sign-in service is out of date. Please sign in again. If it happens \
                 again, a clock is wrong: give the reference to your administrator."
            }
            SamlError::InResponseToUnknown { .. } => {
                "This sign-in was started elsewhere or too long ago. Please start again from here, in this browser."
            }
            SamlError::Unsolicited => {
                "Sign-in has to be started from here, not from your organization's portal. Please start again."
            }
            SamlError::Replayed => "This answer was already used. Please start again.",
            SamlError::EmailMissing { .. } | SamlError::EmailAmbiguous { .. } | SamlError::EmailInvalid { .. } => {
                "Your organization's sign-in service did not say clearly what your e-mail address is. Please give the \
                 reference to your administrator."
            }
            SamlError::EmailDomain { .. } => {
                "Your e-mail address does not belong to this organization. Please sign in with the address of the \
                 organization, or ask its administrator."
            }
            SamlError::AccountConflict { .. } => {
                "Your e-mail address belongs to another account. Please give the reference to your administrator."
            }
            SamlError::AccountDeactivated { .. } => "This account is deactivated. Please ask your administrator.",
            SamlError::NotAMember { .. } => {
                "You are signed in at your organization, but have no access here yet. Please ask your administrator."
            }
            SamlError::Barred { .. } => "Your organization has taken you out here. Please ask your administrator.",
            SamlError::ConnectionRests | SamlError::LinkEnded => {
                "Your organization signs in another way by now. Please start again with your e-mail address."
            }
            SamlError::SsoOff => "Single sign-on is not set up for this organization. Please sign in another way.",
            SamlError::TooLarge { .. }
            | SamlError::Malformed(_)
            | SamlError::Doctype(_)
            | SamlError::Structure(_)
            | SamlError::NotSigned
            | SamlError::AlgorithmNotAllowed { .. }
            | SamlError::SignatureInvalid { .. }
            | SamlError::Disagreement(_)
            | SamlError::DecryptFailed(_)
            | SamlError::NotEncrypted
            | SamlError::IssuerMismatch { .. }
            | SamlError::AudienceMismatch { .. }
            | SamlError::RecipientMismatch { .. }
            | SamlError::DestinationMismatch { .. }
            | SamlError::SubjectConfirmation(_)
            | SamlError::ConditionUnknown(_)
            | SamlError::WrongBinding(_)
            | SamlError::Configuration(_) => REFUSED,
        })
    }

    fn detail(&self) -> String {
        format!("{}: {self}", self.code())
    }
}

/// A received text, safe for a log or a page: at most [`SHOWN_LIMIT`] bytes, control and invisible characters replaced.
pub fn shown(text: &str) -> String {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let mut out = String::with_capacity(text.len().min(SHOWN_LIMIT));
    for c in text.chars() {
        if out.len() + c.len_utf8() > SHOWN_LIMIT - '…'.len_utf8() {
            out.push('…');
            break;
        }
        out.push(if hidden(c) { '\u{fffd}' } else { c });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_short_and_printable() {
        assert_eq!(shown("a\nb\0c\u{202e}d"), "a\u{fffd}b\u{fffd}c\u{fffd}d");
        assert!(shown(&"ä".repeat(1_000)).len() <= SHOWN_LIMIT);
        assert_eq!(shown("urn:idp"), "urn:idp");
    }

    #[test]
    fn r22_every_way_to_fail_on_a_sealed_assertion_reads_alike() {
        let invalid =
            SamlError::SignatureInvalid { reason: "no key fits", message_certificate: None, configured: Vec::new() };
        let decrypt = SamlError::DecryptFailed("bad padding".into());
        assert_eq!(invalid.public(), decrypt.public());
        assert_eq!(invalid.kind().status(), decrypt.kind().status());
        assert_eq!(SamlError::NotSigned.public(), decrypt.public());
        assert_eq!(SamlError::NotSigned.kind(), decrypt.kind());
    }
}
