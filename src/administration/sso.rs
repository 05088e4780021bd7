//! `sso show | set | certificate add|list|remove | test`

use std::sync::Arc;

use super::Administration;
use super::api::{
    CertificateView, IdpView, MetadataView, SsoCertificateAdd, SsoCertificateList, SsoCertificateRemove, SsoSet,
    SsoShow, SsoTest, SsoTestView, SsoView,
};
use super::connection::{self, Made};
use super::organization::slug_of;
use super::sso_metadata;
use crate::directory::authority::Act;
use crate::directory::sso_refresh::Refresh;
use crate::directory::{
    LoginCheck, Organization, SsoCertificate, SsoConnection, claim, effective, link, organization, sso, sso_refresh,
};
use crate::kernel::{DomainName, Fault, FaultKind, OrgId, Timestamp};
use crate::saml::certificate::parse_certificates;
use crate::saml::{DecryptionKey, Expected, IdentityProvider, SamlError, UnverifiedResponse, keys};
use crate::session::{Scope, records};
use crate::store::{StoreError, Tx};

/// A day, in seconds.
const DAY_SECONDS: i64 = 24 * 3600;

/// A connection as it is told, and what its IdP is to be told.
pub async fn view(
    admin: &Administration,
    tx: &Tx,
    organization: &Organization,
    found: Option<SsoConnection>,
) -> Result<SsoView, StoreError> {
    let (provider, slug) = (&admin.service_provider, &organization.slug);
    let refresh = sso_refresh::find(tx, organization.id).await?;
    Ok(SsoView {
        slug: slug.clone(),
        acs_url: provider.acs_url(slug),
        entity_id: provider.entity_id(slug),
        sign_on_url: format!("{}/.vestibule/sso/{slug}", provider.base_url()),
        idp: found.map(|connection| idp_view(connection, refresh, tx.now())),
        rests_for: None,
    })
}

fn idp_view(connection: SsoConnection, refresh: Option<Refresh>, now: Timestamp) -> IdpView {
    let SsoConnection { settings, certificates } = connection;
    let metadata = settings.metadata_url.zip(refresh).map(|(url, refresh)| MetadataView {
        url,
        read: refresh.read.to_string(),
        next: refresh.next.to_string(),
        failing: refresh.failing.map(|failing| (failing.since.to_string(), failing.why)),
    });
    IdpView {
        issuer: settings.entity_id,
        sign_in_url: settings.sign_in_url,
        binding: settings.sign_in_binding,
        sign_out_url: settings.sign_out_url,
        sign_requests: settings.sign_requests,
        allow_sha1: settings.allow_sha1,
        skew_seconds: settings.skew_seconds,
        require_encryption: settings.require_encryption,
        attributes: settings.attributes,
        certificates: certificate_views(&certificates, now),
        updated: settings.updated.to_string(),
        metadata,
    }
}

fn certificate_views(certificates: &[SsoCertificate], now: Timestamp) -> Vec<CertificateView> {
    let views = certificates.iter().map(|certificate| CertificateView {
        sha256: certificate.sha256.clone(),
        subject: certificate.subject.clone(),
        not_before: certificate.not_before.to_string(),
        not_after: certificate.not_after.to_string(),
        expired: certificate.not_after < now,
        days_left: (certificate.not_after.seconds() - now.seconds()).div_euclid(DAY_SECONDS),
    });
    views.collect()
}

/// The connection of an organization, and what its IdP is to be told.
pub async fn show(admin: Arc<Administration>, call: SsoShow) -> Result<SsoView, Fault> {
    let tx = admin.store.reader();
    let found = organization::by_slug(&tx, &call.slug).await?;
    admin.permit(&tx, Act::Manage(found.id), None).await?;
    let connection = sso::connection(&tx, found.id).await?;
    let mut shown = view(&admin, &tx, &found, connection).await?;
    if let Some(link) = link::find(&tx, found.id).await? {
        shown.rests_for = slug_of(&tx, link.admin).await?;
    }
    Ok(shown)
}

/// Makes a connection, or changes it.
pub async fn set(admin: Arc<Administration>, mut call: SsoSet) -> Result<SsoView, Fault> {
    // Asked before, too: for whoever may not, nothing is read over the net.
    let tx = admin.store.reader();
    let found = organization::by_slug(&tx, &call.slug).await?;
    admin.permit(&tx, Act::Manage(found.id), None).await?;
    sso_metadata::read(&admin, &mut call.source).await?;
    let (admin, call) = (&*admin, &call);
    admin
        .store
        .transaction("sso set", async |tx: Tx| {
            let found = organization::by_slug(&tx, &call.slug).await?;
            admin.permit(&tx, Act::Manage(found.id), None).await?;
            let before = sso::connection(&tx, found.id).await?;
            let after = connection::of(&call.source, &call.options, before.as_ref(), tx.now())?;
            put(admin, &tx, &found, before.as_ref(), &after, "sso.set").await?;
            Ok::<_, Fault>(view(admin, &tx, &found, Some(after.connection)).await?)
        })
        .await
}

/// Writes a connection, and audits what differs as `action`. If it leads to another IdP now, the sessions of the old one
/// end.
pub async fn put(
    admin: &Administration,
    tx: &Tx,
    organization: &Organization,
    before: Option<&SsoConnection>,
    after: &Made,
    action: &str,
) -> Result<(), Fault> {
    let Made { connection: after, said } = after;
    sso::set(tx, organization, after).await?;
    if let Some(said) = said {
        sso_refresh::keep(tx, organization.id, &Refresh::taken(said.clone(), tx.now()))?;
    }
    // Another IdP takes the place of the old one: what the old one vouched for ends with it (D6, R41).
    if before.is_some_and(|before| before.settings.entity_id != after.settings.entity_id) {
        records::revoke(tx, Scope::Connection(organization.id)).await?;
    }
    for difference in connection::differences(&organization.slug, before, after) {
        let text = |value: Option<String>| value.unwrap_or_default();
        let (old, new) = (text(difference.before), text(difference.after));
        admin.audit(tx, organization.id, action, difference.what, old, new)?;
    }
    Ok(())
}

/// Adds certificates of the IdP, of a file in any form (R52).
pub async fn add_certificate(
    admin: Arc<Administration>,
    call: SsoCertificateAdd,
) -> Result<Vec<CertificateView>, Fault> {
    let (admin, call) = (&*admin, &call);
    let read = parse_certificates(&call.certificate.0).map_err(refuse)?;
    let read = &read;
    admin
        .store
        .transaction("certificate add", async |tx: Tx| {
            let found = organization::by_slug(&tx, &call.slug).await?;
            admin.permit(&tx, Act::Manage(found.id), None).await?;
            for certificate in read {
                certificate.usable_for_signing(tx.now()).map_err(refuse)?;
                sso::add_certificate(&tx, &found, &certificate.to_stored(tx.now())).await?;
                admin.audit(&tx, found.id, "sso.certificate.add", &certificate.sha256, "", &certificate.subject)?;
            }
            Ok::<_, Fault>(certificate_views(&sso::certificates(&tx, found.id).await?, tx.now()))
        })
        .await
}

/// What is wrong with a file, as the operator's own mistake.
pub fn refuse(error: impl std::fmt::Display) -> Fault {
    Fault::plain(FaultKind::Invalid, format!("{error}"))
}

/// The certificates of the IdP.
pub async fn list_certificates(
    admin: Arc<Administration>,
    call: SsoCertificateList,
) -> Result<Vec<CertificateView>, Fault> {
    let tx = admin.store.reader();
    let found = organization::by_slug(&tx, &call.slug).await?;
    admin.permit(&tx, Act::Manage(found.id), None).await?;
    Ok(certificate_views(&sso::certificates(&tx, found.id).await?, tx.now()))
}

/// Removes a certificate, by the beginning of its fingerprint.
pub async fn remove_certificate(
    admin: Arc<Administration>,
    call: SsoCertificateRemove,
) -> Result<Vec<CertificateView>, Fault> {
    let (admin, call) = (&*admin, &call);
    let typed = &call.sha256.replace(':', "").to_ascii_lowercase();
    admin
        .store
        .transaction("certificate remove", async |tx: Tx| {
            let found = organization::by_slug(&tx, &call.slug).await?;
            admin.permit(&tx, Act::Manage(found.id), None).await?;
            let held = sso::certificates(&tx, found.id).await?;
            let mut meant = held.iter().filter(|held| held.sha256.starts_with(typed.as_str()));
            let sha256 = match (meant.next(), meant.next()) {
                (Some(one), None) => one.sha256.clone(),
                (Some(_), Some(_)) => {
                    return Err(refuse(format!("several certificates begin with {typed}: type more of it")));
                }
                _ => typed.clone(),
            };
            let gone = sso::remove_certificate(&tx, &found, &sha256).await?;
            admin.audit(&tx, found.id, "sso.certificate.remove", &gone.sha256, &gone.subject, "")?;
            Ok::<_, Fault>(certificate_views(&sso::certificates(&tx, found.id).await?, tx.now()))
        })
        .await
}

/// Holds a response against the connection: nobody is signed in, nothing changes.
pub async fn test(admin: Arc<Administration>, call: SsoTest) -> Result<SsoTestView, Fault> {
    let tx = admin.store.reader();
    let found = organization::by_slug(&tx, &call.slug).await?;
    admin.permit(&tx, Act::Manage(found.id), None).await?;
    let missing = || crate::directory::DirectoryError::NoSso(found.slug.clone());
    let connection = sso::connection(&tx, found.id).await?.ok_or_else(missing)?;
    let provider = IdentityProvider::new(&connection).map_err(|error| refuse(error.fix()))?;
    let message = message(&call.response.0).map_err(|error| refuse(error.fix()))?;
    let mut decryption_keys = Vec::new();
    for held in keys::all(&tx).await? {
        let key = DecryptionKey::from_pkcs8_der(held.key.pkcs8().expose());
        decryption_keys.push(key.map_err(|error| Fault::internal(format!("a SAML key: {error}")))?);
    }
    let unsolicited = effective::of_organization(&tx, found.clone()).await?.rules.idp_initiated;
    // Nothing is pending: the message's own claim stands in for the request.
    let claimed = message.peek().and_then(|peek| peek.in_response_to);
    let verdict = message.verify(
        &Expected {
            connection: &provider,
            entity_id: &admin.service_provider.entity_id(&found.slug),
            acs_url: &admin.service_provider.acs_url(&found.slug),
            in_response_to: claimed.as_deref(),
            unsolicited,
            decryption_keys: &decryption_keys,
        },
        call.at.unwrap_or(tx.now()),
    );
    let checks = verdict.checks.into_iter().map(|check| LoginCheck {
        name: check.name.as_str().to_owned(),
        passed: check.passed,
        expected: check.expected,
        received: check.received,
    });
    let mut view = SsoTestView { checks: checks.collect(), email: None, refused: None, fix: None };
    match verdict.outcome {
        Ok(assertion) => {
            let domain = assertion.email().domain();
            let ours = holds(&tx, found.id, &domain).await?;
            view.checks.push(LoginCheck {
                name: "verified domain".to_owned(),
                passed: ours,
                expected: format!("a verified domain of {}", found.slug),
                received: domain.to_string(),
            });
            if ours {
                view.email = Some(assertion.email().clone());
            } else {
                view.refused = Some("email_domain".to_owned());
                let slug = &found.slug;
                view.fix = Some(format!(
                    "{domain} is not verified for {slug}: `vestibule domain claim {slug} {domain} --trusted`"
                ));
            }
        }
        Err(error) => {
            view.refused = Some(error.code().to_owned());
            view.fix = Some(error.fix().replace("{slug}", found.slug.as_str()));
        }
    }
    Ok(view)
}

async fn holds(tx: &Tx, organization: OrgId, domain: &DomainName) -> Result<bool, StoreError> {
    Ok(claim::holder(tx, domain).await?.is_some_and(|holder| holder.id == organization))
}

/// The message in a file: XML, base64, or a form body with a field `SAMLResponse`.
fn message(bytes: &[u8]) -> Result<UnverifiedResponse, SamlError> {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.starts_with('<') {
        return Ok(UnverifiedResponse::from_xml(text.as_bytes()));
    }
    let field = url::form_urlencoded::parse(text.as_bytes()).find(|(name, _)| name == "SAMLResponse");
    let field = field.map_or_else(|| text.to_owned(), |(_, value)| value.into_owned());
    UnverifiedResponse::from_form_field(&field)
}
