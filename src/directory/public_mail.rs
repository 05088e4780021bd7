//! Domains where everybody can have an address: no organization can claim them.

use std::collections::BTreeSet;

use crate::kernel::DomainName;

/// The list as it comes with the program.
const BUILT_IN: &str = include_str!("../../config/public_mail_domains.txt");

/// The domains of public mail providers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicMail(BTreeSet<DomainName>);

impl Default for PublicMail {
    /// The list that comes with the program.
    fn default() -> Self {
        PublicMail(entries(BUILT_IN).filter_map(|(_, text)| text.parse().ok()).collect())
    }
}

impl PublicMail {
    /// A list of one's own: a domain a line, `#` begins a comment.
    ///
    /// # Errors
    /// Number and text of each line that is no domain.
    pub fn read(text: &str) -> Result<Self, Vec<(usize, String)>> {
        let (mut domains, mut wrong) = (BTreeSet::new(), Vec::new());
        for (number, entry) in entries(text) {
            match entry.parse() {
                Ok(domain) => _ = domains.insert(domain),
                Err(_) => wrong.push((number, entry.to_owned())),
            }
        }
        if wrong.is_empty() { Ok(PublicMail(domains)) } else { Err(wrong) }
    }

    /// Every domain of the list.
    pub fn iter(&self) -> impl Iterator<Item = &DomainName> {
        self.0.iter()
    }

    /// Whether everybody can have an address of this domain.
    pub fn contains(&self, domain: &DomainName) -> bool {
        self.0.contains(domain)
    }
}

/// The entries with the numbers of their lines.
fn entries(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let entries = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    entries.enumerate().map(|(index, entry)| (index + 1, entry)).filter(|(_, entry)| !entry.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_that_comes_along_is_right_and_sorted() {
        let listed: Vec<&str> = entries(BUILT_IN).map(|(_, entry)| entry).collect();
        assert!(PublicMail::read(BUILT_IN).is_ok());
        assert!(listed.len() > 200, "{}", listed.len());
        assert!(listed.is_sorted_by(|one, two| one < two), "sorted, and each once");
        let list = PublicMail::default();
        let check = |domain: &str, expected| assert_eq!(list.contains(&domain.parse().unwrap()), expected, "{domain}");
        check("gmail.com", true);
        check("GMX.de", true);
        check("acme.example", false);
        check("mail.gmail.com", false);
    }

    #[test]
    fn a_list_of_ones_own_names_its_wrong_lines() {
        let own = PublicMail::read("# ours\nschool.example # pupils\n\n").unwrap();
        assert!(own.contains(&"school.example".parse().unwrap()));
        assert_eq!(PublicMail::read("a.example\nno domain\n"), Err(vec![(2, "no domain".to_owned())]));
    }
}
