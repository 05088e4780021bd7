//! `apply`: the difference is shown, made, and then there is none.

use super::site::{Site, certificate_pem};

const FILE: &str = r#"
[[organization]]
slug = "acme"
name = "Acme Inc"
settings = { idp_managed_access = true }
domains = ["acme.example"]
sso = { issuer = "https://idp.example", sign_in_url = "https://idp.example/sso", certificates = ["idp.pem"] }
members = { "ada@acme.example" = "owner", "bob@acme.example" = "member" }

[[organization]]
slug = "zeta"
"#;

#[test]
fn a_file_is_shown_then_made_so_and_then_changes_nothing() {
    let site = Site::new();
    let _server = site.serve();
    site.write("idp.pem", &certificate_pem());
    site.write("o.toml", FILE);
    let shown = site.run(&["apply", "o.toml", "--dry-run"]).done();
    for line in
        ["+ acme: organization: Acme Inc", "+ acme: domain: acme.example", "+ acme: member ada@acme.example: owner"]
    {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    assert!(shown.contains("nothing was changed"), "{shown}");
    assert_eq!(site.json(&["org", "list"]), serde_json::json!([]));
    let made = site.run(&["apply", "o.toml"]).done();
    assert_eq!(made.lines().count(), shown.lines().count(), "{made}");
    assert!(site.run(&["apply", "o.toml"]).done().contains("Nothing to change"));
    assert_eq!(site.json(&["org", "show", "acme"])["sso"], "https://idp.example");
}

#[test]
fn what_is_not_listed_stays_unless_it_is_to_go() {
    let site = Site::new();
    let _server = site.serve();
    site.write("idp.pem", &certificate_pem());
    site.write("o.toml", FILE);
    site.run(&["apply", "o.toml"]).done();
    site.write("o.toml", "[[organization]]\nslug = \"acme\"\nmembers = { \"bob@acme.example\" = \"admin\" }\n");
    assert_eq!(
        site.run(&["apply", "o.toml"]).done().lines().next(),
        Some("~ acme: member bob@acme.example: member → admin")
    );
    assert_eq!(site.json(&["user", "list", "acme"]).as_array().unwrap().len(), 2);
    let pruned = site.run(&["apply", "o.toml", "--prune"]).done();
    assert!(pruned.contains("- acme: member ada@acme.example: owner"), "{pruned}");
    assert!(pruned.contains("- acme: domain: acme.example"), "{pruned}");
    assert_eq!(site.json(&["org", "list"]).as_array().unwrap().len(), 2, "organizations stay");
}

#[test]
fn all_of_a_file_is_done_or_none() {
    let site = Site::new();
    let _server = site.serve();
    let wrong = "[[organization]]\nslug = \"good\"\ndomains = [\"one.example\"]\n\
                 [[organization]]\nslug = \"bad\"\ndomains = [\"one.example\"]\n";
    site.write("o.toml", wrong);
    site.run(&["apply", "o.toml", "--dry-run"]).refused("bad: the domain one.example is verified for another");
    site.run(&["apply", "o.toml"]).refused("bad: the domain one.example is verified for another");
    assert_eq!(site.json(&["org", "list"]), serde_json::json!([]));
}

#[test]
fn mistakes_of_the_file_have_lines() {
    let site = Site::new();
    site.write("o.toml", "[[organization]]\nslug = \"a b\"\nmembrs = {}\n");
    let ran = site.run(&["apply", "o.toml"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("o.toml:2: «slug»") && ran.err.contains("o.toml:3: unknown key «membrs»"), "{}", ran.err);
}

const WHOLE: &str = r#"
[[organization]]
slug = "acme"
domains = ["acme.example"]
domains_by_dns = ["acme.test"]
admin = "group"
members = { "ada@acme.example" = "owner", "bob@acme.example" = "member" }
teams = [
  { name = "Support", role = "admin", members = ["bob@acme.example"] },
  { name = "Readers" },
]

[[organization]]
slug = "group"
kind = "admin"
"#;

#[test]
fn teams_claims_and_links_are_made_so_and_pruned() {
    let site = Site::new();
    let _server = site.serve();
    site.write("o.toml", WHOLE);
    let shown = site.run(&["apply", "o.toml", "--dry-run"]).done();
    assert_eq!(shown.lines().next(), Some("+ group: organization: group"), "first what others are linked to: {shown}");
    for line in [
        "+ acme: domain: acme.example",
        "+ acme: domain: acme.test, to be proved by DNS, which no file can do: `vestibule domain list acme`",
        "+ acme: linked to: group",
        "+ acme: team Support: with role admin",
        "+ acme: team Support: bob@acme.example",
        "+ acme: team Readers: without a role",
    ] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    assert_eq!(site.json(&["org", "list"]), serde_json::json!([]));
    let made = site.run(&["apply", "o.toml"]).done();
    assert_eq!(made.lines().count(), shown.lines().count(), "{made}");
    assert!(site.run(&["apply", "o.toml", "--prune"]).done().contains("Nothing to change"));
    let audit = site.run(&["audit", "--org", "group"]).done();
    assert!(audit.contains("link.join acme: linked to group"), "{audit}");

    let less =
        WHOLE.replace("\"acme.test\"", "").replace("admin = \"group\"", "").replace("\"Support\"", "\"SUPPORT\"");
    let less = less.replace("members = [\"bob@acme.example\"]", "").replace("  { name = \"Readers\" },\n", "");
    site.write("o.toml", &less.replace("role = \"admin\", ", "role = \"none\""));
    let changed = site.run(&["apply", "o.toml"]).done();
    assert_eq!(
        changed.lines().take(2).collect::<Vec<_>>(),
        ["~ acme: team: Support → SUPPORT", "~ acme: role of team SUPPORT: admin → none",]
    );
    let pruned = site.run(&["apply", "o.toml", "--prune"]).done();
    for line in [
        "- acme: domain: acme.test",
        "- acme: linked to: group",
        "- acme: team: Readers",
        "- acme: team SUPPORT: bob@acme.example",
    ] {
        assert!(pruned.contains(line), "{line}: {pruned}");
    }
    assert!(site.run(&["apply", "o.toml", "--prune"]).done().contains("Nothing to change"));
    assert_eq!(site.json(&["check", "--store"])["store"]["problems"], serde_json::json!([]));
    site.run(&["audit", "--verify"]).done();
}

#[test]
fn a_team_of_strangers_undoes_all_of_the_file() {
    let site = Site::new();
    let _server = site.serve();
    site.write(
        "o.toml",
        "[[organization]]\nslug = \"acme\"\nteams = [{ name = \"Ops\", members = [\"eve@acme.example\"] }]\n",
    );
    site.run(&["apply", "o.toml"]).refused("acme: there is no account eve@acme.example");
    assert_eq!(site.json(&["org", "list"]), serde_json::json!([]));
    site.write("o.toml", "[[organization]]\nslug = \"acme\"\nadmin = \"acme\"\n");
    site.run(&["apply", "o.toml"]).refused("acme: ");
}
