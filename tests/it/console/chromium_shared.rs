//! In headless Chromium: the operator makes organizations, proves a domain, links the one to the other and ends the link,
//! by clicks; what is to be copied is copied.

use crate::world::dns::DnsServer;
use crate::world::{Wishes, World};

use super::walk::Walk;

async fn make_two(walk: &mut Walk<'_>) {
    walk.browser.go(&format!("{}/.vestibule/console", walk.world.public_url)).await;
    walk.types("name", "Group").await;
    walk.types("slug", "The Group").await;
    walk.send("Make it").await;
    walk.sees("This is no slug", "no_slug").await;
    walk.types("slug", "group").await;
    walk.browser.choose("Admin organization: holds").await;
    walk.send("Make it").await;
    walk.sees("Needs attention", "group").await;
    walk.browser.go(&format!("{}/.vestibule/console", walk.world.public_url)).await;
    walk.types("name", "Sub").await;
    walk.types("slug", "sub").await;
    walk.send("Make it").await;
    walk.sees("Needs attention", "sub").await;
    walk.browser.go(&format!("{}/.vestibule/console", walk.world.public_url)).await;
    walk.types("search", "gro").await;
    walk.send("Search").await;
    let found = walk.sees("Group", "found").await;
    assert!(!found.contains("Globex"), "{found}");
}

/// Proves sub.example, and gives another claim up.
async fn prove(walk: &mut Walk<'_>, dns: &DnsServer) {
    walk.go("sub", "domains", "There is no domain yet").await;
    walk.types("domain", "not a domain").await;
    walk.send("Claim").await;
    walk.sees("This is no domain", "no_domain").await;
    walk.types("domain", "sub.example").await;
    walk.send("Claim").await;
    walk.sees("Put the record below into its DNS next.", "claimed").await;
    let record = walk.copies("Value").await;
    assert!(walk.browser.text().await.contains(&record) && record.len() > 20, "{record}");
    // Where the browser copies nothing, the value is selected at least.
    walk.browser.ask("navigator.clipboard.writeText = () => Promise.reject(); getSelection().removeAllRanges()").await;
    walk.find("//button[normalize-space(.)='Copy the value of Host or name']").await.click().await.unwrap();
    walk.browser.sees("Selected. Copy it with the keyboard.").await;
    assert_eq!(walk.browser.ask("return getSelection().toString()").await, "sub.example");
    walk.send("Check now").await;
    walk.sees("not there", "no_record").await;
    dns.txt("sub.example", &record);
    walk.send("Check now").await;
    walk.sees("The record is there", "proved").await;
    walk.go("sub", "domains", "Claim a domain").await;
    walk.types("domain", "other.example").await;
    walk.send("Claim").await;
    walk.browser.sees("Put the record below into its DNS next.").await;
    walk.follows("Give up other.example").await;
    walk.sees("The claim waits for its record", "give_up").await;
    walk.send("Give up other.example").await;
    walk.sees("The domain was given up.", "given_up").await;
}

async fn link(walk: &mut Walk<'_>) {
    walk.go("group", "shared", "None yet: make a code").await;
    walk.send("Make a code").await;
    walk.sees("It is shown this once.", "code").await;
    let code = walk.copies("Linking code").await;
    walk.go("group", "shared", "None yet: make a code").await;
    assert!(!walk.browser.text().await.contains(&code), "once");
    walk.go("sub", "shared", "linked to no Admin organization").await;
    walk.types("code", "c0de").await;
    walk.send("Show what would change").await;
    walk.sees("No such code", "wrong_code").await;
    walk.types("code", &code).await;
    walk.types("window", "3").await;
    walk.send("Show what would change").await;
    walk.sees("Nothing has changed yet.", "preview").await;
    walk.send("Link to group").await;
    walk.sees("Linked. What holds here now", "linked").await;
    walk.go("sub", "domains/sub.example", "Hand over to Group").await;
    walk.send("Hand sub.example over").await;
    walk.sees("The domain was handed over to the Admin organization.", "handed_over").await;
    walk.go("group", "shared", "handed over: sub.example").await;
    walk.types("SCIM name of Sub", "Sub & People").await;
    walk.send("Save the SCIM name of Sub").await;
    walk.sees("The SCIM name is saved.", "scim_name").await;
    walk.follows("End the link of Sub").await;
    walk.sees("This ends at once:", "leave").await;
    walk.send("End the link").await;
    walk.sees("The link is over.", "left").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operator_makes_proves_links_and_unlinks_by_clicks() {
    let dns = DnsServer::start().await;
    let configuration = format!("[dns]\nservers = [\"{}\"]\n", dns.address);
    let world = World::with(Wishes { configuration, ..Wishes::default() }).await;
    let mut walk = Walk::as_operator(&world, "shared").await;
    walk.send("Leave").await;
    walk.browser.sees("Sign in").await;
    let link_of_the_operator = world.run(&["console"]);
    walk.browser.go(link_of_the_operator.trim()).await;
    walk.sees("Sign in as the operator", "enter").await;
    walk.send("Open the console").await;
    walk.browser.sees("You are the operator").await;
    make_two(&mut walk).await;
    prove(&mut walk, &dns).await;
    link(&mut walk).await;
    walk.go("sub", "general", "A session ends after").await;
    walk.types("name", "Sub & Co").await;
    walk.types("session_idle", "soon").await;
    walk.send("Save").await;
    walk.sees("soon", "general_wrong").await;
    walk.types("session_idle", "30m").await;
    walk.send("Save").await;
    walk.sees("Saved.", "general").await;
    walk.ends();
    world.run(&["check", "--store"]);
}
