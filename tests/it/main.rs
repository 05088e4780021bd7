//! The one integration binary: a module for each thing that is promised.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

mod commands;
mod console;
mod directory;
mod domains;
mod entry;
mod examples;
mod front_door;
mod fuzz;
mod mail;
mod saml;
mod scim;
mod second_factor;
mod sign_in;
mod simplesamlphp;
mod store;
mod tidy;
mod webhook;
mod world;
