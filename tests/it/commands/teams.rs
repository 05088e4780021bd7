//! `team`, from the first one to the last.

use super::site::Site;

fn site() -> (Site, super::site::Server) {
    let site = Site::new();
    let server = site.serve();
    site.run(&["org", "create", "acme", "--name", "Acme"]).done();
    site.run(&["user", "add", "acme", "ada@acme.example"]).done();
    (site, server)
}

#[test]
fn a_team_is_made_filled_shown_changed_and_deleted() {
    let (site, _server) = site();
    assert!(site.run(&["team", "list", "acme"]).done().contains("vestibule team create SLUG NAME"));
    let made = site.run(&["team", "create", "acme", "Site Support", "--role", "admin"]).done();
    assert!(made.starts_with("Made the team Site Support of acme; whoever is in it is admin at least."), "{made}");
    assert!(made.contains("vestibule team add acme \"Site Support\" EMAIL"), "{made}");
    let add = ["team", "add", "acme", "site SUPPORT", "ada@acme.example"];
    assert_eq!(site.run(&add).done(), "+ acme: team Site Support: ada@acme.example\n");
    assert_eq!(site.run(&add).done(), "Nothing to change: it is so already.\n");
    let listed = site.run(&["team", "list", "acme"]).done();
    assert_eq!(listed, "TEAM          ROLE   MEMBERS  BY\nSite Support  admin  1        hand\n");
    assert!(site.run(&["team", "show", "acme", "Site Support"]).done().contains("ada@acme.example"));
    let shown = site.run(&["user", "show", "ada@acme.example"]).done();
    assert!(shown.contains("admin by a team, member by hand, of acme, in Site Support (by hand"), "{shown}");
    let role = site.run(&["team", "role", "acme", "Site Support", "none"]).done();
    assert_eq!(role, "~ acme: role of team Site Support: admin → none\n");
    let renamed = site.run(&["team", "rename", "acme", "Site Support", "Helpers"]).done();
    assert_eq!(renamed, "~ acme: team: Site Support → Helpers\n");
    let removed = site.run(&["team", "remove", "acme", "Helpers", "ada@acme.example"]).done();
    assert_eq!(removed, "- acme: team Helpers: ada@acme.example\n");
    site.run(&["team", "delete", "acme", "Helpers"]).done();
    assert_eq!(site.json(&["team", "list", "acme"]), serde_json::json!([]));
    let audit = site.json(&["audit", "--org", "acme"]);
    let told: Vec<&str> = audit.as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    let expected = ["team.create", "team.add", "team.role", "team.rename", "team.remove", "team.delete"];
    assert_eq!(told[2..], expected);
    assert_eq!(site.json(&["check", "--store"])["store"]["problems"], serde_json::json!([]));
}

#[test]
fn what_can_not_be_is_said_with_what_to_do() {
    let (site, _server) = site();
    site.run(&["team", "create", "acme", "Ops"]).done();
    site.run(&["team", "create", "acme", "OPS"]).refused("acme has a team of the name «OPS» already");
    site.run(&["team", "create", "acme", "Chiefs", "--role", "owner"]).refused("a team can't make owners");
    site.run(&["team", "add", "acme", "Dev", "ada@acme.example"]).refused("vestibule team list acme");
    site.run(&["team", "add", "acme", "Ops", "eve@acme.example"]).refused("there is no account eve@acme.example");
    site.run(&["org", "create", "zeta", "--name", "Zeta"]).done();
    site.run(&["user", "add", "zeta", "zoe@zeta.example"]).done();
    site.run(&["team", "add", "acme", "Ops", "zoe@zeta.example"]).refused("is no member of acme");
    site.run(&["team", "create", "zeta", "Ops"]).done();
    assert_eq!(site.run(&["team", "role", "acme", "Ops", "boss"]).code, Some(2));
    site.run(&["org", "create", "group", "--name", "Group", "--admin"]).done();
    site.run(&["team", "create", "group", "Ops"]).refused("has no teams");
}
