//! Which forms of the console ask for a factor that was shown just now, and which go with the session alone: one table,
//! with the reason of each. A form that is not in it asks for the factor.

use Asks::{Factor, Session};
use Page::{Above, Own};

/// What a form asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    /// The session alone.
    Session,
    /// A factor that was shown within [`FRESH`](super::door::FRESH), too.
    Factor,
}

/// On which page a form stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// The page of its own address.
    Own,
    /// The page whose address is one part shorter.
    Above,
}

/// What holds for a form.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Its address, as it is routed, behind the organization's.
    form: &'static str,
    /// The rule is for those alone whose field has this value; one that is missing is empty.
    only: Option<(&'static str, &'static str)>,
    /// Where it stands.
    pub page: Page,
    /// What it asks for.
    pub asks: Asks,
    /// Why, as whoever sends it is told.
    pub why: &'static str,
}

const fn rule(form: &'static str, page: Page, asks: Asks, why: &'static str) -> Rule {
    Rule { form, only: None, page, asks, why }
}

impl Rule {
    const fn only(self, field: &'static str, value: &'static str) -> Self {
        Rule { only: Some((field, value)), ..self }
    }
}

/// Of several rules for one form, the first one that fits.
const RULES: &[Rule] = &[
    rule("general", Own, Factor, "It decides how long sessions last."),
    rule("sso/metadata", Above, Factor, SIGNING_IN),
    rule("sso/hand", Above, Factor, SIGNING_IN),
    rule("sso/address", Above, Factor, SIGNING_IN),
    rule("sso/refresh", Above, Factor, SIGNING_IN),
    rule("sso/forget", Above, Factor, "From then on nobody but you renews what proves a sign-in."),
    rule("sso/remove", Own, Factor, "It ends single sign-on, and every session that it made."),
    rule("sso/certificates", Own, Factor, SIGNING_IN),
    rule("sso/certificates/remove", Above, Factor, SIGNING_IN),
    rule("sso/options", Own, Factor, SIGNING_IN),
    rule("sso/access", Own, Factor, "It decides who gets in, and who decides that."),
    rule("sso/require", Own, Factor, "It decides who can still sign in by a password."),
    rule("logins/{id}/share", Above, Factor, "The link shows somebody's sign-in to whoever has it."),
    rule("logins/{id}/unshare", Above, Session, "It takes a look away, and gives nobody anything."),
    rule("domains", Own, Factor, "A domain decides whose accounts are this organization's."),
    rule("domains/{domain}/check", Above, Session, "It asks DNS at once what is asked every day anyway."),
    rule("domains/{domain}/release", Own, Factor, "A domain decides whose accounts are this organization's."),
    rule("domains/{domain}/transfer", Above, Factor, "A domain decides whose accounts are this organization's."),
    rule("shared/code", Above, Factor, "The code links an organization to this one."),
    rule("shared/scim-name", Above, Factor, "The group of that name decides who is a member."),
    rule("shared/preview", Above, Session, "It shows what a link would change, and changes nothing."),
    rule("shared/join", Above, Factor, LINK),
    rule("shared/leave", Own, Factor, LINK),
    rule("scim/issue", Above, Factor, "Whoever has the token makes and ends accounts."),
    rule("scim/revoke", Above, Factor, "Without its token the identity provider takes nobody out any more."),
    rule("discoverability", Own, Factor, "It decides who comes in without being invited."),
    rule("discoverability/members", Above, Factor, "A membership comes back with its role, or ends."),
    rule("discoverability/requests", Above, Factor, "Whoever is let in becomes a member."),
    rule("audit/verify", Above, Session, "It reads, and changes nothing."),
    rule("members", Own, Factor, "An invitation mails a stranger, and gives them a role."),
    rule("members/{id}", Own, Factor, "It concerns somebody's role, account or sessions."),
    rule("members/{id}/remove", Own, Factor, "It takes somebody's access away."),
    rule("teams", Own, Session, "A team with nobody in it and without a role gives nobody anything.").only("role", ""),
    rule("teams", Own, Factor, "The role of a team is everybody's who is in it."),
    rule("teams/{id}", Own, Factor, "By a team's name, and who is in it, the app may decide what people can do."),
    rule("teams/{id}/delete", Own, Factor, "What the team gives, everybody in it loses."),
    rule("two-factor", Own, Factor, "It decides who has to show a second factor."),
    rule("sessions", Own, Factor, "It ends somebody's session."),
    rule("sessions/end", Own, Factor, "It ends everybody's session."),
];

const SIGNING_IN: &str = "It decides who can sign in as everybody in the organization.";
const LINK: &str = "A link decides whose single sign-on and rules hold.";
/// What holds for a form that nobody thought of.
const UNKNOWN: Rule = rule("", Above, Factor, "It may concern who gets in.");

/// The part of a route behind the organization's.
pub fn form_of(route: &str) -> &str {
    route.strip_prefix("/.vestibule/console/o/{slug}/").unwrap_or_default()
}

/// What holds for a form at this address ([`form_of`] its route) whose fields have these values.
pub fn of<'f>(form: &str, value: impl Fn(&str) -> Option<&'f str>) -> Rule {
    let fits = |rule: &&Rule| {
        rule.form == form && rule.only.is_none_or(|(field, wanted)| value(field).unwrap_or_default() == wanted)
    };
    RULES.iter().find(fits).copied().unwrap_or(UNKNOWN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_that_nobody_thought_of_asks_for_the_factor() {
        for form in ["", "new", "audit", "audit/verify/all", "/.vestibule/console/o/{slug}/audit/verify"] {
            assert_eq!(of(form, |_| None).asks, Factor, "{form}");
        }
        assert_eq!(form_of("/.vestibule/console/create"), "");
        assert_eq!(of(form_of("/.vestibule/console/o/{slug}/audit/verify"), |_| None).asks, Session);
    }

    #[test]
    fn a_rule_for_some_values_is_for_no_other() {
        let asks = |role: Option<&'static str>| of("teams", |field| role.filter(|_| field == "role")).asks;
        assert_eq!((asks(None), asks(Some("")), asks(Some("admin"))), (Session, Session, Factor));
    }

    #[test]
    fn each_form_has_one_rule_that_holds_for_all_values_and_stands_last() {
        for (index, rule) in RULES.iter().enumerate() {
            let later = RULES[index + 1..].iter().any(|other| other.form == rule.form);
            assert_eq!(later, rule.only.is_some(), "{}", rule.form);
            assert!(rule.why.ends_with('.'), "{}", rule.form);
        }
    }
}
