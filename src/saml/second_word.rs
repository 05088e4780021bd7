//! The second word: what the verifier accepted goes, the same bytes, through libxmlsec1, and must say the same. It may
//! only refuse; nothing that it reads is used (R1).
//!
//! Only documents whose signature already held get here, so that libxml2 sees nothing that a stranger wrote.

use super::document::Tree;
use super::error::SamlError;
use super::identity::Subject;
use super::provider::{IdentityProvider, TrustedKey};

/// What the first verifier accepted.
pub(super) struct Accepted<'m, 'a> {
    /// The Response.
    pub(super) outer: Signed<'m, 'a>,
    /// The decrypted assertion, if it came encrypted.
    pub(super) decrypted: Option<Signed<'m, 'a>>,
    /// Whom the first verifier read.
    pub(super) subject: &'m Subject,
}

/// A document and the keys under which its signatures held; none, if it has no signature.
pub(super) struct Signed<'m, 'a> {
    pub(super) tree: &'m Tree<'a>,
    pub(super) keys: &'m [&'m TrustedKey],
}

/// Asks the second verifier.
#[cfg(feature = "second-word")]
pub(super) fn confirm(accepted: &Accepted<'_, '_>, idp: &IdentityProvider) -> Result<((), String), SamlError> {
    let asked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| libxmlsec::confirm(accepted, idp)));
    let outcome = asked.unwrap_or(Err("the second verifier stopped"));
    outcome.map(|()| ((), "confirmed by libxmlsec1".to_owned())).map_err(|reason| {
        metrics::counter!("vestibule_saml_verifiers_disagree_total").increment(1);
        tracing::error!(
            idp = %idp.settings().entity_id,
            assertion = %super::error::shown(&accepted.subject.assertion_id),
            reason,
            "the two SAML verifiers disagree; the sign-in was refused"
        );
        SamlError::Disagreement(reason.to_owned())
    })
}

/// Without the second verifier, nothing is refused.
#[cfg(not(feature = "second-word"))]
#[expect(clippy::unnecessary_wraps, reason = "the same signature as with the second verifier")]
pub(super) fn confirm(accepted: &Accepted<'_, '_>, _idp: &IdentityProvider) -> Result<((), String), SamlError> {
    let Accepted { outer: Signed { tree, keys }, decrypted, subject } = accepted;
    let _ = (tree, keys, decrypted, subject);
    Ok(((), "this build has none".to_owned()))
}

#[cfg(feature = "second-word")]
mod libxmlsec {
    use samael::crypto::{AllowedSignatureAlgorithm, CertificateDer, Crypto, CryptoProvider as _, ReduceMode};
    use uppsala::NodeId;

    use super::{Accepted, Signed};
    use crate::saml::document::{ASSERTION, PROTOCOL, Tree, parse};
    use crate::saml::identity::{Subject, read};
    use crate::saml::provider::IdentityProvider;

    const ALLOWED: [AllowedSignatureAlgorithm; 5] = [
        AllowedSignatureAlgorithm::RsaSha256,
        AllowedSignatureAlgorithm::RsaSha384,
        AllowedSignatureAlgorithm::RsaSha512,
        AllowedSignatureAlgorithm::EcdsaSha256,
        AllowedSignatureAlgorithm::EcdsaSha384,
    ];

    pub(super) fn confirm(accepted: &Accepted<'_, '_>, idp: &IdentityProvider) -> Result<(), &'static str> {
        let Accepted { outer, decrypted, subject } = accepted;
        if !outer.keys.is_empty() {
            let reduced = reduce(outer, idp)?;
            let tree = parse(reduced.as_bytes()).map_err(|_| "what it covers can't be read")?;
            match decrypted {
                None => same_subject(&tree, assertion_of(&tree)?, subject)?,
                Some(_) => same_response(&tree, outer.tree)?,
            }
        }
        match decrypted {
            Some(inner) if !inner.keys.is_empty() => {
                let reduced = reduce(inner, idp)?;
                let tree = parse(reduced.as_bytes()).map_err(|_| "what it covers can't be read")?;
                same_subject(&tree, assertion_of(&tree)?, subject)
            }
            _ if outer.keys.is_empty() => Err("nothing is signed"),
            _ => Ok(()),
        }
    }

    /// The canonical bytes that libxmlsec1 itself digested. It is given the certificates whose keys verified, and no
    /// other: it stops at the first key of another kind.
    fn reduce(signed: &Signed<'_, '_>, idp: &IdentityProvider) -> Result<String, &'static str> {
        let mut certificates: Vec<CertificateDer> = Vec::new();
        for key in signed.keys {
            let certificate = CertificateDer::from(key.certificate.clone());
            if !certificates.contains(&certificate) {
                certificates.push(certificate);
            }
        }
        // SHA-1 has no name in its list: where a connection allows it, the first verifier's list alone decides.
        let allowed = (!idp.settings().allow_sha1).then_some(ALLOWED.as_slice());
        let (source, mode) = (signed.tree.source, ReduceMode::PreDigest);
        Crypto::reduce_xml_to_signed_with_allowed_algorithms(source, &certificates, mode, allowed)
            .map_err(|_| "the signature does not verify there")
    }

    /// The assertion in what was covered: it is the root, or the only one right under a Response.
    fn assertion_of(tree: &Tree<'_>) -> Result<NodeId, &'static str> {
        if tree.is(tree.root, ASSERTION, "Assertion") {
            return Ok(tree.root);
        }
        let found = tree.only(tree.root, ASSERTION, "Assertion").ok().flatten();
        found.filter(|_| tree.is(tree.root, PROTOCOL, "Response")).ok_or("it covers no assertion")
    }

    fn same_subject(tree: &Tree<'_>, node: NodeId, expected: &Subject) -> Result<(), &'static str> {
        match read(tree, node) {
            Ok(subject) if subject == *expected => Ok(()),
            _ => Err("it reads another subject"),
        }
    }

    fn same_response(tree: &Tree<'_>, outer: &Tree<'_>) -> Result<(), &'static str> {
        let same = |name| tree.attribute(tree.root, name) == outer.attribute(outer.root, name);
        if tree.is(tree.root, PROTOCOL, "Response") && same("ID") && same("InResponseTo") && same("Destination") {
            return Ok(());
        }
        Err("it covers another response")
    }
}
