//! What an operation makes of the values of one attribute.

use serde_json::{Map, Value};

use super::Verb;
use crate::scim::coerce::{self, Place, VALUES_LIMIT};
use crate::scim::error::{ScimError, ScimType};
use crate::scim::filter::{self, Node, Operand, Operator};
use crate::scim::schema::{Attribute, Mutability};

/// What is to be done.
pub struct Change<'c> {
    pub verb: Verb,
    pub attribute: &'static Attribute,
    pub part: Option<&'static Attribute>,
    pub filter: Option<&'c Node>,
    /// None is null, or nothing.
    pub value: Option<&'c Value>,
}

/// The parts of an object, with some of them set, and those sent as null or empty taken away.
fn merged(attribute: &Attribute, mut parts: Map<String, Value>, sent: &Value) -> Result<Map<String, Value>, ScimError> {
    let whole = coerce::one(attribute, sent.clone(), Place::Patch)?;
    if let Value::Object(sent) = sent {
        for (name, value) in sent {
            if let Some(part) = attribute.sub(name).filter(|_| value.is_null()) {
                parts.remove(part.name);
            }
        }
    }
    if let Some(Value::Object(whole)) = whole {
        parts.extend(whole);
    }
    Ok(parts)
}

fn object(parts: Map<String, Value>) -> Option<Value> {
    (!parts.is_empty()).then_some(Value::Object(parts))
}

fn set_part(parts: &mut Map<String, Value>, part: &Attribute, value: Option<Value>) {
    match value {
        Some(value) => drop(parts.insert(part.name.to_owned(), value)),
        None => drop(parts.remove(part.name)),
    }
}

impl Change<'_> {
    /// What the attribute's value is afterwards.
    pub fn apply(&self, before: Option<Value>) -> Result<Option<Value>, ScimError> {
        if self.attribute.multi_valued { self.several(before) } else { self.single(before) }
    }

    /// The value for a part; none to take it away.
    fn part_value(&self, part: &Attribute) -> Result<Option<Value>, ScimError> {
        match self.value.filter(|_| self.verb != Verb::Remove) {
            Some(value) => coerce::one(part, value.clone(), Place::Patch),
            None => Ok(None),
        }
    }

    fn single(&self, before: Option<Value>) -> Result<Option<Value>, ScimError> {
        let parts = match before {
            Some(Value::Object(parts)) => parts,
            _ => Map::new(),
        };
        if let Some(part) = self.part {
            let value = self.part_value(part)?;
            let mut parts = if stands_for_the_whole(self.attribute, part) { Map::new() } else { parts };
            // Nobody is managed by nobody (S28).
            set_part(&mut parts, part, value.filter(|value| self.attribute.name != "manager" || value != ""));
            return Ok(object(parts));
        }
        let Some(value) = self.value.filter(|_| self.verb != Verb::Remove) else { return Ok(None) };
        let fits = coerce::one(self.attribute, value.clone(), Place::Patch)?;
        // A reference to another is another one; of anything else with parts, those that are not named stay.
        let stays = !self.attribute.sub_attributes.is_empty() && !self.attribute.has_value_part();
        if stays { Ok(object(merged(self.attribute, parts, value)?)) } else { Ok(fits) }
    }

    fn several(&self, before: Option<Value>) -> Result<Option<Value>, ScimError> {
        let mut elements = match before {
            Some(Value::Array(elements)) => elements,
            _ => Vec::new(),
        };
        let written = match (self.filter, self.part, self.verb) {
            (None, None, Verb::Add) => self.append(&mut elements)?,
            (None, None, Verb::Replace) => {
                elements.clear();
                self.append(&mut elements)?
            }
            (None, None, Verb::Remove) => self.remove_named(&mut elements)?,
            (_, None, Verb::Remove) => {
                elements.retain(|element| !self.chooses(element));
                Vec::new()
            }
            (_, None, _) => self.write_chosen(&mut elements)?,
            (_, Some(part), _) => self.write_part(part, &mut elements)?,
        };
        one_primary(self.attribute, &mut elements, &written)?;
        elements.retain(|element| element.as_object().is_none_or(|parts| !parts.is_empty()));
        if elements.len() > VALUES_LIMIT {
            return Err(ScimError::plain(413, format!("`{}` may have {VALUES_LIMIT} values.", self.attribute.name)));
        }
        Ok((!elements.is_empty()).then_some(Value::Array(elements)))
    }

    fn chooses(&self, element: &Value) -> bool {
        self.filter.is_none_or(|filter| filter::element_matches(filter, element))
    }

    fn sent_elements(&self) -> Result<Vec<Value>, ScimError> {
        let sent = self.value.cloned().unwrap_or(Value::Null);
        match coerce::value(self.attribute, sent, Place::Patch)? {
            Some(Value::Array(sent)) => Ok(sent),
            _ => Ok(Vec::new()),
        }
    }

    /// Appends what is not yet there; gives where what was sent stands now.
    fn append(&self, elements: &mut Vec<Value>) -> Result<Vec<usize>, ScimError> {
        let mut written = Vec::new();
        for sent in self.sent_elements()? {
            let there = elements.iter().position(|element| *element == sent);
            written.push(there.unwrap_or(elements.len()));
            if there.is_none() {
                elements.push(sent);
            }
        }
        Ok(written)
    }

    /// Takes out all; or, where the value names some, those that have everything that it says of them (S28).
    fn remove_named(&self, elements: &mut Vec<Value>) -> Result<Vec<usize>, ScimError> {
        if self.value.is_none() {
            elements.clear();
            return Ok(Vec::new());
        }
        let named = self.sent_elements()?;
        let has_all = |element: &Value, wanted: &Value| {
            let mut parts = wanted.as_object().into_iter().flatten();
            parts.all(|(name, value)| element.get(name) == Some(value))
        };
        elements.retain(|element| !named.iter().any(|wanted| has_all(element, wanted)));
        Ok(Vec::new())
    }

    /// Adds to the chosen elements, or puts the value in their place; makes one that the filter would choose if there is
    /// none (S28).
    fn write_chosen(&self, elements: &mut Vec<Value>) -> Result<Vec<usize>, ScimError> {
        let Some(value) = self.value else {
            elements.retain(|element| !self.chooses(element));
            return Ok(Vec::new());
        };
        let alone = match value {
            Value::Array(list) if list.len() == 1 => &list[0],
            other => other,
        };
        let chosen: Vec<usize> = (0..elements.len()).filter(|at| self.chooses(&elements[*at])).collect();
        if chosen.is_empty() {
            let made = merged(self.attribute, self.seed()?, alone)?;
            elements.push(Value::Object(made));
            return Ok(vec![elements.len() - 1]);
        }
        for at in &chosen {
            let parts = match elements[*at].take() {
                Value::Object(parts) if self.verb == Verb::Add => parts,
                _ => Map::new(),
            };
            elements[*at] = Value::Object(merged(self.attribute, parts, alone)?);
        }
        Ok(chosen)
    }

    fn write_part(&self, part: &'static Attribute, elements: &mut Vec<Value>) -> Result<Vec<usize>, ScimError> {
        let value = self.part_value(part)?;
        let mut chosen: Vec<usize> = (0..elements.len()).filter(|at| self.chooses(&elements[*at])).collect();
        if chosen.is_empty() && value.is_some() {
            elements.push(Value::Object(self.seed()?));
            chosen.push(elements.len() - 1);
        }
        for at in &chosen {
            if let Value::Object(parts) = &mut elements[*at] {
                set_part(parts, part, value.clone());
            }
        }
        Ok(chosen)
    }

    /// What an element has for sure if the filter chooses it.
    fn seed(&self) -> Result<Map<String, Value>, ScimError> {
        let mut parts = Map::new();
        match self.filter {
            Some(filter) if !seed(filter, &mut parts) => {
                let name = self.attribute.name;
                Err(ScimError::new(ScimType::NoTarget, format!("No value of `{name}` is chosen by the path's filter.")))
            }
            _ => Ok(parts),
        }
    }
}

/// Whether a part is the whole reference, so that another value makes it another reference.
fn stands_for_the_whole(attribute: &Attribute, part: &Attribute) -> bool {
    attribute.has_value_part() && part.name == "value"
}

/// Reads `type eq "work" and primary eq true` as an element; false if the filter leaves a choice.
fn seed(filter: &Node, parts: &mut Map<String, Value>) -> bool {
    match filter {
        Node::And(all) => all.iter().all(|one| seed(one, parts)),
        Node::Test(test) => {
            let filter::Place::Part(part) = test.place else { return false };
            let value = match (&test.operand, test.operator) {
                (Operand::Text { written, .. }, Operator::Eq) => Value::String(written.clone()),
                (Operand::Truth(truth), Operator::Eq) => Value::Bool(*truth),
                _ => return false,
            };
            part.mutability != Mutability::ReadOnly && parts.insert(part.name.to_owned(), value).is_none()
        }
        _ => false,
    }
}

/// A new preferred value takes the mark from the old one (RFC 7644 §3.5.2).
fn one_primary(attribute: &Attribute, elements: &mut [Value], written: &[usize]) -> Result<(), ScimError> {
    let mut new = written.iter().copied().filter(|at| coerce::is_primary(&elements[*at]));
    let Some(first) = new.next() else { return Ok(()) };
    if new.any(|other| other != first) {
        return Err(ScimError::value(format!("At most one value of `{}` may be primary.", attribute.name)));
    }
    for (at, element) in elements.iter_mut().enumerate() {
        if at != first && coerce::is_primary(element) {
            element["primary"] = Value::Bool(false);
        }
    }
    Ok(())
}
