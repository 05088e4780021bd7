//! The console: what each page shows and changes, for whom, and for whom not.

mod audit;
mod chromium;
mod domains;
mod door;
mod explain;
mod general;
mod logins;
mod scim;
mod shared;
mod sso;
mod members;
mod sessions;
mod teams;
mod two_factor;
mod verbs;
mod world;
