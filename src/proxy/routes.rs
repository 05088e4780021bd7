//! Which rule a path falls under: the first match wins, and without one a session is needed.

use super::path::{self, PathError};
use super::settings::{Access, RouteSettings};

/// A rule, compiled.
#[derive(Clone, Debug)]
pub struct Route {
    pattern: Box<str>,
    /// Who may.
    pub access: Access,
    /// The number of the upstream that answers.
    pub upstream: usize,
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
    #[error("the path can be read in two ways")]
    Ambiguous,
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
            rules.push(Route { pattern: route.path.as_str().into(), access: route.access.clone(), upstream });
        }
        let otherwise = Route { pattern: "/".into(), access: Access::SignedIn, upstream: 0 };
        Ok(Routes { rules, otherwise })
    }

    /// The rule for a canonical path.
    ///
    /// # Errors
    /// [`RouteError::Ambiguous`] if the app might read the path as one under another rule.
    pub fn find(&self, canonical: &str) -> Result<&Route, RouteError> {
        let rule = self.first(canonical);
        match path::liberal(canonical) {
            Some(liberal) if !std::ptr::eq(self.first(&liberal), rule) => Err(RouteError::Ambiguous),
            _ => Ok(rule),
        }
    }

    /// The first rule that covers a path, taken as it is.
    pub fn first(&self, path: &str) -> &Route {
        self.rules.iter().find(|rule| rule.covers(path)).unwrap_or(&self.otherwise)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes() -> Routes {
        let route = |path: &str, access| RouteSettings { path: path.to_owned(), access, upstream: None };
        let only = Access::Only { orgs: Vec::new(), roles: vec![crate::kernel::Role::Owner], teams: Vec::new() };
        let rules =
            [route("/public/secret", Access::SignedIn), route("/public/", Access::Public), route("/admin/", only)];
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
        check("/public/secret/", "/public/");
        check("/publicity", "/");
        check("/", "/");
        check("/a;v=1", "/");
        check("/projects/a%2Fb", "/");
        check("/public/a%2Fb;v=1", "/public/");
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
        ] {
            let canonical = path::canonical(path).unwrap();
            assert_eq!(routes.find(&canonical).map(Route::pattern), Err(RouteError::Ambiguous), "{path}");
        }
    }

    #[test]
    fn a_rule_that_can_never_match_is_a_mistake() {
        let rule = |path: &str| RouteSettings { path: path.to_owned(), access: Access::Public, upstream: None };
        for path in ["public", "/a//b", "/a/../b", "/%61"] {
            assert!(Routes::new(&[rule(path)], &["app"]).is_err(), "{path}");
        }
        let elsewhere = RouteSettings { upstream: Some("other".to_owned()), ..rule("/a") };
        assert!(Routes::new(&[elsewhere], &["app"]).is_err());
    }
}
