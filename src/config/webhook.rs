//! `[[webhook]]`: endpoints of apps that are told of people, memberships and teams.

use std::collections::BTreeMap;

use url::Url;

use super::addresses::is_loopback;
use super::file::WebhookFile;
use super::meaning::Meaning;
use super::read::{Placed, nearest};
use crate::kernel::Slug;
use crate::webhook::{EVENT_TYPES, Endpoint, Filter, SigningSecret};

/// How many endpoints there can be: each event is kept for each of them.
const ENDPOINT_LIMIT: usize = 32;
/// How many secrets can be signed with beside the new one.
const OLD_SECRETS_LIMIT: usize = 4;

/// The endpoints.
pub fn endpoints(meaning: &Meaning<'_>, typed: Vec<WebhookFile>) -> Vec<Endpoint> {
    let mut seen: BTreeMap<Slug, usize> = BTreeMap::new();
    let mut means: Vec<Endpoint> = Vec::new();
    for (number, file) in typed.into_iter().enumerate() {
        let line = file.line;
        if number == ENDPOINT_LIMIT {
            meaning.wrong(line, format!("there can be {ENDPOINT_LIMIT} [[webhook]] at most"));
        }
        let Some(endpoint) = endpoint(meaning, file) else { continue };
        if let Some(first) = seen.insert(endpoint.name.clone(), line) {
            meaning.wrong(line, format!("the webhook «{}» is there twice, first on line {first}", endpoint.name));
        }
        let shares = |other: &&Endpoint| other.secrets.iter().any(|secret| endpoint.secrets.contains(secret));
        if let Some(other) = means.iter().find(shares) {
            let text = format!("«{}» and «{}» share a secret: give each its own", other.name, endpoint.name);
            meaning.warn(line, text);
        }
        means.push(endpoint);
    }
    means
}

fn endpoint(meaning: &Meaning<'_>, typed: WebhookFile) -> Option<Endpoint> {
    let WebhookFile { line, name, url, allow_http, secret, old_secrets, events } = typed;
    let name = match name {
        Some(name) => match name.value.parse() {
            Ok(slug) => Some(slug),
            Err(_) => meaning.missing(name.line, "«name» is 1 to 63 of a-z, 0-9 and -, such as \"app\""),
        },
        None => meaning.missing(line, "this [[webhook]] needs a «name», such as \"app\""),
    };
    let allow_http = allow_http.is_some_and(|allowed| allowed.value);
    let url = match url {
        Some(url) => address(meaning, &url, allow_http),
        None => meaning.missing(line, "this [[webhook]] needs «url», such as \"https://app.example.com/webhooks\""),
    };
    let secrets = secrets(meaning, line, secret, old_secrets);
    let events = filters(meaning, events);
    Some(Endpoint { name: name?, url: url?, secrets: secrets?, events: events? })
}

/// Where the endpoint is. It names people: plain http is for loopback, unless the operator says that the way is safe.
fn address(meaning: &Meaning<'_>, typed: &Placed<String>, allow_http: bool) -> Option<Url> {
    let wanted = "«url» must be https (or http on loopback), such as \"https://app.example.com/webhooks\"";
    let url = Url::parse(&typed.value).map_err(|_| meaning.wrong(typed.line, wanted)).ok()?;
    let Some(host) = url.host() else { return meaning.missing(typed.line, wanted) };
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&host) => {}
        "http" if allow_http => {
            meaning.warn(typed.line, "«url» is http: people's names and addresses cross the network in the open");
        }
        "http" => {
            let text = format!("{wanted}; «allow_http = true» lets http cross a network of your own");
            return meaning.missing(typed.line, &text);
        }
        _ => return meaning.missing(typed.line, wanted),
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        let text = "«url» takes no name, password or fragment: what is sent is signed with «secret»";
        return meaning.missing(typed.line, text);
    }
    Some(url)
}

/// The new secret, and those that are signed with beside it.
fn secrets(
    meaning: &Meaning<'_>,
    line: usize,
    secret: Option<Placed<String>>,
    old: Option<Placed<Vec<Placed<String>>>>,
) -> Option<Vec<SigningSecret>> {
    let Some(secret) = secret else {
        return meaning
            .missing(line, "this [[webhook]] needs «secret»: `echo whsec_$(openssl rand -base64 32)` makes one");
    };
    let old = old.map_or_else(Vec::new, |old| {
        if old.value.len() > OLD_SECRETS_LIMIT {
            meaning.wrong(old.line, format!("«old_secrets» holds {OLD_SECRETS_LIMIT} at most"));
        }
        old.value
    });
    let read = |(key, typed): (&str, Placed<String>)| match typed.value.parse::<SigningSecret>() {
        Ok(secret) => Some(secret),
        Err(wanted) => meaning.missing(typed.line, &format!("«{key}»: {wanted}")),
    };
    let all = std::iter::once(("secret", secret)).chain(old.into_iter().map(|old| ("old_secrets", old)));
    let read: Vec<Option<SigningSecret>> = all.map(read).collect();
    read.into_iter().collect()
}

fn filters(meaning: &Meaning<'_>, typed: Option<Placed<Vec<Placed<String>>>>) -> Option<Vec<Filter>> {
    let Some(typed) = typed else { return "*".parse().ok().map(|all| vec![all]) };
    if typed.value.is_empty() {
        return meaning.missing(typed.line, "«events» names none: leave it out, and all are sent");
    }
    let read = |event: &Placed<String>| {
        if let Ok(filter) = event.value.parse::<Filter>() {
            return Some(filter);
        }
        let advice = match nearest(&event.value, &EVENT_TYPES) {
            Some(near) => format!("did you mean «{near}»?"),
            None => format!("known are {}, a group such as «user.*», and «*»", EVENT_TYPES.join(", ")),
        };
        meaning.missing(event.line, &format!("there is no event \"{}\": {advice}", event.value))
    };
    let read: Vec<Option<Filter>> = typed.value.iter().map(read).collect();
    read.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{Config, Mistake};
    use crate::kernel::Timestamp;

    const LEAST: &str = "[[upstream]]\nname = \"app\"\naddresses = [\"127.0.0.1:3000\"]\n";

    fn parse(text: &str) -> Result<(Config, Vec<Mistake>), Vec<Mistake>> {
        Config::parse(text, Path::new(""), Timestamp::from_seconds(1_800_000_000))
    }

    fn mistakes(text: &str) -> String {
        let found = parse(text).expect_err("a mistake is found");
        found.iter().map(|mistake| mistake.display("v.toml")).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn each_mistake_of_a_webhook_is_named_with_its_line() {
        let secret = "secret = \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"";
        let hook = |rest: &str| format!("[[webhook]]\nname = \"app\"\nurl = \"https://app.test/\"\n{secret}\n{rest}\n");
        let check = |text: &str, expected: &str| {
            let found = mistakes(&format!("{text}\n{LEAST}"));
            assert!(
                found.lines().any(|line| line.starts_with(expected)),
                "{text}\nwanted: {expected}\nfound:\n{found}"
            );
            assert!(!found.contains("MfKQ"), "a secret is told: {found}");
        };
        let at = |url: &str| format!("[[webhook]]\nname = \"app\"\nurl = \"{url}\"\n{secret}\n");
        check("[webhook]", "v.toml:1: «webhook» must be a list of tables: write [[webhook]]");
        check("[[webhook]]", "v.toml:1: this [[webhook]] needs a «name»");
        check("[[webhook]]\nname = \"app\"", "v.toml:1: this [[webhook]] needs «url»");
        check("[[webhook]]\nname = \"app\"", "v.toml:1: this [[webhook]] needs «secret»");
        check("[[webhook]]\nname = \"App 1\"", "v.toml:2: «name» is 1 to 63 of a-z, 0-9 and -");
        check(&hook("secrets = []"), "v.toml:5: unknown key «secrets» in [[webhook]]: did you mean «secret»?");
        check(&at("app.test"), "v.toml:3: «url» must be https");
        check(&at("ftp://app.test"), "v.toml:3: «url» must be https");
        check(&at("http://app.test/"), "v.toml:3: «url» must be https (or http on loopback)");
        check(&at("https://me:pass@app.test/"), "v.toml:3: «url» takes no name, password or fragment");
        check(&at("https://app.test/#x"), "v.toml:3: «url» takes no name, password or fragment");
        check(
            "[[webhook]]\nsecret = \"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"",
            "v.toml:2: «secret»: a secret is whsec_ and 24 to 64",
        );
        check(&hook("old_secrets = [\n\"whsec_MfKQ\"]"), "v.toml:6: «old_secrets»: a secret is whsec_");
        check(
            &hook(&format!("old_secrets = [{}]", "\"whsec_MfKQ\",".repeat(5))),
            "v.toml:5: «old_secrets» holds 4 at most",
        );
        check(&hook("events = []"), "v.toml:5: «events» names none");
        check(
            &hook("events = [\"user.crated\"]"),
            "v.toml:5: there is no event \"user.crated\": did you mean «user.created»?",
        );
        check(&hook("events = [\"zzz\"]"), "v.toml:5: there is no event \"zzz\": known are user.created,");
        check(&format!("{0}{0}", hook("")), "v.toml:6: the webhook «app» is there twice, first on line 1");
    }

    #[test]
    fn a_webhook_is_told_all_unless_it_names_events_and_warned_of_what_others_can_read() {
        let parsed = |url: &str, rest: &str| {
            let secrets = "secret = \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"";
            parse(&format!("{LEAST}[[webhook]]\nname = \"app\"\nurl = \"{url}\"\n{secrets}\n{rest}\n")).unwrap()
        };
        let (config, warnings) = parsed("http://127.0.0.1:3000/hooks?key=k", "");
        assert!(warnings.is_empty() && config.webhooks[0].wants("team_member.removed"));
        let shown = format!("{config:?}");
        assert!(
            shown.contains("http://127.0.0.1:3000") && !shown.contains("key=k") && !shown.contains("MfKQ"),
            "{shown}"
        );
        let old = "old_secrets = [\"whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX\"]";
        let (config, warnings) =
            parsed("http://app.test/", &format!("allow_http = true\nevents = [\"user.*\", \"team.deleted\"]\n{old}"));
        let endpoint = &config.webhooks[0];
        assert_eq!(endpoint.secrets.len(), 2);
        assert!(endpoint.wants("user.updated") && endpoint.wants("team.deleted") && !endpoint.wants("team.created"));
        let told: Vec<String> = warnings.iter().map(|warning| warning.display("v.toml")).collect();
        assert_eq!(told, ["v.toml:6: «url» is http: people's names and addresses cross the network in the open"]);
    }
}
