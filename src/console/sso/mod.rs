//! Single sign-on: what to type at the identity provider, what it hands back, and the proof that it works.

pub mod access;
pub mod certificates;
pub mod metadata;
pub mod options;
pub mod remove;
pub mod require;

use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use http::StatusCode;

use super::shell::{Shell, html, wrong_file};
use super::{Door, Posted};
use crate::administration::api::{
    FileBytes, IdpView, Product, SsoOptions, SsoSet, SsoShow, SsoSource, SsoState, SsoStateView, SsoView, guess, other,
    products,
};
use crate::administration::{sso, sso_state};
use crate::directory::Binding;
use crate::web::form::{Form, query_value};
use crate::web::page::Trouble;

/// The last part of the page's address.
pub const PAGE: &str = "sso";

/// What the forms' fields hold.
#[derive(Default)]
struct Typed {
    metadata: String,
    address: String,
    issuer: String,
    sign_in_url: String,
    sign_out_url: String,
    post: bool,
    certificate: String,
    /// What was wrong was typed by hand.
    by_hand: bool,
}

impl Typed {
    fn of(idp: Option<&IdpView>) -> Self {
        let Some(idp) = idp else { return Typed::default() };
        Typed {
            address: idp.metadata.as_ref().map(|metadata| metadata.url.clone()).unwrap_or_default(),
            issuer: idp.issuer.clone(),
            sign_in_url: idp.sign_in_url.clone(),
            sign_out_url: idp.sign_out_url.clone().unwrap_or_default(),
            post: idp.binding == Binding::Post,
            ..Typed::default()
        }
    }
}

#[derive(Template)]
#[template(path = "console/sso/page.html")]
struct SsoPage {
    shell: Shell,
    view: SsoView,
    state: SsoStateView,
    products: Vec<Product>,
    chosen: Product,
    typed: Typed,
}

impl SsoPage {
    /// When the first of the certificates ends that end last of all: from then on nothing is vouched for.
    fn covered_for(&self) -> Option<i64> {
        self.view.idp.as_ref()?.certificates.iter().map(|certificate| certificate.days_left).max()
    }
}

/// The page; `idp`: the product whose words it uses.
async fn page(
    door: &Door,
    idp: Option<String>,
    change: impl FnOnce(&mut Shell),
    typed: Option<Typed>,
) -> Result<SsoPage, Trouble> {
    let slug = door.organization.slug.clone();
    let view = sso::show(door.admin.clone(), SsoShow { slug: slug.clone() }).await?;
    let state = sso_state::show(door.admin.clone(), SsoState { slug }).await?;
    let mut products = products(&view);
    products.push(other(&view));
    let wanted = idp.unwrap_or_else(|| view.idp.as_ref().map_or("okta", |idp| guess(&idp.issuer)).to_owned());
    let chosen = products.iter().find(|product| product.key == wanted).cloned().unwrap_or_else(|| other(&view));
    let typed = typed.unwrap_or_else(|| Typed::of(view.idp.as_ref()));
    let mut shell = door.shell(PAGE);
    change(&mut shell);
    Ok(SsoPage { shell, view, state, products, chosen, typed })
}

/// `GET /.vestibule/console/o/{slug}/sso?idp=okta`.
///
/// # Errors
/// Not theirs to see.
pub async fn show(door: Door, RawQuery(query): RawQuery) -> Result<Response, Trouble> {
    let done = match query_value(query.as_deref(), "done").as_deref() {
        Some("saved") => Some("Saved. Now test it: nobody is signed in by a test, and nothing changes."),
        Some("read") => Some("Read: what is set is what the metadata says now."),
        Some("forgotten") => Some("The address is not read any more. What is set stays."),
        Some("removed") => Some("Single sign-on is removed, and the sessions that it made have ended."),
        _ => None,
    };
    let idp = query_value(query.as_deref(), "idp");
    let page = page(&door, idp, |shell| shell.done = done, None).await?;
    Ok(html(StatusCode::OK, &page))
}

/// What was handed in: a file, or else what was pasted.
fn handed_in(form: &Form, file: &str, text: &str) -> Vec<u8> {
    let pasted = || form.get(text).unwrap_or_default().as_bytes().to_vec();
    form.file(file).map_or_else(pasted, <[u8]>::to_vec)
}

/// `POST /.vestibule/console/o/{slug}/sso/hand` with `issuer`, `sign_in_url`, `sign_out_url`, `binding`, and `file` or
/// `certificate`; without one, those of the same issuer stay.
///
/// # Errors
/// Not theirs to change; what was typed stands in the page again.
pub async fn hand(Posted { door, form }: Posted) -> Result<Response, Trouble> {
    let text = |name: &str| form.get(name).unwrap_or_default().trim().to_owned();
    let typed = Typed {
        metadata: String::new(),
        address: String::new(),
        issuer: text("issuer"),
        sign_in_url: text("sign_in_url"),
        sign_out_url: text("sign_out_url"),
        post: text("binding") == "post",
        certificate: text("certificate"),
        by_hand: true,
    };
    let certificate = handed_in(&form, "file", "certificate");
    let blank = certificate.iter().all(u8::is_ascii_whitespace);
    let source = SsoSource::Typed {
        issuer: typed.issuer.clone(),
        sign_in_url: typed.sign_in_url.clone(),
        certificates: if blank { Vec::new() } else { vec![FileBytes(certificate)] },
    };
    let now = sso::show(door.admin.clone(), SsoShow { slug: door.organization.slug.clone() }).await?;
    let options = SsoOptions {
        sign_out_url: Some(typed.sign_out_url.clone()),
        binding: Some(if typed.post { Binding::Post } else { Binding::Redirect }),
        sign_requests: now.idp.map(|idp| idp.sign_requests),
        ..SsoOptions::default()
    };
    save(door, &form, (source, options), typed).await
}

async fn save(
    door: Door,
    form: &Form,
    (source, options): (SsoSource, SsoOptions),
    typed: Typed,
) -> Result<Response, Trouble> {
    let call = SsoSet { slug: door.organization.slug.clone(), source, options };
    match sso::set(door.admin.clone(), call).await {
        Ok(_) => Ok(door.back(PAGE, "saved")),
        Err(fault) => {
            let (status, problem) = wrong_file(fault)?;
            let idp = form.get("idp").map(str::to_owned);
            let page = page(&door, idp, |shell| shell.problem = Some(problem), Some(typed)).await?;
            Ok(html(status, &page))
        }
    }
}
