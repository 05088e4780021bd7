//! The identity provider's certificates: how long each is valid, the next one beside the present one, the old one out.

use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use http::StatusCode;

use super::{PAGE, handed_in};
use crate::administration::api::{
    CertificateView, FileBytes, SsoCertificateAdd, SsoCertificateList, SsoCertificateRemove,
};
use crate::administration::sso;
use crate::console::shell::{Shell, html, wrong_file};
use crate::console::{Door, Posted};
use crate::kernel::Fault;
use crate::web::form::query_value;
use crate::web::page::Trouble;

/// The page's address, behind the organization's.
const HERE: &str = "sso/certificates";
/// With fewer days left than this, a certificate is marked.
const SOON_DAYS: i64 = 30;

#[derive(Template)]
#[template(path = "console/sso/certificates.html")]
struct CertificatesPage {
    shell: Shell,
    certificates: Vec<CertificateView>,
    pasted: String,
}

impl CertificatesPage {
    /// The last one can't go (R18).
    const fn may_remove(&self) -> bool {
        self.certificates.len() > 1
    }
}

/// Whether a certificate ends soon.
const fn is_soon(certificate: &CertificateView) -> bool {
    certificate.days_left < SOON_DAYS
}

/// The beginning of a certificate's fingerprint.
fn short(certificate: &CertificateView) -> &str {
    certificate.sha256.get(..16).unwrap_or(&certificate.sha256)
}

/// A day, of a moment in RFC 3339.
fn day(moment: &str) -> &str {
    moment.split('T').next().unwrap_or_default()
}

async fn page(
    door: &Door,
    status: StatusCode,
    change: impl FnOnce(&mut Shell),
    pasted: String,
) -> Result<Response, Trouble> {
    let call = SsoCertificateList { slug: door.organization.slug.clone() };
    let mut certificates = sso::list_certificates(door.admin.clone(), call).await?;
    certificates.sort_by(|one, two| one.not_after.cmp(&two.not_after));
    let mut shell = door.shell(PAGE);
    change(&mut shell);
    Ok(html(status, &CertificatesPage { shell, certificates, pasted }))
}

/// `GET /.vestibule/console/o/{slug}/sso/certificates`.
///
/// # Errors
/// Not theirs to see.
pub async fn show(door: Door, RawQuery(query): RawQuery) -> Result<Response, Trouble> {
    let done = match query_value(query.as_deref(), "done").as_deref() {
        Some("added") => Some("Added: from now on what it signed is taken, too."),
        Some("removed") => Some("Removed: what it signed is not taken any more."),
        _ => None,
    };
    page(&door, StatusCode::OK, |shell| shell.done = done, String::new()).await
}

/// `POST /.vestibule/console/o/{slug}/sso/certificates` with `file` or `certificate`.
///
/// # Errors
/// Not theirs to change; each wrong file has its own answer on the page (R53).
pub async fn add(Posted { door, form }: Posted) -> Result<Response, Trouble> {
    let certificate = FileBytes(handed_in(&form, "file", "certificate"));
    let call = SsoCertificateAdd { slug: door.organization.slug.clone(), certificate };
    let pasted = form.get("certificate").unwrap_or_default().to_owned();
    answer(&door, sso::add_certificate(door.admin.clone(), call).await, "added", pasted).await
}

/// `POST /.vestibule/console/o/{slug}/sso/certificates/remove` with `sha256`.
///
/// # Errors
/// Not theirs to change; it is the last one.
pub async fn remove(Posted { door, form }: Posted) -> Result<Response, Trouble> {
    let sha256 = form.get("sha256").unwrap_or_default().to_owned();
    let call = SsoCertificateRemove { slug: door.organization.slug.clone(), sha256 };
    answer(&door, sso::remove_certificate(door.admin.clone(), call).await, "removed", String::new()).await
}

async fn answer(
    door: &Door,
    came: Result<Vec<CertificateView>, Fault>,
    done: &str,
    pasted: String,
) -> Result<Response, Trouble> {
    match came {
        Ok(_) => Ok(door.back(HERE, done)),
        Err(fault) => {
            let (status, problem) = wrong_file(fault)?;
            page(door, status, |shell| shell.problem = Some(problem), pasted).await
        }
    }
}
