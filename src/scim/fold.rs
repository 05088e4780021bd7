//! The form of a text in which letter case and the ways to compose a character make no difference (S18).

use unicode_normalization::UnicodeNormalization as _;

/// Folds: NFC, then lower case character by character, `ß` as `ss` and the last sigma as any other.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let lower = text.nfc().flat_map(char::to_lowercase);
    let mut folded = String::with_capacity(text.len());
    for character in lower {
        match character {
            'ß' => folded.push_str("ss"),
            'ς' => folded.push('σ'),
            other => folded.push(other),
        }
    }
    folded.nfc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s18_case_and_composition_make_no_difference() {
        for (one, other) in
            [("Ada@Acme.Example", "ada@acme.example"), ("É", "e\u{301}"), ("STRASSE", "straße"), ("ΟΔΟΣ", "οδος")]
        {
            assert_eq!(fold(one), fold(other), "{one} {other}");
        }
        assert_ne!(fold("a"), fold("ä"));
        assert_ne!(fold("i"), fold("ı"));
    }
}
