//! `user`

use std::io::{BufRead as _, Read as _};

use super::output::{complain, facts, table};
use super::text::{self, word};
use super::verbs::User;
use super::{Context, Failure};
use crate::administration::api::{
    Call, Changes, MembershipView, SecondFactorView, UserActivate, UserAdd, UserAdded, UserConfirm, UserInvite,
    UserList, UserRemove, UserResetPassword, UserResetSecondFactor, UserSet, UserShow, UserView,
};
use crate::kernel::{Secret, Slug};

/// The longest line that is read as a password, in bytes.
const PASSWORD_LIMIT: u64 = 4096;

pub(super) fn run(context: &Context, verb: User) -> Result<(), Failure> {
    match verb {
        User::Add { slug, email, role, password_stdin } => {
            let password = if password_stdin { Some(password()?) } else { None };
            let slug_told = slug.clone();
            context.ask(&UserAdd { slug, email, role, password }, |added| told(added, &slug_told))
        }
        User::Invite { slug, email, role } => {
            let told = format!("{email} is invited to {slug}: a mail is on its way.");
            context.ask(&UserInvite { slug, email, role }, |_| told)
        }
        User::List { slug } => context.ask(&UserList { slug }, |found| list(found)),
        User::Show { email } => context.ask(&UserShow { email }, show),
        User::Set { slug, email, role } => change(context, &UserSet { slug, email, role }),
        User::Deactivate { email } => change(context, &UserActivate { email, active: false }),
        User::Activate { email } => context.ask(&UserActivate { email, active: true }, text::changes),
        User::ResetPassword { email } => context.ask(&UserResetPassword { email }, text::changes),
        User::ResetSecondFactor { email } => context.ask(&UserResetSecondFactor { email }, text::changes),
        User::Confirm { slug, email } => context.ask(&UserConfirm { slug, email }, text::changes),
        User::Remove { slug, email } => change(context, &UserRemove { slug, email }),
    }
}

/// Asks for a change; what somebody should know of it stands on stderr, whoever reads the rest.
fn change<C: Call<Answer = Changes>>(context: &Context, call: &C) -> Result<(), Failure> {
    let answer = context.server()?.call(call)?;
    for warning in &answer.warnings {
        complain(&format!("warning: {warning}"));
    }
    context.show(&answer, text::changes);
    Ok(())
}

/// The first line of standard input.
fn password() -> Result<Secret<String>, Failure> {
    let mut line = String::new();
    let read = std::io::stdin().lock().take(PASSWORD_LIMIT).read_line(&mut line);
    read.map_err(|error| Failure(format!("the password can't be read from standard input: {error}")))?;
    let password = line.strip_suffix('\n').map_or(line.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    if password.is_empty() {
        return Err(Failure("there is no password on standard input: its first line is taken".to_owned()));
    }
    Ok(Secret::new(password.to_owned()))
}

fn told(added: &UserAdded, slug: &Slug) -> String {
    let role = added.user.memberships.iter().find(|membership| membership.slug == *slug);
    let role = role.map_or_else(String::new, |membership| format!("{} ", membership.role));
    let told = format!("{} is {role}of {slug} now", added.user.email);
    match &added.unclaimed_domain {
        Some(domain) if !added.local => {
            format!("{told}, but can't sign in: no organization has claimed {domain}, and they have no password.")
        }
        _ => format!("{told}."),
    }
}

fn state(user: &UserView) -> &'static str {
    if user.active { "active" } else { "deactivated" }
}

fn list(found: &[UserView]) -> String {
    let row = |user: &UserView| {
        let member = user.memberships.first();
        [
            user.email.to_string(),
            user.name.clone().unwrap_or_default(),
            member.map(role).unwrap_or_default(),
            member.map(|member| word(&member.origin)).unwrap_or_default(),
            state(user).to_owned(),
        ]
    };
    let rows: Vec<_> = found.iter().map(row).collect();
    let empty =
        "No members yet: `vestibule user add SLUG EMAIL` adds one; with idp_managed_access people add themselves.";
    table(["EMAIL", "NAME", "ROLE", "BY", "ACCOUNT"], &rows, empty)
}

fn second_factor(held: &SecondFactorView) -> String {
    if held.methods.is_empty() {
        return "none".to_owned();
    }
    let browsers = match held.trusted_browsers {
        0 => String::new(),
        count => format!("; {count} trusted browsers"),
    };
    format!("{}; {} recovery codes left{browsers}", held.methods.join(", "), held.recovery_codes)
}

fn role(member: &MembershipView) -> String {
    if member.asleep { format!("{}, asleep until confirmed", member.role) } else { member.role.to_string() }
}

fn show(user: &UserView) -> String {
    let memberships = user.memberships.iter().map(|member| {
        let by = word(&member.origin);
        let teams = match member.teams.as_slice() {
            [] => String::new(),
            teams => format!(", in {}", teams.join(", ")),
        };
        let own = member.role;
        let role = match member.effective_role {
            role if role == own => role.to_string(),
            role => format!("{role} by a team, {own} by hand,"),
        };
        let asleep = if member.asleep { ", asleep until confirmed" } else { "" };
        format!("{role}{asleep} of {}{teams} (by {by}, since {})", member.slug, member.since)
    });
    let memberships: Vec<String> = memberships.collect();
    facts(&[
        ("email", user.email.to_string()),
        ("name", user.name.clone().unwrap_or_else(|| "not known".to_owned())),
        ("id", user.id.to_string()),
        ("account", state(user).to_owned()),
        ("password", user.password.map_or("not known", |has| if has { "has one" } else { "none" }).to_owned()),
        ("created", user.created.clone()),
        ("factors", user.second_factor.as_ref().map_or_else(String::new, second_factor)),
        ("memberships", if memberships.is_empty() { "none".to_owned() } else { memberships.join("\n             ") }),
    ])
}
