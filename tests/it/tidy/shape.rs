//! Files and functions fit the reader, and each file opens with its promise.

use super::{report, rust_files, source};

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
