//! In headless Chromium, with mail over a real mail server: an owner reads that members sleep, and goes from the mail to
//! the page that confirms them; what else stands there is looked at, too.

use crate::world::browser::Browser;
use crate::world::mail_server::MailServer;
use crate::world::{Wishes, World};

use super::chromium_people::sign_up;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_confirms_lets_in_and_says_who_finds_the_organization() {
    let mail = MailServer::start().await;
    let world = World::with(Wishes { configuration: mail.configuration(), ..Wishes::default() }).await;
    for (slug, name) in [("initech", "Initech"), ("first", "First"), ("second", "Second")] {
        world.run(&["org", "create", slug, "--name", name]);
    }
    world.run(&["org", "set", "initech", "discoverability=approval", "discoverable_domains=initech.example"]);
    world.run(&["user", "add", "initech", "olga@initech.example", "--role", "owner"]);
    world.run(&["domain", "claim", "first", "bought.example", "--trusted"]);
    world.run(&["user", "add", "initech", "una@bought.example"]);
    world.run(&["user", "add", "initech", "a.person.with.a.very.long.name.indeed@bought.example", "--role", "admin"]);
    // The domain changes hands.
    world.run(&["domain", "release", "first", "bought.example"]);
    world.run(&["domain", "claim", "second", "bought.example", "--trusted"]);
    let told = mail.mail_to("olga@initech.example", 1).await;
    assert!(told.text.contains("una@bought.example"), "{}", told.text);

    let (eve, olga) = (Browser::start().await, Browser::start().await);
    sign_up(&world, &mail, &eve, "eve@initech.example", 1).await;
    eve.press("Ask to join").await;
    eve.sees("Your request is on its way").await;
    mail.mail_to("olga@initech.example", 2).await;

    sign_up(&world, &mail, &olga, "olga@initech.example", 3).await;
    olga.sees("verified").await;
    olga.go(&told.link()).await;
    let page = olga.sees("Members to confirm").await;
    assert!(page.contains("una@bought.example") && page.contains("Requests to join"), "{page}");
    olga.look("organization").await;
    olga.press("Confirm").await;
    olga.sees("Confirmed: they are a member again.").await;
    olga.press("Let in").await;
    olga.sees("Let in. They are told by mail.").await;
    olga.press("Account").await;
    olga.sees("Your account").await;
    olga.look("account_of_an_owner").await;
    olga.press("Manage Initech").await;
    olga.sees("Who finds Initech").await;
    olga.client
        .find(fantoccini::Locator::Css("textarea"))
        .await
        .expect("a field")
        .send_keys("\ngmail.com")
        .await
        .unwrap();
    olga.choose("joins by themselves").await;
    olga.press("Save").await;
    olga.sees("verybody can have an address of gmail.com").await;
    olga.look("organization_wrong").await;
    let field = olga.client.find(fantoccini::Locator::Css("textarea")).await.expect("a field");
    field.clear().await.unwrap();
    field.send_keys("initech.example\ninitech.test").await.unwrap();
    olga.press("Save").await;
    olga.sees("Saved.").await;
    olga.look("organization_quiet").await;
    let shown = world.run(&["org", "show", "initech"]);
    assert!(shown.contains("open") && shown.contains("initech.test"), "{shown}");
    world.run(&["check", "--store"]);
}
