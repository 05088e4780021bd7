//! Responses in the shape that each IdP really sends: all of them sign the same person in.

use super::draft::ADA;
use super::forge::*;
use super::world::*;

/// A dialect: its folder, its entity ID, the elements that it signs by default, in order, and how.
struct Dialect {
    folder: &'static str,
    issuer: &'static str,
    signs: &'static [&'static str],
    signing: Signing,
}

fn dialects() -> Vec<Dialect> {
    let ordinary = Signing::default;
    vec![
        Dialect {
            folder: "okta",
            issuer: "http://www.okta.com/exk1fcia6d6EMsf331d8",
            signs: &["id10458563491953183121012871", "id10458563491849601577406573"],
            signing: Signing { prefixes: Some("xs"), ..ordinary() },
        },
        Dialect {
            folder: "entra",
            issuer: "https://sts.windows.net/3f1c2a44-5d6e-4f70-8a91-b2c3d4e5f607/",
            signs: &["_8b0c5c1e-54a7-4b7c-8d0f-2f6a1d3e4b00"],
            signing: Signing { prefix: "", ..ordinary() },
        },
        Dialect {
            folder: "onelogin",
            issuer: "https://app.onelogin.com/saml/metadata/6f1d0f43-2a55-4b90-8c0e-5a0a3a0b8f11",
            signs: &["pfx41d8ef22-e612-8c50-9960-1b16f15741b3"],
            signing: ordinary(),
        },
        Dialect {
            folder: "google",
            issuer: "https://accounts.google.com/o/saml2?idpid=C01abc2de",
            signs: &["_0a1b2c3d4e5f60718293a4b5c6d7e8f9"],
            signing: ordinary(),
        },
        Dialect {
            folder: "adfs",
            issuer: "http://adfs.acme.example/adfs/services/trust",
            signs: &["_90f1e2d3-c4b5-4a69-8877-665544332211"],
            signing: ordinary(),
        },
        Dialect {
            folder: "keycloak",
            issuer: "https://keycloak.acme.example/realms/acme",
            signs: &["ID_1b6f3f0e-6a3b-4f4c-9d3e-2a6c2b1d0e9f"],
            signing: Signing { prefix: "dsig", ..ordinary() },
        },
        Dialect {
            folder: "simplesamlphp",
            issuer: "https://simplesamlphp.acme.example/simplesaml/saml2/idp/metadata.php",
            signs: &["_d71a3a8e9fcc45c9e9d248ef7049393fc8f04e5f75", "_8e8dc5f69a98cc4c1ff3427e5ce34606fd672f91e6"],
            signing: ordinary(),
        },
    ]
}

fn world_of(dialect: &Dialect) -> World {
    World::default().with(|settings| settings.entity_id = dialect.issuer.into())
}

/// The issuer's closing tag may carry any prefix: the forge looks for `Issuer>`.
fn made(dialect: &Dialect) -> String {
    let template = file(&format!("{}/template.xml", dialect.folder));
    dialect.signs.iter().fold(template, |xml, id| signed(&xml, id, &dialect.signing))
}

#[test]
fn every_dialect_signs_the_same_person_in() {
    for dialect in dialects() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/saml")
            .join(dialect.folder)
            .join("response.xml");
        let made = made(&dialect);
        if std::env::var_os("VESTIBULE_WRITE_FIXTURES").is_some() {
            std::fs::write(&path, &made).unwrap();
        }
        let response = std::fs::read_to_string(&path).unwrap();
        assert_eq!(response, made, "{} is the template, signed", path.display());
        let verdict = world_of(&dialect).verdict(&response);
        let proof = verdict.outcome.unwrap_or_else(|error| panic!("{}: {error}", dialect.folder));
        assert_eq!(proof.email().as_str(), ADA, "{}", dialect.folder);
        assert_eq!((proof.first_name(), proof.last_name()), (Some("Ada"), Some("Lovelace")), "{}", dialect.folder);
    }
}

#[test]
fn every_dialect_works_signed_and_encrypted_in_every_other_way() {
    for dialect in dialects() {
        let world = world_of(&dialect);
        let template = file(&format!("{}/template.xml", dialect.folder));
        let ids = ids(&template);
        let by_response = signed(&template, &ids.0, &dialect.signing);
        let by_assertion = signed(&template, &ids.1, &dialect.signing);
        world.check(dialect.folder, &by_response, ADA);
        world.check(dialect.folder, &by_assertion, ADA);
        let plain = source(&by_assertion, &ids.1);
        let sealed = by_assertion.replace(&plain, &encrypted(&plain, &Sealing::default()));
        world.check(dialect.folder, &sealed, ADA);
        let plain = source(&template, &ids.1);
        let sealed = template.replace(&plain, &encrypted(&plain, &Sealing { beside: true, ..Sealing::default() }));
        world.check(dialect.folder, &signed(&sealed, &ids.0, &dialect.signing), ADA);
        let inclusive = Signing { transforms: vec![ENVELOPED, INCLUSIVE], info: INCLUSIVE, ..dialect.signing.clone() };
        world.check(dialect.folder, &signed(&template, &ids.0, &inclusive), ADA);
    }
}

#[test]
fn r10_no_dialect_is_taken_unsigned() {
    for dialect in dialects() {
        let template = file(&format!("{}/template.xml", dialect.folder));
        world_of(&dialect).check(dialect.folder, &template, "not_signed");
    }
}

#[test]
fn r40_links_hang_only_on_names_that_last() {
    let stable = |folder: &str| {
        let dialect = dialects().into_iter().find(|dialect| dialect.folder == folder).unwrap();
        let proof = world_of(&dialect).verdict(&made(&dialect)).outcome.unwrap();
        vestibule::saml::stable_name_id(&proof).is_some()
    };
    assert!(stable("adfs"), "persistent");
    assert!(stable("keycloak"), "persistent");
    for folder in ["okta", "entra", "onelogin", "google"] {
        assert!(!stable(folder), "{folder}: an e-mail address");
    }
    assert!(!stable("simplesamlphp"), "transient");
}

/// The IDs of the Response and the Assertion.
fn ids(xml: &str) -> (String, String) {
    let doc = uppsala::parse(xml).unwrap();
    let mut ids =
        doc.descendants(doc.root()).into_iter().filter_map(|node| doc.get_attribute(node, "ID").map(str::to_owned));
    (ids.next().unwrap(), ids.next().unwrap())
}
