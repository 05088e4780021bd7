//! The demo's two companies and four people.

use crate::kernel::Role;

/// A company with an identity provider of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Company {
    /// Its slug, in the product and in the identity provider's URLs.
    pub slug: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Its domain, which all its people's addresses have.
    pub domain: &'static str,
    /// Its people.
    pub people: Vec<Person>,
}

/// Somebody who signs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The stable, opaque id that the identity provider asserts as NameID (R40).
    pub id: &'static str,
    /// The e-mail address.
    pub email: &'static str,
    /// The given name.
    pub first_name: &'static str,
    /// The family name.
    pub last_name: &'static str,
    /// The role that the demo's store gives.
    pub role: Role,
}

impl Person {
    /// Given and family name.
    pub fn name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name)
    }
}

impl Company {
    /// The person with this address.
    pub fn person(&self, email: &str) -> Option<&Person> {
        self.people.iter().find(|person| person.email == email)
    }
}

/// The companies of the demo.
pub fn companies() -> Vec<Company> {
    let person = |id, email, first_name, last_name, role| Person { id, email, first_name, last_name, role };
    vec![
        Company {
            slug: "acme",
            name: "Acme",
            domain: "acme.example",
            people: vec![
                person("acme-7f3a91c2", "ada@acme.example", "Ada", "Lovelace", Role::Owner),
                person("acme-1be04d58", "grace@acme.example", "Grace", "Hopper", Role::Member),
            ],
        },
        Company {
            slug: "globex",
            name: "Globex",
            domain: "globex.example",
            people: vec![
                person("globex-c90d62ab", "alan@globex.example", "Alan", "Turing", Role::Owner),
                person("globex-5e21f7d4", "katherine@globex.example", "Katherine", "Johnson", Role::Member),
            ],
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{DomainName, EmailAddress, Slug};

    #[test]
    fn everybody_has_an_address_of_their_company_and_an_id_of_their_own() {
        let mut ids = Vec::new();
        for company in companies() {
            assert!(company.slug.parse::<Slug>().is_ok());
            let domain: DomainName = company.domain.parse().expect("a domain");
            for person in &company.people {
                assert_eq!(person.email.parse::<EmailAddress>().expect("an address").domain(), domain);
                assert_eq!(company.person(person.email), Some(person));
                ids.push(person.id);
            }
        }
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 4);
    }
}
