//! `sso show`, as text: the values to type, in the words that each product's form uses.

use super::output::{facts, table};
use super::text::{count, word};
use crate::administration::api::{CertificateView, IdpView, MetadataView, Product, SsoView, products};

/// How much of a certificate's SHA-256 is shown: enough to name it.
const SHOWN_DIGITS: usize = 16;

/// What to type at the IdP, and what is set of it.
pub fn show(view: &SsoView) -> String {
    let head = format!("Type these at the identity provider of {}:", view.slug);
    let mut parts = vec![head];
    if let Some(admin) = &view.rests_for {
        let slug = &view.slug;
        parts.insert(
            0,
            format!("{slug} is linked to {admin}, whose single sign-on counts; this one is kept, and rests."),
        );
    }
    for Product { name, fields, .. } in products(view) {
        let fields: Vec<_> = fields.into_iter().map(|field| (field.name, field.value)).collect();
        parts.push(format!("{name}\n{}", indent(&facts(&fields))));
    }
    parts.push(format!("Others read the metadata at\n  {}", view.entity_id));
    parts.push(
        "Name ID format: persistent, or e-mail address. Attributes: email; firstName and lastName if you like."
            .to_owned(),
    );
    parts.push(match &view.idp {
        None => format!("Then take its metadata: vestibule sso set {} --metadata FILE|URL", view.slug),
        Some(idp) => format!("Set of the identity provider:\n{}", indent(&idp_text(idp))),
    });
    parts.join("\n\n")
}

/// What was set, and what comes next.
pub fn set(view: &SsoView) -> String {
    let slug = &view.slug;
    let Some(idp) = &view.idp else {
        return format!("{slug} has no single sign-on.");
    };
    let last = idp.certificates.iter().map(|certificate| certificate.not_after.as_str()).max().unwrap_or_default();
    let held = count(idp.certificates.len(), "certificate");
    format!(
        "{slug} signs in at {} now ({held}, until {}).\nNext: vestibule explain SOMEBODY@DOMAIN says whether they get in; \
         vestibule sso show {slug} shows every setting.",
        idp.issuer,
        last.split('T').next().unwrap_or_default()
    )
}

/// What became of the metadata's address.
pub fn refreshed(view: &SsoView) -> String {
    let slug = &view.slug;
    match view.idp.as_ref().map(|idp| (idp, idp.metadata.as_ref())) {
        Some((idp, Some(metadata))) => {
            let held = count(idp.certificates.len(), "certificate");
            format!("{slug} follows {} ({held}); it is read again on {}.", metadata.url, metadata.next)
        }
        _ => format!("{slug} reads its metadata at no address any more; what is set stays."),
    }
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("  {line}").trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

fn idp_text(idp: &IdpView) -> String {
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".to_owned());
    let mapping = &idp.attributes;
    let attribute = |name: &Option<String>| name.clone().unwrap_or_else(|| "the usual names".to_owned());
    let pairs = facts(&[
        ("issuer", idp.issuer.clone()),
        ("sign-in URL", idp.sign_in_url.clone()),
        ("binding", word(&idp.binding)),
        ("sign-out URL", or_none(&idp.sign_out_url)),
        ("requests signed", idp.sign_requests.to_string()),
        ("encryption required", idp.require_encryption.to_string()),
        ("SHA-1 allowed", idp.allow_sha1.to_string()),
        ("clock skew", format!("{}s", idp.skew_seconds)),
        ("e-mail attribute", attribute(&mapping.email)),
        ("first name attribute", attribute(&mapping.first_name)),
        ("last name attribute", attribute(&mapping.last_name)),
        ("updated", idp.updated.clone()),
        ("metadata", idp.metadata.as_ref().map_or_else(|| "set once, from a file or by hand".to_owned(), followed)),
    ]);
    format!("{pairs}\n\n{}", certificates(&idp.certificates))
}

/// How metadata at its address does.
fn followed(metadata: &MetadataView) -> String {
    let MetadataView { url, read, next, failing } = metadata;
    let told = format!("{url}, last read {read}, next {next}");
    match failing {
        Some((since, why)) => format!("{told}; can't be followed since {since}: {why}"),
        None => told,
    }
}

/// Certificates as a table.
pub fn certificates(found: &[CertificateView]) -> String {
    let row = |certificate: &CertificateView| {
        let note = if certificate.expired { " (over: still verifies, ask for the next one)" } else { "" };
        [
            certificate.sha256.chars().take(SHOWN_DIGITS).collect(),
            certificate.subject.clone(),
            format!("{}{note}", certificate.not_after),
        ]
    };
    let rows: Vec<_> = found.iter().map(row).collect();
    table(["SHA-256", "SUBJECT", "UNTIL"], &rows, "No certificates: single sign-on is off.")
}
