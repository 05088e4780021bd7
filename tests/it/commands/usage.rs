//! Wrong usage, missing servers, help.

use super::site::{Site, vestibule};

#[test]
fn wrong_usage_ends_with_two() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [
        &[][..],
        &["fly"],
        &["org"],
        &["org", "create", "acme"],
        &["org", "create", "Acme Inc", "--name", "x"],
        &["org", "set", "acme"],
        &["org", "set", "acme", "require_sso"],
        &["user", "add", "acme", "ada"],
        &["user", "add", "acme", "ada@acme.example", "--role", "king"],
        &["domain", "claim", "acme", "acme"],
        &["session", "revoke"],
        &["session", "revoke", "--all", "--org", "acme"],
        &["sso", "set", "acme"],
        &["sso", "set", "acme", "--metadata", "x", "--issuer", "y"],
        &["logins", "--last", "0"],
        &["scim-log", "--last", "0"],
        &["serve", "--daemon"],
        &["console", "now"],
        &["webhook", "retry"],
        &["webhook", "retry", "--all", "01988f2a-6c31-7000-8004-5d1f7c09be22"],
        &["webhook", "retry", "1"],
        &["webhook", "list", "--endpoint", "app"],
        &["webhook", "test", "App"],
        &["user", "reset-second-factor"],
    ] {
        let ran = vestibule(folder.path(), arguments);
        assert_eq!(ran.code, Some(2), "{arguments:?}: {}", ran.err);
        assert!(!ran.err.is_empty(), "{arguments:?}");
    }
}

#[test]
fn single_sign_on_is_set_whole() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [&["sso", "set", "acme"][..], &["sso", "set", "acme", "--issuer", "x", "--sign-in-url", "y"]] {
        let ran = vestibule(folder.path(), arguments);
        let wanted = "give --metadata FILE or URL, or --issuer, --sign-in-url and --certificate";
        assert!(ran.code == Some(2) && ran.err.contains(wanted), "{arguments:?}: {}", ran.err);
    }
}

#[test]
fn every_verb_helps_and_an_example_teaches() {
    let folder = tempfile::tempdir().unwrap();
    for verb in [
        "demo", "serve", "check", "apply", "org", "sso", "domain", "user", "session", "explain", "logins", "keys",
        "backup", "restore", "health", "webhook",
    ] {
        let help = vestibule(folder.path(), &[verb, "--help"]).done();
        assert_eq!(help.contains("--config"), verb != "demo", "{verb}: {help}");
        assert!(vestibule(folder.path(), &["--help"]).done().contains(verb), "{verb}");
    }
    for verb in [
        &["org", "create"][..],
        &["org", "set"],
        &["sso", "set"],
        &["explain"],
        &["apply"],
        &["user", "add"],
        &["webhook", "test"],
    ] {
        let help = vestibule(folder.path(), &[verb, &["--help"]].concat()).done();
        assert!(help.contains("Example"), "{verb:?}: {help}");
    }
}

#[test]
fn without_a_configuration_or_a_server_the_sentence_says_what_to_do() {
    let empty = tempfile::tempdir().unwrap();
    vestibule(empty.path(), &["org", "list"]).refused("name one with --config FILE, or try `vestibule demo`");
    vestibule(empty.path(), &["org", "list", "--config", "no.toml"])
        .refused("can't read no.toml: there is no such file");
    let site = Site::new();
    site.run(&["org", "list"]).refused("admin.sock: start it with `vestibule serve`");
    site.run(&["health"]).refused("start it with `vestibule serve`");
    vestibule(empty.path(), &["demo", "--config", "x.toml"]).refused("the demo takes no configuration");
}
