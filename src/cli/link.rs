//! `link`

use std::time::Duration;

use clap::Subcommand;

use super::output::{complain, table};
use super::text;
use super::{Context, Failure};
use crate::administration::api::{
    LinkCode, LinkCodeView, LinkJoin, LinkLeave, LinkList, LinkPreview, LinkPreviewView, LinkView, PREVIEW_LIMIT,
};
use crate::config::parse_duration;
use crate::kernel::Slug;

/// `link`
#[derive(Debug, Subcommand)]
pub enum Link {
    /// Print a code by which one organization can be linked, once, within an hour
    #[command(after_help = "Example:\n  vestibule link code acme-group")]
    Code {
        /// The Admin organization
        admin_slug: Slug,
    },
    /// Link an organization to the Admin organization whose code it is
    #[command(
        after_help = "Its own single sign-on and claims rest from then on, and are kept. Until the window ends, \
        its own connection still counts for its own domains.\n\n\
        Example:\n  vestibule link join acme 5f1d…\n  vestibule link join acme 5f1d… --window 1d"
    )]
    Join {
        /// The organization
        slug: Slug,
        /// The code
        code: String,
        /// How long the old connection goes on counting, such as 7d or 12h
        #[arg(long, default_value = "7d", value_parser = span)]
        window: Duration,
    },
    /// What joining would change: who signs in differently, which domains collide; the code stays good
    #[command(after_help = "Example:\n  vestibule link preview acme 5f1d…")]
    Preview {
        /// The organization
        slug: Slug,
        /// The code
        code: String,
    },
    /// End a link: the organization's own single sign-on and claims count again
    Leave {
        /// The organization
        slug: Slug,
    },
    /// The organizations linked to an Admin organization
    List {
        /// The Admin organization
        admin_slug: Slug,
    },
}

fn span(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok_or_else(|| "a span such as 7d, 12h or 30m is wanted".to_owned())
}

pub(super) fn run(context: &Context, verb: Link) -> Result<(), Failure> {
    match verb {
        Link::Code { admin_slug } => context.ask(&LinkCode { slug: admin_slug }, code),
        Link::Join { slug, code, window } => {
            let window_seconds = Some(window.as_secs());
            context.ask(&LinkJoin { slug, code, window_seconds }, joined)
        }
        Link::Preview { slug, code } => context.ask(&LinkPreview { slug, code }, preview),
        Link::Leave { slug } => context.ask(&LinkLeave { slug }, |gone| {
            format!(
                "{}\nIts own single sign-on and claims count again; sessions made through the Admin organization ended.",
                text::changes(gone)
            )
        }),
        Link::List { admin_slug } => context.ask(&LinkList { slug: admin_slug }, |found| list(found)),
    }
}

/// The code alone on stdout, so that it can be piped.
fn code(made: &LinkCodeView) -> String {
    complain(&format!(
        "For one use, until {}. Before: `vestibule link preview SLUG CODE`; then: `vestibule link join SLUG CODE`.",
        made.ends
    ));
    made.code.clone()
}

fn joined(link: &LinkView) -> String {
    let (slug, admin) = (&link.slug, &link.admin);
    let mut lines = vec![format!(
        "{slug} is linked to {admin}. Its own connection counts for its own domains until {}.",
        link.window_ends
    )];
    if !link.own_domains.is_empty() {
        lines.push("Next, once its people can use the application at the identity provider:".to_owned());
        let next = link.own_domains.iter().map(|domain| format!("  vestibule domain transfer {domain} --to {admin}"));
        lines.extend(next);
    }
    lines.join("\n")
}

fn preview(view: &LinkPreviewView) -> String {
    let mut lines = vec![format!("{} linked to {} would change:", view.slug, view.admin)];
    lines.extend(view.warnings.iter().map(|warning| format!("! {warning}")));
    let settings = view.settings.iter().map(|setting| {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        format!("~ {}: {} → {}", setting.what, text(&setting.before), text(&setting.after))
    });
    lines.extend(settings);
    let domains = view.domains.iter().map(|domain| {
        let mark = if domain.collides { "collides" } else { "domain" };
        format!("{mark} {}: {}", domain.domain, domain.what)
    });
    lines.extend(domains);
    let people = view.people.iter().map(|person| {
        let (email, role) = (&person.email, &person.role);
        format!(
            "{email} ({role})\n    now         {}\n    handed over {}\n    otherwise   {}, once the window is over",
            person.now, person.handed_over, person.then
        )
    });
    lines.extend(people);
    if view.people_changed > PREVIEW_LIMIT {
        lines.push(format!("… and {} more", view.people_changed - PREVIEW_LIMIT));
    }
    let (changed, unchanged) = (text::count(view.people_changed, "member"), view.people_unchanged);
    lines.push(format!("{changed} would sign in differently, {unchanged} as before."));
    lines.join("\n")
}

fn list(found: &[LinkView]) -> String {
    let joined =
        |domains: &[crate::kernel::DomainName]| domains.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let row = |link: &LinkView| {
        let window = if link.in_window { format!("until {}", link.window_ends) } else { "over".to_owned() };
        let uses = match &link.old_connection_last {
            Some(last) => format!("{}, last {last}", link.old_connection_uses),
            None => "none".to_owned(),
        };
        let adds = if link.idp_managed_access { "added" } else { "invited" };
        [
            link.slug.to_string(),
            link.since.clone(),
            window,
            adds.to_owned(),
            joined(&link.own_domains),
            joined(&link.moved_domains),
            uses,
        ]
    };
    let rows: Vec<_> = found.iter().map(row).collect();
    let empty = "No linked organizations: `vestibule link code ADMIN_SLUG` makes a code to join by.";
    table(["SLUG", "SINCE", "WINDOW", "PEOPLE", "OWN DOMAINS", "HANDED OVER", "OLD CONNECTION USED"], &rows, empty)
}
