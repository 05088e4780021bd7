//! Vestibule: the one binary in front of your app that gives its customers single sign-on.
//!
//! The rooms stand here in reading order, from the ground up; ARCHITECTURE.md tells who may name whom, and the trips.

// Time, chance, ids, names, secrets, faults.
pub mod kernel;

// The one data door: transactions over typed tables, a change feed; sled beneath.
pub mod store;

// Organizations, claimed domains, single sign-on settings, users and members.
pub mod directory;

// The sealed session cookie, revocation fed by the change feed, identity for the app.
pub mod session;

// SAML 2.0: metadata, AuthnRequest, the strict verifier.
pub mod saml;

// Passwords: hashing, which can be chosen, how often they may be tried.
pub mod credential;

// The second factor: an authenticator app, recovery codes, how often they may be tried, trusted browsers.
pub mod second_factor;

// Sends what waits in the outbox, by SMTP.
pub mod mail;

// Tells apps by signed requests who came, changed and went.
pub mod webhook;

// What pages have in common: headers and policies, forms, what went wrong.
pub mod web;

// Proof by DNS: the looks for claims' records, and what follows from them.
pub mod proof;

// What is done to organizations and people, by whoever may.
pub mod administration;

// The gate: pingora in front of the app, deciding on every request.
pub mod proxy;

// Vestibule's own pages, and the sign-in that runs through them.
pub mod portal;

// An organization's settings on pages, for its owners and admins, and all of them for the operator.
pub mod console;

// The side port: people and groups as customers' identity providers send them, by SCIM.
pub mod scim;

// The admin socket that the commands speak to.
pub mod admin;

// What `vestibule demo` puts around the product: people, their identity provider, an app to protect.
pub mod demo;

// The configuration: what was typed and what it means; the only reader of environment and files.
pub mod config;

// Logs and metrics, and what is never told.
pub mod telemetry;

// Builds every room, opens the listeners, runs.
pub mod server;

// The commands as they are typed, and their answers for people and programs.
pub mod cli;
