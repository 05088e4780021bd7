//! Filters as clients write them, held against RFC 7643's own example.

use serde_json::json;

use super::*;
use crate::scim::schema::ENTERPRISE_USER;

fn barbara() -> Map<String, Value> {
    let Value::Object(resource) = json!({
        "schemas": [Kind::User.schema().id, ENTERPRISE_USER.id],
        "id": "2819c223-7f76-453a-919d-413861904646",
        "externalId": "Okta00U1",
        "userName": "BJensen@Example.com",
        "name": { "familyName": "O'Malley \"X\"", "givenName": "Bärbel" },
        "active": true,
        "title": "Tour Guide",
        "emails": [{ "value": "bjensen@example.com", "type": "work", "primary": true },
            { "value": "babs@jensen.org", "type": "home" }],
        "addresses": [{ "locality": "Hollywood", "type": "work" }],
        "groups": [{ "value": "e9e30dba", "display": "Tour Guides" }],
        ENTERPRISE_USER.id: { "department": "R&D", "manager": { "value": "26" } },
        "meta": { "resourceType": "User", "created": "2010-01-23T04:56:22Z",
            "lastModified": "2011-05-13T04:42:34.1234567Z", "version": "W/\"7\"" },
    }) else {
        unreachable!()
    };
    resource
}

fn check(text: &str, expected: bool) {
    let filter = Filter::parse(Kind::User, text).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(filter.matches(&barbara()), expected, "{text}");
}

#[test]
fn s22_the_operators() {
    for (text, expected) in [
        ("userName eq \"bjensen@example.com\"", true),
        ("USERNAME EQ \"BJENSEN@EXAMPLE.COM\"", true),
        ("externalId eq \"Okta00U1\"", true),
        ("externalId eq \"okta00u1\"", false),
        ("name.familyName co \"O'Malley\"", true),
        ("name.familyName eq \"O'Malley \\\"X\\\"\"", true),
        ("name.givenName eq \"B\\u00c4RBEL\"", true),
        ("name.givenName eq \"ba\\u0308rbel\"", true),
        ("userName sw \"BJ\"", true),
        ("userName ew \"example.COM\"", true),
        ("userName ew \"example.org\"", false),
        ("userName ne \"x\"", true),
        ("userName ne \"bjensen@example.com\"", false),
        ("title gt \"tour\"", true),
        ("title le \"Tour Guide\"", true),
        ("title lt \"Tour Guide\"", false),
        ("title ge \"Tour Guide\"", true),
        ("title pr", true),
        ("nickName pr", false),
        ("nickName eq null", true),
        ("nickName ne null", false),
        ("nickName ne \"x\"", true),
        ("nickName eq \"\"", false),
        ("active eq true", true),
        ("active eq \"True\"", true),
        ("active ne false", true),
        ("emails pr", true),
        ("name pr", true),
        ("schemas eq \"urn:ietf:params:scim:schemas:core:2.0:User\"", true),
    ] {
        check(text, expected);
    }
}

#[test]
fn s22_not_binds_closer_than_and_and_and_closer_than_or() {
    for (text, expected) in [
        ("title pr or nickName pr and nickName pr", true),
        ("(title pr or nickName pr) and nickName pr", false),
        ("not (nickName pr) and title pr", true),
        ("not(title pr) or title pr", true),
        ("NOT (title pr AND active eq true)", false),
        ("nickName pr or nickName pr or title pr", true),
        ("((title pr))", true),
    ] {
        check(text, expected);
    }
}

#[test]
fn s22_value_paths_ask_all_of_one_and_the_same_element() {
    for (text, expected) in [
        ("emails[type eq \"work\"]", true),
        ("emails[type eq \"work\" and value co \"@jensen.org\"]", false),
        ("emails.type eq \"work\" and emails.value co \"@jensen.org\"", true),
        ("emails[not (type eq \"work\") and value ew \"jensen.org\"]", true),
        ("emails[type eq \"work\"].value eq \"BJENSEN@example.com\"", true),
        ("emails[type eq \"home\"].value eq \"bjensen@example.com\"", false),
        ("emails[primary eq \"True\"].type eq \"work\"", true),
        ("emails eq \"babs@jensen.org\"", true),
        ("emails co \"jensen\"", true),
        ("emails.value ne \"babs@jensen.org\"", true),
        ("emails[shoe eq \"x\"]", false),
        ("shoes[size eq \"x\"].value eq \"y\"", false),
        ("not (shoes[size eq 38])", true),
        ("groups eq \"e9e30dba\"", true),
        ("groups.display eq \"tour guides\"", true),
    ] {
        check(text, expected);
    }
    let Value::Object(group) = json!({ "displayName": "Ops", "members": [{ "value": "a" }] }) else { unreachable!() };
    for (text, expected) in [
        ("members eq \"a\"", true),
        ("members.value eq \"a\"", true),
        ("members[value eq \"a\"]", true),
        ("members eq \"A\"", false),
        ("displayName eq \"OPS\" and members eq \"b\"", false),
    ] {
        assert_eq!(Filter::parse(Kind::Group, text).unwrap().matches(&group), expected, "{text}");
    }
}

#[test]
fn s22_extensions_go_by_their_urn_and_unknown_attributes_have_no_value() {
    let enterprise = ENTERPRISE_USER.id;
    check(&format!("{enterprise}:department eq \"r&d\""), true);
    check(&format!("{}:MANAGER.value eq \"26\"", enterprise.to_uppercase()), true);
    check(&format!("{enterprise}:manager eq \"26\""), true);
    check("urn:ietf:params:scim:schemas:core:2.0:User:userName sw \"bj\"", true);
    check("department eq \"R&D\" and manager eq \"26\"", true);
    check("urn:example:custom:shoeSize gt 38", false);
    check("shoeSize eq true", false);
    check("shoeSize pr", false);
}

#[test]
fn s22_dates_are_moments() {
    for (text, expected) in [
        ("meta.lastModified eq \"2011-05-13T04:42:34.1234567Z\"", true),
        ("meta.lastModified eq \"2011-05-13T06:42:34.1234567+02:00\"", true),
        ("meta.lastModified gt \"2011-05-13T04:42:34Z\"", true),
        ("meta.lastModified gt \"2011-05-13T00:42:34-05:00\"", false),
        ("meta.created le \"2010-01-23T05:56:22+01:00\"", true),
        ("meta.created ge \"2010-01-23T04:56:22\"", true),
        ("meta.created sw \"2010-\"", true),
        ("meta.version eq \"W/\\\"7\\\"\"", true),
        ("meta.resourceType eq \"User\"", true),
        ("meta.created pr", true),
    ] {
        check(text, expected);
    }
}

#[test]
fn s22_a_bad_filter_is_refused_and_never_ignored() {
    for wrong in [
        "",
        " ",
        "userName",
        "userName eq",
        "eq \"x\"",
        "userName is \"x\"",
        "userName eq x",
        "userName eq 'x'",
        "userName eq \"x",
        "userName eq \"x\" and",
        "and userName pr",
        "userName pr userName pr",
        "(userName pr",
        "userName pr)",
        "not userName pr",
        "userName eq \"\\x\"",
        "userName eq 5",
        "userName eq true",
        "active eq \"x\"",
        "active gt true",
        "active co \"t\"",
        "userName gt null",
        "meta.created gt \"yesterday\"",
        "name eq \"x\"",
        "addresses eq \"x\"",
        "emails[",
        "emails[]",
        "emails[type eq \"work\"",
        "emails[emails[type pr]]",
        "emails.value[type pr]",
        "userName[value pr]",
        "name..givenName pr",
        "1a pr",
        "password eq \"x\"",
        "password pr",
        "urn:ietf:params:scim:schemas:core:2.0:User pr",
        "emails[type eq \"work\"].value",
        "emails[type pr].a.b eq \"x\"",
        "userName eq \"a\" \"b\"",
        "userName\neq \"x\"",
        "userName eq \"a\u{0}\"",
        "x509Certificates.value gt \"a\"",
    ] {
        let error = Filter::parse(Kind::User, wrong).expect_err(wrong);
        assert_eq!((error.status(), error.scim_type()), (400, Some(ScimType::InvalidFilter)), "{wrong}");
    }
}

#[test]
fn s37_what_is_within_the_limits_is_answered_on_a_small_stack() {
    let deep = format!("{}title pr{}", "not (".repeat(32), ")".repeat(32));
    let wide = vec!["title eq \"x\""; 500].join(" or ");
    let run = move || {
        check(&deep, true);
        check(&wide, false);
        for beyond in ["(".repeat(100_000), "not (".repeat(100_000), "[".repeat(16_000), "a[".repeat(8_000)] {
            assert!(Filter::parse(Kind::User, &beyond).is_err());
        }
    };
    std::thread::Builder::new().stack_size(256 * 1024).spawn(run).unwrap().join().unwrap();
}

#[test]
fn s40_an_index_answers_what_is_looked_up() {
    let lookup = |kind, text: &str| {
        let filter = Filter::parse(kind, text).unwrap();
        filter.lookup().map(|lookup| format!("{lookup:?}"))
    };
    for (kind, text, expected) in [
        (Kind::User, "userName eq \"Ada@x\"", Some("UserName(\"Ada@x\")")),
        (Kind::User, "title pr and externalid Eq \"7\"", Some("ExternalId(\"7\")")),
        (Kind::User, "(id eq \"a\")", Some("Id(\"a\")")),
        (Kind::Group, "displayName eq \"Ops\"", Some("DisplayName(\"Ops\")")),
        (Kind::Group, "members eq \"a\"", Some("Member(\"a\")")),
        (Kind::Group, "members.value eq \"a\" and displayName pr", Some("Member(\"a\")")),
        (Kind::Group, "members[type eq \"User\" and value eq \"a\"]", Some("Member(\"a\")")),
        (Kind::Group, "members[value eq \"a\" or value eq \"b\"]", None),
        (Kind::User, "userName eq \"a\" or title pr", None),
        (Kind::User, "not (userName eq \"a\")", None),
        (Kind::User, "userName ne \"a\"", None),
        (Kind::User, "userName eq null", None),
        (Kind::User, "emails eq \"a\"", None),
    ] {
        assert_eq!(lookup(kind, text).as_deref(), expected, "{text}");
    }
    let filter = Filter::parse(Kind::Group, "displayName pr and not (members[value eq \"a\"])").unwrap();
    assert!(filter.mentions("members") && filter.mentions("displayName") && !filter.mentions("externalId"));
}
