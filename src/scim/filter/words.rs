//! Cuts a filter into its words.

use std::iter::Peekable;
use std::str::CharIndices;

/// A word of a filter.
#[derive(Clone, Debug, PartialEq)]
pub enum Word<'t> {
    /// `(`, `)`, `[` or `]`.
    Bracket(char),
    /// A text in quotes, its escapes resolved.
    Text(String),
    /// A name, an operator, a number, `true`.
    Bare(&'t str),
}

/// The words of a filter, one after the other.
pub struct Words<'t> {
    text: &'t str,
    characters: Peekable<CharIndices<'t>>,
    next: Option<Word<'t>>,
}

impl<'t> Words<'t> {
    /// The words of `text`.
    pub fn new(text: &'t str) -> Result<Self, String> {
        let mut words = Words { text, characters: text.char_indices().peekable(), next: None };
        words.advance()?;
        Ok(words)
    }

    /// The next word, which stays.
    pub fn peek(&self) -> Option<&Word<'t>> {
        self.next.as_ref()
    }

    /// Takes the next word.
    pub fn take(&mut self) -> Result<Option<Word<'t>>, String> {
        let taken = self.next.take();
        self.advance()?;
        Ok(taken)
    }

    /// Takes the next word if it is this bracket.
    pub fn take_bracket(&mut self, bracket: char) -> Result<bool, String> {
        let found = self.next == Some(Word::Bracket(bracket));
        if found {
            self.take()?;
        }
        Ok(found)
    }

    /// Takes the next word if it is this one, in any case.
    pub fn take_word(&mut self, word: &str) -> Result<bool, String> {
        let found = matches!(self.next, Some(Word::Bare(bare)) if bare.eq_ignore_ascii_case(word));
        if found {
            self.take()?;
        }
        Ok(found)
    }

    fn advance(&mut self) -> Result<(), String> {
        while self.characters.next_if(|(_, character)| matches!(character, ' ' | '\t')).is_some() {}
        self.next = match self.characters.peek().copied() {
            None => None,
            Some((_, bracket @ ('(' | ')' | '[' | ']'))) => {
                self.characters.next();
                Some(Word::Bracket(bracket))
            }
            Some((start, '"')) => Some(Word::Text(self.quoted(start)?)),
            Some((start, _)) => Some(Word::Bare(self.bare(start)?)),
        };
        Ok(())
    }

    fn bare(&mut self, start: usize) -> Result<&'t str, String> {
        let ends = |character: char| matches!(character, ' ' | '\t' | '(' | ')' | '[' | ']');
        let mut end = start;
        while let Some((at, character)) = self.characters.next_if(|(_, character)| !ends(*character)) {
            if character == '"' || character.is_control() {
                return Err(format!("A word of the filter holds a character that it can't, at byte {at}."));
            }
            end = at + character.len_utf8();
        }
        Ok(&self.text[start..end])
    }

    /// A text in JSON's form (RFC 7644 figure 1: `compValue`).
    fn quoted(&mut self, start: usize) -> Result<String, String> {
        self.characters.next();
        let mut escaped = false;
        for (at, character) in self.characters.by_ref() {
            match character {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => {
                    let read: Result<String, _> = serde_json::from_str(&self.text[start..=at]);
                    let text = read.map_err(|_| format!("The text at byte {start} of the filter is not JSON's."))?;
                    if text.contains('\0') {
                        return Err("The character NUL stands in the filter.".to_owned());
                    }
                    return Ok(text);
                }
                _ => {}
            }
        }
        Err(format!("The text that begins at byte {start} of the filter has no end."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_cut_where_the_grammar_cuts_them() {
        let mut words = Words::new("not(emails[type eq \"a\\\"\\u00e9 )\"].value  PR\t)").unwrap();
        let mut told = Vec::new();
        while let Some(word) = words.take().unwrap() {
            told.push(match word {
                Word::Bracket(bracket) => bracket.to_string(),
                Word::Text(text) => format!("<{text}>"),
                Word::Bare(bare) => bare.to_owned(),
            });
        }
        assert_eq!(told, ["not", "(", "emails", "[", "type", "eq", "<a\"é )>", "]", ".value", "PR", ")"]);
    }

    #[test]
    fn what_is_no_word_is_refused() {
        for wrong in ["\"", "\"a", "\"\\x\"", "\"\\ud800\"", "\"a\nb\"", "\"\\u0000\"", "a\"b\"", "a\nb", "\"\\\""] {
            let all = Words::new(wrong).and_then(|mut words| {
                while words.take()?.is_some() {}
                Ok(())
            });
            assert!(all.is_err(), "{wrong:?}");
        }
    }
}
