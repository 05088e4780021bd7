//! The mail room: sends what waits in the outbox by SMTP, each mail at least once, and tells of it without naming anyone.
//!
//! Whoever has something to tell queues it in the transaction of what it tells
//! ([`directory::outbox`](crate::directory::outbox)); nobody waits for a mail server.

mod delivery;
mod message;
mod sender;
mod server;

pub use message::Sender;
pub use sender::{Mailer, Rules};
pub use server::{Security, SmtpServer};
