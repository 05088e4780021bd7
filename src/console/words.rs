//! Words for people who have pages, and no command line: refusals without commands, and moments as they are read.

/// A sentence without the parts that name a command or a key of the configuration: whoever runs an organization has
/// neither. What is left says what is wrong.
pub fn plain(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    let mut joint = "";
    loop {
        let end = [": ", "; "].into_iter().filter_map(|between| rest.find(between).map(|at| (at, between))).min();
        let (part, next) = match end {
            Some((at, between)) => (&rest[..at], Some((&rest[at + between.len()..], between))),
            None => (rest, None),
        };
        // Where nothing else is said, rather with the command than empty.
        if !part.contains('`') || (next.is_none() && kept.is_empty()) {
            kept.push_str(if kept.is_empty() { "" } else { joint });
            kept.push_str(part);
        }
        let Some((behind, between)) = next else { break };
        (rest, joint) = (behind, between);
    }
    kept.trim().to_owned()
}

/// Words that refusals begin with. Whatever else one begins with may be a name, which is left as it is.
const FIRST_WORDS: [&str; 12] =
    ["a", "an", "everybody", "it", "its", "no", "nobody", "only", "that", "the", "there", "this"];

/// The same as a sentence.
pub fn sentence(text: &str) -> String {
    let text = begun(&plain(text));
    if text.ends_with(['.', '!', '?', ':']) { text } else { format!("{text}.") }
}

/// A text that begins as a sentence does.
pub fn begun(text: &str) -> String {
    let first = text.split(' ').next().unwrap_or_default();
    match text.split_at_checked(1) {
        Some((letter, rest)) if FIRST_WORDS.contains(&first) => format!("{}{rest}", letter.to_ascii_uppercase()),
        _ => text.to_owned(),
    }
}

/// A text that ends in a moment in RFC 3339, with that as pages tell it: `passkey «Key», since 2026-11-22 10:00 UTC`.
pub fn ending_in_moment(text: &str) -> String {
    match text.rsplit_once(' ') {
        Some((what, when)) => format!("{what} {}", moment(when)),
        None => text.to_owned(),
    }
}

/// A moment in RFC 3339 as a page tells it: `2026-11-22 10:00 UTC`.
pub fn moment(text: &str) -> String {
    match (text.get(..10), text.get(10..11), text.get(11..16)) {
        (Some(day), Some("T"), Some(time)) if text.is_ascii() && text.ends_with('Z') => format!("{day} {time} UTC"),
        _ => text.to_owned(),
    }
}

/// The same, to the second.
pub fn second(text: &str) -> String {
    match (text.get(..10), text.get(10..11), text.get(11..19)) {
        (Some(day), Some("T"), Some(time)) if text.is_ascii() && text.ends_with('Z') => format!("{day} {time} UTC"),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_is_wrong_without_a_command() {
        let check = |text: &str, expected: &str| assert_eq!(sentence(text), expected);
        check(
            "acme has no claim of a.test: `vestibule domain list acme` shows those it has",
            "acme has no claim of a.test.",
        );
        check(
            "no such code: each is good for one use and an hour; `vestibule link code X` makes another",
            "No such code: each is good for one use and an hour.",
        );
        check(
            "it is everybody's; if it is yours, take it out of the list that `[dns] public_mail_domains` names",
            "It is everybody's.",
        );
        check(
            "require_sso waits for a proof: sign in; then set it again",
            "require_sso waits for a proof: sign in; then set it again.",
        );
        check("`vestibule x`", "`vestibule x`.");
        check("`vestibule x`: and then", "and then.");
        check("nobody@acme.example is no member", "nobody@acme.example is no member.");
        check("the-group has no claim", "the-group has no claim.");
        check("", ".");
        check("Done.", "Done.");
    }

    #[test]
    fn moments_are_read_and_anything_else_is_left() {
        assert_eq!(moment("2026-11-22T10:00:05Z"), "2026-11-22 10:00 UTC");
        assert_eq!(second("2026-11-22T10:00:05Z"), "2026-11-22 10:00:05 UTC");
        assert_eq!(moment("@99"), "@99");
        assert_eq!(ending_in_moment("a, since 2026-11-22T10:00:05Z"), "a, since 2026-11-22 10:00 UTC");
        assert_eq!(ending_in_moment("a, b"), "a, b");
        assert_eq!(ending_in_moment("a"), "a");
        assert_eq!(moment("2026-11-22T1ü:00:05Z"), "2026-11-22T1ü:00:05Z");
    }
}
