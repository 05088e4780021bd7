//! Which rule a path falls under: the first match wins, and without one a session is needed.

use std::time::Duration;

use super::path::{self, PathError};
use super::settings::{Access, RouteSettings};
use crate::session::team_key;

/// A rule, compiled.
#[derive(Clone, Debug)]
pub struct Route {
    pattern: Box<str>,
    /// The pattern as the most liberal app reads it, if that is another.
    liberal: Option<Box<str>>,
    /// Who may.
    pub access: Access,
    /// How old their second factor may be, if one is asked for.
    pub max_age: Option<Duration>,
    /// The number of the upstream that answers.
    pub upstream: usize,
    /// Its own number, for [`Routes::rule`].
    pub number: usize,
}

impl Route {
    /// The path as it was configured.
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// A pattern with a last `/` covers that path, with and without the slash, and all below; any other is exact.
    fn covers(&self, path: &str) -> bool {
        match self.pattern.strip_suffix('/') {
            Some(folder) => path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
            None => *path == *self.pattern,
        }
    }

    /// Whether an app that minds neither letter case nor a last slash might take a path for one under this rule.
    fn might_cover(&self, path: &str) -> bool {
        let path = path.strip_suffix('/').unwrap_or(path);
        let is_under = |pattern: &str| match pattern.strip_suffix('/') {
            Some(folder) => {
                let head = path.as_bytes().get(..folder.len());
                let rest = path.as_bytes().get(folder.len());
                head.is_some_and(|head| head.eq_ignore_ascii_case(folder.as_bytes()))
                    && matches!(rest, None | Some(b'/'))
            }
            None => path.eq_ignore_ascii_case(pattern),
        };
        is_under(&self.pattern) || self.liberal.as_deref().is_some_and(is_under)
    }

    /// Whether two rules come to the same.
    fn equals(&self, other: &Route) -> bool {
        std::ptr::eq(self, other)
            || (self.access == other.access && self.max_age == other.max_age && self.upstream == other.upstream)
    }
}

/// All rules, and the one that stands behind them.
#[derive(Debug)]
pub struct Routes {
    rules: Vec<Route>,
    otherwise: Route,
}

/// Why a request has no route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// The path has no canonical form.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The path can be read in two ways that lead to different routes.
    #[error("The path can be read in two ways.")]
    Ambiguous,
}

/// The access with its teams as they are compared, so that no request has to.
fn comparable(access: &Access) -> Access {
    match access.clone() {
        Access::Only { orgs, roles, teams } => {
            Access::Only { orgs, roles, teams: teams.iter().map(|team| team_key(team)).collect() }
        }
        other => other,
    }
}

impl Routes {
    /// Compiles `routes`; `upstreams` are the names that they may use.
    ///
    /// # Errors
    /// A sentence that names the route with an unknown upstream, or with a path that no request can have.
    pub fn new(routes: &[RouteSettings], upstreams: &[&str]) -> Result<Self, String> {
        let mut rules = Vec::new();
        for route in routes {
            let upstream = match &route.upstream {
                None => Some(0),
                Some(name) => upstreams.iter().position(|upstream| upstream == name),
            };
            let upstream = upstream.ok_or_else(|| format!("route {}: there is no such upstream", route.path))?;
            if path::canonical(&route.path).as_deref() != Ok(&route.path) {
                return Err(format!(
                    "route {}: no request ever has this path; write it in its canonical form",
                    route.path
                ));
            }
            let liberal = path::readings(&route.path).pop().map(String::into_boxed_str);
            let pattern = route.path.as_str().into();
            let access = comparable(&route.access);
            let (max_age, number) = (route.max_age, rules.len());
            rules.push(Route { pattern, liberal, access, max_age, upstream, number });
        }
        let (pattern, number) = ("/".into(), rules.len());
        let access = Access::SignedIn;
        let otherwise = Route { pattern, liberal: None, access, max_age: None, upstream: 0, number };
        Ok(Routes { rules, otherwise })
    }

    /// The rule for a canonical path.
    ///
    /// # Errors
    /// [`RouteError::Ambiguous`] if the app might read the path as one under another rule.
    pub fn find(&self, canonical: &str) -> Result<&Route, RouteError> {
        let rule = self.first(canonical);
        let same = |reading: &str| self.first_liberally(reading).equals(rule);
        if same(canonical) && path::readings(canonical).iter().all(|reading| same(reading)) {
            Ok(rule)
        } else {
            Err(RouteError::Ambiguous)
        }
    }

    /// The rule of this number.
    pub fn rule(&self, number: usize) -> &Route {
        self.rules.get(number).unwrap_or(&self.otherwise)
    }

    /// Whether a path that was not made canonical falls under `rule` too, in every letter case.
    pub fn leads_to(&self, path: &str, rule: &Route) -> bool {
        self.first(path).equals(rule) && self.first_liberally(path).equals(rule)
    }

    fn first_liberally(&self, path: &str) -> &Route {
        self.rules.iter().find(|rule| rule.might_cover(path)).unwrap_or(&self.otherwise)
    }

    /// The first rule that covers a path, taken as it is.
    fn first(&self, path: &str) -> &Route {
        self.rules.iter().find(|rule| rule.covers(path)).unwrap_or(&self.otherwise)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes() -> Routes {
        let route = |path: &str, access| RouteSettings { path: path.to_owned(), access, max_age: None, upstream: None };
        let only = Access::Only { orgs: Vec::new(), roles: vec![crate::kernel::Role::Owner], teams: Vec::new() };
        let rules = [
            route("/public/secret", Access::SignedIn),
            route("/public/", Access::Public),
            route("/admin/", only.clone()),
            route("/caf%C3%A9/", only),
        ];
        Routes::new(&rules, &["app"]).unwrap()
    }

    #[test]
    fn the_first_match_wins_at_segment_borders() {
        let routes = routes();
        let check = |path: &str, expected: &str| assert_eq!(routes.find(path).unwrap().pattern(), expected, "{path}");
        check("/public/", "/public/");
        check("/public", "/public/");
        check("/public/a/b", "/public/");
        check("/public/secret", "/public/secret");
        check("/public/Secrets", "/public/");
        check("/Deals/", "/");
        check("/Z%C3%BC.", "/");
        check("/caf%C3%A9/x", "/caf%C3%A9/");
        check("/publicity", "/");
        check("/", "/");
        check("/a;v=1", "/");
        check("/projects/a%2Fb", "/");
        check("/public/a%2Fb;v=1", "/public/");
    }

    #[test]
    fn a_rule_is_found_again_by_its_number() {
        let routes = routes();
        for path in ["/public/secret", "/public/a", "/admin/", "/deals"] {
            let route = routes.find(path).unwrap();
            assert!(std::ptr::eq(routes.rule(route.number), route), "{path}");
        }
    }

    #[test]
    fn a_path_with_two_readings_has_no_route_if_they_differ() {
        let routes = routes();
        for path in [
            "/public/..%2Fadmin/x",
            "/public/..;/admin",
            "/admin;x/y",
            "/%61dmin%2Fx",
            "/public%2F..%2Fadmin",
            "/public/%252e%252e/admin",
            "/public/x%5C..%5C..%5Cadmin",
            "/public/secret;x",
            "/public/secret/",
            "/public/Secret",
            "/PUBLIC/a",
            "/Admin/x",
            "/ADMIN",
            "/admin./x",
            "/admin%20",
            "/ADMIN/..%2fx",
            "/admin%2f..%2fx",
            "/CAF%C3%89/x",
        ] {
            let canonical = path::canonical(path).unwrap();
            assert_eq!(routes.find(&canonical).map(Route::pattern), Err(RouteError::Ambiguous), "{path}");
        }
    }

    #[test]
    fn a_rule_that_can_never_match_is_a_mistake() {
        let rule =
            |path: &str| RouteSettings { path: path.to_owned(), access: Access::Public, max_age: None, upstream: None };
        for path in ["public", "/a//b", "/a/../b", "/%61"] {
            assert!(Routes::new(&[rule(path)], &["app"]).is_err(), "{path}");
        }
        let elsewhere = RouteSettings { upstream: Some("other".to_owned()), ..rule("/a") };
        assert!(Routes::new(&[elsewhere], &["app"]).is_err());
    }
}
