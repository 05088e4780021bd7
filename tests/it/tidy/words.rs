//! Words that have no place in the tree: work left undone, one machine's folders, printing, silent exceptions.

use super::{files_below, read, report, room_of, rust_files, source};

/// The only files that may write to standard output or standard error: the commands' answers, and the log.
const PRINTERS: [&str; 2] = ["src/cli/output.rs", "src/telemetry.rs"];

#[test]
fn only_the_command_line_prints() {
    let mut faults = Vec::new();
    for (path, text) in rust_files() {
        if room_of(&path).is_none() || PRINTERS.iter().any(|printer| path.ends_with(printer)) {
            continue;
        }
        for (number, line) in source::code_only(&text).lines().enumerate() {
            if ["println!", "print!(", "::stdout()", "::stderr()"].iter().any(|word| line.contains(word)) {
                let place = format!("{}:{}", path.display(), number + 1);
                faults.push(format!("{place}: only {PRINTERS:?} print; return the text, or log it with tracing."));
            }
        }
    }
    report(&faults);
}

#[test]
fn no_lint_is_switched_off_silently() {
    let mut faults = Vec::new();
    for (path, text) in rust_files() {
        let code = source::code_only(&text);
        for (start, _) in code.match_indices("[allow(") {
            let place = format!("{}:{}", path.display(), code[..start].matches('\n').count() + 1);
            let attribute = code[start..].split(']').next().unwrap_or_default();
            if path.starts_with("src") {
                faults.push(format!("{place}: write #[expect(…, reason = \"…\")] in place of allow."));
            } else if !attribute.contains("reason") {
                faults.push(format!("{place}: give the exception a reason = \"…\"."));
            }
        }
    }
    report(&faults);
}

#[test]
fn no_word_stands_for_work_left_undone_or_names_one_machine() {
    // Spelled in pieces, so that this file passes its own rule.
    let undone = [["TO", "DO"], ["FIX", "ME"], ["XX", "X"], ["HA", "CK"]].map(|pieces| pieces.concat());
    let of_one_machine =
        [["/wo", "rk/"], ["/tmp/ba", "sh_"], ["farm-", "bench"], ["/ro", "ot/"]].map(|pieces| pieces.concat());
    let mut faults = Vec::new();
    for path in files_below(".") {
        if path.ends_with("Cargo.lock") || path.ends_with("LICENSE") {
            continue;
        }
        for (number, line) in read(&path).lines().enumerate() {
            let mut words = line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            if let Some(word) = words.find(|part| undone.iter().any(|word| word == part)) {
                faults.push(format!("{}:{}: `{word}`: do it now, or take it out.", path.display(), number + 1));
            }
            if let Some(name) = of_one_machine.iter().find(|name| line.contains(name.as_str())) {
                faults.push(format!(
                    "{}:{}: `{name}` means something on one machine only.",
                    path.display(),
                    number + 1
                ));
            }
        }
    }
    report(&faults);
}
