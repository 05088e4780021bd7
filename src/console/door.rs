//! Who stands at the console's door, and whether they may come in: the operator by their own session, owners and admins
//! by that of their account, in the organization that the address names (D1, D5, D6).

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderMap, Method};

use super::operator;
use super::{Console, HERE};
use crate::administration::{Administration, By, Standing};
use crate::directory::authority::{self, Act, Actor, Target};
use crate::directory::{OrgKind, Organization, User, organization, user};
use crate::kernel::{Client, Fault, FaultKind, Role, Slug, Timestamp, TokenHash};
use crate::second_factor::factors;
use crate::session::{Authentication, SecondMethod, SessionRecord, is_within, records};
use crate::store::{StoreError, Tx};
use crate::web::address::{address, returning};
use crate::web::cookie::cookie_of;
use crate::web::page::{self, Trouble};

/// So long after a factor was shown, what asks for it can be changed; afterwards it is asked for again.
pub const FRESH: Duration = Duration::from_secs(30 * 60);

/// Somebody who may look at an organization's settings.
pub struct Door {
    /// The verbs, in their name.
    pub admin: Arc<Administration>,
    /// The organization that the address names.
    pub organization: Organization,
    /// Who they are: `operator`, or an address.
    pub who: String,
    /// Their role there; `None`: the operator.
    pub role: Option<Role>,
    /// Whether they showed a factor just now, without which nothing is changed that asks for it.
    pub fresh: bool,
    /// What proves a form of this session.
    pub token: String,
    /// Where they come from.
    pub client: Client,
    /// The site's name for people.
    pub site: String,
    /// The path and query that were asked for; of a form, the page on which it stands.
    pub at: String,
}

/// Why the door stays shut.
pub enum Shut {
    /// Nobody is signed in: the sign-in comes first, and leads back here.
    SignIn(String),
    /// Theirs, but the session is in another organization.
    Elsewhere(Box<Organization>, String),
    /// Anything else.
    Trouble(Box<Trouble>),
}

impl<E: Into<Trouble>> From<E> for Shut {
    fn from(error: E) -> Self {
        Shut::Trouble(Box::new(error.into()))
    }
}

impl IntoResponse for Shut {
    fn into_response(self) -> Response {
        match self {
            Shut::SignIn(at) => page::redirect(&returning("/.vestibule/sign-in", &at), &[]),
            // The portal's page of that organization offers the switch (D6), and leads back.
            Shut::Elsewhere(organization, at) => {
                let parameters = [("organization", organization.slug.as_str()), ("return_to", &at)];
                page::redirect(&address("/.vestibule/account/switch", &parameters), &[])
            }
            Shut::Trouble(trouble) => trouble.into_response(),
        }
    }
}

/// The same for an organization that does not exist as for one that they do not run.
pub fn not_theirs() -> Trouble {
    let public = "These settings are for owners and admins of the organization, in that organization.";
    let mut trouble = Trouble::from(Fault::new(FaultKind::Forbidden, public, "an organization that is not theirs"));
    trouble.title = Some("Not yours to see");
    trouble.again = Some("/.vestibule/account".into());
    trouble
}

impl FromRequestParts<Arc<Console>> for Door {
    type Rejection = Shut;

    async fn from_request_parts(parts: &mut Parts, console: &Arc<Console>) -> Result<Self, Shut> {
        let slug = match <RawPathParams as FromRequestParts<()>>::from_request_parts(parts, &()).await {
            Ok(params) => params.iter().find(|(name, _)| *name == "slug").map(|(_, value)| value.to_owned()),
            Err(_) => None,
        };
        let client = parts.extensions.get::<Client>().copied().unwrap_or_default();
        let at = parts.uri.path_and_query().map_or_else(|| HERE.to_owned(), ToString::to_string);
        let asked = Asked { slug: slug.unwrap_or_default(), client, at, reads: parts.method == Method::GET };
        console.open_door(&parts.headers, asked).await
    }
}

/// What is asked for.
struct Asked {
    slug: String,
    client: Client,
    at: String,
    reads: bool,
}

impl Console {
    async fn open_door(self: &Arc<Self>, headers: &HeaderMap, asked: Asked) -> Result<Door, Shut> {
        let tx = self.administration.store.reader();
        let found = match asked.slug.parse::<Slug>() {
            Ok(slug) => organization::by_slug(&tx, &slug).await.ok(),
            Err(_) => None,
        };
        if let Some((_, by)) = self.operator(&tx, headers, asked.client).await? {
            let organization = found.ok_or_else(Trouble::not_found)?;
            let token = operator::cookie(self, headers).unwrap_or_default();
            return Ok(self.door(by, organization, None, true, &token, asked));
        }
        let visitor = match self.sessions.authenticate(headers).await {
            Authentication::SignedIn(who) => who.session,
            Authentication::Unavailable(error) => return Err(error.into()),
            Authentication::Nobody { .. } => return Err(self.nobody(headers, asked)),
        };
        let Some(record) = records::find(&tx, visitor.id).await? else { return Err(Shut::SignIn(asked.at)) };
        let account = user::by_id(&tx, record.user).await?.filter(|account| account.active);
        let (Some(account), Some(organization)) = (account, found) else { return Err(not_theirs().into()) };
        let actor = authority::actor(&tx, organization.id, &account).await?;
        let Some(actor @ Actor::Member { role, .. }) = actor else { return Err(not_theirs().into()) };
        if authority::may(actor, Act::Manage(organization.id), Target::default()).is_err() {
            return Err(not_theirs().into());
        }
        if !is_within(&tx, &record, &organization).await? {
            if !asked.reads || organization.kind == OrgKind::Admin {
                return Err(not_theirs().into());
            }
            return Err(Shut::Elsewhere(Box::new(organization), asked.at));
        }
        let fresh = is_fresh(&tx, &record).await?;
        let by = By {
            standing: Standing::Member { account: account.id, organization: organization.id },
            name: account.email.to_string(),
            from: asked.client.to_string(),
        };
        Ok(self.door(by, organization, Some(role), fresh, &record.id.to_string(), asked))
    }

    fn door(
        &self,
        by: By,
        organization: Organization,
        role: Option<Role>,
        fresh: bool,
        session: &str,
        asked: Asked,
    ) -> Door {
        Door {
            who: by.name.clone(),
            token: self.form_token(session),
            admin: self.administration.by(by),
            organization,
            role,
            fresh,
            client: asked.client,
            site: self.site.clone(),
            at: asked.at,
        }
    }

    /// What proves a form of a session: whoever does not know the key can't make it.
    pub(super) fn form_token(&self, session: &str) -> String {
        let mut text = self.key.expose().to_vec();
        text.extend_from_slice(session.as_bytes());
        text.extend_from_slice(self.key.expose());
        TokenHash::of(&text).to_hex()
    }

    /// The operator, if it is they.
    pub(super) async fn operator(
        &self,
        tx: &Tx,
        headers: &HeaderMap,
        client: Client,
    ) -> Result<Option<(Timestamp, By)>, StoreError> {
        let Some(token) = operator::cookie(self, headers) else { return Ok(None) };
        let found = crate::session::operator::find(tx, &token).await?;
        Ok(found.map(|session| {
            let by =
                By { standing: Standing::Operator, name: "operator".to_owned(), from: format!("console, {client}") };
            (session.created, by)
        }))
    }

    /// Nobody is signed in; whoever stands between the two factors opens nothing here.
    fn nobody(&self, headers: &HeaderMap, asked: Asked) -> Shut {
        let half = if self.secure { "__Host-vestibule-half" } else { "vestibule-half" };
        if cookie_of(headers, half).is_some() || !asked.reads {
            let mut trouble = not_theirs();
            trouble.again = Some("/.vestibule/sign-in".into());
            return trouble.into();
        }
        Shut::SignIn(asked.at)
    }
}

/// Whether a factor was shown in the session just now: of somebody who has a second factor here, that one.
async fn is_fresh(tx: &Tx, record: &SessionRecord) -> Result<bool, StoreError> {
    let (held, now) = (factors::of(tx, record.user).await?.any(), tx.now());
    let second = record.second_factor.filter(|second| now < second.at.plus(FRESH));
    let shown = second.is_some_and(|second| !held || second.method != SecondMethod::IdentityProvider);
    Ok(shown || (!held && now < record.auth_time.plus(FRESH)))
}

/// The account of whoever is signed in, with or without an organization in the address.
pub async fn account(console: &Console, headers: &HeaderMap) -> Result<Option<(User, SessionRecord)>, Trouble> {
    let tx = console.administration.store.reader();
    let id = match console.sessions.authenticate(headers).await {
        Authentication::SignedIn(who) => who.session.id,
        Authentication::Nobody { .. } => return Ok(None),
        Authentication::Unavailable(error) => return Err(error.into()),
    };
    let Some(record) = records::find(&tx, id).await? else { return Ok(None) };
    let account = user::by_id(&tx, record.user).await?.filter(|account| account.active);
    Ok(account.map(|account| (account, record)))
}
