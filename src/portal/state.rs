//! What the portal needs: the store, the sessions, chance, and where this site is.

use std::sync::Arc;

use tokio::sync::Semaphore;
use url::Url;

use super::login_cookie::LoginCookies;
use super::page::{FormTarget, Trouble};
use super::throttle::{PendingBound, Throttle};
use super::verification::VerificationPool;
use crate::credential::{Hasher, Policy};
use crate::directory::{DirectoryError, Organization, PublicMail, organization};
use crate::kernel::Rng;
use crate::saml::service_provider::ServiceProvider;
use crate::second_factor::{RelyingParty, Sms};
use crate::session::Sessions;
use crate::store::Store;

/// How many mails are being queued at once.
const MAILINGS: usize = 64;

/// The portal, shared by all of its handlers.
pub struct Portal {
    /// The data.
    pub(super) store: Store,
    /// The sessions.
    pub(super) sessions: Arc<Sessions>,
    /// Chance.
    pub(super) rng: Arc<dyn Rng>,
    /// This site as a SAML service provider.
    pub(super) provider: ServiceProvider,
    /// How login cookies look here.
    pub(super) login_cookies: LoginCookies,
    /// Bounds how many sign-ins an address starts.
    pub(super) starts: Throttle,
    /// Bounds how many sign-ins are pending.
    pub(super) pending: PendingBound,
    /// Bounds how many answers an address brings.
    pub(super) answers: Throttle,
    /// Bounds how many responses are verified at once.
    pub(super) pool: VerificationPool,
    /// Which passwords can be chosen, and whether there are any.
    pub(super) policy: Policy,
    /// Hashes them.
    pub(super) hasher: Arc<Hasher>,
    /// Domains that nobody can name as their work's.
    pub(super) public_mail: PublicMail,
    /// Sends codes to phones; `None`: there are none here.
    pub(super) sms: Option<Arc<Sms>>,
    /// This site, as passkeys know it; `None`: it has no name.
    pub(super) party: Option<RelyingParty>,
    /// Bounds how many mails are being queued at once.
    pub(super) mailings: Arc<Semaphore>,
    /// Refusals are written one at a time.
    pub(super) refusals: tokio::sync::Mutex<()>,
    /// `public_url` as an `Origin` header says it.
    pub(super) origin: String,
    /// The site's name for people: its host.
    pub(super) site: String,
    on_loopback: bool,
}

impl Portal {
    /// The portal of the site at `public_url`.
    pub fn new(store: Store, sessions: Arc<Sessions>, rng: Arc<dyn Rng>, public_url: &Url) -> Self {
        let host = public_url.host_str().unwrap_or_default();
        let on_loopback = match public_url.host() {
            Some(url::Host::Domain(domain)) => domain == "localhost" || domain.ends_with(".localhost"),
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        Portal {
            store,
            sessions,
            provider: ServiceProvider::new(public_url.as_str()),
            login_cookies: LoginCookies { secure: public_url.scheme() == "https" },
            starts: Throttle::default(),
            pending: PendingBound::default(),
            answers: Throttle::default(),
            pool: VerificationPool::default(),
            policy: Policy::default(),
            hasher: Hasher::new(Arc::clone(&rng)),
            public_mail: PublicMail::default(),
            sms: None,
            party: RelyingParty::new(public_url).ok(),
            mailings: Arc::new(Semaphore::new(MAILINGS)),
            refusals: tokio::sync::Mutex::default(),
            origin: public_url.origin().ascii_serialization(),
            site: public_url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")),
            on_loopback,
            rng,
        }
    }

    /// The same with other rules for passwords, hashed by `hasher`.
    #[must_use]
    pub fn with_passwords(self, policy: Policy, hasher: Arc<Hasher>) -> Self {
        Portal { policy, hasher, ..self }
    }

    /// The same with another list of domains where everybody can have an address.
    #[must_use]
    pub fn with_public_mail(self, public_mail: PublicMail) -> Self {
        Portal { public_mail, ..self }
    }

    /// The same with codes by SMS, sent by `sms`.
    #[must_use]
    pub fn with_sms(self, sms: Option<Arc<Sms>>) -> Self {
        Portal { sms, ..self }
    }

    /// Where a form that leads to an IdP may go on to.
    pub(super) const fn to_identity_provider(&self) -> FormTarget {
        FormTarget::IdentityProvider { loopback: self.on_loopback }
    }

    /// The organization that a URL names.
    ///
    /// # Errors
    /// «Not found», the same whether the name is impossible or nobody's.
    pub(super) async fn organization(&self, slug: &str) -> Result<Organization, Trouble> {
        let slug = slug.parse().map_err(|_| Trouble::not_found())?;
        match organization::by_slug(&self.store.reader(), &slug).await {
            Ok(organization) => Ok(organization),
            Err(DirectoryError::NoSuchOrganization(_)) => Err(Trouble::not_found()),
            Err(error) => Err(error.into()),
        }
    }
}
