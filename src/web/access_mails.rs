//! What the mails about requests to be let in say, whichever page a request is decided on.

use crate::directory::access_request::{self, Words};
use crate::directory::{Organization, User};
use crate::kernel::Secret;

/// Where the mailed link leads.
pub const HERE: &str = "/.vestibule/access";

/// The mails about requests.
pub struct Mails<'a> {
    /// The site's name for people.
    pub site: &'a str,
    /// The site's origin, for links.
    pub origin: &'a str,
}

impl Words for Mails<'_> {
    fn to_deciders(&self, who: &User, organization: &Organization, token: &Secret<String>) -> (String, String) {
        let (email, name, origin, token) = (&who.email, &organization.name, self.origin, token.expose());
        let text = format!(
            "{email} asks to be let into {name} on {}.\n\nTo look at the request and decide, open\n\n\
             {origin}{HERE}?token={token}\n\n\
             You must be signed in as owner or admin of {name}. The link is good for {} days, and one decision.\n",
            self.site,
            access_request::REQUEST_FOR.as_secs() / (24 * 3600)
        );
        (format!("{email} asks to join {name}"), text)
    }

    fn to_person(&self, organization: &Organization, granted: bool) -> (String, String) {
        let (name, site, origin) = (&organization.name, self.site, self.origin);
        if granted {
            let text =
                format!("You are in {name} on {site} now. Open\n\n{origin}/.vestibule/account\n\nto go there.\n");
            (format!("You are in {name} now"), text)
        } else {
            let text = format!(
                "{name} declined your request to be let in on {site}. If that was a mistake, please speak to somebody \
                 there.\n"
            );
            (format!("{name} declined your request"), text)
        }
    }
}
