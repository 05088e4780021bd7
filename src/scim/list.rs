//! What a client asks of a list, in a query or in a SearchRequest, and the envelope of what it gets (S21, RFC 9865).

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use super::error::{ScimError, ScimType};
use super::json;

/// The resources of a page when none are counted.
pub const DEFAULT_COUNT: usize = 100;
/// The most resources of a page.
pub const MAX_COUNT: usize = 1_000;
/// The URN of a list (RFC 7644 §3.4.2).
pub const LIST_URN: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

/// A list that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListRequest {
    /// The filter, not yet read.
    pub filter: Option<String>,
    /// What to sort by.
    pub sort_by: Option<String>,
    /// In which order.
    pub sort_order: Option<String>,
    /// Where the page begins.
    pub page: Page,
    /// How many resources it has at most: at least 0, at most [`MAX_COUNT`].
    pub count: usize,
    /// The attributes that are asked for, separated by commas.
    pub attributes: Option<String>,
    /// Those that are not wanted.
    pub excluded_attributes: Option<String>,
}

/// Where a page begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Page {
    /// At the resource of that number; the first is 1.
    Index(usize),
    /// Where the cursor says; none is the beginning (RFC 9865 §2).
    Cursor(Option<String>),
}

/// The parameters that are read; all others are let be.
const NAMES: [&str; 8] =
    ["filter", "sortBy", "sortOrder", "startIndex", "count", "cursor", "attributes", "excludedAttributes"];

impl ListRequest {
    /// Reads the query of a GET, without its `?`. Names are taken in any case; empty pairs are harmless (S12, S30).
    /// Refused with 400: a parameter that stands twice, that is not UTF-8 or holds control characters, or is a number
    /// and is none.
    pub fn from_query(query: &str) -> Result<Self, ScimError> {
        let mut found = Map::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let Ok(name) = decoded(name) else { continue };
            let Some(name) = NAMES.into_iter().find(|known| known.eq_ignore_ascii_case(&name)) else { continue };
            let value = decoded(value).map_err(|()| ScimError::value(format!("`{name}` is not UTF-8.")))?;
            if found.insert(name.to_owned(), Value::String(value)).is_some() {
                return Err(ScimError::value(format!("`{name}` stands twice.")));
            }
        }
        Self::from_found(&found)
    }

    /// Reads the body of a POST to `/.search` (RFC 7644 §3.4.3). Numbers may be texts.
    pub fn from_search(body: &[u8]) -> Result<Self, ScimError> {
        let mut body = json::read_object(body)?;
        let mut found = Map::new();
        for name in NAMES {
            if name == "cursor" && body.iter().any(|(key, value)| key.eq_ignore_ascii_case(name) && value.is_null()) {
                found.insert(name.to_owned(), Value::String(String::new()));
            }
            if let Some(value) = json::take(&mut body, name)? {
                found.insert(name.to_owned(), value);
            }
        }
        Self::from_found(&found)
    }

    fn from_found(found: &Map<String, Value>) -> Result<Self, ScimError> {
        let wish = |name: &str| text(name, found.get(name));
        let filled = |name: &str| wish(name).map(|text| text.filter(|text| !text.trim().is_empty()));
        let cursor = wish("cursor")?;
        let wrong = |name: &str, cursor: bool| {
            let scim_type = if cursor { ScimType::InvalidCount } else { ScimType::InvalidValue };
            ScimError::new(scim_type, format!("`{name}` must be a whole number."))
        };
        let count = match number(found.get("count")) {
            Ok(count) => count.map_or(DEFAULT_COUNT, |count| count.min(MAX_COUNT)),
            Err(()) => return Err(wrong("count", cursor.is_some())),
        };
        let start = number(found.get("startIndex")).map_err(|()| wrong("startIndex", false))?;
        let page = match (cursor, start) {
            (Some(_), Some(_)) => {
                return Err(ScimError::new(ScimType::InvalidCursor, "A list goes by `cursor` or by `startIndex`."));
            }
            (Some(cursor), None) => Page::Cursor(Some(cursor).filter(|cursor| !cursor.is_empty())),
            (None, start) => Page::Index(start.unwrap_or(1).max(1)),
        };
        Ok(ListRequest {
            // An empty filter is a bad one, not none: it never means everybody (S22).
            filter: wish("filter")?,
            sort_by: filled("sortBy")?,
            sort_order: filled("sortOrder")?,
            page,
            count,
            attributes: filled("attributes")?,
            excluded_attributes: filled("excludedAttributes")?,
        })
    }
}

/// A text, or a list of texts joined by commas.
fn text(name: &str, value: Option<&Value>) -> Result<Option<String>, ScimError> {
    let list = name.ends_with("ttributes");
    let text = match value {
        None => return Ok(None),
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Array(names)) if list => {
            let names: Option<Vec<&str>> = names.iter().map(Value::as_str).collect();
            names.map(|names| names.join(","))
        }
        Some(_) => None,
    };
    match text {
        Some(text) if !text.contains(char::is_control) => Ok(Some(text)),
        _ => Err(ScimError::value(format!("`{name}` must be one line of text."))),
    }
}

/// A whole number of any size; below zero is zero.
fn number(value: Option<&Value>) -> Result<Option<usize>, ()> {
    let text = match value {
        None => return Ok(None),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(_) => return Err(()),
    };
    let (below_zero, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(&text)),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(());
    }
    Ok(Some(if below_zero { 0 } else { digits.parse().unwrap_or(usize::MAX) }))
}

fn decoded(text: &str) -> Result<String, ()> {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().map(std::borrow::Cow::into_owned).map_err(|_| ())
}

/// How the page of a [`list_response`] says where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Position {
    /// Its first resource has this number, as it was asked for.
    Index(usize),
    /// The cursor of the next page; none behind the last.
    Cursor(Option<String>),
}

/// The envelope of a page. `total` counts all that the filter finds, whatever the page (S21).
pub fn list_response(total: usize, position: Position, resources: Vec<Value>) -> Value {
    let mut list = json!({ "schemas": [LIST_URN], "totalResults": total, "itemsPerPage": resources.len() });
    match position {
        Position::Index(start) => list["startIndex"] = start.into(),
        Position::Cursor(Some(next)) => list["nextCursor"] = next.into(),
        Position::Cursor(None) => {}
    }
    list["Resources"] = Value::Array(resources);
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(query: &str) -> ListRequest {
        ListRequest::from_query(query).unwrap_or_else(|error| panic!("{query}: {error}"))
    }

    #[test]
    fn s21_numbers_are_held_to_their_bounds() {
        for (text, start, count) in [
            ("", 1, 100),
            ("&", 1, 100),
            ("startIndex=0&count=0", 1, 0),
            ("startIndex=-5&count=-1", 1, 0),
            ("startIndex=101&count=100", 101, 100),
            ("STARTINDEX=7&Count=1001", 7, 1000),
            ("count=99999999999999999999999", 1, 1000),
            ("startIndex=%2b3&count=%205%20", 3, 5),
        ] {
            let read = query(text);
            assert_eq!((read.page, read.count), (Page::Index(start), count), "{text}");
        }
        for wrong in ["count=x", "startIndex=1.5", "count=", "count=1&count=2", "count=1&COUNT=1", "filter=%ff"] {
            let error = ListRequest::from_query(wrong).expect_err(wrong);
            assert_eq!(error.to_json()["scimType"], "invalidValue", "{wrong}");
        }
    }

    #[test]
    fn s30_onelogins_query_is_read() {
        assert_eq!(query("filter=userName+eq+%22a%2Bb@x%22&").filter.as_deref(), Some("userName eq \"a+b@x\""));
        let read =
            query("unknown=%ff&attributes=id,userName&excludedAttributes=&sortBy=id&sortOrder=descending&filter=");
        assert_eq!((read.attributes.as_deref(), read.excluded_attributes), (Some("id,userName"), None));
        assert_eq!((read.sort_by.as_deref(), read.sort_order.as_deref()), (Some("id"), Some("descending")));
        assert_eq!(read.filter.as_deref(), Some(""), "an empty filter is not the same as none");
        assert!(ListRequest::from_query("filter=a%0d%0aX-Evil:1").is_err());
    }

    #[test]
    fn s27_a_list_goes_by_cursor_or_by_index() {
        assert_eq!(query("cursor").page, Page::Cursor(None));
        assert_eq!(query("cursor=&count=5").page, Page::Cursor(None));
        assert_eq!(query("cursor=abc").page, Page::Cursor(Some("abc".to_owned())));
        let refused = |text: &str| ListRequest::from_query(text).expect_err(text).to_json()["scimType"].clone();
        assert_eq!(refused("cursor=abc&startIndex=2"), "invalidCursor");
        assert_eq!(refused("cursor=abc&count=x"), "invalidCount");
    }

    #[test]
    fn s12_a_search_is_read_from_its_body() {
        let body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
            "attributes": ["displayName", "userName"], "FILTER": "title pr", "startIndex": 1, "count": "10" });
        let read = ListRequest::from_search(body.to_string().as_bytes()).unwrap();
        assert_eq!(
            read,
            ListRequest {
                filter: Some("title pr".to_owned()),
                count: 10,
                attributes: Some("displayName,userName".to_owned()),
                ..query("")
            }
        );
        let page = |body: &[u8]| ListRequest::from_search(body).unwrap().page;
        assert_eq!(page(br#"{"cursor":""}"#), Page::Cursor(None));
        assert_eq!(page(br#"{"cursor":null}"#), Page::Cursor(None));
        for wrong in ["[]", r#"{"count":1.5}"#, r#"{"filter":1}"#, r#"{"attributes":[1]}"#, r#"{"count":[]}"#] {
            assert!(ListRequest::from_search(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn s21_the_envelope_counts_what_it_holds() {
        let list = list_response(10, Position::Index(9), vec![json!({}), json!({})]);
        assert_eq!(
            (&list["totalResults"], &list["itemsPerPage"], &list["startIndex"]),
            (&json!(10), &json!(2), &json!(9))
        );
        let list = list_response(0, Position::Cursor(None), Vec::new());
        assert_eq!(list, json!({ "schemas": [LIST_URN], "totalResults": 0, "itemsPerPage": 0, "Resources": [] }));
        assert_eq!(list_response(1, Position::Cursor(Some("x".into())), Vec::new())["nextCursor"], "x");
    }
}
