//! The commands, as the real binary: what they answer, what they refuse, and that what they did stays done.

mod apply;
mod audit;
mod checks;
mod demo;
mod domains;
mod metadata;
mod running;
pub mod site;
mod teams;
mod usage;
mod verbs;
