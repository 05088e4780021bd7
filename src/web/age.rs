//! How long ago something was, in words.

use std::time::Duration;

/// `just now`, `5 minutes ago`, `1 day ago`: in the largest unit that fits, rounded down.
pub fn age(since: Duration) -> String {
    let units = [(24 * 3600, "day"), (3600, "hour"), (60, "minute")];
    let seconds = since.as_secs();
    match units.into_iter().find(|(unit, _)| seconds >= *unit) {
        None => "just now".to_owned(),
        Some((unit, name)) => {
            let count = seconds / unit;
            let plural = if count == 1 { "" } else { "s" };
            format!("{count} {name}{plural} ago")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_told_in_the_largest_unit_that_fits() {
        let check = |seconds, expected: &str| assert_eq!(age(Duration::from_secs(seconds)), expected, "{seconds}");
        check(0, "just now");
        check(59, "just now");
        check(60, "1 minute ago");
        check(3599, "59 minutes ago");
        check(7200, "2 hours ago");
        check(25 * 3600, "1 day ago");
        check(30 * 24 * 3600, "30 days ago");
    }
}
