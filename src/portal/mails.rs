//! What people are written: plain text, in few words, each with what to do if it was not them.

use std::time::Duration;

use super::page::Trouble;
use super::state::Portal;
use crate::directory::{Mail, Organization, User, outbox};
use crate::kernel::{OrgId, Role, Timestamp};
use crate::session::SecondMethod;
use crate::store::Tx;

/// How long a notice is of use.
const NOTICE_FOR: Duration = Duration::from_secs(3 * 24 * 3600);

/// Subject and text.
pub struct Written {
    pub subject: String,
    pub text: String,
}

/// To sign in.
pub fn sign_in(site: &str, link: &str) -> Written {
    Written {
        subject: format!("Sign in to {site}"),
        text: format!(
            "Hello,\n\nthis link signs you in to {site}. It works once, within 15 minutes:\n\n{link}\n\n\
             If you did not ask for it, you need not do anything: nobody gets in without this mail.\n"
        ),
    }
}

/// To set a password anew.
pub fn reset(site: &str, link: &str) -> Written {
    Written {
        subject: format!("A new password for {site}"),
        text: format!(
            "Hello,\n\nwith this link you choose a new password for {site}. It works once, within an hour:\n\n{link}\n\n\
             If you did not ask for it, you need not do anything: your password stays as it is.\n"
        ),
    }
}

/// That the password was changed.
pub fn changed(site: &str, at: Timestamp, from: &str) -> Written {
    Written {
        subject: format!("Your password for {site} was changed"),
        text: format!(
            "Hello,\n\nyour password for {site} was changed at {at}, from {from}, and your other sessions were ended.\n\n\
             If that was not you, choose a new one at once («Forgot your password?» on the sign-in page), and tell an \
             administrator.\n"
        ),
    }
}

/// That a second factor was set up, or another in its place.
pub fn second_factor_set(site: &str, method: SecondMethod, at: Timestamp, from: &str) -> Written {
    let what = match method {
        SecondMethod::Sms => "A phone number for codes",
        SecondMethod::Passkey => "A passkey",
        _ => "An authenticator app",
    };
    let (first, rest) = what.split_at(1);
    let within = first.to_lowercase() + rest;
    Written {
        subject: format!("{what} was set up for {site}"),
        text: format!(
            "Hello,\n\nat {at}, from {from}, {within} was set up as a second factor of your account at {site}. If there \
             was another in its place, that one is void.\n\nIf that was not you, tell an administrator at once.\n"
        ),
    }
}

/// That the second factor was taken away.
pub fn second_factor_removed(site: &str, at: Timestamp, from: &str) -> Written {
    Written {
        subject: format!("The second factor for {site} was removed"),
        text: format!(
            "Hello,\n\nat {at}, from {from}, the second factor of your account at {site} was removed.\n\n\
             If that was not you, tell an administrator at once.\n"
        ),
    }
}

/// That a recovery code was used in place of the second factor, and how many are left.
pub fn recovery_code_used(site: &str, left: usize, at: Timestamp, from: &str) -> Written {
    Written {
        subject: format!("A recovery code for {site} was used"),
        text: format!(
            "Hello,\n\nat {at}, from {from}, a recovery code was used in place of the second factor of your account at \
             {site}. Codes left: {left}.\n\nIf that was not you, somebody has your codes: make new ones at once, on your \
             account page, and tell an administrator.\n"
        ),
    }
}

/// That there are new recovery codes.
pub fn recovery_codes_renewed(site: &str, at: Timestamp, from: &str) -> Written {
    Written {
        subject: format!("New recovery codes for {site} were made"),
        text: format!(
            "Hello,\n\nat {at}, from {from}, new recovery codes were made for your account at {site}. Those before them \
             are void.\n\nIf that was not you, tell an administrator at once.\n"
        ),
    }
}

/// That somebody used a password where single sign-on is required (D10).
pub fn break_glass(site: &str, organization: &Organization, user: &User, at: Timestamp, from: &str) -> Written {
    let (name, email) = (&organization.name, &user.email);
    Written {
        subject: format!("{email} used a password at {site}"),
        text: format!(
            "Hello,\n\n{name} signs in to {site} by single sign-on. At {at} {email} signed in by a password instead, \
             from {from}, as owners and admins may in an emergency.\n\n\
             If nobody of you knows why, ask whoever runs {site} to take the password away and to end the sessions.\n"
        ),
    }
}

impl Portal {
    /// Queues a mail to one person.
    ///
    /// # Errors
    /// The store's.
    pub(super) async fn write_to(
        &self,
        tx: &Tx,
        user: &User,
        mail: &Written,
        useful: Duration,
    ) -> Result<bool, Trouble> {
        let mail = Mail::new(&user.email, &mail.subject, &mail.text);
        Ok(outbox::queue(tx, &*self.rng, &mail, tx.now().plus(useful)).await?)
    }

    /// Queues a notice to one person.
    ///
    /// # Errors
    /// The store's.
    pub(super) async fn notify(&self, tx: &Tx, user: &User, mail: &Written) -> Result<bool, Trouble> {
        self.write_to(tx, user, mail, NOTICE_FOR).await
    }

    /// Queues a notice to the members of an organization with one of these roles.
    ///
    /// # Errors
    /// The store's.
    pub(super) async fn tell(
        &self,
        tx: &Tx,
        organization: OrgId,
        roles: &[Role],
        mail: Written,
    ) -> Result<(), Trouble> {
        let until = tx.now().plus(NOTICE_FOR);
        outbox::queue_to_members(tx, &*self.rng, organization, roles, (&mail.subject, &mail.text), until).await?;
        Ok(())
    }

    /// Whether this site sends mail.
    ///
    /// # Errors
    /// The store's.
    pub(super) async fn mail_is_on(&self) -> Result<bool, Trouble> {
        Ok(outbox::is_on(&self.store.reader()).await?)
    }
}
