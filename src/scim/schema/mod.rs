//! What a user and a group are made of: every attribute with all its traits, as data that everything else follows (S19).

mod common;
mod discovery;
mod enterprise;
mod group;
mod user;

pub use common::COMMON;
pub use discovery::{Limits, resource_type, resource_types, schema, schemas, service_provider_config};
pub use enterprise::ENTERPRISE_USER;
pub use group::GROUP;
pub use user::USER;

/// The type of a value (RFC 7643 §2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Text.
    String,
    /// True or false.
    Boolean,
    /// A moment, RFC 3339.
    DateTime,
    /// Text in base64.
    Binary,
    /// A URI.
    Reference,
    /// An object of sub-attributes.
    Complex,
}

/// Who may write an attribute (RFC 7643 §7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutability {
    /// The server alone.
    ReadOnly,
    /// The client.
    ReadWrite,
    /// The client, once.
    Immutable,
    /// The client, who never sees it again.
    WriteOnly,
}

/// When an attribute is given (RFC 7643 §7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returned {
    /// Always, asked for or not.
    Always,
    /// Never.
    Never,
    /// Unless it is excluded, or others are asked for.
    Default,
}

/// Among whom a value is unique (RFC 7643 §7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uniqueness {
    /// Nobody.
    None,
    /// All resources of its type in the organization.
    Server,
    /// Everybody, everywhere.
    Global,
}

/// An attribute and its traits (RFC 7643 §2.2, §7).
#[derive(Clone, Copy, Debug)]
pub struct Attribute {
    /// The name, in its canonical spelling.
    pub name: &'static str,
    /// What it means, a sentence.
    pub description: &'static str,
    /// The type of its value, or of each of its values.
    pub kind: Type,
    /// Whether it has several values.
    pub multi_valued: bool,
    /// Whether a resource must have it.
    pub required: bool,
    /// Whether upper and lower case differ in comparisons.
    pub case_exact: bool,
    /// Who may write it.
    pub mutability: Mutability,
    /// When it is given.
    pub returned: Returned,
    /// Among whom it is unique.
    pub uniqueness: Uniqueness,
    /// Values that clients are advised to use.
    pub canonical_values: &'static [&'static str],
    /// What a reference may lead to.
    pub reference_types: &'static [&'static str],
    /// The parts of a complex attribute.
    pub sub_attributes: &'static [Attribute],
}

impl Attribute {
    /// An optional text of one value that the client may write, compared without case.
    pub const fn text(name: &'static str, description: &'static str) -> Self {
        Attribute {
            name,
            description,
            kind: Type::String,
            multi_valued: false,
            required: false,
            case_exact: false,
            mutability: Mutability::ReadWrite,
            returned: Returned::Default,
            uniqueness: Uniqueness::None,
            canonical_values: &[],
            reference_types: &[],
            sub_attributes: &[],
        }
    }
    /// The same with parts.
    pub const fn complex(name: &'static str, description: &'static str, parts: &'static [Attribute]) -> Self {
        Attribute { sub_attributes: parts, ..Attribute::text(name, description).of(Type::Complex) }
    }
    /// A URI that leads to one of `targets`.
    pub const fn reference(name: &'static str, description: &'static str, targets: &'static [&'static str]) -> Self {
        Attribute { reference_types: targets, ..Attribute::text(name, description).of(Type::Reference).exact() }
    }
    const fn of(self, kind: Type) -> Self {
        Attribute { kind, ..self }
    }
    const fn many(self) -> Self {
        Attribute { multi_valued: true, ..self }
    }
    const fn required(self) -> Self {
        Attribute { required: true, ..self }
    }
    const fn exact(self) -> Self {
        Attribute { case_exact: true, ..self }
    }
    const fn unique(self, uniqueness: Uniqueness) -> Self {
        Attribute { uniqueness, ..self }
    }
    const fn written(self, mutability: Mutability) -> Self {
        Attribute { mutability, ..self }
    }
    const fn returned(self, returned: Returned) -> Self {
        Attribute { returned, ..self }
    }
    const fn advising(self, values: &'static [&'static str]) -> Self {
        Attribute { canonical_values: values, ..self }
    }

    /// The part of that name, in any case (S17).
    pub fn sub(&self, name: &str) -> Option<&'static Attribute> {
        find(self.sub_attributes, name)
    }

    /// Whether a bare value may stand for the whole: it has a part named `value` (RFC 7643 §2.4).
    pub fn has_value_part(&self) -> bool {
        self.sub("value").is_some()
    }
}

/// A named set of attributes (RFC 7643 §7).
#[derive(Debug)]
pub struct Schema {
    /// Its URN.
    pub id: &'static str,
    /// Other URNs under which identity providers send it (S28, S30).
    pub aliases: &'static [&'static str],
    /// Its name.
    pub name: &'static str,
    /// What it describes, a sentence.
    pub description: &'static str,
    /// Its attributes.
    pub attributes: &'static [Attribute],
}

impl Schema {
    /// The attribute of that name, in any case (S17).
    pub fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        find(self.attributes, name)
    }

    /// Whether `urn` is its URN or an alias, in any case.
    pub fn is_named(&self, urn: &str) -> bool {
        self.id.eq_ignore_ascii_case(urn) || self.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(urn))
    }
}

fn find(attributes: &'static [Attribute], name: &str) -> Option<&'static Attribute> {
    attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}

/// What a resource can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A person.
    User,
    /// A team; in an Admin organization, whom a linked organization has as members.
    Group,
}

impl Kind {
    /// Both.
    pub const ALL: [Kind; 2] = [Kind::User, Kind::Group];

    /// `User` or `Group`: the name of its type, and `meta.resourceType`.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::User => "User",
            Kind::Group => "Group",
        }
    }
    /// `/Users` or `/Groups`.
    pub const fn endpoint(self) -> &'static str {
        match self {
            Kind::User => "/Users",
            Kind::Group => "/Groups",
        }
    }
    /// Its own schema.
    pub const fn schema(self) -> &'static Schema {
        match self {
            Kind::User => &USER,
            Kind::Group => &GROUP,
        }
    }
    /// The schema that adds to it, if there is one.
    pub const fn extension(self) -> Option<&'static Schema> {
        match self {
            Kind::User => Some(&ENTERPRISE_USER),
            Kind::Group => None,
        }
    }
    /// Its schemas, its own first.
    pub fn schemas(self) -> impl Iterator<Item = &'static Schema> {
        std::iter::once(self.schema()).chain(self.extension())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s17_names_and_urns_have_no_case() {
        assert_eq!(USER.attribute("USERNAME").map(|found| found.name), Some("userName"));
        assert_eq!(USER.attribute("emails").unwrap().sub("VALUE").map(|found| found.name), Some("value"));
        assert!(USER.is_named("URN:ietf:params:scim:schemas:core:2.0:user"));
        assert!(!USER.is_named(GROUP.id));
    }

    #[test]
    fn s19_the_schemas_name_every_attribute_of_rfc_7643() {
        let names = |schema: &Schema| schema.attributes.iter().map(|found| found.name).collect::<Vec<_>>().join(" ");
        assert_eq!(
            names(&USER),
            "userName name displayName nickName profileUrl title userType preferredLanguage locale timezone active \
             password emails phoneNumbers ims photos addresses groups entitlements roles x509Certificates"
        );
        assert_eq!(names(&ENTERPRISE_USER), "employeeNumber costCenter organization division department manager");
        assert_eq!(names(&GROUP), "displayName members");
        let password = USER.attribute("password").unwrap();
        assert_eq!((password.mutability, password.returned), (Mutability::WriteOnly, Returned::Never));
    }
}
