//! The sign-in log in pages, one sign-in, and the links that show it: what is asked and answered.

use super::LoginView;
use crate::directory::LoginMessage;
use crate::kernel::{LoginId, Secret, Slug};

/// A page of the sign-ins of an organization, newest first.
#[derive(Clone, Debug)]
pub struct LoginPage {
    /// Of which.
    pub slug: Slug,
    /// Those of this outcome alone.
    pub outcome: Option<String>,
    /// Those whose address holds this text alone.
    pub email: Option<String>,
    /// Older than this one.
    pub after: Option<LoginId>,
}

/// A page of sign-ins.
#[derive(Clone, Debug)]
pub struct LoginPageView {
    /// They, newest first.
    pub logins: Vec<LoginView>,
    /// Further ones are older than this.
    pub next: Option<LoginId>,
}

/// One sign-in, its links, or the end of these.
#[derive(Clone, Debug)]
pub struct LoginNamed {
    /// Of which organization.
    pub slug: Slug,
    /// Which.
    pub id: LoginId,
}

/// A sign-in, its message, and who shared it.
#[derive(Clone, Debug)]
pub struct LoginDetail {
    /// The sign-in.
    pub login: LoginView,
    /// Its message, if it is kept.
    pub message: Option<LoginMessage>,
    /// Who made a link that is good, and until when it is.
    pub shared: Vec<(String, String)>,
}

/// A link that shows a sign-in.
#[derive(Clone, Debug)]
pub struct LoginShared {
    /// Its token, told once.
    pub token: Secret<String>,
    /// Until when it is good.
    pub ends: String,
}
