//! The password that is left for owners and admins where single sign-on is required: with a second factor, if they have
//! one or the organization asks (D10).

use reqwest::StatusCode;
use vestibule::kernel::{Clock as _, SystemClock};

use crate::mail::town::{GOOD, Town};
use crate::sign_in::second_factor::shown;
use crate::world::person::{Person, Seen};

const GRACE: &str = "grace@acme.example";

fn secret_of(page: &Seen) -> String {
    let (_, rest) = page.body.split_once("<code id=\"secret\">").unwrap_or_else(|| panic!("no secret: {page:?}"));
    rest.split('<').next().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_emergency_is_no_way_around_the_second_factor() {
    let town = Town::start().await;
    town.member("acme", GRACE, "owner", GOOD);
    town.require_sso().await;
    let mut grace = Person::new(&town.world);
    town.try_password(&mut grace, GRACE, GOOD).await;
    assert_eq!(town.who(&mut grace).await, GRACE, "nobody asks for one");
    town.world.run(&["org", "set", "acme", "two_factor=password", "grace_sign_ins=0", "trusted_browser_days=30"]);
    let explained = town.world.run(&["explain", "ada@acme.example"]);
    assert!(explained.contains("none after single sign-on (two_factor is password)"), "{explained}");

    let mut grace = Person::new(&town.world);
    let page = town.try_password(&mut grace, GRACE, GOOD).await;
    assert_eq!(page.url.path(), "/.vestibule/second-factor/setup", "{page:?}");
    assert_eq!(town.who(&mut grace).await, "");
    assert!(!grace.cookie_names(&town.world.public_url).contains(&"vestibule".to_owned()));
    let code = shown(&secret_of(&page), SystemClock.now());
    let codes = grace.send(&page, page.form().fill("code", &code)).await;
    assert!(codes.body.contains("Your recovery codes"), "{codes:?}");
    assert_eq!(town.who(&mut grace).await, GRACE);
    let shown = town.world.run(&["user", "show", GRACE]);
    assert!(shown.contains("authenticator app, since") && shown.contains("10 recovery codes left"), "{shown}");

    let mut thief = Person::new(&town.world);
    let page = town.try_password(&mut thief, GRACE, GOOD).await;
    assert_eq!((page.url.path(), page.status), ("/.vestibule/second-factor", StatusCode::OK), "{page:?}");
    assert!(!page.body.contains("Trust this browser"), "in an emergency no browser is trusted: {page:?}");
    let wrong = thief.send(&page, page.form().fill("code", "000000")).await;
    assert_eq!((wrong.status, town.who(&mut thief).await.as_str()), (StatusCode::FORBIDDEN, ""));
    let audit = town.world.run(&["audit", "--org", "acme"]);
    for told in ["login.break_glass", "login.first_factor", "second_factor.app.set", "second_factor.recovery_codes.set"]
    {
        assert!(audit.contains(told), "{told}: {audit}");
    }
    let logins = town.world.run(&["logins", "--org", "acme"]);
    assert!(logins.contains("wrong_second_factor"), "{logins}");
    town.mail.mail_to(GRACE, 1).await;

    town.world.run(&["user", "reset-second-factor", GRACE]);
    assert!(town.world.run(&["user", "show", GRACE]).contains("none"));
    let problems = town.world.run(&["check", "--store"]);
    assert!(!problems.contains("table "), "{problems}");
    let mut grace = Person::new(&town.world);
    let page = town.try_password(&mut grace, GRACE, GOOD).await;
    assert_eq!(page.url.path(), "/.vestibule/second-factor/setup", "{page:?}");
    let log = town.world.log();
    assert!(!log.contains(&code) && !log.contains(GRACE), "{log}");
}
