//! `org`

use super::output::{facts, table};
use super::text::{self, word};
use super::verbs::Org;
use super::{Context, Failure};
use crate::administration::api::{MEMBER_COUNT_LIMIT, OrgCreate, OrgDelete, OrgList, OrgSet, OrgShow, OrgView};
use crate::directory::OrgKind;

pub(super) fn run(context: &Context, verb: Org) -> Result<(), Failure> {
    match verb {
        Org::Create { slug, name, admin } => {
            let kind = if admin { OrgKind::Admin } else { OrgKind::Customer };
            context.ask(&OrgCreate { slug, name, kind }, created)
        }
        Org::List => context.ask(&OrgList {}, |found| list(found)),
        Org::Show { slug } => context.ask(&OrgShow { slug }, show),
        Org::Set { slug, settings } => context.ask(&OrgSet { slug, settings }, text::changes),
        Org::Delete { slug } => {
            context.ask(&OrgDelete { slug }, |gone| format!("{}\nThe slug is never used again.", text::changes(gone)))
        }
    }
}

fn created(made: &OrgView) -> String {
    let slug = &made.slug;
    let whose = if made.kind == OrgKind::Admin {
        format!("  vestibule link code {slug}                       a code to link an organization by\n")
    } else {
        String::new()
    };
    format!(
        "Made {} ({slug}). Next:\n  vestibule domain claim {slug} DOMAIN             whose people it are\n  \
         vestibule sso show {slug}                        what to type at its identity provider\n  \
         vestibule sso set {slug} --metadata FILE         what to take from it\n{whose}",
        made.name
    )
}

fn domains(organization: &OrgView) -> String {
    organization.domains.iter().map(|claim| claim.domain.to_string()).collect::<Vec<_>>().join(", ")
}

fn members(organization: &OrgView) -> String {
    if organization.members >= MEMBER_COUNT_LIMIT {
        format!("{MEMBER_COUNT_LIMIT} or more")
    } else {
        organization.members.to_string()
    }
}

fn list(found: &[OrgView]) -> String {
    let row = |organization: &OrgView| {
        let sso = if organization.sso.is_some() { "on" } else { "off" };
        [
            organization.slug.to_string(),
            organization.name.clone(),
            word(&organization.kind),
            sso.to_owned(),
            members(organization),
            domains(organization),
        ]
    };
    let rows: Vec<_> = found.iter().map(row).collect();
    let empty = "No organizations yet: `vestibule org create SLUG --name NAME` makes one.";
    table(["SLUG", "NAME", "KIND", "SSO", "MEMBERS", "DOMAINS"], &rows, empty)
}

fn show(organization: &OrgView) -> String {
    let none = || "none".to_owned();
    let limit = |limit: &Option<String>| limit.clone().unwrap_or_else(|| "as configured".to_owned());
    let above = || organization.linked_to.as_ref().map(|admin| format!("those of {admin}; its own rest"));
    let claims = organization.domains.iter().map(|claim| {
        let how = if claim.trusted { ", on the operator's word" } else { "" };
        format!("{} ({}{how})", claim.domain, word(&claim.state))
    });
    let claims: Vec<String> = claims.collect();
    let work: Vec<String> = organization.discoverable_domains.iter().map(ToString::to_string).collect();
    facts(&[
        ("slug", organization.slug.to_string()),
        ("name", organization.name.clone()),
        ("kind", word(&organization.kind)),
        ("id", organization.id.to_string()),
        ("created", organization.created.clone()),
        ("domains", if claims.is_empty() { above().unwrap_or_else(none) } else { claims.join(", ") }),
        ("linked to", organization.linked_to.as_ref().map_or_else(none, ToString::to_string)),
        ("single sign-on", organization.sso.clone().unwrap_or_else(|| above().unwrap_or_else(none))),
        ("members", members(organization)),
        ("require_sso", organization.require_sso.to_string()),
        ("idp_managed_access", organization.idp_managed_access.to_string()),
        ("two_factor", word(&organization.two_factor)),
        ("grace_sign_ins", organization.grace_sign_ins.to_string()),
        ("trust_idp_mfa", organization.trust_idp_mfa.to_string()),
        (
            "mfa_values",
            if organization.mfa_values.is_empty() { "default".to_owned() } else { organization.mfa_values.join(", ") },
        ),
        (
            "trusted_browser_days",
            organization.trusted_browser_days.map_or_else(|| "off".to_owned(), |days| days.to_string()),
        ),
        ("idp_initiated", organization.idp_initiated.to_string()),
        ("session_idle", limit(&organization.session_idle)),
        ("session_absolute", limit(&organization.session_absolute)),
        ("discoverability", organization.discoverability.to_string()),
        ("discoverable_domains", if work.is_empty() { none() } else { work.join(", ") }),
        ("scim_name", organization.scim_name.clone().unwrap_or_else(none)),
    ])
}
