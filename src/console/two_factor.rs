//! Two-factor: when a second factor is asked for, from where that comes, and who has set one up.

use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use http::StatusCode;

use super::person_words;
use super::shell::{Shell, html, mistake};
use super::{Door, Posted, members};
use crate::administration::api::{FactorList, FactorPage, HeldFactors, OrgSet, TwoFactorShow, TwoFactorView};
use crate::administration::{organization, two_factor};
use crate::directory::TwoFactor;
use crate::web::address::address;
use crate::web::form::query_value;
use crate::web::page::Trouble;

/// The last part of the page's address.
pub const PAGE: &str = "two-factor";
/// The policies, the strictest last.
const POLICIES: [TwoFactor; 3] = [TwoFactor::Off, TwoFactor::Password, TwoFactor::Always];

#[derive(Template)]
#[template(path = "console/two_factor.html")]
struct TwoFactorPage {
    shell: Shell,
    view: TwoFactorView,
    /// What holds, in words.
    holds: &'static str,
    /// The Admin organization and its policy, in words.
    above: Option<(String, &'static str)>,
    /// The policies: what is posted, and its words.
    policies: [(&'static str, &'static str); 3],
    typed: Typed,
    rows: Vec<Row>,
    /// Only those without are listed.
    without: bool,
    /// This is not the first page.
    later: bool,
    next: Option<String>,
}

/// What the form's fields hold.
struct Typed {
    two_factor: String,
    grace_sign_ins: String,
    trusted_browser_days: String,
}

struct Row {
    at: String,
    name: Option<String>,
    email: String,
    /// What they have, in words; `None`: not the organization's to know.
    held: Option<String>,
    any: bool,
}

impl TwoFactorPage {
    /// The Admin organization, if its policy is the stricter one.
    fn stricter(&self) -> Option<&str> {
        let (name, policy) = self.view.above.as_ref()?;
        (*policy > self.view.own).then_some(name)
    }
}

/// `GET /.vestibule/console/o/{slug}/two-factor?only=without&after=…`.
///
/// # Errors
/// Not theirs to see.
pub async fn show(door: Door, RawQuery(query): RawQuery) -> Result<Response, Trouble> {
    let value = |name: &str| query_value(query.as_deref(), name).unwrap_or_default();
    let done = (value("done") == "saved").then_some("Saved. It holds from the next sign-in on.");
    let shell = Shell { done, ..door.shell(PAGE) };
    page(&door, shell, StatusCode::OK, (value("only") == "without", value("after")), None).await
}

async fn page(
    door: &Door,
    shell: Shell,
    status: StatusCode,
    (without, after): (bool, String),
    typed: Option<Typed>,
) -> Result<Response, Trouble> {
    let (slug, after) = (door.organization.slug.clone(), after.parse().ok());
    let later = after.is_some();
    let view = two_factor::show(door.admin.clone(), TwoFactorShow { slug: slug.clone() }).await?;
    let FactorPage { members, next } =
        two_factor::list(door.admin.clone(), FactorList { slug, without, after }).await?;
    let (here, people) = (door.path(PAGE), door.path(members::PAGE));
    let only = if without { "without" } else { "" };
    let rows = members.into_iter().map(|member| Row {
        at: format!("{people}/{}", member.id),
        any: member.held.is_some_and(|held| held.any()),
        held: member.held.map(|held| words(&held)),
        name: member.name,
        email: member.email.to_string(),
    });
    let page = TwoFactorPage {
        rows: rows.collect(),
        next: next.map(|next| address(&here, &[("only", only), ("after", &next.to_string())])),
        holds: person_words::policy(view.holds),
        above: view.above.as_ref().map(|(name, policy)| (name.clone(), person_words::policy(*policy))),
        policies: POLICIES.map(|policy| (policy.as_str(), person_words::policy(policy))),
        typed: typed.unwrap_or_else(|| Typed {
            two_factor: view.own.as_str().to_owned(),
            grace_sign_ins: view.grace_sign_ins.to_string(),
            trusted_browser_days: view.trusted_browser_days.map(|days| days.to_string()).unwrap_or_default(),
        }),
        shell,
        view,
        without,
        later,
    };
    Ok(html(status, &page))
}

/// What somebody has, in words.
fn words(held: &HeldFactors) -> String {
    let mut words = Vec::new();
    if held.app {
        words.push("authenticator app".to_owned());
    }
    if held.phone {
        words.push("codes by SMS".to_owned());
    }
    match held.passkeys {
        0 => {}
        1 => words.push("a passkey".to_owned()),
        count => words.push(format!("{count} passkeys")),
    }
    if words.is_empty() {
        return "none".to_owned();
    }
    format!("{}; {} recovery codes left", words.join(", "), held.recovery_codes)
}

/// `POST /.vestibule/console/o/{slug}/two-factor` with `two_factor`, `grace_sign_ins` and `trusted_browser_days`; no days:
/// no browser is trusted.
///
/// # Errors
/// Not theirs to change; what was typed stands in the page again.
pub async fn save(Posted { door, form }: Posted) -> Result<Response, Trouble> {
    let text = |name: &str| form.get(name).unwrap_or_default().trim().to_owned();
    let typed = Typed {
        two_factor: text("two_factor"),
        grace_sign_ins: text("grace_sign_ins"),
        trusted_browser_days: text("trusted_browser_days"),
    };
    let days = if typed.trusted_browser_days.is_empty() { "off" } else { &typed.trusted_browser_days };
    let settings = vec![
        ("two_factor".to_owned(), typed.two_factor.clone()),
        ("grace_sign_ins".to_owned(), typed.grace_sign_ins.clone()),
        ("trusted_browser_days".to_owned(), days.to_owned()),
    ];
    match organization::set(door.admin.clone(), OrgSet { slug: door.organization.slug.clone(), settings }).await {
        Ok(_) => Ok(door.back(PAGE, "saved")),
        Err(fault) => {
            let (status, problem) = mistake(fault)?;
            let shell = Shell { problem: Some(problem), ..door.shell(PAGE) };
            page(&door, shell, status, (false, String::new()), Some(typed)).await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_told_in_words() {
        let check = |app, phone, passkeys, expected: &str| {
            assert_eq!(words(&HeldFactors { app, phone, passkeys, recovery_codes: 8 }), expected);
        };
        check(false, false, 0, "none");
        check(true, false, 0, "authenticator app; 8 recovery codes left");
        check(false, true, 1, "codes by SMS, a passkey; 8 recovery codes left");
        check(false, false, 3, "3 passkeys; 8 recovery codes left");
    }
}
