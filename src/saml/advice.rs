//! What an administrator should do about a refused sign-in: section H's words, filled with what was expected and received.
//! They have the console, and no command line: commands are added where the operator reads it.

use std::time::Duration;

use super::error::SamlError;
use crate::kernel::Timestamp;

impl SamlError {
    /// What is wrong and what to change, for the organization's administrator. Names menus of the common IdPs.
    pub fn fix(&self) -> String {
        match self {
            SamlError::SignatureInvalid { reason, message_certificate, configured } => {
                signature(reason, message_certificate.as_ref(), configured)
            }
            SamlError::NotSigned => "Neither Response nor Assertion is signed. Okta: Assertion Signature = Signed; \
                                     Google: tick Signed response or leave the default."
                .into(),
            SamlError::AlgorithmNotAllowed { what, received } => algorithm(what, received),
            SamlError::AudienceMismatch { expected, received } => format!(
                "The message is for {received}, we are {expected}. Correct it at the IdP (Entra: Identifier; Okta: Audience \
                 URI; Google: Entity ID)."
            ),
            SamlError::RecipientMismatch { expected, received }
            | SamlError::DestinationMismatch { expected, received } => format!(
                "Sent for {received}, our ACS is {expected}. Correct it at the IdP (Entra: Reply URL; Okta: Single sign on \
                 URL; Google: ACS URL). If ours is not how people reach this site, whoever runs it corrects public_url."
            ),
            SamlError::IssuerMismatch { expected, received } => issuer(expected, received),
            SamlError::Expired { what, at, now } => format!(
                "{what} ended at {at}, our time is {now}: off by {}. Check the clock of the IdP and of this server.",
                spell(now.since(*at))
            ),
            SamlError::NotYetValid { what, at, now } => format!(
                "{what} begins at {at}, our time is {now}: off by {}. Check the clock of the IdP and of this server.",
                spell(at.since(*now))
            ),
            SamlError::InResponseToUnknown { received } => format!(
                "The answer is to request {received}, which is not pending in this browser: the sign-in was started \
                 elsewhere, its cookie was lost (http and https mixed, another host name, blocked cookies), it took over \
                 10 minutes, or the page was sent again. Start the sign-in again."
            ),
            SamlError::Replayed => "This message was already used. Start the sign-in again.".into(),
            SamlError::Unsolicited => "IdP-initiated sign-in is off: let the IdP's tile open this organization's \
                                       sign-on URL (/.vestibule/sso/{slug}) instead of sending an answer by itself. Or \
                                       allow it: in the console, under Single sign-on, Who gets in."
                .into(),
            SamlError::StatusNotSuccess { code, detail, message } => status(code, detail, message),
            SamlError::EmailMissing { .. }
            | SamlError::EmailAmbiguous { .. }
            | SamlError::EmailInvalid { .. }
            | SamlError::EmailDomain { .. }
            | SamlError::AccountConflict { .. }
            | SamlError::AccountDeactivated { .. }
            | SamlError::Barred { .. }
            | SamlError::NotAMember { .. } => self.fix_person(),
            _ => self.fix_message(),
        }
    }

    /// About the person whom the message names.
    fn fix_person(&self) -> String {
        match self {
            SamlError::EmailMissing { received } => email_missing(received),
            SamlError::EmailAmbiguous { attribute } => format!(
                "More than one e-mail address came in {attribute}. Send exactly one value, or map the attribute that \
                 holds it."
            ),
            SamlError::EmailInvalid { received } => format!(
                "`{received}` is not one plain e-mail address. Map the attribute that holds it, or correct the person's \
                 record at the IdP."
            ),
            SamlError::EmailDomain { email } => format!(
                "{email}: the domain is not claimed by this organization. Claim and verify it, or correct the address at \
                 the IdP. Domains must match exactly: a subdomain is a domain of its own."
            ),
            SamlError::AccountConflict { email } => format!(
                "The identity was linked to another account before, and {email} belongs to a different one. Remove or \
                 rename one of the two accounts."
            ),
            SamlError::AccountDeactivated { email } => format!(
                "Activate the account of {email} to let them in again: in the console, on their page under Members."
            ),
            SamlError::NotAMember { email } => {
                format!(
                    "{email} is known to the IdP but is no member here. Add them in the console, under Members, or let the IdP \
                     manage access: under Single sign-on, Who gets in."
                )
            }
            SamlError::Barred { email } => format!(
                "Provisioning deleted or deactivated {email}. Provision them again, or invite them in the console, under Members."
            ),
            _ => self.to_string(),
        }
    }

    /// About the message's make.
    fn fix_message(&self) -> String {
        match self {
            SamlError::DecryptFailed(reason) => format!(
                "The assertion is encrypted to another key (is the metadata at the IdP out of date?) or with an algorithm \
                 that is not allowed: {reason}. Allowed: AES-128 or AES-256, GCM or CBC, under RSA-OAEP."
            ),
            SamlError::NotEncrypted => "This connection demands encrypted assertions. Turn on assertion encryption at \
                                        the IdP with our metadata, or turn the demand off."
                .into(),
            SamlError::SubjectConfirmation(reason) => format!(
                "The assertion has no bearer confirmation that fits: {reason}. The IdP must use the Web Browser SSO profile."
            ),
            SamlError::ConditionUnknown(name) => {
                format!("The assertion carries the condition {name}, which is not known here. Remove it at the IdP.")
            }
            SamlError::Disagreement(reason) => format!(
                "Two verifiers read this message differently ({reason}), so it was refused. This is no ordinary mistake: \
                 keep the message and report it."
            ),
            SamlError::Doctype(what) => {
                format!("The message holds {what}, which no IdP needs: something on the way changed it.")
            }
            SamlError::TooLarge { what, limit } => format!(
                "The message is too large ({what}, at most {limit}). Often the IdP sends all groups of a person: send only \
                 the ones that are needed."
            ),
            SamlError::Malformed(reason) => format!("The message can't be read: {reason}. Send it unchanged, by POST."),
            SamlError::Structure(reason) => format!(
                "The message is not a SAML 2.0 response with one assertion: {reason}. If the IdP made it like this, \
                 change its template."
            ),
            SamlError::WrongBinding(reason) => {
                format!("The answer must come as a form POST to the ACS ({reason}). Choose HTTP-POST at the IdP.")
            }
            SamlError::ConnectionRests => {
                "{slug} is linked to an Admin organization, whose single sign-on counts now. Have the person start at the \
                 sign-in page or at the Admin organization's tile. An owner brings this connection back by ending the link, in the \
                 console, under Shared SSO."
                    .into()
            }
            SamlError::LinkEnded => {
                "The organization left this Admin organization while the person signed in. Its own sign-on URL leads to \
                 the single sign-on that counts now."
                    .into()
            }
            SamlError::SsoOff => "Set up the connection with the IdP's metadata or certificate.".into(),
            SamlError::Configuration(reason) => format!("The connection can't be used: {reason}"),
            _ => self.to_string(),
        }
    }
}

fn signature(reason: &str, message: Option<&(String, Timestamp)>, configured: &[String]) -> String {
    let ours = configured.join(", ");
    match message {
        Some((sha256, _)) if configured.contains(sha256) => format!(
            "{reason}. The certificate in the message, SHA-256 {sha256}, is configured: the message was changed after it \
             was signed, or not signed with that key."
        ),
        Some((sha256, until)) => format!(
            "Signed with a key we do not have. Certificate in the message: SHA-256 {sha256} (until {until}); configured: \
             {ours}. Rolled over? Upload it."
        ),
        None => format!("{reason}. The message carries no certificate to compare; configured: {ours}."),
    }
}

fn algorithm(what: &str, received: &str) -> String {
    if received.contains("sha1") {
        return format!(
            "SHA-1 is off ({what}: {received}). In AD FS: Secure hash algorithm SHA-256; OneLogin: SAML Signature \
             Algorithm SHA-256."
        );
    }
    format!(
        "The {what} algorithm `{received}` is not allowed. Choose RSA-SHA256 with SHA-256 and exclusive canonicalization at \
         the IdP."
    )
}

fn issuer(expected: &str, received: &str) -> String {
    let same = |text: &str| {
        let bare = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or(text);
        bare.trim_end_matches('/').to_owned()
    };
    let hint = if same(expected) == same(received) {
        " They differ only in a trailing slash or in http and https: copy it exactly."
    } else if received.contains("sts.windows.net") {
        " The message names the tenant's identifier: configure that one, not the sign-in URL."
    } else {
        ""
    };
    format!("Issuer {received}, configured {expected}.{hint}")
}

fn status(code: &str, detail: &str, message: &str) -> String {
    let last = |uri: &str| uri.rsplit(':').next().unwrap_or(uri).to_owned();
    let words = match last(detail).as_str() {
        "NoAuthnContext" => {
            "The IdP can't meet the requested authentication context (Entra: AADSTS75011): request none, or the one it uses."
        }
        "RequestDenied" => "The IdP denied the request: is the person assigned to the application?",
        "InvalidNameIDPolicy" => "The IdP can't give the requested NameID format: request none.",
        "NoPassive" => "The IdP would have had to ask the person, and was told not to.",
        _ => {
            "They declined, or the IdP refused them: let them try again; if it stays, look into the IdP's own log at this \
             time."
        }
    };
    let said = if message.is_empty() { String::new() } else { format!(" It said: {message}") };
    let status = [last(code), last(detail)].join(" ");
    format!("{words} Status {}.{said}", status.trim_end())
}

fn email_missing(received: &[String]) -> String {
    if received.is_empty() {
        return "No attributes came at all. Send the person's e-mail address as an attribute named `email`.".into();
    }
    let alike = received.iter().find(|name| name.to_ascii_lowercase().contains("mail"));
    let hint = match alike {
        Some(name) => format!("`{name}` looks like it: clear Namespace in Entra, or map it."),
        None => "Send the person's e-mail address as an attribute named `email`, or map the one that holds it.".into(),
    };
    format!("No e-mail address. Attributes received: {}. {hint}", received.join(", "))
}

/// A time span for people: `7 min 12 s`.
fn spell(span: Duration) -> String {
    let seconds = span.as_secs();
    match (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0, s) => format!("{s} s"),
        (0, 0, m, s) => format!("{m} min {s} s"),
        (0, h, m, _) => format!("{h} h {m} min"),
        (d, h, ..) => format!("{d} days {h} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixes(error: &SamlError, wanted: &str) {
        let fix = error.fix();
        assert!(fix.contains(wanted), "{fix}");
    }

    #[test]
    fn no_fix_names_a_command() {
        let (text, _) = include_str!("advice.rs").split_once("#[cfg(test)]").unwrap();
        assert!(!text.contains("`vestibule") && text.contains("in the console"));
    }

    #[test]
    fn the_fix_names_what_was_expected_and_received() {
        let (at, now) = (Timestamp::from_seconds(0), Timestamp::from_seconds(432));
        fixes(&SamlError::Expired { what: "The assertion", at, now }, "off by 7 min 12 s");
        fixes(&SamlError::NotYetValid { what: "The assertion", at: now, now: at }, "off by 7 min 12 s");
        let (expected, received) = ("https://idp.example".to_owned(), "https://idp.example/".to_owned());
        fixes(&SamlError::IssuerMismatch { expected, received }, "trailing slash");
        let received = vec!["http://schemas.example/emailaddress".to_owned()];
        fixes(&SamlError::EmailMissing { received }, "`http://schemas.example/emailaddress` looks like it");
        let (what, received) = ("signature", "http://www.w3.org/2000/09/xmldsig#rsa-sha1".to_owned());
        fixes(&SamlError::AlgorithmNotAllowed { what, received }, "SHA-1 is off");
        let unknown = SamlError::SignatureInvalid {
            reason: "no configured key fits",
            message_certificate: Some(("aa".into(), at)),
            configured: vec!["bb".into()],
        };
        fixes(&unknown, "Certificate in the message: SHA-256 aa (until 1970-01-01T00:00:00Z); configured: bb");
        let denied = SamlError::StatusNotSuccess {
            code: "urn:oasis:names:tc:SAML:2.0:status:Responder".into(),
            detail: "urn:oasis:names:tc:SAML:2.0:status:NoAuthnContext".into(),
            message: "sorry".into(),
        };
        fixes(&denied, "AADSTS75011");
    }
}
