//! Phone numbers in E.164, shown to nobody but by their last two digits.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::kernel::TokenHash;

/// The most digits that a number has (E.164 §6.2.1).
const MOST_DIGITS: usize = 15;
/// The fewest that we take: shorter ones are services, not people.
const FEWEST_DIGITS: usize = 8;
/// The longest number that is looked at as typed, in bytes.
const TYPED_LIMIT: usize = 40;

/// A phone number: `+`, the country's code, the number; 8 to 15 digits.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PhoneNumber(String);

impl PhoneNumber {
    /// The number itself. Never log it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// All of it that is shown: the last two digits.
    pub fn ending(&self) -> &str {
        &self.0[self.0.len() - 2..]
    }

    /// What stands for it where it is only counted.
    pub(super) fn hash(&self) -> [u8; 32] {
        *TokenHash::of(self.0.as_bytes()).as_bytes()
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PhoneNumber(…{})", self.ending())
    }
}

impl From<PhoneNumber> for String {
    fn from(number: PhoneNumber) -> Self {
        number.0
    }
}

impl TryFrom<String> for PhoneNumber {
    type Error = InvalidNumber;
    fn try_from(text: String) -> Result<Self, InvalidNumber> {
        text.parse()
    }
}

/// The text is no phone number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Please type the number with the code of its country, such as +1 415 555 0100.")]
pub struct InvalidNumber;

impl FromStr for PhoneNumber {
    type Err = InvalidNumber;

    /// Reads a number as people type it: spaces, dashes, dots, slashes and brackets don't matter.
    fn from_str(text: &str) -> Result<Self, InvalidNumber> {
        if text.len() > TYPED_LIMIT {
            return Err(InvalidNumber);
        }
        let between = |c: char| c.is_whitespace() || matches!(c, '-' | '.' | '/' | '(' | ')');
        let number: String = text.chars().filter(|c| !between(*c)).collect();
        let digits = number.strip_prefix('+').ok_or(InvalidNumber)?;
        let right = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
        if !right || !(FEWEST_DIGITS..=MOST_DIGITS).contains(&digits.len()) {
            return Err(InvalidNumber);
        }
        Ok(PhoneNumber(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_its_countrys_code_and_not_too_many_digits() {
        let check = |typed: &str, expected: Option<&str>| {
            assert_eq!(typed.parse::<PhoneNumber>().ok().as_ref().map(PhoneNumber::expose), expected, "{typed}");
        };
        check("+4915123456789", Some("+4915123456789"));
        check(" +49 (151) 234-567/89 ", Some("+4915123456789"));
        check("+1.415.555.0100", Some("+14155550100"));
        check("+12345678", Some("+12345678"));
        check("+123456789012345", Some("+123456789012345"));
        check("+1234567890123456", None);
        check("+1234567", None);
        check("+0151234567", None);
        check("015123456789", None);
        check("004915123456789", None);
        check("+49 151 CALL ME", None);
        check("++4915123456789", None);
        check("+٤٩١٥١٢٣٤٥٦٧٨٩", None);
        check("", None);
    }

    #[test]
    fn only_the_last_two_digits_show() {
        let number: PhoneNumber = "+4915123456789".parse().unwrap();
        assert_eq!(format!("{} {number:?}", number.ending()), "89 PhoneNumber(…89)");
    }
}
