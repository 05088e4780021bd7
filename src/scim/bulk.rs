//! Plans a Bulk request (RFC 7644 §3.7): what is made before what names it, and what can't be done at all (S26).

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};

use serde_json::{Map, Value, json};

use super::error::{ScimError, ScimType};
use super::json;
use super::schema::Kind;

/// The most operations of one request.
pub const BULK_OPERATIONS_LIMIT: usize = 1_000;
/// The URN of the answer.
pub const BULK_RESPONSE_URN: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";
/// What stands before a bulkId where an id is wanted.
const MARK: &str = "bulkId:";

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Makes a resource.
    Post,
    /// Replaces one.
    Put,
    /// Changes one.
    Patch,
    /// Takes one away.
    Delete,
}

impl Method {
    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        }
    }

    fn read(text: &str) -> Option<Self> {
        let all = [Method::Post, Method::Put, Method::Patch, Method::Delete];
        all.into_iter().find(|method| method.as_str().eq_ignore_ascii_case(text))
    }
}

/// An operation that can be tried.
#[derive(Clone, Debug, PartialEq)]
pub struct BulkOperation {
    /// What it does.
    pub method: Method,
    /// On what kind of resource.
    pub kind: Kind,
    /// On which; none for one that is made.
    pub id: Option<String>,
    /// The ETag that it asks for.
    pub version: Option<String>,
    /// Its body; empty for DELETE.
    pub data: Map<String, Value>,
}

/// A place in the plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Its number in the request, from 0: answers stand in that order.
    pub index: usize,
    /// Its method, as it was sent.
    pub method: String,
    /// The client's name for it.
    pub bulk_id: Option<String>,
    /// What is to be done, or why it can't be.
    pub operation: Result<BulkOperation, ScimError>,
}

/// A Bulk request in the order in which it can be done.
#[derive(Clone, Debug, PartialEq)]
pub struct BulkPlan {
    /// After how many refusals the rest is left undone.
    pub fail_on_errors: Option<usize>,
    /// The steps, in their order.
    pub steps: Vec<Step>,
}

impl BulkPlan {
    /// Reads and plans. Refused as a whole: what is no BulkRequest (400), and more than [`BULK_OPERATIONS_LIMIT`] (413).
    /// An operation that is wrong in itself, names a bulkId that nothing makes, or stands in a circle, is a refused step.
    pub fn read(body: &[u8]) -> Result<Self, ScimError> {
        let mut body = json::read_object(body)?;
        let fail_on_errors = match json::take(&mut body, "failOnErrors")? {
            None => None,
            Some(count) => Some(
                count
                    .as_u64()
                    .and_then(|count| usize::try_from(count).ok())
                    .ok_or_else(|| ScimError::value("`failOnErrors` must be a whole number."))?,
            ),
        };
        let Some(Value::Array(sent)) = json::take(&mut body, "Operations")? else {
            return Err(ScimError::syntax("A Bulk request needs a list named `Operations`."));
        };
        if sent.len() > BULK_OPERATIONS_LIMIT {
            return Err(ScimError::plain(413, format!("A Bulk request may have {BULK_OPERATIONS_LIMIT} operations.")));
        }
        let steps = sent.into_iter().enumerate().map(|(index, sent)| read_step(index, sent)).collect();
        Ok(BulkPlan { fail_on_errors: fail_on_errors.filter(|count| *count > 0), steps: in_order(steps) })
    }
}

impl BulkOperation {
    /// The same with the ids of what was made in the place of its references. `made`: bulkId to id.
    /// Refused (409) if what it names was not made.
    pub fn resolved(mut self, made: &HashMap<String, String>) -> Result<Self, ScimError> {
        let missing = |name: &str| ScimError::plain(409, format!("`{MARK}{name}` was not made."));
        if let Some(name) = self.id.as_deref().and_then(|id| id.strip_prefix(MARK)) {
            self.id = Some(made.get(name).cloned().ok_or_else(|| missing(name))?);
        }
        let mut lacking = None;
        for path in self.paths() {
            *path = with_references(path, &mut |name| {
                let id = made.get(name).cloned();
                if id.is_none() {
                    lacking = Some(missing(name));
                }
                id.unwrap_or_default()
            });
        }
        for value in self.data.values_mut() {
            each_text(value, &mut |text| {
                let Some(name) = text.strip_prefix(MARK) else { return };
                match made.get(name) {
                    Some(id) => *text = id.clone(),
                    None => lacking = Some(missing(name)),
                }
            });
        }
        lacking.map_or(Ok(self), Err)
    }

    /// The bulkIds that it names.
    fn references(&mut self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        names.extend(self.id.as_deref().and_then(|id| id.strip_prefix(MARK)).map(str::to_owned));
        for path in self.paths() {
            with_references(path, &mut |name| {
                names.insert(name.to_owned());
                String::new()
            });
        }
        for value in self.data.values_mut() {
            each_text(value, &mut |text| names.extend(text.strip_prefix(MARK).map(str::to_owned)));
        }
        names
    }

    /// The paths of a PATCH's operations.
    fn paths(&mut self) -> impl Iterator<Item = &mut String> {
        let patch = self.method == Method::Patch;
        let named = |wanted: &'static str| move |(name, _): &(&String, &mut Value)| name.eq_ignore_ascii_case(wanted);
        let operations = self.data.iter_mut().filter(move |_| patch).filter(named("Operations"));
        let operations = operations.filter_map(|(_, list)| list.as_array_mut()).flatten();
        let entries = operations.filter_map(Value::as_object_mut).flat_map(Map::iter_mut);
        entries.filter(named("path")).filter_map(|(_, path)| match path {
            Value::String(path) => Some(path),
            _ => None,
        })
    }
}

/// A path with other texts in the place of its references, as in `members[value eq "bulkId:ada"]`.
fn with_references(path: &str, id: &mut dyn FnMut(&str) -> String) -> String {
    let pieces = path.split('"').enumerate().map(|(at, piece)| match piece.strip_prefix(MARK) {
        Some(name) if at % 2 == 1 => id(name),
        _ => piece.to_owned(),
    });
    pieces.collect::<Vec<String>>().join("\"")
}

/// Bodies were read with a bounded depth ([`json::DEPTH_LIMIT`]).
fn each_text(value: &mut Value, visit: &mut dyn FnMut(&mut String)) {
    match value {
        Value::String(text) => visit(text),
        Value::Array(values) => values.iter_mut().for_each(|value| each_text(value, visit)),
        Value::Object(values) => values.values_mut().for_each(|value| each_text(value, visit)),
        _ => {}
    }
}

fn read_step(index: usize, sent: Value) -> Step {
    let mut sent = match sent {
        Value::Object(sent) => sent,
        _ => Map::new(),
    };
    let mut text = |name: &str| match json::take(&mut sent, name) {
        Ok(Some(Value::String(text))) => Ok(Some(text)),
        Ok(None) => Ok(None),
        _ => Err(ScimError::syntax(format!("`{name}` of an operation must be a text."))),
    };
    let (method, bulk_id, version, path) = (text("method"), text("bulkId"), text("version"), text("path"));
    let told = method.clone().ok().flatten().unwrap_or_default();
    let named = bulk_id.clone().ok().flatten();
    let operation = (|| {
        let method = method?.and_then(|method| Method::read(&method));
        let method = method.ok_or_else(|| ScimError::syntax("`method` must be POST, PUT, PATCH or DELETE."))?;
        let path = path?.ok_or_else(|| ScimError::syntax("An operation needs a `path`."))?;
        let (kind, id) = read_path(method, &path)?;
        if method == Method::Post && bulk_id?.is_none_or(|name| name.is_empty()) {
            return Err(ScimError::syntax("A POST needs a `bulkId`."));
        }
        let data = match (json::take(&mut sent, "data")?, method) {
            (_, Method::Delete) => Map::new(),
            (Some(Value::Object(data)), _) => data,
            // RFC 7644 §3.7.3 shows the operations alone.
            (Some(operations @ Value::Array(_)), Method::Patch) => {
                Map::from_iter([("Operations".to_owned(), operations)])
            }
            _ => return Err(ScimError::syntax("An operation needs an object as its `data`.")),
        };
        Ok(BulkOperation { method, kind, id, version: version?, data })
    })();
    Step { index, method: told, bulk_id: named, operation }
}

/// `/Users` and `/Groups` for a POST, `/Users/{id}` and `/Groups/{id}` for the rest.
fn read_path(method: Method, path: &str) -> Result<(Kind, Option<String>), ScimError> {
    let found = Kind::ALL.into_iter().find_map(|kind| {
        let rest = path.strip_prefix(kind.endpoint())?;
        (rest.is_empty() || rest.starts_with('/')).then(|| (kind, rest.trim_matches('/')))
    });
    match (found, method) {
        (Some((kind, "")), Method::Post) => Ok((kind, None)),
        (Some((kind, id)), Method::Put | Method::Patch | Method::Delete) if !id.is_empty() && !id.contains('/') => {
            Ok((kind, Some(id.to_owned())))
        }
        _ => Err(ScimError::new(ScimType::InvalidPath, format!("`{path}` is no path for {}.", method.as_str()))),
    }
}

/// What is named comes before what names it; otherwise the order is the request's.
fn in_order(mut steps: Vec<Step>) -> Vec<Step> {
    let mut makers: BTreeMap<String, usize> = BTreeMap::new();
    for step in &mut steps {
        let made = step.operation.as_ref().is_ok_and(|operation| operation.method == Method::Post);
        let Some(name) = step.bulk_id.clone().filter(|_| made) else { continue };
        if makers.insert(name, step.index).is_some() {
            step.operation = Err(ScimError::value("Another operation has the same `bulkId`."));
        }
    }
    let mut waiting_for = vec![0_usize; steps.len()];
    let mut followers: Vec<Vec<usize>> = vec![Vec::new(); steps.len()];
    for step in &mut steps {
        let Ok(operation) = &mut step.operation else { continue };
        for name in operation.references() {
            let Some(maker) = makers.get(&name) else {
                step.operation = Err(ScimError::value(format!("Nothing in the request makes `{MARK}{name}`.")));
                break;
            };
            waiting_for[step.index] += 1;
            followers[*maker].push(step.index);
        }
    }
    let mut ready: BinaryHeap<Reverse<usize>> =
        (0..steps.len()).filter(|index| waiting_for[*index] == 0).map(Reverse).collect();
    let mut order = Vec::with_capacity(steps.len());
    while let Some(Reverse(next)) = ready.pop() {
        order.push(next);
        for follower in &followers[next] {
            waiting_for[*follower] -= 1;
            if waiting_for[*follower] == 0 {
                ready.push(Reverse(*follower));
            }
        }
    }
    for step in steps.iter_mut().filter(|step| waiting_for[step.index] > 0) {
        step.operation = Err(ScimError::plain(409, "The operation waits for one that waits for it."));
        order.push(step.index);
    }
    let mut by_index: Vec<Option<Step>> = steps.into_iter().map(Some).collect();
    order.into_iter().filter_map(|index| by_index[index].take()).collect()
}

/// What became of a step: one entry of the answer's `Operations`. `body` is given where it was refused (RFC 7644 §3.7.3).
pub fn outcome(step: &Step, status: u16, location: Option<&str>, version: Option<&str>, body: Option<Value>) -> Value {
    let mut told = json!({ "method": step.method, "status": status.to_string() });
    let more = [("bulkId", step.bulk_id.as_deref()), ("location", location), ("version", version)];
    for (name, text) in more {
        if let Some(text) = text {
            told[name] = text.into();
        }
    }
    if let Some(body) = body {
        told["response"] = body;
    }
    told
}

#[cfg(test)]
#[path = "bulk_tests.rs"]
mod tests;
