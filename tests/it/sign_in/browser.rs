//! A browser, as far as sign-in needs one: it keeps cookies, holds Lax ones back from cross-site posts, follows nothing
//! by itself.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use axum::Router;
use axum::body::Body;
use http::header::{COOKIE, LOCATION, SET_COOKIE};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;
use url::Url;
use url::form_urlencoded::Serializer;
use vestibule::kernel::Client;

use super::idp::Answer;

/// A browser with its cookies.
#[derive(Clone)]
pub struct Browser {
    router: Router,
    pub cookies: BTreeMap<String, String>,
}

/// What a browser got.
pub struct Page {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl fmt::Debug for Page {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.body.split_once("<main").map_or(self.body.as_str(), |(_, main)| main);
        write!(formatter, "{} {:?} {text}", self.status, self.headers)
    }
}

impl Page {
    /// Where it leads; the empty text if nowhere.
    pub fn location(&self) -> &str {
        self.headers.get(LOCATION).map_or("", |value| value.to_str().unwrap())
    }

    /// The reference that the page shows.
    pub fn reference(&self) -> &str {
        let (_, rest) = self.body.split_once("<code>").expect("a reference");
        &rest[..9]
    }
}

/// A request on its way to an IdP, as the redirect carries it.
#[derive(Clone, Debug)]
pub struct Sent {
    pub destination: String,
    pub request_id: String,
    pub relay_state: String,
    pub xml: String,
}

impl Browser {
    pub fn new(router: Router) -> Self {
        Browser { router, cookies: BTreeMap::new() }
    }

    pub async fn get(&mut self, path: &str) -> Page {
        self.send(Method::GET, path, &[], Body::empty(), true).await
    }

    /// Posts a form from a page of this site.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let headers = [("sec-fetch-site", "same-origin"), ("content-type", "application/x-www-form-urlencoded")];
        self.send(Method::POST, path, &headers, Body::from(encode(fields)), true).await
    }

    /// Posts a form from a page of another site: without the cookies, which are all Lax.
    pub async fn post_cross_site(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let headers = [("sec-fetch-site", "cross-site"), ("origin", "null")];
        let form = [headers[0], headers[1], ("content-type", "application/x-www-form-urlencoded")];
        self.send(Method::POST, path, &form, Body::from(encode(fields)), false).await
    }

    pub async fn send(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Body,
        with_cookies: bool,
    ) -> Page {
        let mut request = Request::builder().method(method).uri(path).header("user-agent", "Test/1.0");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if with_cookies && !self.cookies.is_empty() {
            let pairs: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header(COOKIE, pairs.join("; "));
        }
        let client: IpAddr = "192.0.2.7".parse().unwrap();
        let request = request.extension(Client::from(client)).body(body).unwrap();
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        for line in parts.headers.get_all(SET_COOKIE) {
            self.keep(line.to_str().unwrap());
        }
        assert!(!parts.status.is_server_error(), "{} for {path}", parts.status);
        Page { status: parts.status, headers: parts.headers, body: String::from_utf8(body.to_vec()).unwrap() }
    }

    fn keep(&mut self, line: &str) {
        let (pair, attributes) = line.split_once(';').unwrap();
        let (name, value) = pair.split_once('=').unwrap();
        assert!(attributes.contains("HttpOnly") && attributes.contains("SameSite=Lax"), "{line}");
        if attributes.contains("Max-Age=0") {
            self.cookies.remove(name);
        } else {
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }

    /// Whether the browser holds a session cookie.
    pub fn has_session(&self) -> bool {
        self.cookies.keys().any(|name| name == "vestibule" || name == "__Host-vestibule")
    }

    /// Types an address into the e-mail question; gives the request that goes to the IdP.
    pub async fn ask(&mut self, email: &str, return_to: &str) -> Sent {
        let page = self.post("/.vestibule/sign-in", &[("email", email), ("return_to", return_to)]).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{page:?}");
        read_sent(page.location())
    }

    /// Brings an IdP's answer to the ACS, and follows to the last step.
    pub async fn return_with(&mut self, answer: &Answer<'_>) -> Page {
        let page = self.bring(answer).await;
        if page.status != StatusCode::SEE_OTHER {
            return page;
        }
        let location = page.location().to_owned();
        self.get(&location).await
    }

    /// Brings an IdP's answer to the ACS.
    pub async fn bring(&mut self, answer: &Answer<'_>) -> Page {
        let (acs, response, relay_state) = answer.form();
        self.post_cross_site(&acs, &[("SAMLResponse", &response), ("RelayState", &relay_state)]).await
    }
}

pub fn encode(fields: &[(&str, &str)]) -> String {
    Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// Reads the redirect to an IdP.
pub fn read_sent(location: &str) -> Sent {
    use base64::Engine as _;
    let url = Url::parse(location).expect("an absolute URL");
    let value = |name: &str| url.query_pairs().find(|(held, _)| held == name).map(|(_, value)| value.into_owned());
    let deflated = base64::engine::general_purpose::STANDARD.decode(value("SAMLRequest").unwrap()).unwrap();
    let xml = String::from_utf8(vestibule::saml::redirect::inflate(&deflated).unwrap()).unwrap();
    let id = xml.split_once(" ID=\"").unwrap().1.split('"').next().unwrap();
    Sent {
        destination: location.split('?').next().unwrap().to_owned(),
        request_id: id.to_owned(),
        relay_state: value("RelayState").unwrap(),
        xml: xml.clone(),
    }
}
