//! Files and functions fit the reader, and each file opens with its promise.

use super::{report, room_of, rust_files, source};

/// The longest a file may be, in lines.
const FILE_LINES: usize = 400;
/// The longest a function may be, in lines of code.
const FUNCTION_LINES: usize = 70;

#[test]
fn files_fit_the_reader() {
    let mut faults = Vec::new();
    for (path, text) in rust_files() {
        let lines = text.lines().count();
        if lines > FILE_LINES {
            faults.push(format!(
                "{}: {lines} lines; the wall is {FILE_LINES}. Find the two ideas in it and give each a file.",
                path.display()
            ));
        }
    }
    report(&faults);
}

#[test]
fn functions_fit_a_screen() {
    let mut faults = Vec::new();
    for (path, text) in rust_files() {
        for function in source::functions(&source::code_only(&text)) {
            if function.code_lines > FUNCTION_LINES {
                faults.push(format!(
                    "{}:{}: `{}` has {} lines of code; the wall is {FUNCTION_LINES}. Name its steps as functions.",
                    path.display(),
                    function.line,
                    function.name,
                    function.code_lines
                ));
            }
        }
    }
    report(&faults);
}

#[test]
fn every_file_opens_with_its_promise() {
    let without = rust_files().into_iter().filter(|(_, text)| {
        !text.lines().next().is_some_and(|line| line.starts_with("//! ") || line.starts_with("#!"))
    });
    let faults: Vec<String> = without
        .map(|(path, _)| format!("{}: open it with `//! ` and one sentence on what it promises.", path.display()))
        .collect();
    report(&faults);
}

#[test]
fn every_verb_asks_whether_whoever_acts_may() {
    let mut faults = Vec::new();
    for (path, text) in rust_files() {
        if room_of(&path).as_deref() != Some("administration") {
            continue;
        }
        let verbs = text.split("\npub async fn ").skip(1).filter(|verb| {
            let (name, rest) = verb.split_once('(').unwrap_or_default();
            !name.is_empty() && rest.trim_start().starts_with("admin: Arc<Administration>")
        });
        for verb in verbs {
            let body = verb.split("\n}\n").next().unwrap_or_default();
            // The audit's look and the scope of sessions ask in a function beside them.
            let asks = ["permit", ".operators()", "scope(", "look("].iter().any(|word| body.contains(word));
            if !asks {
                let name = verb.split('(').next().unwrap_or_default();
                faults.push(format!("{}: `{name}` asks nobody whether it may be done.", path.display()));
            }
        }
    }
    report(&faults);
}
