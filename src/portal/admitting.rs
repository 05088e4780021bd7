//! What the last step of a sign-in asks of the directory, and what it leaves behind there.

use super::attempt::Attempt;
use super::page::Trouble;
use super::pending::{SignIn, VerifiedIdentity};
use super::state::Portal;
use crate::directory::{
    Admission, Admitted, Aim, AssertedIdentity, AuditEntry, Refusal, admission, audit, link, organization, sso,
};
use crate::kernel::EmailAddress;
use crate::saml::SamlError;
use crate::store::{StoreError, Tx};

/// Admits whom the IdP vouches for, by the organizations' rules as they are at this moment.
pub async fn admit(
    portal: &Portal,
    tx: &Tx,
    sign_in: &SignIn,
    aim: Aim,
    identity: &VerifiedIdentity,
) -> Result<Result<Admission, SamlError>, Trouble> {
    // Both may have gone, or changed hands, since the answer was verified (R41).
    let settings = tx.get(&sso::SSO_SETTINGS, &sign_in.connection).await?;
    let connection = organization::by_id(tx, sign_in.connection).await?;
    let (Some(settings), Some(connection)) = (settings, connection) else { return Ok(Err(SamlError::SsoOff)) };
    if settings.entity_id != sign_in.idp {
        return Ok(Err(SamlError::IssuerMismatch { expected: settings.entity_id, received: sign_in.idp.clone() }));
    }
    if let Err(changed) = identity.check(&settings) {
        return Ok(Err(changed));
    }
    let asserted = AssertedIdentity {
        idp: &sign_in.idp,
        stable_name_id: identity.stable_name_id.as_deref(),
        email: &identity.email,
        first_name: identity.first_name.as_deref(),
        last_name: identity.last_name.as_deref(),
    };
    let admitted = admission::admit(tx, &*portal.rng, &connection, aim, &asserted).await?;
    Ok(admitted.map_err(|refusal| error(refusal, &identity.email)))
}

/// A refusal of the directory, as the sign-in log tells it.
pub fn error(refusal: Refusal, email: &EmailAddress) -> SamlError {
    let email = email.to_string();
    match refusal {
        Refusal::EmailDomain => SamlError::EmailDomain { email },
        Refusal::AccountConflict => SamlError::AccountConflict { email },
        Refusal::Deactivated => SamlError::AccountDeactivated { email },
        Refusal::Barred => SamlError::Barred { email },
        Refusal::ConnectionRests => SamlError::ConnectionRests,
        Refusal::LinkEnded => SamlError::LinkEnded,
        // The last two are of passwords; by single sign-on they can't be.
        Refusal::NotAMember | Refusal::SsoRequired | Refusal::NoVerifiedDomain => SamlError::NotAMember { email },
    }
}

/// Writes down which organization was entered, and each use of a connection that counts only for a while (D14).
pub async fn note(portal: &Portal, tx: &Tx, attempt: &mut Attempt, admitted: &Admitted) -> Result<(), StoreError> {
    if admitted.organization.id != attempt.organization.id {
        attempt.entered = Some(admitted.organization.clone());
        attempt.check("organization", true, "one that stands open", admitted.organization.slug.as_str());
    }
    let Some(until) = admitted.old_connection else { return Ok(()) };
    let connection = &attempt.organization;
    link::note_old_use(tx, connection.id, &admitted.user.email).await?;
    let entry = AuditEntry::new(tx, admitted.user.email.as_str(), "link.old_connection", &connection.slug)
        .changed("", format!("counts until {until}"))
        .from(&attempt.client);
    audit::append(tx, &*portal.rng, connection.id, &entry)?;
    let slug = &connection.slug;
    tracing::info!(organization = %slug, %until, "a linked organization's old connection was used");
    attempt.check("old connection", true, &format!("within the window, until {until}"), &tx.now().to_string());
    Ok(())
}

/// What somebody reads whom the IdP knows and who is no member.
pub fn whom_to_ask(name: &str) -> String {
    format!(
        "You are signed in at your organization, but have no access here yet. Please ask an owner or administrator of \
         {name} to add you."
    )
}
