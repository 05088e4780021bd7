//! The pages of signing in without an identity provider.

use askama::Template;

/// Address and password.
#[derive(Template)]
#[template(path = "portal/password.html")]
pub struct PasswordPage<'a> {
    /// The site's name for people.
    pub site: &'a str,
    /// Where the person goes afterwards.
    pub return_to: &'a str,
    /// The address, if it is known.
    pub email: &'a str,
    /// What was wrong.
    pub problem: Option<&'a str>,
    /// Single sign-on is offered too.
    pub sso: bool,
    /// Whether links can be mailed.
    pub mail: bool,
}

/// The question where to mail a link.
#[derive(Template)]
#[template(path = "portal/ask_link.html")]
pub struct AskLinkPage<'a> {
    /// The site's name for people.
    pub site: &'a str,
    /// The title.
    pub title: &'a str,
    /// What the link is for.
    pub text: &'a str,
    /// Where the form goes.
    pub action: &'a str,
    /// Where the person goes afterwards.
    pub return_to: &'a str,
    /// The address, if it is known.
    pub email: &'a str,
    /// What was wrong with it.
    pub problem: Option<&'a str>,
}

/// A button that uses a link up: whoever only looks at the mail's links does not.
#[derive(Template)]
#[template(path = "portal/confirm.html")]
pub struct ConfirmPage<'a> {
    /// The site's name for people.
    pub site: &'a str,
    /// The title.
    pub title: &'a str,
    /// What follows.
    pub text: &'a str,
    /// Whose link it is.
    pub email: &'a str,
    /// Where the form goes.
    pub action: &'a str,
    /// The link's token.
    pub token: &'a str,
    /// The button's text.
    pub button: &'a str,
}

/// A new password.
#[derive(Template)]
#[template(path = "portal/new_password.html")]
pub struct NewPasswordPage<'a> {
    /// The site's name for people.
    pub site: &'a str,
    /// The title.
    pub title: &'a str,
    /// What follows.
    pub text: &'a str,
    /// Whose it is.
    pub email: &'a str,
    /// Where the form goes.
    pub action: &'a str,
    /// The link's token, if one leads here.
    pub token: Option<&'a str>,
    /// Whether the present password is asked for.
    pub present: bool,
    /// The fewest characters.
    pub min_length: usize,
    /// What was wrong.
    pub problem: Option<&'a str>,
}
