//! Who the assertion speaks of: read from the covered node alone (R6, R38 to R40).

use serde::{Deserialize, Serialize};
use uppsala::NodeId;

use super::document::{ASSERTION, Tree};
use super::error::{SamlError, shown};
use crate::directory::sso::AttributeMapping;
use crate::kernel::EmailAddress;

/// The longest NameID, in bytes.
const NAME_ID_LIMIT: usize = 1024;
/// The most attributes that are kept.
const ATTRIBUTE_LIMIT: usize = 500;

/// The most attribute names that a log shows.
const ATTRIBUTES_SHOWN: usize = 30;

const FORMAT_EMAIL: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";
const FORMAT_TRANSIENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";
/// The mapping that means the NameID, whatever its format.
const NAME_ID: &str = "NameID";
/// Attributes that are taken as the e-mail address unless one is mapped (R54). All that come must agree.
const EMAIL_NAMES: [&str; 6] = [
    "email",
    "mail",
    "User.email",
    "emailAddress",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
    "urn:oid:0.9.2342.19200300.100.1.3",
];
/// Taken if none of those came: a user principal name, which often is an e-mail address (R54).
const UPN_NAMES: [&str; 2] = ["http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name", "User.Email"];
const FIRST_NAMES: [&str; 5] = [
    "firstName",
    "givenName",
    "User.FirstName",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname",
    "urn:oid:2.5.4.42",
];
const LAST_NAMES: [&str; 6] = [
    "lastName",
    "surname",
    "sn",
    "User.LastName",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname",
    "urn:oid:2.5.4.4",
];

/// The subject's name at the IdP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameId {
    /// Its value, without white space around it.
    pub value: String,
    /// Its format, if one was given.
    pub format: Option<String>,
}

impl NameId {
    /// Whether the name stays the same for the same person, so that a link may hang on it: not if it is transient or
    /// itself an e-mail address (R40, D4).
    pub fn is_stable(&self) -> bool {
        let format = self.format.as_deref().unwrap_or_default();
        !matches!(format, FORMAT_TRANSIENT | FORMAT_EMAIL) && self.value.parse::<EmailAddress>().is_err()
    }
}

/// An attribute, its values in order; elements of the same name are merged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// Its texts. A value that holds elements instead is counted in `unreadable`.
    pub values: Vec<String>,
    /// How many values hold something else than text.
    pub unreadable: usize,
    /// How many `saml:Attribute` elements had this name.
    pub times: usize,
}

/// What an assertion says of its subject, as it stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Subject {
    pub(super) assertion_id: String,
    pub(super) issuer: String,
    pub(super) name_id: Option<NameId>,
    pub(super) session_index: Option<String>,
    pub(super) authn_contexts: Vec<String>,
    pub(super) attributes: Vec<Attribute>,
}

/// Reads the subject from the assertion at `node`.
pub(super) fn read(tree: &Tree<'_>, node: NodeId) -> Result<Subject, SamlError> {
    let issuer = tree.only(node, ASSERTION, "Issuer")?.map(|issuer| tree.text(issuer)).transpose()?;
    let mut authn_contexts = Vec::new();
    let mut session_index = None;
    for statement in tree.named(node, ASSERTION, "AuthnStatement") {
        session_index = session_index.or_else(|| tree.attribute(statement, "SessionIndex").map(str::to_owned));
        if let Some(context) = tree.only(statement, ASSERTION, "AuthnContext")? {
            for class in tree.named(context, ASSERTION, "AuthnContextClassRef") {
                authn_contexts.push(tree.text(class)?.trim().to_owned());
            }
        }
    }
    Ok(Subject {
        assertion_id: tree.attribute(node, "ID").unwrap_or_default().to_owned(),
        issuer: issuer.unwrap_or_default(),
        name_id: name_id(tree, node)?,
        session_index,
        authn_contexts,
        attributes: attributes(tree, node)?,
    })
}

fn name_id(tree: &Tree<'_>, node: NodeId) -> Result<Option<NameId>, SamlError> {
    let Some(subject) = tree.only(node, ASSERTION, "Subject")? else { return Ok(None) };
    let Some(name_id) = tree.only(subject, ASSERTION, "NameID")? else { return Ok(None) };
    let value = tree.text(name_id)?.trim().to_owned();
    if value.len() > NAME_ID_LIMIT || value.chars().any(char::is_control) {
        return Err(SamlError::Structure("a NameID that is too long or holds control characters".into()));
    }
    let format = tree.attribute(name_id, "Format").map(str::to_owned);
    Ok((!value.is_empty()).then_some(NameId { value, format }))
}

fn attributes(tree: &Tree<'_>, node: NodeId) -> Result<Vec<Attribute>, SamlError> {
    let mut list: Vec<Attribute> = Vec::new();
    for statement in tree.named(node, ASSERTION, "AttributeStatement") {
        for element in tree.named(statement, ASSERTION, "Attribute") {
            let name = tree.attribute(element, "Name").unwrap_or_default();
            if list.len() >= ATTRIBUTE_LIMIT {
                return Err(SamlError::TooLarge { what: "attributes", limit: ATTRIBUTE_LIMIT });
            }
            let known = list.iter().position(|attribute| attribute.name == name).unwrap_or_else(|| {
                list.push(Attribute { name: name.to_owned(), values: Vec::new(), unreadable: 0, times: 0 });
                list.len() - 1
            });
            let attribute = &mut list[known];
            attribute.times += 1;
            for value in tree.named(element, ASSERTION, "AttributeValue") {
                match tree.text(value) {
                    Ok(text) => attribute.values.push(text),
                    Err(_) => attribute.unreadable += 1,
                }
            }
        }
    }
    Ok(list)
}

/// The one e-mail address: of the mapped attribute, else of the well-known ones, else the NameID of that format (R38).
pub(super) fn email(subject: &Subject, mapping: &AttributeMapping) -> Result<EmailAddress, SamlError> {
    let found = match mapping.email.as_deref() {
        Some(NAME_ID) => subject.name_id.as_ref().map(|name_id| name_id.value.as_str()),
        Some(name) => one_value(subject.attributes.iter().find(|attribute| attribute.name == name))?,
        None => match agreeing(subject, &EMAIL_NAMES)? {
            Some(value) => Some(value),
            None => agreeing(subject, &UPN_NAMES)?.filter(|value| value.contains('@')).or_else(|| by_format(subject)),
        },
    };
    let value = found.ok_or_else(|| SamlError::EmailMissing { received: names_received(subject) })?;
    value.parse().map_err(|_| SamlError::EmailInvalid { received: shown(value) })
}

/// The names of the attributes that came, for people: the first of them.
pub(super) fn names_received(subject: &Subject) -> Vec<String> {
    subject.attributes.iter().take(ATTRIBUTES_SHOWN).map(|attribute| shown(&attribute.name)).collect()
}

fn by_format(subject: &Subject) -> Option<&str> {
    let name_id = subject.name_id.as_ref()?;
    (name_id.format.as_deref() == Some(FORMAT_EMAIL)).then_some(name_id.value.as_str())
}

/// The value of the well-known attributes that came: one each, and all the same address.
fn agreeing<'s>(subject: &'s Subject, names: &[&str]) -> Result<Option<&'s str>, SamlError> {
    let mut agreed: Option<&str> = None;
    for attribute in subject.attributes.iter().filter(|a| names.iter().any(|name| a.name.eq_ignore_ascii_case(name))) {
        let Some(value) = one_value(Some(attribute))? else { continue };
        match agreed {
            Some(earlier) if !earlier.trim().eq_ignore_ascii_case(value.trim()) => {
                return Err(SamlError::EmailAmbiguous { attribute: shown(&attribute.name) });
            }
            _ => agreed = Some(value),
        }
    }
    Ok(agreed)
}

/// The one value of an identity attribute: doubled, many-valued or structured ones refuse; an empty one is none.
fn one_value(attribute: Option<&Attribute>) -> Result<Option<&str>, SamlError> {
    let Some(attribute) = attribute else { return Ok(None) };
    match (attribute.times, attribute.unreadable, attribute.values.as_slice()) {
        (1, 0, []) => Ok(None),
        (1, 0, [value]) => Ok(Some(value.as_str()).filter(|value| !value.trim().is_empty())),
        _ => Err(SamlError::EmailAmbiguous { attribute: shown(&attribute.name) }),
    }
}

/// The first and last name, for display alone: whatever is odd about them is no name (R54).
pub(super) fn names(subject: &Subject, mapping: &AttributeMapping) -> (Option<String>, Option<String>) {
    let find = |mapped: &Option<String>, known: &[&str]| {
        let wanted = |name: &str| match mapped {
            Some(mapped) => mapped == name,
            None => known.iter().any(|known| known.eq_ignore_ascii_case(name)),
        };
        let value = subject.attributes.iter().find(|attribute| wanted(&attribute.name))?.values.first()?;
        let clean: String = shown(value.trim());
        (!clean.is_empty()).then_some(clean)
    };
    (find(&mapping.first_name, &FIRST_NAMES), find(&mapping.last_name, &LAST_NAMES))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::saml::document::parse;

    const XMLNS: &str = "xmlns='urn:oasis:names:tc:SAML:2.0:assertion'";

    fn subject(statement: &str, name_id: &str) -> Subject {
        let xml = format!(
            "<Assertion {XMLNS} ID='a'><Subject>{name_id}</Subject><AttributeStatement>{statement}</AttributeStatement>\
             </Assertion>"
        );
        let tree = parse(xml.as_bytes()).unwrap();
        read(&tree, tree.root).unwrap()
    }

    fn attribute(name: &str, values: &[&str]) -> String {
        let values: Vec<String> = values.iter().map(|v| format!("<AttributeValue>{v}</AttributeValue>")).collect();
        format!("<Attribute Name='{name}'>{}</Attribute>", values.concat())
    }

    fn check(statement: &str, name_id: &str, mapped: Option<&str>, expected: &str) {
        let mapping = AttributeMapping { email: mapped.map(str::to_owned), ..AttributeMapping::default() };
        let read = email(&subject(statement, name_id), &mapping);
        let read = read.map_or_else(|error| error.code().to_owned(), String::from);
        assert_eq!(read, expected, "{statement} {name_id}");
    }

    #[test]
    fn r38_exactly_one_value_of_one_attribute_is_the_address() {
        let claim = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress";
        let upn = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name";
        let one = attribute("email", &["ada@acme.example"]);
        check(&one, "", None, "ada@acme.example");
        check(&attribute(claim, &["ada@acme.example"]), "", None, "ada@acme.example");
        check(&attribute("Email", &["ada@acme.example"]), "", None, "ada@acme.example");
        check(&(one.clone() + &attribute(upn, &["upn@other.example"])), "", None, "ada@acme.example");
        check(&attribute(upn, &["upn@acme.example"]), "", None, "upn@acme.example");
        check(&(one.clone() + &attribute(claim, &["ADA@acme.example"])), "", None, "ada@acme.example");
        check(&(one.clone() + &attribute(claim, &["eve@acme.example"])), "", None, "email_ambiguous");
        check(&(one.clone() + &one), "", None, "email_ambiguous");
        check(&attribute("email", &["ada@acme.example", "eve@acme.example"]), "", None, "email_ambiguous");
        check(&attribute("email", &["ada@acme.example", "ada@acme.example"]), "", None, "email_ambiguous");
        check(&attribute("email", &["<b/>"]), "", None, "email_ambiguous");
        check(&attribute("login", &["ada@acme.example"]), "", None, "email_missing");
        check(&attribute("login", &["ada@acme.example"]), "", Some("login"), "ada@acme.example");
        check(&(one + &attribute("login", &["eve@acme.example"])), "", Some("login"), "eve@acme.example");
        check("", "<NameID>ada@acme.example</NameID>", None, "email_missing");
        check("", "<NameID>ada@acme.example</NameID>", Some("NameID"), "ada@acme.example");
        check("", &format!("<NameID Format='{FORMAT_EMAIL}'>ada@acme.example</NameID>"), None, "ada@acme.example");
        let both = format!("<NameID Format='{FORMAT_EMAIL}'>eve@acme.example</NameID>");
        check(&attribute("mail", &["ada@acme.example"]), &both, None, "ada@acme.example");
    }

    #[test]
    fn r39_what_is_no_plain_address_is_refused() {
        check(&attribute("email", &[" ada@acme.example\n"]), "", None, "ada@acme.example");
        for wrong in ["ada", "ada@acme.example,eve@acme.example", "Ada &lt;ada@acme.example>", "a@b@acme.example"] {
            check(&attribute("email", &[wrong]), "", None, "email_invalid");
        }
    }

    #[test]
    fn r6_a_cut_address_is_read_whole() {
        check(
            &attribute("email", &["ada@acme.example<!-- -->.evil.example"]),
            "",
            None,
            "ada@acme.example.evil.example",
        );
        check(&attribute("email", &["ada@<![CDATA[acme]]>.example"]), "", None, "ada@acme.example");
    }

    #[test]
    fn r40_only_a_lasting_name_is_stable() {
        let check = |value: &str, format: Option<&str>, expected: bool| {
            let name_id = NameId { value: value.into(), format: format.map(str::to_owned) };
            assert_eq!(name_id.is_stable(), expected, "{value} {format:?}");
        };
        check("00u1", Some("urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"), true);
        check("00u1", None, true);
        check("00u1", Some(FORMAT_TRANSIENT), false);
        check("ada@acme.example", Some("urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"), false);
        check("ada", Some(FORMAT_EMAIL), false);
    }

    #[test]
    fn r54_names_are_read_and_never_block() {
        let statement = attribute("givenName", &["Ada", "Augusta"]) + &attribute("SN", &["  "]);
        let read = names(&subject(&statement, ""), &AttributeMapping::default());
        assert_eq!(read, (Some("Ada".to_owned()), None));
    }
}
