//! The gate end to end: a real listener over a temporary store, an app that records what reaches it, hostile clients.

mod app;
mod bad_app;
mod crowd;
mod decisions;
mod forward_auth;
mod h2;
mod h2_hostile;
mod hostile;
mod pace;
mod portal;
mod raw;
mod revocation;
mod second_factor;
mod streams;
mod teams;
mod tls;
mod upstreams;
mod world;
