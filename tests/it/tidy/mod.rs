//! Holds the house to its rules: sizes, arrows, the map, words. Each failure says what to do.

mod arrows;
mod map;
mod shape;
mod source;
mod words;

use std::fs;
use std::path::{Path, PathBuf};

/// What tools write or keep here; never read.
const NOT_OURS: [&str; 7] = [".git", "target", "data", "node_modules", "__pycache__", "corpus", "artifacts"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file of the project below `folder`, as paths from the project's root; what tools write is left out.
fn files_below(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![root().join(folder)];
    while let Some(next) = waiting.pop() {
        let Ok(entries) = fs::read_dir(&next) else { continue };
        for path in entries.map(|entry| entry.unwrap().path()) {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if NOT_OURS.contains(&name.as_str()) {
                continue;
            }
            if path.is_dir() {
                waiting.push(path);
            } else if path.is_file() {
                found.push(path.strip_prefix(root()).unwrap().components().collect());
            }
        }
    }
    found.sort();
    found
}

/// The text of one file; bytes that are no UTF-8 become the replacement character.
fn read(path: impl AsRef<Path>) -> String {
    String::from_utf8_lossy(&fs::read(root().join(path.as_ref())).unwrap()).into_owned()
}

/// Every Rust file that we wrote, with its text.
fn rust_files() -> Vec<(PathBuf, String)> {
    let folders = ["src", "tests", "examples", "benches", "fuzz"];
    let paths = folders.iter().flat_map(|folder| files_below(folder));
    let files: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|e| e == "rs"))
        .map(|path| (path.clone(), read(&path)))
        .collect();
    assert!(files.len() > 50, "the rules were held against {} files only: the walk is broken", files.len());
    files
}

/// The room that a file of `src/` belongs to: its folder, or its own name at the top.
fn room_of(path: &Path) -> Option<String> {
    let inside = path.strip_prefix("src").ok()?;
    let first = inside.components().next()?.as_os_str().to_string_lossy().into_owned();
    Some(first.trim_end_matches(".rs").to_owned())
}

fn report(faults: &[String]) {
    assert!(faults.is_empty(), "\n\n{}\n", faults.join("\n"));
}
