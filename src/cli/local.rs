//! Verbs that need no server, or more than one question to it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::output::facts;
use super::text::{count, word};
use super::{Context, Failure};
use crate::config::read_bytes;
use crate::kernel::{Clock as _, SystemClock};
use crate::saml::certificate::{Certificate, parse_certificates};
use crate::saml::metadata::{IdpMetadata, MetadataSignature};

/// How long a health check waits.
const HEALTH_PATIENCE: Duration = Duration::from_secs(3);

/// A runtime for one question.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let built = tokio::runtime::Builder::new_current_thread().enable_all().build();
    built.map_err(|error| Failure(format!("can't start: {error}")))
}

/// Asks the ops listener whether the server is ready.
pub(super) fn health(context: &Context) -> Result<(), Failure> {
    let address = context.load()?.config.listen.ops;
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect_timeout(&reachable(address), HEALTH_PATIENCE)?;
        stream.set_read_timeout(Some(HEALTH_PATIENCE))?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.take(64 * 1024).read_to_string(&mut answer)?;
        Ok(answer)
    };
    let answer =
        ask().map_err(|_| Failure(format!("no server answers at {address}: start it with `vestibule serve`")))?;
    let body = answer.split("\r\n\r\n").nth(1).unwrap_or_default().trim().to_owned();
    if !answer.starts_with("HTTP/1.1 200") {
        return Err(Failure(format!("the server is not ready: {body}")));
    }
    context.show(&json!({ "ready": true }), |_| "ready".to_owned());
    Ok(())
}

/// Where to reach what listens at `address`.
fn reachable(mut address: std::net::SocketAddr) -> std::net::SocketAddr {
    if address.ip().is_unspecified() {
        let loopback = if address.is_ipv4() {
            std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST)
        } else {
            std::net::IpAddr::V6(std::net::Ipv6Addr::LOCALHOST)
        };
        address.set_ip(loopback);
    }
    address
}

/// Says what a certificate file is; exit code 1 if it can't be used.
pub(super) fn check_certificate(context: &Context, file: &Path) -> Result<(), Failure> {
    let named = |text: String| Failure(format!("{}: {text}", file.display()));
    let found = parse_certificates(&read_bytes(file)?).map_err(|error| named(error.to_string()))?;
    let now = SystemClock.now();
    let problems: Vec<String> =
        found.iter().filter_map(|one| one.usable_for_signing(now).err()).map(|error| error.to_string()).collect();
    let answer =
        json!({ "certificates": found.iter().map(certificate_json).collect::<Vec<_>>(), "problems": problems });
    context.show(&answer, |_| found.iter().map(certificate_text).collect::<Vec<_>>().join("\n\n"));
    match problems.into_iter().next() {
        Some(problem) => Err(named(problem)),
        None => Ok(()),
    }
}

fn certificate_json(certificate: &Certificate) -> serde_json::Value {
    json!({
        "sha256": certificate.sha256,
        "subject": certificate.subject,
        "issuer": certificate.issuer,
        "not_before": certificate.not_before.to_string(),
        "not_after": certificate.not_after.to_string(),
        "key": certificate.key.to_string(),
    })
}

fn certificate_text(certificate: &Certificate) -> String {
    facts(&[
        ("subject", certificate.subject.clone()),
        ("issuer", certificate.issuer.clone()),
        ("valid from", certificate.not_before.to_string()),
        ("valid until", certificate.not_after.to_string()),
        ("key", certificate.key.to_string()),
        ("SHA-256", certificate.sha256.clone()),
    ])
}

/// Says what a metadata file holds; exit code 1 if it can't be used.
pub(super) fn check_metadata(context: &Context, file: &Path) -> Result<(), Failure> {
    let named = |text: String| Failure(format!("{}: {text}", file.display()));
    let now = SystemClock.now();
    let found = IdpMetadata::parse(&read_bytes(file)?, now).map_err(|error| named(error.to_string()))?;
    let answer = json!({
        "issuer": found.entity_id,
        "sign_in_url": found.sign_in.url,
        "binding": word(&found.sign_in.binding),
        "sign_out_url": found.sign_out.as_ref().map(|endpoint| &endpoint.url),
        "sign_requests": found.want_authn_requests_signed,
        "valid_until": found.valid_until.map(|until| until.to_string()),
        "certificates": found.certificates.iter().map(certificate_json).collect::<Vec<_>>(),
    });
    context.show(&answer, |_| metadata_text(&found));
    found.into_settings(now).map(|_| ()).map_err(|error| named(error.to_string()))
}

fn metadata_text(found: &IdpMetadata) -> String {
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "none".to_owned());
    let signature = match found.signature {
        MetadataSignature::Absent => "none",
        MetadataSignature::Intact => "intact: the file is as it was signed",
        MetadataSignature::Unchecked => "of a form that is not checked",
    };
    let head = facts(&[
        ("issuer", found.entity_id.clone()),
        ("sign-in URL", found.sign_in.url.clone()),
        ("binding", word(&found.sign_in.binding)),
        ("sign-out URL", or_none(found.sign_out.as_ref().map(|endpoint| endpoint.url.clone()))),
        ("wants signed requests", if found.want_authn_requests_signed { "yes" } else { "no" }.to_owned()),
        ("valid until", or_none(found.valid_until.map(|until| until.to_string()))),
        ("signature", signature.to_owned()),
        ("certificates", count(found.certificates.len(), "certificate")),
    ]);
    let certificates = found.certificates.iter().map(certificate_text);
    std::iter::once(head).chain(certificates).collect::<Vec<_>>().join("\n\n")
}
