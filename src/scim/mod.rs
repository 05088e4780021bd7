//! The side port: SCIM 2.0 for customers' identity providers. Knows the directory, and nothing of sessions or pages.

mod coerce;
pub mod error;
mod filter;
mod fold;
mod json;
mod patch;
mod path;
mod resource;
pub mod schema;

pub use error::{ScimError, ScimType};
pub use filter::{Filter, Lookup};
pub use fold::fold;
pub use json::{read, read_object, take};
pub use patch::{GroupChange, Patch};
pub use resource::Attributes;
