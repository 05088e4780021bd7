//! Who gets into the console: D1, D5, D6, and the operator's link.

use std::time::Duration;

use http::StatusCode;
use vestibule::directory::OrgKind;
use vestibule::kernel::{Role, form_limit};

use super::world::Site;

/// Every page of an organization, by the last part of its address.
pub const PAGES: &[&str] = &[
    "",
    "/general",
    "/domains",
    "/domains/acme.example",
    "/domains/acme.example/release",
    "/shared",
    "/shared/leave",
    "/scim",
    "/scim/people",
    "/scim/drift",
    "/scim/requests",
    "/discoverability",
    "/audit",
    "/explain",
    "/sso",
    "/sso/certificates",
    "/sso/options",
    "/sso/access",
    "/sso/require",
    "/sso/remove",
    "/logins",
    "/members",
    "/teams",
    "/two-factor",
    "/sessions",
    "/sessions/end",
];
/// Every address that takes a form.
pub const FORMS: &[&str] = &[
    "/general",
    "/domains",
    "/domains/acme.example/check",
    "/domains/acme.example/release",
    "/domains/acme.example/transfer",
    "/shared/code",
    "/shared/scim-name",
    "/shared/preview",
    "/shared/join",
    "/shared/leave",
    "/scim/issue",
    "/scim/revoke",
    "/discoverability",
    "/discoverability/members",
    "/discoverability/requests",
    "/audit/verify",
    "/sso/metadata",
    "/sso/hand",
    "/sso/address",
    "/sso/refresh",
    "/sso/forget",
    "/sso/remove",
    "/sso/certificates",
    "/sso/certificates/remove",
    "/sso/options",
    "/sso/access",
    "/sso/require",
    "/logins/6f9619ff-8b86-4d01-b42d-00cf4fc964ff/share",
    "/logins/6f9619ff-8b86-4d01-b42d-00cf4fc964ff/unshare",
    "/members",
    "/members/00000000-0000-0000-0000-000000000000",
    "/members/00000000-0000-0000-0000-000000000000/remove",
    "/teams",
    "/teams/00000000-0000-0000-0000-000000000000",
    "/teams/00000000-0000-0000-0000-000000000000/delete",
    "/two-factor",
    "/sessions",
    "/sessions/end",
];

fn at(slug: &str, rest: &str) -> String {
    format!("/.vestibule/console/o/{slug}{rest}")
}

#[tokio::test]
async fn owners_admins_and_the_operator_open_every_page_and_nobody_else_any() {
    let site = Site::new().await;
    let (acme, globex) =
        (site.organization("acme", OrgKind::Customer).await, site.organization("globex", OrgKind::Customer).await);
    let mut owner = site.comes(&acme, "ada@acme.example", Role::Owner).await;
    let mut admin = site.comes(&acme, "amy@acme.example", Role::Admin).await;
    let mut operator = site.operator().await;
    let mut biller = site.comes(&acme, "bea@acme.example", Role::BillingAdmin).await;
    let mut member = site.comes(&acme, "bob@acme.example", Role::Member).await;
    let mut stranger = site.comes(&globex, "gus@globex.example", Role::Owner).await;
    let mut half = site.stranger();
    half.cookies.insert("vestibule-half".to_owned(), "anything".to_owned());
    for rest in PAGES {
        for browser in [&mut owner, &mut admin, &mut operator] {
            let page = browser.get(&at("acme", rest)).await;
            assert_eq!(page.status, StatusCode::OK, "{rest}: {}", page.body);
            assert!(
                page.policy.contains("default-src 'none'") && page.policy.contains("form-action 'self'"),
                "{}",
                page.policy
            );
        }
        for browser in [&mut biller, &mut member, &mut stranger, &mut half] {
            for slug in ["acme", "nobody", "%22"] {
                let page = browser.get(&at(slug, rest)).await;
                assert_eq!(page.status, StatusCode::FORBIDDEN, "{slug}{rest}: {}", page.body);
                page.hides("ada@acme.example");
            }
        }
        let page = site.stranger().get(&at("acme", rest)).await;
        assert!(
            page.location.starts_with("/.vestibule/sign-in?return_to=%2F.vestibule%2Fconsole%2Fo%2Facme"),
            "{}",
            page.location
        );
    }
}

#[tokio::test]
async fn no_form_is_taken_from_whoever_may_not_and_nothing_changes() {
    let site = Site::new().await;
    let (acme, globex) =
        (site.organization("acme", OrgKind::Customer).await, site.organization("globex", OrgKind::Customer).await);
    let mut owner = site.comes(&acme, "ada@acme.example", Role::Owner).await;
    let token = owner.get(&at("acme", "/general")).await.token();
    let mut half = site.stranger();
    half.cookies.insert("vestibule-half".to_owned(), "anything".to_owned());
    let mut others = vec![
        site.comes(&acme, "bea@acme.example", Role::BillingAdmin).await,
        site.comes(&acme, "bob@acme.example", Role::Member).await,
        site.comes(&globex, "gus@globex.example", Role::Owner).await,
        half,
        site.stranger(),
    ];
    let before = (site.now(&acme).await, site.audited(&acme).await.len());
    for form in FORMS {
        for browser in &mut others {
            let page = browser.post(&at("acme", form), &[("token", &token), ("name", "Taken")]).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{form}: {}", page.body);
        }
        // Theirs, but without the page's token.
        for wrong in ["", "0000"] {
            let page = owner.post(&at("acme", form), &[("token", wrong), ("name", "Taken")]).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{form}: {}", page.body);
        }
    }
    assert_eq!((site.now(&acme).await, site.audited(&acme).await.len()), before);
}

#[tokio::test]
async fn each_form_is_read_as_far_as_the_gate_lets_it_through() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let mut owner = site.comes(&acme, "ada@acme.example", Role::Owner).await;
    for form in FORMS {
        let at = at("acme", form);
        // Without a token it is refused as soon as it is read.
        for (size, expected) in
            [(form_limit(&at), StatusCode::FORBIDDEN), (form_limit(&at) + 1, StatusCode::PAYLOAD_TOO_LARGE)]
        {
            let page = owner.post(&at, &[("x", &"x".repeat(size - "x=".len()))]).await;
            assert_eq!(page.status, expected, "{form}, {size} bytes: {}", page.body);
        }
    }
}

#[tokio::test]
async fn a_role_that_was_taken_away_meanwhile_counts() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    site.person(&acme, "olga@acme.example", Role::Owner).await;
    let ada = site.person(&acme, "ada@acme.example", Role::Admin).await;
    let mut browser = site.browser(&ada, Some(&acme)).await;
    let token = browser.get(&at("acme", "/general")).await.token();
    site.change(async |tx| vestibule::directory::member::set_role(&tx, &acme, &ada, Role::Member).await.map(|_| ()))
        .await;
    let page = browser.post(&at("acme", "/general"), &[("token", &token), ("name", "Taken")]).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN, "{}", page.body);
    assert_eq!(site.now(&acme).await.name, "acme");
}

#[tokio::test]
async fn after_half_an_hour_it_is_asked_again_who_it_is_before_anything_changes() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let mut ada = site.comes(&acme, "ada@acme.example", Role::Owner).await;
    let token = ada.get(&at("acme", "/general")).await.hides("Confirm that it is you").token();
    site.clock.advance(Duration::from_secs(31 * 60));
    ada.get(&at("acme", "/general")).await.says("Confirm that it is you").says("<fieldset disabled>");
    let page = ada.post(&at("acme", "/general"), &[("token", &token), ("name", "Late")]).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    page.says("asked again that it is you");
    assert_eq!(site.now(&acme).await.name, "acme");
}

#[tokio::test]
async fn the_page_of_another_organization_of_theirs_leads_there_first() {
    let site = Site::new().await;
    let (acme, globex) =
        (site.organization("acme", OrgKind::Customer).await, site.organization("globex", OrgKind::Customer).await);
    let ada = site.person(&acme, "ada@acme.example", Role::Owner).await;
    site.person(&globex, "ada@acme.example", Role::Owner).await;
    let mut browser = site.browser(&ada, Some(&acme)).await;
    let page = browser.get(&at("globex", "/general")).await;
    assert!(page.location.starts_with("/.vestibule/account/switch?organization=globex"), "{}", page.location);
    browser.get(&page.location).await.says("Switch to globex");
    browser.get("/.vestibule/console").await.says("acme").says("globex");
}

#[tokio::test]
async fn an_admin_organization_is_run_from_within_one_that_is_linked_to_it() {
    let site = Site::new().await;
    let (group, acme) =
        (site.organization("group", OrgKind::Admin).await, site.organization("acme", OrgKind::Customer).await);
    site.link(&group, &acme).await;
    let gina = site.person(&group, "gina@group.example", Role::Owner).await;
    site.person(&acme, "gina@group.example", Role::Member).await;
    let mut browser = site.browser(&gina, Some(&acme)).await;
    assert_eq!(browser.get(&at("group", "/general")).await.status, StatusCode::OK);
    assert_eq!(browser.get(&at("acme", "/general")).await.status, StatusCode::FORBIDDEN, "there they are a member");
    site.change(async |tx| {
        let mut changed = group.clone();
        changed.set("two_factor", "always")?;
        Ok(vestibule::directory::organization::save(&tx, &changed)?)
    })
    .await;
    assert_eq!(
        browser.get(&at("group", "/general")).await.status,
        StatusCode::FORBIDDEN,
        "it asks for a second factor"
    );
}

#[tokio::test]
async fn the_operators_link_works_once_for_ten_minutes_and_its_session_ends() {
    let site = Site::new().await;
    site.organization("acme", OrgKind::Customer).await;
    let mut operator = site.operator().await;
    operator.get("/.vestibule/console").await.says("acme");
    let mut other = site.stranger();
    let issue = async |tx| vestibule::session::operator::issue(&tx, &vestibule::kernel::SystemRng);
    let link: String = site.store.transaction("test", issue).await.unwrap();
    // Looking at it does not use it up.
    other.get(&format!("/.vestibule/console/enter?link={link}")).await.says("Open the console");
    site.clock.advance(Duration::from_secs(11 * 60));
    let page = other.post("/.vestibule/console/enter", &[("link", &link)]).await;
    assert_eq!((page.status, other.cookies.len()), (StatusCode::FORBIDDEN, 0));
    let link: String = site.store.transaction("test", issue).await.unwrap();
    other.post("/.vestibule/console/enter", &[("link", &link)]).await;
    assert_eq!(other.get(&at("acme", "")).await.status, StatusCode::OK);
    let again = site.stranger().post("/.vestibule/console/enter", &[("link", &link)]).await;
    assert_eq!(again.status, StatusCode::FORBIDDEN, "once");
    let copy = other.clone();
    other.post("/.vestibule/console/leave", &[]).await;
    assert!(copy.clone().get(&at("acme", "")).await.location.starts_with("/.vestibule/sign-in"), "its session is over");
    site.clock.advance(Duration::from_secs(4 * 3600));
    assert!(operator.get(&at("acme", "")).await.location.starts_with("/.vestibule/sign-in"), "four hours");
}

#[tokio::test]
async fn a_script_of_the_app_reads_no_page_and_sends_no_form() {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let mut owner = site.comes(&acme, "ada@acme.example", Role::Owner).await;
    let token = owner.get(&at("acme", "/general")).await.token();
    for mode in ["cors", "no-cors", "same-origin", "websocket", ""] {
        owner.mode = mode;
        let page = owner.get(&at("acme", "/general")).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{mode}");
        page.hides("ada@acme.example").hides(&token);
        let page = owner.post(&at("acme", "/general"), &[("token", &token), ("name", "Taken")]).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{mode}");
    }
    assert_eq!(site.now(&acme).await.name, "acme");
}
