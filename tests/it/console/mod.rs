//! The console: what each page shows and changes, for whom, and for whom not.

mod chromium;
mod door;
mod general;
mod verbs;
mod world;
