//! Entering an organization with a session that is there already: what its rules ask for this address, and what of it
//! is still missing (D6). What is missing is asked for, never skipped.

use std::time::Duration;

use super::local::Arrival;
use super::opening::{Opened, Opening};
use super::page::Trouble;
use super::return_path::ReturnPath;
use super::state::Portal;
use crate::directory::effective::{self, Answer};
use crate::directory::two_factor::FirstFactor;
use crate::directory::{OrgKind, Organization, Story, User, member, organization};
use crate::kernel::{OrgId, Timestamp, UserId};
use crate::session::{Method, NewSession, SecondFactor, SecondMethod, SessionRecord};
use crate::store::{StoreError, Tx};

/// How a person must have signed in to enter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// However they did.
    Any,
    /// By this organization's single sign-on.
    SingleSignOn(OrgId),
    /// There is none for this address: single sign-on is required, and nobody's speaks for its domain (D11).
    None,
}

/// What an organization asks of whoever enters it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The account is active, the organization a customer (D13), and the person a member of it.
    pub theirs: bool,
    /// How they must have signed in.
    pub way: Way,
    /// How long ago at most.
    pub within: Option<Duration>,
}

/// What the session shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Whose single sign-on made it, if one did.
    pub connection: Option<OrgId>,
    /// When the person signed in.
    pub signed_in: Timestamp,
}

impl From<&SessionRecord> for Shown {
    fn from(record: &SessionRecord) -> Self {
        Shown { connection: record.connection, signed_in: record.signed_in() }
    }
}

/// Whether somebody enters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entering {
    /// They do.
    Enter,
    /// Not before a fresh sign-in at this organization's identity provider.
    SignInAt(OrgId),
    /// Not before a fresh sign-in, by the way they came.
    SignInAgain,
    /// Not with this address.
    NoWay,
    /// It is not theirs to enter: told like one that does not exist.
    NotTheirs,
}

/// Decides.
pub fn decide(asked: &Asked, shown: &Shown, now: Timestamp) -> Entering {
    if !asked.theirs {
        return Entering::NotTheirs;
    }
    let fresh = asked.within.is_none_or(|within| now < shown.signed_in.plus(within));
    match (asked.way, shown.connection) {
        (Way::None, _) => Entering::NoWay,
        (Way::SingleSignOn(wanted), Some(connection)) if wanted == connection && fresh => Entering::Enter,
        (Way::SingleSignOn(wanted), _) => Entering::SignInAt(wanted),
        (Way::Any, _) if fresh => Entering::Enter,
        (Way::Any, Some(connection)) => Entering::SignInAt(connection),
        (Way::Any, None) => Entering::SignInAgain,
    }
}

/// What `organization` asks of `user`, by its rules as they are at this moment.
///
/// # Errors
/// The store's.
pub async fn asked(tx: &Tx, user: &User, organization: &Organization) -> Result<Asked, StoreError> {
    let member = member::find(tx, organization.id, user.id).await?;
    let theirs = user.active && member.is_some() && organization.kind == OrgKind::Customer;
    let here = effective::of_organization(tx, organization.clone()).await?.rules;
    let holder = effective::of_domain(tx, &user.email.domain()).await?;
    let way = match &holder {
        // Whatever the organization itself wants, the address's own sign-in is single sign-on (D9).
        Some(holder) if effective::answer(tx, Some(holder)).await? == Answer::SingleSignOn => {
            Way::SingleSignOn(holder.organization.id)
        }
        Some(holder) if here.require_sso && effective::has_sso(tx, holder.organization.id).await? => {
            Way::SingleSignOn(holder.organization.id)
        }
        _ if here.require_sso => Way::None,
        _ => Way::Any,
    };
    Ok(Asked { theirs, way, within: here.session_absolute.map(Duration::from_secs) })
}

/// Whether the session that `record` tells of may go on in `organization`.
///
/// # Errors
/// The store's.
pub async fn may_enter(
    tx: &Tx,
    user: &User,
    organization: &Organization,
    shown: &Shown,
) -> Result<Entering, StoreError> {
    Ok(decide(&asked(tx, user, organization).await?, shown, tx.now()))
}

impl Portal {
    /// Opens a session in `organization` in place of the one that `record` tells of: another id, the same sign-in, and
    /// never a later end.
    ///
    /// # Errors
    /// The store's; the organization is gone.
    pub(super) async fn carry_over(
        &self,
        tx: &Tx,
        record: SessionRecord,
        (user, organization): (&User, &Organization),
        (arrival, return_to): (&Arrival, &ReturnPath),
    ) -> Result<Opened, Trouble> {
        let signed_in = record.signed_in();
        let entered = effective::of_organization(tx, organization.clone()).await?;
        let trusted = record.connection.is_some_and(|connection| entered.trusts_second_factor(connection));
        // What an identity provider said of a second factor goes along to where its word counts.
        let counts = |second: &SecondFactor| second.method != SecondMethod::IdentityProvider || trusted;
        let second_factor = record.second_factor.filter(counts);
        let within = entered.rules.session_absolute.map(Duration::from_secs);
        let ends = within.map_or(record.absolute_end, |within| record.absolute_end.min(signed_in.plus(within)));
        let new = NewSession {
            organization: Some(organization.id),
            connection: record.connection,
            auth_time: record.auth_time,
            second_factor,
            signed_in: Some(signed_in),
            ends: Some(ends),
            replaces: Some(record.id),
            client: record.client,
            user_agent: record.user_agent,
            ..NewSession::new(record.user, record.method, tx.now())
        };
        let story = Story {
            organizations: vec![organization.id],
            record: None,
            actor: user.email.to_string(),
            action: "login.switched".to_owned(),
            object: "session".to_owned(),
            after: "session".to_owned(),
        };
        let first = match new.method {
            Method::Sso => FirstFactor::Sso { proved: second_factor.is_some() },
            Method::Password => FirstFactor::Password,
            Method::MagicLink => FirstFactor::MagicLink,
            Method::Operator => FirstFactor::Operator,
        };
        self.open(tx, Opening { new, user, first, asking: Some(organization), story, return_to, arrival }).await
    }
}

/// The organizations that `user` is a member of and may see here: customers alone (D13), by name.
///
/// # Errors
/// The store's.
pub async fn organizations_of(tx: &Tx, user: UserId) -> Result<Vec<(Organization, member::Member)>, StoreError> {
    let mut found = Vec::new();
    for id in member::of_user(tx, user).await? {
        let Some(member) = member::find(tx, id, user).await? else { continue };
        let Some(organization) = organization::by_id(tx, id).await? else { continue };
        if organization.kind == OrgKind::Customer {
            found.push((organization, member));
        }
    }
    found.sort_by(|(one, _), (two, _)| (&one.name, &one.slug).cmp(&(&two.name, &two.slug)));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_asked_for() {
        use Entering::{Enter, NoWay, NotTheirs, SignInAgain, SignInAt};
        let (acme, globex) = (OrgId::from_bytes([1; 16]), OrgId::from_bytes([2; 16]));
        let hour = Duration::from_secs(3600);
        let now = Timestamp::from_seconds(1_000_000);
        let (fresh, old) = (now.minus(hour / 2), now.minus(hour));
        let check = |theirs, way, within, connection, signed_in, expected| {
            let (asked, shown) = (Asked { theirs, way, within }, Shown { connection, signed_in });
            assert_eq!(decide(&asked, &shown, now), expected, "{asked:?} {shown:?}");
        };
        let sso = Way::SingleSignOn;
        check(true, Way::Any, None, None, old, Enter);
        check(true, Way::Any, None, Some(acme), old, Enter);
        check(true, Way::Any, Some(hour), None, fresh, Enter);
        check(true, Way::Any, Some(hour), None, old, SignInAgain);
        check(true, Way::Any, Some(hour), Some(acme), old, SignInAt(acme));
        check(true, sso(acme), None, Some(acme), old, Enter);
        check(true, sso(acme), None, Some(globex), fresh, SignInAt(acme));
        check(true, sso(acme), None, None, fresh, SignInAt(acme));
        check(true, sso(acme), Some(hour), Some(acme), fresh, Enter);
        check(true, sso(acme), Some(hour), Some(acme), old, SignInAt(acme));
        check(true, Way::None, None, Some(acme), fresh, NoWay);
        check(true, Way::None, None, None, fresh, NoWay);
        for way in [Way::Any, sso(acme), Way::None] {
            for connection in [None, Some(acme), Some(globex)] {
                check(false, way, None, connection, fresh, NotTheirs);
            }
        }
    }
}
