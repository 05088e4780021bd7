//! The server's life: it starts or says why not, keeps what it acknowledged, stops when told.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use super::site::{Site, get};

#[test]
fn a_restart_keeps_everything_and_a_kill_keeps_what_was_acknowledged() {
    let site = Site::new();
    let server = site.serve();
    site.run(&["org", "create", "acme", "--name", "Acme"]).done();
    let (code, took) = server.signal("-TERM");
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(20), "stopping took {took:?}");
    assert!(!site.path("data/admin.sock").exists(), "the socket goes with the server");
    for round in 0..3 {
        let server = site.serve();
        site.run(&["user", "add", "acme", &format!("person{round}@acme.example")]).done();
        server.signal("-KILL");
    }
    let _server = site.serve();
    assert_eq!(site.json(&["user", "list", "acme"]).as_array().unwrap().len(), 3);
    assert_eq!(site.json(&["check", "--store"])["store"]["problems"], serde_json::json!([]));
}

#[test]
fn ctrl_c_stops_at_once() {
    let site = Site::new();
    let (code, took) = site.serve().signal("-INT");
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(10), "stopping took {took:?}");
}

#[test]
fn what_is_taken_is_named() {
    let site = Site::new();
    let _server = site.serve();
    let second = site.run(&["serve"]);
    assert_eq!(second.code, Some(1));
    assert!(second.err.contains("is open in another process"), "{}", second.err);
    let text = std::fs::read_to_string(site.path("vestibule.toml")).unwrap();
    site.write("second.toml", &format!("{text}[store]\npath = \"other\"\n"));
    let second = site.run(&["serve", "--config", "second.toml"]);
    assert_eq!(second.code, Some(1));
    assert!(second.err.contains("«proxy» in [listen]") && second.err.contains("another program"), "{}", second.err);
}

#[test]
fn the_ops_listener_tells_and_the_socket_is_private() {
    let site = Site::new();
    let _server = site.serve();
    assert!(get(site.ops, "/healthz").ends_with("ok\n"));
    assert!(get(site.ops, "/readyz").ends_with("ready\n"));
    get(site.proxy, "/");
    let metrics = get(site.ops, "/metrics");
    assert!(metrics.contains("text/plain") && metrics.contains("vestibule_requests_total"), "{metrics}");
    assert!(get(site.proxy, "/metrics").starts_with("HTTP/1.1 401"), "not on the public port");
    let socket = std::fs::metadata(site.path("data/admin.sock")).unwrap();
    assert_eq!(socket.permissions().mode() & 0o777, 0o600);
    let log = std::fs::read_to_string(site.path("server.log")).unwrap();
    let first: serde_json::Value =
        serde_json::from_str(log.lines().next().unwrap()).expect("JSON where no terminal is");
    assert!(first["timestamp"].is_string(), "{log}");
}

#[test]
fn a_backup_brings_everything_back() {
    let site = Site::new();
    let server = site.serve();
    site.run(&["org", "create", "acme", "--name", "Acme"]).done();
    assert!(site.json(&["backup", "b.jsonl"])["records"].as_u64().unwrap() > 0);
    assert_eq!(std::fs::metadata(site.path("b.jsonl")).unwrap().permissions().mode() & 0o777, 0o600);
    site.run(&["backup", "b.jsonl"]).refused("is there already");
    site.run(&["org", "create", "later", "--name", "Later"]).done();
    site.run(&["restore", "b.jsonl"]).refused("stop it, restore, and start it again");
    server.signal("-INT");
    site.run(&["restore", "b.jsonl"]).done();
    let _server = site.serve();
    let slugs = site.json(&["org", "list"]);
    let audit = site.json(&["audit", "--operator"]);
    assert_eq!(audit.as_array().unwrap().last().unwrap()["action"], "store.restore", "an older backup leaves a trace");
    assert_eq!((slugs.as_array().unwrap().len(), &slugs[0]["slug"]), (1, &serde_json::json!("acme")));
    std::fs::write(site.path("cut.jsonl"), &std::fs::read(site.path("b.jsonl")).unwrap()[..200]).unwrap();
    site.run(&["restore", "cut.jsonl"]).refused("");
}
