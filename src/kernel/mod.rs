//! What every room shares: time and chance as arguments, ids and names, secrets, faults, how large a form may be. Knows no
//! other room.

pub mod client;
pub mod clock;
pub mod fault;
pub mod form_limit;
pub mod id;
pub mod names;
pub mod reference;
pub mod rng;
pub mod secret;
pub mod style;

pub use client::Client;
pub use clock::{Clock, ManualClock, SystemClock, Timestamp};
pub use fault::{Explain, Fault, FaultKind};
pub use form_limit::{FORM_LIMIT, LARGE_FORM_LIMIT, form_limit};
pub use id::{LoginId, MailId, OrgId, SessionId, TeamId, UserId, WebhookId};
pub use names::{DomainName, EmailAddress, Role, Slug};
pub use reference::Reference;
pub use rng::{Rng, SeededRng, SystemRng};
pub use secret::{Sealer, Secret, TokenHash};
