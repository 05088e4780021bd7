//! What `[dns]` means: whom to ask for the records that prove domains, how often, and which domains nobody can claim.

use std::time::Duration;

use super::Dns;
use super::file::DnsFile;
use super::files::read_text;
use super::meaning::{Meaning, or};
use super::read::Placed;
use crate::directory::PublicMail;
use crate::directory::life::Rules;
use crate::proof::{PREFIX, SERVER_LIMIT};

/// The shortest time between two looks at a verified domain, and the shortest grace.
const SHORTEST: Duration = Duration::from_secs(60);
/// The longest time between two looks.
const LONGEST_RECHECK: Duration = Duration::from_secs(30 * 24 * 3600);
/// The longest grace.
const LONGEST_GRACE: Duration = Duration::from_secs(90 * 24 * 3600);
/// The longest prefix, in bytes.
const PREFIX_LIMIT: usize = 63;

/// What was typed under `[dns]`, checked.
pub fn dns(meaning: &Meaning<'_>, typed: DnsFile) -> Dns {
    let DnsFile { servers, recheck, grace, prefix, public_mail_domains } = typed;
    if let Some(servers) = servers.as_ref().filter(|servers| servers.value.len() > SERVER_LIMIT) {
        meaning.wrong(servers.line, format!("«servers» names more than {SERVER_LIMIT}: each is asked at each look"));
    }
    let servers = servers.map(|list| list.value).unwrap_or_default().into_iter().map(|server| server.value.0).collect();
    let defaults = Rules::default();
    let (recheck, grace) = (or(recheck, defaults.recheck), or(grace, defaults.grace));
    if recheck.value < SHORTEST || recheck.value > LONGEST_RECHECK {
        meaning.wrong(recheck.line, "«recheck» must be from \"1m\" to \"30d\"");
    }
    if grace.value < SHORTEST || grace.value > LONGEST_GRACE {
        meaning.wrong(grace.line, "«grace» must be from \"1m\" to \"90d\"");
    }
    let prefix = or(prefix, PREFIX.to_owned());
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if prefix.value.is_empty() || prefix.value.len() > PREFIX_LIMIT || !prefix.value.bytes().all(fits) {
        let text = format!("«prefix» is 1 to {PREFIX_LIMIT} of A-Z, a-z, 0-9, -, _ and ., such as \"{PREFIX}\"");
        meaning.wrong(prefix.line, text);
    }
    Dns {
        servers,
        rules: Rules { recheck: recheck.value, grace: grace.value },
        prefix: prefix.value,
        public_mail: public_mail(meaning, public_mail_domains),
    }
}

fn public_mail(meaning: &Meaning<'_>, file: Option<Placed<String>>) -> PublicMail {
    let Some(file) = file else { return PublicMail::default() };
    let path = meaning.path(&file.value);
    let text = match read_text(&path) {
        Ok(text) => text,
        Err(error) => {
            meaning.wrong(file.line, error.to_string());
            return PublicMail::default();
        }
    };
    PublicMail::read(&text).unwrap_or_else(|wrong| {
        for (number, entry) in wrong.into_iter().take(10) {
            let text = format!("line {number} of {} is no domain: \"{entry}\"", path.display());
            meaning.wrong(file.line, text);
        }
        PublicMail::default()
    })
}
