//! Mail: what was queued arrives through a real mail server, whatever that is like at the moment.

mod chromium;
mod hands;
mod links;
mod passwords;
mod sending;
pub mod town;
