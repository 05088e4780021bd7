//! `/Bulk`: each operation as if it had come alone, in the plan's order; what one makes is at hand for the next (S26).

use std::collections::HashMap;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, Method as HttpMethod, StatusCode, header};
use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::bulk::{BULK_RESPONSE_URN, BulkOperation, BulkPlan, Method, Step, outcome};
use super::error::ScimError;
use super::route::{BASE_PATH, Route, route};
use super::{Asked, ScimServer};

impl ScimServer {
    /// Does what can be done, and tells of each. Each operation is a transaction of its own: a refusal undoes none.
    pub(super) async fn bulk(&self, asked: &Asked) -> Result<Answer, ScimError> {
        let plan = BulkPlan::read(&asked.body)?;
        let mut made = HashMap::new();
        let (mut told, mut refusals) = (Vec::new(), 0_usize);
        for step in &plan.steps {
            if plan.fail_on_errors.is_some_and(|limit| refusals >= limit) {
                break;
            }
            let answer = match self.bulk_step(asked, step, &made).await {
                Ok(answer) => answer,
                Err(error) => {
                    refusals += 1;
                    Answer::from(error)
                }
            };
            let location = answer.location.clone().or_else(|| self.place(step, &made));
            let id = location.as_deref().and_then(|location| location.rsplit('/').next());
            if let (StatusCode::CREATED, Some(name), Some(id)) = (answer.status, &step.bulk_id, id) {
                made.insert(name.clone(), id.to_owned());
            }
            let body = answer.body.filter(|_| !answer.status.is_success());
            let entry = outcome(step, answer.status.as_u16(), location.as_deref(), answer.etag.as_deref(), body);
            told.push((step.index, entry));
        }
        told.sort_by_key(|(index, _)| *index);
        let operations: Vec<Value> = told.into_iter().map(|(_, entry)| entry).collect();
        Ok(Answer::ok(json!({ "schemas": [BULK_RESPONSE_URN], "Operations": operations })))
    }

    async fn bulk_step(&self, asked: &Asked, step: &Step, made: &HashMap<String, String>) -> Result<Answer, ScimError> {
        let operation = step.operation.clone()?.resolved(made)?;
        let path = format!("{BASE_PATH}{}/{}", operation.kind.endpoint(), operation.id.as_deref().unwrap_or_default());
        let method = match operation.method {
            Method::Post => HttpMethod::POST,
            Method::Put => HttpMethod::PUT,
            Method::Patch => HttpMethod::PATCH,
            Method::Delete => HttpMethod::DELETE,
        };
        let alone = alone(asked, operation)?;
        // The route is one of users or groups: a Bulk request within another does not exist.
        Box::pin(self.dispatch(&method, route(&path), &alone)).await
    }

    /// Where the resource of an operation is that made none.
    fn place(&self, step: &Step, made: &HashMap<String, String>) -> Option<String> {
        let operation = step.operation.as_ref().ok()?.clone().resolved(made).ok()?;
        let path = format!("{}/{}", operation.kind.endpoint(), operation.id?);
        let is_one = matches!(route(&format!("{BASE_PATH}{path}")), Route::User(_) | Route::Group(_));
        is_one.then(|| format!("{}{path}", self.base))
    }
}

/// The request that the operation would be.
fn alone(asked: &Asked, operation: BulkOperation) -> Result<Asked, ScimError> {
    let mut headers = HeaderMap::new();
    if let Some(version) = &operation.version {
        let value = HeaderValue::try_from(version).map_err(|_| ScimError::value("`version` is no entity tag."))?;
        headers.insert(header::IF_MATCH, value);
    }
    let body = if operation.method == Method::Delete { Bytes::new() } else { bytes(operation.data) };
    Ok(Asked { scope: asked.scope.clone(), query: String::new(), headers, body })
}

fn bytes(data: Map<String, Value>) -> Bytes {
    Bytes::from(Value::Object(data).to_string())
}
