//! Home: what an organization is, at a glance.

use askama::Template;
use axum::response::Response;
use http::StatusCode;

use super::Door;
use super::shell::{Shell, html};
use crate::administration::api::{AttentionPage, DayView, OrgShow, OrgView, OverviewShow, OverviewView};
use crate::administration::{organization, overview};
use crate::web::page::Trouble;

/// The height of the plot, in its own units.
const HEIGHT: usize = 120;
/// The width of a day in it, and of its bar.
const STEP: usize = 90;
const BAR: usize = 54;

/// A day of the plot.
struct Bar {
    left: usize,
    middle: usize,
    accepted_top: usize,
    accepted_height: usize,
    refused_top: usize,
    refused_height: usize,
    /// The day and the month: 27 Nov.
    name: String,
    day: DayView,
}

#[derive(Template)]
#[template(path = "console/home.html")]
struct HomePage {
    shell: Shell,
    view: OrgView,
    overview: OverviewView,
    /// Where it is seen to, and what it is.
    attention: Vec<(String, String)>,
    bars: Vec<Bar>,
    /// How many sign-ins there were in these days.
    total: usize,
}

/// `GET /.vestibule/console/o/{slug}`.
///
/// # Errors
/// Not theirs to see.
pub async fn show(door: Door) -> Result<Response, Trouble> {
    let slug = || door.organization.slug.clone();
    let view = organization::show(door.admin.clone(), OrgShow { slug: slug() }).await?;
    let overview = overview::show(door.admin.clone(), OverviewShow { slug: slug() }).await?;
    let (bars, total) = (bars(&overview.days), overview.days.iter().map(|day| day.accepted + day.refused).sum());
    let attention = overview.attention.iter().map(|one| (door.path(address(one.page)), one.text.clone())).collect();
    Ok(html(StatusCode::OK, &HomePage { shell: door.shell(""), view, overview, attention, bars, total }))
}

/// The last part of the address of the page where something is seen to.
const fn address(page: AttentionPage) -> &'static str {
    match page {
        AttentionPage::SingleSignOn => "sso",
        AttentionPage::Domains => "domains",
        AttentionPage::SignIns => "logins",
        AttentionPage::Provisioning => "scim",
        AttentionPage::Members => "members",
        AttentionPage::People => "discoverability",
    }
}

/// The plot: refused ones stand on those that were let in.
fn bars(days: &[DayView]) -> Vec<Bar> {
    let most = days.iter().map(|day| day.accepted + day.refused).max().unwrap_or_default().max(1);
    let bar = |(number, day): (usize, &DayView)| {
        let accepted_height = HEIGHT * day.accepted / most;
        // What there was is seen, however little.
        let height = |count: usize| (HEIGHT * count / most).max(usize::from(count > 0) * 2);
        let (accepted_height, refused_height) = (height(day.accepted).max(accepted_height), height(day.refused));
        let accepted_top = HEIGHT.saturating_sub(accepted_height);
        Bar {
            left: number * STEP + (STEP - BAR) / 2,
            middle: number * STEP + STEP / 2,
            accepted_top,
            accepted_height,
            refused_top: accepted_top.saturating_sub(refused_height),
            refused_height,
            name: name(&day.date),
            day: day.clone(),
        }
    };
    days.iter().enumerate().map(bar).collect()
}

/// `2026-11-27` as `27 Nov`.
fn name(date: &str) -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut parts = date.split('-').skip(1).map(|part| part.parse::<usize>().unwrap_or_default());
    let (month, day) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    format!("{day} {}", MONTHS.get(month.wrapping_sub(1)).unwrap_or(&""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_fill_the_plot_and_little_is_still_seen() {
        let day = |accepted, refused| DayView { date: "2026-11-07".to_owned(), accepted, refused };
        let check = |days: &[DayView], expected: &[(usize, usize)]| {
            let drawn = bars(days);
            let heights: Vec<_> = drawn.iter().map(|bar| (bar.accepted_height, bar.refused_height)).collect();
            assert_eq!(heights, expected, "{days:?}");
            for bar in drawn {
                assert!(bar.refused_top + bar.refused_height <= HEIGHT && bar.name == "7 Nov", "{}", bar.name);
            }
        };
        check(&[], &[]);
        check(&[day(0, 0), day(0, 0)], &[(0, 0), (0, 0)]);
        check(&[day(3, 1), day(1, 0)], &[(90, 30), (30, 0)]);
        check(&[day(1000, 1), day(1, 0)], &[(119, 2), (2, 0)]);
    }
}
