//! The edge of our pages: every answer gets its headers, and what went wrong is rendered and logged, once.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{Method, StatusCode, header};

use super::page::{self, FormTarget, NoticePage, Trouble};
use crate::kernel::{Client, FaultKind, Reference, Rng};

/// What the edge needs.
pub struct Edge {
    /// The site's name for people.
    pub site: String,
    /// Chance.
    pub rng: Arc<dyn Rng>,
}

/// Gives every answer its headers, and renders what went wrong, once.
pub async fn edge(State(edge): State<Arc<Edge>>, mut request: Request, next: Next) -> Response {
    request.extensions_mut().get_or_insert_default::<Client>();
    // The gate's own, so that the page and each line in the log name the same one.
    let reference = request.extensions_mut().get_or_insert_with(|| Reference::random(&*edge.rng)).clone();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let mut response = next.run(request).await;
    if let Some(trouble) = response.extensions_mut().remove::<Trouble>() {
        if !trouble.logged {
            log(&trouble, &reference, &method, &path);
        }
        let mut page = trouble.page(&edge.site, response.status(), &reference);
        page.headers_mut().extend(response.headers_mut().remove(header::ALLOW).map(|allow| (header::ALLOW, allow)));
        response = page;
    } else if response.status() == StatusCode::METHOD_NOT_ALLOWED {
        let page = wrong_method(&edge.site);
        let (allow, headers) = (response.headers_mut().remove(header::ALLOW), page.headers().clone());
        *response.body_mut() = page.into_body();
        *response.headers_mut() = headers;
        response.headers_mut().extend(allow.map(|allow| (header::ALLOW, allow)));
    }
    page::harden(response.headers_mut());
    response
}

/// Logs what went wrong, under the reference that the person sees.
pub fn log(trouble: &Trouble, reference: &Reference, method: &Method, path: &str) {
    let fault = &trouble.fault;
    let (status, detail) = (fault.kind.status(), &fault.detail);
    if matches!(fault.kind, FaultKind::Internal | FaultKind::Unavailable) {
        tracing::error!(%reference, %method, path, status, detail, "a page failed");
    } else {
        tracing::info!(%reference, %method, path, status, detail, "a request for a page was refused");
    }
}

/// The page for a method that its address does not take.
fn wrong_method(site: &str) -> Response {
    let text = "This address is not made for that. Please go back to the app.";
    let page = NoticePage { site, title: "Not possible", text, reference: None, link: Some(("/", "To the app")) };
    page::html(StatusCode::METHOD_NOT_ALLOWED, FormTarget::None, &page)
}
