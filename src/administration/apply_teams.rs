//! `apply`, the teams: from those there are to those wanted, by pure steps.

use std::collections::BTreeMap;

use super::api::{Difference, WantedRole, WantedTeam};
use super::{Administration, team};
use crate::directory::{Organization, Team, User, team as teams, team_member, user};
use crate::kernel::{EmailAddress, Fault, Role};
use crate::store::Tx;

/// A team as it is: who is in it, by address.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Present {
    name: String,
    role: Option<Role>,
    members: Vec<EmailAddress>,
}

/// What is to be done about teams. A team is meant by its folded name.
#[derive(Clone, Debug, PartialEq, Eq)]
enum TeamStep {
    Create(String, Option<Role>),
    Rename(String, String),
    SetRole(String, Option<Role>, Option<Role>),
    Add(String, EmailAddress),
    Remove(String, EmailAddress),
    Delete(String),
}

/// From the teams there are to those wanted: whoever is to go goes first, so that nobody is in two in between. Pure.
fn team_steps(present: &[Present], wanted: &[WantedTeam], prune: bool) -> Vec<TeamStep> {
    let by_name: BTreeMap<String, &Present> = present.iter().map(|team| (teams::fold(&team.name), team)).collect();
    let mut steps = Vec::new();
    if prune {
        let unlisted =
            |team: &&Present| !wanted.iter().any(|other| teams::fold(&other.name) == teams::fold(&team.name));
        steps.extend(present.iter().filter(unlisted).map(|team| TeamStep::Delete(team.name.clone())));
    }
    let mut additions = Vec::new();
    for team in wanted {
        let name = &team.name;
        let held = by_name.get(&teams::fold(name));
        match held {
            None => {
                let role = if let WantedRole::With(role) = team.role { Some(role) } else { None };
                steps.push(TeamStep::Create(name.clone(), role));
            }
            Some(held) => {
                if held.name != *name {
                    steps.push(TeamStep::Rename(held.name.clone(), name.clone()));
                }
                let role = match team.role {
                    WantedRole::Any => held.role,
                    WantedRole::Without => None,
                    WantedRole::With(role) => Some(role),
                };
                if role != held.role {
                    steps.push(TeamStep::SetRole(name.clone(), held.role, role));
                }
            }
        }
        let there: &[EmailAddress] = held.map_or(&[], |held| &held.members);
        if prune {
            let gone = there.iter().filter(|email| !team.members.contains(email));
            steps.extend(gone.map(|email| TeamStep::Remove(name.clone(), email.clone())));
        }
        let mut fresh: Vec<&EmailAddress> = team.members.iter().filter(|email| !there.contains(email)).collect();
        fresh.sort();
        fresh.dedup();
        additions.extend(fresh.into_iter().map(|email| TeamStep::Add(name.clone(), email.clone())));
    }
    steps.extend(additions);
    steps
}

/// Brings the teams of one organization to what is wanted; its members are as wanted already.
pub async fn bring(
    admin: &Administration,
    tx: &Tx,
    found: &Organization,
    wanted: &[WantedTeam],
    prune: bool,
) -> Result<Vec<Difference>, Fault> {
    let mut present = Vec::new();
    for held in teams::list_all(tx, found.id).await? {
        // Having read it, this runs again if the team or its members change meanwhile.
        teams::stamp(tx, &held).await?;
        let mut members = Vec::new();
        for id in team_member::list_all(tx, &held).await? {
            members.extend(user::by_id(tx, id).await?.map(|account| account.email));
        }
        present.push(Present { name: held.name, role: held.role, members });
    }
    let mut changes = Vec::new();
    for step in team_steps(&present, wanted, prune) {
        changes.push(take(admin, tx, found, step).await?);
    }
    Ok(changes)
}

async fn take(admin: &Administration, tx: &Tx, found: &Organization, step: TeamStep) -> Result<Difference, Fault> {
    let tell =
        |what: String, before: Option<String>, after: Option<String>| Difference::new(&found.slug, what, before, after);
    Ok(match step {
        TeamStep::Create(name, role) => {
            let made = team::make(admin, tx, found, &name, role).await?;
            let role = role.map_or_else(|| "without a role".to_owned(), |role| format!("with role {role}"));
            tell(team::in_team(&made), None, Some(role))
        }
        TeamStep::Rename(from, to) => {
            let held = teams::by_name(tx, found, &from).await?;
            team::give_name(admin, tx, found, &held, &to).await?;
            tell("team".to_owned(), Some(from), Some(to))
        }
        TeamStep::SetRole(name, before, after) => {
            let held = teams::by_name(tx, found, &name).await?;
            team::give_role(admin, tx, found, &held, after)?;
            let word = |role| Some(team::role_word(role));
            tell(format!("role of {}", team::in_team(&held)), word(before), word(after))
        }
        TeamStep::Add(name, email) => {
            let (held, account) = meant(tx, found, &name, &email).await?;
            team::put_in(admin, tx, found, &held, &account).await?;
            tell(team::in_team(&held), None, Some(email.to_string()))
        }
        TeamStep::Remove(name, email) => {
            let (held, account) = meant(tx, found, &name, &email).await?;
            team::take_out(admin, tx, found, &held, &account).await?;
            tell(team::in_team(&held), Some(email.to_string()), None)
        }
        TeamStep::Delete(name) => {
            let held = teams::by_name(tx, found, &name).await?;
            team::end(admin, tx, found, &held).await?;
            tell("team".to_owned(), Some(name), None)
        }
    })
}

async fn meant(tx: &Tx, found: &Organization, name: &str, email: &EmailAddress) -> Result<(Team, User), Fault> {
    Ok((teams::by_name(tx, found, name).await?, user::by_email(tx, email).await?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn email(name: &str) -> EmailAddress {
        format!("{name}@acme.example").parse().unwrap()
    }

    fn present(name: &str, role: Option<Role>, members: &[&str]) -> Present {
        Present { name: name.to_owned(), role, members: members.iter().map(|name| email(name)).collect() }
    }

    fn wanted(name: &str, role: WantedRole, members: &[&str]) -> WantedTeam {
        WantedTeam { name: name.to_owned(), role, members: members.iter().map(|name| email(name)).collect() }
    }

    #[test]
    fn teams_move_from_what_is_to_what_is_wanted() {
        let check = |present: &[Present], wanted: &[WantedTeam], prune: bool, expected: &[TeamStep]| {
            assert_eq!(team_steps(present, wanted, prune), expected);
        };
        let name = || "Ops".to_owned();
        let (admin, any, with) = (Some(Role::Admin), WantedRole::Any, WantedRole::With(Role::Admin));
        let add = |who: &str| TeamStep::Add(name(), email(who));
        check(&[], &[], true, &[]);
        check(&[present("Ops", admin, &["a"])], &[wanted("Ops", with, &["a"])], true, &[]);
        let made = [TeamStep::Create(name(), admin), add("a"), add("b")];
        check(&[], &[wanted("Ops", with, &["b", "a", "b"])], false, &made);
        let held = [present("Ops", admin, &[])];
        check(&held, &[wanted("Ops", any, &[])], true, &[]);
        let taken = [TeamStep::SetRole(name(), admin, None)];
        check(&held, &[wanted("Ops", WantedRole::Without, &[])], true, &taken);
        let renamed = [TeamStep::Rename("OPS".to_owned(), name())];
        check(&[present("OPS", None, &[])], &[wanted("Ops", any, &[])], true, &renamed);
        let held = [present("Ops", None, &["a"]), present("Dev", None, &[])];
        check(&held, &[wanted("Ops", any, &[])], false, &[]);
        let pruned = [TeamStep::Delete("Dev".to_owned()), TeamStep::Remove(name(), email("a"))];
        check(&held, &[wanted("Ops", any, &[])], true, &pruned);
    }
}
