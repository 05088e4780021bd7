//! The side port's promises: every S number of the list has a test here or beside the code that names it.

mod active;
mod admin;
mod bulk;
mod conformance;
mod kept;
mod kill;
mod listener;
mod lists;
mod people;
mod protocol;
mod races;
mod request_log;
mod teams;
mod tenancy;
mod transcripts;
mod world;
