//! `explain`: the decision about a person, step by step. Gathering facts is one thing, deciding another, and pure.

use std::sync::Arc;

use super::Admin;
use super::api::{Explain, ExplainView, Step};
use crate::directory::{Admission, Claim, Member, Organization, Refusal, Team, User};
use crate::directory::{admission, claim, member, sso, team, team_member, user};
use crate::kernel::{EmailAddress, Fault, Role, Slug};
use crate::store::{StoreError, Tx};

/// Says what the gate's routes decide: the gate itself, as the server hands it in.
pub trait RouteExplainer: Send + Sync + 'static {
    /// What happens to a request for `url` (of the site, or a path) by a member, or by nobody.
    ///
    /// # Errors
    /// Why `url` can't be asked for.
    fn explain(&self, url: &str, member: Option<&Visitor>) -> Result<RouteDecision, Fault>;
}

/// A member of an organization, as routes see them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visitor {
    /// The organization.
    pub slug: Slug,
    /// Their role, those of their teams considered (D2).
    pub role: Role,
    /// Their teams.
    pub teams: Vec<String>,
}

/// What a route says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteDecision {
    /// The route, in a sentence.
    pub route: String,
    /// Whether the request goes through.
    pub allowed: bool,
    /// Whether it goes through for everyone, without a session.
    pub public: bool,
}

/// What the directory knows of a person.
struct Known {
    email: EmailAddress,
    holder: Option<(Organization, Claim)>,
    sso: Option<(String, usize)>,
    account: Option<User>,
    member: Option<Member>,
    teams: Vec<Team>,
    /// Slugs and roles elsewhere.
    elsewhere: usize,
}

pub(super) async fn explain(admin: Arc<Admin>, call: Explain) -> Result<ExplainView, Fault> {
    let tx = admin.store.reader();
    let known = known(&tx, &call.email).await?;
    let entered = sign_in(&known);
    let mut view = entered.0;
    if let Some(url) = &call.url {
        let decision = admin.routes.explain(url, entered.1.as_ref())?;
        add_route(&mut view, &decision);
    }
    Ok(view)
}

async fn known(tx: &Tx, email: &EmailAddress) -> Result<Known, StoreError> {
    let domain = email.domain();
    let holder = match claim::holder(tx, &domain).await? {
        Some(organization) => {
            let claims = claim::list(tx, organization.id).await?;
            claims.into_iter().find(|claim| claim.domain == domain).map(|claim| (organization, claim))
        }
        None => None,
    };
    let account = user::find_by_email(tx, email).await?;
    let (mut connection, mut membership, mut elsewhere, mut teams) = (None, None, 0, Vec::new());
    if let Some((organization, _)) = &holder {
        connection = sso::connection(tx, organization.id).await?;
    }
    if let Some(account) = &account {
        if let Some((organization, _)) = &holder {
            membership = member::find(tx, organization.id, account.id).await?;
            if membership.is_some() {
                teams = team_member::of_user(tx, organization.id, account.id).await?;
            }
        }
        elsewhere = member::of_user(tx, account.id).await?.len() - usize::from(membership.is_some());
    }
    let sso = connection.map(|connection| (connection.settings.entity_id, connection.certificates.len()));
    Ok(Known { email: email.clone(), holder, sso, account, member: membership, teams, elsewhere })
}

/// Collects steps.
#[derive(Default)]
struct Steps(Vec<Step>);

impl Steps {
    fn pass(&mut self, what: &str, found: impl Into<String>) {
        self.0.push(Step { what: what.to_owned(), found: found.into(), passed: true });
    }

    fn stop(mut self, what: &str, found: impl Into<String>, decision: &str) -> (ExplainView, Option<Visitor>) {
        self.0.push(Step { what: what.to_owned(), found: found.into(), passed: false });
        (ExplainView { steps: self.0, decision: decision.to_owned(), allowed: false }, None)
    }
}

/// The way from the e-mail question to a session, and as whom it ends.
fn sign_in(known: &Known) -> (ExplainView, Option<Visitor>) {
    let mut steps = Steps::default();
    let domain = known.email.domain();
    let Some((organization, claim)) = &known.holder else {
        let found = format!("no organization has verified {domain}: `vestibule domain claim SLUG {domain}`");
        return steps.stop("domain", found, "the sign-in page says that this address has no organization here");
    };
    let slug = &organization.slug;
    let how = if claim.trusted { "on the operator's word" } else { "by DNS" };
    steps.pass("domain", format!("{domain} is verified for {slug}, {how}"));
    steps.pass("organization", format!("{} ({slug})", organization.name));
    let Some((idp, certificates)) = &known.sso else {
        let found = format!("{slug} has no single sign-on: `vestibule sso set {slug} --metadata FILE`");
        return steps.stop("method", found, "there is no way to sign in yet");
    };
    if *certificates == 0 {
        let found = format!("single sign-on of {slug} has no certificate, so it is off");
        return steps.stop("method", found, "there is no way to sign in yet");
    }
    steps.pass("method", format!("single sign-on at {idp}"));
    let account = match &known.account {
        None => "none yet: it is made at the first sign-in".to_owned(),
        Some(account) if !account.active => "deactivated".to_owned(),
        Some(account) => format!("{}, active", account.display_name()),
    };
    let decision = admission::decide(&admission::Facts {
        domain_is_ours: true,
        accounts_differ: false,
        deactivated: known.account.as_ref().is_some_and(|account| !account.active),
        is_member: known.member.is_some(),
        idp_managed_access: organization.settings.idp_managed_access,
    });
    if decision == Admission::Refuse(Refusal::Deactivated) {
        let found = format!("{account}: `vestibule user activate {}`", known.email);
        return steps.stop("account", found, "sign-in is refused after the IdP, as deactivated");
    }
    steps.pass("account", account);
    let elsewhere = match known.elsewhere {
        0 => String::new(),
        count => format!(" (and of {count} more)"),
    };
    let role = match (decision, &known.member) {
        (Admission::Enter, Some(member)) => {
            steps.pass("membership", format!("{} of {slug}{elsewhere}", member.role));
            let role = team::effective_role(member.role, &known.teams);
            if !known.teams.is_empty() {
                steps.pass("teams", teams_text(&known.teams, member.role, role));
            }
            role
        }
        (Admission::Join, _) => {
            let found =
                format!("none yet: made a member at the first sign-in, since idp_managed_access is on{elsewhere}");
            steps.pass("membership", found);
            Role::Member
        }
        _ => {
            let found = format!("none, and idp_managed_access is off: `vestibule user add {slug} {}`", known.email);
            return steps.stop("membership", found, "sign-in is refused after the IdP, as not a member");
        }
    };
    let decision = format!("signs in at the IdP and enters {slug} as {role}");
    let teams = known.teams.iter().map(|team| team.name.clone()).collect();
    (ExplainView { steps: steps.0, decision, allowed: true }, Some(Visitor { slug: slug.clone(), role, teams }))
}

/// The teams, and what they make of the role.
fn teams_text(teams: &[Team], own: Role, role: Role) -> String {
    let names: Vec<&str> = teams.iter().map(|team| team.name.as_str()).collect();
    let names = names.join(", ");
    if own == role { names } else { format!("{names}; by them {role}") }
}

/// What the route makes of it.
fn add_route(view: &mut ExplainView, route: &RouteDecision) {
    view.steps.push(Step { what: "route".to_owned(), found: route.route.clone(), passed: route.allowed });
    if route.public {
        view.decision = String::from("the request goes through, with or without a session");
        view.allowed = true;
    } else if view.allowed && route.allowed {
        view.decision = format!("{}; the request goes through", view.decision);
    } else if view.allowed {
        view.decision = format!("{}; the request is refused with 403", view.decision);
        view.allowed = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::{OrgKind, OrgSettings, Origin};
    use crate::kernel::{OrgId, Timestamp, UserId};

    fn known() -> Known {
        let organization = Organization {
            id: OrgId::from_bytes([1; 16]),
            slug: "acme".parse().unwrap(),
            name: "Acme".to_owned(),
            kind: OrgKind::Customer,
            created: Timestamp::EPOCH,
            settings: OrgSettings::default(),
        };
        let claim = Claim::trusted(organization.id, &"acme.example".parse().unwrap(), Timestamp::EPOCH);
        let email: EmailAddress = "ada@acme.example".parse().unwrap();
        let account = User {
            id: UserId::from_bytes([2; 16]),
            email: email.clone(),
            first_name: None,
            last_name: None,
            active: true,
            created: Timestamp::EPOCH,
        };
        let member = Member {
            organization: organization.id,
            user: account.id,
            role: Role::Admin,
            origin: Origin::Hand,
            created: Timestamp::EPOCH,
            asleep: false,
        };
        Known {
            email,
            holder: Some((organization, claim)),
            sso: Some(("https://idp.example".to_owned(), 1)),
            account: Some(account),
            member: Some(member),
            teams: Vec::new(),
            elsewhere: 0,
        }
    }

    #[test]
    fn the_way_in_stops_at_the_first_obstacle() {
        let check = |change: fn(&mut Known), last: &str, entered: Option<Role>| {
            let mut known = known();
            change(&mut known);
            let (view, who) = sign_in(&known);
            assert_eq!(view.steps.last().map(|step| step.what.as_str()), Some(last), "{view:?}");
            assert_eq!(who.map(|visitor| visitor.role), entered);
            assert_eq!(view.allowed, entered.is_some());
        };
        check(|_| (), "membership", Some(Role::Admin));
        check(|known| known.holder = None, "domain", None);
        check(|known| known.sso = None, "method", None);
        check(|known| known.sso = Some(("x".to_owned(), 0)), "method", None);
        check(|known| known.member = None, "membership", None);
        check(|known| known.account.as_mut().unwrap().active = false, "account", None);
        let jit = |known: &mut Known| {
            (known.account, known.member) = (None, None);
            known.holder.as_mut().unwrap().0.settings.idp_managed_access = true;
        };
        check(jit, "membership", Some(Role::Member));
    }

    #[test]
    fn a_route_has_the_last_word() {
        let check = |allowed: bool, public: bool, expected: bool| {
            let (mut view, _) = sign_in(&known());
            add_route(&mut view, &RouteDecision { route: "/admin/".to_owned(), allowed, public });
            assert_eq!(view.allowed, expected, "{view:?}");
        };
        check(true, false, true);
        check(false, false, false);
        check(true, true, true);
        let (mut nobody, _) = sign_in(&Known { holder: None, ..known() });
        add_route(&mut nobody, &RouteDecision { route: "/public/".to_owned(), allowed: true, public: true });
        assert!(nobody.allowed);
    }
}
