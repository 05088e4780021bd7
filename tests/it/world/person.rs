//! A person with a browser that has no script and no screen: follows links, sends forms, keeps each site's cookies.

use std::collections::BTreeMap;

use reqwest::header::{COOKIE, HeaderMap, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::{Method, StatusCode};
use url::Url;

use super::World;
use super::forms::Form;

/// How many steps a person takes at most before giving up.
const STEP_LIMIT: usize = 20;

/// A person at a browser.
#[derive(Clone)]
pub struct Person {
    client: reqwest::Client,
    /// Cookies by site: scheme and host name; ports don't separate cookies.
    cookies: BTreeMap<(String, String), BTreeMap<String, String>>,
    pub at: Option<Url>,
}

/// What a person sees.
#[derive(Debug)]
pub struct Seen {
    pub url: Url,
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Person {
    pub fn new(world: &World) -> Self {
        let mut client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        if let Some(certificate) = &world.certificate {
            let certificate = reqwest::Certificate::from_pem(certificate.as_bytes()).expect("a certificate");
            client = client.tls_certs_merge([certificate]);
        }
        Person { client: client.build().expect("a client"), cookies: BTreeMap::new(), at: None }
    }

    /// Opens an address, and goes wherever it leads.
    pub async fn open(&mut self, url: &str) -> Seen {
        self.at = None;
        self.go(Method::GET, url.parse().expect("a URL"), None).await
    }

    /// Posts a form of the page that is seen, and goes wherever that leads.
    pub async fn send(&mut self, seen: &Seen, form: Form) -> Seen {
        let url = seen.url.join(&form.action).expect("a URL");
        self.go(Method::POST, url, Some(form.fields)).await
    }

    async fn go(&mut self, method: Method, url: Url, fields: Option<Vec<(String, String)>>) -> Seen {
        let (mut method, mut url, mut fields) = (method, url, fields);
        for _ in 0..STEP_LIMIT {
            let seen = self.step(&method, &url, fields.as_deref()).await;
            self.at = Some(seen.url.clone());
            match seen.headers.get(LOCATION) {
                Some(location) if seen.status.is_redirection() => {
                    url = url.join(location.to_str().expect("a location")).expect("a URL");
                    (method, fields) = (Method::GET, None);
                }
                _ => return seen,
            }
        }
        panic!("round in circles at {url}");
    }

    async fn step(&mut self, method: &Method, url: &Url, fields: Option<&[(String, String)]>) -> Seen {
        let same_site = self.at.as_ref().is_none_or(|at| site(at) == site(url));
        let mut request = self.client.request(method.clone(), url.clone());
        request = request.header("accept", "text/html").header("sec-fetch-mode", "navigate");
        if *method == Method::POST {
            let at = self.at.as_ref().expect("a form is on a page");
            let same_origin = at.origin() == url.origin();
            let relation = if same_origin { "same-origin" } else { "cross-site" };
            request = request.header("sec-fetch-site", relation).header(ORIGIN, at.origin().ascii_serialization());
        }
        // Every cookie here is Lax: it goes along with a GET, and with a post of the same site.
        if let Some(held) = self.cookies.get(&site(url)).filter(|_| same_site || *method == Method::GET) {
            let pairs: Vec<String> = held.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header(COOKIE, pairs.join("; "));
        }
        if let Some(fields) = fields {
            request = request.form(fields);
        }
        let answer = request.send().await.expect("an answer");
        for line in answer.headers().get_all(SET_COOKIE) {
            self.keep(url, line.to_str().expect("a cookie"));
        }
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.text().await.expect("a body");
        assert!(status != StatusCode::INTERNAL_SERVER_ERROR, "{url}: {body}");
        Seen { url: url.clone(), status, headers, body }
    }

    fn keep(&mut self, url: &Url, line: &str) {
        let (pair, attributes) = line.split_once(';').unwrap_or((line, ""));
        let (name, value) = pair.split_once('=').expect("a cookie has a value");
        let held = self.cookies.entry(site(url)).or_default();
        if attributes.contains("Max-Age=0") || attributes.contains("01-Jan-1970") {
            held.remove(name);
        } else {
            held.insert(name.to_owned(), value.to_owned());
        }
    }

    /// Goes from the app through the e-mail question and the demo's IdP to the app.
    pub async fn sign_in(&mut self, world: &World, email: &str) -> Seen {
        let question = self.open(&format!("{}/", world.public_url)).await;
        assert_eq!(question.url.path(), "/.vestibule/sign-in", "{question:?}");
        let people = self.send(&question, question.form().fill("email", email)).await;
        assert!(people.url.as_str().starts_with(&world.idp_url), "{people:?}");
        let answer = self.send(&people, people.form().fill("person", email)).await;
        self.send(&answer, answer.form()).await
    }

    /// The cookies that the site of `url` has set, as a `Cookie` header.
    pub fn cookies(&self, url: &str) -> String {
        let held = self.cookies.get(&site(&url.parse().expect("a URL")));
        let pairs = held.into_iter().flatten().map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join("; ")
    }

    /// The names of the cookies that the site of `url` has set.
    pub fn cookie_names(&self, url: &str) -> Vec<String> {
        let site = site(&url.parse().expect("a URL"));
        self.cookies.get(&site).map(|held| held.keys().cloned().collect()).unwrap_or_default()
    }
}

fn site(url: &Url) -> (String, String) {
    (url.scheme().to_owned(), url.host_str().unwrap_or_default().to_owned())
}

impl Seen {
    /// The first form of the page.
    pub fn form(&self) -> Form {
        Form::first(&self.body)
    }
}
