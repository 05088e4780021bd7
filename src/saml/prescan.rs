//! A look over the raw bytes before any parser sees them: size, encoding, no document type, bounded tags (R2, R7, R9).
//!
//! It reads nothing, it only refuses; a document that it lets pass costs every later step no more than linear time.

use super::error::SamlError;

/// The largest message, in bytes of XML (R7).
pub const MESSAGE_LIMIT: usize = 1 << 20;
/// The deepest nesting of elements (R7).
pub const DEPTH_LIMIT: usize = 64;
/// The most elements in a message (R7).
pub const ELEMENT_LIMIT: usize = 20_000;
/// The most attributes on one element, namespace declarations among them (R7).
pub const ATTRIBUTE_LIMIT: usize = 256;
/// The most namespace declarations in scope anywhere (R7).
pub const NAMESPACE_LIMIT: usize = 64;

/// The most elements named `Transform` in a message: two for each signature, and as many again (R7).
pub const TRANSFORM_LIMIT: usize = 8;

/// Checks the bytes and returns them as text, without a byte order mark.
pub(super) fn prescan(bytes: &[u8]) -> Result<&str, SamlError> {
    if bytes.len() > MESSAGE_LIMIT {
        return Err(SamlError::TooLarge { what: "bytes", limit: MESSAGE_LIMIT });
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|_| malformed("it is not UTF-8"))?;
    let body = declaration(text)?;
    if body.contains('\0') {
        return Err(malformed("it holds a NUL"));
    }
    tags(body.as_bytes())?;
    Ok(text)
}

fn malformed(reason: &str) -> SamlError {
    SamlError::Malformed(reason.to_owned())
}

/// Checks the XML declaration, if there is one, and returns what follows it. Only UTF-8 may be declared (R9).
fn declaration(text: &str) -> Result<&str, SamlError> {
    let Some(rest) = text.strip_prefix("<?xml").filter(|rest| rest.starts_with([' ', '\t', '\r', '\n'])) else {
        return Ok(text);
    };
    let (inside, rest) = rest.split_once("?>").ok_or_else(|| malformed("its XML declaration has no end"))?;
    if inside.contains(['<', '>']) {
        return Err(malformed("its XML declaration is broken"));
    }
    if let Some((_, encoding)) = inside.split_once("encoding") {
        let encoding = encoding.trim_start().strip_prefix('=').unwrap_or_default().trim_start();
        let named = encoding.get(1..).unwrap_or_default().split(['"', '\'']).next().unwrap_or_default();
        if !named.eq_ignore_ascii_case("utf-8") {
            return Err(malformed("it declares another encoding than UTF-8"));
        }
    }
    Ok(rest)
}

/// Counts tags, depth, attributes and namespace declarations; refuses whatever begins with `<!` or `<?` but comments
/// and CDATA.
fn tags(bytes: &[u8]) -> Result<(), SamlError> {
    let mut open = Open { namespaces: [0; DEPTH_LIMIT], depth: 0, in_scope: 0, elements: 0, transforms: 0 };
    let mut at = 0;
    while let Some(found) = position(&bytes[at..], b"<") {
        let rest = &bytes[at + found..];
        at += found
            + match rest.get(1) {
                Some(b'!') if rest.starts_with(b"<!--") => past(rest, 4, b"-->")?,
                Some(b'!') if rest.starts_with(b"<![CDATA[") => past(rest, 9, b"]]>")?,
                Some(b'!') => return Err(SamlError::Doctype("a document type or an entity")),
                Some(b'?') => return Err(SamlError::Doctype("a processing instruction")),
                Some(b'/') => {
                    open.end();
                    past(rest, 2, b">")?
                }
                _ => open.start(rest)?,
            };
    }
    Ok(())
}

/// The elements that are open, and what they declare.
struct Open {
    namespaces: [usize; DEPTH_LIMIT],
    depth: usize,
    in_scope: usize,
    elements: usize,
    transforms: usize,
}

impl Open {
    /// Reads a start tag; gives its length.
    fn start(&mut self, rest: &[u8]) -> Result<usize, SamlError> {
        let (mut attributes, mut namespaces, mut quote, mut end) = (0_usize, 0_usize, None, None);
        for (index, &byte) in rest.iter().enumerate().skip(1) {
            match (quote, byte) {
                (Some(open), _) if byte == open => quote = None,
                (None, b'"' | b'\'') => quote = Some(byte),
                (None, b'>') => {
                    end = Some(index);
                    break;
                }
                (None, b'=') => attributes += 1,
                (None, b'<') => return Err(malformed("a tag stands inside a tag")),
                (None, b'x') if rest[index..].starts_with(b"xmlns") => namespaces += 1,
                _ => {}
            }
            if attributes > ATTRIBUTE_LIMIT {
                return Err(SamlError::TooLarge { what: "attributes on an element", limit: ATTRIBUTE_LIMIT });
            }
        }
        let end = end.ok_or_else(|| malformed("a tag has no end"))?;
        self.elements += 1;
        if self.elements > ELEMENT_LIMIT {
            return Err(SamlError::TooLarge { what: "elements", limit: ELEMENT_LIMIT });
        }
        self.transforms += usize::from(is_transform(&rest[1..end]));
        if self.transforms > TRANSFORM_LIMIT {
            return Err(SamlError::TooLarge { what: "transforms", limit: TRANSFORM_LIMIT });
        }
        if self.depth >= DEPTH_LIMIT {
            return Err(SamlError::TooLarge { what: "nested elements", limit: DEPTH_LIMIT });
        }
        if self.in_scope + namespaces > NAMESPACE_LIMIT {
            return Err(SamlError::TooLarge { what: "namespaces in scope", limit: NAMESPACE_LIMIT });
        }
        if rest[end - 1] != b'/' {
            self.namespaces[self.depth] = namespaces;
            self.in_scope += namespaces;
            self.depth += 1;
        }
        Ok(end + 1)
    }

    /// An end tag. That it fits its start tag is the parser's affair.
    fn end(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.in_scope -= std::mem::take(&mut self.namespaces[self.depth]);
    }
}

/// Whether a tag's name is `Transform`, under any prefix.
fn is_transform(tag: &[u8]) -> bool {
    let name = tag.split(|byte| byte.is_ascii_whitespace() || *byte == b'/').next().unwrap_or_default();
    name.strip_suffix(b"Transform").is_some_and(|prefix| prefix.is_empty() || prefix.ends_with(b":"))
}

/// The length of what begins at `rest` and ends with `mark`, looked for from `from`.
fn past(rest: &[u8], from: usize, mark: &[u8]) -> Result<usize, SamlError> {
    let found = rest.get(from..).and_then(|tail| position(tail, mark));
    found.map(|at| from + at + mark.len()).ok_or_else(|| malformed("it ends in the middle of a tag"))
}

fn position(bytes: &[u8], mark: &[u8]) -> Option<usize> {
    let first = *mark.first()?;
    let mut at = 0;
    loop {
        at += bytes[at..].iter().position(|&byte| byte == first)?;
        if bytes[at..].starts_with(mark) {
            return Some(at);
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(xml: &str, expected: &str) {
        let code = prescan(xml.as_bytes()).map_or_else(|error| error.code(), |_| "passes");
        assert_eq!(code, expected, "{xml:.80}");
    }

    #[test]
    fn r2_a_document_type_or_instruction_is_refused() {
        check("<!DOCTYPE r><r/>", "doctype");
        check("<r><!ENTITY a 'b'></r>", "doctype");
        check("<r><?php echo ?></r>", "doctype");
        check("<?xml version=\"1.0\"?><?xml-stylesheet?><r/>", "doctype");
        check(" <?xml version=\"1.0\"?><r/>", "doctype");
        check("<r><!-- <!DOCTYPE --><![CDATA[<!DOCTYPE]]></r>", "passes");
    }

    #[test]
    fn r7_bounds_come_before_work() {
        let nested = |depth: usize| "<a>".repeat(depth) + &"</a>".repeat(depth);
        check(&nested(DEPTH_LIMIT), "passes");
        check(&nested(DEPTH_LIMIT + 1), "too_large");
        let attributes = |count: usize| (0..count).fold("<a".to_owned(), |tag, n| format!("{tag} b{n}='='")) + "/>";
        check(&attributes(ATTRIBUTE_LIMIT), "passes");
        check(&attributes(28_000), "too_large");
        let children = |count: usize| format!("<a>{}</a>", "<b/>".repeat(count));
        check(&children(ELEMENT_LIMIT - 1), "passes");
        check(&children(ELEMENT_LIMIT), "too_large");
        let namespaces =
            |count: usize| (0..count).fold("<a".to_owned(), |tag, n| format!("{tag} xmlns:n{n}='u:'")) + ">";
        check(&(namespaces(NAMESPACE_LIMIT) + "</a>"), "passes");
        check(&(namespaces(33) + &namespaces(33)), "too_large");
        check(&format!("{}</a>{}</a>", namespaces(33), namespaces(33)), "passes");
        check(&"a".repeat(MESSAGE_LIMIT + 1), "too_large");
        check(&format!("<a>{}</a>", "<ds:Transform Algorithm=''/>".repeat(TRANSFORM_LIMIT)), "passes");
        check(&format!("<a>{}</a>", "<x:Transform/><Transform/>".repeat(TRANSFORM_LIMIT)), "too_large");
        check(&format!("<a>{}</a>", "<MyTransform/><Transforms/>".repeat(TRANSFORM_LIMIT)), "passes");
    }

    #[test]
    fn r9_only_utf8_is_read_and_declared() {
        check("<?xml version=\"1.0\" encoding=\"UTF-8\"?><r/>", "passes");
        check("<?xml version='1.0' encoding = 'utf-8' ?><r/>", "passes");
        check("\u{feff}<r/>", "passes");
        check("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><r/>", "malformed");
        check("<?xml version=\"1.0\" encoding=\"UTF-16\"?><r/>", "malformed");
        check("<r>\0</r>", "malformed");
        check("<r", "malformed");
        check("<r a='", "malformed");
        check("<r><!-- ", "malformed");
        assert!(prescan(b"<r>\xff</r>").is_err());
        assert!(prescan(b"\xff\xfe<\0r\0/\0>\0").is_err());
    }
}
