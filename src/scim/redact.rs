//! What of a request may be written down: its shape, and the words that say what it does, but no value of anybody (S11).

use std::fmt::Write as _;

use serde_json::Value;

/// How many elements of a list are written out.
const SHOWN: usize = 3;
/// The longest text, in bytes.
const LIMIT: usize = 1_500;
/// Names whose values are words of the protocol.
const TELLING: [&str; 10] =
    ["op", "path", "method", "schemas", "bulkId", "count", "startIndex", "failOnErrors", "sortBy", "attributes"];

/// Parameters of a query whose values are words of the protocol.
const TELLING_PARAMETERS: [&str; 6] =
    ["count", "startIndex", "sortBy", "sortOrder", "attributes", "excludedAttributes"];
/// What is told though it is compared with: it says nothing of anybody.
const WORDS: [&str; 13] =
    ["work", "home", "other", "mobile", "fax", "pager", "main", "direct", "User", "Group", "true", "false", "null"];
/// What stands before the value that a filter compares with.
const OPERATORS: [&str; 9] = ["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"];
/// The longest word that is told of a filter outside of quotes, in bytes: a URN with its attribute.
const NAME_LIMIT: usize = 100;

/// A body with its values struck out; empty for none, a sentence for what is no JSON.
pub fn body(body: &[u8]) -> String {
    if body.is_empty() {
        return String::new();
    }
    match super::json::read(body) {
        Ok(read) => {
            let mut text = String::new();
            write(&mut text, &read, false);
            bounded(text)
        }
        Err(_) => format!("{} bytes that are not acceptable JSON", body.len()),
    }
}

/// A path with its query without anybody's values and ids that are none of ours, and without whatever could start another
/// line.
pub fn target(path: &str, query: Option<&str>) -> String {
    let pairs = query.unwrap_or_default().split('&').map(|pair| {
        let pair = pair.replace('+', " ");
        let pair = percent_encoding::percent_decode_str(&pair).decode_utf8_lossy().into_owned();
        match pair.split_once('=') {
            Some((name, value)) if is_one_of(&TELLING_PARAMETERS, name) => format!("{name}={}", without_values(value)),
            Some((name, value)) if name.eq_ignore_ascii_case("filter") => format!("{name}={}", of_filter(value)),
            Some((name, value)) if !value.is_empty() => format!("{}=…", without_values(name)),
            _ => without_values(&pair),
        }
    });
    let query = pairs.collect::<Vec<String>>().join("&");
    let path = without_ids(path);
    let whole = if query.is_empty() { path } else { format!("{path}?{query}") };
    bounded(whole.chars().map(|character| if character.is_control() { ' ' } else { character }).collect())
}

/// A refusal's sentence, which may repeat a path that was sent.
pub fn sentence(detail: &str) -> String {
    bounded(without_values(detail))
}

fn bounded(mut text: String) -> String {
    if text.len() > LIMIT {
        text.truncate(text.floor_char_boundary(LIMIT));
        text.push('…');
    }
    text
}

/// Recursion ends: the body was read with a bounded depth. Writing ends when there is enough.
fn write(text: &mut String, value: &Value, telling: bool) {
    if text.len() > LIMIT {
        return;
    }
    let _ = match value {
        Value::Null | Value::Bool(_) => write!(text, "{value}"),
        Value::Number(_) if telling => write!(text, "{value}"),
        Value::String(word) if telling => write!(text, "{}", Value::String(without_values(word))),
        // Entra writes booleans as text, and whether somebody is active is what one looks for.
        Value::String(word) if super::coerce::truth_of(word).is_some() => write!(text, "{value}"),
        Value::Number(_) | Value::String(_) => write!(text, "…"),
        Value::Array(list) => {
            text.push('[');
            for (at, element) in list.iter().take(SHOWN).enumerate() {
                text.push_str(if at > 0 { "," } else { "" });
                write(text, element, telling);
            }
            let more = list.len().saturating_sub(SHOWN);
            if more > 0 { write!(text, ", {more} more]") } else { write!(text, "]") }
        }
        Value::Object(entries) => {
            text.push('{');
            for (at, (name, value)) in entries.iter().enumerate() {
                text.push_str(if at > 0 { "," } else { "" });
                let _ = write!(text, "{}:", Value::String(without_values(name)));
                write(text, value, TELLING.iter().any(|telling| telling.eq_ignore_ascii_case(name)));
            }
            write!(text, "}}")
        }
    };
}

fn is_one_of(words: &[&str], word: &str) -> bool {
    words.iter().any(|known| known.eq_ignore_ascii_case(word))
}

/// Strikes out what stands in quotes or is compared with, but for [`WORDS`] as in `[type eq "work"]`, and ids in paths.
fn without_values(text: &str) -> String {
    let mut out = String::new();
    for (at, piece) in text.split('"').enumerate() {
        out.push_str(if at > 0 { "\"" } else { "" });
        if at % 2 == 0 {
            out.push_str(&without_operands(&without_ids(piece)));
        } else {
            out.push_str(if is_one_of(&WORDS, piece) { piece } else { "…" });
        }
    }
    out
}

/// The words of a text, and what stands between them.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let ends = |character: char| character.is_whitespace() || "()[],`".contains(character);
    text.split_inclusive(ends).flat_map(move |piece| {
        let word = piece.trim_end_matches(ends);
        [word, &piece[word.len()..]]
    })
}

/// Strikes out the word behind an operator.
fn without_operands(text: &str) -> String {
    let (mut out, mut compared) = (String::new(), false);
    for word in words(text).filter(|word| !word.is_empty()) {
        let between = words(word).next() == Some("");
        out.push_str(if compared && !between && !is_one_of(&WORDS, word) { "…" } else { word });
        compared = is_one_of(&OPERATORS, word) || compared && between;
    }
    out
}

/// A filter may be one that is refused: of what stands outside of quotes, only what could be its own words is told.
fn of_filter(filter: &str) -> String {
    let plain = |word: &str| word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".:-_$\"".contains(&byte));
    let told = without_values(filter);
    words(&told)
        .map(|word| {
            let between = words(word).next() == Some("");
            if between || word.contains('"') || word == "…" || plain(word) && word.len() <= NAME_LIMIT {
                word
            } else {
                "…"
            }
        })
        .collect()
}

/// Strikes out what stands behind `/Users/` and `/Groups/` and is no id of ours.
fn without_ids(text: &str) -> String {
    let mut out = String::new();
    let mut after_kind = false;
    let ends = |character: char| character.is_whitespace() || "/?`\"".contains(character);
    for piece in text.split_inclusive(ends) {
        let segment = piece.trim_end_matches(ends);
        let ours =
            segment.is_empty() || uuid::Uuid::try_parse(segment).is_ok() || segment.eq_ignore_ascii_case(".search");
        out.push_str(if after_kind && !ours || segment.contains(['@', '%']) { "…" } else { segment });
        out.push_str(&piece[segment.len()..]);
        after_kind = piece.ends_with('/') && is_one_of(&["Users", "Groups"], segment);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s11_a_body_is_told_without_anybodys_values() {
        let check = |sent: &str, expected: &str| assert_eq!(body(sent.as_bytes()), expected);
        check("", "");
        check("{", "1 bytes that are not acceptable JSON");
        check(
            r#"{"userName":"ada@acme.example","password":"hunter2","active":"True","n":7,"emails":[{"value":"x"}]}"#,
            r#"{"active":"True","emails":[{"value":…}],"n":…,"password":…,"userName":…}"#,
        );
        check(
            r#"{"Operations":[{"op":"Remove","path":"members[value eq \"2819c223-7f76\"]","value":null}]}"#,
            r#"{"Operations":[{"op":"Remove","path":"members[value eq \"…\"]","value":null}]}"#,
        );
        check(
            r#"{"Operations":[{"op":"add","value":{"emails[type eq \"work\"].value":"a@b"}}]}"#,
            r#"{"Operations":[{"op":"add","value":{"emails[type eq \"work\"].value":…}}]}"#,
        );
        check(r#"{"members":[1,2,3,4,5]}"#, r#"{"members":[…,…,…, 2 more]}"#);
        let long = format!("{{\"{}\":1}}", "a".repeat(9000));
        assert!(body(long.as_bytes()).len() < LIMIT + 8);
    }

    #[test]
    fn s11_s38_a_query_is_told_in_one_line_without_its_values() {
        let told = target("/scim/v2/Users", Some("filter=userName+eq+%22ada%40acme.example%22&count=1%0d%0aX"));
        assert_eq!(told, "/scim/v2/Users?filter=userName eq \"…\"&count=1  X");
        assert_eq!(target("/scim/v2/Users", None), "/scim/v2/Users");
        let told =
            target("/x", Some("filter=emails[type eq \"work\"].value eq \"a@b.example\" and \"unclosed@b.example"));
        assert_eq!(told, "/x?filter=emails[type eq \"work\"].value eq \"…\" and \"…");
    }

    #[test]
    fn s11_short_names_bare_operands_and_foreign_ids_are_struck_out() {
        let filter = |sent: &str| target("/x", Some(&format!("filter={sent}")));
        for (sent, expected) in [
            ("name.familyName eq \"Turing\"", "name.familyName eq \"…\""),
            ("emails[type eq \"Home\" and primary eq true]", "emails[type eq \"Home\" and primary eq true]"),
            ("userName eq ada", "userName eq …"),
            ("(userName  EQ  ada) and x pr", "(userName  EQ  …) and x pr"),
            ("employeeNumber gt 4711", "employeeNumber gt …"),
            ("ada@acme.example", "…"),
        ] {
            assert_eq!(filter(sent), format!("/x?filter={expected}"));
        }
        let id = "2819c223-7f76-453a-919d-413861904646";
        assert_eq!(target(&format!("/scim/v2/Users/{id}"), None), format!("/scim/v2/Users/{id}"));
        assert_eq!(target("/scim/v2/Users/.search", None), "/scim/v2/Users/.search");
        assert_eq!(target("/scim/v2/users/ada", Some("")), "/scim/v2/users/…");
        assert_eq!(
            target("/scim/v2/Groups/Ops/x", Some("attributes=id&who=ada")),
            "/scim/v2/Groups/…/x?attributes=id&who=…"
        );
        assert_eq!(target("/scim/v2/ada%40acme.example", None), "/scim/v2/…");
        assert_eq!(
            body(br#"{"Operations":[{"method":"PUT","path":"/Users/ada"},{"path":"members[value eq ada]"}]}"#),
            r#"{"Operations":[{"method":"PUT","path":"/Users/…"},{"path":"members[value eq …]"}]}"#
        );
        assert_eq!(sentence("`/Users/ada` is no path for PUT."), "`/Users/…` is no path for PUT.");
    }
}
