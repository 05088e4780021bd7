//! Teams, page by page, and one with who is in it.

use std::sync::Arc;

use super::Administration;
use super::api::{TeamPage, TeamPageView, TeamWith, TeamWithView};
use super::team::{member_view, view};
use crate::directory::authority::Act;
use crate::directory::{organization, team, team_member, user};
use crate::kernel::{Fault, FaultKind};

/// How many teams, or members of a team, one page shows.
pub const PAGE: usize = 50;
/// Up to how many members of a team are counted.
pub const COUNTED: usize = 500;

/// A page of teams, in the order of their names.
pub async fn list(admin: Arc<Administration>, call: TeamPage) -> Result<TeamPageView, Fault> {
    let tx = admin.store.reader();
    let found = organization::by_slug(&tx, &call.slug).await?;
    admin.permit(&tx, Act::Manage(found.id), None).await?;
    let mut held = team::list_by_name(&tx, found.id, call.after, PAGE + 1).await?;
    let more = held.len() > PAGE;
    held.truncate(PAGE);
    let next = held.last().filter(|_| more).map(|last| team::fold(&last.name));
    let mut teams = Vec::new();
    for team in held {
        teams.push((team.id, view(&tx, &found, &team, COUNTED).await?));
    }
    Ok(TeamPageView { teams, next })
}

/// A team with a page of who is in it, in the order of their ids.
///
/// # Errors
/// «Not found», if there is no such team here.
pub async fn show(admin: Arc<Administration>, call: TeamWith) -> Result<TeamWithView, Fault> {
    let tx = admin.store.reader();
    let found = organization::by_slug(&tx, &call.slug).await?;
    admin.permit(&tx, Act::Manage(found.id), None).await?;
    let Some(held) = team::by_id(&tx, found.id, call.id).await? else {
        return Err(Fault::plain(FaultKind::NotFound, "There is no such team here, or no longer."));
    };
    let mut rows = team_member::list(&tx, &held, call.after, PAGE + 1).await?;
    let more = rows.len() > PAGE;
    rows.truncate(PAGE);
    let next = rows.last().filter(|_| more).map(|(id, _)| *id);
    let mut members = Vec::new();
    for (id, member) in rows {
        if let Some(account) = user::by_id(&tx, id).await? {
            members.push((id, member_view(account, &member)));
        }
    }
    members.sort_by(|(_, one), (_, two)| one.email.cmp(&two.email));
    Ok(TeamWithView {
        by_hand: team::is_by_hand(&tx, &found, &held).await?,
        own: admin.may(&tx, Act::Own(found.id), None).await?,
        team: view(&tx, &found, &held, COUNTED).await?,
        members,
        next,
    })
}
