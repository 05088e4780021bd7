//! The console: what each page shows and changes, for whom, and for whom not.

mod audit;
mod chromium;
mod chromium_set_up;
mod discoverability;
mod domains;
pub mod door;
mod explain;
mod freshness;
mod general;
mod logins;
mod members;
mod others;
mod scim;
mod sessions;
mod shared;
mod sso;
mod sso_metadata;
mod sso_removal;
mod teams;
mod two_factor;
mod verbs;
mod world;
