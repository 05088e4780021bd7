//! `domain`, as it is typed.

use clap::Subcommand;

use crate::kernel::{DomainName, Slug};

/// `domain`
#[derive(Debug, Subcommand)]
pub enum Domain {
    /// Claim a domain for an organization: prints the DNS record that proves it
    #[command(after_help = "Examples:\n  vestibule domain claim acme acme.example\n  \
                            vestibule domain claim acme acme.example --trusted")]
    Claim {
        /// Which organization
        slug: Slug,
        /// The domain, as it stands behind the @
        domain: DomainName,
        /// Verified on your own word, without DNS; shown wherever the claim is
        #[arg(long)]
        trusted: bool,
    },
    /// Look for the record at once; exit code 1 if the domain is not verified then
    #[command(after_help = "Example:\n  vestibule domain verify acme acme.example")]
    Verify {
        /// Which organization
        slug: Slug,
        /// The domain
        domain: DomainName,
    },
    /// The claims of one organization, or of all: states, times, what DNS answered
    List {
        /// Which organization
        slug: Option<Slug>,
        /// Those too that rest, since their organization is linked to an Admin organization
        #[arg(long)]
        all: bool,
    },
    /// Hand a verified domain to the Admin organization that its holder is linked to, without a gap
    #[command(after_help = "Example:\n  vestibule domain transfer acme.example --to group")]
    Transfer {
        /// The domain
        domain: DomainName,
        /// The Admin organization
        #[arg(long, value_name = "SLUG")]
        to: Slug,
    },
    /// Give a claim up
    Release {
        /// Which organization
        slug: Slug,
        /// The domain
        domain: DomainName,
    },
}
