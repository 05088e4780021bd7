//! Whatever is sent, reading it ends in a value or a refusal, and what was made of it can be made again.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::schema::Kind;
use super::{Attributes, BulkPlan, Filter, ListRequest, Patch, Projection, Sort, etag};

/// Words out of which filters and paths are made, so that chance gets past the first character.
const WORDS: [&str; 34] = [
    "userName",
    "emails",
    "members",
    "name.givenName",
    "active",
    "meta.created",
    "manager",
    "password",
    "x",
    "not",
    "and",
    "or",
    "eq",
    "ne",
    "co",
    "gt",
    "pr",
    "(",
    ")",
    "[",
    "]",
    ".",
    ".value",
    "value",
    "type",
    "primary",
    "\"work\"",
    "\"\"",
    "\"2011-05-13T04:42:34.1234567Z\"",
    "true",
    "null",
    "5",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:",
    "\"\\u00e9\"",
];

fn phrase() -> impl Strategy<Value = String> {
    let word = prop_oneof![8 => (0..WORDS.len()).prop_map(|at| WORDS[at].to_owned()), 1 => any::<String>()];
    (vec(word, 0..12), prop_oneof![Just(" "), Just("")]).prop_map(|(words, between)| words.join(between))
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        phrase().prop_map(Value::from),
        Just(json!("True")),
        Just(json!({ "value": "a", "primary": true })),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![vec(inner.clone(), 0..4).prop_map(Value::from), vec((phrase(), inner), 0..4).prop_map(object)]
    })
}

fn object(entries: Vec<(String, Value)>) -> Value {
    Value::Object(entries.into_iter().collect())
}

fn operation() -> impl Strategy<Value = Value> {
    let verb = prop_oneof![Just("add"), Just("Remove"), Just("REPLACE")];
    let path = prop_oneof![phrase().prop_map(Value::from), Just(Value::Null)];
    (verb, path, value()).prop_map(|(op, path, value)| json!({ "op": op, "path": path, "value": value }))
}

fn ada() -> Value {
    json!({ "userName": "ada@acme.example", "active": true, "name": { "givenName": "Ada" },
        "emails": [{ "value": "ada@acme.example", "type": "work", "primary": true }, { "value": "a@home.example" }] })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn s38_any_bytes_end_in_a_value_or_a_refusal(bytes in vec(any::<u8>(), 0..400)) {
        let _ = (super::read(&bytes), Patch::read(&bytes), BulkPlan::read(&bytes), ListRequest::from_search(&bytes));
        for kind in Kind::ALL {
            let _ = Attributes::read(kind, &bytes);
        }
        if let Ok(text) = std::str::from_utf8(&bytes) {
            let _ = (ListRequest::from_query(text), etag::if_match(Some(text), "W/\"1\""), Filter::parse(Kind::User, text));
        }
    }

    #[test]
    fn s22_a_filter_that_is_read_answers(text in phrase()) {
        let whole = Attributes::read(Kind::User, ada().to_string().as_bytes()).unwrap().into_resource(Kind::User);
        for kind in Kind::ALL {
            if let Ok(filter) = Filter::parse(kind, &text) {
                let not = Filter::parse(kind, &format!("not ({text})")).unwrap();
                prop_assert!(filter.matches(&whole) != not.matches(&whole));
                let both = Filter::parse(kind, &format!("({text}) and ({text})")).unwrap();
                prop_assert_eq!(both.matches(&whole), filter.matches(&whole));
            }
            let _ = (Sort::parse(kind, Some(&text), None), Projection::parse(kind, Some(&text), Some(&text)).apply(whole.clone()));
        }
    }

    #[test]
    fn s17_what_is_kept_is_read_again_as_the_same(sent in vec((phrase(), value()), 0..4)) {
        for kind in Kind::ALL {
            let mut body = object(sent.clone());
            body["userName"] = json!("ada@acme.example");
            body["displayName"] = json!("Ops");
            if let Ok(kept) = Attributes::read(kind, body.to_string().as_bytes()) {
                let again = Attributes::read(kind, json!(kept).to_string().as_bytes());
                prop_assert_eq!(again, Ok(kept));
            }
        }
    }

    #[test]
    fn s24_what_a_patch_makes_is_a_user(operations in vec(operation(), 0..4)) {
        let body = json!({ "Operations": operations }).to_string();
        let before = Attributes::read(Kind::User, ada().to_string().as_bytes()).unwrap();
        if let Ok(patch) = Patch::read(body.as_bytes()) {
            let _ = patch.group_changes();
            if let Ok(after) = patch.apply_to_user(&before) {
                let again = Attributes::read(Kind::User, json!(after).to_string().as_bytes());
                prop_assert_eq!(again, Ok(after));
            }
        }
    }
}
