//! What stands around the server in tests: real identity providers, browsers, forms.

pub mod browser;
pub mod forms;
pub mod ports;
pub mod simplesamlphp;
