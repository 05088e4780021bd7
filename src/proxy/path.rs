//! One canonical path, which is both decided on and forwarded; a path that an app might read otherwise is refused.
//!
//! The canonical form: unreserved characters are not percent-encoded, `.` and `..` are resolved, slashes are single.
//! What then can still be read in two ways (`%2f`, `%5c`, `;parameters`, last dots, a second round of decoding) has
//! further [`readings`]: the gate lets such a path through only if all of them lead to the same route.

use std::borrow::Cow;

/// The longest path with its query, in bytes.
pub const TARGET_LIMIT: usize = 16 * 1024;
/// How many rounds of percent-decoding an app is thought capable of.
const DECODING_ROUNDS: usize = 3;

/// Why a path is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Longer than [`TARGET_LIMIT`].
    #[error("The address is too long.")]
    TooLong,
    /// It does not begin with `/`.
    #[error("The path does not begin with a slash.")]
    NotAbsolute,
    /// A character that no path may hold.
    #[error("The path holds a character that is not allowed there.")]
    Character,
    /// `%` that is not followed by two hexadecimal digits.
    #[error("The path holds a percent sign that encodes nothing.")]
    Encoding,
    /// A control character, percent-encoded.
    #[error("The path hides a control character.")]
    Hidden,
    /// A byte, percent-encoded, that no UTF-8 text holds.
    #[error("The address holds bytes that are not UTF-8.")]
    NotText,
    /// `..` beyond the root.
    #[error("The path leads out of the root.")]
    OutOfRoot,
}

/// Whether a byte may stand in a path as it is: RFC 3986 pchar, and those that browsers leave alone.
const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'/' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')')
        || matches!(byte, b'*' | b'+' | b',' | b';' | b'=' | b':' | b'@' | b'|' | b'[' | b']' | b'^')
}

const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// The canonical form of a path (without its query).
///
/// # Errors
/// [`PathError`] for what no app should have to guess about.
pub fn canonical(path: &str) -> Result<Cow<'_, str>, PathError> {
    let bytes = path.as_bytes();
    if bytes.len() > TARGET_LIMIT {
        return Err(PathError::TooLong);
    }
    if bytes.first() != Some(&b'/') {
        return Err(PathError::NotAbsolute);
    }
    // The usual path needs one look and no copy.
    let mut clean = true;
    let mut before = 0;
    for byte in bytes {
        match byte {
            b'%' => clean = false,
            b'/' | b'.' if before == b'/' => clean = false,
            byte if is_plain(*byte) => {}
            _ => return Err(PathError::Character),
        }
        before = *byte;
    }
    if clean { Ok(Cow::Borrowed(path)) } else { resolve(&decode_unreserved(bytes)?).map(Cow::Owned) }
}

/// Decodes what need not be encoded, and writes the rest with upper-case digits (RFC 3986 §6.2.2).
fn decode_unreserved(bytes: &[u8]) -> Result<String, PathError> {
    let mut out = String::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        if *first != b'%' {
            out.push(char::from(*first));
            rest = tail;
            continue;
        }
        let [high, low, tail @ ..] = tail else { return Err(PathError::Encoding) };
        let byte = hex(*high).zip(hex(*low)).map(|(high, low)| high << 4 | low).ok_or(PathError::Encoding)?;
        if byte.is_ascii_control() {
            return Err(PathError::Hidden);
        }
        if matches!(byte, 0xc0 | 0xc1 | 0xf5..) {
            return Err(PathError::NotText);
        }
        if is_unreserved(byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.extend([high, low].map(|digit| char::from(digit.to_ascii_uppercase())));
        }
        rest = tail;
    }
    Ok(out)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// Resolves `.` and `..` and makes slashes single (RFC 3986 §5.2.4).
fn resolve(path: &str) -> Result<String, PathError> {
    let mut kept: Vec<&str> = Vec::new();
    let mut ends_open = false;
    for segment in path.split('/') {
        ends_open = matches!(segment, "" | "." | "..");
        match segment {
            "" | "." => {}
            ".." => drop(kept.pop().ok_or(PathError::OutOfRoot)?),
            segment => kept.push(segment),
        }
    }
    let mut out = String::with_capacity(path.len());
    for segment in &kept {
        out.push('/');
        out.push_str(segment);
    }
    if ends_open || out.is_empty() {
        out.push('/');
    }
    Ok(out)
}

/// The further readings of a canonical path, as an app might take it: decoded never to as often as it goes, `\` as `/`,
/// `;parameters` and the last dots and spaces of segments dropped, `..` resolved or not. Empty if there is only one
/// reading, but for letter case and a last slash, which [`super::routes`] looks at in place.
pub fn readings(canonical: &str) -> Vec<String> {
    let bytes = canonical.as_bytes();
    let ends_in_dot = bytes.ends_with(b".") || bytes.windows(2).any(|pair| pair == b"./");
    if !ends_in_dot && !bytes.iter().any(|byte| matches!(byte, b'%' | b';')) {
        return Vec::new();
    }
    let mut readings = Vec::new();
    let mut bytes = bytes.to_vec();
    for _ in 0..=DECODING_ROUNDS {
        let text = String::from_utf8_lossy(&bytes).to_lowercase().replace('\\', "/");
        let tidy = text.split('/').map(tidy_segment).collect::<Vec<_>>().join("/");
        // Beyond the root there is nothing but the root, for an app that does not mind.
        let resolved = resolve(&tidy).unwrap_or_else(|_| "/".to_owned());
        readings.extend([tidy, resolved]);
        let decoded: Vec<u8> = percent_encoding::percent_decode(&bytes).collect();
        if decoded == bytes {
            break;
        }
        bytes = decoded;
    }
    readings
}

/// A segment without its parameters and without what a file system of Windows drops at its end.
fn tidy_segment(segment: &str) -> &str {
    let name = segment.split(';').next().unwrap_or_default().trim_end_matches(' ');
    if matches!(name, "." | "..") { name } else { name.trim_end_matches(['.', ' ']) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_one_canonical_form() {
        let check = |path: &str, expected: &str| {
            assert_eq!(canonical(path).as_deref(), Ok(expected), "{path}");
            assert_eq!(canonical(expected).as_deref(), Ok(expected), "{path}: twice is once");
        };
        check("/", "/");
        check("/a/b.c/~d/e-f_g", "/a/b.c/~d/e-f_g");
        check("/a//b///", "/a/b/");
        check("//a", "/a");
        check("/a/./b/../c", "/a/c");
        check("/a/..", "/");
        check("/a/b/.", "/a/b/");
        check("/%61%2D%7e", "/a-~");
        check("/a/%2e%2e/b", "/b");
        check("/a/.%2E/b", "/b");
        check("/a%2fb%3f", "/a%2Fb%3F");
        check("/z%c3%bc", "/z%C3%BC");
        check("/a;v=1/b", "/a;v=1/b");
        check("/.well-known/x", "/.well-known/x");
        check("/...", "/...");
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let check = |path: &str, expected| assert_eq!(canonical(path), Err(expected), "{path:?}");
        check("", PathError::NotAbsolute);
        check("a", PathError::NotAbsolute);
        check("*", PathError::NotAbsolute);
        check("/..", PathError::OutOfRoot);
        check("/a/%2e%2e/../b", PathError::OutOfRoot);
        check("/a\\b", PathError::Character);
        check("/a b", PathError::Character);
        check("/a\"b", PathError::Character);
        check("/a\u{7f}", PathError::Character);
        check("/zü", PathError::Character);
        check("/a%", PathError::Encoding);
        check("/a%4", PathError::Encoding);
        check("/a%zz", PathError::Encoding);
        check("/a%00", PathError::Hidden);
        check("/a%0d%0ab", PathError::Hidden);
        check("/%c0%af", PathError::NotText);
        check("/%ff", PathError::NotText);
        check(&"/a".repeat(TARGET_LIMIT), PathError::TooLong);
    }

    #[test]
    fn the_last_reading_goes_as_far_as_any_app() {
        let check = |path: &str, expected: Option<&str>| {
            let path = canonical(path).unwrap();
            assert_eq!(readings(&path).last().map(String::as_str), expected, "{path}");
        };
        check("/a/b", None);
        check("/A/b.c/", None);
        check("/public/..%2fadmin", Some("/admin"));
        check("/public/..%252fadmin", Some("/admin"));
        check("/public/%5c..%5cadmin", Some("/admin"));
        check("/public/..;/admin", Some("/admin"));
        check("/admin;x/y", Some("/admin/y"));
        check("/admin./y", Some("/admin/y"));
        check("/a/admin.", Some("/a/admin"));
        check("/admin%20/y", Some("/admin/y"));
        check("/public/..%20/admin", Some("/admin"));
        check("/a/%2e%2e%2f%2e%2e%2fb", Some("/"));
        check("/z%C3%9C", Some("/zü"));
    }
}
