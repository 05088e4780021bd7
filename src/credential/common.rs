//! Passwords that many people have: a list, and what needs none.

use std::collections::BTreeSet;
use std::sync::OnceLock;

/// The list as it comes with the program.
const LIST: &str = include_str!("../../config/common_passwords.txt");
/// Rows of keyboards, the alphabet, digits: any part of one, forwards or backwards, is no password.
const ROWS: [&str; 6] = [
    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz",
    "0123456789012345678901234567890123456789",
    "qwertyuiopasdfghjklzxcvbnmqwertyuiop",
    "qwertzuiopasdfghjklyxcvbnmqwertzuiop",
    "azertyuiopqsdfghjklmwxcvbnazertyuiop",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p1qaz2wsx",
];

fn list() -> &'static BTreeSet<&'static str> {
    static READ: OnceLock<BTreeSet<&'static str>> = OnceLock::new();
    READ.get_or_init(|| {
        let lines = LIST.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
        lines.filter(|line| !line.is_empty()).collect()
    })
}

/// Whether a password is one that many people have, or one that is guessed as soon as these.
pub fn is_common(password: &str) -> bool {
    let lower = password.to_lowercase();
    let core = lower.trim_matches(|c: char| !c.is_alphabetic());
    let spoken = |text: &str| text.chars().map(letter).collect::<String>();
    let (spoken_whole, spoken_core) = (spoken(&lower), spoken(core));
    let spoken_trimmed = spoken_whole.trim_matches(|c: char| !c.is_alphabetic());
    [lower.as_str(), core, &spoken_whole, &spoken_core, spoken_trimmed]
        .into_iter()
        .any(|form| is_listed(form) || is_row(form))
        || is_repeated(&lower, 3)
}

/// A word of the list, or one of them several times.
fn is_listed(form: &str) -> bool {
    list().contains(form) || unit(form, 2).is_some_and(|unit| list().contains(unit.as_str()))
}

fn is_row(form: &str) -> bool {
    let backwards: String = form.chars().rev().collect();
    form.len() >= 4 && ROWS.iter().any(|row| row.contains(form) || row.contains(&backwards))
}

fn is_repeated(form: &str, times: usize) -> bool {
    unit(form, times).is_some()
}

/// The shortest thing that `form` is, at least `times` times in a row, the last time perhaps cut.
fn unit(form: &str, times: usize) -> Option<String> {
    let characters: Vec<char> = form.chars().collect();
    let longest = characters.len() / times.max(1);
    let repeats = |length: &usize| characters.iter().skip(*length).zip(&characters).all(|(one, other)| one == other);
    (1..=longest).find(repeats).map(|length| characters.iter().take(length).collect())
}

/// The letter that a digit or sign is written for.
const fn letter(c: char) -> char {
    match c {
        '0' => 'o',
        '1' | '!' | '|' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        '8' => 'b',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_guessed_first_is_common() {
        for common in [
            "password",
            "Password1234",
            "P@ssw0rd2026!",
            "123456789012",
            "987654321098",
            "qwertyuiopas",
            "1qaz2wsx3edc",
            "abcdefghijkl",
            "aaaaaaaaaaaa",
            "abababababab",
            "xyzxyzxyzxyzx",
            "passwordpassword",
            "CorrectHorseBatteryStaple",
            "!!letmein!!",
            "Motdepasse2026",
            "contraseña123",
            "2026Sommer!!",
        ] {
            assert!(is_common(common), "{common}");
        }
        for good in [
            "wickerbasket of plums",
            "tr0ub4dor&3-xkcd",
            "correct horse battery",
            "Zürich liegt am See",
            "kx9-Rw2m-tT5p",
        ] {
            assert!(!is_common(good), "{good}");
        }
    }

    #[test]
    fn the_list_is_sorted_and_in_lower_case() {
        let listed: Vec<&str> = LIST.lines().filter(|line| !line.starts_with('#')).collect();
        assert!(listed.len() > 400 && listed.is_sorted_by(|one, two| one < two), "{}", listed.len());
        assert!(listed.iter().all(|word| word.to_lowercase() == **word));
    }
}
