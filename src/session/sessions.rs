//! The sessions as the doors use them: told from a request's headers without I/O, started and ended in transactions.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::assertion::{Assertions, Audience};
use super::cookie::{CookieForm, Presented};
use super::error::SessionError;
use super::facts::{Facts, FactsCache};
use super::keys::Keys;
use super::records::{self, Scope};
use super::revocation::{Revocations, Wakes};
use super::token::{LONGEST_SESSION, Method, SecondFactor, SessionToken};
use crate::directory::{effective, last_used, organization};
use crate::kernel::{Clock, OrgId, Rng, SessionId, Timestamp, UserId};
use crate::store::{Feed, Store, Tx};

/// How long the change feed may be silent before nobody can say any more which sessions are revoked.
pub const FEED_BOUND: Duration = Duration::from_secs(10);
/// A cookie is sealed anew after this part of the idle limit has passed, at the earliest after [`RESEAL_FLOOR`].
const RESEAL_PART: u32 = 20;
/// The shortest time between two sealings of one session.
const RESEAL_FLOOR: Duration = Duration::from_secs(60);

/// What sessions need to know of the configuration.
#[derive(Clone, Debug)]
pub struct SessionSettings {
    /// What browsers see, without a last `/`: issuer of assertions; https makes the cookies Secure (D22).
    pub public_url: String,
    /// How long a session may be unused.
    pub idle: Duration,
    /// How long a session may be, used or not; at most [`LONGEST_SESSION`].
    pub absolute: Duration,
    /// How long the change feed may be silent: [`FEED_BOUND`].
    pub feed_bound: Duration,
}

impl SessionSettings {
    /// The defaults: 8 hours idle, 24 hours in all.
    pub fn new(public_url: impl Into<String>) -> Self {
        let mut public_url = public_url.into();
        public_url.truncate(public_url.trim_end_matches('/').len());
        let hour = Duration::from_secs(3600);
        SessionSettings { public_url, idle: 8 * hour, absolute: 24 * hour, feed_bound: FEED_BOUND }
    }
}

/// What a request's session cookie says.
#[derive(Clone, Debug)]
pub enum Authentication {
    /// Nobody is signed in.
    Nobody {
        /// A cookie was sent that is of no use any more.
        stale_cookie: bool,
    },
    /// Somebody is.
    SignedIn(SignedIn),
    /// It can't be told just now: refuse with 503.
    Unavailable(SessionError),
}

/// What can be said without I/O.
enum Recognized {
    Answer(Authentication),
    /// A living token of a person whom this node has no facts of, and whether the newest key sealed it.
    Stranger(SessionToken, bool),
}

/// Somebody with a living session.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The session.
    pub session: SessionToken,
    /// Who they are.
    pub facts: Arc<Facts>,
    /// The `Set-Cookie` value to send along, if it is time to seal the cookie anew.
    pub renewed: Option<HeaderValue>,
}

/// What a new session is made of.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NewSession {
    /// Whose it is.
    pub user: UserId,
    /// The organization that it is in, if any (D7).
    pub organization: Option<OrgId>,
    /// The organization whose single sign-on made it, if one did (D6).
    pub connection: Option<OrgId>,
    /// The first factor.
    pub method: Method,
    /// When the person showed who they are; the present moment for most.
    pub auth_time: Timestamp,
    /// The second factor, if one was shown.
    pub second_factor: Option<SecondFactor>,
    /// When the person signed in, if that was in the session that this one replaces.
    pub signed_in: Option<Timestamp>,
    /// When it must end at the latest, if the IdP says so (R28); the configured limits may end it sooner.
    pub ends: Option<Timestamp>,
    /// The session that this one takes the place of: it ends in the same transaction.
    pub replaces: Option<SessionId>,
    /// Where the request came from.
    pub client: Option<IpAddr>,
    /// The `User-Agent` header.
    pub user_agent: Option<String>,
}

impl NewSession {
    /// A session of `user` by `method`, at `now`, in no organization.
    pub fn new(user: UserId, method: Method, now: Timestamp) -> Self {
        NewSession {
            user,
            organization: None,
            connection: None,
            method,
            auth_time: now,
            second_factor: None,
            signed_in: None,
            ends: None,
            replaces: None,
            client: None,
            user_agent: None,
        }
    }
}

/// A session that was just made.
#[derive(Clone, Debug)]
pub struct SessionStart {
    /// The session.
    pub id: SessionId,
    /// The `Set-Cookie` value: to be sent only once the transaction is committed.
    pub set_cookie: HeaderValue,
}

/// The sessions of this node: shared by the doors as an `Arc`.
pub struct Sessions {
    pub(super) store: Store,
    pub(super) clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    settings: SessionSettings,
    form: CookieForm,
    pub(super) keys: Keys,
    pub(super) revocations: Revocations,
    pub(super) facts: FactsCache,
    pub(super) assertions: Assertions,
    audiences: Mutex<Vec<Arc<str>>>,
    pub(super) feed: tokio::sync::Mutex<Feed>,
}

impl Sessions {
    /// Opens the session room: loads keys (makes them at the first start) and revocations, and starts to listen.
    /// Somebody must then run [`follow`](Self::follow), or after `feed_bound` nobody counts as signed in.
    ///
    /// # Errors
    /// [`SessionError::Store`], [`SessionError::Keys`].
    pub async fn open(
        store: Store,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
        settings: SessionSettings,
    ) -> Result<Arc<Self>, SessionError> {
        // Listening comes before loading: what happens between the two is then heard.
        let feed = store.feed();
        let keys = Keys::open(&store, &*rng).await?;
        let revocations = Revocations::default();
        revocations.load(&store.reader()).await?;
        let form = CookieForm::new(settings.public_url.starts_with("https://"));
        Ok(Arc::new(Sessions {
            store,
            clock,
            rng,
            settings,
            form,
            keys,
            revocations,
            facts: FactsCache::default(),
            assertions: Assertions::default(),
            audiences: Mutex::default(),
            feed: tokio::sync::Mutex::new(feed),
        }))
    }

    /// Who is signed in, by a request's headers. In the usual case no I/O, no lock, no allocation; the directory is
    /// read only if this node does not know the person yet.
    pub async fn authenticate(&self, headers: &HeaderMap) -> Authentication {
        let now = self.clock.now();
        match self.recognize(headers, now) {
            Recognized::Answer(answer) => answer,
            // Rare, so its future is not part of every request's.
            Recognized::Stranger(token, current) => Box::pin(self.get_to_know(token, current, now)).await,
        }
    }

    async fn get_to_know(&self, token: SessionToken, current: bool, now: Timestamp) -> Authentication {
        match self.facts.load(&self.store.reader(), &token).await {
            Ok(Some(facts)) => self.admit(token, facts, current, now),
            Ok(None) => Authentication::Nobody { stale_cookie: true },
            Err(error) => Authentication::Unavailable(error.into()),
        }
    }

    /// The part of [`authenticate`](Self::authenticate) that needs no I/O.
    fn recognize(&self, headers: &HeaderMap, now: Timestamp) -> Recognized {
        let nobody = |stale_cookie| Recognized::Answer(Authentication::Nobody { stale_cookie });
        let (token, current) = match self.form.read(headers, &self.keys.current().sealer) {
            Presented::None => return nobody(false),
            Presented::Unusable => return nobody(true),
            Presented::Token(token, current) => (token, current),
        };
        if !token.is_alive(now, self.settings.idle) || self.revocations.ended(&token) {
            return nobody(true);
        }
        let silence = self.revocations.silence();
        if silence > self.settings.feed_bound {
            let error = SessionError::FeedStale(silence.as_secs());
            return Recognized::Answer(Authentication::Unavailable(error));
        }
        match self.facts.get(&token) {
            Some(facts) => Recognized::Answer(self.admit(token, facts, current, now)),
            None => Recognized::Stranger(token, current),
        }
    }

    fn admit(&self, token: SessionToken, facts: Arc<Facts>, current: bool, now: Timestamp) -> Authentication {
        if !self.may_live(&token, &facts, now) {
            return Authentication::Nobody { stale_cookie: true };
        }
        let pause = (self.idle(&facts) / RESEAL_PART).max(RESEAL_FLOOR);
        let renewed = (!current || now.since(token.seen) > pause).then(|| {
            let token = SessionToken { seen: now, ..token };
            self.form.set(&token, &self.keys.current().sealer, &*self.rng)
        });
        Authentication::SignedIn(SignedIn { session: token, facts, renewed })
    }

    /// Whether account, membership, and the organization's limits and ways to sign in let a session live (D10, D12).
    fn may_live(&self, token: &SessionToken, facts: &Facts, now: Timestamp) -> bool {
        let in_time = facts.limits.1.is_none_or(|absolute| now < token.created.plus(absolute));
        let way = facts.ways.take(token.method);
        facts.active && facts.belongs && way && in_time && token.is_alive(now, self.idle(facts))
    }

    fn idle(&self, facts: &Facts) -> Duration {
        facts.limits.0.map_or(self.settings.idle, |idle| idle.min(self.settings.idle))
    }

    /// Whose an open stream of this session is now, if it may go on: it was not revoked and has not come to its absolute
    /// end. Being in use, it is not idle.
    pub async fn may_go_on(&self, token: &SessionToken) -> Option<Arc<Facts>> {
        let now = self.clock.now();
        if self.revocations.ended(token) || now >= token.absolute_end {
            return None;
        }
        let token = SessionToken { seen: now, ..*token };
        let facts = match self.facts.get(&token) {
            Some(facts) => Some(facts),
            None => self.facts.load(&self.store.reader(), &token).await.ok().flatten(),
        };
        facts.filter(|facts| self.may_live(&token, facts, now))
    }

    /// How often open streams were to ask [`may_go_on`](Self::may_go_on) so far.
    pub fn wakes(&self) -> Wakes {
        self.revocations.wakes()
    }

    /// Is done when open streams should ask [`may_go_on`](Self::may_go_on), the first time from now on.
    pub fn changed(&self) -> tokio::sync::futures::Notified<'_> {
        self.revocations.changed()
    }

    /// Starts a session within the caller's transaction: always under a new id, so that a session that gains a
    /// privilege is another one; the one that it replaces ends.
    ///
    /// # Errors
    /// [`SessionError::OrganizationGone`], [`SessionError::Store`].
    pub async fn start(&self, tx: &Tx, new: &NewSession) -> Result<SessionStart, SessionError> {
        let now = tx.now();
        let mut absolute = self.settings.absolute.min(LONGEST_SESSION);
        if let Some(id) = new.organization {
            let organization = organization::by_id(tx, id).await?.ok_or(SessionError::OrganizationGone)?;
            let rules = effective::of_organization(tx, organization).await?.rules;
            if let Some(shorter) = rules.session_absolute {
                absolute = absolute.min(Duration::from_secs(shorter));
            }
        }
        if let Some(old) = new.replaces {
            records::revoke(tx, Scope::Session(old)).await?;
        }
        let token = SessionToken {
            id: SessionId::random(&*self.rng),
            user: new.user,
            organization: new.organization,
            connection: new.connection,
            method: new.method,
            second_factor: new.second_factor,
            created: now,
            auth_time: new.auth_time,
            seen: now,
            absolute_end: new.ends.map_or(now.plus(absolute), |ends| ends.min(now.plus(absolute))),
        };
        records::insert(tx, &token, new.signed_in, (new.client, new.user_agent.as_deref()))?;
        if let Some(organization) = new.organization {
            last_used::note(tx, new.user, organization)?;
        }
        let set_cookie = self.form.set(&token, &self.keys.current().sealer, &*self.rng);
        Ok(SessionStart { id: token.id, set_cookie })
    }

    /// Ends one session within the caller's transaction (sign-out). For more of them: [`records::revoke`].
    ///
    /// # Errors
    /// [`SessionError::Store`].
    pub async fn end(&self, tx: &Tx, id: SessionId) -> Result<(), SessionError> {
        Ok(records::revoke(tx, Scope::Session(id)).await?)
    }

    /// The `Set-Cookie` value that removes the session cookie.
    pub fn clear_cookie(&self) -> HeaderValue {
        self.form.clear()
    }

    /// An audience of assertions, as upstreams name theirs; asking twice gives the same.
    pub fn audience(&self, name: &str) -> Audience {
        let mut audiences = self.audiences.lock();
        let number = audiences.iter().position(|held| **held == *name).unwrap_or_else(|| {
            audiences.push(Arc::from(name));
            audiences.len() - 1
        });
        Audience { number: u16::try_from(number).unwrap_or(u16::MAX), name: Arc::clone(&audiences[number]) }
    }

    /// The signed assertion about somebody, for an audience (CONTRACT.md, `X-Vestibule-Assertion`).
    pub fn assertion(&self, who: &SignedIn, audience: &Audience) -> HeaderValue {
        let (keys, issuer) = (self.keys.current(), &self.settings.public_url);
        self.assertions.get(issuer, &keys.signing, &who.session, &who.facts, audience, self.clock.now())
    }

    /// The JSON Web Key Set that assertions are checked with.
    pub fn jwks(&self) -> String {
        self.keys.current().jwks.clone()
    }

    /// Seals `plain` for another purpose than sessions, under the same rotating keys (a sign-in under way).
    pub fn seal(&self, context: &'static [u8], plain: &[u8]) -> Vec<u8> {
        self.keys.current().sealer.seal(context, plain, &*self.rng)
    }

    /// Opens what [`seal`](Self::seal) sealed for the same purpose; `None` if it is anything else.
    pub fn open_sealed(&self, context: &'static [u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let mut sealed = sealed.to_vec();
        self.keys.current().sealer.open(context, &mut sealed).map(<[u8]>::to_vec)
    }

    /// The time, as sessions are held against it.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// How long the change feed has been silent: the gate refuses beyond `feed_bound`, readiness should say so too.
    pub fn feed_silence(&self) -> Duration {
        self.revocations.silence()
    }

    /// Whether the change feed is fresh enough to tell who is signed in.
    pub fn is_ready(&self) -> bool {
        self.revocations.silence() <= self.settings.feed_bound
    }

    /// The configuration that this was opened with.
    pub fn settings(&self) -> &SessionSettings {
        &self.settings
    }
}
