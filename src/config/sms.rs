//! `[sms]`: the gateway that takes codes for phones, and how many.

use url::Url;

use super::addresses::is_loopback;
use super::file::SmsFile;
use super::meaning::{Meaning, or};
use super::read::Placed;
use crate::kernel::Secret;
use crate::second_factor::SmsSettings;

const DEFAULT_URL: &str = "https://api.twilio.com";
const DEFAULT_PER_NUMBER: u64 = 10;
const DEFAULT_PER_ORGANIZATION: u64 = 500;

/// What `[sms]` means; `None`: no codes are sent.
pub fn settings(meaning: &Meaning<'_>, typed: SmsFile) -> Option<SmsSettings> {
    let SmsFile { url, account, token, from, daily_per_number, daily_per_organization } = typed;
    let texts = [&url, &account, &token, &from].into_iter().flatten().map(|typed| typed.line);
    let numbers = [&daily_per_number, &daily_per_organization].into_iter().flatten().map(|typed| typed.line);
    let line = texts.chain(numbers).min()?;
    let url = gateway(meaning, &or(url, DEFAULT_URL.to_owned()));
    let account = needed(meaning, line, account, "[sms] needs «account», the gateway's account, such as \"AC…\"");
    let token = needed(meaning, line, token, "[sms] needs «token», the account's token");
    let from =
        needed(meaning, line, from, "[sms] needs «from», the number that codes come from, such as \"+14155550100\"");
    let account = account.filter(|account| {
        let plain = account.value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        if !plain {
            meaning.wrong(account.line, "«account» stands in an address: letters, digits and -_. are wanted");
        }
        plain
    });
    let many = |typed, default| u32::try_from(or(typed, default).value).unwrap_or(u32::MAX);
    Some(SmsSettings {
        url: url?,
        account: account?.value,
        token: Secret::new(token?.value),
        from: from?.value,
        daily_per_number: many(daily_per_number, DEFAULT_PER_NUMBER),
        daily_per_organization: many(daily_per_organization, DEFAULT_PER_ORGANIZATION),
    })
}

fn needed(meaning: &Meaning<'_>, line: usize, typed: Option<Placed<String>>, sentence: &str) -> Option<Placed<String>> {
    match typed {
        Some(typed) if !typed.value.is_empty() => Some(typed),
        Some(typed) => meaning.missing(typed.line, sentence),
        None => meaning.missing(line, sentence),
    }
}

/// The gateway's address: codes and the token don't cross the network in the open.
fn gateway(meaning: &Meaning<'_>, typed: &Placed<String>) -> Option<Url> {
    let wanted = "«url» must be https (or http on loopback), such as \"https://api.twilio.com\"";
    let url = Url::parse(&typed.value).ok().filter(|url| match (url.scheme(), url.host()) {
        ("https", Some(_)) => true,
        ("http", Some(host)) => is_loopback(&host),
        _ => false,
    });
    let Some(url) = url else { return meaning.missing(typed.line, wanted) };
    let bare = url.query().is_none() && url.fragment().is_none();
    if !bare || !url.username().is_empty() || url.password().is_some() {
        return meaning.missing(typed.line, "«url» is an address alone: name «account» and «token» beside it");
    }
    Some(url)
}
