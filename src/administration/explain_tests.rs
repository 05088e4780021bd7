//! The way in as `explain` tells it, obstacle by obstacle.

use super::*;
use crate::directory::{Link, OrgSettings, Rules};
use crate::kernel::{OrgId, Timestamp, UserId};

fn organization(number: u8, slug: &str, kind: OrgKind) -> Organization {
    Organization {
        id: OrgId::from_bytes([number; 16]),
        slug: slug.parse().unwrap(),
        name: slug.to_owned(),
        kind,
        created: Timestamp::EPOCH,
        settings: OrgSettings::default(),
    }
}

fn known() -> Known {
    let organization = organization(1, "acme", OrgKind::Customer);
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
    let slug = organization.slug.clone();
    Known {
        email,
        holder: Some((Effective { organization, link: None, rules: Rules::default() }, claim)),
        counts: true,
        answer: Answer::SingleSignOn,
        sso: Some(("https://idp.example".to_owned(), 1)),
        account: Some(account),
        entry: Ended::In(slug, Role::Admin, Vec::new()),
        elsewhere: 0,
        local: local::Local::default(),
        second: None,
    }
}

#[test]
fn whom_no_single_sign_on_speaks_for_comes_in_by_a_password_or_a_link() {
    let without = |answer, local| Known { answer, local, sso: None, ..known() };
    let enters = || Some(("hooli".parse().unwrap(), Role::Owner, Vec::new()));
    let (view, who) = sign_in(&without(Answer::Password, local::Local::of(true, false, enters())));
    assert!(view.allowed && view.decision.contains("by a password and enters hooli as owner"), "{view:?}");
    assert_eq!(who.map(|who| who.role), Some(Role::Owner));
    let (view, _) = sign_in(&without(Answer::Password, local::Local::of(false, true, enters())));
    assert!(view.decision.contains("by a link and enters hooli"), "{view:?}");
    let guest = Known { holder: None, ..without(Answer::NoOrganization, local::Local::of(true, true, None)) };
    let (view, who) = sign_in(&guest);
    assert!(view.allowed && who.is_none() && view.decision.contains("the portal alone"), "{view:?}");
    let (view, _) = sign_in(&Known { account: None, ..guest });
    assert!(!view.allowed && view.decision.contains("nobody signs in with this address"), "{view:?}");
    let (view, _) = sign_in(&without(Answer::SingleSignOn, local::Local::of(true, true, enters())));
    assert!(!view.allowed, "required, and not there: nothing else opens in its stead: {view:?}");
    let (view, _) = sign_in(&without(Answer::Password, local::Local::of(false, false, None)));
    assert!(!view.allowed && view.decision.contains("no way to sign in"), "{view:?}");
}

fn linked(known: &mut Known) {
    let link = Link { admin: OrgId::from_bytes([9; 16]), since: Timestamp::EPOCH, window_ends: Timestamp::EPOCH };
    known.holder.as_mut().unwrap().0.link = Some((link, organization(9, "group", OrgKind::Admin)));
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
    check(linked, "membership", Some(Role::Admin));
    let resting = |known: &mut Known| {
        linked(known);
        known.counts = false;
    };
    check(resting, "admin", None);
    check(|known| known.holder = None, "domain", None);
    check(|known| known.sso = None, "method", None);
    check(|known| known.sso = Some(("x".to_owned(), 0)), "method", None);
    check(|known| known.entry = Ended::Refused(Refusal::NotAMember), "membership", None);
    check(|known| known.entry = Ended::Refused(Refusal::Barred), "membership", None);
    check(|known| known.entry = Ended::Refused(Refusal::Deactivated), "account", None);
    check(|known| known.entry = Ended::Joins("acme".parse().unwrap()), "membership", Some(Role::Member));
}

#[test]
fn a_claim_that_lapses_is_told() {
    let mut known = known();
    known.holder.as_mut().unwrap().1.lapsing = Some(Timestamp::EPOCH);
    let told = sign_in(&known).0.steps.remove(0).found;
    assert!(told.contains("its record has been gone since 1970"), "{told}");
}

#[test]
fn who_has_to_pick_is_told_so() {
    let (view, who) = sign_in(&Known { entry: Ended::Pick(vec!["red".parse().unwrap()]), ..known() });
    assert!(view.allowed && who.is_none() && view.decision.contains("picks"), "{view:?}");
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

#[test]
fn d5_which_other_organizations_somebody_is_in_is_not_told() {
    let seen = Some(["acme".parse().unwrap()].into());
    let check = |known: Known, hidden: &str| {
        let mut known = known;
        let (open, _) = sign_in(&known);
        assert!(format!("{open:?}").contains(hidden), "told to the operator: {open:?}");
        veil::draw(&mut known, &seen);
        let (view, who) = sign_in(&known);
        let told = format!("{view:?}");
        assert!(view.allowed && who.is_none() && !told.contains(hidden), "{told}");
        assert!(told.contains("another organization"), "{told}");
    };
    let hooli = || "hooli".parse().unwrap();
    check(Known { entry: Ended::In(hooli(), Role::Owner, Vec::new()), ..known() }, "hooli");
    check(Known { entry: Ended::Joins(hooli()), ..known() }, "hooli");
    check(Known { entry: Ended::Pick(vec![hooli()]), ..known() }, "hooli");
    let local = local::Local::of(true, false, Some((hooli(), Role::Owner, Vec::new())));
    check(Known { answer: Answer::Password, sso: None, local, ..known() }, "hooli");
    let mut theirs = Known { elsewhere: 3, ..known() };
    veil::draw(&mut theirs, &seen);
    let (view, who) = sign_in(&theirs);
    assert!(who.is_some() && view.decision.contains("enters acme as admin"), "{view:?}");
    assert!(!format!("{view:?}").contains("3 more"), "nor how many: {view:?}");
}
