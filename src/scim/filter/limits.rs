//! What a filter may cost, looked at before it is read (S37).

/// The longest filter, in bytes.
pub const LENGTH_LIMIT: usize = 16 * 1024;
/// The deepest nesting of brackets.
pub const DEPTH_LIMIT: usize = 32;
/// The most terms: comparisons joined by `and` and `or`.
pub const TERMS_LIMIT: usize = 500;
/// The most terms in the path of a PATCH operation: a request holds many of them.
const PATH_TERMS_LIMIT: usize = 20;

/// The limits of one sort of text.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    name: &'static str,
    terms: usize,
}

/// Of a filter.
pub const FILTER: Bounds = Bounds { name: "filter", terms: TERMS_LIMIT };
/// Of a PATCH path.
pub const PATH: Bounds = Bounds { name: "path", terms: PATH_TERMS_LIMIT };

/// Looks at length, depth and terms in one pass, without understanding any of it.
pub fn check(text: &str, bounds: Bounds) -> Result<(), String> {
    let name = bounds.name;
    if text.len() > LENGTH_LIMIT {
        return Err(format!("The {name} is longer than {LENGTH_LIMIT} bytes."));
    }
    let (mut depth, mut deepest, mut terms) = (0_usize, 0, 1);
    let mut rest = text.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        match byte {
            b'"' => rest = behind_text(rest),
            b'(' | b'[' => (depth, deepest) = (depth + 1, deepest.max(depth + 1)),
            b')' | b']' => depth = depth.saturating_sub(1),
            _ if byte.is_ascii_alphanumeric() => {
                let end = rest.iter().position(|next| !next.is_ascii_alphanumeric()).unwrap_or(rest.len());
                let word = (byte.to_ascii_lowercase(), &rest[..end]);
                terms += usize::from(match word {
                    (b'a', more) => more.eq_ignore_ascii_case(b"nd"),
                    (b'o', more) => more.eq_ignore_ascii_case(b"r"),
                    _ => false,
                });
                rest = &rest[end..];
            }
            _ => {}
        }
    }
    if deepest > DEPTH_LIMIT {
        return Err(format!("The {name} is nested deeper than {DEPTH_LIMIT} brackets."));
    }
    if terms > bounds.terms {
        return Err(format!("The {name} has more than {} terms.", bounds.terms));
    }
    Ok(())
}

/// What follows the text whose opening quote is already gone.
fn behind_text(bytes: &[u8]) -> &[u8] {
    let mut at = 0;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    bytes.get(at + 1..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s37_the_limits_hold_at_their_very_edge() {
        let nested = |levels: usize| format!("{}title pr{}", "(".repeat(levels), ")".repeat(levels));
        let chain = |terms: usize| vec!["title pr"; terms].join(" or ");
        let long = |bytes: usize| format!("title eq \"{}\"", "x".repeat(bytes - 11));
        for (within, beyond) in [(nested(32), nested(33)), (chain(500), chain(501)), (long(16_384), long(16_385))] {
            assert_eq!(check(&within, FILTER), Ok(()));
            assert!(check(&beyond, FILTER).is_err());
        }
        assert!(check(&chain(21), PATH).is_err());
        assert_eq!(check(&format!("title eq \"{}\\\"\"", " or (".repeat(600)), FILTER), Ok(()), "in a text");
    }
}
