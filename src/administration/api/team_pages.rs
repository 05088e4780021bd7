//! Teams page by page, as the console shows them: nothing of it goes over the socket.

use super::{TeamMemberView, TeamView};
use crate::kernel::{Slug, TeamId, UserId};

/// A page of an organization's teams, in the order of their names.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "as in `team list`")]
pub struct TeamPage {
    pub slug: Slug,
    /// The name, folded, behind which the page begins; `None`: at the start.
    pub after: Option<String>,
}

/// A page of teams.
#[derive(Clone, Debug)]
pub struct TeamPageView {
    /// The teams with their ids; counted to [`super::super::team_pages::COUNTED`].
    pub teams: Vec<(TeamId, TeamView)>,
    /// Where the next page begins, if there is one.
    pub next: Option<String>,
}

/// A team with a page of who is in it.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "as in `team show`")]
pub struct TeamWith {
    pub slug: Slug,
    pub id: TeamId,
    /// The member behind whom the page begins; `None`: at the start.
    pub after: Option<UserId>,
}

/// A team with a page of who is in it.
#[derive(Clone, Debug)]
pub struct TeamWithView {
    /// The team.
    pub team: TeamView,
    /// Whether its name and who is in it are changed by hand; otherwise provisioning does.
    pub by_hand: bool,
    /// Who is in it.
    pub members: Vec<(UserId, TeamMemberView)>,
    /// Where the next page begins, if there is one.
    pub next: Option<UserId>,
    /// Whether what only owners do is theirs.
    pub own: bool,
}
