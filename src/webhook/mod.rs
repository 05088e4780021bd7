//! The webhook room: tells apps by signed requests (Standard Webhooks 1.0.0) who came, changed and went.
//!
//! Nobody who changes a person, a membership or a team has to think of it: the [`Announcer`] looks on at each transaction
//! ([`Witness`](crate::store::Witness)), says in events what of these rows differs, and queues them in the same commit. The
//! [`Courier`] sends what is queued, each event at least once, and keeps what can't be delivered.

mod announcer;
mod changes;
mod courier;
mod delivery;
mod endpoint;
mod event;
mod gauges;
mod membership_changes;
mod operating;
mod outbox;
mod schedule;
mod signing;

pub use announcer::Announcer;
pub use courier::Courier;
pub use endpoint::Endpoint;
pub use event::{EVENT_TYPES, Filter, NotAnEvent};
pub use operating::{EndpointState, Tried};
pub use outbox::{Delivery, Waiting, checkers, dead, waiting};
pub use schedule::Rules;
pub use signing::{InvalidSecret, SigningSecret};

#[cfg(test)]
mod changes_tests;
#[cfg(test)]
mod courier_tests;
#[cfg(test)]
mod test_town;
