//! The commands as they are typed (CONTRACT.md), with the help that teaches them.

use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand};

use crate::kernel::{EmailAddress, Role, SessionId, Slug};

/// One binary in front of your app that gives its customers single sign-on.
#[derive(Debug, Parser)]
#[command(
    name = "vestibule",
    version,
    about,
    arg_required_else_help = true,
    infer_subcommands = false,
    after_help = "Start here:\n  vestibule demo                 try it: sample app, identity provider, people to sign in as\n  \
                  vestibule check                what is wrong with vestibule.toml, line by line\n  \
                  vestibule serve                the real thing"
)]
pub struct Cli {
    /// The configuration; default: vestibule.toml here, then /etc/vestibule/vestibule.toml
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print the answer as JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// What the declarations above can't say of a command line.
    ///
    /// # Errors
    /// Wrong usage, in one sentence.
    pub fn complete(self) -> Result<Self, clap::Error> {
        match &self.command {
            Command::Sso(Sso::Set(typed)) if !typed.names_the_idp() => {
                let text = "give --metadata FILE or URL, or --issuer, --sign-in-url and --certificate\n";
                Err(clap::Error::raw(ErrorKind::MissingRequiredArgument, text))
            }
            _ => Ok(self),
        }
    }
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Try it: sample app, identity provider, two companies, four people, a throw-away store
    #[command(after_help = "Example:\n  vestibule demo --port 8000")]
    Demo(Demo),
    /// Run: the proxy, the portal, health and metrics, the admin socket
    #[command(after_help = "Example:\n  vestibule serve --config /etc/vestibule/vestibule.toml\n\n\
                            Ends on SIGTERM and SIGINT (Ctrl-C).")]
    Serve,
    /// Read and check the configuration, and with --store every record; starts nothing
    #[command(after_help = "Example:\n  vestibule check --config vestibule.toml --store")]
    Check {
        /// Look at every record and index of the store too
        #[arg(long)]
        store: bool,
    },
    /// Make organizations what a TOML file says: shows the difference, then makes it so
    #[command(after_help = super::organizations_file::HELP)]
    Apply {
        /// The file
        file: PathBuf,
        /// Show the difference alone
        #[arg(long)]
        dry_run: bool,
        /// Remove the domains and members of these organizations that the file does not list
        #[arg(long)]
        prune: bool,
    },
    /// Organizations: create, list, show, set, delete
    #[command(subcommand)]
    Org(Org),
    /// Single sign-on: what to type at the identity provider, and what to take from it
    #[command(subcommand)]
    Sso(Sso),
    /// Claimed domains: whose people an e-mail domain means
    #[command(subcommand)]
    Domain(Domain),
    /// Shared SSO: link organizations to an Admin organization, whose single sign-on and domains then count for them
    #[command(subcommand)]
    Link(Link),
    /// People and their memberships
    #[command(subcommand)]
    User(User),
    /// Teams: create, list, show, add, remove, rename, role, delete
    #[command(subcommand)]
    Team(super::team::Team),
    /// Tokens of identity providers that provision people and groups: issue, revoke
    #[command(subcommand)]
    ScimToken(super::scim::ScimToken),
    /// Sessions: list, revoke
    #[command(subcommand)]
    Session(Session),
    /// What apps are told: endpoints, what could not be delivered, a test
    #[command(subcommand)]
    Webhook(super::webhook::Webhook),
    /// Why someone gets in, or does not, step by step
    #[command(after_help = "Example:\n  vestibule explain ada@acme.example /reports/2026")]
    Explain {
        /// Who
        email: EmailAddress,
        /// Where to: a URL of the site, or a path
        url: Option<String>,
    },
    /// Recent sign-ins, each with its checks and, if refused, the reason and the fix
    #[command(after_help = "Example:\n  vestibule logins --org acme --last 5")]
    Logins {
        /// Of this organization alone
        #[arg(long, value_name = "SLUG")]
        org: Option<Slug>,
        /// How many
        #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1000))]
        last: u16,
    },
    /// Recent SCIM requests: what came, what became of it and, if refused, why; values are struck out
    #[command(after_help = "Example:\n  vestibule scim-log --org acme --last 5")]
    ScimLog {
        /// Of this organization alone
        #[arg(long, value_name = "SLUG")]
        org: Option<Slug>,
        /// How many
        #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
        last: u16,
    },
    /// Who changed or decided what, when, and from where; and whether anybody tampered with that record
    #[command(
        after_help = "Examples:\n  vestibule audit --org acme --since 24h\n  vestibule audit --follow --json\n  \
                            vestibule audit --verify\n  \
                            vestibule audit --org acme --verify --expect 41:9f86d081884c7d65…\n\n\
                            Note the ends that --verify shows somewhere else: with --expect, later, a chain that was cut \
                            or rewritten as a whole is found too."
    )]
    Audit(super::audit::Typed),
    /// Print a link that signs you in to the console as the operator, once
    #[command(after_help = "Example:\n  xdg-open \"$(vestibule console)\"")]
    Console,
    /// Keys that seal cookies and sign assertions and requests
    #[command(subcommand)]
    Keys(Keys),
    /// Write everything the store holds to a file (contains secrets: keep it safe)
    #[command(after_help = "Example:\n  vestibule backup /var/backups/vestibule-2026-11-22.jsonl")]
    Backup {
        /// The file; must not exist yet
        file: PathBuf,
    },
    /// Start the store anew from a backup; the server must be stopped. What was there is set aside, not deleted
    #[command(after_help = "Example:\n  vestibule restore /var/backups/vestibule-2026-11-22.jsonl")]
    Restore {
        /// The file
        file: PathBuf,
    },
    /// Ask the running server whether it is ready: for container health checks
    #[command(after_help = "Example (Dockerfile):\n  HEALTHCHECK CMD [\"vestibule\", \"health\"]")]
    Health,
}

/// `demo`
#[derive(Clone, Debug, Args)]
pub struct Demo {
    /// The demo brings its own: hidden, and refused.
    #[arg(long, hide = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Its places as JSON.
    #[arg(long, hide = true)]
    pub json: bool,
    /// The port of the protected app; the next free one if it is taken
    #[arg(long, default_value_t = 8080)]
    pub port: u16,
}

/// `org`
#[derive(Debug, Subcommand)]
pub enum Org {
    /// Make an organization
    #[command(after_help = "Example:\n  vestibule org create acme --name \"Acme Inc\"")]
    Create {
        /// Its short name in URLs and commands: a-z, 0-9 and -; never used again
        slug: Slug,
        /// Its name for people
        #[arg(long)]
        name: String,
        /// An Admin organization: holds single sign-on and domains for those linked to it
        #[arg(long)]
        admin: bool,
    },
    /// All organizations
    List,
    /// One organization, with its domains and settings
    Show {
        /// Which
        slug: Slug,
    },
    /// Change settings
    #[command(after_help = "Keys:\n  name                the name for people\n  \
        require_sso         true: the organization's people sign in by single sign-on only; asks for a sign-in\n                      \
                            through it by an owner or admin within the last hour\n  \
        idp_managed_access  true: whoever the identity provider lets in becomes a member\n  \
        idp_initiated       true: the identity provider may start sign-ins without a request; a page asks first\n  \
        session_idle        shorter idle limit, such as 30m; «default» for the configuration's\n  \
        session_absolute    shorter absolute limit, such as 8h; «default» for the configuration's\n  \
        scim_name           the group of the Admin organization whose members become members here; «none» for none\n  \
        two_factor          when a second factor is asked for: off, password (or a link by mail), always\n  \
        grace_sign_ins      how many sign-ins are left to whoever has none: 1 by default, 0 recommended\n  \
        trust_idp_mfa       true: a second factor at the identity provider counts\n  \
        mfa_values          what it must say for that, with commas between; «default» for the usual values\n  \
        trusted_browser_days  for how many days a browser may be trusted: 1 to 90, or «off»\n\n\
        Example:\n  vestibule org set acme idp_managed_access=true session_idle=30m")]
    Set {
        /// Which
        slug: Slug,
        /// Settings; all or none are changed
        #[arg(required = true, value_name = "KEY=VALUE", value_parser = setting)]
        settings: Vec<(String, String)>,
    },
    /// Delete an organization with its domains, single sign-on and memberships; its people's accounts stay
    Delete {
        /// Which
        slug: Slug,
    },
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("KEY=VALUE is wanted, such as require_sso=true")?;
    Ok((key.to_owned(), value.to_owned()))
}

/// `user`
#[derive(Debug, Subcommand)]
pub enum User {
    /// Make someone a member, and an account if they have none
    #[command(after_help = "Examples:\n  vestibule user add acme ada@acme.example --role owner\n  \
                            vestibule user add acme ada@acme.example --password-stdin < password.txt")]
    Add {
        /// Which organization
        slug: Slug,
        /// Who
        email: EmailAddress,
        /// owner, admin, billing_admin or member
        #[arg(long, default_value = "member")]
        role: Role,
        /// Give the account the password on the first line of standard input; of members too, whose role stays
        #[arg(long)]
        password_stdin: bool,
    },
    /// Make someone a member, and mail them a link that lets them in; members get another mail
    #[command(after_help = "Example:\n  vestibule user invite acme grace@acme.example")]
    Invite {
        /// Which organization
        slug: Slug,
        /// Who
        email: EmailAddress,
        /// owner, admin, billing_admin or member
        #[arg(long, default_value = "member")]
        role: Role,
    },
    /// The members of an organization
    List {
        /// Which
        slug: Slug,
    },
    /// One account, with all its memberships
    Show {
        /// Who
        email: EmailAddress,
    },
    /// Change someone's role in an organization
    #[command(after_help = "Example:\n  vestibule user set acme ada@acme.example --role admin")]
    Set {
        /// Which organization
        slug: Slug,
        /// Who
        email: EmailAddress,
        /// owner, admin, billing_admin or member
        #[arg(long)]
        role: Role,
    },
    /// Switch an account off: its sessions end within a second, and it gets none
    Deactivate {
        /// Who
        email: EmailAddress,
    },
    /// Switch an account on again
    Activate {
        /// Who
        email: EmailAddress,
    },
    /// Take someone's password away, and end their sessions; they choose another by mail
    ResetPassword {
        /// Who
        email: EmailAddress,
    },
    /// Take someone's second factor away, with its recovery codes; they get a mail
    #[command(
        after_help = "For whoever lost both phone and recovery codes. They set up another at the next sign-in that \
                            asks.\n\nExample:\n  vestibule user reset-second-factor ada@acme.example"
    )]
    ResetSecondFactor {
        /// Who
        email: EmailAddress,
    },
    /// Wake a membership that sleeps since the domain of the address changed hands: this person is still meant
    #[command(after_help = "Example:\n  vestibule user confirm acme ada@partner.example")]
    Confirm {
        /// Which organization
        slug: Slug,
        /// Who
        email: EmailAddress,
    },
    /// End a membership; the account stays
    Remove {
        /// Which organization
        slug: Slug,
        /// Who
        email: EmailAddress,
    },
}

/// `session`
#[derive(Debug, Subcommand)]
pub enum Session {
    /// Sessions, newest first
    #[command(after_help = "Example:\n  vestibule session list --user ada@acme.example")]
    List {
        /// In this organization
        #[arg(long, value_name = "SLUG", conflicts_with = "user")]
        org: Option<Slug>,
        /// Of this person
        #[arg(long, value_name = "EMAIL")]
        user: Option<EmailAddress>,
    },
    /// End sessions, with their open connections, within a second
    #[command(
        after_help = "Examples:\n  vestibule session revoke --user ada@acme.example\n  vestibule session revoke --all"
    )]
    Revoke(Revoke),
}

/// `session revoke`
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Revoke {
    /// One session
    pub id: Option<SessionId>,
    /// All of this person
    #[arg(long, value_name = "EMAIL")]
    pub user: Option<EmailAddress>,
    /// All in this organization
    #[arg(long, value_name = "SLUG")]
    pub org: Option<Slug>,
    /// Every session
    #[arg(long)]
    pub all: bool,
}

/// `keys`
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum Keys {
    /// Make new keys; what the old ones sealed and signed stays good
    #[command(
        after_help = "SAML keys take two rotations: the first announces the next one in the metadata, one at least \
                            a day later brings it into use."
    )]
    Rotate {
        /// Bring the announced SAML key into use even within a day of its announcement
        #[arg(long)]
        now: bool,
    },
}

pub use super::domain_verbs::Domain;
pub use super::link::Link;
pub use super::sso_verbs::{Certificate, Set as SsoSet, Sso};
