//! The page of an organization for those who run it: who sees and sets what, and that nobody of another organization does.

use http::StatusCode;
use vestibule::directory::organization::{self, OrgKind};
use vestibule::directory::{Discoverability, Organization, audit, member, sso, user};
use vestibule::kernel::{Role, UserId};
use vestibule::store::Tx;

use super::browser::Page;
use super::joining::{EVE, JOIN, link_in, token_of, told};
use super::{Browser, Site};

pub const PAGE: &str = "/.vestibule/organization";
pub const MEMBERS: &str = "/.vestibule/organization/members";
pub const REQUESTS: &str = "/.vestibule/organization/requests";
pub const DISCOVERABILITY: &str = "/.vestibule/organization/discoverability";
const OLGA: &str = "olga@initech.example";
const ADAM: &str = "adam@initech.example";
const BILL: &str = "bill@initech.example";
const SAM: &str = "sam@initech.example";

impl Site {
    /// Initech with one of each role, and a member and an owner whose memberships sleep.
    pub async fn staffed(discoverability: &str) -> (Self, Organization) {
        let (site, initech) = Site::with_initech(discoverability).await;
        for (email, role) in [(OLGA, Role::Owner), (ADAM, Role::Admin), (BILL, Role::BillingAdmin), (SAM, Role::Member)]
        {
            site.add(&initech, email, role).await;
        }
        for (email, role) in [("una@bought.example", Role::Member), ("ugo@bought.example", Role::Owner)] {
            site.add(&initech, email, role).await;
            let id = site.id(email).await;
            let sleep = async |tx: Tx| member::put_to_sleep(&tx, initech.id, id).await;
            site.store.transaction("test", sleep).await.unwrap();
        }
        (site, initech)
    }

    pub async fn id(&self, email: &str) -> UserId {
        self.account(email).await.unwrap_or_else(|| panic!("{email} has an account")).id
    }

    /// A browser in which this person is signed in.
    pub async fn as_(&self, email: &str) -> Browser {
        let mut browser = self.browser();
        self.sign_up(&mut browser, email).await;
        browser
    }

    pub async fn actions(&self, of: &Organization) -> Vec<(String, String)> {
        let entries = audit::newest(&self.store.reader(), of.id, 50).await.unwrap();
        entries.into_iter().map(|(_, audited)| (audited.entry.actor, audited.entry.action)).collect()
    }

    async fn settings(&self, of: &Organization) -> (Discoverability, Vec<String>) {
        let found = organization::by_id(&self.store.reader(), of.id).await.unwrap().unwrap().settings;
        (found.discoverability, found.discoverable_domains.iter().map(ToString::to_string).collect())
    }
}

/// Posts a decision about somebody.
async fn settle(browser: &mut Browser, path: &str, slug: &str, user: UserId, decision: &str) -> Page {
    let user = user.to_string();
    browser.post(path, &[("organization", slug), ("user", &user), ("decision", decision)]).await
}

#[tokio::test]
async fn an_owner_confirms_and_removes_memberships_that_sleep() {
    let (site, initech) = Site::staffed("invite_only").await;
    let (una, ugo) = (site.id("una@bought.example").await, site.id("ugo@bought.example").await);
    let mut olga = site.as_(OLGA).await;
    assert!(olga.get("/.vestibule/account").await.body.contains("Manage initech"));
    let page = olga.get(&format!("{PAGE}?of=initech")).await;
    for text in ["You see this page as owner", "Confirm una@bought.example", "Remove ugo@bought.example"] {
        assert!(page.body.contains(text), "{text}: {page:?}");
    }
    let form = [("organization", "initech"), ("user", &una.to_string()), ("decision", "confirm")];
    assert_eq!(olga.post_cross_site(MEMBERS, &form).await.status, StatusCode::FORBIDDEN);
    assert_eq!(site.role("una@bought.example", &initech).await, None);
    let done = settle(&mut olga, MEMBERS, "initech", una, "confirm").await;
    assert_eq!(done.location(), format!("{PAGE}?done=confirmed"), "{done:?}");
    assert!(olga.get(done.location()).await.body.contains("Confirmed: they are a member again."));
    assert_eq!(site.role("una@bought.example", &initech).await, Some(Role::Member));
    assert_eq!(settle(&mut olga, MEMBERS, "initech", una, "remove").await.status, StatusCode::NOT_FOUND, "awake");
    assert_eq!(settle(&mut olga, MEMBERS, "initech", ugo, "remove").await.location(), format!("{PAGE}?done=removed"));
    assert!(member::record(&site.store.reader(), initech.id, ugo).await.unwrap().is_none());
    let page = olga.get(PAGE).await;
    assert!(!page.body.contains("Members to confirm"), "{page:?}");
    let noted = site.actions(&initech).await;
    for action in ["member.confirm", "member.remove"] {
        assert!(noted.contains(&(OLGA.to_owned(), action.to_owned())), "{action} in {noted:?}");
    }
    site.check_store().await;
}

#[tokio::test]
async fn d1_each_role_sees_and_does_what_is_its_own() {
    let (site, initech) = Site::staffed("approval").await;
    let una = site.id("una@bought.example").await;
    let ugo = site.id("ugo@bought.example").await;
    let mut eve = site.as_(EVE).await;
    assert!(eve.post(JOIN, &[("organization", "initech")]).await.body.contains("on its way"));
    let eve_id = site.id(EVE).await;
    while site.mail().await.is_some() {}
    let new = [("organization", "initech"), ("discoverability", "open"), ("domains", "initech.example")];

    let mut adam = site.as_(ADAM).await;
    let page = adam.get(PAGE).await;
    assert!(page.body.contains("Remove una@bought.example") && !page.body.contains("Confirm una"), "{page:?}");
    assert!(page.body.contains("ugo@bought.example") && !page.body.contains("Remove ugo"), "an owner's: {page:?}");
    assert!(page.body.contains(&format!("Let in {EVE}")) && page.body.contains("Owners and billing admins set this"));
    assert_eq!(settle(&mut adam, MEMBERS, "initech", una, "confirm").await.status, StatusCode::FORBIDDEN);
    assert_eq!(settle(&mut adam, MEMBERS, "initech", ugo, "remove").await.status, StatusCode::FORBIDDEN);
    assert_eq!(adam.post(DISCOVERABILITY, &new).await.status, StatusCode::FORBIDDEN);

    let mut bill = site.as_(BILL).await;
    let page = bill.get(PAGE).await;
    assert!(!page.body.contains("bought.example") && !page.body.contains(EVE), "{page:?}");
    for (path, user, decision) in [(MEMBERS, una, "remove"), (MEMBERS, una, "confirm"), (REQUESTS, eve_id, "grant")] {
        let refused = settle(&mut bill, path, "initech", user, decision).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{decision}: {refused:?}");
    }
    assert_eq!(bill.post(DISCOVERABILITY, &new).await.location(), format!("{PAGE}?done=saved"));
    assert_eq!(site.settings(&initech).await.0, Discoverability::Open);

    let mut sam = site.as_(SAM).await;
    let none = sam.get(&format!("{PAGE}?of=nobody")).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
    assert!(!sam.get("/.vestibule/account").await.body.contains("Manage "));
    for page in [
        sam.get(PAGE).await,
        sam.get(&format!("{PAGE}?of=initech")).await,
        sam.post(DISCOVERABILITY, &new).await,
        settle(&mut sam, MEMBERS, "initech", una, "confirm").await,
        settle(&mut sam, REQUESTS, "initech", eve_id, "grant").await,
    ] {
        assert_eq!(told(&page), told(&none));
    }
    assert_eq!((site.role(EVE, &initech).await, site.role("una@bought.example", &initech).await), (None, None));

    let granted = settle(&mut adam, REQUESTS, "initech", eve_id, "grant").await;
    assert_eq!(granted.location(), format!("{PAGE}?done=granted"), "{granted:?}");
    assert_eq!(site.role(EVE, &initech).await, Some(Role::Member));
    let mut subjects = Vec::new();
    while let Some(mail) = site.mail().await {
        subjects.push((mail.to.to_string(), mail.subject));
    }
    assert!(subjects.contains(&(EVE.to_owned(), "You are in initech now".to_owned())), "{subjects:?}");
    let mut olga = site.as_(OLGA).await;
    let before = settle(&mut olga, REQUESTS, "initech", eve_id, "decline").await;
    assert!(before.body.contains("before, by adam@initech.example"), "{before:?}");
    site.check_store().await;
}

#[tokio::test]
async fn work_domains_are_set_by_a_form_that_says_what_is_wrong_and_rest_under_single_sign_on() {
    let (site, initech) = Site::staffed("invite_only").await;
    let mut bill = site.as_(BILL).await;
    let mut save = async |choice: &str, domains: &str| {
        let form = [("organization", "initech"), ("discoverability", choice), ("domains", domains)];
        bill.post(DISCOVERABILITY, &form).await
    };
    for (choice, domains, problem) in [
        ("open", "initech.example\ngmail.com", "verybody can have an address of gmail.com"),
        ("open", "initech", "one like acme.example is wanted"),
        ("all", "initech.example", "open, approval or invite_only"),
    ] {
        let page = save(choice, domains).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST);
        assert!(page.body.contains(problem) && page.body.contains(domains), "what was typed stays: {page:?}");
    }
    assert_eq!(site.settings(&initech).await, (Discoverability::InviteOnly, vec!["initech.example".to_owned()]));
    let saved = save("approval", "initech.test\r\nInitech.example").await;
    assert_eq!(saved.location(), format!("{PAGE}?done=saved"), "{saved:?}");
    let domains = vec!["initech.example".to_owned(), "initech.test".to_owned()];
    assert_eq!(site.settings(&initech).await, (Discoverability::Approval, domains));
    let noted = site.actions(&initech).await;
    for action in ["org.set.discoverability", "org.set.discoverable_domains"] {
        assert!(noted.contains(&(BILL.to_owned(), action.to_owned())), "{action} in {noted:?}");
    }
    let before = noted.len();
    save("approval", "initech.example,initech.test").await;
    assert_eq!(site.actions(&initech).await.len(), before, "what does not change is not noted");
    let mut eve = site.as_("eve@initech.test").await;
    assert!(eve.get(JOIN).await.body.contains("Ask to join initech"));

    let connect = async |tx: Tx| {
        let connection = sso::connection(&tx, site.acme.id).await?.expect("acme's");
        sso::set(&tx, &initech, &connection).await
    };
    let mut olga = site.as_(OLGA).await;
    site.store.transaction("test", connect).await.unwrap();
    let page = olga.get(PAGE).await;
    assert!(page.body.contains("There is nothing to set here"), "{page:?}");
    let form = [("organization", "initech"), ("discoverability", "open"), ("domains", "")];
    assert_eq!(olga.post(DISCOVERABILITY, &form).await.status, StatusCode::CONFLICT);
    site.check_store().await;
}

#[tokio::test]
async fn d5_no_role_of_any_other_organization_acts_on_a_membership_or_setting_of_this_one() {
    let (site, initech) = Site::staffed("approval").await;
    let mut eve = site.as_(EVE).await;
    eve.post(JOIN, &[("organization", "initech")]).await;
    let link = link_in(&site.mail().await.expect("Adam's, or Olga's"));
    while site.mail().await.is_some() {}
    let (una, eve) = (site.id("una@bought.example").await, site.id(EVE).await);
    let state = async || {
        let reader = site.store.reader();
        let members = member::list(&reader, initech.id, None).await.unwrap();
        let request = vestibule::directory::access_request::find(&reader, initech.id, eve).await.unwrap();
        (members, request, site.settings(&initech).await)
    };
    let before = state().await;
    let other = site.found("other", OrgKind::Customer).await;
    let mother = site.found("mother", OrgKind::Admin).await;
    for role in Role::ALL {
        for (slug, place) in [("other", &other), ("mother", &mother)] {
            // Once with an address of the same domain, once of another; once a plain member of initech besides.
            for (number, domain) in ["initech.example", "far.example", "initech.example"].into_iter().enumerate() {
                let email = format!("{slug}-{role}-{number}@{domain}").replace('_', "-");
                site.add(place, &email, role).await;
                if number == 2 {
                    site.add(&initech, &email, Role::Member).await;
                }
                let mut browser = site.as_(&email).await;
                let none = told(&browser.get(&format!("{PAGE}?of=nobody")).await);
                assert_eq!(none.0, StatusCode::NOT_FOUND);
                assert_eq!(told(&browser.get(&format!("{PAGE}?of=initech")).await), none, "{email}");
                for (path, user, decision) in [
                    (MEMBERS, una, "confirm"),
                    (MEMBERS, una, "remove"),
                    (REQUESTS, eve, "grant"),
                    (REQUESTS, eve, "decline"),
                ] {
                    assert_eq!(told(&settle(&mut browser, path, "initech", user, decision).await), none, "{email}");
                    let own = settle(&mut browser, path, slug, user, decision).await;
                    assert!(own.status.is_client_error(), "{email} {decision} under their own name: {own:?}");
                }
                let set = [("organization", "initech"), ("discoverability", "open"), ("domains", "evil.example")];
                assert_eq!(told(&browser.post(DISCOVERABILITY, &set).await), none, "{email}");
                let access = [("token", token_of(&link)), ("decision", "grant")];
                assert!(browser.post("/.vestibule/access", &access).await.status.is_client_error(), "{email}");
                if number == 2 {
                    let gone = async |tx: Tx| {
                        let account = user::by_email(&tx, &email.parse().unwrap()).await?;
                        member::remove(&tx, &initech, &account).await
                    };
                    site.store.transaction("test", gone).await.unwrap();
                }
                assert_eq!(state().await, before, "{email}");
            }
        }
    }
}

#[tokio::test]
async fn who_runs_two_organizations_goes_into_the_one_that_is_meant_first() {
    let (site, initech) = Site::staffed("invite_only").await;
    let other = site.found("other", OrgKind::Customer).await;
    site.add(&other, OLGA, Role::Owner).await;
    let una = site.id("una@bought.example").await;
    let mut olga = site.as_(OLGA).await;
    olga.post("/.vestibule/account/organization", &[("organization", "other")]).await;
    let page = olga.get(&format!("{PAGE}?of=initech")).await;
    assert!(page.body.contains("Switch to initech"), "{page:?}");
    let asked = settle(&mut olga, MEMBERS, "initech", una, "confirm").await;
    assert!(asked.body.contains("Switch to initech"), "{asked:?}");
    assert_eq!(site.role("una@bought.example", &initech).await, None, "by initech's rules, in initech");
    let back = [("organization", "initech"), ("return_to", "/.vestibule/organization?of=initech")];
    let there = olga.post("/.vestibule/account/organization", &back).await;
    assert!(olga.get(there.location()).await.body.contains("Confirm una@bought.example"));
    let stranger = site.browser().get(&format!("{PAGE}?of=initech")).await;
    assert_eq!(
        stranger.location(),
        "/.vestibule/sign-in?return_to=%2F.vestibule%2Forganization%3Fof%3Dinitech",
        "{stranger:?}"
    );
}

#[tokio::test]
async fn whoever_has_a_second_factor_shows_it_afresh_to_change_an_organization() {
    let (site, initech) = Site::staffed("approval").await;
    let una = site.id("una@bought.example").await;
    let mut olga = site.as_(OLGA).await;
    let (secret, _) = site.set_up(&mut olga).await;
    site.clock.advance(std::time::Duration::from_secs(11 * 60));
    while site.mail().await.is_some() {}
    let mut eve = site.as_(EVE).await;
    eve.post(JOIN, &[("organization", "initech")]).await;
    let link = link_in(&site.mail().await.expect("those who decide are told"));
    let eve = site.id(EVE).await;
    let new = [("organization", "initech"), ("discoverability", "open"), ("domains", "initech.example")];
    let before = site.settings(&initech).await;
    let wanted = "/.vestibule/second-factor?return_to=%2F.vestibule%2Forganization%3Fof%3Dinitech";
    assert_eq!(olga.post(DISCOVERABILITY, &new).await.location(), wanted);
    assert_eq!(settle(&mut olga, MEMBERS, "initech", una, "confirm").await.location(), wanted);
    assert_eq!(settle(&mut olga, REQUESTS, "initech", eve, "grant").await.location(), wanted);
    let decision = [("token", token_of(&link)), ("decision", "grant")];
    let asked = olga.post("/.vestibule/access", &decision).await;
    let expected = "/.vestibule/second-factor?return_to=%2F.vestibule%2Faccess%3Ftoken%3D";
    assert!(asked.location().starts_with(expected), "{asked:?}");
    assert_eq!(site.settings(&initech).await, before);
    assert_eq!((site.role("una@bought.example", &initech).await, site.role(EVE, &initech).await), (None, None));
    let code = site.code(&secret);
    let shown = olga.post("/.vestibule/second-factor", &[("code", &code), ("return_to", PAGE)]).await;
    assert_eq!(shown.location(), PAGE, "{shown:?}");
    assert_eq!(
        settle(&mut olga, MEMBERS, "initech", una, "confirm").await.location(),
        format!("{PAGE}?done=confirmed")
    );
    assert!(olga.post("/.vestibule/access", &decision).await.body.contains("is let into initech"));
    assert_eq!(olga.post(DISCOVERABILITY, &new).await.location(), format!("{PAGE}?done=saved"));
}
