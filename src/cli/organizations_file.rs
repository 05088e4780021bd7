//! Organizations as a TOML file: what `apply` takes. Every mistake is named with its line.

use std::path::Path;

use crate::administration::api::{FileBytes, SsoOptions, SsoSource, WantedOrganization, WantedRole, WantedTeam};
use crate::config::{Mistake, Placed, Reader, Section, read_bytes};
use crate::directory::two_factor::{GRACE_LIMIT, TRUSTED_DAYS_LIMIT};
use crate::directory::{AttributeMapping, Binding, OrgKind, team};
use crate::kernel::{DomainName, EmailAddress, Role, Slug};
use crate::saml::fetch::{checked_text, is_address};

/// How the file looks.
pub const HELP: &str = "\
The file:
  [[organization]]
  slug = \"acme\"
  name = \"Acme Inc\"
  kind = \"customer\"                     # or \"admin\"; chosen for good
  settings = { idp_managed_access = true, session_idle = \"30m\" }       # the keys of `org set`
  domains = [\"acme.example\"]            # on your own word, without DNS
  domains_by_dns = [\"acme.test\"]        # claimed; the DNS record proves them, which no file can do
  admin = \"group\"                       # linked to this Admin organization
  sso = { metadata = \"okta.xml\" }       # or its https address, or issuer, sign_in_url and certificates; paths start from here
  members = { \"ada@acme.example\" = \"owner\", \"bob@acme.example\" = \"member\" }
  teams = [{ name = \"Support\", role = \"admin\", members = [\"bob@acme.example\"] }]   # role: \"none\" takes it away

What the file does not list stays: organizations always, domains, the link, members and teams unless --prune is given.
All of it is done, or none.

Example:
  vestibule apply organizations.toml --dry-run";

/// Reads a file's text; paths in it start from `base`.
///
/// # Errors
/// Every mistake, in the order of the lines.
pub fn parse(text: &str, base: &Path) -> Result<Vec<WantedOrganization>, Vec<Mistake>> {
    let reader = Reader::new(text);
    let wanted = reader.file(|top| {
        let mut wanted: Vec<WantedOrganization> = Vec::new();
        for section in top.sections("organization") {
            let line = section.line();
            let Some(organization) = organization(section, base) else { continue };
            if wanted.iter().any(|other| other.slug == organization.slug) {
                top.report(line, format!("the organization «{}» is there twice", organization.slug));
            }
            wanted.push(organization);
        }
        top.finish();
        wanted
    });
    let mistakes = reader.finish();
    if mistakes.is_empty() { Ok(wanted) } else { Err(mistakes) }
}

fn organization(section: Section<'_>, base: &Path) -> Option<WantedOrganization> {
    let slug = section.parsed::<Slug>("slug", "1 to 63 of a-z, 0-9 and -, such as \"acme\"");
    if slug.is_none() && section.place("slug").is_none() {
        section.report(section.line(), "this [[organization]] needs a «slug», such as \"acme\"");
    }
    let kind = section.text("kind");
    let kind_means = match kind.as_ref().map(|kind| kind.value.as_str()) {
        None | Some("customer") => OrgKind::Customer,
        Some("admin") => OrgKind::Admin,
        Some(other) => {
            let line = kind.as_ref().map_or(0, |kind| kind.line);
            section.report(line, format!("«kind» must be customer or admin, not \"{other}\""));
            OrgKind::Customer
        }
    };
    let name = section.text("name").map(|name| name.value);
    let settings = section.section("settings").map(settings).unwrap_or_default();
    let domains = section.list::<DomainName>("domains", "domains such as \"acme.example\"");
    let domains_by_dns = section.list::<DomainName>("domains_by_dns", "domains such as \"acme.example\"");
    let admin = section.parsed::<Slug>("admin", "the slug of an Admin organization, such as \"group\"");
    let sso = section.section("sso").and_then(|sso| connection(sso, base));
    let members = members(&section);
    let teams = teams(&section);
    section.finish();
    Some(WantedOrganization {
        slug: slug?.value,
        name,
        kind: kind_means,
        settings,
        domains: values(domains),
        domains_by_dns: values(domains_by_dns),
        admin: admin.map(|admin| admin.value),
        sso,
        members,
        teams,
    })
}

fn values<T>(list: Option<Placed<Vec<Placed<T>>>>) -> Vec<T> {
    list.map(|list| list.value.into_iter().map(|item| item.value).collect()).unwrap_or_default()
}

fn team_role(text: &str) -> Option<WantedRole> {
    if text == "none" {
        return Some(WantedRole::Without);
    }
    let role = text.parse::<Role>().ok().filter(|role| team::valid_role(Some(*role)).is_ok());
    role.map(WantedRole::With)
}

fn teams(section: &Section<'_>) -> Vec<WantedTeam> {
    let mut found: Vec<WantedTeam> = Vec::new();
    for inner in section.sections("teams") {
        let line = inner.line();
        let name = inner.text("name");
        let role = inner.text("role").map_or(Some(WantedRole::Any), |role| team_role(&role.value));
        if role.is_none() {
            inner.report(inner.place("role").unwrap_or(line), "a team's role is admin, billing_admin, member or none");
        }
        let members = values(inner.list::<EmailAddress>("members", "addresses such as \"ada@acme.example\""));
        let Some(name) = name else {
            inner.report(line, "this team needs a «name», such as \"Support\"");
            inner.finish();
            continue;
        };
        if found.iter().any(|other| team::fold(&other.name) == team::fold(&name.value)) {
            inner.report(name.line, format!("the team «{}» is there twice, letter case aside", name.value));
        }
        inner.finish();
        let role = role.unwrap_or(WantedRole::Any);
        found.push(WantedTeam { name: name.value.trim().to_owned(), role, members });
    }
    found
}

/// The keys of `org set`; their values are judged by the server, as there.
fn settings(section: Section<'_>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for key in ["require_sso", "idp_managed_access", "idp_initiated", "trust_idp_mfa"] {
        found.extend(section.flag(key).map(|flag| (key.to_owned(), flag.value.to_string())));
    }
    for key in ["session_idle", "session_absolute", "discoverability", "two_factor", "scim_name"] {
        found.extend(section.text(key).map(|text| (key.to_owned(), text.value)));
    }
    for (key, least, most) in [("grace_sign_ins", 0_u32, GRACE_LIMIT), ("trusted_browser_days", 1, TRUSTED_DAYS_LIMIT)]
    {
        let number = section.number(key, least.into(), most.into());
        found.extend(number.map(|number| (key.to_owned(), number.value.to_string())));
    }
    let values = section.list::<String>("mfa_values", "values such as \"https://refeds.org/profile/mfa\"");
    found.extend(values.map(|list| {
        let values: Vec<String> = list.value.into_iter().map(|value| value.value).collect();
        ("mfa_values".to_owned(), values.join(","))
    }));
    let work = section.list::<DomainName>("discoverable_domains", "domains such as \"acme.example\"");
    found.extend(work.map(|list| {
        let domains: Vec<String> = list.value.iter().map(|domain| domain.value.to_string()).collect();
        ("discoverable_domains".to_owned(), domains.join(","))
    }));
    section.finish();
    found
}

fn members(section: &Section<'_>) -> Vec<(EmailAddress, Role)> {
    let mut found = Vec::new();
    for (email, Placed { value: role, line }) in section.texts("members") {
        match (email.parse::<EmailAddress>(), role.parse::<Role>()) {
            (Ok(email), Ok(role)) => found.push((email, role)),
            (Err(error), _) => section.report(line, format!("\"{email}\" is {error}")),
            (_, Err(error)) => section.report(line, format!("\"{role}\" is {error}")),
        }
    }
    found
}

fn connection(section: Section<'_>, base: &Path) -> Option<(SsoSource, SsoOptions)> {
    let metadata = section.text("metadata");
    let (issuer, sign_in_url) = (section.text("issuer"), section.text("sign_in_url"));
    let certificates = section.list::<String>("certificates", "files such as \"okta.pem\"");
    let options = options(&section);
    let read = |file: &Placed<String>| match read_bytes(&base.join(&file.value)) {
        Ok(bytes) => Some(FileBytes(bytes)),
        Err(error) => {
            section.report(file.line, error.to_string());
            None
        }
    };
    let source = match (metadata, issuer, sign_in_url, certificates) {
        (Some(url), None, None, None) if is_address(&url.value) => match checked_text(&url.value) {
            Ok(checked) => Some(SsoSource::Address { url: checked.into(), read: None }),
            Err(error) => {
                section.report(url.line, format!("«metadata»: {error}"));
                None
            }
        },
        (Some(metadata), None, None, None) => read(&metadata).map(SsoSource::Metadata),
        (None, Some(issuer), Some(sign_in_url), Some(files)) => {
            let certificates: Option<Vec<FileBytes>> = files.value.iter().map(read).collect();
            certificates.map(|certificates| SsoSource::Typed {
                issuer: issuer.value,
                sign_in_url: sign_in_url.value,
                certificates,
            })
        }
        _ => {
            let text = "«sso» needs either «metadata», a file or an address, or all of «issuer», «sign_in_url» and «certificates»";
            section.report(section.line(), text);
            None
        }
    };
    section.finish();
    Some((source?, options))
}

fn options(section: &Section<'_>) -> SsoOptions {
    let text = |key| section.text(key).map(|text| text.value);
    let flag = |key| section.flag(key).map(|flag| flag.value);
    let binding = section.text("binding").and_then(|word| match word.value.as_str() {
        "redirect" => Some(Binding::Redirect),
        "post" => Some(Binding::Post),
        other => {
            section.report(word.line, format!("«binding» must be redirect or post, not \"{other}\""));
            None
        }
    });
    let mapping = section.section("attributes").map(|attributes| {
        let text = |key| attributes.text(key).map(|text| text.value);
        let mapping =
            AttributeMapping { email: text("email"), first_name: text("first_name"), last_name: text("last_name") };
        attributes.finish();
        mapping
    });
    SsoOptions {
        sign_out_url: text("sign_out_url"),
        binding,
        sign_requests: flag("sign_requests"),
        allow_sha1: flag("allow_sha1"),
        skew_seconds: section.number("skew", 0, 300).and_then(|skew| u16::try_from(skew.value).ok()),
        require_encryption: flag("require_encryption"),
        attributes: mapping,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_organization_is_read() {
        let text = "[[organization]]\nslug = \"acme\"\nname = \"Acme\"\nsettings = { require_sso = true, session_idle = \"30m\" }\n\
                    domains = [\"acme.example\"]\nmembers = { \"Ada@acme.example\" = \"owner\" }\n[[organization]]\nslug = \"zeta\"\nkind = \"admin\"";
        let wanted = parse(text, Path::new("")).unwrap();
        assert_eq!(wanted.len(), 2);
        assert_eq!(wanted[0].members, [("ada@acme.example".parse().unwrap(), Role::Owner)]);
        assert_eq!(wanted[0].settings.len(), 2);
        assert_eq!(wanted[1].kind, OrgKind::Admin);
        assert_eq!(wanted[1].name, None);
    }

    #[test]
    fn each_mistake_is_named_with_its_line() {
        let check = |text: &str, expected: &str| {
            let found = parse(text, Path::new("")).expect_err(text);
            let told: Vec<String> = found.iter().map(|mistake| mistake.display("o.toml")).collect();
            assert!(told.iter().any(|line| line.starts_with(expected)), "{text}\n{told:?}");
        };
        let acme = "[[organization]]\nslug = \"acme\"\n";
        check("[[organisation]]", "o.toml:1: unknown key «organisation»: did you mean «organization»?");
        check("[[organization]]\nname = \"x\"", "o.toml:1: this [[organization]] needs a «slug»");
        check("[[organization]]\nslug = \"A B\"", "o.toml:2: «slug» must be 1 to 63");
        check(&format!("{acme}{acme}"), "o.toml:3: the organization «acme» is there twice");
        check(&format!("{acme}kind = \"boss\""), "o.toml:3: «kind» must be customer or admin, not \"boss\"");
        check(&format!("{acme}admin = \"A B\""), "o.toml:3: «admin» must be");
        check(&format!("{acme}teams = [{{ role = \"admin\" }}]"), "o.toml:3: this team needs a «name»");
        check(&format!("{acme}teams = [{{ name = \"x\", role = \"owner\" }}]"), "o.toml:3: a team's role is admin");
        check(&format!("{acme}teams = [{{ name = \"x\" }}, {{ name = \"X\" }}]"), "o.toml:3: the team «X» is there");
        check(&format!("{acme}teams = [{{ name = \"x\", rol = \"a\" }}]"), "o.toml:3: unknown key «rol»");
        check(&format!("{acme}domains = [\"acme\"]"), "o.toml:3: «domains» must hold domains");
        check(&format!("{acme}members = {{ \"ada\" = \"owner\" }}"), "o.toml:3: \"ada\" is not an e-mail address");
        check(&format!("{acme}members = {{ \"a@b.example\" = \"boss\" }}"), "o.toml:3: \"boss\" is not a role");
        check(
            &format!("{acme}settings = {{ require_ss = true }}"),
            "o.toml:3: unknown key «require_ss» in [settings]: did you mean «require_sso»?",
        );
        check(
            &format!("{acme}settings = {{ require_sso = 1 }}"),
            "o.toml:3: «require_sso» must be true or false, not 1",
        );
        check(&format!("{acme}sso = {{ issuer = \"x\" }}"), "o.toml:3: «sso» needs either «metadata»");
        check(&format!("{acme}sso = {{ metadata = \"http://idp.test/\" }}"), "o.toml:3: «metadata»: the address");
        check(
            &format!("{acme}sso = {{ metadata = \"no.xml\" }}"),
            "o.toml:3: can't read no.xml: there is no such file",
        );
        check(
            &format!("{acme}sso = {{ metadata = \"Cargo.toml\", binding = \"fax\" }}"),
            "o.toml:3: «binding» must be",
        );
    }
}
