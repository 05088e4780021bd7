//! The page «Shared SSO», from either side of a link; and the operator's form for a new organization.

use http::StatusCode;
use vestibule::directory::{OrgKind, Organization, link, organization};
use vestibule::kernel::{Role, SystemRng};

use super::world::{Browser, Site};

const GROUP: &str = "/.vestibule/console/o/group/shared";
const ACME: &str = "/.vestibule/console/o/acme/shared";

/// An owner of the Admin organization, who is in an organization that is linked to it.
async fn gina(site: &Site, group: &Organization, home: &Organization, role: Role) -> Browser {
    let email = format!("gina-{role}@group.example");
    let account = site.person(group, &email, role).await;
    site.person(home, &email, Role::Member).await;
    site.browser(&account, Some(home)).await
}

async fn two(site: &Site) -> (Organization, Organization, Organization) {
    let group = site.organization("group", OrgKind::Admin).await;
    let home = site.organization("home", OrgKind::Customer).await;
    site.link(&group, &home).await;
    (group, home, site.organization("acme", OrgKind::Customer).await)
}

/// The text of the first thing to copy.
fn copied(body: &str) -> String {
    let (_, rest) = body.split_once("class=\"copy\">").expect("something to copy");
    rest.split('<').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_code_links_after_a_preview_and_what_is_inherited_says_from_where() {
    let site = Site::new().await;
    let (group, home, acme) = two(&site).await;
    site.change(async |tx| {
        let mut changed = organization::by_id(&tx, group.id).await?.unwrap();
        changed.set("two_factor", "always")?;
        Ok(organization::save(&tx, &changed)?)
    })
    .await;
    let mut operator = site.operator().await;
    let page = operator.submit(GROUP, &format!("{GROUP}/code"), &[]).await;
    page.says("It is shown this once");
    let code = copied(&page.body);
    operator.get(GROUP).await.hides(&code);

    let mut ada = site.comes(&acme, "ada@acme.example", Role::Owner).await;
    ada.get(ACME).await.says("linked to no Admin organization").hides("inherited");
    let typed = [("code", code.as_str()), ("window", "3")];
    let page = ada.submit(ACME, &format!("{ACME}/preview"), &typed).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    page.says("Nothing has changed yet").says("Second factor").says("always").says("acme.example");
    page.says("value=\"3\"").hides("vestibule domain transfer");
    assert!(link::find(&site.store.reader(), acme.id).await.unwrap().is_none());
    let page = ada.submit(ACME, &format!("{ACME}/join"), &typed).await;
    assert_eq!(page.location, format!("{ACME}?done=joined"), "{}", page.body);
    let held = link::find(&site.store.reader(), acme.id).await.unwrap().unwrap();
    assert_eq!(held.window_ends.since(held.since).as_secs(), 3 * 24 * 3600);
    ada.get(ACME).await.says("inherited").says("until 2026-11-25 10:00 UTC").says("its own");
    let actions: Vec<String> = site.audited(&acme).await.into_iter().map(|entry| entry.action).collect();
    assert!(actions.contains(&"link.join".to_owned()) && !actions.iter().any(|action| action.contains(&code)));
    for entry in site.audited(&group).await {
        assert!(!format!("{entry:?}").contains(&code), "{entry:?}");
    }

    let mut amy = site.comes(&acme, "amy@acme.example", Role::Admin).await;
    amy.get(ACME).await.says("An owner ends the link").hides("End the link</a>");
    let leave = format!("{ACME}/leave");
    ada.get(&leave).await.says("This ends at once").says("Domains that lead to acme itself again: acme.example");
    let page = ada.submit(&leave, &leave, &[]).await;
    assert_eq!(page.location, format!("{ACME}?done=left"), "{}", page.body);
    assert!(link::find(&site.store.reader(), acme.id).await.unwrap().is_none());
    ada.get(&leave).await.says("There is no such link");
    assert!(link::find(&site.store.reader(), home.id).await.unwrap().is_some(), "the other one stays");
}

#[tokio::test]
async fn a_wrong_code_and_a_wrong_window_are_said_with_what_was_typed() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let mut ada = site.comes(&acme, "ada@acme.example", Role::Owner).await;
    for to in ["preview", "join"] {
        let page = ada.submit(ACME, &format!("{ACME}/{to}"), &[("code", "c0de"), ("window", "7")]).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{}", page.body);
        page.says("value=\"c0de\"").says("No such code").hides("vestibule link code");
        let page = ada.submit(ACME, &format!("{ACME}/{to}"), &[("code", "c0de"), ("window", "91")]).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{}", page.body);
        page.says("at most 90").says("value=\"91\"");
    }
    let mut amy = site.comes(&acme, "amy@acme.example", Role::Admin).await;
    let token = amy.get("/.vestibule/console/o/acme/general").await.token();
    amy.get(ACME).await.says("An owner does that").hides("Linking code");
    let fields = [("token", token.as_str()), ("code", "c0de"), ("window", "7")];
    assert_eq!(amy.post(&format!("{ACME}/join"), &fields).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_admins_managers_see_each_linked_one_name_it_for_scim_and_owners_end_it() {
    let site = Site::new().await;
    let (group, home, acme) = two(&site).await;
    site.link(&group, &acme).await;
    let mut amy = gina(&site, &group, &home, Role::Admin).await;
    let page = amy.get(GROUP).await;
    page.says(">acme<").says(">home<").says("until 2026-11-29 10:00 UTC").says("its own still: acme.example");
    page.says("an owner ends it").hides("Make a code</button>");
    let rename = format!("{GROUP}/scim-name");
    let page = amy.submit(GROUP, &rename, &[("organization", "acme"), ("scim_name", "Acme & Co")]).await;
    assert_eq!(page.location, format!("{GROUP}?done=renamed"), "{}", page.body);
    assert_eq!(site.now(&acme).await.settings.scim_name.as_deref(), Some("Acme & Co"));
    amy.get(GROUP).await.says("value=\"Acme &#38; Co\"");
    let page = amy.submit(GROUP, &rename, &[("organization", "home"), ("scim_name", "acme & co")]).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST, "unique (D15): {}", page.body);
    page.says("role=\"alert\"").says("value=\"acme &#38; co\"");
    let globex = site.organization("globex", OrgKind::Customer).await;
    let page = amy.submit(GROUP, &rename, &[("organization", "globex"), ("scim_name", "x")]).await;
    assert_eq!((page.status, site.now(&globex).await.settings.scim_name), (StatusCode::NOT_FOUND, None));

    let leave = format!("{GROUP}/leave");
    let token = amy.get(GROUP).await.token();
    let fields = [("token", token.as_str()), ("organization", "acme")];
    assert_eq!(amy.post(&leave, &fields).await.status, StatusCode::FORBIDDEN);
    let mut gina = gina(&site, &group, &home, Role::Owner).await;
    let at = format!("{leave}?organization=acme");
    gina.get(&at).await.says("End the link with");
    let page = gina.submit(&at, &leave, &[("organization", "acme")]).await;
    assert_eq!(page.location, format!("{GROUP}?done=ended"), "{}", page.body);
    gina.get(GROUP).await.hides(">acme<").says(">home<");
    assert!(link::find(&site.store.reader(), acme.id).await.unwrap().is_none());
}

#[tokio::test]
async fn a_preview_names_no_organization_that_is_not_its_business() {
    let site = Site::new().await;
    let (group, _, acme) = two(&site).await;
    let globex = site.organization("globex", OrgKind::Customer).await;
    site.change(async |tx| {
        let mut changed = organization::by_id(&tx, group.id).await?.unwrap();
        changed.set("require_sso", "true")?;
        Ok(organization::save(&tx, &changed)?)
    })
    .await;
    site.person(&acme, "gus@globex.example", Role::Member).await;
    let code = site.change(async |tx| Ok(link::code(&tx, &SystemRng, &group)?.expose().clone())).await;
    let mut ada = site.comes(&acme, "ada@acme.example", Role::Owner).await;
    let typed = [("code", code.as_str()), ("window", "7")];
    let page = ada.submit(ACME, &format!("{ACME}/preview"), &typed).await;
    page.says("ada@acme.example").hides(&format!("single sign-on of {}", globex.slug));
}

#[tokio::test]
async fn the_operator_makes_organizations_of_either_kind_and_nobody_else_does() {
    let site = Site::new().await;
    let list = "/.vestibule/console";
    let create = "/.vestibule/console/create";
    let mut operator = site.operator().await;
    for (slug, kind, expected) in [("acme", "customer", OrgKind::Customer), ("group", "admin", OrgKind::Admin)] {
        let page = operator.submit(list, create, &[("slug", slug), ("name", "A <b>"), ("kind", kind)]).await;
        assert_eq!(page.location, format!("{list}/o/{slug}"), "{}", page.body);
        let made = organization::by_slug(&site.store.reader(), &slug.parse().unwrap()).await.unwrap();
        assert_eq!((made.kind, made.name.as_str()), (expected, "A <b>"));
    }
    let page = operator.submit(list, create, &[("slug", "acme"), ("name", "B"), ("kind", "admin")]).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    page.says("never used again").says("value=\"acme\"").says("value=\"admin\" checked");
    let page = operator.submit(list, create, &[("slug", "A B"), ("name", "B")]).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST, "{}", page.body);
    page.says("This is no slug");
    let page = operator.post(create, &[("token", "0000"), ("slug", "other"), ("name", "B")]).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    let acme = organization::by_slug(&site.store.reader(), &"acme".parse().unwrap()).await.unwrap();
    let mut ada = site.comes(&acme, "ada@acme.example", Role::Owner).await;
    let token = ada.get(&format!("{list}/o/acme/general")).await.token();
    let fields = [("token", token.as_str()), ("slug", "other"), ("name", "B")];
    for browser in [&mut ada, &mut site.stranger()] {
        assert_eq!(browser.post(create, &fields).await.status, StatusCode::FORBIDDEN);
    }
    assert!(organization::by_slug(&site.store.reader(), &"other".parse().unwrap()).await.is_err());
}
