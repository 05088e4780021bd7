//! `/.search`: people, and behind them groups, as one list (RFC 7644 §3.4.3, S12).

use serde_json::Value;

use super::answer::Answer;
use super::error::{ScimError, ScimType};
use super::list::{ListRequest, Page, Position, list_response};
use super::schema::Kind;
use super::sort::Sort;
use super::{Asked, ScimServer};

impl ScimServer {
    /// A page of everything that the filter finds. An attribute that one kind has and the other has not finds, and
    /// sorts, those that have it. Cursors are for lists of one kind.
    pub(super) async fn search_all(&self, asked: &Asked) -> Result<Answer, ScimError> {
        let request = ListRequest::from_search(&asked.body)?;
        let Page::Index(start) = request.page else {
            let text = "A search through everything goes by startIndex; cursors are for /Users and /Groups.";
            return Err(ScimError::new(ScimType::InvalidCursor, text));
        };
        let (of_users, of_groups) = (sorted_for(Kind::User, &request), sorted_for(Kind::Group, &request));
        if let (Err(error), Err(_)) = (&of_users, &of_groups) {
            return Err(error.clone());
        }
        let unsorted = || ListRequest { sort_by: None, sort_order: None, ..request.clone() };
        let users = self.list_users(asked, &of_users.unwrap_or_else(|_| unsorted())).await?;
        let (people, mut resources) = parts(users);
        let rest = ListRequest {
            page: Page::Index(start.saturating_sub(people).max(1)),
            count: request.count.saturating_sub(resources.len()),
            ..of_groups.unwrap_or_else(|_| unsorted())
        };
        let (groups, more) = parts(self.list_groups(asked, &rest).await?);
        resources.extend(more);
        Ok(Answer::ok(list_response(people + groups, Position::Index(start), resources)))
    }
}

/// The request, if its order is one for resources of `kind`.
fn sorted_for(kind: Kind, request: &ListRequest) -> Result<ListRequest, ScimError> {
    Sort::parse(kind, request.sort_by.as_deref(), request.sort_order.as_deref()).map(|_| request.clone())
}

/// The total and the resources of a list.
fn parts(answer: Answer) -> (usize, Vec<Value>) {
    let mut body = answer.body.unwrap_or_default();
    let total = body["totalResults"].as_u64().and_then(|total| usize::try_from(total).ok()).unwrap_or(0);
    let resources = match body["Resources"].take() {
        Value::Array(resources) => resources,
        _ => Vec::new(),
    };
    (total, resources)
}
