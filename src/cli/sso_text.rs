//! `sso show`, as text: the values to type, in the words that each product's form uses.

use super::output::{facts, table};
use super::text::word;
use crate::admin::api::{CertificateView, IdpView, SsoView};

/// How much of a certificate's SHA-256 is shown: enough to name it.
const SHOWN_DIGITS: usize = 16;

/// What to type at the IdP, and what is set of it.
pub fn show(view: &SsoView) -> String {
    let head = format!("Type these at the identity provider of {}:", view.slug);
    let okta = [("Single sign-on URL", &view.acs_url), ("Audience URI (SP Entity ID)", &view.entity_id)];
    let entra = [
        ("Identifier (Entity ID)", &view.entity_id),
        ("Reply URL (ACS URL)", &view.acs_url),
        ("Sign on URL", &view.sign_on_url),
    ];
    let google = [("ACS URL", &view.acs_url), ("Entity ID", &view.entity_id)];
    let onelogin = [
        ("Audience (EntityID)", &view.entity_id),
        ("ACS (Consumer) URL", &view.acs_url),
        ("ACS URL Validator", &view.acs_url),
        ("Login URL", &view.sign_on_url),
    ];
    let mut parts = vec![head];
    let products: [(&str, &[(&str, &String)]); 4] =
        [("Okta", &okta), ("Microsoft Entra ID", &entra), ("Google Workspace", &google), ("OneLogin", &onelogin)];
    for (product, values) in products {
        let pairs: Vec<(&str, String)> = values.iter().map(|(name, value)| (*name, (*value).clone())).collect();
        parts.push(format!("{product}\n{}", indent(&facts(&pairs))));
    }
    parts.push(format!("Others read the metadata at\n  {}", view.entity_id));
    parts.push(
        "Name ID format: persistent, or e-mail address. Attributes: email; firstName and lastName if you like."
            .to_owned(),
    );
    parts.push(match &view.idp {
        None => format!("Then take its metadata file: vestibule sso set {} --metadata FILE", view.slug),
        Some(idp) => format!("Set of the identity provider:\n{}", indent(&idp_text(idp))),
    });
    parts.join("\n\n")
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
        ("name attributes", format!("{}, {}", attribute(&mapping.first_name), attribute(&mapping.last_name))),
        ("updated", idp.updated.clone()),
    ]);
    format!("{pairs}\n\n{}", certificates(&idp.certificates))
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
