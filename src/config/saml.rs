//! `[saml]`: which hosts of the operator's own network may be asked for an identity provider's metadata.

use url::Url;

use super::file::SamlFile;
use super::mail::authorities;
use super::meaning::Meaning;
use super::read::Placed;
use crate::saml::fetch::{FetchSettings, Fetcher};

/// How many hosts there can be.
const HOST_LIMIT: usize = 64;

/// What `[saml]` means.
pub fn settings(meaning: &Meaning<'_>, typed: SamlFile) -> FetchSettings {
    let SamlFile { internal_hosts, ca } = typed;
    let hosts = internal_hosts.map(|list| list.value).unwrap_or_default();
    if let Some(first) = hosts.get(HOST_LIMIT) {
        meaning.wrong(first.line, format!("«internal_hosts» names more than {HOST_LIMIT}"));
    }
    if let Some(ca) = ca.as_ref().filter(|_| hosts.is_empty()) {
        meaning.wrong(ca.line, "«ca» is for the hosts that «internal_hosts» names, and it names none");
    }
    let internal_hosts = hosts.iter().filter_map(|typed| host(meaning, typed)).collect();
    let settings = FetchSettings { internal_hosts, authorities: ca.as_ref().and_then(|ca| authorities(meaning, ca)) };
    if let (Some(ca), Err(wrong)) = (&ca, Fetcher::new(&settings)) {
        meaning.wrong(ca.line, wrong);
    }
    settings
}

/// A host as addresses have it, in lower case and without a last dot, and its port: that of https, if none is named.
fn host(meaning: &Meaning<'_>, typed: &Placed<String>) -> Option<(String, u16)> {
    let strange = |c: char| "*/@?#\\".contains(c) || c.is_whitespace() || c.is_control();
    let read = Url::parse(&format!("https://{}/", typed.value)).ok();
    let read = read.filter(|_| !typed.value.contains(strange) && !typed.value.ends_with(':'));
    let host = read.as_ref().and_then(Url::host_str).map(|host| host.trim_end_matches('.').to_owned());
    let port = read.as_ref().and_then(Url::port_or_known_default).filter(|port| *port != 0);
    let found = host.filter(|host| !host.is_empty()).zip(port);
    if found.is_none() {
        let text = "«internal_hosts» holds names of hosts alone, such as \"adfs.acme.internal\", or with a port";
        meaning.wrong(typed.line, format!("{text}, not \"{}\"", typed.value));
    }
    found
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{Config, Mistake};
    use crate::kernel::Timestamp;

    const LEAST: &str = "[[upstream]]\nname = \"app\"\naddresses = [\"127.0.0.1:3000\"]\n";

    fn parse(text: &str, base: &Path) -> Result<(Config, Vec<Mistake>), Vec<Mistake>> {
        Config::parse(&format!("{text}\n{LEAST}"), base, Timestamp::from_seconds(1_800_000_000))
    }

    #[test]
    fn hosts_are_kept_as_addresses_have_them() {
        let text = "[saml]\ninternal_hosts = [\"ADFS.Acme.Internal.\", \"10.0.0.7:8443\", \"[fd00::7]\", \"a:443\"]";
        let (config, _) = parse(text, Path::new("")).unwrap();
        let expected = [("adfs.acme.internal", 443), ("10.0.0.7", 8443), ("[fd00::7]", 443), ("a", 443)];
        assert_eq!(config.saml.internal_hosts, expected.map(|(host, port)| (host.to_owned(), port)));
        assert_eq!(parse("", Path::new("")).unwrap().0.saml, crate::saml::fetch::FetchSettings::default());
    }

    #[test]
    fn each_mistake_is_named_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(vec!["adfs.acme.internal".to_owned()]).unwrap();
        std::fs::write(folder.path().join("ca.pem"), made.cert.pem()).unwrap();
        std::fs::write(folder.path().join("key.pem"), made.signing_key.serialize_pem()).unwrap();
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        std::fs::write(folder.path().join("broken.pem"), broken).unwrap();
        let (config, _) =
            parse("[saml]\ninternal_hosts = [\"adfs.acme.internal\"]\nca = \"ca.pem\"", folder.path()).unwrap();
        assert!(config.saml.authorities.is_some());
        let check = |text: &str, expected: &str| {
            let found = parse(text, folder.path()).expect_err("a mistake is found");
            let told: Vec<String> = found.iter().map(|mistake| mistake.display("v.toml")).collect();
            assert!(told.iter().any(|line| line.starts_with(expected)), "{text}\nwanted: {expected}\nfound: {told:?}");
        };
        for wrong in
            ["https://adfs", "adfs:", "adfs:0", "adfs:65536", "adfs:x", "*.acme", "a b", "", ".", "me@adfs", "a?b"]
        {
            check(
                &format!("[saml]\ninternal_hosts = [\"{wrong}\"]"),
                "v.toml:2: «internal_hosts» holds names of hosts alone",
            );
        }
        check(
            &format!("[saml]\ninternal_hosts = [{}]", "\"a\",".repeat(65)),
            "v.toml:2: «internal_hosts» names more than 64",
        );
        check("[saml]\nca = \"ca.pem\"", "v.toml:2: «ca» is for the hosts that «internal_hosts» names");
        let with = |file: &str| format!("[saml]\ninternal_hosts = [\"adfs\"]\nca = \"{file}\"");
        check(&with("none.pem"), "v.toml:3: can't read");
        check(&with("key.pem"), "v.toml:3: «ca» holds no certificate");
        check(&with("broken.pem"), "v.toml:3: «ca» of [saml]");
        check(
            "[saml]\ninternal_host = []",
            "v.toml:2: unknown key «internal_host» in [saml]: did you mean «internal_hosts»?",
        );
    }
}
