//! The pages of the second factor.

use askama::Template;

/// What is typed on the challenge page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Way {
    /// A code of the authenticator app.
    #[default]
    App,
    /// A recovery code.
    Recovery,
}

impl Way {
    /// From a parameter's value; anything else is the usual one.
    pub fn parse(text: Option<&str>) -> Self {
        if text == Some(Way::Recovery.name()) { Way::Recovery } else { Way::App }
    }

    /// As a parameter's value.
    pub const fn name(self) -> &'static str {
        match self {
            Way::App => "app",
            Way::Recovery => "recovery",
        }
    }

    /// Whether it is a recovery code.
    pub fn is_recovery(self) -> bool {
        self == Way::Recovery
    }
}

/// The question for the second factor.
#[derive(Template)]
#[template(path = "portal/second_factor.html")]
pub struct ChallengePage<'a> {
    /// The site's name for people.
    pub site: &'a str,
    /// The title.
    pub title: &'a str,
    /// Why it is asked for.
    pub text: &'a str,
    /// Whose it is.
    pub email: &'a str,
    /// What is typed.
    pub way: Way,
    /// The address of the same page for the other way.
    pub other: &'a str,
    /// How many recovery codes are left.
    pub recovery_left: usize,
    /// Where the person goes then, if they are in a session.
    pub return_to: Option<&'a str>,
    /// For how many days this browser can be trusted.
    pub trust_days: Option<u32>,
    /// What was wrong.
    pub problem: Option<&'a str>,
}

/// The set-up of an authenticator app.
#[derive(Template)]
#[template(path = "portal/set_up.html")]
pub struct SetUpPage<'a> {
    /// The site's name for people.
    pub site: &'a str,
    /// The title.
    pub title: &'a str,
    /// Why.
    pub text: &'a str,
    /// Whose it is.
    pub email: &'a str,
    /// The QR code, as SVG.
    pub qr: Option<&'a str>,
    /// The secret, for people who type it.
    pub secret: &'a str,
    /// Where the person goes then, if they are in a session.
    pub return_to: &'a str,
    /// What is said of putting it off, if that can be.
    pub later: Option<&'a str>,
    /// What was wrong.
    pub problem: Option<&'a str>,
}

/// The recovery codes, shown once.
#[derive(Template)]
#[template(path = "portal/recovery_codes.html")]
pub struct RecoveryCodesPage<'a> {
    /// The site's name for people.
    pub site: &'a str,
    /// What happened.
    pub text: &'a str,
    /// The codes.
    pub codes: &'a [&'a str],
    /// Where it goes on.
    pub onward: &'a str,
}

/// The question for a fresh sign-in at the identity provider.
#[derive(Template)]
#[template(path = "portal/fresh.html")]
pub struct FreshPage<'a> {
    /// The site's name for people.
    pub site: &'a str,
    /// Who is signed in.
    pub email: &'a str,
    /// Why.
    pub text: &'a str,
    /// Where the person goes then, if not to the set-up.
    pub return_to: Option<&'a str>,
}
