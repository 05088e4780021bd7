//! Reads Rust source just well enough to hold the house's rules against it: code without comments, functions, arrows.

/// The same text with comments blanked and the insides of strings and characters replaced by `_`; line breaks stay.
pub fn code_only(source: &str) -> String {
    let characters: Vec<char> = source.chars().collect();
    let mut out = String::with_capacity(source.len());
    let mut at = 0;
    while at < characters.len() {
        let length = comment(&characters[at..]);
        if length > 0 {
            characters[at..at + length].iter().for_each(|&character| out.push(blank(character, ' ')));
            at += length;
            continue;
        }
        let length = literal(&characters, at);
        if length > 0 {
            characters[at..at + length].iter().for_each(|&character| out.push(blank(character, '_')));
            at += length;
            continue;
        }
        out.push(characters[at]);
        at += 1;
    }
    out
}

fn blank(character: char, with: char) -> char {
    if character == '\n' { '\n' } else { with }
}

fn comment(rest: &[char]) -> usize {
    match rest {
        ['/', '/', ..] => rest.iter().position(|&character| character == '\n').unwrap_or(rest.len()),
        ['/', '*', ..] => {
            let (mut depth, mut at) = (0, 0);
            while at < rest.len() {
                match &rest[at..] {
                    ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
                    ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
                    _ => at += 1,
                }
                if depth == 0 {
                    break;
                }
            }
            at
        }
        _ => 0,
    }
}

/// How many characters the string or character literal at `at` takes; 0 if there is none.
fn literal(characters: &[char], at: usize) -> usize {
    let rest = &characters[at..];
    let in_word = at > 0 && (characters[at - 1].is_alphanumeric() || characters[at - 1] == '_');
    if in_word && rest[0] != '"' {
        return 0;
    }
    match rest {
        ['"', ..] => quoted(rest, 1),
        ['b' | 'c', '"', ..] => quoted(rest, 2),
        ['r', '"' | '#', ..] => raw(rest, 1),
        ['b' | 'c', 'r', '"' | '#', ..] => raw(rest, 2),
        ['\'', '\\', ..] => 3 + rest[3..].iter().position(|&character| character == '\'').map_or(0, |end| end + 1),
        ['\'', _, '\'', ..] => 3,
        _ => 0,
    }
}

fn quoted(rest: &[char], mut at: usize) -> usize {
    while at < rest.len() && rest[at] != '"' {
        at += if rest[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(rest.len())
}

fn raw(rest: &[char], opening: usize) -> usize {
    let hashes = rest[opening..].iter().take_while(|&&character| character == '#').count();
    let start = opening + hashes + 1;
    if rest.get(start - 1) != Some(&'"') {
        return 0; // a raw identifier
    }
    (start..rest.len())
        .find(|&at| rest[at] == '"' && rest[at + 1..].iter().take(hashes).filter(|&&c| c == '#').count() == hashes)
        .map_or(rest.len(), |end| end + 1 + hashes)
}

/// A function's name, the line it starts on, and how many lines of code it takes.
#[derive(Debug, PartialEq, Eq)]
pub struct Function {
    pub name: String,
    pub line: usize,
    pub code_lines: usize,
}

/// Every function with a body in `code` (see [`code_only`]).
pub fn functions(code: &str) -> Vec<Function> {
    let mut found = Vec::new();
    for (start, _) in code.match_indices("fn ") {
        if code[..start].ends_with(|before: char| before.is_alphanumeric() || before == '_') {
            continue;
        }
        let name: String = code[start + 3..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        if let Some(end) = body_end(&code[start..]).filter(|_| !name.is_empty()) {
            let code_lines = code[start..start + end].lines().filter(|line| !line.trim().is_empty()).count();
            found.push(Function { name, line: code[..start].matches('\n').count() + 1, code_lines });
        }
    }
    found
}

/// Where the body that starts after the signature ends; none for a declaration without a body.
fn body_end(from_signature: &str) -> Option<usize> {
    let (mut brackets, mut braces) = (0_i32, 0_i32);
    for (at, character) in from_signature.char_indices() {
        match character {
            '(' | '[' => brackets += 1,
            ')' | ']' => brackets -= 1,
            ';' if brackets == 0 && braces == 0 => return None,
            '{' => braces += 1,
            '}' => {
                braces -= 1;
                if braces == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

/// The rooms that `code` names, as `(line, room)`: what follows `crate::`, groups included.
pub fn rooms_named(code: &str, crate_name: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let prefix = format!("{crate_name}::");
    for (start, _) in code.match_indices(&prefix) {
        if code[..start].ends_with(|before: char| before.is_alphanumeric() || before == '_' || before == ':') {
            continue;
        }
        let line = code[..start].matches('\n').count() + 1;
        let rest = &code[start + prefix.len()..];
        if let Some(group) = rest.strip_prefix('{') {
            found.extend(first_names(group).into_iter().map(|name| (line, name)));
        } else {
            found.push((line, word(rest)));
        }
    }
    found
}

/// The first word of each entry of a `{…}` group, whose opening brace is already gone.
fn first_names(group: &str) -> Vec<String> {
    let (mut names, mut depth, mut entry) = (Vec::new(), 0, true);
    for (at, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => entry = true,
            _ if entry && depth == 0 && !character.is_whitespace() => {
                names.push(word(&group[at..]));
                entry = false;
            }
            _ => {}
        }
    }
    names
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

#[test]
fn comments_and_literals_are_not_code() {
    for (source, expected) in [
        ("let a = 1; // crate::saml", "let a = 1;               "),
        ("a /* b /* c */ d */ e", "a                   e"),
        (r#"f("a // b", 'x', b"\"}")"#, "f(________, ___, ______)"),
        ("r#\"a\"b\"# + r#type", "________ + r#type"),
        ("fn f<'a>(x: &'a str) -> char { '\\'' }", "fn f<'a>(x: &'a str) -> char { ____ }"),
    ] {
        let got = code_only(source);
        assert_eq!(got.trim_end().replace(' ', ""), expected.trim_end().replace(' ', ""), "{source}");
        assert_eq!(got.chars().count(), source.chars().count(), "{source}");
    }
}

#[test]
fn functions_are_measured_in_lines_of_code() {
    let code = code_only("trait T { fn none(x: [u8; 2]); }\n\nfn two(\n) {\n\n    // a comment\n}\nlet f: fn(u8);\n");
    assert_eq!(functions(&code), [Function { name: "two".to_owned(), line: 3, code_lines: 3 }]);
}

#[test]
fn arrows_are_seen_in_paths_and_in_groups() {
    let code =
        code_only("use crate::{kernel::{Clock, Rng}, store::Tx};\nfn f() { crate::saml::g(); my_crate::x(); }\n");
    let expected = [(1, "kernel"), (1, "store"), (2, "saml")].map(|(line, room)| (line, room.to_owned()));
    assert_eq!(rooms_named(&code, "crate"), expected);
}
