//! The side port: SCIM 2.0 for customers' identity providers. Knows the directory, and nothing of sessions or pages.

mod answer;
mod bulk;
mod bulk_door;
mod coerce;
mod cursor;
mod discovery;
mod door;
pub mod error;
pub mod etag;
mod filter;
mod fold;
mod group_lists;
mod groups;
mod json;
mod limits;
mod list;
mod lists;
mod patch;
mod path;
mod projection;
mod redact;
mod refusal;
mod render;
mod request_log;
mod resource;
mod route;
pub mod schema;
mod search;
mod sort;
mod users;

pub use bulk::{BULK_OPERATIONS_LIMIT, BULK_RESPONSE_URN, BulkOperation, BulkPlan, Method, Step, outcome};
pub use cursor::{CURSOR_LIFETIME, CursorKey};
pub use door::{Peer, ScimServer, router};
pub use error::{ScimError, ScimType};
pub use filter::{Filter, Lookup};
pub use fold::fold;
pub use json::{read, read_object, take};
pub use list::{DEFAULT_COUNT, ListRequest, MAX_COUNT, Page, Position, list_response};
pub use patch::{GroupChange, Patch};
pub use projection::Projection;
pub use resource::Attributes;
pub use route::BASE_PATH;
pub use sort::{Sort, SortKey};

use door::Asked;

#[cfg(test)]
mod dialect_tests;

#[cfg(test)]
mod property_tests;
