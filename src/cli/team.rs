//! `team`: the verbs, and their answers.

use clap::Subcommand;

use super::output::table;
use super::text::{self, word};
use super::{Context, Failure};
use crate::administration::api::{
    TeamAdd, TeamCreate, TeamDelete, TeamList, TeamMemberView, TeamRemove, TeamRename, TeamSetRole, TeamShow, TeamView,
};
use crate::kernel::{EmailAddress, Role, Slug};

/// `team`
#[derive(Debug, Subcommand)]
pub enum Team {
    /// Make a team, if wanted with a role that its members have at least
    #[command(after_help = "Example:\n  vestibule team create acme Support --role admin")]
    Create {
        /// Which organization
        slug: Slug,
        /// The team's name; letter case makes no difference
        name: String,
        /// admin, billing_admin or member: whoever is in the team has at least that role
        #[arg(long)]
        role: Option<Role>,
    },
    /// The teams of an organization
    List {
        /// Which organization
        slug: Slug,
    },
    /// Who is in a team
    Show {
        /// Which organization
        slug: Slug,
        /// The team's name
        name: String,
    },
    /// Put a member of the organization into a team
    #[command(after_help = "Example:\n  vestibule team add acme Support ada@acme.example")]
    Add {
        /// Which organization
        slug: Slug,
        /// The team's name
        name: String,
        /// Who
        email: EmailAddress,
    },
    /// Take somebody out of a team; they stay a member of the organization
    Remove {
        /// Which organization
        slug: Slug,
        /// The team's name
        name: String,
        /// Who
        email: EmailAddress,
    },
    /// Give a team another name; routes of the configuration that name it don't follow
    Rename {
        /// Which organization
        slug: Slug,
        /// The team's name
        name: String,
        /// Its new name
        new_name: String,
    },
    /// Set the role that a team's members have at least, or «none»
    #[command(after_help = "Example:\n  vestibule team role acme Support none")]
    Role {
        /// Which organization
        slug: Slug,
        /// The team's name
        name: String,
        /// admin, billing_admin, member or none
        #[arg(value_parser = role)]
        role: TeamRole,
    },
    /// Delete a team; whoever was in it stays a member of the organization
    Delete {
        /// Which organization
        slug: Slug,
        /// The team's name
        name: String,
    },
}

/// A team's role, or none.
#[derive(Clone, Copy, Debug)]
pub struct TeamRole(Option<Role>);

fn role(text: &str) -> Result<TeamRole, String> {
    match text {
        "none" => Ok(TeamRole(None)),
        text => text
            .parse()
            .map(|role| TeamRole(Some(role)))
            .map_err(|_| format!("«{text}» is not a role of a team: admin, billing_admin, member or none is wanted")),
    }
}

pub(super) fn run(context: &Context, verb: Team) -> Result<(), Failure> {
    match verb {
        Team::Create { slug, name, role } => context.ask(&TeamCreate { slug, name, role }, created),
        Team::List { slug } => context.ask(&TeamList { slug }, |found| list(found)),
        Team::Show { slug, name } => context.ask(&TeamShow { slug, name }, |found| show(found)),
        Team::Add { slug, name, email } => context.ask(&TeamAdd { slug, name, email }, text::changes),
        Team::Remove { slug, name, email } => context.ask(&TeamRemove { slug, name, email }, text::changes),
        Team::Rename { slug, name, new_name } => context.ask(&TeamRename { slug, name, new_name }, text::changes),
        Team::Role { slug, name, role } => context.ask(&TeamSetRole { slug, name, role: role.0 }, text::changes),
        Team::Delete { slug, name } => context.ask(&TeamDelete { slug, name }, text::changes),
    }
}

fn role_text(team: &TeamView) -> String {
    team.role.map_or_else(|| "none".to_owned(), |role| role.to_string())
}

fn size_text(team: &TeamView) -> String {
    if team.more { format!("{}+", team.size) } else { team.size.to_string() }
}

fn created(made: &TeamView) -> String {
    let TeamView { slug, name, .. } = made;
    let role = match made.role {
        Some(role) => format!("; whoever is in it is {role} at least"),
        None => String::new(),
    };
    format!("Made the team {name} of {slug}{role}. Next:\n  vestibule team add {slug} \"{name}\" EMAIL")
}

fn list(found: &[TeamView]) -> String {
    let row = |team: &TeamView| [team.name.clone(), role_text(team), size_text(team), word(&team.origin)];
    let rows: Vec<_> = found.iter().map(row).collect();
    table(["TEAM", "ROLE", "MEMBERS", "BY"], &rows, "No teams yet: `vestibule team create SLUG NAME` makes one.")
}

fn show(found: &[TeamMemberView]) -> String {
    let row = |member: &TeamMemberView| {
        let name = member.name.clone().unwrap_or_default();
        [member.email.to_string(), name, word(&member.origin), member.since.clone()]
    };
    let rows: Vec<_> = found.iter().map(row).collect();
    let empty = "Nobody is in it yet: `vestibule team add SLUG NAME EMAIL` puts somebody in.";
    table(["EMAIL", "NAME", "BY", "SINCE"], &rows, empty)
}
