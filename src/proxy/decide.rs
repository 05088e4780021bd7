//! The gate's decision: a pure function of the route's rule and of who is there.

use std::time::Duration;

use super::settings::Access;
use crate::kernel::Timestamp;
use crate::session::{Authentication, Facts};

/// Who sends the request.
#[derive(Clone, Copy, Debug)]
pub enum Who<'a> {
    /// Nobody that is known.
    Nobody,
    /// Somebody with a living session.
    Person(&'a Facts),
    /// It can't be told just now.
    Unknown,
}

impl<'a> Who<'a> {
    /// Who an authentication found.
    pub fn of(authentication: &'a Authentication) -> Self {
        match authentication {
            Authentication::Nobody { .. } => Who::Nobody,
            Authentication::SignedIn(person) => Who::Person(&person.facts),
            Authentication::Unavailable(_) => Who::Unknown,
        }
    }
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It goes to the app, with the person's identity if there is one.
    Forward,
    /// A session is needed.
    SignIn,
    /// They may, once they have shown a second factor just now.
    SecondFactor,
    /// They are known, and this is not for them.
    Forbidden(Forbidden),
    /// Nobody can say just now: the gate fails closed.
    Unavailable,
}

/// Why somebody who is known may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forbidden {
    /// Their account is in no organization, or the session in none (D7, D13).
    NoOrganization,
    /// The route is for other organizations, roles or teams.
    NotForThem,
}

/// Decides on a request: by who is there, and, where the route has a `max_age`, by how long ago they showed a second
/// factor. The time is asked for only then.
pub fn decide_request(
    access: &Access,
    max_age: Option<Duration>,
    authentication: &Authentication,
    now: impl FnOnce() -> Timestamp,
) -> Decision {
    let decision = decide(access, Who::of(authentication));
    let (Some(max_age), Decision::Forward, Authentication::SignedIn(who)) = (max_age, decision, authentication) else {
        return decision;
    };
    let shown = who.session.second_factor.map(|second| second.at);
    if is_fresh(shown, max_age, now()) { decision } else { Decision::SecondFactor }
}

/// Whether a second factor is no older than `max_age`.
fn is_fresh(shown: Option<Timestamp>, max_age: Duration, now: Timestamp) -> bool {
    shown.is_some_and(|shown| now <= shown.plus(max_age))
}

/// Decides by who is there alone: what an open stream is held against.
pub fn decide(access: &Access, who: Who<'_>) -> Decision {
    let (orgs, roles, teams) = match access {
        Access::Public => return Decision::Forward,
        Access::SignedIn => (&[][..], &[][..], &[][..]),
        Access::Only { orgs, roles, teams } => (&orgs[..], &roles[..], &teams[..]),
    };
    let facts = match who {
        Who::Nobody => return Decision::SignIn,
        Who::Unknown => return Decision::Unavailable,
        Who::Person(facts) => facts,
    };
    let Some(here) = &facts.organization else {
        return Decision::Forbidden(Forbidden::NoOrganization);
    };
    let matches = (orgs.is_empty() || orgs.contains(&here.slug))
        && (roles.is_empty() || roles.contains(&here.role))
        && (teams.is_empty() || facts.team_keys.iter().any(|team| teams.contains(team)));
    if matches { Decision::Forward } else { Decision::Forbidden(Forbidden::NotForThem) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Role;
    use crate::session::facts::sample;

    fn only(orgs: &[&str], roles: &[Role], teams: &[&str]) -> Access {
        Access::Only {
            orgs: orgs.iter().map(|slug| slug.parse().unwrap()).collect(),
            roles: roles.to_vec(),
            teams: teams.iter().map(|team| (*team).to_owned()).collect(),
        }
    }

    #[test]
    fn how_old_a_second_factor_may_be() {
        let now = Timestamp::from_seconds(1_800_000_000);
        let quarter = Duration::from_secs(900);
        let check = |ago: Option<u64>, expected: bool| {
            let shown = ago.map(|ago| now.minus(Duration::from_secs(ago)));
            assert_eq!(is_fresh(shown, quarter, now), expected, "{ago:?}");
        };
        check(None, false);
        check(Some(0), true);
        check(Some(900), true);
        check(Some(901), false);
    }

    #[test]
    fn the_table_of_decisions() {
        let ada = sample(Some(("acme", Role::Admin)), &["ops"]);
        let guest = sample(None, &[]);
        let check = |access: &Access, who, expected| assert_eq!(decide(access, who), expected, "{access:?} {who:?}");
        for who in [Who::Nobody, Who::Unknown, Who::Person(&ada), Who::Person(&guest)] {
            check(&Access::Public, who, Decision::Forward);
        }
        check(&Access::SignedIn, Who::Nobody, Decision::SignIn);
        check(&Access::SignedIn, Who::Unknown, Decision::Unavailable);
        check(&Access::SignedIn, Who::Person(&ada), Decision::Forward);
        check(&Access::SignedIn, Who::Person(&guest), Decision::Forbidden(Forbidden::NoOrganization));
        let (yes, no) = (Decision::Forward, Decision::Forbidden(Forbidden::NotForThem));
        for (access, expected) in [
            (only(&[], &[], &[]), yes),
            (only(&["acme"], &[], &[]), yes),
            (only(&["zeta"], &[], &[]), no),
            (only(&["zeta", "acme"], &[Role::Owner, Role::Admin], &["ops"]), yes),
            (only(&[], &[Role::Owner], &[]), no),
            (only(&[], &[], &["dev"]), no),
            (only(&["acme"], &[Role::Admin], &["dev"]), no),
        ] {
            check(&access, Who::Person(&ada), expected);
            check(&access, Who::Nobody, Decision::SignIn);
            check(&access, Who::Person(&guest), Decision::Forbidden(Forbidden::NoOrganization));
        }
    }
}
