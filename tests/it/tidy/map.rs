//! ARCHITECTURE.md's map names what is there, and the documents name only files that exist.

use std::collections::BTreeSet;
use std::fs;

use super::{NOT_OURS, read, report, root};

/// Files that everyone knows, and that the map would only be longer for.
const NOT_WORTH_A_LINE: [&str; 3] = ["Cargo.lock", ".gitignore", ".dockerignore"];

/// The first word of each line of the block in ARCHITECTURE.md that is fenced as `map`.
fn map() -> BTreeSet<String> {
    let text = read("ARCHITECTURE.md");
    let block = text.split("```map\n").nth(1).expect("ARCHITECTURE.md has a block fenced as `map`");
    let lines = block.lines().take_while(|line| !line.starts_with("```"));
    lines.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

/// What stands at the top of the project, in `src/` and in `tests/`; folders end with a slash.
fn there() -> BTreeSet<String> {
    let mut there = BTreeSet::new();
    for folder in ["", "src", "tests"] {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if NOT_OURS.contains(&name.as_str()) || NOT_WORTH_A_LINE.contains(&name.as_str()) {
                continue;
            }
            let from_root = path.strip_prefix(root()).unwrap().display();
            there.insert(if path.is_dir() { format!("{from_root}/") } else { from_root.to_string() });
        }
    }
    there.retain(|path| !["src/", "tests/"].contains(&path.as_str()));
    there
}

#[test]
fn the_map_names_what_is_there() {
    let (mapped, there) = (map(), there());
    let unmapped = there.difference(&mapped);
    let gone = mapped.difference(&there);
    let mut faults: Vec<String> = unmapped
        .map(|path| format!("{path} is not on the map: give it a line and a sentence in ARCHITECTURE.md."))
        .collect();
    faults.extend(gone.map(|path| format!("{path} is on ARCHITECTURE.md's map and not there: take its line out.")));
    report(&faults);
}

#[test]
fn documents_name_files_that_exist() {
    let mut faults = Vec::new();
    let mut named = 0;
    for document in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"] {
        for (number, line) in read(document).lines().enumerate() {
            for path in line.split('`').skip(1).step_by(2).filter(|quoted| is_path(quoted)) {
                named += 1;
                if !root().join(path).exists() {
                    faults.push(format!("{document}:{}: there is no `{path}`: name it as it is.", number + 1));
                }
            }
        }
    }
    report(&faults);
    assert!(named > 50, "no path was read from the documents: the reading is broken");
}

/// Whether words in code type mean a file of the project: a known folder, and nothing that stands for something else.
fn is_path(quoted: &str) -> bool {
    let folders = ["src/", "tests/", "examples/", "benches/", "fuzz/", "config/", "templates/", "scripts/", ".ci/"];
    folders.iter().any(|folder| quoted.starts_with(folder)) && !quoted.contains([' ', '*', '{', '<', '…'])
}
