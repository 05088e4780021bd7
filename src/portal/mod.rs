//! The portal: Vestibule's own pages under `/.vestibule/`, and the SAML sign-in that runs through them.
//!
//! A sign-in: [`sign_in`] or its tile asks, [`start`] keeps it as [`pending`] and sends the browser to the IdP, [`acs`]
//! verifies the answer, [`finish`] admits and makes the session. The pages work without script.

mod access;
mod account;
mod acs;
mod admitting;
mod attempt;
mod confirm;
mod entering;
mod factor_settings;
mod finish;
mod half_session;
mod invitation;
mod join;
mod known_browser;
mod link;
mod local;
mod local_pages;
mod login_cookie;
mod mails;
mod metadata;
mod new_password;
mod opening;
mod organization;
mod page;
mod passkeys;
mod password;
pub mod pending;
mod return_path;
mod second_factor;
mod second_factor_pages;
mod set_up;
mod sign_in;
mod sign_out;
mod sign_up;
mod sms;
mod standing;
mod start;
mod state;
mod switch;
mod testing;
mod throttle;
mod trust;
mod unasked;
mod verification;
mod visitor;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};

pub use return_path::ReturnPath;
pub use state::Portal;

use crate::store::{TableChecker, decodes};
use crate::web::edge::{self, Edge};
use crate::web::{address, age, browser_name, form, same_origin};
use page::Trouble;

/// What is promised of the portal's own tables: each of their rows is over after a while, and decodes until then.
pub fn checkers() -> Vec<TableChecker> {
    let mut all = vec![decodes(&pending::SIGN_INS), decodes(&pending::USED_ASSERTIONS), decodes(&link::ASKED)];
    all.extend(sign_up::checkers());
    all.extend(unasked::checkers());
    all
}

/// All of the portal's pages, as a service that the proxy calls in process.
pub fn router(portal: Portal) -> Router {
    let edge = Arc::new(Edge { site: portal.site.clone(), rng: Arc::clone(&portal.rng) });
    let portal = Arc::new(portal);
    let missing = async || Trouble::not_found();
    Router::new()
        .route("/.vestibule/sign-in", get(sign_in::ask).post(sign_in::answer))
        .route("/.vestibule/sso/{slug}", get(sign_in::sso))
        .route("/.vestibule/sso/{slug}/test", get(testing::ask).post(testing::start))
        .route("/.vestibule/saml/{slug}/acs", post(acs::post).get(acs::get))
        .route("/.vestibule/saml/{slug}/finish", get(finish::get).post(finish::post))
        .route("/.vestibule/saml/{slug}/unasked", get(unasked::ask).post(unasked::agree))
        .route("/.vestibule/saml/{slug}/metadata", get(metadata::get))
        .route("/.vestibule/password", get(password::ask).post(password::answer))
        .route("/.vestibule/password/forgotten", get(link::ask_reset).post(link::send_reset))
        .route(new_password::HERE, get(new_password::ask).post(new_password::answer))
        .route(link::HERE, get(link::ask).post(link::send))
        .route("/.vestibule/link/use", post(link::enter))
        .route(invitation::HERE, get(invitation::ask).post(invitation::answer))
        .route(new_password::SETTINGS, get(new_password::ask_settings).post(new_password::answer_settings))
        .route("/.vestibule/sign-out", get(sign_out::ask).post(sign_out::answer))
        .route("/.vestibule/sign-out/half", post(sign_out::other_person))
        .route("/.vestibule/sign-up", post(sign_up::post))
        .route("/.vestibule/sign-up/verify", get(sign_up::ask).post(sign_up::verify))
        .route("/.vestibule/join", get(join::show).post(join::post))
        .route("/.vestibule/access", get(access::ask).post(access::decide))
        .route(organization::HERE, get(organization::show))
        .route("/.vestibule/organization/members", post(organization::decide_member))
        .route("/.vestibule/organization/requests", post(organization::decide_request))
        .route(organization::DISCOVERABILITY, post(organization::save))
        .route(opening::CHALLENGE, get(second_factor::ask).post(second_factor::answer))
        .route("/.vestibule/second-factor/later", post(second_factor::later))
        .route(opening::SET_UP, get(set_up::ask).post(set_up::answer))
        .route("/.vestibule/second-factor/sms", post(sms::send))
        .route("/.vestibule/second-factor/setup/sms", post(sms::send_set_up))
        .route(passkeys::SCRIPT, get(passkeys::script))
        .route("/.vestibule/second-factor/codes", post(set_up::download))
        .route("/.vestibule/second-factor/fresh", post(set_up::fresh))
        .route("/.vestibule/account", get(account::show))
        .route("/.vestibule/account/recovery-codes", post(factor_settings::new_codes))
        .route("/.vestibule/account/second-factor/remove", post(factor_settings::remove))
        .route("/.vestibule/account/trusted-browsers/forget", post(factor_settings::forget_browser))
        .route("/.vestibule/account/sessions/end", post(account::end))
        .route("/.vestibule/account/sessions/end-others", post(account::end_others))
        .route("/.vestibule/account/organization", post(switch::post))
        .route("/.vestibule/account/switch", get(switch::ask))
        .route("/.vestibule/confirm", get(confirm::ask))
        .fallback(missing)
        .layer(from_fn_with_state(edge, edge::edge))
        .with_state(portal)
}
