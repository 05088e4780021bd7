//! The gate's decision: a pure function of the route's rule and of who is there.

use super::settings::Access;
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

/// Decides.
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
