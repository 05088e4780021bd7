//! Of whom no single sign-on speaks for: in by a password, or by a link in the mail.

use super::{ExplainView, Known, Steps, Visitor, teams_text};
use crate::directory::places::{self, Person, Showed};
use crate::directory::two_factor::FirstFactor;
use crate::directory::{Entry, OrgKind, Team, User, member, outbox, password, team, team_member};
use crate::kernel::{Role, Slug};
use crate::store::{StoreError, Tx};

/// How somebody can sign in without single sign-on, and where that leads.
#[derive(Clone, Debug, Default)]
pub struct Local {
    /// The account has a password.
    password: bool,
    /// This site sends mail.
    mail: bool,
    /// The organization that is entered: slug, own role, teams.
    entered: Option<(Slug, Role, Vec<Team>)>,
    /// What is asked for beside.
    second: Option<String>,
    /// It leads into an organization that is not told of.
    elsewhere: bool,
}

impl Local {
    /// In short, for tests.
    #[cfg(test)]
    pub fn of(password: bool, mail: bool, entered: Option<(Slug, Role, Vec<Team>)>) -> Self {
        Local { password, mail, entered, second: None, elsewhere: false }
    }

    /// Whether there is a way at all.
    pub const fn is_open(&self) -> bool {
        self.password || self.mail
    }

    /// Leaves out which organization it leads to, if that is one of those that are not told of.
    pub fn hide(&mut self, hidden: impl Fn(&Slug) -> bool) {
        if self.entered.as_ref().is_some_and(|(slug, ..)| hidden(slug)) {
            (self.entered, self.second, self.elsewhere) = (None, None, true);
        }
    }

    /// Whether it leads into an organization that is not told of.
    pub const fn is_elsewhere(&self) -> bool {
        self.elsewhere
    }

    const fn ways(&self) -> &'static str {
        match (self.password, self.mail) {
            (true, true) => "a password, or a link by mail",
            (true, false) => "a password",
            (false, _) => "a link by mail",
        }
    }
}

/// What the directory knows of it.
pub async fn known(tx: &Tx, account: Option<&User>, passwords: bool) -> Result<Local, StoreError> {
    let mut local = Local { mail: outbox::is_on(tx).await?, ..Local::default() };
    let Some(account) = account else { return Ok(local) };
    local.password = passwords && password::find(tx, account.id).await?.is_some();
    let showed = if local.password { Showed::Password } else { Showed::MagicLink };
    for place in places::of_member(tx, &Person::of(account), showed).await? {
        let organization = place.target.organization;
        if place.entry != Entry::Enter || organization.kind != OrgKind::Customer {
            continue;
        }
        let role = member::find(tx, organization.id, account.id).await?.map_or(Role::Member, |member| member.role);
        let teams = team_member::of_user(tx, organization.id, account.id).await?;
        local.entered = Some((organization.slug, role, teams));
        break;
    }
    let first = if local.password { FirstFactor::Password } else { FirstFactor::MagicLink };
    let slug = local.entered.as_ref().map(|(slug, ..)| slug);
    local.second = Some(super::second::told(tx, Some(account), slug, first).await?);
    Ok(local)
}

/// The rest of the way, from the method on.
pub fn explain(known: &Known, mut steps: Steps) -> (ExplainView, Option<Visitor>) {
    let (local, email) = (&known.local, &known.email);
    steps.pass("method", local.ways());
    match &known.account {
        None => {
            let found = format!("none: `vestibule user invite SLUG {email}`, or `vestibule user add`");
            return steps.stop("account", found, "nobody signs in with this address, and the page does not say why");
        }
        Some(account) if !account.active => {
            let found = format!("deactivated: `vestibule user activate {email}`");
            return steps.stop("account", found, "sign-in is refused, and the page does not say why");
        }
        Some(account) => steps.pass("account", format!("{}, active", account.display_name())),
    }
    if let Some(second) = &local.second {
        steps.pass("second factor", second);
    }
    if local.elsewhere {
        steps.pass("membership", super::ELSEWHERE);
        let decision = format!("signs in by {} and enters another organization, which decides the rest", local.ways());
        return (ExplainView { steps: steps.0, decision, allowed: true }, None);
    }
    let Some((slug, own, teams)) = &local.entered else {
        let found = format!("in no organization that takes this way: `vestibule user add SLUG {email}`");
        steps.pass("membership", found);
        let decision = "signs in, and reaches the portal alone".to_owned();
        return (ExplainView { steps: steps.0, decision, allowed: true }, None);
    };
    steps.pass("membership", format!("{own} of {slug}"));
    let role = team::effective_role(*own, teams);
    if !teams.is_empty() {
        steps.pass("teams", teams_text(teams, *own, role));
    }
    let teams = teams.iter().map(|team| team.name.clone()).collect();
    let decision =
        format!("signs in by {} and enters {slug} as {role}", if local.password { "a password" } else { "a link" });
    (ExplainView { steps: steps.0, decision, allowed: true }, Some(Visitor { slug: slug.clone(), role, teams }))
}
