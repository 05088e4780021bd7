//! The pages of the second factor.

use askama::Template;

/// By what somebody answers, or what they set up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Way {
    /// A code of the authenticator app.
    #[default]
    App,
    /// A code by SMS.
    Sms,
    /// A passkey or a security key.
    Passkey,
    /// A recovery code.
    Recovery,
}

impl Way {
    const ALL: [Way; 4] = [Way::App, Way::Sms, Way::Passkey, Way::Recovery];

    /// From a parameter's value.
    pub fn parse(text: Option<&str>) -> Option<Self> {
        Way::ALL.into_iter().find(|way| Some(way.name()) == text)
    }

    /// As a parameter's value.
    pub const fn name(self) -> &'static str {
        match self {
            Way::App => "app",
            Way::Sms => "sms",
            Way::Passkey => "passkey",
            Way::Recovery => "recovery",
        }
    }

    /// The link to it.
    pub const fn link(self) -> &'static str {
        match self {
            Way::App => "Use the authenticator app instead",
            Way::Sms => "Get a code by text message instead",
            Way::Passkey => "Use a passkey instead",
            Way::Recovery => "No phone at hand? Use a recovery code",
        }
    }

    /// Whether it is a code by SMS.
    pub fn is_sms(self) -> bool {
        self == Way::Sms
    }

    /// Whether it is a passkey.
    pub fn is_passkey(self) -> bool {
        self == Way::Passkey
    }

    /// Whether it is a recovery code.
    pub fn is_recovery(self) -> bool {
        self == Way::Recovery
    }
}

/// A phone, as pages show it.
#[derive(Clone, Debug)]
pub struct PhoneView {
    /// The last two digits of its number.
    pub ending: String,
    /// How far the message to it is, if one was sent.
    pub told: Option<String>,
    /// It won't arrive.
    pub failed: bool,
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
    /// The phone that gets codes, if that is the way.
    pub phone: Option<PhoneView>,
    /// What the browser is asked for, if a passkey is the way.
    pub passkey: Option<&'a str>,
    /// The other ways that there are: address and text.
    pub others: &'a [(String, &'static str)],
    /// Where the person goes then, if they are in a session.
    pub return_to: Option<&'a str>,
    /// For how many days this browser can be trusted.
    pub trust_days: Option<u32>,
    /// What was wrong.
    pub problem: Option<&'a str>,
}

impl ChallengePage<'_> {
    /// Whether a message was sent.
    fn sent(&self) -> bool {
        self.phone.as_ref().is_some_and(|phone| phone.told.is_some())
    }
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
    /// The pages for what else can be set up: address and text.
    pub others: &'a [(String, &'static str)],
    /// Where the person goes then, if they are in a session.
    pub return_to: Option<&'a str>,
    /// What is said of putting it off, if that can be.
    pub later: Option<&'a str>,
    /// What was wrong.
    pub problem: Option<&'a str>,
}

/// The set-up of a phone.
#[derive(Template)]
#[template(path = "portal/set_up_sms.html")]
pub struct SetUpSmsPage<'a> {
    /// The site's name for people.
    pub site: &'a str,
    /// The title.
    pub title: &'a str,
    /// Why.
    pub text: &'a str,
    /// Whose it is.
    pub email: &'a str,
    /// Where a code was sent, if one was.
    pub phone: Option<PhoneView>,
    /// The pages for what else can be set up: address and text.
    pub others: &'a [(String, &'static str)],
    /// Where the person goes then, if they are in a session.
    pub return_to: Option<&'a str>,
    /// What is said of putting it off, if that can be.
    pub later: Option<&'a str>,
    /// What was wrong with the number.
    pub number_problem: Option<&'a str>,
    /// What was wrong with the code.
    pub code_problem: Option<&'a str>,
}

/// The set-up of a passkey.
#[derive(Template)]
#[template(path = "portal/set_up_passkey.html")]
pub struct SetUpPasskeyPage<'a> {
    /// The site's name for people.
    pub site: &'a str,
    /// The title.
    pub title: &'a str,
    /// Why.
    pub text: &'a str,
    /// Whose it is.
    pub email: &'a str,
    /// What the browser is asked for; `None`: there is room for no more.
    pub options: Option<&'a str>,
    /// The pages for what else can be set up: address and text.
    pub others: &'a [(String, &'static str)],
    /// Where the person goes then, if they are in a session.
    pub return_to: Option<&'a str>,
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
