//! The pages «Members»: who is listed, found, invited, changed and removed, and what is told of whose account (D5).

use http::StatusCode;
use vestibule::credential::invitation_limit::{self, OF_AN_ACCOUNT, TO_AN_ADDRESS};
use vestibule::directory::{OrgKind, Organization, Origin, User, member, team, team_member, user};
use vestibule::kernel::{Role, SystemRng};
use vestibule::session::records::{self, Scope};

use super::world::{Browser, Page, Site};

const PAGE: &str = "/.vestibule/console/o/acme/members";
/// A name that would break out of the page, or turn its text around, if it could.
pub const EVIL: &str = "</td><script>alert(1)</script>\u{202e}\"' onx=";
/// The same as a page must show it.
pub const EVIL_SHOWN: &str = "<bdi>&#60;/td&#62;&#60;script&#62;alert(1)&#60;/script&#62;\u{202e}&#34;&#39; onx=</bdi>";

/// What is posted to the page of a member.
async fn act(browser: &mut Browser, account: &User, fields: &[(&str, &str)]) -> Page {
    let at = format!("{PAGE}/{}", account.id);
    browser.submit(&at, &at, fields).await
}

async fn role_of(site: &Site, organization: &Organization, account: &User) -> Option<Role> {
    member::find(&site.store.reader(), organization.id, account.id).await.unwrap().map(|held| held.role)
}

pub async fn named(site: &Site, account: &User, first: &str, last: &str) {
    site.change(async |tx| {
        let renamed = User { first_name: Some(first.to_owned()), last_name: Some(last.to_owned()), ..account.clone() };
        Ok(user::save(&tx, &renamed).await?)
    })
    .await;
}

#[tokio::test]
async fn members_are_listed_by_address_fifty_a_page_and_found_by_address_and_name() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let mut ada = site.comes(&acme, "ada@acme.example", Role::Admin).await;
    for number in 0..60 {
        site.person(&acme, &format!("m{number:02}@acme.example"), Role::Member).await;
    }
    let zoe = site.person(&acme, "zoe@elsewhere.example", Role::Owner).await;
    named(&site, &zoe, "Grace", "Hopper").await;
    let first = ada.get(PAGE).await;
    first.says("ada@acme.example").says("m48@acme.example").hides("m49@acme.example").hides("Back to the start");
    let next = first.body.split("<a href=\"").find(|rest| rest.contains(">Next page<")).expect("a next page");
    let next = next.split('"').next().unwrap().replace("&#38;", "&");
    let second = ada.get(&next).await;
    second.says("m49@acme.example").says("Grace Hopper").says("by hand").says("Back to the start").hides("Next page");
    for search in ["HOPPER", "grace h", "zoe@"] {
        let page = ada.get(&format!("{PAGE}?search={}", search.replace(' ', "+"))).await;
        page.says("Grace Hopper").hides("m01@acme.example");
    }
    ada.get(&format!("{PAGE}?search=nobody")).await.says("Nobody's address or name begins like that.");
}

#[tokio::test]
async fn invitations_are_mailed_where_mail_is_sent_and_owners_are_made_by_owners_alone() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let mut olga = site.comes(&acme, "olga@acme.example", Role::Owner).await;
    let mut ada = site.comes(&acme, "ada@acme.example", Role::Admin).await;
    ada.get(PAGE).await.says("sends no mail").hides("value=\"owner\"");
    olga.get(PAGE).await.says("value=\"owner\"");
    let page = ada.submit(PAGE, PAGE, &[("email", "bob@acme.example"), ("role", "admin")]).await;
    assert_eq!(page.location, format!("{PAGE}?done=added"), "{}", page.body);
    let last = site.audited(&acme).await.pop().unwrap();
    assert_eq!((last.actor.as_str(), last.action.as_str()), ("ada@acme.example", "member.add"), "{last:?}");
    let page = ada.submit(PAGE, PAGE, &[("email", "eve@acme.example"), ("role", "owner")]).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN, "{}", page.body);
    for (email, role) in [("nobody", "member"), ("x@acme.example", "boss"), ("bob@acme.example", "member")] {
        let page = ada.submit(PAGE, PAGE, &[("email", email), ("role", role)]).await;
        assert!(page.status == StatusCode::BAD_REQUEST || page.status == StatusCode::CONFLICT, "{email} {role}");
        page.says("role=\"alert\"").says(&format!("value=\"{email}\""));
    }
    site.change(async |tx| Ok(vestibule::directory::outbox::switch(&tx, true).await?)).await;
    ada.get(PAGE).await.says("They get a mail with a link");
    let page = ada.submit(PAGE, PAGE, &[("email", "carl@acme.example"), ("role", "member")]).await;
    assert_eq!(page.location, format!("{PAGE}?done=invited"), "{}", page.body);
    assert_eq!(site.audited(&acme).await.pop().unwrap().action, "member.invite");
}

#[tokio::test]
async fn whoever_has_mailed_too_many_invitations_in_a_day_waits_and_the_operator_does_not() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let ada = site.person(&acme, "ada@acme.example", Role::Admin).await;
    let mut amy = site.comes(&acme, "amy@acme.example", Role::Admin).await;
    let mut operator = site.operator().await;
    site.change(async |tx| Ok(vestibule::directory::outbox::switch(&tx, true).await?)).await;
    // As if Ada had sent all but one.
    site.change(async |tx| {
        for number in 1..OF_AN_ACCOUNT {
            let to = format!("p{number}@acme.example").parse().unwrap();
            assert_eq!(invitation_limit::reserve(&tx, acme.id, ada.id, &to).await?, None);
        }
        Ok(())
    })
    .await;
    let mut browser = site.browser(&ada, Some(&acme)).await;
    let invites = async |browser: &mut Browser, email: &str| {
        browser.submit(PAGE, PAGE, &[("email", email), ("role", "member")]).await
    };
    let page = invites(&mut browser, "last@acme.example").await;
    assert_eq!(page.location, format!("{PAGE}?done=invited"), "{}", page.body);
    let before = site.audited(&acme).await.len();
    let page = invites(&mut browser, "more@acme.example").await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS, "{}", page.body);
    page.says("You can go on at 2026-11-23 10:00 UTC.").says("value=\"more@acme.example\"").says("role=\"alert\"");
    assert_eq!(site.audited(&acme).await.len(), before);
    let gone = user::find_by_email(&site.store.reader(), &"more@acme.example".parse().unwrap()).await.unwrap();
    assert!(gone.is_none(), "they were made no member either");
    // Others are not concerned, and the operator never.
    for browser in [&mut amy, &mut operator] {
        let page = invites(browser, "last@acme.example").await;
        assert_eq!(page.location, format!("{PAGE}?done=invited"), "{}", page.body);
    }
    site.clock.advance(invitation_limit::WINDOW);
    let mut browser = site.browser(&ada, Some(&acme)).await;
    let page = invites(&mut browser, "more@acme.example").await;
    assert_eq!(page.location, format!("{PAGE}?done=invited"), "{}", page.body);
    // Nobody is mailed again and again, but by the operator.
    let mut operator = site.operator().await;
    for number in 0..2 * TO_AN_ADDRESS {
        let page = invites(&mut browser, "eve@elsewhere.example").await;
        let expected = if number < TO_AN_ADDRESS { StatusCode::SEE_OTHER } else { StatusCode::TOO_MANY_REQUESTS };
        assert_eq!(page.status, expected, "{number}: {}", page.body);
        let page = invites(&mut operator, "eve@elsewhere.example").await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{number}: {}", page.body);
    }
}

#[tokio::test]
async fn a_member_gets_a_role_teams_and_is_removed_after_a_question() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let mut olga = site.comes(&acme, "olga@acme.example", Role::Owner).await;
    let bob = site.person(&acme, "bob@acme.example", Role::Member).await;
    site.change(async |tx| team::create(&tx, &SystemRng, &acme, "Ops", Origin::Hand, None).await).await;
    let at = format!("{PAGE}/{}", bob.id);
    let page = act(&mut olga, &bob, &[("act", "role"), ("role", "billing_admin")]).await;
    olga.get(&page.location).await.says("The role is changed").says("<dd>billing admin</dd>");
    assert_eq!(role_of(&site, &acme, &bob).await, Some(Role::BillingAdmin));
    let page = act(&mut olga, &bob, &[("act", "team-add"), ("team", "Opps")]).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    page.says("value=\"Opps\"");
    act(&mut olga, &bob, &[("act", "team-add"), ("team", "ops")]).await;
    olga.get(&at).await.says("<bdi>Ops</bdi>").says("Take out of Ops");
    act(&mut olga, &bob, &[("act", "team-remove"), ("team", "Ops")]).await;
    olga.get(&at).await.says("In no team.");
    olga.get(&format!("{at}/remove")).await.says("bob@acme.example").says("loses the membership");
    let page = olga.submit(&format!("{at}/remove"), &format!("{at}/remove"), &[]).await;
    assert_eq!(page.location, format!("{PAGE}?done=removed"));
    assert_eq!(role_of(&site, &acme, &bob).await, None);
    let gone = olga.get(&at).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    gone.says("no member here");
    // The last owner stays.
    let olga_id = user::find_by_email(&site.store.reader(), &"olga@acme.example".parse().unwrap()).await.unwrap();
    let page = act(&mut olga, &olga_id.unwrap(), &[("act", "role"), ("role", "member")]).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    page.says("last owner");
}

#[tokio::test]
async fn d5_an_account_of_ones_own_domain_is_acted_on_and_another_is_not() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let globex = site.organization("globex", OrgKind::Customer).await;
    let mut ada = site.comes(&acme, "ada@acme.example", Role::Admin).await;
    let bob = site.person(&acme, "bob@acme.example", Role::Member).await;
    let gus = site.person(&acme, "gus@globex.example", Role::Member).await;
    let nick = site.person(&acme, "nick@nobody.example", Role::Member).await;
    site.person(&globex, "bob@acme.example", Role::Member).await;
    site.person(&globex, "gus@globex.example", Role::Owner).await;
    site.browser(&bob, Some(&globex)).await;
    site.browser(&gus, Some(&globex)).await;
    site.browser(&gus, Some(&acme)).await;
    let at = |account: &User| format!("{PAGE}/{}", account.id);
    // Their own: all of its sessions, of which organization is not told.
    ada.get(&at(&bob)).await.says("Deactivate").says("not in this organization").hides("globex").says("Password");
    let page = ada.get(&at(&gus)).await;
    page.says("Another organization proved the domain").hides("Deactivate").hides("not in this organization");
    page.says("Unknown browser").hides("Second factor");
    ada.get(&at(&nick)).await.says("No organization has proved").hides("Deactivate");
    for what in ["deactivate", "reset-password", "reset-second-factor", "activate"] {
        for account in [&gus, &nick] {
            let page = act(&mut ada, account, &[("act", what)]).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{what}: {}", page.body);
        }
    }
    // Of another's account, the sessions in this organization alone end.
    let page = act(&mut ada, &gus, &[("act", "end-sessions")]).await;
    assert!(page.location.ends_with("?done=ended"), "{}", page.body);
    let left = records::list(&site.store.reader(), Scope::User(gus.id)).await.unwrap();
    assert_eq!(left.iter().map(|record| record.organization).collect::<Vec<_>>(), [Some(globex.id)]);
    let session = left[0].id.to_string();
    let page = act(&mut ada, &gus, &[("act", "end-session"), ("session", &session)]).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN, "{}", page.body);
    let page = act(&mut ada, &bob, &[("act", "deactivate")]).await;
    ada.get(&page.location).await.says("Deactivated:").says("Activate: let them sign in again");
    assert!(!user::by_id(&site.store.reader(), bob.id).await.unwrap().unwrap().active);
    assert!(records::list(&site.store.reader(), Scope::User(bob.id)).await.unwrap().is_empty());
    act(&mut ada, &bob, &[("act", "activate")]).await;
    assert!(user::by_id(&site.store.reader(), bob.id).await.unwrap().unwrap().active);
}

#[tokio::test]
async fn an_admin_acts_on_no_owner_and_an_owner_confirms_whoever_sleeps() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let olga = site.person(&acme, "olga@acme.example", Role::Owner).await;
    let bob = site.person(&acme, "bob@acme.example", Role::Member).await;
    let mut ada = site.comes(&acme, "ada@acme.example", Role::Admin).await;
    let page = ada.get(&format!("{PAGE}/{}", olga.id)).await;
    page.says("an owner changes that").hides("Deactivate").hides("Remove from").hides("name=\"role\"");
    for fields in [[("act", "role"), ("role", "member")], [("act", "deactivate"), ("role", "")]] {
        assert_eq!(act_with_token(&mut ada, &olga, &fields).await.status, StatusCode::FORBIDDEN, "{fields:?}");
    }
    site.change(async |tx| Ok(member::put_to_sleep(&tx, acme.id, bob.id).await?)).await;
    ada.get(PAGE).await.says("to be confirmed");
    ada.get(&format!("{PAGE}/{}", bob.id)).await.says("An owner confirms it.");
    let page = act_with_token(&mut ada, &bob, &[("act", "confirm")]).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    let mut olga = site.browser(&olga, Some(&acme)).await;
    let page = act(&mut olga, &bob, &[("act", "confirm")]).await;
    olga.get(&page.location).await.says("Confirmed:");
    assert_eq!(role_of(&site, &acme, &bob).await, Some(Role::Member));
}

/// The same where the page itself offers no form.
async fn act_with_token(browser: &mut Browser, account: &User, fields: &[(&str, &str)]) -> Page {
    browser.submit(PAGE, &format!("{PAGE}/{}", account.id), fields).await
}

#[tokio::test]
async fn whoever_may_not_opens_no_page_of_a_person_and_changes_nothing() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let globex = site.organization("globex", OrgKind::Customer).await;
    let mut olga = site.comes(&acme, "olga@acme.example", Role::Owner).await;
    let bob = site.person(&acme, "bob@acme.example", Role::Member).await;
    let made = site.change(async |tx| team::create(&tx, &SystemRng, &acme, "Ops", Origin::Hand, None).await).await;
    let token = olga.get(PAGE).await.token();
    let (person, team) = (format!("{PAGE}/{}", bob.id), format!("/.vestibule/console/o/acme/teams/{}", made.id));
    let mut half = site.stranger();
    half.cookies.insert("vestibule-half".to_owned(), "anything".to_owned());
    let mut others = vec![
        site.comes(&acme, "bea@acme.example", Role::BillingAdmin).await,
        site.comes(&acme, "cyd@acme.example", Role::Member).await,
        site.comes(&globex, "gus@globex.example", Role::Owner).await,
        half,
    ];
    let before = site.audited(&acme).await.len();
    for at in [person.clone(), format!("{person}/remove"), team.clone(), format!("{team}/delete")] {
        assert_eq!(olga.get(&at).await.status, StatusCode::OK, "{at}");
        for browser in &mut others {
            let page = browser.get(&at).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{at}");
            page.hides("bob@acme.example");
            let fields = [("token", token.as_str()), ("act", "role"), ("role", "owner")];
            assert_eq!(browser.post(&at, &fields).await.status, StatusCode::FORBIDDEN, "{at}");
        }
    }
    // A person of another organization, in the address of one's own.
    let gus = user::find_by_email(&site.store.reader(), &"gus@globex.example".parse().unwrap()).await.unwrap();
    assert_eq!(olga.get(&format!("{PAGE}/{}", gus.unwrap().id)).await.status, StatusCode::NOT_FOUND);
    assert_eq!(role_of(&site, &acme, &bob).await, Some(Role::Member));
    assert_eq!(site.audited(&acme).await.len(), before);
}

#[tokio::test]
async fn names_full_of_markup_are_shown_as_text_within_their_own_direction() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let mut olga = site.comes(&acme, "olga@acme.example", Role::Owner).await;
    let bob = site.person(&acme, "bob@acme.example", Role::Member).await;
    site.change(async |tx| {
        let renamed = User { first_name: Some(EVIL.to_owned()), ..bob.clone() };
        user::save(&tx, &renamed).await?;
        let made = team::create(&tx, &SystemRng, &acme, EVIL, Origin::Hand, None).await?;
        team_member::add(&tx, &SystemRng, &acme, &made, &bob, Origin::Hand).await
    })
    .await;
    let made = team::find_by_name(&site.store.reader(), acme.id, EVIL).await.unwrap().unwrap();
    let teams = "/.vestibule/console/o/acme/teams".to_owned();
    let (person, team) = (format!("{PAGE}/{}", bob.id), format!("{teams}/{}", made.id));
    let factors = "/.vestibule/console/o/acme/two-factor".to_owned();
    for at in [PAGE.to_owned(), person, team.clone(), format!("{team}/delete"), teams, factors] {
        let page = olga.get(&at).await;
        assert_eq!(page.status, StatusCode::OK, "{at}");
        page.says(EVIL_SHOWN).hides("<script").hides("' onx=");
    }
    let search: String = url::form_urlencoded::byte_serialize(EVIL.as_bytes()).collect();
    olga.get(&format!("{PAGE}?search={search}")).await.hides("<script").hides("' onx=").says(EVIL_SHOWN);
    // What was typed, and stands in the page again.
    let page = olga.submit(PAGE, PAGE, &[("email", EVIL), ("role", EVIL)]).await;
    page.hides("<script").hides("' onx=").says("role=\"alert\"");
}
