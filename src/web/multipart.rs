//! Forms with files, as browsers send them (RFC 7578): read strictly, from a body that is held whole and bounded.

use http::HeaderMap;
use http::header::CONTENT_TYPE;

use super::form::FormError;

/// The longest boundary, in bytes (RFC 2046 §5.1.1).
const BOUNDARY_LIMIT: usize = 70;
/// The longest header of a part, in bytes.
const HEAD_LIMIT: usize = 2048;

/// A part of the form.
#[derive(Debug, PartialEq, Eq)]
pub struct Part {
    /// The field's name.
    pub name: String,
    /// Whether it is a file.
    pub file: bool,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// The boundary that the content type names; `None`: it is no form with files.
pub fn boundary(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let (media_type, parameters) = value.split_once(';')?;
    if !media_type.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let named = parameters.split(';').filter_map(|parameter| parameter.trim().split_once('='));
    let (_, boundary) = named.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("boundary"))?;
    let boundary = boundary.trim_matches('"');
    let right = (1..=BOUNDARY_LIMIT).contains(&boundary.len()) && boundary.bytes().all(|byte| byte.is_ascii_graphic());
    right.then(|| boundary.to_owned())
}

/// The parts of a body, in its order, at most `limit`.
///
/// # Errors
/// [`FormError`].
pub fn parse(bytes: &[u8], boundary: &str, limit: usize) -> Result<Vec<Part>, FormError> {
    let between = format!("\r\n--{boundary}").into_bytes();
    let mut rest = bytes.strip_prefix(&between[2..]).ok_or(FormError::Broken)?;
    let mut parts = Vec::new();
    while !rest.starts_with(b"--") {
        if parts.len() == limit {
            return Err(FormError::Fields);
        }
        let behind = rest.strip_prefix(b"\r\n").ok_or(FormError::Broken)?;
        let head_end = find(&behind[..behind.len().min(HEAD_LIMIT)], b"\r\n\r\n").ok_or(FormError::Broken)?;
        let (head, body) = (&behind[..head_end], &behind[head_end + 4..]);
        let end = find(body, &between).ok_or(FormError::Broken)?;
        let (name, file) = disposition(head).ok_or(FormError::Broken)?;
        parts.push(Part { name, file, bytes: body[..end].to_vec() });
        rest = &body[end + between.len()..];
    }
    Ok(parts)
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// The field's name, and whether it is a file's. A quote within a name comes percent-encoded.
fn disposition(head: &[u8]) -> Option<(String, bool)> {
    let head = std::str::from_utf8(head).ok()?;
    let mut lines = head.split("\r\n").filter_map(|line| line.split_once(':'));
    let (_, value) = lines.find(|(name, _)| name.eq_ignore_ascii_case("content-disposition"))?;
    let parameters = value.trim().strip_prefix("form-data")?;
    let (_, name) = parameters.split_once("; name=\"")?;
    let (name, further) = name.split_once('"')?;
    Some((name.to_owned(), further.contains("filename")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = b"--x1\r\nContent-Disposition: form-data; name=\"token\"\r\n\r\nabc\r\n--x1\r\n\
        Content-Disposition: form-data; name=\"file\"; filename=\"a; name=b.cer\"\r\nContent-Type: application/x-x509\r\n\r\n\
        \x30\x82\r\n\x00--x1\r\n--x1--\r\n";

    #[test]
    fn fields_and_files_are_read_byte_by_byte() {
        let parts = parse(BODY, "x1", 5).unwrap();
        let token = Part { name: "token".to_owned(), file: false, bytes: b"abc".to_vec() };
        let file = Part { name: "file".to_owned(), file: true, bytes: b"\x30\x82\r\n\x00--x1".to_vec() };
        assert_eq!(parts, [token, file]);
    }

    #[test]
    fn what_is_not_whole_or_not_right_is_refused() {
        let check = |body: &[u8], limit, expected| assert_eq!(parse(body, "x1", limit).err(), Some(expected));
        check(BODY, 1, FormError::Fields);
        for end in 0..BODY.len() - 4 {
            check(&BODY[..end], 5, FormError::Broken);
        }
        check(b"preamble--x1--", 5, FormError::Broken);
        check(b"--x1\r\nContent-Type: text/plain\r\n\r\nabc\r\n--x1--", 5, FormError::Broken);
        check(b"--x1\r\nContent-Disposition: form-data\r\n\r\nabc\r\n--x1--", 5, FormError::Broken);
    }

    #[test]
    fn the_boundary_is_in_the_content_type() {
        let check = |value: &'static str, expected: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, http::HeaderValue::from_static(value));
            assert_eq!(boundary(&headers).as_deref(), expected, "{value}");
        };
        check("multipart/form-data; boundary=x1", Some("x1"));
        check("Multipart/Form-Data; charset=utf-8; Boundary=\"x1\"", Some("x1"));
        check("multipart/form-data", None);
        check("multipart/form-data; boundary=", None);
        check("multipart/mixed; boundary=x1", None);
        check("application/x-www-form-urlencoded", None);
    }
}
