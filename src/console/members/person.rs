//! One member: role, teams, sessions, and, where the account is the organization's (D5), what it signs in with.

use askama::Template;
use axum::extract::{Path, RawQuery};
use axum::response::Response;
use http::StatusCode;

use super::{PAGE, role_of};
use crate::administration::api::{
    AccountOf, Changes, MemberShow, MemberView, SessionList, SessionRevoke, SessionView, TeamAdd, TeamRemove,
    UserActivate, UserConfirm, UserRemove, UserResetPassword, UserResetSecondFactor, UserSet, Whose,
};
use crate::administration::{confirm, members, second_factor, session, team, user};
use crate::console::person_words::{self, Choice};
use crate::console::shell::{Shell, html, mistake};
use crate::console::{Door, Posted, teams, words};
use crate::kernel::{Fault, FaultKind};
use crate::web::browser_name::browser_name;
use crate::web::form::{Form, query_value};
use crate::web::page::{self, Trouble};

/// How many sessions of a person are shown.
const SHOWN: usize = 50;

#[derive(Template)]
#[template(path = "console/member.html")]
struct MemberPage {
    shell: Shell,
    /// This page's address.
    here: String,
    view: MemberView,
    role: &'static str,
    by_team: Option<&'static str>,
    since: String,
    origin: &'static str,
    state: (&'static str, &'static str),
    roles: Vec<Choice>,
    teams: Vec<TeamRow>,
    sessions: Vec<SessionRow>,
    /// There are more sessions than are shown.
    more: bool,
    team: String,
}

struct TeamRow {
    at: String,
    name: String,
    /// The role that it gives.
    role: Option<&'static str>,
    by_hand: bool,
}

struct SessionRow {
    id: String,
    agent: String,
    client: Option<String>,
    since: String,
    /// It is in this organization.
    here: bool,
}

impl MemberPage {
    fn is_own(&self) -> bool {
        self.view.account == AccountOf::Own
    }

    fn is_anothers(&self) -> bool {
        self.view.account == AccountOf::Another
    }

    /// What can be done to the account as it is now: what is posted, and its words.
    fn account_acts(&self) -> Vec<(&'static str, &'static str)> {
        let mut acts = vec![if self.view.user.active {
            ("deactivate", "Deactivate: end every session, and let them sign in no more")
        } else {
            ("activate", "Activate: let them sign in again")
        }];
        if self.view.password == Some(true) {
            acts.push(("reset-password", "Take the password away: they choose another by mail"));
        }
        if self.view.second_factor.as_ref().is_some_and(|held| !held.methods.is_empty()) {
            acts.push(("reset-second-factor", "Reset the second factor: they set up another"));
        }
        acts
    }
}

#[derive(Template)]
#[template(path = "console/member_remove.html")]
struct RemovePage {
    shell: Shell,
    here: String,
    view: MemberView,
    /// Where the page is that they came from.
    back: String,
}

/// `GET /.vestibule/console/o/{slug}/members/{user}`.
///
/// # Errors
/// Not theirs to see; no such member.
pub async fn show(
    Path((_, id)): Path<(String, String)>,
    door: Door,
    RawQuery(query): RawQuery,
) -> Result<Response, Trouble> {
    let view = member(&door, &id).await?;
    let done = match query_value(query.as_deref(), "done").unwrap_or_default().as_str() {
        "role" => Some("The role is changed, from their next click on."),
        "confirmed" => Some("Confirmed: they are a member as before."),
        "team" => Some("Their teams are changed."),
        "activated" => Some("Activated: they can sign in again."),
        "deactivated" => Some("Deactivated: every session ended, and they can't sign in."),
        "password" => Some("The password is gone, and every session ended. They choose another by mail."),
        "factor" => Some("The second factor is gone, and they were told by mail, if this site sends any."),
        "ended" => Some("Ended, within a second."),
        "same" => Some("It was so already."),
        "ownerless" => Some("Done. Nobody who can sign in owns this organization any more: make somebody an owner."),
        _ => None,
    };
    let shell = Shell { done, ..door.shell(PAGE) };
    page(&door, shell, StatusCode::OK, view, String::new()).await
}

async fn member(door: &Door, id: &str) -> Result<MemberView, Trouble> {
    let user = id.parse().map_err(|_| Trouble::not_found())?;
    let call = MemberShow { slug: door.organization.slug.clone(), user };
    members::show(door.admin.clone(), call).await.map_err(|fault| no_longer(door, fault))
}

/// Whoever is no member is answered in words, with the way back.
fn no_longer(door: &Door, fault: Fault) -> Trouble {
    let missing = fault.kind == FaultKind::NotFound;
    let mut trouble = Trouble::from(fault);
    if missing {
        trouble.again = Some(door.path(PAGE).into());
    }
    trouble
}

async fn page(
    door: &Door,
    shell: Shell,
    status: StatusCode,
    view: MemberView,
    team: String,
) -> Result<Response, Trouble> {
    let mut sessions = Vec::new();
    if view.may.membership {
        let call = SessionList { whose: Whose::User(view.user.email.clone()) };
        let found = session::list(door.admin.clone(), call).await?;
        sessions = found.into_iter().map(|session| session_row(&shell, session)).collect();
    }
    let more = sessions.len() > SHOWN;
    sessions.truncate(SHOWN);
    let teams = view.teams.iter().map(|team| TeamRow {
        at: shell.path(&format!("{}/{}", teams::PAGE, team.id)),
        name: team.name.clone(),
        role: team.role.map(person_words::role),
        by_hand: team.by_hand,
    });
    let (teams, held) = (teams.collect(), &view.membership);
    Ok(html(
        status,
        &MemberPage {
            here: shell.path(&format!("{PAGE}/{}", view.user.id)),
            role: person_words::role(held.role),
            by_team: (held.effective_role != held.role).then(|| person_words::role(held.effective_role)),
            since: words::moment(&held.since),
            origin: person_words::origin(held.origin),
            state: person_words::state(view.user.active, held.asleep),
            roles: person_words::roles(view.may.own),
            shell,
            view,
            teams,
            sessions,
            more,
            team,
        },
    ))
}

fn session_row(shell: &Shell, session: SessionView) -> SessionRow {
    SessionRow {
        id: session.id.to_string(),
        agent: session.user_agent.map_or_else(|| "Unknown browser".to_owned(), |agent| browser_name(&agent)),
        client: session.client,
        since: words::moment(&session.created),
        here: session.slug.is_some_and(|slug| slug.as_str() == shell.slug),
    }
}

/// `POST /.vestibule/console/o/{slug}/members/{user}` with `act`, and what that takes.
///
/// # Errors
/// Not theirs to do; what was typed stands in the page again.
pub async fn act(Path((_, id)): Path<(String, String)>, Posted { door, form }: Posted) -> Result<Response, Trouble> {
    let view = member(&door, &id).await?;
    match carry_out(&door, &form, &view).await {
        Ok(done) => Ok(door.back(&format!("{PAGE}/{id}"), done)),
        Err(fault) => {
            let (status, problem) = mistake(fault)?;
            let shell = Shell { problem: Some(problem), ..door.shell(PAGE) };
            let team = form.get("team").filter(|_| form.get("act") == Some("team-add")).unwrap_or_default().to_owned();
            page(&door, shell, status, view, team).await
        }
    }
}

async fn carry_out(door: &Door, form: &Form, view: &MemberView) -> Result<&'static str, Fault> {
    let (admin, slug, email) = (door.admin.clone(), door.organization.slug.clone(), view.user.email.clone());
    let text = |name: &str| form.get(name).unwrap_or_default().to_owned();
    let (changes, done) = match text("act").as_str() {
        "role" => (user::set(admin, UserSet { slug, email, role: role_of(&text("role"))? }).await?, "role"),
        "confirm" => (confirm::confirm(admin, UserConfirm { slug, email }).await?, "confirmed"),
        "team-add" => (team::add(admin, TeamAdd { slug, name: text("team"), email }).await?, "team"),
        "team-remove" => (team::remove(admin, TeamRemove { slug, name: text("team"), email }).await?, "team"),
        "activate" => (user::activate(admin, UserActivate { email, active: true }).await?, "activated"),
        "deactivate" => (user::activate(admin, UserActivate { email, active: false }).await?, "deactivated"),
        "reset-password" => (user::reset_password(admin, UserResetPassword { email }).await?, "password"),
        "reset-second-factor" => (second_factor::reset(admin, UserResetSecondFactor { email }).await?, "factor"),
        "end-session" => {
            let over = || Fault::plain(FaultKind::NotFound, "This session is over already.");
            let whose = Whose::Session(text("session").parse().map_err(|_| over())?);
            (session::revoke(admin, SessionRevoke { whose }).await?, "ended")
        }
        "end-sessions" => (session::revoke(admin, SessionRevoke { whose: Whose::User(email) }).await?, "ended"),
        _ => return Err(Fault::plain(FaultKind::Invalid, "The form does not say what is to be done.")),
    };
    Ok(told(&changes, done))
}

/// The mark for what was done; one of its own, if nobody owns the organization any more, or nothing changed.
fn told(changes: &Changes, done: &'static str) -> &'static str {
    match (changes.warnings.is_empty(), changes.changes.is_empty()) {
        (false, _) => "ownerless",
        (true, true) => "same",
        (true, false) => done,
    }
}

/// `GET /.vestibule/console/o/{slug}/members/{user}/remove`: what a removal means.
///
/// # Errors
/// Not theirs to see; no such member.
pub async fn ask_to_remove(Path((_, id)): Path<(String, String)>, door: Door) -> Result<Response, Trouble> {
    let view = member(&door, &id).await?;
    Ok(html(StatusCode::OK, &remove_page(&door, view, None)))
}

fn remove_page(door: &Door, view: MemberView, problem: Option<String>) -> RemovePage {
    let back = door.path(&format!("{PAGE}/{}", view.user.id));
    RemovePage { shell: Shell { problem, ..door.shell(PAGE) }, here: format!("{back}/remove"), view, back }
}

/// `POST /.vestibule/console/o/{slug}/members/{user}/remove`: ends the membership.
///
/// # Errors
/// Not theirs to do; no such member.
pub async fn remove(Path((_, id)): Path<(String, String)>, Posted { door, .. }: Posted) -> Result<Response, Trouble> {
    let view = member(&door, &id).await?;
    let call = UserRemove { slug: door.organization.slug.clone(), email: view.user.email.clone() };
    match user::remove(door.admin.clone(), call).await {
        Ok(changes) => Ok(page::redirect(&format!("{}?done={}", door.path(PAGE), told(&changes, "removed")), &[])),
        Err(fault) => {
            let (status, problem) = mistake(fault)?;
            Ok(html(status, &remove_page(&door, view, Some(problem))))
        }
    }
}
