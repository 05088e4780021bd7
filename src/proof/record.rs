//! The TXT record that proves a claim: `<prefix>=<token>` at the domain itself, and how leniently it is read.

use super::Observation;

/// How many TXT records of one domain are looked at.
pub const RECORD_LIMIT: usize = 256;
/// The longest record that can be one of ours, in bytes: one that is longer is read no further.
const LENGTH_LIMIT: usize = 1024;

/// What the record has to hold.
pub fn value(prefix: &str, token: &str) -> String {
    format!("{prefix}={token}")
}

/// What the TXT records of a domain say, each given as its strings (RFC 1035 §3.3.14), and the same in words.
pub fn judge<'a>(prefix: &str, token: &str, records: impl Iterator<Item = Vec<&'a [u8]>>) -> (Observation, String) {
    let (mut count, mut ours) = (0_usize, Vec::new());
    for strings in records.take(RECORD_LIMIT) {
        count += 1;
        match read(prefix, &strings) {
            Some(found) if found == token => return (Observation::Found, "the record is there".to_owned()),
            Some(found) => ours.push(found),
            None => {}
        }
    }
    let detail = match (count, ours.as_slice()) {
        (0, _) => "no TXT record".to_owned(),
        (_, []) => format!("{count} TXT records, none of them ours"),
        (_, [other, ..]) => format!("a record of another token: {}", value(prefix, other)),
    };
    (Observation::Gone, detail)
}

/// The token in one TXT record, if it is one of ours: its strings joined; white space around it and around the `=`, one
/// pair of quotes, and the letter case of the prefix don't count, the token counts to the letter.
fn read(prefix: &str, strings: &[&[u8]]) -> Option<String> {
    if strings.iter().map(|string| string.len()).sum::<usize>() > LENGTH_LIMIT {
        return None;
    }
    let text = String::from_utf8(strings.concat()).ok()?;
    let text = text.trim();
    let bare = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    let (name, token) = bare.split_once('=')?;
    name.trim().eq_ignore_ascii_case(prefix).then(|| token.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_leniently_and_its_token_to_the_letter() {
        let check = |strings: &[&str], expected: bool| {
            let records = [strings.iter().map(|string| string.as_bytes()).collect()];
            let (found, detail) = judge("vestibule-domain-verify", "Abc-9_x", records.into_iter());
            assert_eq!(found == Observation::Found, expected, "{strings:?}: {detail}");
        };
        check(&["vestibule-domain-verify=Abc-9_x"], true);
        check(&["vestibule-domain-", "verify=Abc", "-9_x"], true);
        check(&["  Vestibule-Domain-Verify = Abc-9_x\t"], true);
        check(&["\"vestibule-domain-verify=Abc-9_x\""], true);
        check(&["vestibule-domain-verify=abc-9_x"], false);
        check(&["vestibule-domain-verify=Abc-9_x2"], false);
        check(&["vestibule-domain-verify=Abc-9_x", " "], true);
        check(&["vestibule-domain-verify=Abc -9_x"], false);
        check(&["xvestibule-domain-verify=Abc-9_x"], false);
        check(&["vestibule-domain-verify"], false);
        check(&["v=spf1 include:vestibule-domain-verify=Abc-9_x"], false);
        check(&["vestibule-domain-verify=Abc-9_x", &" ".repeat(2000)], false);
        check(&[], false);
        check(&[""], false);
    }

    #[test]
    fn what_is_there_instead_is_told() {
        let check = |records: &[&str], expected: &str| {
            let strings = records.iter().map(|record| vec![record.as_bytes()]);
            let (found, detail) = judge("p", "token", strings);
            assert_eq!((found, detail.as_str()), (Observation::Gone, expected));
        };
        check(&[], "no TXT record");
        check(&["v=spf1 -all", "x"], "2 TXT records, none of them ours");
        check(&["v=spf1 -all", "p=another", "p=third"], "a record of another token: p=another");
    }

    #[test]
    fn no_more_records_are_looked_at_than_the_limit() {
        let others = std::iter::repeat_n(vec![b"x=y".as_slice()], RECORD_LIMIT);
        let (found, _) = judge("p", "token", others.chain([vec![b"p=token".as_slice()]]));
        assert_eq!(found, Observation::Gone);
    }
}
