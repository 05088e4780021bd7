//! The side port: SCIM 2.0 for customers' identity providers. Knows the directory, and nothing of sessions or pages.

pub mod error;
pub mod schema;

pub use error::{ScimError, ScimType};
