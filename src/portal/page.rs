//! The portal's pages: plain HTML that works without script.

use askama::Template;

use super::factor_settings::AccountFactors;
pub use crate::web::page::*;

/// The e-mail question.
#[derive(Template)]
#[template(path = "portal/sign_in.html")]
pub struct SignInPage<'a> {
    /// The site's name for people.
    pub site: &'a str,
    /// Where the person goes afterwards.
    pub return_to: &'a str,
    /// Whether there are passwords.
    pub passwords: bool,
    /// What was typed, if it has to be typed again.
    pub email: &'a str,
    /// What was wrong with it.
    pub problem: Option<&'a str>,
}

/// The form that carries a request to an IdP that wants it by POST.
#[derive(Template)]
#[template(path = "portal/to_identity_provider.html")]
pub struct ToIdentityProviderPage<'a> {
    /// The site's name for people.
    pub site: &'a str,
    /// The organization's name.
    pub organization: &'a str,
    /// Where the form goes.
    pub action: &'a str,
    /// Its hidden fields.
    pub fields: &'a [(&'static str, String)],
}

/// The question whether to sign out.
#[derive(Template)]
#[template(path = "portal/sign_out.html")]
pub struct SignOutPage<'a> {
    /// The site's name for people.
    pub site: &'a str,
    /// Who is signed in.
    pub email: &'a str,
}

/// The question whether this browser goes on as somebody else.
#[derive(Template)]
#[template(path = "portal/change_hands.html")]
pub struct ChangeHandsPage<'a> {
    /// The site's name for people.
    pub site: &'a str,
    /// Who is signed in.
    pub present: &'a str,
    /// Whom the sign-in is for.
    pub coming: &'a str,
    /// The name of the organization that it is for.
    pub organization: &'a str,
    /// Its slug.
    pub slug: &'a str,
    /// The sign-in that waits for the answer.
    pub login: &'a str,
    /// The slug of the organization that was picked, if one was.
    pub picked: Option<&'a str>,
}

/// The question which organization to enter.
#[derive(Template)]
#[template(path = "portal/pick.html")]
pub struct PickPage<'a> {
    /// The site's name for people.
    pub site: &'a str,
    /// Whom the sign-in is for.
    pub coming: &'a str,
    /// The slug of the organization whose connection it is.
    pub slug: &'a str,
    /// The sign-in that waits for the answer.
    pub login: &'a str,
    /// Slugs and names.
    pub choices: &'a [(&'a str, &'a str)],
}

/// Personal settings.
#[derive(Template)]
#[template(path = "portal/account.html")]
pub struct AccountPage<'a> {
    /// The site's name for people.
    pub site: &'a str,
    /// The person's name.
    pub name: &'a str,
    /// Their address.
    pub email: &'a str,
    /// The organization that this session is in.
    pub current: Option<&'a AccountOrganization>,
    /// Where they are a member.
    pub organizations: &'a [AccountOrganization],
    /// Whether they see how the organization is run that this session is in.
    pub manages: bool,
    /// Whether there are settings in the console that are theirs.
    pub runs: bool,
    /// Whether there are passwords.
    pub passwords: bool,
    /// Their second factor.
    pub factors: &'a AccountFactors,
    /// Where they are signed in.
    pub sessions: &'a [AccountSession],
}

/// A membership, as the page shows it.
pub struct AccountOrganization {
    /// The organization's name.
    pub name: String,
    /// Its slug.
    pub slug: String,
    /// The role, in words.
    pub role: String,
    /// Whether this session is in it.
    pub current: bool,
}

/// A session, as the page shows it.
pub struct AccountSession {
    /// Its id.
    pub id: String,
    /// When the person signed in.
    pub started: String,
    /// How long ago that was.
    pub age: String,
    /// Where from.
    pub client: String,
    /// Which browser, in a few words.
    pub agent: Option<String>,
    /// The name of the organization that it is in.
    pub organization: Option<String>,
    /// Whether it is this very one.
    pub current: bool,
}
