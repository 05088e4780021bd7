//! The side port's promises: every S number of the list has a test here or beside the code that names it.

mod admin;
mod kill;
mod listener;
mod lists;
mod people;
mod protocol;
mod races;
mod teams;
mod tenancy;
mod world;
