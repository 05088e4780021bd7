//! Starts a sign-in at an organization's IdP: keeps it as pending, hands the browser its login cookie, sends it on.

use axum::response::Response;
use http::{HeaderMap, StatusCode};

use super::login_cookie::LoginCookies;
use super::page::{self, ToIdentityProviderPage, Trouble};
use super::pending::{SignIn, Stage};
use super::return_path::ReturnPath;
use super::state::Portal;
use crate::directory::{Binding, Organization, SsoConnection, sso};
use crate::kernel::{Client, Fault, FaultKind, OrgId, TokenHash};
use crate::saml::authn_request::AuthnRequest;
use crate::saml::keys;
use crate::saml::signing::SigningKey;
use crate::store::{StoreError, Tx};

/// What a sign-in is begun for.
struct Wanted {
    /// The organization that is entered; `None`: whichever the rules say.
    entered: Option<OrgId>,
    /// Where the person goes afterwards.
    return_to: ReturnPath,
    /// The IdP has to ask anew.
    force: bool,
    /// Who begins it, if it is a test alone.
    test: Option<String>,
}

impl Portal {
    /// The same, where the IdP has to ask the person anew who they are, whatever session they have there (ForceAuthn).
    ///
    /// # Errors
    /// As with [`start_sign_in`](Self::start_sign_in).
    pub(super) async fn start_fresh_sign_in(
        &self,
        client: Client,
        headers: &HeaderMap,
        organization: &Organization,
        entered: Option<OrgId>,
        return_to: ReturnPath,
    ) -> Result<Response, Trouble> {
        let wanted = Wanted { entered, return_to, force: true, test: None };
        self.start(client, headers, organization, wanted).await
    }

    /// Asks the IdP of `organization`, on the way to the organization `entered`, or to whichever the rules say. Answers
    /// with a 303 (Redirect binding), or with a page whose one button posts to it (POST binding).
    ///
    /// # Errors
    /// A page that says whom to ask, if the organization has no single sign-on; too many of that client, or of all.
    pub(super) async fn start_sign_in(
        &self,
        client: Client,
        headers: &HeaderMap,
        organization: &Organization,
        entered: Option<OrgId>,
        return_to: ReturnPath,
    ) -> Result<Response, Trouble> {
        let wanted = Wanted { entered, return_to, force: false, test: None };
        self.start(client, headers, organization, wanted).await
    }

    /// Asks the IdP of `organization` in a test that `by` begins: nobody is signed in by it.
    ///
    /// # Errors
    /// As with [`start_sign_in`](Self::start_sign_in).
    pub(super) async fn start_test(
        &self,
        client: Client,
        headers: &HeaderMap,
        organization: &Organization,
        by: String,
    ) -> Result<Response, Trouble> {
        let wanted = Wanted { entered: None, return_to: ReturnPath::parse(""), force: false, test: Some(by) };
        self.start(client, headers, organization, wanted).await
    }

    async fn start(
        &self,
        client: Client,
        headers: &HeaderMap,
        organization: &Organization,
        Wanted { entered, return_to, force, test }: Wanted,
    ) -> Result<Response, Trouble> {
        self.starts.pass(client, self.store.now())?;
        let reader = self.store.reader();
        let connection = sso::connection(&reader, organization.id).await?;
        let connection = connection.filter(|connection| !connection.certificates.is_empty());
        let Some(SsoConnection { mut settings, .. }) = connection else { return Err(no_single_sign_on(organization)) };
        settings.force_authn |= force;
        let now = self.store.now();
        self.pending.pass(client, now)?;
        let request = AuthnRequest::new(&settings, &self.provider, &organization.slug, now, &*self.rng);
        let key = if settings.sign_requests { Some(self.signing_key(&reader).await?) } else { None };
        let cookie = LoginCookies::fresh(now, &*self.rng);
        let sign_in = SignIn {
            organization: entered,
            connection: organization.id,
            idp: settings.entity_id,
            return_to,
            browser: TokenHash::of(cookie.as_bytes()),
            stage: Stage::Pending,
            test,
        };
        let keep = async |tx: Tx| sign_in.start(&tx, &request.id);
        self.store.transaction::<_, StoreError, _, _>("start sign-in", keep).await?;
        let cookies = self.login_cookies.set(headers, &request.id, &cookie);
        // The RelayState is the request's id again: opaque, 41 bytes, and nothing by itself.
        match settings.sign_in_binding {
            Binding::Redirect => Ok(page::redirect(&request.redirect_url(&request.id, key.as_ref())?, &cookies)),
            Binding::Post => {
                let form = request.post_form(&request.id, key.as_ref())?;
                let (site, name) = (self.site.as_str(), organization.name.as_str());
                let page =
                    ToIdentityProviderPage { site, organization: name, action: &form.action, fields: &form.fields };
                Ok(page::with_cookies(
                    page::html(StatusCode::OK, self.to_identity_provider(), &page),
                    cookies.iter().map(String::as_str),
                ))
            }
        }
    }

    async fn signing_key(&self, reader: &Tx) -> Result<SigningKey, Trouble> {
        let held = keys::all(reader).await?;
        let missing = || Trouble::from(Fault::internal("requests are to be signed, and there is no key"));
        let key = keys::current(&held).ok_or_else(missing)?;
        key.signing_key().map_err(|error| Fault::internal(error.to_string()).into())
    }
}

fn no_single_sign_on(organization: &Organization) -> Trouble {
    let public = format!(
        "{} has no single sign-on here yet. Please ask an owner or administrator of {}.",
        organization.name, organization.name
    );
    let detail = format!("{} has no single sign-on", organization.slug);
    let mut trouble = Trouble::from(Fault::new(FaultKind::NotFound, public, detail));
    trouble.title = Some("No single sign-on");
    trouble
}
