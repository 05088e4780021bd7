//! The page «Who finds us»: work domains, requests to be let in, memberships to confirm.

use http::StatusCode;
use vestibule::directory::access_request::{self, Asked, Words};
use vestibule::directory::{Discoverability, OrgKind, Organization, User, member, outbox, user};
use vestibule::kernel::{Client, Role, Secret, SystemRng};

use super::world::Site;

const PAGE: &str = "/.vestibule/console/o/acme/discoverability";

struct Few;

impl Words for Few {
    fn to_deciders(&self, _: &User, _: &Organization, _: &Secret<String>) -> (String, String) {
        ("asks".to_owned(), "asks".to_owned())
    }

    fn to_person(&self, _: &Organization, _: bool) -> (String, String) {
        ("told".to_owned(), "told".to_owned())
    }
}

/// Somebody without a membership asks to be let in.
async fn asks(site: &Site, acme: &Organization, email: &str) -> User {
    site.change(async |tx| {
        // Without mail nobody could be told.
        outbox::switch(&tx, true).await?;
        let who = user::create(&tx, &SystemRng, &email.parse().unwrap())?;
        let asked = access_request::ask(&tx, &SystemRng, acme, (&who, Client::default()), &Few).await?;
        assert_eq!(asked, Asked::Now);
        Ok(who)
    })
    .await
}

#[tokio::test]
async fn owners_and_the_operator_set_who_finds_it_and_admins_see_it() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let mut ada = site.comes(&acme, "ada@acme.example", Role::Owner).await;
    let fields = [("discoverability", "approval"), ("domains", "acme.example\nacme.test")];
    let page = ada.submit(PAGE, PAGE, &fields).await;
    assert_eq!(page.location, format!("{PAGE}?done=saved"), "{}", page.body);
    ada.get(&page.location).await.says("Saved.").says("acme.example\nacme.test").says("value=\"approval\" checked");
    let held = site.now(&acme).await.settings;
    assert_eq!((held.discoverability, held.discoverable_domains.len()), (Discoverability::Approval, 2));
    let page = ada.submit(PAGE, PAGE, &[("discoverability", "open"), ("domains", "no <b>")]).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    page.says("no &#60;b&#62;</textarea>").says("is no domain").says("value=\"open\" checked");
    let mut amy = site.comes(&acme, "amy@acme.example", Role::Admin).await;
    amy.get(PAGE).await.says("who ask to be let in: acme.example").says("An owner or a billing admin sets this");
    let token = amy.get("/.vestibule/console/o/acme/general").await.token();
    let page = amy.post(PAGE, &[("token", &token), ("discoverability", "open"), ("domains", "")]).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN, "{}", page.body);
    assert_eq!(site.now(&acme).await.settings.discoverability, Discoverability::Approval);
}

#[tokio::test]
async fn owners_and_admins_decide_on_each_request_once_and_the_operator_looks_on() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let mut amy = site.comes(&acme, "amy@acme.example", Role::Admin).await;
    let eve = asks(&site, &acme, "eve@acme.example").await;
    let bob = asks(&site, &acme, "bob@acme.example").await;
    let requests = format!("{PAGE}/requests");
    site.operator().await.get(PAGE).await.says("eve@acme.example").says("An owner or admin of acme decides");
    let mut operator = site.operator().await;
    let grant = |email: &'static str| [("email", email), ("decision", "grant")];
    let page = operator.submit(PAGE, &requests, &grant("eve@acme.example")).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN, "{}", page.body);
    amy.get(PAGE).await.says("Let in eve@acme.example").says("asked 2026-11-22 10:00 UTC");
    let page = amy.submit(PAGE, &requests, &grant("eve@acme.example")).await;
    assert_eq!(page.location, format!("{PAGE}?done=granted"), "{}", page.body);
    let decline = [("email", "bob@acme.example"), ("decision", "decline")];
    let page = amy.submit(PAGE, &requests, &decline).await;
    assert_eq!(page.location, format!("{PAGE}?done=declined"), "{}", page.body);
    let find = async |who: &User| member::find(&site.store.reader(), acme.id, who.id).await.unwrap();
    assert_eq!(find(&eve).await.map(|member| member.role), Some(Role::Member));
    assert_eq!(find(&bob).await, None);
    amy.get(PAGE).await.says("Nobody asks to be let in");
    // Where there is nothing to decide there is no form: the token is another page's.
    let general = "/.vestibule/console/o/acme/general";
    let page = amy.submit(general, &requests, &grant("bob@acme.example")).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    page.says("amy@acme.example decided before: bob@acme.example was declined.");
    for email in ["nobody@acme.example", "amy@acme.example"] {
        let page = amy.submit(general, &requests, &[("email", email), ("decision", "grant")]).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{}", page.body);
    }
    let last = site.audited(&acme).await;
    let last = last.iter().rev().find(|entry| entry.action == "access.decide").unwrap();
    assert_eq!((last.actor.as_str(), last.from.as_str()), ("amy@acme.example", "192.0.2.7"));
}

#[tokio::test]
async fn a_membership_that_sleeps_is_confirmed_by_an_owner_or_ended() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let mut ada = site.comes(&acme, "ada@acme.example", Role::Owner).await;
    let mut amy = site.comes(&acme, "amy@acme.example", Role::Admin).await;
    let one = site.person(&acme, "one@sold.example", Role::Member).await;
    let two = site.person(&acme, "two@sold.example", Role::Member).await;
    site.change(async |tx| {
        for who in [&one, &two] {
            member::put_to_sleep(&tx, acme.id, who.id).await?;
        }
        Ok(())
    })
    .await;
    let members = format!("{PAGE}/members");
    amy.get(PAGE).await.says("Remove one@sold.example").hides("Confirm one@sold.example");
    let confirm = [("email", "one@sold.example"), ("decision", "confirm")];
    assert_eq!(amy.submit(PAGE, &members, &confirm).await.status, StatusCode::FORBIDDEN);
    let page = ada.submit(PAGE, &members, &confirm).await;
    assert_eq!(page.location, format!("{PAGE}?done=confirmed"), "{}", page.body);
    let page = ada.submit(PAGE, &members, &[("email", "two@sold.example"), ("decision", "remove")]).await;
    assert_eq!(page.location, format!("{PAGE}?done=removed"), "{}", page.body);
    let find = async |who: &User| member::record(&site.store.reader(), acme.id, who.id).await.unwrap();
    assert_eq!((find(&one).await.map(|member| member.asleep), find(&two).await), (Some(false), None));
    ada.get(PAGE).await.hides("Members to confirm");
    let page = ada.submit(PAGE, &members, &[("email", "one@sold.example"), ("decision", "maybe")]).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST, "{}", page.body);
}
