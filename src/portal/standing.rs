//! Who stands before a page of the second factor: somebody between the two factors, or somebody in a session.

use std::time::Duration;

use http::HeaderMap;

use super::account;
use super::half_session::{self, Standing};
use super::local::Arrival;
use super::opening::{Opened, Subject};
use super::page::Trouble;
use super::return_path::ReturnPath;
use super::state::Portal;
use super::visitor::Visitor;
use crate::directory::audit::OPERATOR;
use crate::directory::effective::{self, Effective};
use crate::directory::two_factor::FirstFactor;
use crate::directory::{LoginOutcome, Story, User, organization, user};
use crate::kernel::{OrgId, Timestamp};
use crate::second_factor::{FactorMethod, Person, factors};
use crate::session::{HalfId, HalfSession, NewSession, SecondFactor, SecondMethod, SessionRecord, half, records};
use crate::store::{StoreError, Tx};

/// So long after a factor was shown it is fresh: what changes factors or the password asks for no other.
pub const FRESH: Duration = Duration::from_secs(10 * 60);

/// What a browser presents.
#[derive(Clone, Copy, Debug)]
pub struct Presented {
    /// Its half session.
    pub half: Option<HalfId>,
    /// Its session.
    pub visitor: Option<Visitor>,
}

/// Who it is.
pub enum Stood {
    /// Between the two factors.
    Half(HalfId, Box<Standing>),
    /// In a session.
    In(Box<Inside>),
}

/// Somebody in a session.
pub struct Inside {
    /// The session.
    pub record: SessionRecord,
    /// Whose it is.
    pub user: User,
    /// The organization that it is in, with what holds there.
    pub at: Option<Effective>,
}

impl Portal {
    /// What the browser presents; `whole`: its session alone, since it is told where in that to return to.
    pub(super) fn presented(&self, headers: &HeaderMap, arrival: &Arrival, whole: bool) -> Presented {
        let half = if whole { None } else { self.half_of(headers) };
        Presented { half, visitor: arrival.visitor }
    }

    /// Who stands there: the half session counts before the session, since it is what the browser is about to do.
    ///
    /// # Errors
    /// The store's.
    pub(super) async fn stood(&self, tx: &Tx, presented: Presented) -> Result<Option<Stood>, Trouble> {
        if let Some(id) = presented.half
            && let Some(standing) = half_session::find(tx, id).await?
        {
            return Ok(Some(Stood::Half(id, Box::new(standing))));
        }
        let Some(visitor) = presented.visitor else { return Ok(None) };
        let Some(record) = records::find(tx, visitor.session).await? else { return Ok(None) };
        let Some(user) = user::by_id(tx, record.user).await?.filter(|user| user.active) else { return Ok(None) };
        let at = match record.organization {
            Some(id) => match organization::by_id(tx, id).await? {
                Some(organization) => Some(effective::of_organization(tx, organization).await?),
                None => return Ok(None),
            },
            None => None,
        };
        Ok(Some(Stood::In(Box::new(Inside { record, user, at }))))
    }

    /// Makes the session, now that the second factor was shown: under a new id, in place of what there was.
    ///
    /// # Errors
    /// The store's; the organization is gone.
    pub(super) async fn strengthen(
        &self,
        tx: &Tx,
        stood: &Stood,
        second: SecondFactor,
        (arrival, return_to): (&Arrival, &ReturnPath),
    ) -> Result<Opened, Trouble> {
        match stood {
            Stood::Half(id, standing) => {
                let second_factor = Some(second);
                let new = NewSession { second_factor, ..standing.half.new.clone() };
                self.complete(tx, (*id, &standing.half), &new, (arrival, second.method.words())).await
            }
            Stood::In(inside) => {
                let new = NewSession { second_factor: Some(second), ..continued(&inside.record, tx.now()) };
                let story = Story {
                    organizations: vec![inside.record.organization.unwrap_or(OPERATOR)],
                    record: None,
                    actor: inside.user.email.to_string(),
                    action: "login.second_factor".to_owned(),
                    object: "session".to_owned(),
                    after: second.method.words().to_owned(),
                };
                story.tell(tx, &*self.rng, arrival.client).await?;
                self.whole(tx, &new, return_to).await
            }
        }
    }

    /// Makes the session of a half one, which is used up.
    ///
    /// # Errors
    /// The store's; the organization is gone.
    pub(super) async fn complete(
        &self,
        tx: &Tx,
        (id, half): (HalfId, &HalfSession),
        new: &NewSession,
        (arrival, shown): (&Arrival, &str),
    ) -> Result<Opened, Trouble> {
        half::end(tx, id, half.new.user);
        let story = half.story.ended(tx, &*self.rng, arrival.further(), LoginOutcome::Accepted, shown);
        story.tell(tx, &*self.rng, arrival.client).await?;
        let return_to = ReturnPath::parse(&half.return_to);
        Ok(self.whole(tx, new, &return_to).await?.with(&self.without_half()))
    }
}

/// A session like this one, to take its place: never a later end.
fn continued(record: &SessionRecord, now: Timestamp) -> NewSession {
    NewSession {
        organization: record.organization,
        connection: record.connection,
        auth_time: record.auth_time,
        second_factor: record.second_factor,
        signed_in: Some(record.signed_in()),
        ends: Some(record.absolute_end),
        replaces: Some(record.id),
        client: record.client,
        user_agent: record.user_agent.clone(),
        ..NewSession::new(record.user, record.method, now)
    }
}

impl Stood {
    /// Who.
    pub fn user(&self) -> &User {
        match self {
            Stood::Half(_, standing) => &standing.user,
            Stood::In(inside) => &inside.user,
        }
    }

    /// The organization whose rules hold.
    pub fn at(&self) -> Option<&Effective> {
        match self {
            Stood::Half(_, standing) => standing.asking.as_ref(),
            Stood::In(inside) => inside.at.as_ref(),
        }
    }

    /// A name for what they are in, that opens nothing: what is being set up belongs to it.
    pub fn place(&self) -> String {
        match self {
            Stood::Half(id, _) => id.name(),
            Stood::In(inside) => inside.record.id.to_string(),
        }
    }

    /// For the room of the second factor.
    pub fn person<'a>(&'a self, portal: &'a Portal, arrival: &Arrival) -> Person<'a> {
        let organization: OrgId = self.at().map_or(OPERATOR, |at| at.organization.id);
        Person { user: self.user(), organization, client: arrival.client, rng: &*portal.rng }
    }

    /// Where they return to, which is said of a session alone: it tells a page that the session is meant.
    pub fn returns_to<'a>(&self, return_to: Option<&'a ReturnPath>) -> Option<&'a str> {
        match self {
            Stood::Half(..) => None,
            Stood::In(_) => Some(return_to.map_or(account::HERE, ReturnPath::as_str)),
        }
    }

    /// For the rules, if it is a half session.
    pub fn subject(&self) -> Option<Subject<'_>> {
        let Stood::Half(_, standing) = self else { return None };
        let Standing { half, user, asking } = &**standing;
        Some(Subject { user, first: half.first, asking: asking.as_ref(), second: half.new.second_factor })
    }

    /// Whether they are in a session, and their second factor was shown in it just now.
    ///
    /// # Errors
    /// The store's.
    pub async fn second_is_fresh(&self, tx: &Tx) -> Result<bool, StoreError> {
        match self {
            Stood::Half(..) => Ok(false),
            Stood::In(inside) => second_is_fresh(tx, &inside.record).await,
        }
    }

    /// For how many days this browser may be trusted.
    pub fn trust_days(&self) -> Option<u32> {
        match self {
            Stood::Half(_, standing) if standing.half.first != FirstFactor::BreakGlass => {
                standing.asking.as_ref().and_then(|asking| asking.rules.trusted_browser_days)
            }
            _ => None,
        }
    }

    /// Whether they may set a method up, or change one, at this moment.
    ///
    /// # Errors
    /// The store's.
    pub async fn may_set_up(&self, tx: &Tx) -> Result<MaySetUp, StoreError> {
        let has = factors::of(tx, self.user().id).await?.any();
        Ok(match self {
            // Who has one shows it first: a password alone replaces nothing.
            Stood::Half(..) if has => MaySetUp::NotBeforeSecond,
            Stood::Half(..) => MaySetUp::Yes,
            Stood::In(inside) if has => {
                if second_is_fresh(tx, &inside.record).await? {
                    MaySetUp::Yes
                } else {
                    MaySetUp::NotBeforeSecond
                }
            }
            Stood::In(inside) => {
                let fresh = tx.now() < inside.record.auth_time.plus(FRESH);
                if fresh { MaySetUp::Yes } else { MaySetUp::NotBeforeFirst }
            }
        })
    }
}

impl Inside {
    /// Whether the identity provider that made the session is trusted with second factors here.
    pub fn is_proved_elsewhere(&self) -> bool {
        let connection = self.record.connection;
        connection.zip(self.at.as_ref()).is_some_and(|(connection, at)| at.trusts_second_factor(connection))
    }
}

/// Whether a second factor was shown in the session just now. Of somebody who has one here it is that one: an identity
/// provider speaks for its own organizations, and what is changed here counts in every other one, too.
///
/// # Errors
/// The store's.
pub async fn second_is_fresh(tx: &Tx, record: &SessionRecord) -> Result<bool, StoreError> {
    let Some(second) = record.second_factor.filter(|second| tx.now() < second.at.plus(FRESH)) else { return Ok(false) };
    Ok(second.method != SecondMethod::IdentityProvider || !factors::of(tx, record.user).await?.any())
}

/// Whether the person of the session has a second factor here that was not shown in it just now.
///
/// # Errors
/// The store's.
pub async fn wants_second(tx: &Tx, record: &SessionRecord) -> Result<bool, StoreError> {
    Ok(factors::of(tx, record.user).await?.any() && !second_is_fresh(tx, record).await?)
}

/// Whether somebody may set a method up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaySetUp {
    /// They may.
    Yes,
    /// Not before they show the one that they have.
    NotBeforeSecond,
    /// Not before a fresh sign-in.
    NotBeforeFirst,
}

/// What the session keeps of how it was shown.
pub const fn method_of(method: FactorMethod) -> SecondMethod {
    match method {
        FactorMethod::App => SecondMethod::App,
        FactorMethod::Sms => SecondMethod::Sms,
        FactorMethod::Passkey => SecondMethod::Passkey,
        FactorMethod::Recovery => SecondMethod::RecoveryCode,
    }
}
