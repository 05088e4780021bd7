//! The arrows between the rooms only go down, and no two tables share a name.

use std::collections::{BTreeMap, BTreeSet};

use super::{report, room_of, rust_files, source};

/// The storeys of the house, from the roof down. A room may name what stands on a lower storey, never its own.
const STOREYS: [&[&str]; 12] = [
    &["main"],
    &["cli"],
    &["server"],
    &["telemetry"],
    &["config"],
    &["proxy", "portal", "console", "scim", "admin", "demo"],
    &["administration"],
    &["proof"],
    &["session", "saml", "credential", "mail", "second_factor", "web", "webhook"],
    &["directory"],
    &["store"],
    &["kernel"],
];

/// Rooms that may name less than their storey would let them: the hot path, the side port, the roof.
const NARROWER: [(&str, &[&str]); 5] = [
    ("main", &["cli"]),
    ("proxy", &["session", "kernel"]),
    ("scim", &["directory", "store", "kernel"]),
    ("telemetry", &["config", "kernel"]),
    ("second_factor", &["directory", "store", "kernel"]),
];

fn storey(room: &str) -> Option<usize> {
    STOREYS.iter().position(|rooms| rooms.contains(&room))
}

fn may_name(room: &str, named: &str) -> bool {
    if let Some((_, allowed)) = NARROWER.iter().find(|(narrow, _)| *narrow == room) {
        return allowed.contains(&named);
    }
    storey(room) < storey(named)
}

#[test]
fn arrows_only_go_down() {
    let mut faults = Vec::new();
    for (path, text) in rust_files() {
        let Some(room) = room_of(&path).filter(|room| room != "lib") else { continue };
        let place = path.display();
        if storey(&room).is_none() {
            faults.push(format!("{place}: `{room}` is a new room: give it a storey in tests/it/tidy/arrows.rs."));
            continue;
        }
        let crate_name = if room == "main" { "vestibule" } else { "crate" };
        for (line, named) in source::rooms_named(&source::code_only(&text), crate_name) {
            if storey(&named).is_some() && named != room && !may_name(&room, &named) {
                faults.push(format!(
                    "{place}:{line}: `{room}` must not know `{named}`. Pass what it needs as an argument, or as a trait \
                     of its own that server/ wires; or move the shared idea down a storey."
                ));
            }
        }
    }
    report(&faults);
}

#[test]
fn the_rule_refuses_what_it_should() {
    for (room, named, expected) in [
        ("portal", "saml", true),
        ("portal", "proxy", false),
        ("proxy", "session", true),
        ("proxy", "directory", false),
        ("saml", "session", false),
        ("kernel", "store", false),
        ("server", "demo", true),
        ("config", "proxy", true),
        ("proxy", "config", false),
    ] {
        assert_eq!(may_name(room, named), expected, "{room} → {named}");
    }
}

/// Every table of the program, with the files that declare it.
fn tables() -> BTreeMap<String, Vec<String>> {
    let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (path, text) in rust_files() {
        if !path.starts_with("src") {
            continue;
        }
        // Unit tests are indented, and their tables are their own.
        for line in text.lines().filter(|line| line.contains("const ") && !line.starts_with([' ', '/'])) {
            if let Some(name) = line.split("Table::new(\"").nth(1).and_then(|rest| rest.split('"').next()) {
                tables.entry(name.to_owned()).or_default().push(path.display().to_string());
            }
        }
    }
    assert!(tables.len() > 10, "only {} tables were found: the reading is broken", tables.len());
    tables
}

#[test]
fn no_two_tables_share_a_name() {
    let faults: Vec<String> = tables()
        .into_iter()
        .filter(|(_, places)| places.len() > 1)
        .map(|(name, places)| format!("table `{name}` stands in {}: rename all but one.", places.join(" and ")))
        .collect();
    report(&faults);
}

#[test]
fn every_table_has_a_checker() {
    let checkers =
        vestibule::administration::check::room_checkers().into_iter().chain(vestibule::server::door_checkers());
    let checked: BTreeSet<&str> = checkers.map(|checker| checker.table()).collect();
    // The store looks at these itself, and at what versions without chains left.
    let own = ["meta", "expiry", "lease", "audit"];
    let unchecked = tables().into_iter().filter(|(name, _)| !checked.contains(&**name) && !own.contains(&&**name));
    let faults: Vec<String> = unchecked
        .map(|(name, places)| {
            format!(
                "{}: table `{name}` has no checker: give it one, so that `check --store` sees it.",
                places.join(", ")
            )
        })
        .collect();
    report(&faults);
}
