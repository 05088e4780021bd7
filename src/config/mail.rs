//! `[mail]`: which server takes our mail, and who it comes from.

use super::file::MailFile;
use super::files::read_bytes;
use super::meaning::Meaning;
use super::read::Placed;
use crate::mail::{Security, Sender, SmtpServer};

/// `[mail]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailSettings {
    /// The mail server.
    pub server: SmtpServer,
    /// Who our mail comes from.
    pub from: Sender,
}

/// What `[mail]` means; `None`: no mail is sent.
pub fn settings(meaning: &Meaning<'_>, typed: MailFile) -> Option<MailSettings> {
    let MailFile { smtp, from, ca } = typed;
    let line = [&smtp, &from, &ca].into_iter().flatten().map(|typed| typed.line).min()?;
    let server = match &smtp {
        Some(smtp) => server(meaning, smtp, ca.as_ref()),
        None => meaning.missing(line, "[mail] needs «smtp», such as \"smtp://name:password@mail.example.com:587\""),
    };
    let from = match from {
        Some(from) => {
            let wanted = "«from» must be an address, such as \"Acme <sign-in@example.com>\"";
            from.value.parse().map_err(|_| meaning.wrong(from.line, wanted)).ok()
        }
        None => meaning.missing(line, "[mail] needs «from», such as \"Acme <sign-in@example.com>\""),
    };
    Some(MailSettings { server: server?, from: from? })
}

fn server(meaning: &Meaning<'_>, smtp: &Placed<String>, ca: Option<&Placed<String>>) -> Option<SmtpServer> {
    let mut server = SmtpServer::parse(&smtp.value).map_err(|text| meaning.wrong(smtp.line, text)).ok()?;
    if server.is_open() {
        meaning.warn(smtp.line, "«smtp» with ?tls=none: links that sign people in cross the network in the open");
    }
    if let Some(ca) = ca {
        if server.security == Security::Plain {
            meaning.wrong(ca.line, "«ca» is for TLS, and «smtp» goes without");
        }
        server.authorities = authorities(meaning, ca);
    }
    Some(server)
}

/// The authorities in a PEM file.
pub(super) fn authorities(meaning: &Meaning<'_>, ca: &Placed<String>) -> Option<Vec<u8>> {
    let bytes = read_bytes(&meaning.path(&ca.value)).map_err(|error| meaning.wrong(ca.line, error.to_string())).ok()?;
    if !bytes.windows(27).any(|window| window == b"-----BEGIN CERTIFICATE-----") {
        return meaning.missing(ca.line, "«ca» holds no certificate: a PEM file is wanted");
    }
    Some(bytes)
}
