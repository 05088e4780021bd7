//! The one way to a session: whoever showed a first factor, or goes on with the one they showed, passes here, and gets a
//! session, or a half one if a second factor is asked for.

use axum::response::Response;
use http::{HeaderValue, header};

use super::address::address;
use super::local::Arrival;
use super::page::{self, Trouble};
use super::return_path::ReturnPath;
use super::state::Portal;
use crate::directory::effective::{self, Effective};
use crate::directory::two_factor::{self, Asked, Case, FirstFactor};
use crate::directory::{Organization, Story, TwoFactor, User};
use crate::second_factor::{factors, trusted};
use crate::session::half::{self, HalfSession};
use crate::session::{NewSession, SecondFactor, SecondMethod};
use crate::store::{StoreError, Tx};

/// Where the second factor is asked for.
pub const CHALLENGE: &str = "/.vestibule/second-factor";
/// Where one is set up.
pub const SET_UP: &str = "/.vestibule/second-factor/setup";
/// Somebody who is to get a session.
pub struct Opening<'a> {
    /// What it is made of.
    pub new: NewSession,
    /// Whose it is.
    pub user: &'a User,
    /// The first factor, as the rules on a second one see it.
    pub first: FirstFactor,
    /// The organization whose rules ask: the one that is entered, or an Admin organization that opens the portal alone.
    pub asking: Option<&'a Organization>,
    /// What is written down of it.
    pub story: Story,
    /// Where the person goes then.
    pub return_to: &'a ReturnPath,
    /// The browser that they come with.
    pub arrival: &'a Arrival,
}

/// What the browser gets.
#[derive(Debug)]
pub struct Opened {
    /// Cookies: to be sent only once the transaction is committed.
    cookies: Vec<HeaderValue>,
    /// Where it goes.
    location: String,
    /// Whether there is a session now.
    whole: bool,
}

impl Opened {
    /// The answer, with further cookies.
    pub fn respond(self, cookies: &[String]) -> Response {
        let response = page::redirect(&self.location, cookies);
        self.mark(response)
    }

    /// Another answer, with the cookies.
    pub fn mark(self, mut response: Response) -> Response {
        for cookie in self.cookies {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        response
    }

    /// The same, with a further cookie.
    #[must_use]
    pub fn with(mut self, cookie: &str) -> Self {
        self.cookies.extend(HeaderValue::from_str(cookie));
        self
    }

    /// The same, on the way to somewhere else first.
    #[must_use]
    pub fn by_way_of(self, path: &str) -> Self {
        Opened { location: address(path, &[("return_to", &self.location)]), ..self }
    }

    /// Where it goes.
    pub fn location(&self) -> &str {
        &self.location
    }

    /// For the count of sign-ins.
    pub const fn outcome(&self) -> &'static str {
        if self.whole { "accepted" } else { "continued" }
    }
}

/// Whose second factor it is about, with what is known of the sign-in.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// Who.
    pub user: &'a User,
    /// How they signed in.
    pub first: FirstFactor,
    /// The organization whose rules ask.
    pub asking: Option<&'a Effective>,
    /// What was shown so far.
    pub second: Option<SecondFactor>,
}

impl Portal {
    /// Opens a session within the caller's transaction, or a half one, and writes down which.
    ///
    /// # Errors
    /// The store's; the organization is gone.
    pub(super) async fn open(&self, tx: &Tx, opening: Opening<'_>) -> Result<Opened, Trouble> {
        let asking = match opening.asking {
            Some(organization) => Some(effective::of_organization(tx, organization.clone()).await?),
            None => None,
        };
        let (user, first, second) = (opening.user, opening.first, opening.new.second_factor);
        let subject = Subject { user, first, asking: asking.as_ref(), second };
        if let Some(asking) = asking.as_ref().filter(|asking| asking.rules.two_factor == TwoFactor::Off) {
            // It counts from the day that the policy asks (D24).
            two_factor::forget_grace(tx, asking.organization.id, user.id).await?;
        }
        let asked = self.asked(tx, subject, opening.arrival).await?;
        if asked == Asked::Nothing {
            let Opening { new, story, return_to, arrival, .. } = opening;
            story.tell(tx, &*self.rng, arrival.client).await?;
            return self.whole(tx, &new, return_to).await;
        }
        let what = if asked == Asked::Challenge { "asked for" } else { "none yet" };
        opening.story.half(what).tell(tx, &*self.rng, opening.arrival.client).await?;
        let half = HalfSession {
            created: tx.now(),
            new: opening.new,
            first,
            asking: opening.asking.map(|organization| organization.id),
            story: opening.story,
            return_to: opening.return_to.to_string(),
        };
        let token = half::begin(tx, &*self.rng, &half).await?;
        let cookie = HeaderValue::try_from(self.half_cookie(&token));
        let location = if asked == Asked::Challenge { CHALLENGE } else { SET_UP };
        Ok(Opened { cookies: cookie.into_iter().collect(), location: location.to_owned(), whole: false })
    }

    /// Makes the session: whatever is asked for was shown.
    ///
    /// # Errors
    /// The store's; the organization is gone.
    pub(super) async fn whole(&self, tx: &Tx, new: &NewSession, return_to: &ReturnPath) -> Result<Opened, Trouble> {
        let cookie = self.sessions.start(tx, new).await?.set_cookie;
        Ok(Opened { cookies: vec![cookie], location: return_to.as_str().to_owned(), whole: true })
    }

    /// What is asked for of somebody, by the rules as they are at this moment.
    ///
    /// # Errors
    /// The store's.
    pub(super) async fn asked(&self, tx: &Tx, subject: Subject<'_>, arrival: &Arrival) -> Result<Asked, StoreError> {
        let Subject { user, first, asking, second } = subject;
        let rules = asking.map(|asking| asking.rules).unwrap_or_default();
        let grace_left = match asking {
            Some(asking) => two_factor::grace_left(tx, asking.organization.id, user.id, rules.grace_sign_ins).await?,
            None => 0,
        };
        let trusted_browser = match (&arrival.trusted, rules.trusted_browser_days) {
            (Some(token), Some(days)) => {
                let found = trusted::find(tx, user.id, token).await?;
                found.is_some_and(|browser| tx.now() < browser.since.plus(two_factor::days(days)))
            }
            _ => false,
        };
        let case = Case {
            policy: rules.two_factor,
            first,
            shown: second.is_some_and(|second| second.method != SecondMethod::IdentityProvider),
            has_factor: factors::of(tx, user.id).await?.any(),
            trusted_browser,
            grace_left,
        };
        Ok(two_factor::decide(&case))
    }
}
