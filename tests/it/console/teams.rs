//! The pages «Teams»: made, filled, renamed, given a role and ended; those of provisioning are only shown (D2).

use http::StatusCode;
use vestibule::directory::provisioning::token;
use vestibule::directory::{OrgKind, Origin, Team, team, team_member};
use vestibule::kernel::{Role, SystemRng};

use super::world::Site;

const PAGE: &str = "/.vestibule/console/o/acme/teams";

async fn held(site: &Site, organization: &vestibule::directory::Organization, name: &str) -> Option<Team> {
    team::find_by_name(&site.store.reader(), organization.id, name).await.unwrap()
}

#[tokio::test]
async fn a_team_is_made_filled_renamed_and_ended() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let mut ada = site.comes(&acme, "ada@acme.example", Role::Admin).await;
    let bob = site.person(&acme, "bob@acme.example", Role::Member).await;
    ada.get(PAGE).await.says("There is no team yet").says("An owner can give it a role.");
    let page = ada.submit(PAGE, PAGE, &[("name", "Ops & Co")]).await;
    assert_eq!(page.location, format!("{PAGE}?done=made"), "{}", page.body);
    let page = ada.submit(PAGE, PAGE, &[("name", "OPS & co")]).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    page.says("value=\"OPS &#38; co\"").says("other letter case");
    let at = format!("{PAGE}/{}", held(&site, &acme, "ops & co").await.unwrap().id);
    let page = ada.submit(&at, &at, &[("act", "add"), ("email", "bob@acme.example")]).await;
    ada.get(&page.location).await.says("They are in the team.").says("<bdi>bob@acme.example</bdi>");
    ada.get(PAGE).await.says("<td>1</td>");
    for (email, expected) in [
        ("nobody", StatusCode::BAD_REQUEST),
        ("nobody@acme.example", StatusCode::NOT_FOUND),
        ("bob@acme.example", StatusCode::SEE_OTHER),
    ] {
        let page = ada.submit(&at, &at, &[("act", "add"), ("email", email)]).await;
        assert_eq!(page.status, expected, "{email}: {}", page.body);
    }
    ada.submit(&at, &at, &[("act", "rename"), ("name", "Night watch")]).await;
    assert!(held(&site, &acme, "night watch").await.is_some() && held(&site, &acme, "ops & co").await.is_none());
    ada.submit(&at, &at, &[("act", "remove"), ("email", "bob@acme.example")]).await;
    let team = held(&site, &acme, "night watch").await.unwrap();
    assert!(team_member::find(&site.store.reader(), &team, bob.id).await.unwrap().is_none());
    ada.get(&format!("{at}/delete")).await.says("Night watch").says("has 0 members");
    let page = ada.submit(&format!("{at}/delete"), &format!("{at}/delete"), &[]).await;
    assert_eq!(page.location, format!("{PAGE}?done=deleted"));
    assert!(held(&site, &acme, "night watch").await.is_none());
    assert_eq!(ada.get(&at).await.status, StatusCode::NOT_FOUND);
    let actions: Vec<String> = site.audited(&acme).await.into_iter().map(|entry| entry.action).collect();
    let expected = ["team.create", "team.add", "team.rename", "team.remove", "team.delete"];
    assert_eq!(actions[actions.len() - 5..], expected.map(str::to_owned));
}

#[tokio::test]
async fn d2_a_role_is_for_owners_to_give_and_to_take_away_with_the_team() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let mut olga = site.comes(&acme, "olga@acme.example", Role::Owner).await;
    let mut ada = site.comes(&acme, "ada@acme.example", Role::Admin).await;
    let bob = site.person(&acme, "bob@acme.example", Role::Member).await;
    let page = ada.submit(PAGE, PAGE, &[("name", "Desk"), ("role", "admin")]).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    olga.submit(PAGE, PAGE, &[("name", "Desk"), ("role", "admin")]).await;
    let at = format!("{PAGE}/{}", held(&site, &acme, "desk").await.unwrap().id);
    ada.get(&at).await.says("<dd>admin").says("An owner gives a team its role.").says("so an owner deletes it");
    let page = ada.submit(PAGE, &at, &[("act", "role"), ("role", "")]).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert_eq!(ada.submit(PAGE, &format!("{at}/delete"), &[]).await.status, StatusCode::FORBIDDEN);
    let page = olga.submit(&at, &at, &[("act", "role"), ("role", "owner")]).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    page.says("team can&#39;t make owners");
    olga.submit(&at, &at, &[("act", "add"), ("email", "bob@acme.example")]).await;
    let role = async || team::role_of(&site.store.reader(), acme.id, bob.id).await.unwrap();
    assert_eq!(role().await, Some(Role::Admin));
    olga.get("/.vestibule/console/o/acme/members").await.says("admin by a team");
    olga.submit(&at, &at, &[("act", "role"), ("role", "")]).await;
    assert_eq!(role().await, Some(Role::Member));
}

#[tokio::test]
async fn what_provisioning_keeps_is_shown_and_not_changed_but_for_its_role() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let mut olga = site.comes(&acme, "olga@acme.example", Role::Owner).await;
    site.person(&acme, "bob@acme.example", Role::Member).await;
    let made = site.change(async |tx| team::create(&tx, &SystemRng, &acme, "Pushed", Origin::Scim, None).await).await;
    let at = format!("{PAGE}/{}", made.id);
    olga.get(&at).await.says("no provisioning comes any more").says("Rename");
    site.change(async |tx| Ok(token::issue(&tx, &SystemRng, &acme).await?.1)).await;
    let page = olga.get(&at).await;
    page.says("The identity provider keeps this team").hides("Rename").hides("Put in").hides("Delete the team");
    for fields in [[("act", "add"), ("email", "bob@acme.example")], [("act", "rename"), ("name", "Taken")]] {
        let page = olga.submit(&at, &at, &fields).await;
        assert_eq!(page.status, StatusCode::CONFLICT, "{fields:?}");
        page.says("kept by provisioning");
    }
    assert_eq!(olga.submit(PAGE, &format!("{at}/delete"), &[]).await.status, StatusCode::CONFLICT);
    olga.submit(&at, &at, &[("act", "role"), ("role", "billing_admin")]).await;
    assert_eq!(held(&site, &acme, "pushed").await.unwrap().role, Some(Role::BillingAdmin));
}

#[tokio::test]
async fn teams_and_those_in_them_are_listed_fifty_a_page() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let mut ada = site.comes(&acme, "ada@acme.example", Role::Admin).await;
    for number in 0..55 {
        let name = format!("Team {number:02}");
        site.change(async |tx| team::create(&tx, &SystemRng, &acme, &name, Origin::Hand, None).await).await;
    }
    let first = held(&site, &acme, "team 00").await.unwrap();
    for number in 0..55 {
        let who = site.person(&acme, &format!("m{number:02}@acme.example"), Role::Member).await;
        site.change(async |tx| team_member::add(&tx, &SystemRng, &acme, &first, &who, Origin::Hand).await).await;
    }
    ada.get(PAGE).await.says("Team 49").hides("Team 50").says("<td>55</td>").says("Next page");
    ada.get(&format!("{PAGE}?after=team+49")).await.says("Team 50").says("Team 54").says("Back to the start");
    let at = format!("{PAGE}/{}", first.id);
    let mut seen = 0;
    let mut next = at.clone();
    for expected in [50, 5] {
        let page = ada.get(&next).await;
        let found = page.body.matches("<input type=\"hidden\" name=\"act\" value=\"remove\">").count();
        assert_eq!(found, expected);
        seen += found;
        if let Some(rest) = page.body.split("<a href=\"").find(|rest| rest.contains(">Next page<")) {
            next = rest.split('"').next().unwrap().to_owned();
        }
    }
    assert_eq!(seen, 55);
    let group = site.organization("group", OrgKind::Admin).await;
    assert_eq!(group.kind, OrgKind::Admin);
    let mut operator = site.operator().await;
    operator.get("/.vestibule/console/o/group/teams").await.says("An Admin organization has no teams");
}
