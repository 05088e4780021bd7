//! The short name of one request, the same on its page, in the log, and in the sign-in log.

use std::fmt;
use std::sync::Arc;

use super::rng::Rng;

/// Letters and digits: none that are mistaken for another when read aloud.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A reference that people can read out: eight characters, 40 random bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference(Arc<str>);

impl Reference {
    /// A fresh one.
    pub fn random(rng: &dyn Rng) -> Self {
        let mut text: String =
            rng.bytes::<8>().iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect();
        text.insert(4, '-');
        Reference(text.into())
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::SeededRng;

    #[test]
    fn a_reference_can_be_read_out() {
        let [one, two] = [1, 2].map(|seed| Reference::random(&SeededRng::new(seed)));
        assert_eq!(one.as_str().len(), 9);
        assert_ne!(one, two);
        assert!(one.as_str().bytes().all(|byte| byte == b'-' || ALPHABET.contains(&byte)), "{one}");
    }
}
