//! Half sessions at the portal: their cookie, and whether one is still good.
//!
//! The cookie has a name of its own. What happens between the factors voids a half session as it would end the session
//! that it is to become.

use http::HeaderMap;

use super::entering::{self, Entering};
use super::page::Trouble;
use super::state::Portal;
use crate::directory::effective::{self, Effective};
use crate::directory::places::{self, Person, Showed};
use crate::directory::two_factor::FirstFactor;
use crate::directory::{Entry, User, organization, user};
use crate::session::half::{self, GOOD_FOR};
use crate::session::{HalfId, HalfSession, Method, NewSession, records};
use crate::store::{StoreError, Tx};
use crate::web::cookie::cookie_of;

/// A half session that is good at this moment.
pub struct Standing {
    /// The half session.
    pub half: HalfSession,
    /// Whose it is.
    pub user: User,
    /// The organization whose rules ask, with what holds there.
    pub asking: Option<Effective>,
}

/// The half session, if it is one and nothing happened since that voids it: sessions like the one that it is to become
/// were not ended, and the rules let the person in still.
///
/// # Errors
/// The store's.
pub async fn find(tx: &Tx, id: HalfId) -> Result<Option<Standing>, Trouble> {
    let Some(half) = half::get(tx, id).await? else { return Ok(None) };
    let NewSession { user, organization, connection, .. } = half.new;
    if records::ended_since(tx, (user, organization, connection), half.created).await? {
        return Ok(None);
    }
    let Some(user) = user::by_id(tx, user).await?.filter(|user| user.active) else { return Ok(None) };
    let asking = match half.asking {
        None => None,
        Some(id) => match organization::by_id(tx, id).await? {
            Some(organization) => Some(effective::of_organization(tx, organization).await?),
            None => return Ok(None),
        },
    };
    let standing = Standing { half, user, asking };
    Ok(standing.may_enter(tx).await?.then_some(standing))
}

impl Standing {
    /// Whether the rules, as they are now, let the person in by the first factor that they showed.
    async fn may_enter(&self, tx: &Tx) -> Result<bool, StoreError> {
        let new = &self.half.new;
        if let (Some(before), Some(signed_in)) = (new.replaces, new.signed_in) {
            // It goes on from a session: that one must live.
            let Some(record) = records::find(tx, before).await? else { return Ok(false) };
            let Some(asking) = &self.asking else { return Ok(true) };
            let shown = entering::Shown { connection: record.connection, signed_in };
            return Ok(entering::may_enter(tx, &self.user, &asking.organization, &shown).await? == Entering::Enter);
        }
        let showed = match (new.method, new.connection) {
            (Method::Sso, Some(connection)) => Showed::Sso(connection),
            (Method::Password, _) => Showed::Password,
            (Method::MagicLink, _) => Showed::MagicLink,
            (Method::Sso, None) | (Method::Operator, _) => return Ok(false),
        };
        let Some(asking) = &self.asking else {
            let holder = effective::of_domain(tx, &self.user.email.domain()).await?;
            return Ok(holder.is_none_or(|holder| !holder.rules.require_sso));
        };
        let entry = places::entry(tx, asking, &Person::of(&self.user), showed).await?;
        // Required since, single sign-on makes an emergency of what was none: that is told, and asked, from the start.
        Ok(match entry {
            Entry::Enter => true,
            Entry::BreakGlass => self.half.first == FirstFactor::BreakGlass,
            _ => false,
        })
    }
}

impl Portal {
    /// The half session that this browser presents. Of several cookies of the name none counts.
    pub(super) fn half_of(&self, headers: &HeaderMap) -> Option<HalfId> {
        let token = cookie_of(headers, self.half_name())?;
        Some(HalfId::of(&token))
    }

    /// Ends the half session that this browser presents.
    ///
    /// # Errors
    /// The store's.
    pub(super) async fn end_half(&self, headers: &HeaderMap) -> Result<(), Trouble> {
        let Some(id) = self.half_of(headers) else { return Ok(()) };
        let end = async |tx: Tx| {
            if let Some(half) = half::get(&tx, id).await? {
                half::end(&tx, id, half.new.user);
            }
            Ok::<_, Trouble>(())
        };
        self.store.transaction("end a half session", end).await
    }

    /// The `Set-Cookie` of a half session's token.
    pub(super) fn half_cookie(&self, token: &str) -> String {
        self.own_cookie(self.half_name(), token, GOOD_FOR.as_secs())
    }

    /// The `Set-Cookie` that takes it back.
    pub(super) fn without_half(&self) -> String {
        self.own_cookie(self.half_name(), "", 0)
    }

    /// A cookie as the scheme of this site wants it (D22).
    pub(super) fn own_cookie(&self, name: &str, value: &str, seconds: u64) -> String {
        let secure = if self.login_cookies.secure { "; Secure" } else { "" };
        format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}")
    }

    const fn half_name(&self) -> &'static str {
        if self.login_cookies.secure { "__Host-vestibule-half" } else { "vestibule-half" }
    }
}
