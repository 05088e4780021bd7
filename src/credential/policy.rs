//! Which passwords can be chosen (NIST SP 800-63B §5.1.1.2): long ones that nobody guesses first; no rules of characters.

use super::common::is_common;
use crate::kernel::EmailAddress;

/// The longest password, in bytes.
pub const LONGEST: usize = 1024;

/// What holds for passwords here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Whether there are passwords at all.
    pub enabled: bool,
    /// The shortest, in characters.
    pub min_length: usize,
}

impl Default for Policy {
    fn default() -> Self {
        Policy { enabled: true, min_length: 12 }
    }
}

/// Why a password can't be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Weakness {
    /// Too short.
    #[error("Please choose a password of at least {0} characters; a sentence is good.")]
    Short(usize),
    /// Too long.
    #[error("Please choose a password of at most {LONGEST} characters.")]
    Long,
    /// One that many have.
    #[error("This password is one of those that are guessed first. Please choose another.")]
    Common,
    /// Made of the address.
    #[error("This password holds your address. Please choose another.")]
    Address,
}

impl Policy {
    /// Looks whether `password` can be that of `email`.
    ///
    /// # Errors
    /// [`Weakness`]: the sentence for whoever chose it.
    pub fn check(&self, password: &str, email: &EmailAddress) -> Result<(), Weakness> {
        if password.chars().count() < self.min_length {
            return Err(Weakness::Short(self.min_length));
        }
        if password.len() > LONGEST {
            return Err(Weakness::Long);
        }
        if is_common(password) {
            return Err(Weakness::Common);
        }
        let lower = password.to_lowercase();
        let (address, local) = (email.as_str(), email.as_str().split('@').next().unwrap_or_default());
        // A short name may be part of any sentence; it must not be nearly all of it.
        let mostly = |part: &str| lower.contains(part) && 2 * part.len() > lower.len();
        if lower.contains(address) || mostly(local) || mostly(email.domain().as_str()) {
            return Err(Weakness::Address);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_long_and_nobodys_first_guess() {
        let check = |password: &str, expected: Result<(), Weakness>| {
            let email = "ada.lovelace@acme.example".parse().unwrap();
            assert_eq!(Policy::default().check(password, &email), expected, "{password}");
        };
        check("wicker basket", Ok(()));
        check("ünïcödé väsé", Ok(()));
        check("            x", Ok(()));
        check("ada likes plums a lot", Ok(()));
        check("elevenchars", Err(Weakness::Short(12)));
        check("üüüüüü", Err(Weakness::Short(12)));
        check("Password1234", Err(Weakness::Common));
        check("ada.lovelace1815", Err(Weakness::Address));
        check("my ada.lovelace@acme.example password", Err(Weakness::Address));
        check(&"long ".repeat(300), Err(Weakness::Long));
    }
}
