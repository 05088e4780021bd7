//! `explain`: the decision about a person, step by step. Gathering facts is one thing, deciding another, and pure.

mod local;
mod second;
mod veil;

use std::sync::Arc;

use super::Administration;
use super::api::{Explain, ExplainView, Step};
use crate::directory::admission::{self, Found};
use crate::directory::effective::{self, Answer};
use crate::directory::places::Person;
use crate::directory::two_factor::FirstFactor;
use crate::directory::{Aim, Claim, Effective, Entry, OrgKind, Organization, Refusal, Team, User};
use crate::directory::{claim, member, sso, team, team_member, user};
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
    /// Who holds the domain, with what holds there, and the claim.
    holder: Option<(Effective, Claim)>,
    /// Whether the holder's claim and connection count: they rest under a link whose window is over.
    counts: bool,
    /// What the sign-in page answers (D9).
    answer: Answer,
    /// The IdP of the holder, and how many certificates it has.
    sso: Option<(String, usize)>,
    account: Option<User>,
    /// Where they go once the IdP has vouched for them.
    entry: Ended,
    /// In how many organizations else they are.
    elsewhere: usize,
    /// How they can sign in without single sign-on.
    local: local::Local,
    /// What is asked for beside single sign-on.
    second: Option<String>,
}

/// How a sign-in ends.
enum Ended {
    /// In this organization, with this role of their own and these teams.
    In(Slug, Role, Vec<Team>),
    /// The same, added just then.
    Joins(Slug),
    /// In the Admin organization, which opens nothing but the portal (D13).
    Portal(Slug, Role),
    /// They pick one of these.
    Pick(Vec<Slug>),
    /// In another organization than those that are told of.
    Elsewhere,
    /// Nowhere.
    Refused(Refusal),
}

/// What happens when somebody signs in, step by step; about addresses of their own domains alone, but for the operator.
pub async fn explain(admin: Arc<Administration>, call: Explain) -> Result<ExplainView, Fault> {
    let tx = admin.store.reader();
    admin.permit_to_look_up(&tx, &call.email).await?;
    let seen = veil::seen(&admin, &tx).await?;
    let mut known = known(&tx, &call.email, admin.passwords.enabled).await?;
    veil::draw(&mut known, &seen);
    let entered = sign_in(&known);
    let mut view = entered.0;
    view.steps.extend(super::confirm::sleeping(&tx, &call.email, &seen).await?);
    let hidden = view.allowed && (matches!(known.entry, Ended::Elsewhere) || known.local.is_elsewhere());
    if let Some(url) = call.url.as_ref().filter(|_| !hidden) {
        let mut decision = admin.routes.explain(url, entered.1.as_ref())?;
        if !admin.is_operator() {
            // Routes name other organizations, and what stands behind.
            let word = if decision.allowed { "lets them through" } else { "does not let them through" };
            decision.route = format!("the rule for this address {word}");
        }
        add_route(&mut view, &decision);
    }
    Ok(view)
}

async fn known(tx: &Tx, email: &EmailAddress, passwords: bool) -> Result<Known, StoreError> {
    let domain = email.domain();
    let effective = effective::of_domain(tx, &domain).await?;
    let answer = effective::answer(tx, effective.as_ref()).await?;
    let account = user::find_by_email(tx, email).await?;
    let local = local::known(tx, account.as_ref(), passwords).await?;
    let mut known = Known {
        email: email.clone(),
        holder: None,
        counts: effective.is_some(),
        answer,
        sso: None,
        account,
        entry: Ended::Refused(Refusal::EmailDomain),
        elsewhere: 0,
        local,
        second: None,
    };
    if let Some(organization) = claim::holder(tx, &domain).await? {
        let holder = effective::of_organization(tx, organization).await?;
        let id = holder.organization.id;
        let connection = sso::connection(tx, id).await?;
        known.sso = connection.map(|connection| (connection.settings.entity_id, connection.certificates.len()));
        let person = Person { email, account: known.account.as_ref(), accounts_differ: false };
        known.entry = ended(tx, &holder, &person).await?;
        let by_sso = FirstFactor::Sso { proved: false };
        known.second = match &known.entry {
            Ended::In(slug, ..) | Ended::Joins(slug) | Ended::Portal(slug, _) => {
                Some(second::told(tx, known.account.as_ref(), Some(slug), by_sso).await?)
            }
            Ended::Elsewhere | Ended::Pick(_) | Ended::Refused(_) => None,
        };
        known.holder = claim::find(tx, id, &domain).await?.map(|claim| (holder, claim));
    }
    if let Some(account) = &known.account {
        let here = matches!(known.entry, Ended::In(..) | Ended::Portal(..));
        known.elsewhere = member::of_user(tx, account.id).await?.len().saturating_sub(usize::from(here));
    }
    Ok(known)
}

async fn ended(tx: &Tx, source: &Effective, person: &Person<'_>) -> Result<Ended, StoreError> {
    Ok(match admission::place(tx, source, Aim::Any, person).await? {
        Err(refusal) => Ended::Refused(refusal),
        Ok(Found::Several(open)) => Ended::Pick(open.into_iter().map(|organization| organization.slug).collect()),
        Ok(Found::One(place)) => {
            let Organization { id, slug, kind, .. } = place.target.organization;
            let (Some(account), false) = (person.account, place.entry == Entry::Join) else {
                return Ok(Ended::Joins(slug));
            };
            let role = member::find(tx, id, account.id).await?.map_or(Role::Member, |member| member.role);
            match kind {
                OrgKind::Admin => Ended::Portal(slug, role),
                OrgKind::Customer => Ended::In(slug, role, team_member::of_user(tx, id, account.id).await?),
            }
        }
    })
}

/// What is told of an organization that is not told of.
const ELSEWHERE: &str = "of another organization, about which nothing is told here";

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
    let local = known.local.is_open() && matches!(known.answer, Answer::Password | Answer::NoOrganization);
    let Some((holder, claim)) = &known.holder else {
        if local {
            steps.pass(
                "domain",
                format!("no organization has verified {domain}: nobody's single sign-on speaks for it"),
            );
            return local::explain(known, steps);
        }
        let found = format!("no organization has verified {domain}: `vestibule domain claim SLUG {domain}`");
        return steps.stop("domain", found, "the sign-in page says that this address has no organization here");
    };
    let slug = &holder.organization.slug;
    steps.pass("domain", format!("{domain} is verified for {slug}, {}", proved(claim)));
    if let Err((found, decision)) = organization(known, holder, &mut steps) {
        if local {
            steps.pass("admin", found);
            return local::explain(known, steps);
        }
        return steps.stop("admin", found, decision);
    }
    if local {
        return local::explain(known, steps);
    }
    let idp = match &known.sso {
        None => {
            let found = format!("{slug} has no single sign-on: `vestibule sso set {slug} --metadata FILE`");
            return steps.stop("method", found, "there is no way to sign in yet");
        }
        Some((_, 0)) => {
            let found = format!("single sign-on of {slug} has no certificate, so it is off");
            return steps.stop("method", found, "there is no way to sign in yet");
        }
        Some((idp, _)) => idp,
    };
    let alone = if known.answer == Answer::Either { ", or a password" } else { "" };
    steps.pass("method", format!("single sign-on at {idp}{alone}"));
    let account = match &known.account {
        None => "none yet: it is made at the first sign-in".to_owned(),
        Some(account) if !account.active => "deactivated".to_owned(),
        Some(account) => format!("{}, active", account.display_name()),
    };
    if matches!(known.entry, Ended::Refused(Refusal::Deactivated)) {
        let found = format!("{account}: `vestibule user activate {}`", known.email);
        return steps.stop("account", found, "sign-in is refused after the IdP, as deactivated");
    }
    steps.pass("account", account);
    membership(known, slug, steps)
}

/// How a claim is proved, and whether that is in danger.
fn proved(claim: &Claim) -> String {
    let how = if claim.trusted { "on the operator's word" } else { "by DNS" };
    match claim.lapsing {
        Some(since) => format!("{how}; its record has been gone since {since}: put it back before the grace is over"),
        None => how.to_owned(),
    }
}

/// The organization, and the Admin organization that it is, or is linked to.
fn organization(known: &Known, holder: &Effective, steps: &mut Steps) -> Result<(), (String, &'static str)> {
    let Organization { slug, name, kind, .. } = &holder.organization;
    let what = if *kind == OrgKind::Admin { ", an Admin organization" } else { "" };
    steps.pass("organization", format!("{name} ({slug}){what}"));
    let Some((link, admin)) = &holder.link else { return Ok(()) };
    let (admin, until, domain) = (&admin.slug, link.window_ends, known.email.domain());
    if !known.counts {
        let found = format!(
            "{slug} is linked to {admin}, and its own connection counted until {until}: \
             `vestibule domain transfer {domain} --to {admin}` has the domain lead there"
        );
        return Err((found, "the sign-in page says that this address has no organization here"));
    }
    steps.pass("admin", format!("{slug} is linked to {admin}; its own connection counts for {domain} until {until}"));
    Ok(())
}

/// Where the sign-in ends.
fn membership(known: &Known, holder: &Slug, mut steps: Steps) -> (ExplainView, Option<Visitor>) {
    if let Some(second) = &known.second {
        steps.pass("second factor", second);
    }
    let elsewhere = match known.elsewhere {
        0 => String::new(),
        count => format!(" (and of {count} more)"),
    };
    let (slug, role, teams) = match &known.entry {
        Ended::In(slug, own, teams) => {
            steps.pass("membership", format!("{own} of {slug}{elsewhere}"));
            let role = team::effective_role(*own, teams);
            if !teams.is_empty() {
                steps.pass("teams", teams_text(teams, *own, role));
            }
            (slug, role, teams.iter().map(|team| team.name.clone()).collect())
        }
        Ended::Joins(slug) => {
            let added = format!("none yet: made a member of {slug} at the first sign-in, since its idp_managed_access");
            steps.pass("membership", format!("{added} is on{elsewhere}"));
            (slug, Role::Member, Vec::new())
        }
        Ended::Portal(slug, role) => {
            steps.pass("membership", format!("{role} of {slug}, and of no organization linked to it{elsewhere}"));
            let decision = "signs in at the IdP, and reaches the portal alone".to_owned();
            return (ExplainView { steps: steps.0, decision, allowed: true }, None);
        }
        Ended::Elsewhere => {
            steps.pass("membership", ELSEWHERE);
            let decision = "signs in at the IdP and enters another organization, which decides the rest".to_owned();
            return (ExplainView { steps: steps.0, decision, allowed: true }, None);
        }
        Ended::Pick(open) => {
            let open: Vec<&str> = open.iter().map(Slug::as_str).collect();
            let found = format!("several organizations stand open: {}", open.join(", "));
            steps.pass("membership", found);
            let decision = "signs in at the IdP and picks the organization to enter".to_owned();
            return (ExplainView { steps: steps.0, decision, allowed: true }, None);
        }
        Ended::Refused(Refusal::NotAMember) => {
            let is_admin = known.holder.as_ref().is_some_and(|(held, _)| held.organization.kind == OrgKind::Admin);
            let found = if is_admin {
                format!("of no organization linked to {holder}, and none of these adds people by itself")
            } else {
                format!("none, and idp_managed_access is off: `vestibule user add {holder} {}`", known.email)
            };
            return steps.stop("membership", found, "sign-in is refused after the IdP, as not a member");
        }
        Ended::Refused(refusal) => {
            let found = format!("{}: {}", refusal.code(), known.email);
            return steps.stop("membership", found, "sign-in is refused after the IdP");
        }
    };
    let decision = format!("signs in at the IdP and enters {slug} as {role}");
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
#[path = "explain_tests.rs"]
mod tests;
