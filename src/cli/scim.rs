//! `scim-token`: the verbs, and their answers.

use clap::Subcommand;

use super::output::complain;
use super::text;
use super::{Context, Failure};
use crate::administration::api::{ScimTokenIssue, ScimTokenRevoke, ScimTokenView};
use crate::kernel::Slug;

/// `scim-token`
#[derive(Debug, Subcommand)]
pub enum ScimToken {
    /// Print a new token, once; the one before ends in the same moment
    #[command(after_help = "Example:\n  vestibule scim-token issue acme")]
    Issue {
        /// Which organization
        slug: Slug,
    },
    /// End an organization's token: its provisioning is refused from then on
    Revoke {
        /// Which organization
        slug: Slug,
    },
}

pub(super) fn run(context: &Context, verb: ScimToken) -> Result<(), Failure> {
    match verb {
        ScimToken::Issue { slug } => {
            let base = context.load()?.config.scim.base_url();
            context.ask(&ScimTokenIssue { slug }, |made| issued(made, &base))
        }
        ScimToken::Revoke { slug } => context.ask(&ScimTokenRevoke { slug }, text::changes),
    }
}

/// The token alone on stdout, so that it can be piped.
fn issued(made: &ScimTokenView, base: &str) -> String {
    let mut lines = vec![format!(
        "Give it to the identity provider of {} with the base URL {base}; it is not shown again.",
        made.slug
    )];
    if made.replaced {
        lines.push("The one before ended just now.".to_owned());
    }
    if let Some(above) = &made.rests_under {
        lines.push(format!(
            "It rests while {} is linked to {above}, whose token provisions its people: `vestibule scim-token issue \
             {above}`.",
            made.slug
        ));
    }
    complain(&lines.join(" "));
    made.token.clone()
}
