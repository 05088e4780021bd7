//! Requests to be let into an organization: told by mail, decided once, by its owners and admins alone.

use std::time::Duration;

use http::StatusCode;
use vestibule::directory::organization::OrgKind;
use vestibule::directory::{DirectoryError, Origin, claim, team, team_member, user};
use vestibule::kernel::Role;
use vestibule::store::Tx;

use super::Site;
use super::joining::{EVE, JOIN, link_in, token_of, told};

const ACCESS: &str = "/.vestibule/access";

#[tokio::test]
async fn approval_tells_owners_and_admins_and_one_of_them_decides_once() {
    let (site, initech) = Site::with_initech("approval").await;
    site.add(&initech, "olga@initech.example", Role::Owner).await;
    site.add(&initech, "adam@initech.example", Role::Admin).await;
    site.add(&initech, "bill@initech.example", Role::BillingAdmin).await;
    site.add(&initech, "tess@initech.example", Role::Member).await;
    for (name, role, who) in [
        ("Ops", Role::Admin, ["tess@initech.example", "olga@initech.example"]),
        ("Money", Role::BillingAdmin, ["bill@initech.example", "adam@initech.example"]),
    ] {
        let make = async |tx: Tx| {
            let made = team::create(&tx, &site.rng, &initech, name, Origin::Hand, None).await?;
            team::set_role(&tx, &site.rng, &made, Some(role))?;
            for email in who {
                let account = user::by_email(&tx, &email.parse().unwrap()).await?;
                team_member::add(&tx, &site.rng, &initech, &made, &account, Origin::Hand).await?;
            }
            Ok::<_, DirectoryError>(())
        };
        site.store.transaction("test", make).await.unwrap();
    }
    let mut eve = site.browser();
    assert_eq!(site.sign_up(&mut eve, EVE).await, JOIN);
    let asked = eve.post(JOIN, &[("organization", "initech")]).await;
    assert!(asked.body.contains("Your request is on its way"), "{asked:?}");
    assert_eq!(site.role(EVE, &initech).await, None);
    let again = eve.post(JOIN, &[("organization", "initech")]).await;
    assert!(again.body.contains("You asked already"), "{again:?}");
    let mut mails = [site.mail().await.unwrap(), site.mail().await.unwrap(), site.mail().await.unwrap()];
    assert_eq!(site.mail().await, None, "one each, and none to billing admins");
    mails.sort_by(|one, two| one.to.cmp(&two.to));
    let told = ["adam@initech.example", "olga@initech.example", "tess@initech.example"];
    assert_eq!(mails.each_ref().map(|mail| mail.to.to_string()), told, "an admin by team is one (D2)");
    assert!(mails[0].subject.contains(EVE) && mails[0].text.expose().contains("initech"));
    let link = link_in(&mails[0]);

    let mut adam = site.browser();
    let first = adam.get(&link).await;
    assert!(first.location().starts_with("/.vestibule/sign-in?return_to=%2F.vestibule%2Faccess%3Ftoken"), "{first:?}");
    site.sign_up(&mut adam, "adam@initech.example").await;
    let question = adam.get(&link).await;
    assert!(question.body.contains(EVE) && question.body.contains("Let in"), "{question:?}");
    let form = [("token", token_of(&link)), ("decision", "grant")];
    assert_eq!(adam.post_cross_site(ACCESS, &form).await.status, StatusCode::FORBIDDEN);
    assert_eq!(site.role(EVE, &initech).await, None, "a look and another site decide nothing");
    let done = adam.post(ACCESS, &form).await;
    assert!(done.body.contains("eve@initech.example is let into initech"), "{done:?}");
    assert_eq!(site.role(EVE, &initech).await, Some(Role::Member));
    let word = site.mail().await.expect("Eve is told");
    assert_eq!((word.to.as_str(), word.subject.as_str()), (EVE, "You are in initech now"));

    let mut olga = site.browser();
    site.sign_up(&mut olga, "olga@initech.example").await;
    let other = olga.post(ACCESS, &[("token", token_of(&link)), ("decision", "decline")]).await;
    assert!(other.body.contains("was let into initech before, by adam@initech.example"), "{other:?}");
    assert_eq!(site.role(EVE, &initech).await, Some(Role::Member));
    site.check_store().await;
}

#[tokio::test]
async fn who_was_declined_hears_of_it_and_asks_again_a_month_later_at_the_earliest() {
    let (site, initech) = Site::with_initech("approval").await;
    let (mut olga, mut eve) = (site.browser(), site.browser());
    site.add(&initech, "olga@initech.example", Role::Owner).await;
    site.sign_up(&mut eve, EVE).await;
    eve.post(JOIN, &[("organization", "initech")]).await;
    let link = site.link("olga@initech.example").await;
    site.sign_up(&mut olga, "olga@initech.example").await;
    assert_eq!(
        olga.post(ACCESS, &[("token", token_of(&link))]).await.status,
        StatusCode::BAD_REQUEST,
        "one of the two"
    );
    olga.post(ACCESS, &[("token", token_of(&link)), ("decision", "decline")]).await;
    assert_eq!(site.mail().await.unwrap().subject, "initech declined your request");
    assert!(eve.get(JOIN).await.body.contains("They declined your request"));
    let again = eve.post(JOIN, &[("organization", "initech")]).await;
    assert!(again.body.contains("Not now"), "{again:?}");
    assert_eq!(site.mail().await, None);
    site.clock.advance(Duration::from_secs(30 * 24 * 3600));
    let mut eve = site.browser();
    site.sign_up(&mut eve, EVE).await;
    let again = eve.post(JOIN, &[("organization", "initech")]).await;
    assert!(again.body.contains("Your request is on its way"), "{again:?}");
}

#[tokio::test]
async fn nobody_decides_for_an_organization_that_is_not_theirs_or_not_entered() {
    let (site, initech) = Site::with_initech("approval").await;
    site.add(&initech, "olga@initech.example", Role::Owner).await;
    site.add(&initech, "bill@initech.example", Role::BillingAdmin).await;
    let other = site.found("other", OrgKind::Customer).await;
    site.add(&other, "mallory@initech.example", Role::Owner).await;
    let mut eve = site.browser();
    site.sign_up(&mut eve, EVE).await;
    eve.post(JOIN, &[("organization", "initech")]).await;
    let link = site.link("olga@initech.example").await;
    let form = [("token", token_of(&link)), ("decision", "grant")];
    let none = site.browser().get(&format!("{ACCESS}?token=x")).await;
    assert_eq!(none.status, StatusCode::SEE_OTHER, "{none:?}");
    for email in ["mallory@initech.example", "bill@initech.example"] {
        let mut browser = site.browser();
        site.sign_up(&mut browser, email).await;
        let none = browser.get(&format!("{ACCESS}?token=x")).await;
        assert_eq!(none.status, StatusCode::NOT_FOUND);
        assert_eq!(told(&browser.get(&link).await), told(&none), "{email}");
        assert_eq!(told(&browser.post(ACCESS, &form).await), told(&none), "{email}");
    }
    assert_eq!(told(&eve.post(ACCESS, &form).await).0, StatusCode::NOT_FOUND, "nor for oneself");
    assert_eq!(site.role(EVE, &initech).await, None);

    site.add(&other, "olga@initech.example", Role::Owner).await;
    let mut olga = site.browser();
    site.sign_up(&mut olga, "olga@initech.example").await;
    let moved = olga.post("/.vestibule/account/organization", &[("organization", "other")]).await;
    assert_eq!(moved.location(), "/");
    let first = olga.post(ACCESS, &form).await;
    assert!(first.body.contains("Switch to initech"), "{first:?}");
    assert_eq!(site.role(EVE, &initech).await, None, "by initech's rules, in initech");
    let back =
        olga.post("/.vestibule/account/organization", &[("organization", "initech"), ("return_to", &link)]).await;
    assert_eq!(back.location(), link);
    olga.post(ACCESS, &form).await;
    assert_eq!(site.role(EVE, &initech).await, Some(Role::Member));
}

#[tokio::test]
async fn a_request_is_void_once_the_domain_of_its_address_changed_hands_and_over_after_two_weeks() {
    let (site, initech) = Site::with_initech("approval").await;
    site.add(&initech, "olga@partner.example", Role::Owner).await;
    let mut eve = site.browser();
    site.sign_up(&mut eve, EVE).await;
    eve.post(JOIN, &[("organization", "initech")]).await;
    let link = site.link("olga@partner.example").await;
    let claim = async |tx: Tx| claim::claim_trusted(&tx, &site.globex, &"initech.example".parse().unwrap()).await;
    site.store.transaction("test", claim).await.unwrap();
    let mut olga = site.browser();
    site.sign_up(&mut olga, "olga@partner.example").await;
    let form = [("token", token_of(&link)), ("decision", "grant")];
    let void = olga.post(ACCESS, &form).await;
    assert_eq!(void.status, StatusCode::CONFLICT, "{void:?}");
    assert_eq!(site.role(EVE, &initech).await, None);
    site.clock.advance(Duration::from_secs(14 * 24 * 3600));
    let mut olga = site.browser();
    site.sign_up(&mut olga, "olga@partner.example").await;
    assert_eq!(olga.post(ACCESS, &form).await.status, StatusCode::NOT_FOUND);
    site.check_store().await;
}
