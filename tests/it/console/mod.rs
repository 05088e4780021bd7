//! The console: what each page shows and changes, for whom, and for whom not.

mod chromium;
mod domains;
mod door;
mod general;
mod verbs;
mod world;
