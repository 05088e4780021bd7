//! The side port: SCIM 2.0 for customers' identity providers. Knows the directory, and nothing of sessions or pages.

mod bulk;
mod coerce;
mod cursor;
pub mod error;
pub mod etag;
mod filter;
mod fold;
mod json;
mod list;
mod patch;
mod path;
mod projection;
mod resource;
pub mod schema;
mod sort;

pub use bulk::{BULK_OPERATIONS_LIMIT, BULK_RESPONSE_URN, BulkOperation, BulkPlan, Method, Step, outcome};
pub use cursor::{CURSOR_LIFETIME, CursorKey};
pub use error::{ScimError, ScimType};
pub use filter::{Filter, Lookup};
pub use fold::fold;
pub use json::{read, read_object, take};
pub use list::{DEFAULT_COUNT, ListRequest, MAX_COUNT, Page, Position, list_response};
pub use patch::{GroupChange, Patch};
pub use projection::Projection;
pub use resource::Attributes;
pub use sort::{Sort, SortKey};

#[cfg(test)]
mod dialect_tests;

#[cfg(test)]
mod property_tests;
