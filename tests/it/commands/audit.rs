//! `audit`, as the operator sees it: what was done, followed as it happens, and whether anybody tampered with it.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::site::{Server, Site};

fn lines(text: &str, chain: &str) -> Vec<String> {
    // The time stands first, and is another each time.
    text.lines()
        .filter_map(|line| line.split_once("  "))
        .map(|(_, rest)| rest.to_owned())
        .filter(|rest| rest.starts_with(chain))
        .collect()
}

#[test]
fn every_change_is_told_with_who_and_from_where() {
    let site = Site::new();
    let _server = site.serve();
    assert_eq!(site.run(&["audit"]).done(), "No entries.\n");
    site.run(&["org", "create", "acme", "--name", "Acme Inc"]).done();
    site.run(&["user", "add", "acme", "ada@acme.example", "--role", "owner"]).done();
    site.run(&["user", "set", "acme", "ada@acme.example", "--role", "admin"]).done();
    site.run(&["org", "set", "acme", "session_idle=30m"]).done();
    site.run(&["keys", "rotate"]).done();
    let told = site.run(&["audit"]).done();
    let expected = [
        "acme #1  org.create acme: Acme Inc  by operator from admin socket",
        "acme #2  member.add ada@acme.example: owner  by operator from admin socket",
        "acme #3  member.role ada@acme.example: owner → admin  by operator from admin socket",
        "acme #4  org.set.session_idle acme: default → 30m  by operator from admin socket",
    ];
    assert_eq!(lines(&told, "acme"), expected);
    assert!(lines(&told, "(operator)")[0].starts_with("(operator) #1  keys.rotate keys"), "{told}");
    assert_eq!(lines(&site.run(&["audit", "--operator"]).done(), "").len(), 1);
    assert_eq!(lines(&site.run(&["audit", "--org", "acme", "--last", "1"]).done(), ""), expected[3..]);
    let json = site.json(&["audit", "--org", "acme", "--since", "1h"]);
    let told: Vec<&str> = json.as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert_eq!(told, ["org.create", "member.add", "member.role", "org.set.session_idle"]);
    assert_eq!(site.json(&["audit", "--since", "2100-01-01"]), Value::Array(Vec::new()));
    site.run(&["audit", "--org", "nobody"]).refused("there is no organization «nobody»");
    assert_eq!(site.run(&["audit", "--since", "soon"]).code, Some(2));
}

#[test]
fn a_deleted_organization_keeps_its_record() {
    let site = Site::new();
    let _server = site.serve();
    site.run(&["org", "create", "acme", "--name", "Acme Inc"]).done();
    site.run(&["org", "delete", "acme"]).done();
    let told = site.run(&["audit", "--org", "acme"]).done();
    assert!(lines(&told, "acme #2")[0].starts_with("acme #2  org.delete acme: was Acme Inc"), "{told}");
    assert!(site.run(&["audit", "--verify"]).done().contains("acme: 2 entries, whole, ends with 2:"));
}

#[test]
fn what_happens_is_followed_as_it_happens() {
    let site = Site::new();
    let _server = site.serve();
    site.run(&["org", "create", "acme", "--name", "Acme Inc"]).done();
    let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
    command.args(["audit", "--follow", "--json"]).current_dir(site.folder.path());
    let mut follower = command.stdout(Stdio::piped()).spawn().expect("it starts");
    let mut told = BufReader::new(follower.stdout.take().unwrap()).lines().map(|line| {
        let entry: Value = serde_json::from_str(&line.expect("a line")).expect("JSON");
        (entry["org"].clone(), entry["number"].as_u64().unwrap(), entry["action"].as_str().unwrap().to_owned())
    });
    assert_eq!(told.next(), Some(("acme".into(), 1, "org.create".to_owned())), "what was before comes first");
    site.run(&["org", "set", "acme", "name=Acme"]).done();
    assert_eq!(told.next(), Some(("acme".into(), 2, "org.set.name".to_owned())));
    // An organization that there was not yet when it began.
    site.run(&["org", "create", "zeta", "--name", "Zeta"]).done();
    assert_eq!(told.next(), Some(("zeta".into(), 1, "org.create".to_owned())));
    site.run(&["keys", "rotate"]).done();
    assert_eq!(told.next(), Some((Value::Null, 1, "keys.rotate".to_owned())));
    follower.kill().expect("it stops");
    follower.wait().expect("it stopped");
}

/// Starts a server over the backup, each line changed or left out: whoever can write the store's files can do so, and
/// give it a checksum that is right.
fn tampered(site: &Site, change: impl Fn(&str) -> Option<String>) -> Server {
    let text = std::fs::read_to_string(site.path("before.jsonl")).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    lines.pop();
    let lines: Vec<String> = lines.into_iter().filter_map(change).map(|line| line + "\n").collect();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, lines.concat().as_bytes());
    let sum = digest.as_ref().iter().fold(String::new(), |sum, byte| format!("{sum}{byte:02x}"));
    let footer = serde_json::json!({ "end": lines.len() - 1, "sha256": sum });
    site.write("after.jsonl", &format!("{}{footer}\n", lines.concat()));
    site.run(&["restore", "after.jsonl"]).done();
    site.serve()
}

/// Whether a line of an export is of the audit of this organization.
fn is_of_chain(line: &str, organization: &str) -> bool {
    let line: Value = serde_json::from_str(line).expect("JSON");
    let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
    text("table").starts_with("audit_") && text("key").starts_with(organization)
}

#[test]
fn an_edited_record_and_a_cut_one_are_found() {
    let site = Site::new();
    let server = site.serve();
    let acme = site.json(&["org", "create", "acme", "--name", "Acme Inc"])["id"].as_str().unwrap().replace('-', "");
    site.run(&["user", "add", "acme", "ada@acme.example", "--role", "owner"]).done();
    site.run(&["org", "create", "zeta", "--name", "Zeta"]).done();
    let whole = site.json(&["audit", "--verify", "--org", "acme"]);
    let end = whole["chains"][0]["end"].as_str().expect("an end").to_owned();
    site.run(&["audit", "--verify", "--org", "acme", "--expect", &end]).done();
    site.run(&["audit", "--verify", "--expect", &end]).refused("name it with --org SLUG");
    site.run(&["backup", "before.jsonl"]).done();
    server.signal("-INT");

    let server = tampered(&site, |line| Some(line.replace("\"after\":\"owner\"", "\"after\":\"member\"")));
    site.run(&["audit", "--verify"]).refused("the audit has 1 problem");
    let told = site.run(&["audit", "--verify"]).out;
    assert!(told.contains("acme: 2 entries, NOT whole") && told.contains("entry 2 was changed"), "{told}");
    assert!(told.contains("zeta: 1 entry, whole"), "{told}");
    site.run(&["check", "--store"]).refused("the store has 1 problem");
    server.signal("-INT");

    let server = tampered(&site, |line| (!line.contains("\"action\":\"member.add\"")).then(|| line.to_owned()));
    let told = site.run(&["audit", "--verify"]).out;
    assert!(told.contains("entry 2 is missing at the end"), "{told}");
    server.signal("-INT");

    // The whole chain with its end: no organization is without any entry.
    let _server = tampered(&site, |line| (!is_of_chain(line, &acme)).then(|| line.to_owned()));
    let told = site.run(&["audit", "--verify"]).out;
    assert!(told.contains("acme: 0 entries, NOT whole") && told.contains("no entry at all"), "{told}");
    site.run(&["org", "set", "acme", "name=Other"]).done();
    site.run(&["audit", "--verify", "--org", "acme"]).done();
    // A chain that was begun anew is whole: only who noted its end elsewhere can tell.
    site.run(&["audit", "--verify", "--org", "acme", "--expect", &end]).refused("the audit has 1 problem");
}
