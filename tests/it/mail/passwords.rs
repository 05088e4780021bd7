//! Signing in by a password, through the running binary: who gets in, and that nobody else learns anything.

use reqwest::StatusCode;

use super::town::{GOOD, OTHER, Town};
use crate::world::mail_server::MailServer;
use crate::world::person::Person;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_signs_in_and_the_app_knows_how() {
    let town = Town::start().await;
    town.member("hooli", "gavin@hooli.example", "owner", GOOD);
    let mut gavin = Person::new(&town.world);
    let page = town.ask(&mut gavin, "gavin@hooli.example").await;
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    let app = gavin.send(&page, page.form().fill("password", GOOD)).await;
    assert_eq!((app.url.path(), app.status), ("/deals", StatusCode::OK), "{app:?}");
    assert!(
        app.body.contains("gavin@hooli.example") && app.body.contains("&#34;amr&#34;: [\n    &#34;pwd&#34;"),
        "{}",
        app.body
    );
    let logins = town.world.run(&["logins", "--org", "hooli"]);
    assert!(logins.contains("gavin@hooli.example") && logins.contains("accepted"), "{logins}");
    let log = town.world.log();
    assert!(!log.contains("gavin@hooli.example") && !log.contains("wicker"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_learns_why_a_password_does_not_sign_in() {
    let town = Town::start().await;
    let world = &town.world;
    for (slug, email) in
        [("hooli", "gavin@hooli.example"), ("hooli", "off@hooli.example"), ("acme", "grace@acme.example")]
    {
        town.member(slug, email, "member", GOOD);
    }
    world.run(&["user", "add", "hooli", "none@hooli.example"]);
    world.run(&["user", "deactivate", "off@hooli.example"]);
    town.require_sso().await;
    let mut seen = Vec::new();
    for (email, password) in [
        ("gavin@hooli.example", "wrong"),
        ("nobody@hooli.example", "wrong"),
        ("none@hooli.example", "wrong"),
        ("off@hooli.example", GOOD),
        ("off@hooli.example", "wrong"),
        ("grace@acme.example", GOOD),
        ("grace@acme.example", "wrong"),
        ("nobody@acme.example", GOOD),
        ("nobody@nowhere.example", "wrong"),
    ] {
        let before = town.metric("vestibule_password_hashes_total").await;
        let page = town.try_password(&mut Person::new(world), email, password).await;
        let hashed = town.metric("vestibule_password_hashes_total").await - before;
        seen.push((page.status, hashed, page.headers.len(), page.body.replace(email, "THEM")));
    }
    assert_eq!((seen[0].0, seen[0].1), (StatusCode::FORBIDDEN, 1), "{}", seen[0].3);
    for one in &seen {
        assert_eq!(*one, seen[0], "the same bytes, and as much work");
    }
    let logins = world.run(&["logins", "--org", "acme"]);
    assert!(logins.contains("sso_required") && logins.contains("wrong_credential"), "{logins}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_guesses_has_to_wait_and_the_person_does_not() {
    let town = Town::start().await;
    town.member("hooli", "gavin@hooli.example", "owner", GOOD);
    let mut gavin = Person::new(&town.world);
    town.try_password(&mut gavin, "gavin@hooli.example", GOOD).await;
    let out = town.open(&mut gavin, "/.vestibule/sign-out").await;
    gavin.send(&out, out.form()).await;
    for email in ["gavin@hooli.example", "nobody@hooli.example"] {
        let mut thief = Person::new(&town.world);
        for _ in 0..5 {
            assert_eq!(town.try_password(&mut thief, email, "wrong").await.status, StatusCode::FORBIDDEN);
        }
        let before = town.metric("vestibule_password_hashes_total").await;
        let refused = town.try_password(&mut thief, email, GOOD).await;
        assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS, "{email}");
        assert!(refused.body.contains("in a minute"), "{}", refused.body);
        assert_eq!(town.metric("vestibule_password_hashes_total").await, before, "it was not even looked at");
    }
    town.try_password(&mut gavin, "gavin@hooli.example", GOOD).await;
    assert_eq!(town.who(&mut gavin).await, "gavin@hooli.example", "from a browser that was in before");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d10_owners_and_admins_break_the_glass_and_the_owners_are_told() {
    let town = Town::start().await;
    for (email, role) in
        [("ada@acme.example", "owner"), ("amy@acme.example", "admin"), ("bill@acme.example", "billing_admin")]
    {
        town.member("acme", email, role, GOOD);
    }
    town.require_sso().await;
    let enter = async |email: &str| {
        let mut person = Person::new(&town.world);
        town.try_password(&mut person, email, GOOD).await;
        town.who(&mut person).await
    };
    assert_eq!(enter("amy@acme.example").await, "amy@acme.example");
    let told = town.mail.mail_to("ada@acme.example", 1).await;
    assert!(told.text.contains("amy@acme.example signed in by a password instead"), "{}", told.text);
    assert_eq!(enter("ada@acme.example").await, "ada@acme.example");
    town.mail.mail_to("ada@acme.example", 2).await;
    assert_eq!(enter("bill@acme.example").await, "");
    // A link by mail is no way around it.
    let mut ada = Person::new(&town.world);
    let page = town.open(&mut ada, "/.vestibule/link").await;
    ada.send(&page, page.form().fill("email", "ada@acme.example")).await;
    town.until_logged("a link was asked for").await;
    assert_eq!(town.mail.arrived().len(), 2, "{:?}", town.mail.arrived());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d9_the_question_is_answered_by_the_domain_alone() {
    let town = Town::start().await;
    town.member("hooli", "gavin@hooli.example", "owner", GOOD);
    town.world.run(&["org", "set", "globex", "idp_managed_access=false"]);
    let idp = town.world.idp_url.clone();
    let check = async |known: &str, unknown: &str, place: &str, holds: &[&str], not: &[&str]| {
        let mut bodies = Vec::new();
        for email in [known, unknown] {
            let page = town.ask(&mut Person::new(&town.world), email).await;
            assert!(page.url.as_str().starts_with(place), "{email}: {page:?}");
            for text in holds {
                assert!(page.body.contains(text), "{email}: {text}\n{}", page.body);
            }
            for text in not {
                assert!(!page.body.contains(text), "{email}: {text}\n{}", page.body);
            }
            // But for the reference, which is another for each page.
            let body = page.body.replace(email, "THEM");
            bodies.push(body.split("<code>").enumerate().fold(String::new(), |told, (part, rest)| {
                told + if part == 0 { rest } else { rest.split_once("</code>").map_or(rest, |(_, rest)| rest) }
            }));
        }
        if place != idp {
            assert_eq!(bodies[0], bodies[1]);
        }
    };
    let here = town.world.public_url.clone();
    check("ada@acme.example", "nobody@acme.example", &idp, &[], &[]).await;
    let both = ["Continue with single sign-on", "name=\"password\""];
    check("alan@globex.example", "nobody@globex.example", &here, &both, &[]).await;
    let password = ["name=\"password\"", "Mail me a link"];
    check("gavin@hooli.example", "nobody@hooli.example", &here, &password, &["single sign-on</button>"]).await;
    let nothing = ["This address has no organization here"];
    check("a@nowhere.example", "b@nowhere.example", &here, &nothing, &["name=\"password\""]).await;
    town.world.run(&["user", "add", "hooli", "guest@partner.example"]);
    let link = ["Continue by e-mail", "Use a password"];
    check("guest@partner.example", "nobody@partner.example", &here, &link, &[]).await;
    let mut alan = Person::new(&town.world);
    let page = town.ask(&mut alan, "alan@globex.example").await;
    let at_idp = alan.send(&page, page.form()).await;
    assert!(at_idp.url.as_str().starts_with(&idp), "the button leads there: {at_idp:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_change_their_password_and_their_other_sessions_end() {
    let town = Town::start().await;
    town.member("hooli", "gavin@hooli.example", "owner", GOOD);
    let (mut here, mut there) = (Person::new(&town.world), Person::new(&town.world));
    for person in [&mut here, &mut there] {
        town.try_password(person, "gavin@hooli.example", GOOD).await;
    }
    let page = town.open(&mut here, "/.vestibule/account/password").await;
    let change = |present: &str, new: &str| page.form().fill("present", present).fill("password", new);
    assert_eq!(here.send(&page, change("wrong", OTHER)).await.status, StatusCode::FORBIDDEN);
    let weak = here.send(&page, change(GOOD, "Password1234")).await;
    assert!(weak.status == StatusCode::BAD_REQUEST && weak.body.contains("guessed first"), "{weak:?}");
    assert!(here.send(&page, change(GOOD, OTHER)).await.body.contains("Your password is set"));
    assert_eq!(town.who(&mut here).await, "gavin@hooli.example");
    town.is_out(&mut there).await;
    let told = town.mail.mail_to("gavin@hooli.example", 1).await;
    assert!(told.text.contains("was changed"), "{}", told.text);
    assert_eq!(town.try_password(&mut there, "gavin@hooli.example", GOOD).await.status, StatusCode::FORBIDDEN);
    town.try_password(&mut there, "gavin@hooli.example", OTHER).await;
    assert_eq!(town.who(&mut there).await, "gavin@hooli.example");
    town.world.run(&["user", "reset-password", "gavin@hooli.example"]);
    let mut anew = Person::new(&town.world);
    assert_eq!(town.try_password(&mut anew, "gavin@hooli.example", OTHER).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_passwords_there_is_no_page_for_them_and_a_link_does() {
    let town = Town::with(MailServer::start().await, "[password]\nenabled = false\n").await;
    town.world.run(&["user", "add", "hooli", "gavin@hooli.example"]);
    let mut gavin = Person::new(&town.world);
    assert_eq!(town.open(&mut gavin, "/.vestibule/password").await.status, StatusCode::NOT_FOUND);
    let page = town.ask(&mut gavin, "gavin@hooli.example").await;
    assert!(page.body.contains("We mail you a link") && !page.body.contains("type=\"password\""), "{}", page.body);
    gavin.send(&page, page.form()).await;
    let link = town.mail.mail_to("gavin@hooli.example", 1).await.link();
    let page = gavin.open(&link).await;
    let app = gavin.send(&page, page.form()).await;
    assert_eq!(app.url.path(), "/deals", "{app:?}");
    let add = ["user", "add", "hooli", "x@hooli.example", "--password-stdin"];
    let refused = town.world.try_run_with(&add, GOOD);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("there are no passwords here"), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_end_that_single_sign_on_did_not_make_once_it_is_required() {
    let town = Town::start().await;
    let mut people = Vec::new();
    for (email, role) in [("ada@acme.example", "owner"), ("grace@acme.example", "member")] {
        town.member("acme", email, role, GOOD);
        let mut person = Person::new(&town.world);
        town.try_password(&mut person, email, GOOD).await;
        assert_eq!(town.who(&mut person).await, email);
        people.push(person);
    }
    town.require_sso().await;
    town.is_out(&mut people[1]).await;
    assert_eq!(town.who(&mut people[0]).await, "ada@acme.example", "an owner's goes on (D10)");
}
