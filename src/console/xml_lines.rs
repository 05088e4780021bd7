//! XML for people to read: an element a line, each as far in as it is deep. Nothing is changed but the space between.

use std::ops::Range;

use crate::directory::MessagePart;

/// How many steps a line stands in at most: the stylesheet knows no more.
const DEEPEST: usize = 16;

/// A line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// How many steps it stands in.
    pub depth: usize,
    /// Its text, in order: what is signed apart from what is not.
    pub parts: Vec<MessagePart>,
}

/// A piece of XML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The tag that begins an element.
    Opens,
    /// The one that ends it.
    Closes,
    /// Character data, and whatever was cut in the middle.
    Text,
    /// Whatever stands for itself: an empty element, a comment, an instruction.
    Whole,
}

/// A piece, whether it is signed, and its text.
type Piece<'t> = (Kind, bool, &'t str);

/// The same text in lines.
pub fn lines(parts: &[MessagePart]) -> Vec<Line> {
    let pieces: Vec<Piece<'_>> = parts.iter().flat_map(pieces).collect();
    let (mut lines, mut depth, mut at) = (Vec::new(), 0_usize, 0);
    while at < pieces.len() {
        let rest = pieces.get(at..).unwrap_or_default();
        let length = match rest {
            [(Kind::Opens, ..), (Kind::Closes, ..), ..] => 2,
            [(Kind::Opens, ..), (Kind::Text, ..), (Kind::Closes, ..), ..] => 3,
            _ => 1,
        };
        let pieces = rest.get(..length).unwrap_or_default();
        if matches!(pieces, [(Kind::Closes, ..)]) {
            depth = depth.saturating_sub(1);
        }
        let line = Line { depth: depth.min(DEEPEST), parts: joined(pieces) };
        lines.extend(Some(line).filter(|line| !line.parts.is_empty()));
        depth += usize::from(matches!(pieces, [(Kind::Opens, ..)]));
        at += length;
    }
    lines
}

/// The pieces of a line; what is alone there stands without the space around it.
fn joined(pieces: &[Piece<'_>]) -> Vec<MessagePart> {
    let mut parts: Vec<MessagePart> = Vec::new();
    for (kind, signed, text) in pieces {
        let text = if pieces.len() == 1 && *kind == Kind::Text { text.trim() } else { *text };
        match parts.last_mut() {
            Some(last) if last.signed == *signed => last.text.push_str(text),
            _ if text.is_empty() => {}
            _ => parts.push(MessagePart { signed: *signed, text: text.to_owned() }),
        }
    }
    parts
}

/// The pieces of a part.
fn pieces(part: &MessagePart) -> impl Iterator<Item = Piece<'_>> {
    let whole = part.text.as_str();
    let (mut found, mut at) = (Vec::<(Kind, Range<usize>)>::new(), 0);
    while let Some((kind, length)) = whole.get(at..).and_then(first) {
        match found.last_mut() {
            // Text and what is quoted in it (CDATA) are one.
            Some((Kind::Text, range)) if kind == Kind::Text => range.end = at + length,
            _ => found.push((kind, at..at + length)),
        }
        at += length;
    }
    found.into_iter().map(|(kind, range)| (kind, part.signed, whole.get(range).unwrap_or_default()))
}

/// The kind of the first piece, and how long it is; `None`: there is no more.
fn first(rest: &str) -> Option<(Kind, usize)> {
    let until = |end: &str| rest.find(end).map(|at| at + end.len());
    if rest.is_empty() {
        return None;
    }
    let (kind, length) = if rest.starts_with("<!--") {
        (Kind::Whole, until("-->"))
    } else if rest.starts_with("<![CDATA[") {
        (Kind::Text, until("]]>"))
    } else if rest.starts_with("<?") {
        (Kind::Whole, until("?>"))
    } else if rest.starts_with('<') {
        let length = end_of_tag(rest);
        let tag = length.and_then(|length| rest.get(..length)).unwrap_or_default();
        let ends = (tag.starts_with("</"), tag.ends_with("/>"));
        let kind = match ends {
            (true, _) => Kind::Closes,
            (_, true) => Kind::Whole,
            _ => Kind::Opens,
        };
        (kind, length)
    } else {
        (Kind::Text, Some(rest.find('<').unwrap_or(rest.len())))
    };
    // Cut in the middle: what there is.
    Some(length.map_or((Kind::Text, rest.len()), |length| (kind, length)))
}

/// Where a tag ends: at the first `>` outside of its attributes' values.
fn end_of_tag(rest: &str) -> Option<usize> {
    let mut quote = None;
    rest.bytes()
        .position(|byte| {
            match quote {
                Some(open) if open == byte => quote = None,
                None if matches!(byte, b'"' | b'\'') => quote = Some(byte),
                _ => {}
            }
            quote.is_none() && byte == b'>'
        })
        .map(|at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is signed stands in «».
    fn parts(text: &str) -> Vec<MessagePart> {
        let ends = text.split_inclusive('»').flat_map(|run| run.split_inclusive('«'));
        let parts = ends
            .map(|run| MessagePart { signed: run.ends_with('»'), text: run.trim_matches(['«', '»']).to_owned() });
        parts.filter(|part| !part.text.is_empty()).collect()
    }

    fn shown(line: &Line) -> String {
        let parts = line.parts.iter();
        let parts = parts.map(|part| if part.signed { format!("«{}»", part.text) } else { part.text.clone() });
        format!("{}{}", "  ".repeat(line.depth), parts.collect::<String>())
    }

    fn check(text: &str, expected: &str) {
        let shown: Vec<String> = lines(&parts(text)).iter().map(shown).collect();
        assert_eq!(shown.join("\n"), expected, "{text}");
    }

    #[test]
    fn each_element_has_a_line_as_far_in_as_it_is_deep() {
        check("", "");
        check("<a/>", "<a/>");
        check("<a>b</a>", "<a>b</a>");
        check("<a></a>", "<a></a>");
        check("<a> \n </a>", "<a> \n </a>");
        check("<a><b>c</b><d/></a>", "<a>\n  <b>c</b>\n  <d/>\n</a>");
        check("<a>\n\n\n <b\n c='d'/> </a>\n", "<a>\n  <b\n c='d'/>\n</a>");
        check(
            "<?xml?><!-- <a> --><a><b><c>d</c></b></a>",
            "<?xml?>\n<!-- <a> -->\n<a>\n  <b>\n    <c>d</c>\n  </b>\n</a>",
        );
        check("<a>b<c/> d </a>", "<a>\n  b\n  <c/>\n  d\n</a>");
        check("<a b='>' c=\"/>\"><d e='\"'/></a>", "<a b='>' c=\"/>\">\n  <d e='\"'/>\n</a>");
        check("<a>b<![CDATA[</a><c>]]>d</a>", "<a>b<![CDATA[</a><c>]]>d</a>");
    }

    #[test]
    fn what_is_signed_stays_so_and_the_space_around_it_is_not() {
        check("<a>«<b><c>d</c></b>»<e/></a>", "<a>\n  «<b>»\n    «<c>d</c>»\n  «</b>»\n  <e/>\n</a>");
        check("«<a>b</a>»", "«<a>b</a>»");
        check("<a>«<b/>»«<c/>»</a>", "<a>\n  «<b/>»\n  «<c/>»\n</a>");
    }

    #[test]
    fn what_was_cut_or_is_no_xml_is_shown_as_it_is() {
        check("<a><b>…</b><c d='", "<a>\n  <b>…</b>\n  <c d='");
        check("<a><!-- b", "<a>\n  <!-- b");
        check("</a></b>ü<", "</a>\n</b>\nü<");
        check("ü < ü", "ü < ü");
        check("<", "<");
        let deep = lines(&parts(&"<a>".repeat(1000)));
        assert_eq!((deep.len(), deep.last().map(|line| line.depth)), (1000, Some(DEEPEST)));
    }

    #[test]
    fn nothing_but_space_is_left_out() {
        let bare = |parts: &[MessagePart]| -> String {
            parts.iter().flat_map(|part| part.text.chars()).filter(|one| !one.is_whitespace()).collect()
        };
        for text in ["<a> b «<c d='e f'> <!-- g --> </c>» h <![CDATA[ i ]]> </a>", "< a", "<a><b c=\"<\">", "]]> -->"]
        {
            assert_eq!(
                bare(&lines(&parts(text)).into_iter().flat_map(|line| line.parts).collect::<Vec<_>>()),
                bare(&parts(text)),
                "{text}"
            );
        }
    }
}
