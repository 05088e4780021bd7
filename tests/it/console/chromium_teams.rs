//! In headless Chromium: a team from its making to its end, by clicks, and the end of sessions, one by one and all at once.

use crate::mail::town::{GOOD, Town};
use crate::world::person::Person;

use super::walk::Walk;

const BOB: &str = "bob@hooli.example";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn teams_are_made_filled_and_deleted_and_sessions_ended_by_clicks() {
    let town = Town::start().await;
    town.member("hooli", "olga@hooli.example", "owner", GOOD);
    town.member("hooli", BOB, "member", GOOD);
    let mut walk = Walk::as_operator(&town.world, "teams").await;
    walk.go("hooli", "teams", "There is no team yet").await;
    walk.types("name", "<b>Help</b> desk").await;
    walk.picks("role", "billing_admin").await;
    walk.send("Make").await;
    walk.sees("The team is made.", "made").await;
    walk.types("name", "<b>help</b> desk").await;
    walk.send("Make").await;
    walk.sees("has a team of the name", "made_twice").await;
    walk.follows("<b>Help</b> desk").await;
    walk.browser.sees("Nobody yet.").await;
    walk.types("email", "nobody@hooli.example").await;
    walk.send("Put in").await;
    walk.sees("nobody@hooli.example", "nobody").await;
    walk.types("email", BOB).await;
    walk.send("Put in").await;
    walk.sees("They are in the team.", "in").await;
    walk.send("Take out bob@hooli.example").await;
    walk.browser.sees("They are out of the team.").await;
    walk.types("name", "Desk").await;
    walk.send("Rename").await;
    walk.browser.sees("The team has its new name.").await;
    walk.picks("role", "admin").await;
    walk.send("Set").await;
    walk.sees("The role is changed, for everybody in the team.", "role").await;
    walk.follows("Delete the team…").await;
    walk.sees("They stay members of the organization", "delete").await;
    walk.send("Delete").await;
    walk.sees("The team is gone", "deleted").await;

    for email in ["olga@hooli.example", BOB, BOB] {
        town.try_password(&mut Person::new(&town.world), email, GOOD).await;
    }
    walk.go("hooli", "sessions", "3 in this organization").await;
    walk.sees("End every session…", "sessions").await;
    walk.send_within(BOB, "End").await;
    walk.sees("2 in this organization", "ended").await;
    walk.follows("End every session…").await;
    walk.sees("2 sessions in this organization end", "end_all").await;
    walk.send("End them all").await;
    walk.sees("Every session in this organization has ended.", "all_ended").await;
    walk.ends();
    town.world.run(&["check", "--store"]);
}
