//! Reads a TOML file key by key: every mistake is kept with its line, and none hides the next.

use std::cell::RefCell;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use toml::de::{DeTable, DeValue};

/// How alike two keys must be for one to be offered in place of the other: 0 to 1.
const LIKENESS: f64 = 0.7;

/// What is wrong in a file, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// The line, counted from 1; 0 if it concerns the file as a whole.
    pub line: usize,
    /// One sentence.
    pub text: String,
}

impl Mistake {
    /// As compilers write it: `vestibule.toml:12: …`.
    pub fn display(&self, file: &str) -> String {
        match self.line {
            0 => format!("{file}: {}", self.text),
            line => format!("{file}:{line}: {}", self.text),
        }
    }
}

/// A value with the line on which it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed<T> {
    /// The value.
    pub value: T,
    /// Its line, counted from 1; 0 if nobody typed it.
    pub line: usize,
}

/// Collects the mistakes of one file.
pub struct Reader<'s> {
    source: &'s str,
    mistakes: RefCell<Vec<Mistake>>,
    broken: RefCell<Vec<usize>>,
    mistyped: RefCell<Vec<&'static str>>,
}

impl<'s> Reader<'s> {
    /// A reader of this text.
    pub fn new(source: &'s str) -> Self {
        Reader { source, mistakes: RefCell::default(), broken: RefCell::default(), mistyped: RefCell::default() }
    }

    /// Parses the text and hands the file's outermost section to `take`. Gives what `take` gives.
    pub fn file<T>(&self, take: impl FnOnce(Section<'_>) -> T) -> T {
        let (table, errors) = DeTable::parse_recoverable(self.source);
        for error in errors {
            let line = error.span().map_or(0, |span| self.line(span.start));
            self.report(line, format!("this is not TOML: {}", error.message()));
            self.broken.borrow_mut().push(line);
        }
        take(Section { reader: self, table: table.get_ref(), name: String::new(), line: 0, known: RefCell::default() })
    }

    /// Notes a mistake; of a line that is not TOML the first one alone, since the rest follows from it.
    pub fn report(&self, line: usize, text: impl Into<String>) {
        if self.broken.borrow().contains(&line) {
            return;
        }
        self.mistakes.borrow_mut().push(Mistake { line, text: text.into() });
    }

    /// Whether `key` may be there although it could not be read: then its absence is no mistake of its own.
    pub fn may_be_meant(&self, key: &str) -> bool {
        !self.broken.borrow().is_empty() || self.mistyped.borrow().contains(&key)
    }

    /// Every mistake, in the order of the lines.
    pub fn finish(self) -> Vec<Mistake> {
        let mut mistakes = self.mistakes.into_inner();
        mistakes.sort();
        mistakes.dedup();
        mistakes
    }

    fn line(&self, offset: usize) -> usize {
        self.source.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count() + 1
    }
}

/// One table of the file. A key that nobody asked for is a mistake: [`finish`](Self::finish) names it.
pub struct Section<'a> {
    reader: &'a Reader<'a>,
    table: &'a DeTable<'a>,
    name: String,
    line: usize,
    known: RefCell<Vec<&'static str>>,
}

impl<'a> Section<'a> {
    /// The line on which the section starts.
    pub fn line(&self) -> usize {
        self.line
    }

    /// Notes a mistake.
    pub fn report(&self, line: usize, text: impl Into<String>) {
        self.reader.report(line, text);
    }

    /// The line of `key`, if it is there. The key counts as known.
    pub fn place(&self, key: &'static str) -> Option<usize> {
        self.find(key).map(|(line, _)| line)
    }

    fn find(&self, key: &'static str) -> Option<(usize, &'a DeValue<'a>)> {
        self.known.borrow_mut().push(key);
        let (name, value) = self.table.iter().find(|(name, _)| name.get_ref() == key)?;
        Some((self.reader.line(name.span().start), value.get_ref()))
    }

    fn take<T>(
        &self,
        key: &'static str,
        wanted: &str,
        read: impl FnOnce(&'a DeValue<'a>) -> Option<T>,
    ) -> Option<Placed<T>> {
        let (line, value) = self.find(key)?;
        let read = read(value);
        if read.is_none() {
            self.report(line, format!("«{key}» must be {wanted}, not {}", typed(value)));
            self.reader.mistyped.borrow_mut().push(key);
        }
        read.map(|value| Placed { value, line })
    }

    /// A text.
    pub fn text(&self, key: &'static str) -> Option<Placed<String>> {
        self.take(key, "a text in quotes", |value| value.as_str().map(str::to_owned))
    }

    /// `true` or `false`.
    pub fn flag(&self, key: &'static str) -> Option<Placed<bool>> {
        self.take(key, "true or false", DeValue::as_bool)
    }

    /// A whole number from `least` to `most`.
    pub fn number(&self, key: &'static str, least: u64, most: u64) -> Option<Placed<u64>> {
        let wanted = format!("a whole number from {least} to {most}");
        self.take(key, &wanted, |value| {
            let integer = value.as_integer()?;
            let number = u64::from_str_radix(integer.as_str(), integer.radix()).ok()?;
            (least..=most).contains(&number).then_some(number)
        })
    }

    /// A text that is read into something; `wanted` says what it must be.
    pub fn parsed<T: FromStr>(&self, key: &'static str, wanted: &str) -> Option<Placed<T>> {
        self.take(key, wanted, |value| value.as_str()?.parse().ok())
    }

    /// A span of time such as `"8h"`.
    pub fn duration(&self, key: &'static str) -> Option<Placed<Duration>> {
        let wanted = "a whole number with s, m, h or d, such as \"30m\" or \"8h\"";
        self.take(key, wanted, |value| parse_duration(value.as_str()?))
    }

    /// A list of texts, each read into something; each wrong one is named.
    pub fn list<T: FromStr>(&self, key: &'static str, wanted: &str) -> Option<Placed<Vec<Placed<T>>>> {
        let list = self.take(key, "a list in brackets", DeValue::as_array)?;
        let mut read = Vec::new();
        for item in list.value {
            let line = self.reader.line(item.span().start);
            match item.get_ref().as_str().and_then(|text| text.parse().ok()) {
                Some(value) => read.push(Placed { value, line }),
                None => self.report(line, format!("«{key}» must hold {wanted}, not {}", typed(item.get_ref()))),
            }
        }
        Some(Placed { value: read, line: list.line })
    }

    /// A table in this one, such as `[listen]`.
    pub fn section(&self, key: &'static str) -> Option<Section<'a>> {
        let table = self.take(key, &format!("a table: write [{key}]"), DeValue::as_table)?;
        Some(self.inner(table.value, format!("[{key}]"), table.line))
    }

    /// A table whose keys are of the writer's choice, each with a text.
    pub fn texts(&self, key: &'static str) -> Vec<(String, Placed<String>)> {
        let Some(table) = self.take(key, "a table of texts", DeValue::as_table) else {
            return Vec::new();
        };
        let mut read = Vec::new();
        for (name, value) in table.value {
            let line = self.reader.line(name.span().start);
            let (name, value) = (name.get_ref(), value.get_ref());
            match value.as_str() {
                Some(text) => read.push((name.to_string(), Placed { value: text.to_owned(), line })),
                None => self.report(line, format!("«{name}» must be a text in quotes, not {}", typed(value))),
            }
        }
        read
    }

    /// Either a text, or a table: for keys such as `access`.
    pub fn text_or_section(&self, key: &'static str, wanted: &str) -> Option<Result<Placed<String>, Section<'a>>> {
        let found = self.take(key, wanted, |value| match value {
            DeValue::String(text) => Some(Ok(text.to_string())),
            DeValue::Table(table) => Some(Err(table)),
            _ => None,
        })?;
        Some(match found.value {
            Ok(value) => Ok(Placed { value, line: found.line }),
            Err(table) => Err(self.inner(table, format!("«{key}»"), found.line)),
        })
    }

    /// The tables of a list such as `[[upstream]]`.
    pub fn sections(&self, key: &'static str) -> Vec<Section<'a>> {
        let wanted = format!("a list of tables: write [[{key}]]");
        let Some(list) = self.take(key, &wanted, DeValue::as_array) else {
            return Vec::new();
        };
        let mut read = Vec::new();
        for item in list.value {
            let line = self.reader.line(item.span().start);
            match item.get_ref().as_table() {
                Some(table) => read.push(self.inner(table, format!("[[{key}]]"), line)),
                None => self.report(line, format!("«{key}» must be {wanted}, not {}", typed(item.get_ref()))),
            }
        }
        read
    }

    fn inner(&self, table: &'a DeTable<'a>, name: String, line: usize) -> Section<'a> {
        Section { reader: self.reader, table, name, line, known: RefCell::default() }
    }

    /// Ends the section: every key that nobody asked for is a mistake, told with the nearest known one.
    pub fn finish(self) {
        let known = self.known.borrow();
        for key in self.table.keys().filter(|key| !known.contains(&&**key.get_ref())) {
            let place = if self.name.is_empty() { String::new() } else { format!(" in {}", self.name) };
            let advice = match nearest(key.get_ref(), &known) {
                Some(near) => {
                    self.reader.mistyped.borrow_mut().push(near);
                    format!("did you mean «{near}»?")
                }
                None => format!("known here: {}", known.join(", ")),
            };
            let line = self.reader.line(key.span().start);
            self.report(line, format!("unknown key «{}»{place}: {advice}", key.get_ref()));
        }
    }
}

/// Of `known`, the one most like `typed`, if it is like enough.
pub fn nearest<'k>(typed: &str, known: &[&'k str]) -> Option<&'k str> {
    let alike = known.iter().map(|known| (strsim::jaro_winkler(typed, known), *known));
    let best = alike.max_by(|one, two| one.0.total_cmp(&two.0))?;
    (best.0 >= LIKENESS).then_some(best.1)
}

/// A whole number with its unit: `s`, `m`, `h` or `d`.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let unit = text.chars().last()?;
    let factor = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 24 * 3600,
        _ => return None,
    };
    let number: u64 = text[..text.len() - 1].parse().ok()?;
    number.checked_mul(factor).map(Duration::from_secs)
}

/// How a person calls what was typed.
fn typed(value: &DeValue<'_>) -> impl fmt::Display + use<> {
    match value {
        DeValue::String(text) => format!("\"{text}\""),
        DeValue::Integer(number) => number.as_str().to_owned(),
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(date) => date.to_string(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}
