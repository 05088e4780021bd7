//! One look into DNS for a claim's record: what each server answered, and what they say together.

use serde::{Deserialize, Serialize};

use super::life::Observation;

/// The longest detail of one answer, in bytes; longer ones are cut.
const DETAIL_LIMIT: usize = 160;

/// What one DNS server answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerAnswer {
    /// Its address.
    pub server: String,
    /// What that says of the record.
    pub observation: Observation,
    /// The same in words, such as `NXDOMAIN` or `no answer in time`.
    pub detail: String,
}

impl ServerAnswer {
    /// An answer. Of `detail`, which may hold what a stranger published, only visible ASCII is kept.
    pub fn new(server: impl std::fmt::Display, observation: Observation, detail: &str) -> Self {
        let visible = |c: char| c == ' ' || c.is_ascii_graphic();
        let mut detail: String = detail.chars().map(|c| if visible(c) { c } else { '?' }).collect();
        detail.truncate(DETAIL_LIMIT);
        ServerAnswer { server: server.to_string(), observation, detail }
    }
}

/// What all servers that were asked answered. Never of none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// In the order of the servers.
    pub answers: Vec<ServerAnswer>,
}

impl Look {
    /// What they say together: the record is there if one of them sees it, and gone if one of them knows that it is and
    /// none sees it; else nothing is known (D8).
    pub fn observation(&self) -> Observation {
        let said = |wanted: Observation| self.answers.iter().any(|answer| answer.observation == wanted);
        let known = [Observation::Found, Observation::Gone].into_iter().find(|wanted| said(*wanted));
        known.unwrap_or(Observation::Failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Observation::{Failed, Found, Gone};

    #[test]
    fn what_one_server_knows_counts_and_silence_says_nothing() {
        let check = |observations: &[Observation], expected: Observation| {
            let answers = observations.iter().map(|seen| ServerAnswer::new("127.0.0.1:53", *seen, "")).collect();
            assert_eq!(Look { answers }.observation(), expected, "{observations:?}");
        };
        check(&[Found], Found);
        check(&[Gone], Gone);
        check(&[Failed], Failed);
        check(&[Gone, Found], Found);
        check(&[Failed, Found], Found);
        check(&[Failed, Gone], Gone);
        check(&[Failed, Failed], Failed);
        check(&[], Failed);
    }

    #[test]
    fn a_detail_is_one_short_line() {
        let told = ServerAnswer::new("x", Gone, &format!("a\nb\u{1b}[31m{}", "ü".repeat(500)));
        assert!(told.detail.starts_with("a?b?[31m?") && told.detail.len() == DETAIL_LIMIT, "{}", told.detail);
    }
}
