//! What an organization is told of others, what is written down there, and what those do who come at the same time: D5,
//! D6, D18, D19.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use http::StatusCode;
use tokio::sync::Barrier;
use vestibule::administration::api::{
    AuditSearch, Explain, LinkPreview, Lockout, LockoutPerson, LockoutView, LoginNamed, UserAdd, UserInvite,
    UserResetSecondFactor,
};
use vestibule::administration::explain::{RouteDecision, RouteExplainer, Visitor};
use vestibule::administration::{
    Administration, By, audit_search, explain, invite, link_preview, lockout, login_log, second_factor, user,
};
use vestibule::directory::{
    AuditEntry, DirectoryError, LoginOutcome, LoginRecord, OrgKind, Organization, User, audit, link, login,
    login_share, member, outbox, password,
};
use vestibule::kernel::{Fault, FaultKind, LoginId, Role, SystemRng};
use vestibule::store::{StoreError, Tx};

use super::two_factor::with_app;
use super::verbs::{by, refused};
use super::world::Site;

/// Routes that name another organization.
struct Telling;

const ROUTE: &str = "/money/ is for members of globex, at http://10.0.0.7:9000";

impl RouteExplainer for Telling {
    fn explain(&self, url: &str, _: Option<&Visitor>) -> Result<RouteDecision, Fault> {
        Ok(RouteDecision { route: ROUTE.to_owned(), allowed: url == "/open/", public: false })
    }
}

#[tokio::test]
async fn what_a_route_lets_through_is_told_and_what_it_names_is_the_operators() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let ada = site.person(&acme, "ada@acme.example", Role::Owner).await;
    let of = |by: By| Arc::new(Administration { routes: Arc::new(Telling), by, ..(*site.admin).clone() });
    let found = async |by: By, url: &str| {
        let call = Explain { email: ada.email.clone(), url: Some(url.to_owned()) };
        let view = explain::explain(of(by), call).await.unwrap();
        view.steps.into_iter().find(|step| step.what == "route").expect("a step about the route").found
    };
    assert_eq!(found(By::admin_socket(), "/money/").await, ROUTE);
    let as_ada = || by(&site, &ada, &acme).by.clone();
    assert_eq!(found(as_ada(), "/money/").await, "the rule for this address does not let them through");
    assert_eq!(found(as_ada(), "/open/").await, "the rule for this address lets them through");
}

/// Who stands in a list of those who would be locked out, or keep a password.
fn told(people: &[LockoutPerson]) -> Vec<(&str, &str)> {
    people.iter().map(|person| (person.email.as_str(), person.why.as_str())).collect()
}

#[tokio::test]
async fn of_those_locked_out_an_admin_organization_names_its_own_and_nobody_hears_of_others_passwords() {
    let site = Site::new().await;
    let (group, acme) =
        (site.organization("group", OrgKind::Admin).await, site.organization("acme", OrgKind::Customer).await);
    site.organization("globex", OrgKind::Customer).await;
    site.link(&group, &acme).await;
    let gus = site.person(&group, "gus@group.example", Role::Owner).await;
    let gina = site.person(&acme, "gina@group.example", Role::Owner).await;
    let ada = site.person(&acme, "una@globex.example", Role::Owner).await;
    site.person(&acme, "bob@globex.example", Role::Member).await;
    site.change(async |tx| {
        for account in [&gina, &ada] {
            password::set(&tx, account.id, "a hash")?;
        }
        Ok(())
    })
    .await;
    let look = async |admin: Arc<Administration>, of: &Organization| {
        let view: LockoutView = lockout::look(admin, Lockout { slug: of.slug.clone(), after: None }).await.unwrap();
        let within = |people: Vec<LockoutPerson>| -> Vec<LockoutPerson> {
            people.into_iter().filter(|person| person.organization == acme.slug).collect()
        };
        let (mut keep, mut out) = (within(view.break_glass), within(view.locked_out));
        keep.sort_by(|one, two| one.email.cmp(&two.email));
        out.sort_by(|one, two| one.email.cmp(&two.email));
        (keep, out)
    };
    let elsewhere = "the single sign-on of globex.example does not let them in here";
    let (keep, out) = look(site.admin.clone(), &group).await;
    let both =
        [("gina@group.example", "the password alone; has one"), ("una@globex.example", "the password alone; has one")];
    assert_eq!((told(&keep), told(&out)), (both.to_vec(), vec![("bob@globex.example", elsewhere)]));
    let (keep, out) = look(by(&site, &gus, &group), &group).await;
    let named =
        [("gina@group.example", "the password alone; has one"), ("somebody of another domain", "the password alone")];
    assert_eq!((told(&keep), told(&out)), (named.to_vec(), vec![("somebody of another domain", elsewhere)]));
    // The organization itself knows its members, and not what those of other domains sign in with.
    let (keep, out) = look(by(&site, &ada, &acme), &acme).await;
    let own = [("gina@group.example", "the password alone"), ("una@globex.example", "the password alone")];
    assert_eq!((told(&keep), told(&out)), (own.to_vec(), vec![("bob@globex.example", elsewhere)]));
}

#[tokio::test]
async fn d5_another_organization_reads_that_a_second_factor_was_reset_and_not_which() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let globex = site.organization("globex", OrgKind::Customer).await;
    let ada = site.person(&acme, "ada@acme.example", Role::Owner).await;
    let eve = site.person(&acme, "eve@acme.example", Role::Member).await;
    site.person(&globex, "eve@acme.example", Role::Member).await;
    with_app(&site, &acme, &eve).await;
    let call = UserResetSecondFactor { email: eve.email.clone() };
    second_factor::reset(by(&site, &ada, &acme), call).await.unwrap();
    for (of, before, actor) in [(&acme, "authenticator app", "ada@acme.example"), (&globex, "", "another organization")]
    {
        let entry = site.audited(of).await.pop().unwrap();
        assert_eq!((entry.action.as_str(), entry.actor.as_str()), ("second_factor.reset", actor));
        assert_eq!(entry.before.is_empty(), before.is_empty(), "{}: {}", of.slug, entry.before);
        assert!(entry.before.starts_with(before), "{}", entry.before);
    }
}

#[tokio::test]
async fn d5_whoever_adds_or_invites_somebody_hears_nothing_of_where_else_they_are() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let globex = site.organization("globex", OrgKind::Customer).await;
    let ada = site.person(&acme, "ada@acme.example", Role::Owner).await;
    site.change(async |tx| Ok(outbox::switch(&tx, true).await?)).await;
    for (text, invited) in [("gus@globex.example", false), ("gil@globex.example", true)] {
        site.person(&globex, text, Role::Owner).await;
        let (slug, email, role) = (acme.slug.clone(), text.parse().unwrap(), Role::Member);
        let (admin, operator) = (by(&site, &ada, &acme), site.admin.clone());
        let again = UserInvite { slug: slug.clone(), email: text.parse().unwrap(), role };
        let made = if invited {
            invite::invite(admin, UserInvite { slug, email, role }).await.unwrap()
        } else {
            user::add(admin, UserAdd { slug, email, role, password: None }).await.unwrap()
        };
        let held: Vec<&str> = made.user.memberships.iter().map(|one| one.slug.as_str()).collect();
        assert_eq!(held, ["acme"], "{text}");
        assert_eq!(invite::invite(operator, again).await.unwrap().user.memberships.len(), 2, "the operator sees both");
    }
}

#[tokio::test]
async fn a_membership_that_sleeps_is_invited_anew_by_an_owner_alone() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let ada = site.person(&acme, "ada@acme.example", Role::Owner).await;
    let amy = site.person(&acme, "amy@acme.example", Role::Admin).await;
    let una = site.person(&acme, "una@bought.example", Role::Owner).await;
    site.change(async |tx| {
        outbox::switch(&tx, true).await?;
        member::put_to_sleep(&tx, acme.id, una.id).await?;
        Ok(())
    })
    .await;
    let call = || UserInvite { slug: acme.slug.clone(), email: una.email.clone(), role: Role::Member };
    assert_eq!(refused(invite::invite(by(&site, &amy, &acme), call()).await), FaultKind::Forbidden);
    let held = member::record(&site.store.reader(), acme.id, una.id).await.unwrap().unwrap();
    assert!(held.asleep && held.role == Role::Owner, "as it was");
    invite::invite(by(&site, &ada, &acme), call()).await.unwrap();
    let held = member::record(&site.store.reader(), acme.id, una.id).await.unwrap().unwrap();
    assert!(!held.asleep && held.role == Role::Member);
}

#[tokio::test]
async fn every_link_to_a_sign_in_ends_however_many_were_made_at_once() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let ada = site.person(&acme, "ada@acme.example", Role::Admin).await;
    let record = LoginRecord {
        id: LoginId::random(&SystemRng),
        at: site.store.now(),
        reference: "ABCD-EFGH".to_owned(),
        email: Some("bob@acme.example".to_owned()),
        idp: None,
        request_id: None,
        assertion_id: None,
        client: "192.0.2.9".to_owned(),
        outcome: LoginOutcome::Accepted,
        checks: Vec::new(),
    };
    let write = async |tx: Tx| login::record(&tx, acme.id, &record).await;
    site.store.transaction("test", write).await.unwrap();
    let many = 2 * login_share::KEPT;
    let at_once = Barrier::new(many);
    let make = async || {
        let body = async |tx: Tx| {
            let token = login_share::share(&tx, &SystemRng, acme.id, &record, "ada@acme.example").await?;
            at_once.wait().await;
            Ok::<_, StoreError>(token.expect("there was none before"))
        };
        site.store.transaction("test", body).await.unwrap()
    };
    let tokens = join_all((0..many).map(|_| make())).await;
    let call = LoginNamed { slug: acme.slug.clone(), id: record.id };
    login_log::unshare(by(&site, &ada, &acme), call).await.unwrap();
    for token in &tokens {
        assert_eq!(login_share::find(&site.store.reader(), token).await.unwrap(), None);
    }
}

#[tokio::test]
async fn d18_of_two_owners_who_leave_at_once_one_stays() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let (ada, bob) = (
        site.person(&acme, "ada@acme.example", Role::Owner).await,
        site.person(&acme, "bob@acme.example", Role::Owner).await,
    );
    let at_once = Barrier::new(2);
    // As the verbs do it; both have looked before either is done.
    let leave = async |who: &User, removed: bool| {
        let first = AtomicBool::new(true);
        let body = async |tx: Tx| {
            if removed {
                member::remove(&tx, &acme, who).await?;
            } else {
                member::set_role(&tx, &acme, who, Role::Member).await?;
            }
            let left = member::has_owner(&tx, acme.id).await?;
            if first.swap(false, Ordering::Relaxed) {
                at_once.wait().await;
            }
            if left { Ok(()) } else { Err(DirectoryError::NotAMember(acme.slug.clone(), who.email.clone())) }
        };
        site.store.transaction::<_, DirectoryError, _, _>("test", body).await.is_ok()
    };
    let (one, other) = tokio::join!(leave(&ada, true), leave(&bob, false));
    assert!(one != other, "one of them left, and not both: {one} {other}");
    assert!(member::has_owner(&site.store.reader(), acme.id).await.unwrap());
}

#[tokio::test]
async fn d6_an_admin_organizations_longest_session_counts_for_whoever_runs_it() {
    let site = Site::new().await;
    let group = site.organization("group", OrgKind::Admin).await;
    site.change(async |tx| {
        let mut changed = group.clone();
        changed.set("session_absolute", "20m")?;
        Ok(vestibule::directory::organization::save(&tx, &changed)?)
    })
    .await;
    let mut gina = site.comes(&group, "gina@group.example", Role::Owner).await;
    let page = "/.vestibule/console/o/group/general";
    site.clock.advance(Duration::from_secs(19 * 60));
    assert_eq!(gina.get(page).await.status, StatusCode::OK);
    site.clock.advance(Duration::from_secs(60));
    assert_eq!(gina.get(page).await.status, StatusCode::FORBIDDEN);
    let account = gina.get("/.vestibule/account").await;
    assert_eq!(account.status, StatusCode::OK, "the session itself goes on: {}", account.location);
}

/// How often somebody else had their turn while this was done.
async fn turns_of_others<T>(what: impl Future<Output = T>) -> (T, usize) {
    let turns = Arc::new(AtomicUsize::new(0));
    let other = tokio::spawn({
        let turns = Arc::clone(&turns);
        async move {
            loop {
                turns.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
            }
        }
    });
    tokio::task::yield_now().await;
    let before = turns.load(Ordering::Relaxed);
    let done = what.await;
    let had = turns.load(Ordering::Relaxed) - before;
    other.abort();
    (done, had)
}

#[tokio::test]
async fn a_long_look_leaves_the_thread_to_others_in_between() {
    let site = Site::new().await;
    let (group, acme) =
        (site.organization("group", OrgKind::Admin).await, site.organization("acme", OrgKind::Customer).await);
    let ada = site.person(&acme, "ada@acme.example", Role::Owner).await;
    for _ in 0..5 {
        site.change(async |tx| {
            for number in 0..600 {
                let entry = AuditEntry::new(&tx, "ada@acme.example", "test", number);
                audit::append(&tx, &SystemRng, acme.id, &entry)?;
            }
            Ok(())
        })
        .await;
    }
    for number in 0..40 {
        site.person(&acme, &format!("m{number}@acme.example"), Role::Member).await;
    }
    let code = site.change(async |tx| Ok(link::code(&tx, &SystemRng, &group)?)).await;
    let call = AuditSearch {
        slug: acme.slug.clone(),
        before: None,
        since: None,
        until: None,
        actor: "nobody".to_owned(),
        action: String::new(),
    };
    let (found, turns) = turns_of_others(audit_search::search(by(&site, &ada, &acme), call)).await;
    assert!(found.unwrap().entries.is_empty() && turns >= 6, "{turns} turns in 3000 entries");
    let call = LinkPreview { slug: acme.slug.clone(), code: code.expose().clone() };
    let (view, turns) = turns_of_others(link_preview::preview(by(&site, &ada, &acme), call)).await;
    let view = view.unwrap();
    assert_eq!(view.people_changed + view.people_unchanged, 41);
    assert!(turns >= 40, "{turns} turns with 41 members");
}
