//! `domain`

use super::output::{complain, table};
use super::text::{self, word};
use super::verbs::Domain;
use super::{Context, Failure};
use crate::admin::api::{DomainClaim, DomainList, DomainRelease, DomainView};
use crate::kernel::{DomainName, Slug};

/// Domains where anybody can have an address.
const PUBLIC_MAIL: [&str; 20] = [
    "126.com",
    "163.com",
    "aol.com",
    "fastmail.com",
    "gmail.com",
    "gmx.com",
    "gmx.de",
    "gmx.net",
    "googlemail.com",
    "hotmail.com",
    "icloud.com",
    "live.com",
    "mail.ru",
    "me.com",
    "outlook.com",
    "proton.me",
    "qq.com",
    "web.de",
    "yahoo.com",
    "yandex.ru",
];

pub(super) fn run(context: &Context, verb: Domain) -> Result<(), Failure> {
    match verb {
        Domain::Claim { slug, domain, trusted: false } => Err(Failure(format!(
            "proof by DNS is not in this version yet: if you know that {domain} is theirs, say so with \
             `vestibule domain claim {slug} {domain} --trusted`"
        ))),
        Domain::Claim { slug, domain, trusted: true } => {
            if PUBLIC_MAIL.contains(&domain.as_str()) {
                let text = format!("{domain} belongs to everybody: all its addresses would sign in at {slug}");
                complain(&format!("warning: {text}; `vestibule domain release {slug} {domain}` undoes it"));
            }
            claim(context, slug, domain)
        }
        Domain::List { slug } => context.ask(&DomainList { slug }, |found| list(found)),
        Domain::Release { slug, domain } => context.ask(&DomainRelease { slug, domain }, text::changes),
    }
}

fn claim(context: &Context, slug: Slug, domain: DomainName) -> Result<(), Failure> {
    context.ask(&DomainClaim { slug, domain }, |claim| {
        format!(
            "{} is verified for {}, on your own word: everyone with such an address signs in there.",
            claim.domain, claim.slug
        )
    })
}

fn list(found: &[DomainView]) -> String {
    let row = |claim: &DomainView| {
        let how = if claim.trusted { "the operator's word" } else { "DNS" };
        [
            claim.domain.to_string(),
            claim.slug.to_string(),
            word(&claim.state),
            how.to_owned(),
            claim.verified.clone().unwrap_or_default(),
        ]
    };
    let rows: Vec<_> = found.iter().map(row).collect();
    let empty = "No claimed domains yet: `vestibule domain claim SLUG DOMAIN --trusted` makes a claim.";
    table(["DOMAIN", "ORGANIZATION", "STATE", "BY", "SINCE"], &rows, empty)
}
