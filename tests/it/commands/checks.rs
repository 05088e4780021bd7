//! `check`, with and without a server.

use super::site::Site;

#[test]
fn a_good_configuration_is_good_and_warnings_are_told() {
    let site = Site::new();
    assert_eq!(site.run(&["check"]).done(), "vestibule.toml: good\n");
    let text = std::fs::read_to_string(site.path("vestibule.toml")).unwrap();
    let mail = "[mail]\nsmtp = \"smtp://mail.example:25?tls=none\"\nfrom = \"login@acme.example\"\n";
    site.write("later.toml", &format!("{text}{mail}"));
    let ran = site.run(&["check", "--config", "later.toml"]);
    assert!(ran.err.contains("links that sign people in cross the network in the open"), "{}", ran.err);
    assert_eq!(ran.done(), "later.toml: good, with 1 warning\n");
    assert_eq!(site.json(&["check", "--config", "later.toml"])["warnings"].as_array().unwrap().len(), 1);
}

#[test]
fn every_mistake_is_named_and_nothing_is_started() {
    let site = Site::new();
    site.write("wrong.toml", "public_uri = \"x\"\n[listen]\nproxy = 8080\n[[upstream]]\nname = \"app\"\n");
    for verb in ["check", "serve"] {
        let ran = site.run(&[verb, "--config", "wrong.toml"]);
        assert_eq!(ran.code, Some(1), "{verb}");
        for words in
            ["wrong.toml:1: unknown key «public_uri»", "wrong.toml:3: «proxy»", "wrong.toml:4: this [[upstream]]"]
        {
            assert!(ran.err.contains(words), "{verb}: {words}: {}", ran.err);
        }
    }
    let told: serde_json::Value =
        serde_json::from_str(&site.run(&["check", "--json", "--config", "wrong.toml"]).out).expect("JSON");
    assert_eq!((&told["good"], &told["mistakes"][0]["line"]), (&false.into(), &1.into()), "{told}");
    assert!(!site.path("data").exists());
}

#[test]
fn the_store_is_checked_with_and_without_a_server() {
    let site = Site::new();
    site.run(&["check", "--store"]).refused("there is no store at");
    let server = site.serve();
    site.run(&["org", "create", "acme", "--name", "Acme"]).done();
    assert!(site.run(&["check", "--store"]).done().contains("looked at"));
    server.signal("-INT");
    let checked = site.json(&["check", "--store"]);
    assert_eq!(checked["store"]["problems"], serde_json::json!([]));
    assert!(checked["store"]["tables"].as_array().unwrap().iter().any(|table| table[0] == "organizations"));
}

#[test]
fn what_the_list_of_public_mail_forbids_by_now_is_told() {
    let site = Site::new();
    let server = site.serve();
    site.run(&["org", "create", "acme", "--name", "Acme"]).done();
    site.run(&["domain", "claim", "acme", "pupils.example", "--trusted"]).done();
    site.run(&["org", "set", "acme", "discoverability=open", "discoverable_domains=school.example"]).done();
    assert!(!site.run(&["check", "--store"]).err.contains("warning"));
    server.signal("-INT");
    site.write("public.txt", "pupils.example\nschool.example\n");
    let text = std::fs::read_to_string(site.path("vestibule.toml")).unwrap();
    site.write("vestibule.toml", &format!("{text}[dns]\npublic_mail_domains = \"public.txt\"\n"));
    let check = || {
        let ran = site.run(&["check", "--store"]);
        for words in ["pupils.example is verified for acme", "school.example is a work domain"] {
            assert!(ran.err.contains(words), "{words}: {}", ran.err);
        }
        ran.done();
        let told = site.json(&["check", "--store"])["store"]["warnings"].as_array().unwrap().len();
        assert_eq!(told, 2);
    };
    check();
    let _server = site.serve();
    check();
}
