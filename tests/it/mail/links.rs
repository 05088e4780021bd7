//! Links by mail, through the running binary and a real mail server: to sign in, to a new password, to an organization.

use reqwest::StatusCode;

use super::town::{GOOD, OTHER, Town};
use crate::world::mail_server::{MailServer, Way};
use crate::world::person::{Person, Seen};

/// Asks for a link at the page at `path`.
async fn ask_for_link(town: &Town, person: &mut Person, path: &str, email: &str) -> Seen {
    let page = town.open(person, path).await;
    person.send(&page, page.form().fill("email", email)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_signs_in_once_by_its_button_and_looking_uses_nothing_up() {
    let town = Town::start().await;
    town.world.run(&["user", "add", "hooli", "gavin@hooli.example"]);
    let mut gavin = Person::new(&town.world);
    let asked = "/.vestibule/link?return_to=%2Fdeals";
    ask_for_link(&town, &mut gavin, asked, "gavin@hooli.example").await;
    let link = town.mail.mail_to("gavin@hooli.example", 1).await.link();
    let mut scanner = Person::new(&town.world);
    for _ in 0..3 {
        let seen = scanner.open(&link).await;
        assert!(seen.status == StatusCode::OK && town.who(&mut scanner).await.is_empty(), "{seen:?}");
    }
    let page = gavin.open(&link).await;
    assert!(page.body.contains("gavin@hooli.example"), "{}", page.body);
    let app = gavin.send(&page, page.form()).await;
    assert_eq!((app.url.path(), app.status), ("/deals", StatusCode::OK), "{app:?}");
    assert!(app.body.contains("&#34;amr&#34;: [\n    &#34;email&#34;"), "{}", app.body);
    let mut late = Person::new(&town.world);
    late.at.clone_from(&Some(link.parse().unwrap()));
    let again = late.send(&page, page.form()).await;
    assert!(again.status == StatusCode::NOT_FOUND && again.body.contains("This link is over"), "{again:?}");
    assert!(late.open(&link).await.body.contains("This link is over"));
    let log = town.world.log();
    assert!(!log.contains("gavin@") && !log.contains(link.rsplit('=').next().unwrap()), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_answer_is_the_same_whether_or_not_there_is_an_account() {
    let town = Town::start().await;
    town.member("hooli", "gavin@hooli.example", "member", GOOD);
    town.world.run(&["user", "add", "hooli", "off@hooli.example"]);
    town.world.run(&["user", "deactivate", "off@hooli.example"]);
    for path in ["/.vestibule/link", "/.vestibule/password/forgotten"] {
        let mut seen = Vec::new();
        for email in ["gavin@hooli.example", "off@hooli.example", "nobody@hooli.example", "nobody@nowhere.example"] {
            let page = ask_for_link(&town, &mut Person::new(&town.world), path, email).await;
            seen.push((page.status, page.headers.len(), page.body.replace(email, "THEM")));
        }
        assert_eq!(seen[0].0, StatusCode::OK);
        assert!(seen.iter().all(|one| *one == seen[0]), "{seen:?}");
    }
    town.mail.mail_to("gavin@hooli.example", 2).await;
    assert_eq!(town.mail.arrived().len(), 2, "{:?}", town.mail.arrived());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_flooded_with_links() {
    let town = Town::start().await;
    for email in ["gavin@hooli.example", "last@hooli.example"] {
        town.world.run(&["user", "add", "hooli", email]);
    }
    let mut someone = Person::new(&town.world);
    for _ in 0..9 {
        ask_for_link(&town, &mut someone, "/.vestibule/link", "gavin@hooli.example").await;
    }
    town.mail.mail_to("gavin@hooli.example", 5).await;
    for _ in 0..400 {
        if town.world.log().matches("a link was asked for").count() == 9 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    ask_for_link(&town, &mut someone, "/.vestibule/link", "last@hooli.example").await;
    town.mail.mail_to("last@hooli.example", 1).await;
    assert_eq!(town.mail.arrived().iter().filter(|mail| mail.to == "gavin@hooli.example").count(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forgotten_password_is_chosen_anew_and_sessions_end() {
    let town = Town::start().await;
    town.member("hooli", "gavin@hooli.example", "owner", GOOD);
    let (mut gavin, mut thief) = (Person::new(&town.world), Person::new(&town.world));
    town.try_password(&mut thief, "gavin@hooli.example", GOOD).await;
    ask_for_link(&town, &mut gavin, "/.vestibule/link", "gavin@hooli.example").await;
    let sign_in = town.mail.mail_to("gavin@hooli.example", 1).await.link();
    ask_for_link(&town, &mut gavin, "/.vestibule/password/forgotten", "gavin@hooli.example").await;
    let link = town.mail.mail_to("gavin@hooli.example", 2).await.link();
    let page = gavin.open(&link).await;
    let weak = gavin.send(&page, page.form().fill("password", "short")).await;
    assert!(weak.body.contains("at least 12 characters"), "{}", weak.body);
    let app = gavin.send(&page, page.form().fill("password", OTHER)).await;
    assert_eq!(app.url.path(), "/", "{app:?}");
    assert_eq!(town.who(&mut gavin).await, "gavin@hooli.example");
    assert_eq!(town.who(&mut thief).await, "");
    assert!(gavin.open(&link).await.body.contains("This link is over"));
    assert!(gavin.open(&sign_in).await.body.contains("This link is over"), "other links are void too");
    town.mail.mail_to("gavin@hooli.example", 3).await;
    assert_eq!(town.try_password(&mut thief, "gavin@hooli.example", GOOD).await.status, StatusCode::FORBIDDEN);
    town.try_password(&mut thief, "gavin@hooli.example", OTHER).await;
    assert_eq!(town.who(&mut thief).await, "gavin@hooli.example");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invitation_leads_to_a_password_or_to_single_sign_on() {
    let town = Town::start().await;
    let world = &town.world;
    world.run(&["user", "invite", "hooli", "gavin@hooli.example", "--role", "admin"]);
    let mail = town.mail.mail_to("gavin@hooli.example", 1).await;
    assert!(mail.text.contains("Hooli invites you"), "{}", mail.text);
    let mut gavin = Person::new(world);
    let page = gavin.open(&mail.link()).await;
    let app = gavin.send(&page, page.form().fill("password", GOOD)).await;
    assert_eq!((app.url.path(), app.status), ("/", StatusCode::OK), "{app:?}");
    assert!(app.body.contains("gavin@hooli.example") && app.body.contains("admin"), "{}", app.body);
    town.try_password(&mut Person::new(world), "gavin@hooli.example", GOOD).await;
    assert!(gavin.open(&mail.link()).await.body.contains("This link is over"));

    world.run(&["user", "invite", "acme", "ada@acme.example"]);
    let mut ada = Person::new(world);
    let page = ada.open(&town.mail.mail_to("ada@acme.example", 1).await.link()).await;
    let at_idp = ada.send(&page, page.form()).await;
    assert!(at_idp.url.as_str().starts_with(&world.idp_url), "{at_idp:?}");

    world.run(&["user", "invite", "hooli", "guest@nowhere.example"]);
    world.run(&["user", "remove", "hooli", "guest@nowhere.example"]);
    let link = town.mail.mail_to("guest@nowhere.example", 1).await.link();
    assert!(Person::new(world).open(&link).await.body.contains("This link is over"), "removed meanwhile");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_mail_server_and_a_killed_vestibule_lose_no_mail() {
    let mut town = Town::with(MailServer::down(Way::Plain, None), "").await;
    town.world.run(&["user", "invite", "hooli", "gavin@hooli.example"]);
    town.until_logged("a mail was put off").await;
    town.world.crash_and_restart().await;
    town.mail.come_up().await;
    let link = town.mail.mail_to("gavin@hooli.example", 1).await.link();
    assert_eq!(Person::new(&town.world).open(&link).await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_mail_nobody_is_invited_and_no_link_is_offered() {
    let world = crate::world::World::start().await;
    let refused = world.try_run(&["user", "invite", "acme", "ada@acme.example"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("[mail]"), "{refused:?}");
    let page = world.get("/.vestibule/password").await;
    assert!(page.contains("name=\"password\"") && !page.contains("Mail me a link"), "{page}");
    assert!(world.get("/.vestibule/link").await.contains("Not found"));
}
