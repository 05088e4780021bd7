//! What `[[upstream]]` and `[[route]]` mean.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use super::file::{AccessFile, RouteFile, UpstreamFile};
use super::meaning::Meaning;
use super::read::{Placed, nearest};
use super::{Access, HostPort, Route, Upstream, UpstreamProtocol, tls};
use crate::kernel::{Role, Slug};
use crate::proxy::path::canonical;

/// The shortest time that a second factor can be good for: a page and its parts must come within it.
const SHORTEST_MAX_AGE: Duration = Duration::from_secs(60);
/// The longest.
const LONGEST_MAX_AGE: Duration = Duration::from_secs(24 * 3600);

/// The portal's own paths, which no route can cover.
const PORTAL: &str = "/.vestibule";

/// The apps behind.
pub fn upstreams(meaning: &Meaning<'_>, typed: Vec<UpstreamFile>) -> Vec<Upstream> {
    if typed.is_empty() && !meaning.may_be_meant("upstream") {
        let example = "[[upstream]] with name = \"app\" and addresses = [\"127.0.0.1:3000\"]";
        meaning.wrong(0, format!("there is no app to protect: add {example}"));
    }
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut means = Vec::new();
    for file in typed {
        let line = file.line;
        let Some(upstream) = upstream(meaning, file) else { continue };
        if let Some(first) = seen.insert(upstream.name.clone(), line) {
            meaning.wrong(line, format!("the upstream «{}» is there twice, first on line {first}", upstream.name));
        }
        means.push(upstream);
    }
    means
}

fn upstream(meaning: &Meaning<'_>, typed: UpstreamFile) -> Option<Upstream> {
    let UpstreamFile { line, name, addresses, protocol, audience, server_name, ca } = typed;
    let name = match name {
        Some(name) if !name.value.is_empty() => Some(name.value),
        _ => meaning.missing(line, "this [[upstream]] needs a «name», such as \"app\""),
    };
    let addresses = match addresses {
        Some(list) if !list.value.is_empty() => host_ports(meaning, &list.value),
        _ => meaning.missing(line, "this [[upstream]] needs «addresses», such as [\"127.0.0.1:3000\"]"),
    };
    let protocol = match protocol {
        None => Some(UpstreamProtocol::Http),
        Some(word) => match word.value.as_str() {
            "http" => Some(UpstreamProtocol::Http),
            "https" => Some(UpstreamProtocol::Https),
            "h2c" => Some(UpstreamProtocol::H2c),
            "h2" => Some(UpstreamProtocol::H2),
            other => meaning.missing(word.line, &format!("«protocol» must be http, https, h2c or h2, not \"{other}\"")),
        },
    };
    let ca = ca.map(|ca| Placed { value: meaning.path(&ca.value), line: ca.line });
    if let Some(ca) = &ca
        && let Err(text) = tls::certificates(&ca.value)
    {
        meaning.wrong(ca.line, text);
    }
    let (name, addresses, protocol) = (name?, addresses?, protocol?);
    for (key, place) in [("server_name", server_name.as_ref().map(|s| s.line)), ("ca", ca.as_ref().map(|c| c.line))] {
        if let Some(line) = place.filter(|_| !protocol.is_tls()) {
            meaning.warn(line, format!("«{key}» does nothing here: it is for protocol https and h2"));
        }
    }
    let mut server_name = server_name.map(|name| name.value);
    if protocol.is_tls() && server_name.is_none() {
        server_name = addresses.first().filter(|address| !address.is_numeric()).map(|address| address.host.clone());
        if server_name.is_none() {
            meaning
                .wrong(line, "over TLS to an address in numbers «server_name» says which name the certificate bears");
        }
    }
    let audience = audience.map_or_else(|| name.clone(), |audience| audience.value);
    Some(Upstream { name, addresses, protocol, audience, server_name, ca: ca.map(|ca| ca.value) })
}

fn host_ports(meaning: &Meaning<'_>, typed: &[Placed<String>]) -> Option<Vec<HostPort>> {
    each(meaning, typed, |text| match text.split_once("://") {
        Some((scheme @ ("http" | "https"), rest)) => {
            let address = rest.trim_end_matches('/');
            format!("leave {scheme}:// out of \"{text}\": write \"{address}\", and protocol = \"{scheme}\"")
        }
        _ => format!("\"{text}\" is not a host with its port, such as \"127.0.0.1:3000\""),
    })
}

/// Reads each; `None` if one is wrong.
fn each<T: FromStr>(meaning: &Meaning<'_>, typed: &[Placed<String>], wrong: impl Fn(&str) -> String) -> Option<Vec<T>> {
    let read = typed.iter().map(|text| match text.value.parse() {
        Ok(value) => Some(value),
        Err(_) => meaning.missing(text.line, &wrong(&text.value)),
    });
    let read: Vec<Option<T>> = read.collect();
    read.into_iter().collect()
}

/// The routes, each with an upstream that exists.
pub fn routes(meaning: &Meaning<'_>, typed: Vec<RouteFile>, upstreams: &[Upstream]) -> Vec<Route> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut prefixes: Vec<(String, usize)> = Vec::new();
    let mut means = Vec::new();
    for RouteFile { line, path, access, max_age, upstream } in typed {
        if let Some(upstream) = &upstream {
            known_upstream(meaning, upstream, upstreams);
        }
        let access = match access {
            Some(access) => access_of(meaning, access),
            None => {
                meaning.missing(line, "this [[route]] needs «access»: \"public\", \"signed_in\" or { roles = […] }")
            }
        };
        let max_age = max_age.and_then(|max_age| max_age_of(meaning, &max_age, access.as_ref()));
        let Some(path) = path else {
            meaning.wrong(line, "this [[route]] needs a «path», such as \"/public/\"");
            continue;
        };
        if let Err(text) = check_path(&path.value) {
            meaning.wrong(path.line, text);
            continue;
        }
        if let Some(first) = seen.insert(path.value.clone(), path.line) {
            let text = format!("the path \"{}\" has a route on line {first} already, which wins", path.value);
            meaning.wrong(path.line, text);
        }
        if let Some((first, at)) = prefixes.iter().find(|(prefix, _)| path.value.starts_with(prefix)) {
            let text = format!("the route {} is never reached: {first} on line {at} matches first", path.value);
            meaning.warn(path.line, format!("{text}; move it up"));
        }
        if path.value.ends_with('/') {
            prefixes.push((path.value.clone(), path.line));
        }
        if let Some(access) = access {
            means.push(Route { path: path.value, access, max_age, upstream: upstream.map(|name| name.value) });
        }
    }
    means
}

/// How old a second factor may be; nonsense where nobody need be signed in.
fn max_age_of(meaning: &Meaning<'_>, typed: &Placed<Duration>, access: Option<&Access>) -> Option<Duration> {
    if typed.value < SHORTEST_MAX_AGE || typed.value > LONGEST_MAX_AGE {
        return meaning.missing(typed.line, "«max_age» must be from \"1m\" to \"24h\"");
    }
    if access == Some(&Access::Public) {
        return meaning.missing(typed.line, "«max_age» asks for a second factor, and this route is open to all");
    }
    Some(typed.value)
}

fn known_upstream(meaning: &Meaning<'_>, typed: &Placed<String>, upstreams: &[Upstream]) {
    let names: Vec<&str> = upstreams.iter().map(|upstream| upstream.name.as_str()).collect();
    if !names.contains(&typed.value.as_str()) {
        let advice = nearest(&typed.value, &names)
            .map_or_else(|| format!("there are: {}", names.join(", ")), |near| format!("did you mean «{near}»?"));
        meaning.wrong(typed.line, format!("there is no upstream «{}»: {advice}", typed.value));
    }
}

/// A path as it is decided on: normal already, so that it can match.
fn check_path(path: &str) -> Result<(), String> {
    if !path.starts_with('/') {
        return Err(format!("a path starts with /: write \"/{path}\""));
    }
    if path == PORTAL || path.starts_with("/.vestibule/") {
        return Err(format!("\"{path}\" is the portal's own: no route can cover {PORTAL}/"));
    }
    if path.contains(['?', '#', '*', '\\', ';']) || path.bytes().any(|b| b <= b' ' || b == 0x7f) {
        let text = "a path has no ?, #, *, \\, ; or white space; a prefix ends with /";
        return Err(format!("\"{path}\" can't match: {text}"));
    }
    // The gate compares canonical paths: one that is written otherwise would never match.
    match canonical(path) {
        Ok(normal) if normal == path => Ok(()),
        Ok(normal) => Err(format!("\"{path}\" can't match: write it as requests are compared, \"{normal}\"")),
        Err(error) => Err(format!("\"{path}\" can't match: {error}")),
    }
}

fn access_of(meaning: &Meaning<'_>, typed: AccessFile) -> Option<Access> {
    let (orgs, roles, teams) = match typed {
        AccessFile::Word(word) => {
            return match word.value.as_str() {
                "public" => Some(Access::Public),
                "signed_in" => Some(Access::SignedIn),
                other => meaning.missing(
                    word.line,
                    &format!("«access» must be \"public\", \"signed_in\" or {{ roles = […] }}, not \"{other}\""),
                ),
            };
        }
        AccessFile::Only { orgs, roles, teams } => (orgs, roles, teams),
    };
    let line = [&orgs, &roles, &teams].into_iter().flatten().map(|list| list.line).min();
    let names_orgs = orgs.as_ref().is_some_and(|orgs| !orgs.value.is_empty());
    if let Some(teams) = teams.as_ref().filter(|teams| !teams.value.is_empty() && !names_orgs) {
        let text = "«teams» without «orgs» lets in every organization's team of that name: add orgs = [\"acme\"]";
        meaning.warn(teams.line, text);
    }
    let texts = |list: Option<Placed<Vec<Placed<String>>>>| list.map(|list| list.value).unwrap_or_default();
    let known = Role::ALL.map(Role::as_str);
    let roles: Option<Vec<Role>> = each(meaning, &texts(roles), |text| {
        let near = nearest(text, &known).map_or(String::new(), |near| format!(" (did you mean «{near}»?)"));
        format!("\"{text}\" is not a role{near}: owner, admin, billing_admin or member is wanted")
    });
    let orgs: Option<Vec<Slug>> = each(meaning, &texts(orgs), |text| {
        format!("\"{text}\" is not a slug: 1 to 63 of a-z, 0-9 and - are wanted, such as \"acme\"")
    });
    let teams: Vec<String> = texts(teams).into_iter().map(|team| team.value).collect();
    let (orgs, roles) = (orgs?, roles?);
    if orgs.is_empty() && roles.is_empty() && teams.is_empty() {
        let text = "«access» names nobody: write \"signed_in\" for everyone with a session";
        return meaning.missing(line.unwrap_or(0), text);
    }
    Some(Access::Only { orgs, roles, teams })
}
