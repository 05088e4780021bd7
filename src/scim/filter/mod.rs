//! Filters of RFC 7644 §3.4.2.2: read whole or refused, and held against resources as the schema says (S22, S37).

mod evaluate;
mod limits;
mod parse;
mod words;

use serde_json::{Map, Value};

use super::error::{ScimError, ScimType};
use super::path::Target;
use super::schema::{Attribute, Kind};

pub use limits::{Bounds, PATH};

/// A filter that was understood.
#[derive(Clone, Debug)]
pub struct Filter {
    root: Node,
}

/// A question that one index answers. The filter may ask more besides: hold it against what the index finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup<'f> {
    /// `userName eq`: compared without case ([`fold()`](super::fold())).
    UserName(&'f str),
    /// `externalId eq`.
    ExternalId(&'f str),
    /// `displayName eq`: compared without case.
    DisplayName(&'f str),
    /// `id eq`.
    Id(&'f str),
    /// `members eq`, `members.value eq`, `members[value eq …]`: groups with this member.
    Member(&'f str),
}

/// A part of a filter. Chains of `and` and `or` lie side by side, so the tree is as deep as the brackets are,
/// which are counted before it is built: neither walking nor dropping it can exhaust the stack.
#[derive(Clone, Debug)]
pub enum Node {
    /// All of them.
    And(Vec<Node>),
    /// At least one of them.
    Or(Vec<Node>),
    /// Not this.
    Not(Box<Node>),
    /// One comparison.
    Test(Test),
    /// One and the same element of the attribute meets all of the inner filter.
    Element(Target, Box<Node>),
}

/// A comparison.
#[derive(Clone, Debug)]
pub struct Test {
    /// Of what.
    pub place: Place,
    /// How.
    pub operator: Operator,
    /// With what.
    pub operand: Operand,
}

/// What is compared.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    /// An attribute of the resource.
    Attribute(Target),
    /// A part of the element at hand.
    Part(&'static Attribute),
    /// Something that no resource of this kind has: as if it had no value (RFC 7644 §3.4.2.2).
    Unknown,
}

/// How it is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// Contains.
    Co,
    /// Starts with.
    Sw,
    /// Ends with.
    Ew,
    /// Greater, or later.
    Gt,
    /// Greater or equal.
    Ge,
    /// Less, or earlier.
    Lt,
    /// Less or equal.
    Le,
    /// Has a value.
    Pr,
}

/// What it is compared with.
#[derive(Clone, Debug)]
pub enum Operand {
    /// No value: `null`, and what stands beside `pr`.
    None,
    /// A text, folded if the attribute has no case.
    Text {
        /// As it was written.
        written: String,
        /// As it is compared.
        compared: String,
    },
    /// True or false.
    Truth(bool),
    /// A moment.
    Moment(jiff::Timestamp),
    /// Anything else, which no attribute of ours equals.
    Other,
}

impl Filter {
    /// Reads a filter on resources of `kind`. Refused with 400 `invalidFilter`: what breaks the grammar or a limit,
    /// compares what can't be compared, or asks for a password.
    pub fn parse(kind: Kind, text: &str) -> Result<Self, ScimError> {
        limits::check(text, limits::FILTER).map_err(refused)?;
        let root = parse::filter(kind, text).map_err(refused)?;
        Ok(Filter { root })
    }

    /// Whether a resource, as it would be given whole, meets it.
    pub fn matches(&self, resource: &Map<String, Value>) -> bool {
        evaluate::resource(&self.root, resource)
    }

    /// The index that answers it, or one of the conditions that must all hold; the first there is.
    pub fn lookup(&self) -> Option<Lookup<'_>> {
        match &self.root {
            Node::And(all) => all.iter().find_map(lookup_of),
            other => lookup_of(other),
        }
    }

    /// The ids of the members that it asks about, if it asks for nothing else of them: then these alone need be looked
    /// for in a group, however large that is.
    pub fn members_asked(&self) -> Option<Vec<&str>> {
        let mut ids = Vec::new();
        members_asked(&self.root, &mut ids).then_some(ids)
    }

    /// Whether it asks for that attribute: what it does not ask for need not be read.
    pub fn mentions(&self, name: &str) -> bool {
        mentions(&self.root, name)
    }
}

/// The ids of members that a node asks about, into `ids`; `false` if it asks for more of them than that.
fn members_asked<'f>(node: &'f Node, ids: &mut Vec<&'f str>) -> bool {
    let value = |node: &'f Node| match node {
        Node::Test(test) if matches!(test.place, Place::Part(part) if part.name == "value") => equal_to(test),
        _ => None,
    };
    match node {
        Node::And(all) | Node::Or(all) => all.iter().all(|node| members_asked(node, ids)),
        Node::Not(inner) => members_asked(inner, ids),
        Node::Test(Test { place: Place::Attribute(target), .. }) if target.attribute.name != "members" => true,
        Node::Test(test) => match (test.place, equal_to(test)) {
            (Place::Attribute(Target { part: Some(part), .. }), Some(id)) if part.name == "value" => {
                ids.push(id);
                true
            }
            (Place::Attribute(_), _) => false,
            _ => true,
        },
        Node::Element(target, inner) if target.attribute.name == "members" => {
            let asked = value(inner);
            ids.extend(asked);
            asked.is_some()
        }
        Node::Element(..) => true,
    }
}

/// Reads the filter between the brackets of a PATCH path, within [`PATH`]'s limits, which the caller has checked.
pub fn element_filter(attribute: &'static Attribute, text: &str) -> Result<Node, String> {
    parse::within(attribute, text)
}

/// Whether an element meets the filter of a PATCH path.
pub fn element_matches(filter: &Node, element: &Value) -> bool {
    evaluate::element(filter, element)
}

/// Checks the limits of a text before it is read.
pub fn check_limits(text: &str, bounds: Bounds) -> Result<(), String> {
    limits::check(text, bounds)
}

fn refused(reason: String) -> ScimError {
    ScimError::new(ScimType::InvalidFilter, reason)
}

fn lookup_of(node: &Node) -> Option<Lookup<'_>> {
    match node {
        Node::Test(test) => {
            let Place::Attribute(target) = test.place else { return None };
            let written = equal_to(test)?;
            match (target.attribute.name, target.part.map(|part| part.name)) {
                _ if target.extension.is_some() => None,
                ("userName", None) => Some(Lookup::UserName(written)),
                ("externalId", None) => Some(Lookup::ExternalId(written)),
                ("displayName", None) => Some(Lookup::DisplayName(written)),
                ("id", None) => Some(Lookup::Id(written)),
                ("members", Some("value")) => Some(Lookup::Member(written)),
                _ => None,
            }
        }
        Node::Element(target, inner) if target.attribute.name == "members" => {
            let conditions = match &**inner {
                Node::And(all) => all.as_slice(),
                one => std::slice::from_ref(one),
            };
            conditions.iter().find_map(|condition| match condition {
                Node::Test(test) if matches!(test.place, Place::Part(part) if part.name == "value") => {
                    equal_to(test).map(Lookup::Member)
                }
                _ => None,
            })
        }
        _ => None,
    }
}

/// The text that a test asks to be equal to.
pub fn equal_to(test: &Test) -> Option<&str> {
    match (test.operator, &test.operand) {
        (Operator::Eq, Operand::Text { written, .. }) => Some(written),
        _ => None,
    }
}

fn mentions(node: &Node, name: &str) -> bool {
    match node {
        Node::And(parts) | Node::Or(parts) => parts.iter().any(|part| mentions(part, name)),
        Node::Not(part) => mentions(part, name),
        Node::Test(test) => matches!(test.place, Place::Attribute(target) if target.attribute.name == name),
        Node::Element(target, _) => target.attribute.name == name,
    }
}

#[cfg(test)]
mod tests;
