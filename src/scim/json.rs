//! Reads JSON strictly: what two readers could understand differently is refused before anything is done with it (S38).

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::error::ScimError;

/// How deep objects and lists may stand in each other (S36).
pub const DEPTH_LIMIT: usize = 64;

/// Reads a body. Refused (400 `invalidSyntax`): what is not JSON or not UTF-8, a key that stands twice in an object, NUL,
/// half of a surrogate pair, more than [`DEPTH_LIMIT`] levels, and anything behind the end.
pub fn read(body: &[u8]) -> Result<Value, ScimError> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(ScimError::syntax("The body is empty; a JSON object is wanted."));
    }
    let text = std::str::from_utf8(body).map_err(|_| ScimError::syntax("The body is not UTF-8."))?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let read = Strict { left: DEPTH_LIMIT }.deserialize(&mut deserializer);
    read.and_then(|value| deserializer.end().map(|()| value))
        .map_err(|error| ScimError::syntax(format!("The body is not acceptable JSON: {error}.")))
}

/// Reads a body that must be an object.
pub fn read_object(body: &[u8]) -> Result<Map<String, Value>, ScimError> {
    match read(body)? {
        Value::Object(object) => Ok(object),
        _ => Err(ScimError::syntax("The body must be a JSON object.")),
    }
}

/// Takes the entry of that name, in any case. Two spellings of one name are refused.
pub fn take(object: &mut Map<String, Value>, name: &str) -> Result<Option<Value>, ScimError> {
    let mut spelled = object.keys().filter(|key| key.eq_ignore_ascii_case(name));
    let Some(first) = spelled.next().cloned() else { return Ok(None) };
    if spelled.next().is_some() {
        return Err(ScimError::syntax(format!("`{name}` stands twice.")));
    }
    Ok(object.remove(&first).filter(|value| !value.is_null()))
}

/// A value, within what is left of the depth.
struct Strict {
    left: usize,
}

impl Strict {
    fn deeper<E: serde::de::Error>(&self) -> Result<Strict, E> {
        let left = self.left.checked_sub(1).ok_or_else(|| E::custom(format!("deeper than {DEPTH_LIMIT} levels")))?;
        Ok(Strict { left })
    }
}

fn without_nul<E: serde::de::Error>(text: String) -> Result<String, E> {
    if text.contains('\0') { Err(E::custom("the character NUL stands in it")) } else { Ok(text) }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }
    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }
    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number is out of range"))
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Value, E> {
        without_nul(text.to_owned()).map(Value::String)
    }
    fn visit_string<E: serde::de::Error>(self, text: String) -> Result<Value, E> {
        without_nul(text).map(Value::String)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(self.deeper()?)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let key = without_nul(key)?;
            let value = entries.next_value_seed(self.deeper()?)?;
            if object.insert(key, value).is_some() {
                return Err(A::Error::custom("a key stands twice in an object"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn s38_what_could_be_read_in_two_ways_is_refused() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        for wrong in [
            "",
            "  \n",
            "{",
            "{} {}",
            r#"{"a":1,"a":2}"#,
            r#"{"a":{"b":1,"b":1}}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#""\u0000""#,
            r#"{"a\u0000":1}"#,
            r#""\ud800""#,
            r#""\udc00\ud800""#,
            "\"a\u{1}\"",
            "1e999",
            "NaN",
            "\u{feff}{}",
            &nested(65),
            &nested(100_000),
        ] {
            let error = read(wrong.as_bytes()).expect_err(wrong);
            assert_eq!((error.status(), error.to_json()["scimType"].as_str()), (400, Some("invalidSyntax")), "{wrong}");
        }
        assert!(read(b"\"\xff\"").is_err());
        assert!(read(b"\"\xed\xa0\x80\"").is_err());
        assert!(read(nested(64).as_bytes()).is_ok());
    }

    #[test]
    fn the_rest_is_read_as_serde_reads_it() {
        for text in [r#"{"a":[1,-2,3.5,null,true,"\ud83d\ude00\n"],"A":{}}"#, "18446744073709551615", "[]", "\"é\""] {
            assert_eq!(read(text.as_bytes()).unwrap(), serde_json::from_str::<Value>(text).unwrap());
        }
        assert!(read_object(b"[]").is_err());
    }

    #[test]
    fn s17_an_entry_is_found_in_any_case() {
        let mut object = read_object(br#"{"operations":[1],"a":1,"A":2,"n":null}"#).unwrap();
        assert_eq!(take(&mut object, "Operations").unwrap(), Some(json!([1])));
        assert_eq!(take(&mut object, "n").unwrap(), None);
        assert!(take(&mut object, "a").is_err());
    }
}
