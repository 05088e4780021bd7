//! Dates as SAML writes them: `xs:dateTime` with a zone; what can't be read refuses, what is far saturates (R28).

use uppsala::NodeId;

use super::document::Tree;
use super::error::{SamlError, shown};
use crate::kernel::Timestamp;

/// The longest date, in bytes.
const DATE_LIMIT: usize = 40;

/// Reads dates from attributes.
pub(super) struct Instant;

impl Instant {
    /// The date in an attribute, if it is there.
    pub(super) fn of(tree: &Tree<'_>, node: NodeId, name: &str) -> Result<Option<Timestamp>, SamlError> {
        tree.attribute(node, name)
            .map(|text| read(text).ok_or_else(|| SamlError::Malformed(format!("`{}` as the date {name}", shown(text)))))
            .transpose()
    }

    /// The date in an attribute that must be there.
    pub(super) fn required(tree: &Tree<'_>, node: NodeId, name: &str) -> Result<Timestamp, SamlError> {
        Self::of(tree, node, name)?.ok_or_else(|| SamlError::Structure(format!("{} without {name}", tree.name(node).1)))
    }
}

/// `2026-01-31T12:00:00.250Z`, or with an offset. The last days of the year 9999, which some IdPs write for «never»,
/// lie beyond the calendar and saturate.
fn read(text: &str) -> Option<Timestamp> {
    let digits_and_marks = |b: u8| b.is_ascii_digit() || b"-:.+TZ".contains(&b);
    let bytes = text.as_bytes();
    if bytes.len() > DATE_LIMIT || bytes.get(10) != Some(&b'T') || !bytes.iter().all(|b| digits_and_marks(*b)) {
        return None;
    }
    let far = || {
        let day = text.strip_prefix("9999-12-3")?;
        Timestamp::parse_rfc3339(&format!("9999-12-1{day}")).map(|_| Timestamp::MAX)
    };
    Timestamp::parse_rfc3339(text).or_else(far)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r28_unreadable_dates_refuse_and_far_ones_saturate() {
        let seconds = |text: &str| read(text).map(Timestamp::seconds);
        assert_eq!(seconds("1970-01-01T00:00:10Z"), Some(10));
        assert_eq!(seconds("1970-01-01T01:00:10.1234567+01:00"), Some(10));
        assert_eq!(read("9999-12-31T23:59:59Z"), Some(Timestamp::MAX));
        assert_eq!(read("9999-12-31T23:59:59.9999999Z"), Some(Timestamp::MAX));
        for wrong in [
            "",
            "never",
            "2026-01-01",
            "2026-01-01T00:00:00",
            "2026-01-01 00:00:00Z",
            "2026-02-30T00:00:00Z",
            "99999-01-01T00:00:00Z",
            "9999-12-31T23:59",
            "2026-01-01T00:00:00Z[UTC]",
            "2026-01-01T25:00:00Z",
            "-0001-01-01T00:00:00Z",
            " 2026-01-01T00:00:00Z",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
