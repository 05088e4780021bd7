//! The only file that prints: answers on stdout, what went wrong on stderr.

use std::io::{self, Write as _};

use serde::Serialize;

/// Prints answers as text for people, or as JSON for programs.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    /// JSON.
    pub json: bool,
}

impl Output {
    /// Prints an answer: `text` is asked for only if people read it.
    pub fn show<T: Serialize>(self, answer: &T, text: impl FnOnce(&T) -> String) {
        if self.json {
            say(&serde_json::to_string_pretty(answer).unwrap_or_default());
        } else {
            say(text(answer).trim_end());
        }
    }
}

/// A line on stdout. Whoever closed the pipe does not want it.
pub fn say(text: &str) {
    let _ = writeln!(io::stdout().lock(), "{text}");
}

/// A line on stderr.
pub fn complain(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Rows as aligned columns under their names; `empty` if there are none.
pub fn table<const N: usize>(names: [&str; N], rows: &[[String; N]], empty: &str) -> String {
    if rows.is_empty() {
        return empty.to_owned();
    }
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([names[column].len()]).max().unwrap_or(0)
    };
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |cells: [&str; N]| {
        let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut lines = vec![line(names)];
    lines.extend(rows.iter().map(|row| line(row.each_ref().map(String::as_str))));
    lines.join("\n")
}

/// Names and values, the values aligned.
pub fn facts(pairs: &[(&str, String)]) -> String {
    let width = pairs.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let lines = pairs.iter().map(|(name, value)| format!("{name:width$}  {value}").trim_end().to_owned());
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_lines_have_no_white_tail() {
        let rows = [["acme".to_owned(), "Acme Inc".to_owned()], ["bücher-gmbh".to_owned(), String::new()]];
        let expected = "SLUG         NAME\nacme         Acme Inc\nbücher-gmbh";
        assert_eq!(table(["SLUG", "NAME"], &rows, "none"), expected);
        assert_eq!(table::<1>(["SLUG"], &[], "none yet"), "none yet");
        assert_eq!(facts(&[("a", "1".to_owned()), ("long", "2".to_owned())]), "a     1\nlong  2");
    }
}
