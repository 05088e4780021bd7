//! What went wrong, told twice: a plain sentence for whoever sees it, and a detail for whoever runs the server.

use std::borrow::Cow;
use std::fmt;

/// What sort of trouble it is. Each door turns it into its own status once (a page, a SCIM error, an exit code).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The input is wrong: 400.
    Invalid,
    /// Nobody is signed in: 401.
    Unauthenticated,
    /// Known, and not allowed: 403.
    Forbidden,
    /// No such thing, or none that may be seen: 404.
    NotFound,
    /// It clashes with what is there: 409.
    Conflict,
    /// Larger than a limit: 413.
    TooLarge,
    /// More often than a limit: 429.
    TooMany,
    /// It can't be done now; trying again helps: 503.
    Unavailable,
    /// Ours: 500.
    Internal,
}

impl FaultKind {
    /// The HTTP status of this kind.
    pub const fn status(self) -> u16 {
        match self {
            FaultKind::Invalid => 400,
            FaultKind::Unauthenticated => 401,
            FaultKind::Forbidden => 403,
            FaultKind::NotFound => 404,
            FaultKind::Conflict => 409,
            FaultKind::TooLarge => 413,
            FaultKind::TooMany => 429,
            FaultKind::Unavailable => 503,
            FaultKind::Internal => 500,
        }
    }
}

/// What each room's error enum tells of itself. There is no default for the public sentence.
pub trait Explain {
    /// The sort of trouble.
    fn kind(&self) -> FaultKind;
    /// For whoever sees it: a plain sentence with the next step. No ids, no internals.
    fn public(&self) -> Cow<'static, str>;
    /// For the operator: what was expected, what came. No secrets.
    fn detail(&self) -> String;
}

/// A room's error, once it no longer matters which room it came from.
#[derive(Clone, Debug)]
pub struct Fault {
    /// The sort of trouble.
    pub kind: FaultKind,
    /// For whoever sees it.
    pub public: Cow<'static, str>,
    /// For the operator.
    pub detail: String,
}

impl Fault {
    /// A fault whose two texts differ.
    pub fn new(kind: FaultKind, public: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Fault { kind, public: public.into(), detail: detail.into() }
    }

    /// A fault whose one text may be shown to everyone: it says what is wrong and what to do.
    pub fn plain(kind: FaultKind, text: impl Into<String>) -> Self {
        let text = text.into();
        Fault { kind, public: Cow::Owned(text.clone()), detail: text }
    }

    /// Ours: the visitor reads that it is, the operator reads `detail`.
    pub fn internal(detail: impl Into<String>) -> Self {
        let public = "Something went wrong on this side. Please try again in a moment.";
        Fault { kind: FaultKind::Internal, public: Cow::Borrowed(public), detail: detail.into() }
    }
}

impl<E: Explain> From<E> for Fault {
    fn from(error: E) -> Self {
        Fault { kind: error.kind(), public: error.public(), detail: error.detail() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.detail)
    }
}

impl std::error::Error for Fault {}
