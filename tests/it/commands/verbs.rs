//! Every verb once, against a running server.

use super::site::{Site, certificate_pem};

/// A site with an organization, a domain, two members and single sign-on.
fn furnish(site: &Site) {
    site.run(&["org", "create", "acme", "--name", "Acme Inc"]).done();
    site.run(&["domain", "claim", "acme", "acme.example", "--trusted"]).done();
    site.run(&["user", "add", "acme", "Ada@acme.example", "--role", "owner"]).done();
    site.run(&["user", "add", "acme", "bob@acme.example"]).done();
    site.write("idp.pem", &certificate_pem());
    let set = ["sso", "set", "acme", "--issuer", "https://idp.example", "--sign-in-url", "https://idp.example/sso"];
    site.run(&[&set[..], &["--certificate", "idp.pem"]].concat()).done();
}

#[test]
fn organizations() {
    let site = Site::new();
    let _server = site.serve();
    assert!(site.run(&["org", "list"]).done().contains("vestibule org create"));
    assert!(site.run(&["org", "create", "acme", "--name", "Acme Inc"]).done().contains("vestibule sso set acme"));
    site.run(&["org", "create", "acme", "--name", "x"]).refused("slugs are never used again");
    assert!(site.run(&["org", "show", "acme"]).done().contains("Acme Inc"));
    site.run(&["org", "show", "zeta"]).refused("there is no organization «zeta»: `vestibule org list`");
    let changed = site.run(&["org", "set", "acme", "idp_managed_access=true", "session_idle=30m"]).done();
    assert!(changed.contains("~ acme: idp_managed_access: false → true"), "{changed}");
    assert!(site.run(&["org", "set", "acme", "idp_managed_access=true"]).done().contains("it is so already"));
    site.run(&["org", "set", "acme", "require_sso=true"]).refused("require_sso of acme waits for a proof");
    site.run(&["org", "set", "acme", "name=New", "session_idle=1s"]).refused("session_idle is «default», or 1m to 30d");
    assert_eq!(site.json(&["org", "show", "acme"])["name"], "Acme Inc", "all or none are set");
    let changed = site.run(&["org", "set", "acme", "two_factor=always", "grace_sign_ins=0"]).done();
    assert!(changed.contains("~ acme: two_factor: off → always"), "{changed}");
    site.run(&["org", "set", "acme", "two_factor=on"]).refused("two_factor is off, password or always");
    let changed = site.run(&["org", "set", "acme", "idp_initiated=true"]).done();
    assert!(changed.contains("~ acme: idp_initiated: false → true"), "{changed}");
    let shown = site.json(&["org", "show", "acme"]);
    assert_eq!((&shown["two_factor"], &shown["grace_sign_ins"]), (&"always".into(), &0.into()));
    assert_eq!(site.json(&["org", "list"])[0]["session_idle"], "30m");
    site.run(&["org", "delete", "acme"]).done();
    site.run(&["org", "create", "acme", "--name", "again"]).refused("slugs are never used again");
}

#[test]
fn domains_and_people() {
    let site = Site::new();
    let _server = site.serve();
    furnish(&site);
    site.run(&["org", "create", "zeta", "--name", "Zeta"]).done();
    site.run(&["domain", "claim", "zeta", "acme.example", "--trusted"]).refused("verified for another organization");
    assert!(site.run(&["domain", "list"]).done().contains("the operator's word"));
    assert_eq!(site.json(&["domain", "list", "acme"])[0]["trusted"], true);
    site.run(&["domain", "release", "acme", "acme.example"]).done();
    site.run(&["domain", "release", "acme", "acme.example"]).refused("has no claim of the domain");
    assert_eq!(site.json(&["domain", "list"]), serde_json::json!([]));

    let stranger = site.run(&["user", "add", "acme", "x@elsewhere.example"]).done();
    assert!(stranger.contains("can't sign in: no organization has claimed elsewhere.example"), "{stranger}");
    for word in [&[][..], &["--trusted"]] {
        site.run(&[&["domain", "claim", "acme", "gmail.com"], word].concat()).refused("gmail.com belongs to everybody");
    }
    site.run(&["user", "add", "acme", "ada@acme.example"]).refused("is a member of acme already");
    assert!(site.run(&["user", "list", "acme"]).done().contains("ada@acme.example"));
    let changed = site.run(&["user", "set", "acme", "bob@acme.example", "--role", "admin"]).done();
    assert!(changed.contains("member → admin"), "{changed}");
    assert_eq!(site.json(&["user", "show", "bob@acme.example"])["password"], false);
    let shown = site.run(&["user", "show", "bob@acme.example"]).done();
    assert!(shown.lines().any(|line| line.starts_with("password ") && line.ends_with(" none")), "{shown}");
    site.run(&["user", "add", "zeta", "ada@acme.example", "--role", "owner"]).done();
    site.run(&["user", "add", "zeta", "zoe@acme.example", "--role", "owner"]).done();
    let warned = |arguments: &[&str]| site.run(arguments).err.matches("has no owner any more").count();
    assert_eq!(warned(&["user", "set", "zeta", "ada@acme.example", "--role", "member"]), 0, "Zoe owns it");
    assert_eq!(warned(&["user", "deactivate", "zoe@acme.example"]), 1, "of zeta");
    assert_eq!(warned(&["user", "remove", "zeta", "zoe@acme.example"]), 1);
    assert_eq!(warned(&["user", "set", "acme", "ada@acme.example", "--role", "member"]), 1);
    assert_eq!(warned(&["user", "set", "acme", "ada@acme.example", "--role", "owner"]), 0);
    site.run(&["user", "remove", "zeta", "ada@acme.example"]).done();
    site.run(&["user", "deactivate", "bob@acme.example"]).done();
    assert_eq!(site.json(&["user", "show", "bob@acme.example"])["active"], false);
    assert!(site.run(&["user", "deactivate", "bob@acme.example"]).done().contains("it is so already"));
    site.run(&["user", "activate", "bob@acme.example"]).done();
    site.run(&["user", "remove", "acme", "bob@acme.example"]).done();
    assert!(site.run(&["user", "show", "bob@acme.example"]).done().contains("none"));
    site.run(&["user", "show", "eve@acme.example"]).refused("there is no account eve@acme.example");
}

#[test]
fn single_sign_on() {
    let site = Site::new();
    let _server = site.serve();
    furnish(&site);
    let shown = site.run(&["sso", "show", "acme"]).done();
    let acs = format!("http://localhost:{}/.vestibule/saml/acme/acs", site.proxy.port());
    for words in [acs.as_str(), "Audience URI", "Reply URL", "Login URL", "https://idp.example/sso"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    assert_eq!(site.json(&["sso", "show", "acme"])["idp"]["certificates"].as_array().unwrap().len(), 1);
    let held = site.json(&["sso", "certificate", "list", "acme"])[0]["sha256"].as_str().unwrap().to_owned();
    site.run(&["sso", "certificate", "remove", "acme", &held[..12]]).refused("the last certificate of acme");
    site.write("next.pem", &certificate_pem());
    assert_eq!(site.json(&["sso", "certificate", "add", "acme", "next.pem"]).as_array().unwrap().len(), 2);
    site.run(&["sso", "certificate", "remove", "acme", "abc"]).refused("at least 6 digits");
    site.run(&["sso", "certificate", "remove", "acme", &held[..12]]).done();
    assert_ne!(site.json(&["sso", "certificate", "list", "acme"])[0]["sha256"], held.as_str());

    site.write("rubbish", "hello");
    site.run(&["sso", "certificate", "add", "acme", "rubbish"]).refused("certificate");
    site.run(&["sso", "set", "acme", "--metadata", "rubbish"]).refused("");
    let plain =
        ["sso", "set", "acme", "--issuer", "i", "--sign-in-url", "http://idp.example", "--certificate", "idp.pem"];
    site.run(&plain).refused("https");
    site.write("response", "PHg+PC94Pg==");
    let tested = site.run(&["sso", "test", "acme", "response"]);
    assert_eq!(tested.code, Some(1));
    assert!(tested.out.contains('✗') && tested.out.contains("fix:"), "{}", tested.out);
    site.run(&["sso", "test", "acme", "response", "--at", "noon"]).refused("write it like 2026-11-22T10:15:00Z");
}

#[test]
fn files_are_judged_without_a_server() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("idp.pem"), certificate_pem()).unwrap();
    std::fs::write(folder.path().join("page.html"), "<!doctype html><html></html>").unwrap();
    let run = |arguments: &[&str]| super::site::vestibule(folder.path(), arguments);
    assert!(run(&["sso", "check-certificate", "idp.pem"]).done().contains("ECDSA P-256"));
    run(&["sso", "check-certificate", "page.html"]).refused("page.html: this is a web page");
    run(&["sso", "check-metadata", "idp.pem"]).refused("idp.pem: ");
    run(&["sso", "check-metadata", "page.html"]).refused("page.html: ");
}

#[test]
fn explaining_a_decision() {
    let site = Site::new();
    let _server = site.serve();
    furnish(&site);
    let allowed = |email: &str, url: &str| site.json(&["explain", email, url])["allowed"].as_bool().unwrap();
    assert!(allowed("ada@acme.example", "/owners/x"));
    assert!(!allowed("bob@acme.example", "/owners/x"));
    assert!(allowed("bob@acme.example", &format!("http://localhost:{}/reports?q=1", site.proxy.port())));
    assert!(allowed("nobody@nowhere.example", "/public/a"));
    assert!(!allowed("nobody@nowhere.example", "/reports"));
    let text = site.run(&["explain", "eve@acme.example"]).done();
    assert!(text.contains("`vestibule user add acme eve@acme.example`"), "{text}");
    site.run(&["explain", "ada@acme.example", "https://elsewhere.example/"]).refused("is not of this site");
    site.run(&["explain", "ada@acme.example", "reports"]).refused("is neither a URL nor a path");
}

#[test]
fn sessions_logins_keys_and_health() {
    let site = Site::new();
    let _server = site.serve();
    furnish(&site);
    assert!(site.run(&["session", "list"]).done().contains("No sessions."));
    assert_eq!(site.json(&["session", "list", "--user", "ada@acme.example"]), serde_json::json!([]));
    for whose in [&["--all"][..], &["--org", "acme"], &["--user", "ada@acme.example"]] {
        site.run(&[&["session", "revoke"], whose].concat()).done();
    }
    let nobody = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff";
    site.run(&["session", "revoke", nobody]).refused("there is no session");
    assert!(site.run(&["logins"]).done().contains("No sign-ins yet."));
    assert_eq!(site.json(&["logins", "--org", "acme", "--last", "5"]), serde_json::json!([]));
    let before = super::site::get(site.proxy, "/.vestibule/jwks.json");
    assert!(site.run(&["keys", "rotate"]).done().contains("SAML"));
    assert!(site.run(&["keys", "rotate"]).done().contains("or with --now"), "an announced key waits a day");
    assert!(site.run(&["keys", "rotate", "--now"]).done().contains("the announced one signs now"));
    assert!(site.json(&["keys", "rotate"])["changes"].is_array());
    assert_ne!(before.lines().last(), super::site::get(site.proxy, "/.vestibule/jwks.json").lines().last());
    assert_eq!(site.run(&["health"]).done(), "ready\n");
}
