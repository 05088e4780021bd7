//! Holds a filter against a resource, or against one element of an attribute.

use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::parse::moment;
use super::{Node, Operand, Operator, Place, Test};
use crate::scim::fold::fold;
use crate::scim::schema::Attribute;

/// Whether a resource meets the filter.
pub fn resource(node: &Node, whole: &Map<String, Value>) -> bool {
    holds(
        node,
        &|test| match test.place {
            Place::Attribute(target) => meets(test, Some(target.leaf()), &mut target.values(whole)),
            _ => meets(test, None, &mut std::iter::empty()),
        },
        &|target, inner| target.elements(whole).iter().any(|one| element(inner, one)),
    )
}

/// Whether one element meets the filter.
pub fn element(node: &Node, one: &Value) -> bool {
    holds(
        node,
        &|test| match test.place {
            Place::Part(part) => {
                let value = one.get(part.name).filter(|value| !value.is_null());
                meets(test, Some(part), &mut value.into_iter())
            }
            _ => meets(test, None, &mut std::iter::empty()),
        },
        &|_, _| false,
    )
}

/// As deep as the filter's brackets, which are few ([`DEPTH_LIMIT`](super::limits::DEPTH_LIMIT)).
fn holds(node: &Node, test: &dyn Fn(&Test) -> bool, some_element: &dyn Fn(&super::Target, &Node) -> bool) -> bool {
    match node {
        Node::And(parts) => parts.iter().all(|part| holds(part, test, some_element)),
        Node::Or(parts) => parts.iter().any(|part| holds(part, test, some_element)),
        Node::Not(part) => !holds(part, test, some_element),
        Node::Test(one) => test(one),
        Node::Element(target, inner) => some_element(target, inner),
    }
}

/// Of several values one is enough. An attribute without any is null: equal to null, and different from all else.
fn meets(test: &Test, leaf: Option<&Attribute>, values: &mut dyn Iterator<Item = &Value>) -> bool {
    let mut values = values.filter(|value| has_value(value)).peekable();
    let absent = values.peek().is_none();
    match (test.operator, &test.operand) {
        (Operator::Pr, _) | (Operator::Ne, Operand::None) => !absent,
        (_, Operand::None) => absent,
        (Operator::Ne, _) if absent => true,
        _ => values.any(|value| compare(test, leaf, value)),
    }
}

fn has_value(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Array(values) => !values.is_empty(),
        Value::Object(parts) => !parts.is_empty(),
        _ => true,
    }
}

fn compare(test: &Test, leaf: Option<&Attribute>, value: &Value) -> bool {
    match (&test.operand, value) {
        (Operand::Truth(wanted), Value::Bool(truth)) => (truth == wanted) == (test.operator == Operator::Eq),
        (Operand::Moment(wanted), Value::String(text)) => match moment(text) {
            Some(moment) => ordered(test.operator, moment.cmp(wanted)),
            None => test.operator == Operator::Ne,
        },
        (Operand::Text { compared, .. }, Value::String(text)) => {
            if leaf.is_some_and(|leaf| leaf.case_exact) {
                compare_text(test.operator, text, compared)
            } else if test.operator == Operator::Eq && text.is_ascii() {
                // The same without a copy, since nearly all comparisons are this one.
                text.eq_ignore_ascii_case(compared)
            } else {
                compare_text(test.operator, &fold(text), compared)
            }
        }
        _ => test.operator == Operator::Ne,
    }
}

fn compare_text(operator: Operator, text: &str, wanted: &str) -> bool {
    match operator {
        Operator::Co => text.contains(wanted),
        Operator::Sw => text.starts_with(wanted),
        Operator::Ew => text.ends_with(wanted),
        _ => ordered(operator, text.cmp(wanted)),
    }
}

fn ordered(operator: Operator, order: Ordering) -> bool {
    match operator {
        Operator::Eq => order.is_eq(),
        Operator::Ne => order.is_ne(),
        Operator::Gt => order.is_gt(),
        Operator::Ge => order.is_ge(),
        Operator::Lt => order.is_lt(),
        Operator::Le => order.is_le(),
        Operator::Co | Operator::Sw | Operator::Ew | Operator::Pr => false,
    }
}
