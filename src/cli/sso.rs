//! `sso`

use std::path::Path;

use super::logins::{checks, command};
use super::sso_text::{self, certificates};
use super::verbs::{Certificate, Sso, SsoSet};
use super::{Context, Failure, text};
use crate::administration::api;
use crate::administration::api::{FileBytes, SsoOptions, SsoSource, SsoTestView};
use crate::config::read_bytes;
use crate::directory::{AttributeMapping, Binding};
use crate::kernel::Timestamp;
use crate::saml::fetch::{checked_text, is_address};

pub(super) fn run(context: &Context, verb: Sso) -> Result<(), Failure> {
    match verb {
        Sso::Show { slug } => context.ask(&api::SsoShow { slug }, sso_text::show),
        Sso::Set(typed) => context.ask(&set(*typed)?, sso_text::set),
        Sso::Certificate(Certificate::Add { slug, file }) => {
            let certificate = bytes(&file)?;
            context.ask(&api::SsoCertificateAdd { slug, certificate }, |found| certificates(found))
        }
        Sso::Certificate(Certificate::List { slug }) => {
            context.ask(&api::SsoCertificateList { slug }, |found| certificates(found))
        }
        Sso::Certificate(Certificate::Remove { slug, sha256 }) => {
            if sha256.len() < 6 {
                return Err(Failure("type at least 6 digits of the certificate's SHA-256".to_owned()));
            }
            context.ask(&api::SsoCertificateRemove { slug, sha256 }, |found| certificates(found))
        }
        Sso::Refresh { slug, forget: false } => context.ask(&api::SsoRefresh { slug }, sso_text::refreshed),
        Sso::Refresh { slug, forget: true } => context.ask(&api::SsoForget { slug }, sso_text::refreshed),
        Sso::Remove { slug } => context.ask(&api::SsoRemove { slug }, text::changes),
        Sso::Test { slug, file, at } => {
            let at = at.map(|typed| {
                let wanted = format!("«{typed}» is not a moment: write it like 2026-11-22T10:15:00Z");
                Timestamp::parse_rfc3339(&typed).ok_or(Failure(wanted))
            });
            test(context, &api::SsoTest { slug, response: bytes(&file)?, at: at.transpose()? })
        }
        Sso::CheckCertificate { file } => super::local::check_certificate(context, &file),
        Sso::CheckMetadata { file } => super::local::check_metadata(context, &file),
    }
}

fn bytes(file: &Path) -> Result<FileBytes, Failure> {
    Ok(FileBytes(read_bytes(file)?))
}

fn set(typed: SsoSet) -> Result<api::SsoSet, Failure> {
    // Destructured whole, so that a new option can't be forgotten.
    let SsoSet {
        slug,
        metadata,
        issuer,
        sign_in_url,
        certificate,
        sign_out_url,
        binding,
        sign_requests,
        require_encryption,
        allow_sha1,
        skew,
        email_attribute,
        first_name_attribute,
        last_name_attribute,
    } = typed;
    let source = match metadata {
        Some(url) if is_address(&url) => {
            let url = checked_text(&url).map_err(|error| Failure(error.to_string()))?;
            SsoSource::Address { url: url.into(), read: None }
        }
        Some(file) => SsoSource::Metadata(bytes(Path::new(&file))?),
        None => SsoSource::Typed {
            issuer: issuer.unwrap_or_default(),
            sign_in_url: sign_in_url.unwrap_or_default(),
            certificates: certificate.iter().map(|file| bytes(file)).collect::<Result<_, _>>()?,
        },
    };
    let mapping =
        AttributeMapping { email: email_attribute, first_name: first_name_attribute, last_name: last_name_attribute };
    let options = SsoOptions {
        sign_out_url,
        binding: binding.map(|word| match word {
            super::sso_verbs::BindingWord::Redirect => Binding::Redirect,
            super::sso_verbs::BindingWord::Post => Binding::Post,
        }),
        sign_requests,
        allow_sha1,
        skew_seconds: skew,
        require_encryption,
        attributes: (mapping != AttributeMapping::default()).then_some(mapping),
    };
    Ok(api::SsoSet { slug, source, options })
}

/// A refused response is what was asked for, and yet not good: exit code 1.
fn test(context: &Context, call: &api::SsoTest) -> Result<(), Failure> {
    let view = context.server()?.call(call)?;
    context.show(&view, |view| tested(view, call.slug.as_str()));
    match view.refused {
        Some(code) => Err(Failure(format!("the response is refused: {code}"))),
        None => Ok(()),
    }
}

fn tested(view: &SsoTestView, slug: &str) -> String {
    let mut lines = vec![checks(&view.checks)];
    lines.extend(view.email.as_ref().map(|email| format!("→ accepted: it vouches for {email}")));
    lines.extend(view.fix.as_ref().map(|fix| format!("→ refused\nfix: {fix}")));
    let command = view.refused.as_deref().and_then(|reason| command(reason, slug, None));
    lines.extend(command.map(|command| format!("or: {command}")));
    lines.join("\n")
}
