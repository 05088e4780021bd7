//! `logins` and `explain`, as text.

use super::output::table;
use crate::administration::api::{ExplainView, LoginView};
use crate::directory::LoginCheck;

/// Sign-ins, newest first.
pub fn logins(found: &[LoginView]) -> String {
    if found.is_empty() {
        return "No sign-ins yet.".to_owned();
    }
    found.iter().map(login).collect::<Vec<_>>().join("\n\n")
}

fn login(login: &LoginView) -> String {
    let who = login.email.as_deref().unwrap_or("someone unknown");
    let reason = login.reason.as_ref().map_or(String::new(), |reason| format!(" ({reason})"));
    let mut lines = vec![format!("{}  {}{reason}  {who} → {}", login.at, login.outcome, login.slug)];
    lines.push(format!("  reference {}  from {}", login.reference, login.client));
    if let Some(idp) = &login.idp {
        lines.push(format!("  identity provider {idp}"));
    }
    lines.extend(checks(&login.checks).lines().map(|line| format!("  {line}")));
    if let Some(fix) = &login.fix {
        lines.push(format!("  fix: {fix}"));
    }
    lines.join("\n")
}

/// Checks, a line each; of one that failed, what was expected and what came.
pub fn checks(checks: &[LoginCheck]) -> String {
    let width = checks.iter().map(|check| check.name.chars().count()).max().unwrap_or(0);
    let line = |check: &LoginCheck| {
        let LoginCheck { name, passed, expected, received } = check;
        if *passed {
            format!("✓ {name:width$}  {received}").trim_end().to_owned()
        } else {
            format!("✗ {name:width$}  expected {expected}; received {received}")
        }
    };
    checks.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A decision, step by step.
pub fn explained(view: &ExplainView) -> String {
    let row = |step: &crate::administration::api::Step| {
        let mark = if step.passed { "✓" } else { "✗" };
        [format!("{mark} {}", step.what), step.found.clone()]
    };
    let rows: Vec<_> = view.steps.iter().map(row).collect();
    let steps = table(["", ""], &rows, "");
    let mark = if view.allowed { "→" } else { "→ no:" };
    format!("{}\n{mark} {}", steps.trim_start_matches('\n'), view.decision)
}
