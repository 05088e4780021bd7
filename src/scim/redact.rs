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

/// A path with its query, texts in quotes struck out, and whatever could start another line.
pub fn target(path: &str, query: Option<&str>) -> String {
    let query = query.map(|query| {
        let query = query.replace('+', " ");
        percent_encoding::percent_decode_str(&query).decode_utf8_lossy().into_owned()
    });
    let whole = match query {
        Some(query) if !query.is_empty() => format!("{path}?{}", without_quoted(&query)),
        _ => path.to_owned(),
    };
    bounded(whole.chars().map(|character| if character.is_control() { ' ' } else { character }).collect())
}

/// A refusal's sentence, which may repeat a path that was sent.
pub fn sentence(detail: &str) -> String {
    bounded(without_quoted(detail))
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
        Value::String(word) if telling => write!(text, "{}", Value::String(without_quoted(word))),
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
                let _ = write!(text, "{}:", Value::String(without_quoted(name)));
                write(text, value, TELLING.iter().any(|telling| telling.eq_ignore_ascii_case(name)));
            }
            write!(text, "}}")
        }
    };
}

/// Strikes out what stands in quotes, but for short plain words as in `[type eq "work"]`.
fn without_quoted(text: &str) -> String {
    let mut out = String::new();
    for (at, piece) in text.split('"').enumerate() {
        let quoted = at % 2 == 1;
        let plain = piece.len() <= 8 && piece.bytes().all(|byte| byte.is_ascii_alphabetic());
        out.push_str(if at > 0 { "\"" } else { "" });
        out.push_str(if quoted && !plain { "…" } else { piece });
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
}
