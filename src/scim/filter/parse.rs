//! Understands a filter: `not` binds closer than `and`, `and` closer than `or` (RFC 7644 §3.4.2.2).

use super::words::{Word, Words};
use super::{Node, Operand, Operator, Place, Test};
use crate::scim::coerce::truth_of;
use crate::scim::fold::fold;
use crate::scim::path::{Name, Target, is_name, resolve};
use crate::scim::schema::{Attribute, Kind, Returned, Type};

/// Where names are looked up.
#[derive(Clone, Copy)]
enum Scope {
    /// Among the attributes of a kind of resource.
    Resource(Kind),
    /// Among the parts of an attribute.
    Element(&'static Attribute),
}

/// A whole filter on resources.
pub fn filter(kind: Kind, text: &str) -> Result<Node, String> {
    whole(Scope::Resource(kind), text)
}

/// A filter on the elements of an attribute.
pub fn within(attribute: &'static Attribute, text: &str) -> Result<Node, String> {
    whole(Scope::Element(attribute), text)
}

fn whole(scope: Scope, text: &str) -> Result<Node, String> {
    let mut parser = Parser { words: Words::new(text)? };
    let node = parser.any(scope)?;
    match parser.words.peek() {
        None => Ok(node),
        Some(_) => Err("Something follows where the filter should end.".to_owned()),
    }
}

struct Parser<'t> {
    words: Words<'t>,
}

impl Parser<'_> {
    /// `a or b or …`
    fn any(&mut self, scope: Scope) -> Result<Node, String> {
        let mut parts = vec![self.all(scope)?];
        while self.words.take_word("or")? {
            parts.push(self.all(scope)?);
        }
        Ok(if parts.len() == 1 { parts.swap_remove(0) } else { Node::Or(parts) })
    }

    /// `a and b and …`
    fn all(&mut self, scope: Scope) -> Result<Node, String> {
        let mut parts = vec![self.term(scope)?];
        while self.words.take_word("and")? {
            parts.push(self.term(scope)?);
        }
        Ok(if parts.len() == 1 { parts.swap_remove(0) } else { Node::And(parts) })
    }

    fn term(&mut self, scope: Scope) -> Result<Node, String> {
        if self.words.take_bracket('(')? {
            return self.closed(scope, ')');
        }
        let Some(Word::Bare(name)) = self.words.take()? else {
            return Err("The filter lacks an attribute where one is wanted.".to_owned());
        };
        if name.eq_ignore_ascii_case("not") && self.words.take_bracket('(')? {
            return Ok(Node::Not(Box::new(self.closed(scope, ')')?)));
        }
        let place = place(scope, name)?;
        if self.words.take_bracket('[')? {
            return self.element(scope, name, place);
        }
        self.test(name, place).map(Node::Test)
    }

    /// What stands in brackets, the first of which is already taken.
    fn closed(&mut self, scope: Scope, end: char) -> Result<Node, String> {
        let inner = self.any(scope)?;
        if self.words.take_bracket(end)? { Ok(inner) } else { Err(format!("The filter lacks a `{end}`.")) }
    }

    /// `emails[…]`, and `emails[…].value eq "…"`, which asks more of the same element.
    fn element(&mut self, scope: Scope, name: &str, place: Place) -> Result<Node, String> {
        let target = match (scope, place) {
            (Scope::Element(_), _) => return Err("A filter in brackets can't hold another one.".to_owned()),
            (_, Place::Attribute(target)) if target.part.is_none() && target.attribute.kind == Type::Complex => {
                Some(target)
            }
            (_, Place::Unknown) => None,
            _ => return Err(format!("`{name}` has no parts that a filter in brackets could ask for.")),
        };
        let Some(target) = target else {
            // Of an attribute that nobody has, no element meets anything; what is asked must be well formed all the same.
            self.closed(Scope::Element(&NOBODYS), ']')?;
            self.further_test(&NOBODYS)?;
            return Ok(Node::Or(Vec::new()));
        };
        let inner = self.closed(Scope::Element(target.attribute), ']')?;
        let inner = match self.further_test(target.attribute)? {
            Some(test) => Node::And(vec![inner, Node::Test(test)]),
            None => inner,
        };
        Ok(Node::Element(target, Box::new(inner)))
    }

    fn further_test(&mut self, attribute: &'static Attribute) -> Result<Option<Test>, String> {
        let part = match self.words.peek() {
            Some(Word::Bare(bare)) => bare.strip_prefix('.'),
            _ => None,
        };
        let Some(part) = part else { return Ok(None) };
        self.words.take()?;
        let place = place(Scope::Element(attribute), part)?;
        self.test(part, place).map(Some)
    }

    fn test(&mut self, name: &str, place: Place) -> Result<Test, String> {
        let operator = match self.words.take()? {
            Some(Word::Bare(word)) => operator(word).ok_or_else(|| format!("`{word}` is no operator of a filter."))?,
            _ => return Err(format!("The filter lacks an operator behind `{name}`.")),
        };
        if operator == Operator::Pr {
            return Ok(Test { place, operator, operand: Operand::None });
        }
        let place =
            of_value(place).ok_or_else(|| format!("`{name}` can't be compared as a whole: name a part of it."))?;
        let operand = self.operand(name, place, operator)?;
        Ok(Test { place, operator, operand })
    }

    fn operand(&mut self, name: &str, place: Place, operator: Operator) -> Result<Operand, String> {
        let equality = matches!(operator, Operator::Eq | Operator::Ne);
        let leaf = leaf(place);
        let unfit = || format!("What `{name}` is compared with does not fit it.");
        match self.words.take()? {
            Some(Word::Text(written)) => text_operand(leaf, written, operator).ok_or_else(unfit),
            Some(Word::Bare("null")) if equality => Ok(Operand::None),
            Some(Word::Bare(truth @ ("true" | "false"))) if equality => match leaf.map(|leaf| leaf.kind) {
                Some(Type::Boolean) => Ok(Operand::Truth(truth == "true")),
                None => Ok(Operand::Other),
                Some(_) => Err(unfit()),
            },
            Some(Word::Bare(bare)) if leaf.is_none() && serde_json::from_str::<serde_json::Number>(bare).is_ok() => {
                Ok(Operand::Other)
            }
            _ => Err(unfit()),
        }
    }
}

/// Stands for an attribute that no resource has.
static NOBODYS: Attribute = Attribute::complex("", "", &[]);

fn text_operand(leaf: Option<&Attribute>, written: String, operator: Operator) -> Option<Operand> {
    let in_text = matches!(operator, Operator::Co | Operator::Sw | Operator::Ew);
    let equality = matches!(operator, Operator::Eq | Operator::Ne);
    match leaf {
        Some(leaf) if leaf.kind == Type::Boolean => truth_of(&written).filter(|_| equality).map(Operand::Truth),
        Some(leaf) if leaf.kind == Type::DateTime && !in_text => moment(&written).map(Operand::Moment),
        Some(leaf) if leaf.kind == Type::Binary && !equality && !in_text => None,
        Some(leaf) if !leaf.case_exact => {
            let compared = fold(&written);
            Some(Operand::Text { written, compared })
        }
        _ => Some(Operand::Text { compared: written.clone(), written }),
    }
}

/// A moment, with any number of digits and any offset; without a zone it is UTC.
pub fn moment(text: &str) -> Option<jiff::Timestamp> {
    let zoned = text.parse().ok();
    zoned.or_else(|| {
        text.parse::<jiff::civil::DateTime>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|z| z.timestamp())
    })
}

fn operator(word: &str) -> Option<Operator> {
    Some(match word.to_ascii_lowercase().as_str() {
        "eq" => Operator::Eq,
        "ne" => Operator::Ne,
        "co" => Operator::Co,
        "sw" => Operator::Sw,
        "ew" => Operator::Ew,
        "gt" => Operator::Gt,
        "ge" => Operator::Ge,
        "lt" => Operator::Lt,
        "le" => Operator::Le,
        "pr" => Operator::Pr,
        _ => return None,
    })
}

fn place(scope: Scope, name: &str) -> Result<Place, String> {
    let malformed = || "The filter holds a name that is none.".to_owned();
    let place = match scope {
        Scope::Resource(kind) => match resolve_or_extension(kind, name).ok_or_else(malformed)? {
            Name::Attribute(target) => Place::Attribute(target),
            Name::Unknown => Place::Unknown,
            Name::Schema(schema) => return Err(format!("`{}` names no attribute.", schema.id)),
        },
        Scope::Element(_) if !is_name(name) => return Err(malformed()),
        Scope::Element(attribute) => attribute.sub(name).map_or(Place::Unknown, Place::Part),
    };
    match leaf(place) {
        Some(leaf) if leaf.returned == Returned::Never => Err(format!("`{}` can't be asked for.", leaf.name)),
        _ => Ok(place),
    }
}

/// Entra looks managers up as `manager eq "…"`, without the URN of the extension (S28).
fn resolve_or_extension(kind: Kind, name: &str) -> Option<Name> {
    match (resolve(kind, name)?, kind.extension()) {
        (Name::Unknown, Some(extension)) if !name.contains(':') => resolve(kind, &format!("{}:{name}", extension.id)),
        (known, _) => Some(known),
    }
}

fn leaf(place: Place) -> Option<&'static Attribute> {
    match place {
        Place::Attribute(target) => Some(target.leaf()),
        Place::Part(part) => Some(part),
        Place::Unknown => None,
    }
}

/// What is compared where a whole attribute is named: its part `value`.
fn of_value(place: Place) -> Option<Place> {
    match place {
        Place::Attribute(target) if target.leaf().kind == Type::Complex => {
            Some(target.of_value()).filter(|target: &Target| target.part.is_some()).map(Place::Attribute)
        }
        other => Some(other),
    }
}
