//! What stands around the server in tests: real identity providers, mail servers, browsers, forms.

pub mod browser;
pub mod dns;
pub mod forms;
pub mod mail_server;
pub mod person;
pub mod ports;
pub mod publisher;
pub mod server;
pub mod simplesamlphp;
pub mod sms_gateway;

pub use server::{Wishes, World};
