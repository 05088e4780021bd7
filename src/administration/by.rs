//! Who acts, and whether they may: asked anew in each transaction, so that a role that was taken away meanwhile counts.

use super::Administration;
use crate::directory::authority::{self, Act, Actor, Denied, Target};
use crate::directory::{DirectoryError, Organization, User, effective, link, member, user};
use crate::kernel::{EmailAddress, Fault, FaultKind, OrgId, UserId};
use crate::store::Tx;

/// Who acts, as the audit tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct By {
    /// Who they are to the organizations.
    pub standing: Standing,
    /// Their name in the audit: `operator`, or an address.
    pub name: String,
    /// From where, for the audit: `admin socket`, or an address of the net.
    pub from: String,
}

/// Who somebody is to the organizations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Whoever runs Vestibule.
    Operator,
    /// Somebody who acts for an organization; which role they have in it is looked up each time.
    Member {
        /// Their account.
        account: UserId,
        /// The organization.
        organization: OrgId,
    },
}

impl By {
    /// Whoever has the admin socket.
    pub fn admin_socket() -> Self {
        By { standing: Standing::Operator, name: "operator".to_owned(), from: "admin socket".to_owned() }
    }

    /// What happens by itself.
    pub fn itself() -> Self {
        By { standing: Standing::Operator, name: "vestibule".to_owned(), from: String::new() }
    }

    /// The organization that they act for; `None`: the operator, who acts for all.
    pub fn organization(&self) -> Option<OrgId> {
        match self.standing {
            Standing::Operator => None,
            Standing::Member { organization, .. } => Some(organization),
        }
    }
}

/// «Not yours to do», in words for whoever tried.
pub fn denied(denied: Denied) -> Fault {
    let public = match denied {
        Denied::OwnersAffair => "Only an owner of the organization does that.",
        Denied::NotTheirRole => "Only owners and admins of the organization do that.",
        Denied::NotTheirAccount => {
            "This account is not your organization's: whoever proved its domain acts on it. You can end its membership \
             here."
        }
        Denied::NotTheirOrganization => "That is another organization's affair.",
    };
    Fault::new(FaultKind::Forbidden, public, format!("not allowed: {denied:?}"))
}

impl Administration {
    /// Who acts, with the role that they have at this moment.
    ///
    /// # Errors
    /// «Forbidden», if they are no member any more; the store's.
    pub async fn actor(&self, tx: &Tx) -> Result<Actor, Fault> {
        let Standing::Member { account, organization } = self.by.standing else { return Ok(Actor::Operator) };
        let found = match user::by_id(tx, account).await? {
            Some(account) => authority::actor(tx, organization, &account).await?,
            None => None,
        };
        found.ok_or_else(|| denied(Denied::NotTheirRole))
    }

    /// Lets an act pass that is theirs (D1, D5): on an account, if it is on one.
    ///
    /// # Errors
    /// «Forbidden», with a sentence that says whose affair it is; the store's.
    pub async fn permit(&self, tx: &Tx, act: Act, who: Option<&User>) -> Result<(), Fault> {
        let actor = self.actor(tx).await?;
        let target = match who {
            Some(who) => authority::target(tx, actor, who).await?,
            None => Target::default(),
        };
        authority::may(actor, act, target).map_err(denied)
    }

    /// Whether an act would pass.
    ///
    /// # Errors
    /// The store's.
    pub async fn may(&self, tx: &Tx, act: Act, who: Option<&User>) -> Result<bool, Fault> {
        match self.permit(tx, act, who).await {
            Ok(()) => Ok(true),
            Err(fault) if fault.kind == FaultKind::Forbidden => Ok(false),
            Err(fault) => Err(fault),
        }
    }

    /// Lets an act pass that either of two makes theirs: a link concerns both of its organizations.
    ///
    /// # Errors
    /// As [`Administration::permit`], for the first.
    pub async fn permit_either(&self, tx: &Tx, one: Act, other: Option<Act>) -> Result<(), Fault> {
        if let Some(other) = other
            && self.may(tx, other, None).await?
        {
            return Ok(());
        }
        self.permit(tx, one, None).await
    }

    /// Lets the operator pass alone.
    ///
    /// # Errors
    /// «Forbidden».
    pub fn operators(&self) -> Result<(), Fault> {
        match self.by.standing {
            Standing::Operator => Ok(()),
            Standing::Member { .. } => Err(denied(Denied::NotTheirOrganization)),
        }
    }

    /// Lets those pass who run the organization whose people those of this address's domain are, or which is linked to
    /// it: whoever else asks about an address learns nothing (D5).
    ///
    /// # Errors
    /// «Forbidden»; the store's.
    pub async fn permit_to_look_up(&self, tx: &Tx, email: &EmailAddress) -> Result<(), Fault> {
        let Some(own) = self.by.organization() else { return Ok(()) };
        self.permit(tx, Act::Manage(own), None).await?;
        let holder = effective::of_domain(tx, &email.domain()).await?.map(|held| held.organization.id);
        let above = link::find(tx, own).await?.map(|link| link.admin);
        if holder == Some(own) {
            return Ok(());
        }
        // Of the Admin organization's people those who are members here.
        if holder.is_some()
            && holder == above
            && let Some(account) = user::find_by_email(tx, email).await?
            && member::record(tx, own, account.id).await?.is_some()
        {
            return Ok(());
        }
        let text = "This address is not of a domain that your organization has proved, so nothing is told about it.";
        Err(Fault::new(FaultKind::Forbidden, text, "a look at an address of another organization"))
    }

    /// The account of this address, as far as whoever acts may know of it: the operator of any, anybody else of the
    /// members of this organization; of others, not even whether there is one (D19).
    ///
    /// # Errors
    /// «Not found»; the store's.
    pub async fn account_in(&self, tx: &Tx, organization: &Organization, email: &EmailAddress) -> Result<User, Fault> {
        let found = user::find_by_email(tx, email).await?;
        if self.is_operator() {
            return found.ok_or_else(|| DirectoryError::NoSuchUser(email.clone()).into());
        }
        if let Some(account) = found
            && member::record(tx, organization.id, account.id).await?.is_some()
        {
            return Ok(account);
        }
        Err(DirectoryError::NotAMember(organization.slug.clone(), email.clone()).into())
    }

    /// The account of this address, for what concerns all of it (D5): whoever is told that there is none would have been
    /// let in.
    ///
    /// # Errors
    /// «Not found»; «Forbidden»; the store's.
    pub async fn account_of(&self, tx: &Tx, email: &EmailAddress) -> Result<User, Fault> {
        if let Some(account) = user::find_by_email(tx, email).await? {
            return Ok(account);
        }
        if let Some(own) = self.by.organization() {
            let holder = effective::of_domain(tx, &email.domain()).await?.map(|held| held.organization.id);
            if holder != Some(own) {
                return Err(denied(Denied::NotTheirAccount));
            }
            self.permit(tx, Act::Manage(own), None).await?;
        }
        Err(DirectoryError::NoSuchUser(email.clone()).into())
    }

    /// Whether nobody would be left to run the organization, which the operator alone may bring about (D18).
    ///
    /// # Errors
    /// «Conflict».
    pub fn keep_an_owner(&self, left: bool) -> Result<(), Fault> {
        if left || self.is_operator() {
            return Ok(());
        }
        let text = "This is the last owner who can sign in: make somebody else an owner first.";
        Err(Fault::plain(FaultKind::Conflict, text))
    }

    /// Whether whoever acts is the operator.
    pub fn is_operator(&self) -> bool {
        self.by.standing == Standing::Operator
    }
}
