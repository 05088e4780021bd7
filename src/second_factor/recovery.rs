//! Recovery codes: ten, shown once, kept as hashes, each good once.

use serde::{Deserialize, Serialize};

use crate::kernel::{Rng, Secret, Timestamp, TokenHash};

/// How many codes are given at once.
pub const CODES: usize = 10;
/// The characters of a code: 16 of 32, 80 bits (D24 asks for 64).
const CHARACTERS: usize = 16;
/// How many characters stand together.
const GROUP: usize = 4;
/// Crockford's Base32: no letter that is taken for a digit, and no U.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// The longest code that is looked at as typed, in bytes.
const TYPED_LIMIT: usize = 64;

/// The recovery codes of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryCodes {
    /// The hashes of those that are left.
    hashes: Vec<TokenHash>,
    /// When they were made.
    pub made: Option<Timestamp>,
}

impl RecoveryCodes {
    /// Ten fresh ones, as they are kept and as they are shown, once.
    pub fn random(rng: &dyn Rng, now: Timestamp) -> (Self, Vec<Secret<String>>) {
        let codes: Vec<String> = (0..CODES).map(|_| code(rng)).collect();
        let hashes = codes.iter().map(|code| TokenHash::of(code.as_bytes())).collect();
        let shown = codes.iter().map(|code| Secret::new(grouped(code))).collect();
        (RecoveryCodes { hashes, made: Some(now) }, shown)
    }

    /// How many are left.
    pub fn left(&self) -> usize {
        self.hashes.len()
    }

    /// Uses a typed code up: `true` if it was one of these. Case, spaces and dashes in it don't matter, nor does O for
    /// 0, and I or L for 1.
    pub(super) fn take(&mut self, typed: &str) -> bool {
        let Some(code) = normal(typed) else { return false };
        let hash = TokenHash::of(code.as_bytes());
        let before = self.hashes.len();
        self.hashes.retain(|held| *held != hash);
        self.hashes.len() < before
    }
}

fn code(rng: &dyn Rng) -> String {
    let bytes = rng.bytes::<CHARACTERS>();
    // 256 is a multiple of 32: each character is as likely as any other.
    bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect()
}

fn grouped(code: &str) -> String {
    let groups: Vec<&str> = code.as_bytes().chunks(GROUP).filter_map(|group| str::from_utf8(group).ok()).collect();
    groups.join("-")
}

/// A typed code as it was hashed; `None`: it can't be one.
fn normal(typed: &str) -> Option<String> {
    if typed.len() > TYPED_LIMIT {
        return None;
    }
    let meant = |c: char| match c.to_ascii_lowercase() {
        'o' => '0',
        'i' | 'l' => '1',
        other => other,
    };
    // A dash is whatever a text program made of it.
    let between = |c: char| c.is_whitespace() || matches!(c, '-' | '\u{2010}'..='\u{2015}');
    let code: String = typed.chars().filter(|c| !between(*c)).map(meant).collect();
    let right = code.len() == CHARACTERS && code.bytes().all(|byte| ALPHABET.contains(&byte));
    right.then_some(code)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::kernel::SeededRng;

    fn fresh() -> (RecoveryCodes, Vec<Secret<String>>) {
        RecoveryCodes::random(&SeededRng::new(1), Timestamp::EPOCH)
    }

    #[test]
    fn there_are_ten_and_each_is_good_once() {
        let (mut kept, shown) = fresh();
        let different: BTreeSet<&String> = shown.iter().map(Secret::expose).collect();
        assert_eq!((different.len(), kept.left()), (10, 10));
        for (used, code) in shown.iter().enumerate() {
            assert!(kept.take(code.expose()), "{used}");
            assert!(!kept.take(code.expose()), "{used} a second time");
            assert_eq!(kept.left(), 9 - used);
        }
    }

    #[test]
    fn a_code_is_read_as_people_type_it() {
        let check = |change: fn(&str) -> String, expected: bool| {
            let (mut kept, shown) = fresh();
            let typed = change(shown[3].expose());
            assert_eq!(kept.take(&typed), expected, "{typed:?}");
        };
        check(str::to_owned, true);
        check(str::to_uppercase, true);
        check(|code| code.replace('-', ""), true);
        check(|code| code.replace('-', "\u{2013}"), true);
        check(|code| format!(" {}\r\n", code.replace('-', " ")), true);
        check(|code| code.replace('0', "O").replace('1', "l"), true);
        check(|code| code[1..].to_owned(), false);
        check(|code| format!("{code}0"), false);
        check(|code| code.replace('-', "_"), false);
        check(|_| String::new(), false);
        check(|code| code.repeat(1000), false);
    }

    #[test]
    fn letters_that_look_like_digits_are_those() {
        assert_eq!(normal("OoIi LlZz 0123 abcd").as_deref(), Some("001111zz0123abcd"));
        assert_eq!(normal("uuuu uuuu uuuu uuuu"), None);
    }

    #[test]
    fn what_is_kept_is_no_code() {
        let (kept, shown) = fresh();
        let text = serde_json::to_string(&kept).unwrap() + &format!("{kept:?} {shown:?}");
        for code in &shown {
            assert!(!text.contains(code.expose()) && !text.contains(&code.expose().replace('-', "")));
        }
    }
}
