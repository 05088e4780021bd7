//! `console`: what goes over the socket.

use serde::{Deserialize, Serialize};

/// `console`
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct ConsoleLink {}

/// A link into the console.
#[derive(Clone, Serialize, Deserialize)]
pub struct ConsoleLinkView {
    /// The link: it works once.
    pub url: String,
    /// Until when.
    pub ends: String,
}
