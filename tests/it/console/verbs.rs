//! The verbs themselves, in the name of somebody who is not the operator: D1, D5, D18.

use std::sync::Arc;

use vestibule::administration::api::{
    Audit, Chains, Changes, DomainClaim, Explain, Logins, OrgList, OrgSet, OrgShow, SessionList, TeamAdd, TeamCreate,
    TeamRemove, UserActivate, UserAdd, UserConfirm, UserRemove, UserResetPassword, UserResetSecondFactor, UserSet,
    Whose,
};
use vestibule::administration::{
    Administration, By, Standing, audit, confirm, domain, explain, logins, organization, second_factor, session, team,
    user,
};
use vestibule::directory::{OrgKind, Organization, User, member};
use vestibule::kernel::{Fault, FaultKind, Role};

use super::world::Site;

pub fn by(site: &Site, account: &User, organization: &Organization) -> Arc<Administration> {
    site.admin.by(By {
        standing: Standing::Member { account: account.id, organization: organization.id },
        name: account.email.to_string(),
        from: "192.0.2.7".to_owned(),
    })
}

pub fn refused<T>(answer: Result<T, Fault>) -> FaultKind {
    answer.err().expect("it is refused").kind
}

#[tokio::test]
async fn what_is_of_another_organization_or_of_all_is_refused() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let globex = site.organization("globex", OrgKind::Customer).await;
    let ada = site.person(&acme, "ada@acme.example", Role::Owner).await;
    site.person(&globex, "gus@globex.example", Role::Owner).await;
    let ada = || by(&site, &ada, &acme);
    let slug = || globex.slug.clone();
    let forbidden = FaultKind::Forbidden;
    assert_eq!(refused(organization::list(ada(), OrgList {}).await), forbidden);
    assert_eq!(refused(organization::show(ada(), OrgShow { slug: slug() }).await), forbidden);
    let settings = vec![("name".to_owned(), "Taken".to_owned())];
    assert_eq!(refused(organization::set(ada(), OrgSet { slug: slug(), settings }).await), forbidden);
    assert_eq!(refused(logins::list(ada(), Logins { org: None, last: 1 }).await), forbidden);
    assert_eq!(refused(logins::list(ada(), Logins { org: Some(slug()), last: 1 }).await), forbidden);
    for whose in [Whose::All, Whose::Org(slug())] {
        assert_eq!(refused(session::list(ada(), SessionList { whose }).await), forbidden);
    }
    for email in ["gus@globex.example", "nobody@globex.example"] {
        let whose = Whose::User(email.parse().unwrap());
        assert_eq!(refused(session::list(ada(), SessionList { whose }).await), FaultKind::NotFound, "told the same");
    }
    for chains in [Chains::All, Chains::Operator, Chains::Org(slug())] {
        let call = Audit { chains, since: None, last: Some(1), after: None };
        assert_eq!(refused(audit::list(ada(), call).await), forbidden);
    }
    let email = "gus@globex.example".parse().unwrap();
    assert_eq!(refused(explain::explain(ada(), Explain { email, url: None }).await), forbidden);
    let call = UserActivate { email: "gus@globex.example".parse().unwrap(), active: false };
    assert_eq!(refused(user::activate(ada(), call).await), forbidden, "D5");
    let call = DomainClaim { slug: acme.slug.clone(), domain: "acme.test".parse().unwrap(), trusted: true };
    assert_eq!(refused(domain::claim(ada(), call).await), forbidden, "the operator's word is the operator's");
}

#[tokio::test]
async fn of_whoever_is_no_member_it_is_not_even_told_whether_there_is_an_account() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let globex = site.organization("globex", OrgKind::Customer).await;
    let ada = site.person(&acme, "ada@acme.example", Role::Owner).await;
    site.person(&globex, "gus@globex.example", Role::Owner).await;
    let (ada, slug) = (|| by(&site, &ada, &acme), || acme.slug.clone());
    team::create(ada(), TeamCreate { slug: slug(), name: "Ops".to_owned(), role: None }).await.unwrap();
    for text in ["gus@globex.example", "nobody@globex.example"] {
        let email = || text.parse().unwrap();
        let told = |answer: Result<Changes, Fault>| {
            let fault = answer.expect_err("it is refused");
            assert_eq!(
                fault.detail,
                format!("{text} is no member of acme: `vestibule user add acme {text}` makes them one")
            );
        };
        told(user::set(ada(), UserSet { slug: slug(), email: email(), role: Role::Member }).await);
        told(user::remove(ada(), UserRemove { slug: slug(), email: email() }).await);
        told(team::add(ada(), TeamAdd { slug: slug(), name: "Ops".to_owned(), email: email() }).await);
        told(team::remove(ada(), TeamRemove { slug: slug(), name: "Ops".to_owned(), email: email() }).await);
        told(confirm::confirm(ada(), UserConfirm { slug: slug(), email: email() }).await);
        let refused_alike = FaultKind::Forbidden;
        assert_eq!(refused(user::activate(ada(), UserActivate { email: email(), active: false }).await), refused_alike);
        assert_eq!(refused(user::reset_password(ada(), UserResetPassword { email: email() }).await), refused_alike);
        assert_eq!(refused(second_factor::reset(ada(), UserResetSecondFactor { email: email() }).await), refused_alike);
    }
    // Of their own domain, it is said that there is none.
    let email = "nobody@acme.example".parse().unwrap();
    assert_eq!(refused(user::activate(ada(), UserActivate { email, active: false }).await), FaultKind::NotFound);
}

#[tokio::test]
async fn admins_make_no_owners_give_no_team_a_role_and_nobody_takes_the_last_owner() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let ada = site.person(&acme, "ada@acme.example", Role::Owner).await;
    let amy = site.person(&acme, "amy@acme.example", Role::Admin).await;
    let (owner, admin) = (|| by(&site, &ada, &acme), || by(&site, &amy, &acme));
    let slug = || acme.slug.clone();
    let make = |email: &str, role| UserAdd { slug: slug(), email: email.parse().unwrap(), role, password: None };
    assert_eq!(refused(user::add(admin(), make("eve@acme.example", Role::Owner)).await), FaultKind::Forbidden);
    user::add(admin(), make("eve@acme.example", Role::Admin)).await.unwrap();
    let email = || ada.email.clone();
    let set = UserSet { slug: slug(), email: email(), role: Role::Member };
    assert_eq!(refused(user::set(admin(), set.clone()).await), FaultKind::Forbidden);
    let team = |role| TeamCreate { slug: slug(), name: "Help".to_owned(), role };
    assert_eq!(refused(team::create(admin(), team(Some(Role::Admin))).await), FaultKind::Forbidden, "D2");
    team::create(admin(), team(None)).await.unwrap();
    assert_eq!(refused(user::set(owner(), set).await), FaultKind::Conflict, "the last owner stays");
    let remove = || UserRemove { slug: slug(), email: email() };
    assert_eq!(refused(user::remove(owner(), remove()).await), FaultKind::Conflict);
    assert_eq!(
        refused(user::activate(owner(), UserActivate { email: email(), active: false }).await),
        FaultKind::Conflict
    );
    user::add(owner(), make("olga@acme.example", Role::Owner)).await.unwrap();
    user::remove(owner(), remove()).await.unwrap();
}

#[tokio::test]
async fn d5_whoever_proved_the_domain_switches_an_account_off_whatever_it_owns_elsewhere() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let globex = site.organization("globex", OrgKind::Customer).await;
    let ada = site.person(&acme, "ada@acme.example", Role::Owner).await;
    let eve = site.person(&globex, "eve@acme.example", Role::Owner).await;
    let call = UserActivate { email: eve.email.clone(), active: false };
    let done = user::activate(by(&site, &ada, &acme), call).await.unwrap();
    assert!(done.warnings.is_empty(), "nothing is told of elsewhere: {:?}", done.warnings);
    let told = site.audited(&globex).await.pop().unwrap();
    assert_eq!((&*told.action, &*told.actor, &*told.from), ("user.deactivate", "another organization", ""));
}

#[tokio::test]
async fn a_membership_that_sleeps_comes_in_anew_by_an_owner_alone() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let ada = site.person(&acme, "ada@acme.example", Role::Owner).await;
    let amy = site.person(&acme, "amy@acme.example", Role::Admin).await;
    let una = site.person(&acme, "una@bought.example", Role::Owner).await;
    site.change(async |tx| {
        member::put_to_sleep(&tx, acme.id, una.id).await?;
        Ok(())
    })
    .await;
    let call = || UserAdd { slug: acme.slug.clone(), email: una.email.clone(), role: Role::Member, password: None };
    assert_eq!(refused(user::add(by(&site, &amy, &acme), call()).await), FaultKind::Forbidden);
    user::add(by(&site, &ada, &acme), call()).await.unwrap();
}

#[tokio::test]
async fn of_the_admin_organizations_people_those_who_are_members_can_be_looked_up() {
    let site = Site::new().await;
    let (group, acme) =
        (site.organization("group", OrgKind::Admin).await, site.organization("acme", OrgKind::Customer).await);
    site.link(&group, &acme).await;
    let ada = site.person(&acme, "ada@acme.example", Role::Owner).await;
    site.person(&acme, "gina@group.example", Role::Member).await;
    site.person(&group, "gus@group.example", Role::Member).await;
    for (email, expected) in [("gina@group.example", true), ("gus@group.example", false), ("no@group.example", false)] {
        let call = Explain { email: email.parse().unwrap(), url: None };
        let answer = explain::explain(by(&site, &ada, &acme), call).await;
        assert_eq!(answer.is_ok(), expected, "{email}: {answer:?}");
    }
}
