//! ETags: weak, equal to `meta.version`, and compared as weak ones for reading and for writing (RFC 7644 §3.14, S25).

use std::fmt::Display;

use super::error::ScimError;

/// The ETag of a version.
pub fn etag(version: impl Display) -> String {
    format!("W/\"{version}\"")
}

/// Whether a change may be made: 412 if `If-Match` is there and names neither `current` nor `*`.
pub fn if_match(header: Option<&str>, current: &str) -> Result<(), ScimError> {
    match header {
        Some(header) if !names(header, current) => {
            Err(ScimError::plain(412, "The resource has changed since that version: read it again."))
        }
        _ => Ok(()),
    }
}

/// Whether the client has it already, so that 304 is the answer.
pub fn if_none_match(header: Option<&str>, current: &str) -> bool {
    header.is_some_and(|header| names(header, current))
}

fn names(header: &str, current: &str) -> bool {
    let opaque = |tag: &str| {
        let tag = tag.strip_prefix("W/").or_else(|| tag.strip_prefix("w/")).unwrap_or(tag);
        tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).map(str::to_owned)
    };
    let current = opaque(current);
    // Our own versions hold no comma, so a list may be cut at every one.
    header.trim() == "*" || header.split(',').any(|tag| current.is_some() && opaque(tag.trim()) == current)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s25_weak_tags_match_for_writing_too() {
        let current = etag(7);
        assert_eq!(current, "W/\"7\"");
        for (header, expected) in [
            ("W/\"7\"", true),
            ("\"7\"", true),
            ("*", true),
            ("W/\"6\", W/\"7\"", true),
            ("W/\"6\"", false),
            ("7", false),
            ("", false),
            ("\"", false),
            ("W/\"7", false),
            ("\"*\"", false),
        ] {
            assert_eq!(if_match(Some(header), &current).is_ok(), expected, "{header}");
            assert_eq!(if_none_match(Some(header), &current), expected, "{header}");
        }
        assert!(if_match(None, &current).is_ok() && !if_none_match(None, &current));
        assert_eq!(if_match(Some("\"6\""), &current).unwrap_err().status(), 412);
    }
}
