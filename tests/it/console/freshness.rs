//! What asks for a factor that was shown just now, and what goes with the session alone: each form, both ways.

use std::time::Duration;

use http::StatusCode;
use vestibule::directory::{OrgKind, Organization, User};
use vestibule::kernel::Role;

use super::door::{FORMS, PAGES};
use super::world::{Browser, Page, Site};

/// A form with what its fields hold.
type Filled = (&'static str, &'static [(&'static str, &'static str)]);

/// The forms that go with the session alone, and what they hold. Every other one asks for the factor.
const SESSION_ALONE: &[Filled] = &[
    ("/domains/acme.example/check", &[]),
    ("/shared/preview", &[("code", "none"), ("window", "1")]),
    ("/audit/verify", &[("expect", "")]),
    ("/logins/6f9619ff-8b86-4d01-b42d-00cf4fc964ff/unshare", &[]),
    ("/teams", &[("name", "Ops")]),
];
/// The same forms, holding something for which they ask for the factor all the same.
const FACTOR_ALL_THE_SAME: &[Filled] = &[("/teams", &[("name", "Help"), ("role", "admin")])];

/// Later than a factor counts as shown just now.
const LATER: Duration = Duration::from_secs(31 * 60);

fn at(rest: &str) -> String {
    format!("/.vestibule/console/o/acme{rest}")
}

/// Each form, and whether it asks for a factor.
fn cases() -> Vec<(Filled, bool)> {
    let alone = |form: &&&str| !SESSION_ALONE.iter().any(|(other, _)| *other == **form);
    let asking = FORMS.iter().filter(alone).map(|form| ((*form, &[] as &[_]), true));
    let fields = FACTOR_ALL_THE_SAME.iter().map(|filled| (*filled, true));
    asking.chain(fields).chain(SESSION_ALONE.iter().map(|filled| (*filled, false))).collect()
}

async fn sends(browser: &mut Browser, (form, fields): Filled) -> Page {
    let token = browser.get(&at("/general")).await.token();
    let mut all = vec![("token", token.as_str())];
    all.extend_from_slice(fields);
    browser.post(&at(form), &all).await
}

async fn site() -> (Site, Organization, User) {
    let site = Site::new().await;
    let acme = site.organization("acme", OrgKind::Customer).await;
    let ada = site.person(&acme, "ada@acme.example", Role::Owner).await;
    (site, acme, ada)
}

#[tokio::test]
async fn each_form_asks_for_a_fresh_factor_or_goes_with_the_session_alone() {
    let (site, acme, ada) = site().await;
    let mut stale = site.browser(&ada, Some(&acme)).await;
    site.clock.advance(LATER);
    for (filled, asks) in cases() {
        let before = (site.now(&acme).await, site.audited(&acme).await.len());
        let page = sends(&mut stale, filled).await;
        let asked = page.body.contains("asked again that it is you");
        assert_eq!(asked, asks, "{filled:?}: {} {}", page.status, page.body);
        if asks {
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{filled:?}");
            page.says("Nothing was changed").says("typed again").says(">Confirm that it is you</a>");
            assert_eq!((site.now(&acme).await, site.audited(&acme).await.len()), before, "{filled:?}");
        }
        // Whoever confirms comes back to a page.
        if let Some(back) = back_to(&page) {
            let page = stale.get(&back).await;
            assert!(matches!(page.status.as_u16(), 200 | 404), "{filled:?}: {back} is {}", page.status);
        }
    }
    for (filled, _) in cases() {
        // Of those before, one ends every session made until then.
        site.clock.advance(Duration::from_secs(1));
        let mut fresh = site.browser(&ada, Some(&acme)).await;
        sends(&mut fresh, filled).await.hides("asked again that it is you");
    }
}

/// Where «Confirm that it is you» leads back to.
fn back_to(page: &Page) -> Option<String> {
    let (_, rest) = page.body.split_once("/.vestibule/confirm?return_to=")?;
    let encoded = rest.split('"').next().unwrap();
    let query = format!("return_to={encoded}");
    let (_, back) = url::form_urlencoded::parse(query.as_bytes()).next().unwrap();
    assert!(back.starts_with(&at("")), "{back}");
    Some(back.into_owned())
}

#[tokio::test]
async fn what_was_made_with_the_session_alone_is_there_and_what_was_not_is_not() {
    let (site, acme, ada) = site().await;
    let mut stale = site.browser(&ada, Some(&acme)).await;
    site.clock.advance(LATER);
    let page = sends(&mut stale, ("/teams", &[("name", "Ops"), ("role", "")])).await;
    assert_eq!(page.location, at("/teams?done=made"), "{}", page.body);
    sends(&mut stale, ("/teams", &[("name", "Help"), ("role", "admin")])).await;
    stale.get(&at("/teams")).await.says("Ops").hides("Help");
    sends(&mut stale, ("/audit/verify", &[])).await.says("entries are there, each as it was written");
}

#[tokio::test]
async fn a_page_disables_the_forms_that_ask_for_a_fresh_factor_and_those_alone() {
    let (site, acme, ada) = site().await;
    let mut stale = site.browser(&ada, Some(&acme)).await;
    site.clock.advance(LATER);
    let mut seen = Vec::new();
    for rest in PAGES {
        let page = stale.get(&at(rest)).await;
        for form in page.body.split("<form ").skip(1).filter(|form| form.contains("method=\"post\"")) {
            let (form, _) = form.split_once("</form>").expect("its end");
            let action = form.split_once("action=\"").unwrap().1.split('"').next().unwrap();
            let Some(action) = action.strip_prefix(&at("")) else { continue };
            let (_, fieldset) = form.split_once("<fieldset").unwrap_or_else(|| panic!("{rest}: {action}"));
            let disabled = fieldset.split('>').next().unwrap().contains(" disabled");
            let alone = SESSION_ALONE.iter().any(|(form, _)| *form == action);
            assert_eq!(disabled, !alone, "{rest}: {action}");
            seen.push(action.to_owned());
        }
    }
    for expected in ["/audit/verify", "/teams", "/shared/preview", "/general", "/members"] {
        assert!(seen.iter().any(|action| action == expected), "{expected} is not among {seen:?}");
    }
    stale.get(&at("/teams")).await.says("name=\"role\" disabled");
}
