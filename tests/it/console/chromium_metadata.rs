//! In headless Chromium: metadata that is followed at its address, and single sign-on that is removed, by clicks.

use crate::commands::site::certificate_pem;
use crate::world::publisher::Publisher;
use crate::world::{Wishes, World};

use super::walk::Walk;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metadata_is_followed_at_its_address_and_single_sign_on_removed_by_clicks() {
    let folder = tempfile::tempdir().expect("a directory");
    let authority = folder.path().join("ca.pem");
    let publisher = Publisher::start(&authority);
    let (old, new) = (certificate_pem(), certificate_pem());
    publisher.publish(&[&old]);
    let configuration =
        format!("[saml]\ninternal_hosts = [\"{}\"]\nca = \"{}\"\n", publisher.host(), authority.display());
    let world = World::with(Wishes { configuration, ..Wishes::default() }).await;
    world.run(&["org", "create", "initech", "--name", "Initech"]);
    let mut walk = Walk::as_operator(&world, "metadata").await;
    walk.go("initech", "sso", "Hand in its metadata").await;
    walk.types("address", "http://idp.example/metadata").await;
    walk.send("Read it there").await;
    walk.sees("begins with https://", "no_https").await;
    walk.types("address", &publisher.url).await;
    walk.send("Read it there").await;
    walk.sees("Saved. Now test it", "followed").await;
    publisher.publish(&[&old, &new]);
    walk.send("Read it again now").await;
    walk.sees("Read: what is set is what the metadata says now.", "read").await;
    *publisher.document.lock().expect("no panic") = "<html></html>".to_owned();
    walk.send("Read it again now").await;
    walk.sees("can't be followed", "failing").await;
    walk.send("Do not read it any more").await;
    walk.browser.sees("The address is not read any more.").await;
    walk.follows("Remove single sign-on").await;
    walk.sees("Who signs in by it today", "remove").await;
    walk.browser.choose("I have looked at who signs in by it").await;
    walk.send("Remove single sign-on").await;
    walk.sees("Single sign-on is removed", "removed").await;
    walk.ends();
    world.run(&["check", "--store"]);
}
