//! In headless Chromium: everything that can be done to a member, by clicks, and the policy of the second factor.

use vestibule::kernel::{Clock as _, SystemClock};

use crate::mail::town::{GOOD, Town};
use crate::sign_in::second_factor::shown;
use crate::world::person::Person;

use super::walk::Walk;

const BOB: &str = "bob@hooli.example";
const UNA: &str = "una@bought.example";

/// Hooli with an owner, a member, and one whose membership sleeps since the domain of the address changed hands.
async fn hooli() -> Town {
    let town = Town::start().await;
    town.member("hooli", "olga@hooli.example", "owner", GOOD);
    town.member("hooli", BOB, "member", GOOD);
    town.world.run(&["team", "create", "hooli", "Desk"]);
    for slug in ["first", "second"] {
        town.world.run(&["org", "create", slug, "--name", slug]);
    }
    town.world.run(&["domain", "claim", "first", "bought.example", "--trusted"]);
    town.world.run(&["user", "add", "hooli", UNA]);
    town.world.run(&["domain", "release", "first", "bought.example"]);
    town.world.run(&["domain", "claim", "second", "bought.example", "--trusted"]);
    town
}

/// Bob sets up an authenticator app, since Hooli asks for one.
async fn set_up_an_app(town: &Town) {
    town.world.run(&["org", "set", "hooli", "two_factor=password", "grace_sign_ins=0"]);
    let mut bob = Person::new(&town.world);
    let page = town.try_password(&mut bob, BOB, GOOD).await;
    let (_, secret) = page.body.split_once("<code id=\"secret\">").unwrap_or_else(|| panic!("no secret: {page:?}"));
    let code = shown(secret.split('<').next().unwrap_or_default(), SystemClock.now());
    let codes = bob.send(&page, page.form().fill("code", &code)).await;
    assert!(codes.body.contains("Your recovery codes"), "{codes:?}");
}

async fn to_bob(walk: &Walk<'_>) {
    walk.go("hooli", "members", "Invite somebody").await;
    walk.follows(BOB).await;
    walk.browser.sees("End the membership").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_are_invited_changed_and_removed_by_clicks() {
    let town = hooli().await;
    let mut walk = Walk::as_operator(&town.world, "members").await;
    walk.go("hooli", "members", "Invite somebody").await;
    walk.types("email", "fay@hooli.example").await;
    walk.picks("role", "admin").await;
    walk.send("Invite").await;
    walk.sees("Invited: a mail with a link is on its way.", "invited").await;
    town.mail.mail_to("fay@hooli.example", 1).await;
    walk.types("search", "bo").await;
    walk.send("Search").await;
    let found = walk.sees("All members", "found").await;
    assert!(found.contains(BOB) && !found.contains("fay@hooli.example"), "{found}");

    to_bob(&walk).await;
    walk.picks("role", "billing_admin").await;
    walk.send("Change").await;
    walk.sees("The role is changed", "role").await;
    walk.types("team", "Nowhere").await;
    walk.send("Put in").await;
    walk.sees("no team", "no_such_team").await;
    walk.types("team", "Desk").await;
    walk.send("Put in").await;
    walk.sees("Their teams are changed.", "team").await;
    walk.send("Take out of Desk").await;
    walk.browser.sees("In no team.").await;

    for _ in 0..2 {
        town.try_password(&mut Person::new(&town.world), BOB, GOOD).await;
    }
    to_bob(&walk).await;
    walk.sees("End them all", "sessions").await;
    walk.send("End").await;
    walk.sees("Ended, within a second.", "ended").await;
    walk.send("End them all").await;
    walk.browser.sees("Not signed in").await;

    set_up_an_app(&town).await;
    to_bob(&walk).await;
    walk.sees("10 recovery codes left", "factor").await;
    walk.send("Reset the second factor: they set up another").await;
    walk.sees("The second factor is gone", "no_factor").await;
    walk.send("Take the password away: they choose another by mail").await;
    walk.browser.sees("The password is gone").await;
    walk.send("Deactivate: end every session, and let them sign in no more").await;
    walk.sees("Deactivated: every session ended", "deactivated").await;
    walk.send("Activate: let them sign in again").await;
    walk.browser.sees("Activated: they can sign in again.").await;

    walk.go("hooli", "members", "Invite somebody").await;
    walk.follows(UNA).await;
    walk.sees("To be confirmed", "asleep").await;
    walk.send("Yes, this person is still meant").await;
    walk.browser.sees("Confirmed: they are a member as before.").await;
    walk.follows("Remove from Hooli…").await;
    walk.sees("loses the membership", "remove").await;
    walk.send("Remove").await;
    let left = walk.sees("Removed, and their sessions here ended.", "removed").await;
    assert!(!left.contains(UNA), "{left}");

    walk.go("hooli", "two-factor", "Who has one").await;
    walk.browser.choose("always asked for").await;
    walk.types("grace_sign_ins", "many").await;
    walk.send("Save").await;
    walk.sees("many", "policy_wrong").await;
    walk.types("grace_sign_ins", "3").await;
    walk.types("trusted_browser_days", "30").await;
    walk.send("Save").await;
    walk.sees("Saved. It holds from the next sign-in on.", "policy").await;
    walk.ends();
    town.world.run(&["check", "--store"]);
}
