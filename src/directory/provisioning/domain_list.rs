//! The accounts of a domain in their order, held against others in that order.

use super::roster::{PAGE, Rosters};
use crate::directory::user::BY_DOMAIN;
use crate::kernel::{DomainName, UserId};
use crate::store::{StoreError, Tx};

/// The accounts of a domain in their order, read as they are asked for.
pub(super) struct DomainList {
    domain: DomainName,
    page: std::vec::IntoIter<UserId>,
    front: Option<UserId>,
    after: Option<UserId>,
    done: bool,
}

impl DomainList {
    pub(super) fn of(domain: DomainName) -> Self {
        DomainList { domain, page: Vec::new().into_iter(), front: None, after: None, done: false }
    }

    /// Whether `account` is among them; to be asked in rising order.
    pub(super) async fn has(&mut self, rosters: &Rosters, tx: &Tx, account: UserId) -> Result<bool, StoreError> {
        loop {
            match self.front {
                Some(front) if front >= account => return Ok(front == account),
                _ => self.front = self.page.next(),
            }
            if self.front.is_none() {
                if self.done {
                    return Ok(false);
                }
                let after = self.after.map(|after| (self.domain.clone(), after));
                let page = tx.scan(&BY_DOMAIN, &self.domain, after.as_ref(), PAGE).await?;
                self.done = page.len() < PAGE;
                let page: Vec<UserId> = page.into_iter().map(|((_, account), ())| account).collect();
                self.after = page.last().copied().or(self.after);
                self.page = page.into_iter();
                self.front = self.page.next();
                rosters.breathe().await;
                if self.front.is_none() {
                    return Ok(false);
                }
            }
        }
    }
}
