//! What to type at an identity provider, in the words of each product's form, as README tells it: for the commands and
//! the console alike.

use super::SsoView;

/// An identity provider's product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// Its short name, for addresses.
    pub key: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Where its form is.
    pub place: &'static str,
    /// What to type there.
    pub fields: Vec<Field>,
    /// How its metadata is come by.
    pub metadata: &'static str,
}

/// A field of its form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// What the form calls it.
    pub name: &'static str,
    /// What to type.
    pub value: String,
    /// It is to be copied as it stands; otherwise it says what to choose.
    pub exact: bool,
}

const fn copy(name: &'static str, value: String) -> Field {
    Field { name, value, exact: true }
}

fn said(name: &'static str, value: &str) -> Field {
    Field { name, value: value.to_owned(), exact: false }
}

/// The products whose forms are known.
pub fn products(view: &SsoView) -> Vec<Product> {
    vec![okta(view), entra(view), google(view), onelogin(view), ad_fs(view), keycloak(view)]
}

/// What any other identity provider is told.
pub fn other(view: &SsoView) -> Product {
    Product {
        key: "other",
        name: "Another",
        place: "Make a SAML 2.0 application (service provider, relying party) there. If it reads metadata, the first \
                address is all that it needs.",
        fields: vec![
            copy("Metadata URL, and entity ID (Audience)", view.entity_id.clone()),
            copy("Assertion consumer service (ACS) URL, Recipient", view.acs_url.clone()),
            copy("Sign-on URL, for a tile", view.sign_on_url.clone()),
            said("Name ID format", "persistent, or e-mail address"),
            said("Attributes", "email; firstName and lastName if you like"),
            said("Sign", "the assertion, the response, or both; SHA-256"),
        ],
        metadata: "Download its metadata: an XML file with an EntityDescriptor.",
    }
}

/// Which product an identity provider seems to be, by its entity ID; the last one of all if none fits.
pub fn guess(issuer: &str) -> &'static str {
    let known = [
        ("okta.com", "okta"),
        ("oktapreview.com", "okta"),
        ("sts.windows.net", "entra"),
        ("microsoftonline", "entra"),
        ("accounts.google.com", "google"),
        ("onelogin.com", "onelogin"),
        ("/adfs/", "ad-fs"),
        ("/realms/", "keycloak"),
    ];
    known.iter().find(|(part, _)| issuer.contains(part)).map_or("other", |(_, key)| key)
}

fn okta(view: &SsoView) -> Product {
    Product {
        key: "okta",
        name: "Okta",
        place: "Admin console → Applications → Create App Integration → SAML 2.0.",
        fields: vec![
            copy("Single sign-on URL", view.acs_url.clone()),
            copy("Audience URI (SP Entity ID)", view.entity_id.clone()),
            said("Default RelayState", "leave empty"),
            said("Name ID format", "Persistent"),
            said("Attribute Statements", "email → user.email; firstName → user.firstName; lastName → user.lastName"),
        ],
        metadata: "Tab Sign On → Metadata URL: copy it, or open it and save the file. Then assign people.",
    }
}

fn entra(view: &SsoView) -> Product {
    Product {
        key: "entra",
        name: "Microsoft Entra ID",
        place: "Entra admin center → Enterprise applications → New application → Create your own application; then \
                Single sign-on → SAML → Basic SAML Configuration.",
        fields: vec![
            copy("Identifier (Entity ID)", view.entity_id.clone()),
            copy("Reply URL (Assertion Consumer Service URL)", view.acs_url.clone()),
            copy("Sign on URL", view.sign_on_url.clone()),
            said("Relay State, Logout Url", "leave empty"),
        ],
        metadata: "SAML Certificates → App Federation Metadata Url: copy it; or Federation Metadata XML → Download. Then assign \
                   people.",
    }
}

fn google(view: &SsoView) -> Product {
    Product {
        key: "google",
        name: "Google Workspace",
        place: "Admin console → Apps → Web and mobile apps → Add app → Add custom SAML app.",
        fields: vec![
            copy("ACS URL", view.acs_url.clone()),
            copy("Entity ID", view.entity_id.clone()),
            said("Start URL", "leave empty"),
            said("Name ID format, Name ID", "PERSISTENT or EMAIL; Basic Information > Primary email"),
            said("Attribute mapping", "Primary email → email; First name → firstName; Last name → lastName"),
        ],
        metadata: "Download metadata, on the app's page. Then turn the app on for the people who need it.",
    }
}

fn onelogin(view: &SsoView) -> Product {
    Product {
        key: "onelogin",
        name: "OneLogin",
        place: "Applications → Add App → SAML Custom Connector (Advanced) → Configuration.",
        fields: vec![
            copy("Audience (EntityID)", view.entity_id.clone()),
            copy("Recipient, ACS (Consumer) URL", view.acs_url.clone()),
            copy("ACS (Consumer) URL Validator", validator(&view.acs_url)),
            copy("Login URL", view.sign_on_url.clone()),
            said("SAML initiator", "Service Provider"),
            said("SAML nameID format", "Persistent or Email"),
            said("Parameters", "email → Email; firstName → First Name; lastName → Last Name, each in the assertion"),
            said("SAML Signature Algorithm", "SHA-256"),
        ],
        metadata: "More Actions → SAML Metadata. Then give people access.",
    }
}

fn ad_fs(view: &SsoView) -> Product {
    Product {
        key: "ad-fs",
        name: "AD FS",
        place: "AD FS Management → Relying Party Trusts → Add Relying Party Trust → Claims aware → Import data about \
                the relying party published online.",
        fields: vec![
            copy("Federation metadata address", view.entity_id.clone()),
            said("Secure hash algorithm", "SHA-256"),
            said("Claims", "E-Mail-Addresses → E-Mail Address; Given-Name → Given Name; Surname → Surname"),
        ],
        metadata: "Its address is https://YOUR-ADFS/FederationMetadata/2007-06/FederationMetadata.xml: if only your own \
                   network reaches it, save the file.",
    }
}

fn keycloak(view: &SsoView) -> Product {
    Product {
        key: "keycloak",
        name: "Keycloak",
        place: "The realm → Clients → Create client → SAML.",
        fields: vec![
            copy("Client ID", view.entity_id.clone()),
            copy("Home URL", view.sign_on_url.clone()),
            copy("Valid redirect URIs, Master SAML Processing URL", view.acs_url.clone()),
            said("Name ID format", "persistent"),
            said("Force POST binding, Sign assertions", "On"),
            said("Client signature required", "Off"),
            said("Mappers (User Property)", "email; firstName; lastName"),
        ],
        metadata: "Its address is https://KEYCLOAK/realms/REALM/protocol/saml/descriptor.",
    }
}

/// A regular expression that matches `url` alone, as OneLogin wants it.
fn validator(url: &str) -> String {
    let mut pattern = String::from("^");
    for character in url.chars() {
        if !character.is_ascii_alphanumeric() && !matches!(character, ':' | '-' | '_') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern + "$"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn onelogins_validator_matches_the_address_alone() {
        let expected = r"^https:\/\/app\.example\.com\/\.vestibule\/saml\/acme\/acs$";
        assert_eq!(validator("https://app.example.com/.vestibule/saml/acme/acs"), expected);
    }

    #[test]
    fn a_product_is_known_by_its_entity_id() {
        let check = |issuer, expected| assert_eq!(guess(issuer), expected, "{issuer}");
        check("http://www.okta.com/exk1", "okta");
        check("https://sts.windows.net/6f9619ff/", "entra");
        check("https://accounts.google.com/o/saml2?idpid=C1", "google");
        check("https://app.onelogin.com/saml/metadata/1", "onelogin");
        check("http://fs.acme.example/adfs/services/trust", "ad-fs");
        check("https://login.acme.example/realms/acme", "keycloak");
        check("https://idp.acme.example", "other");
    }
}
