//! A walk through the console in Chromium: every page is looked at, and every form that is seen on one is sent, by clicks,
//! in this walk or another.

use std::collections::BTreeSet;

use fantoccini::Locator;
use fantoccini::elements::Element;
use uuid::Uuid;

use crate::world::World;
use crate::world::browser::Browser;

use super::chromium::{look, operator};
use super::door::FORMS;

/// Each walk, and which forms it sends: how, where to, and, where one address takes several, which of these.
const SENT: &[(&str, &[&str])] = &[
    (
        "finders",
        &[
            "post /discoverability",
            "post /discoverability/members confirm",
            "post /discoverability/members remove",
            "post /discoverability/requests decline",
            "post /discoverability/requests grant",
        ],
    ),
    (
        "members",
        &[
            "get /members",
            "post /members",
            "post /members/* activate",
            "post /members/* confirm",
            "post /members/* deactivate",
            "post /members/* end-session",
            "post /members/* end-sessions",
            "post /members/* reset-password",
            "post /members/* reset-second-factor",
            "post /members/* role",
            "post /members/* team-add",
            "post /members/* team-remove",
            "post /members/*/remove",
            "post /two-factor",
        ],
    ),
    ("metadata", &["post /sso/address", "post /sso/forget", "post /sso/refresh", "post /sso/remove"]),
    (
        "records",
        &[
            "get /audit",
            "get /explain",
            "get /logins",
            "post /audit/verify",
            "post /logins/*/share",
            "post /logins/*/unshare",
            "post /scim/issue",
            "post /scim/revoke",
        ],
    ),
    (
        "shared",
        &[
            "get console",
            "post /domains",
            "post /domains/*/check",
            "post /domains/*/release",
            "post /domains/*/transfer",
            "post /general",
            "post /shared/code",
            "post /shared/join",
            "post /shared/leave",
            "post /shared/preview",
            "post /shared/scim-name",
            "post console/create",
            "post console/enter",
            "post console/leave",
        ],
    ),
    (
        "sign_on",
        &[
            "post /sso/access",
            "post /sso/certificates",
            "post /sso/certificates/remove",
            "post /sso/hand",
            "post /sso/metadata",
            "post /sso/options",
            "post /sso/require",
        ],
    ),
    (
        "teams",
        &[
            "post /sessions",
            "post /sessions/end",
            "post /teams",
            "post /teams/* add",
            "post /teams/* remove",
            "post /teams/* rename",
            "post /teams/* role",
            "post /teams/*/delete",
        ],
    ),
];

/// The forms of the page: how each is sent, where to, and its act, or that of each of its buttons.
const ON_THE_PAGE: &str = "
    return [...document.querySelectorAll('form')].flatMap(form => {
        const acts = [...form.querySelectorAll('input[name=act], button[name]')].map(one => one.value);
        const [method, path] = [form.getAttribute('method'), form.getAttribute('action')];
        return (acts.length ? acts : ['']).map(act => [method, path, act]);
    })";
/// The form that a button sends, in the same words.
const OF_THE_BUTTON: &str = "
    const [button, form] = [arguments[0], arguments[0].closest('form')];
    const act = button.name ? button.value : form.querySelector('input[name=act]')?.value ?? '';
    return [form.getAttribute('method'), form.getAttribute('action'), act];";

/// Somebody who walks.
pub struct Walk<'a> {
    pub world: &'a World,
    pub browser: Browser,
    name: &'static str,
    seen: BTreeSet<String>,
    sent: BTreeSet<String>,
}

impl<'a> Walk<'a> {
    /// Begins the walk of this name.
    pub async fn begin(world: &'a World, name: &'static str) -> Self {
        Walk { world, browser: Browser::start().await, name, seen: BTreeSet::new(), sent: BTreeSet::new() }
    }

    /// The same, signed in as the operator, by the link that the command prints.
    pub async fn as_operator(world: &'a World, name: &'static str) -> Self {
        let walk = Self::begin(world, name).await;
        operator(world, &walk.browser).await;
        walk
    }

    /// Goes to a page of an organization, and waits until it says this.
    pub async fn go(&self, slug: &str, page: &str, text: &str) {
        let page = if page.is_empty() { String::new() } else { format!("/{page}") };
        self.browser.go(&format!("{}/.vestibule/console/o/{slug}{page}", self.world.public_url)).await;
        self.browser.sees(text).await;
    }

    /// Types into the field with this id, or name, in place of what it holds.
    pub async fn types(&self, id: &str, text: &str) {
        let field = self.find(&format!("//*[@id='{id}' or @aria-label='{id}']")).await;
        field.clear().await.unwrap_or_else(|error| panic!("{id}: {error}"));
        field.send_keys(text).await.unwrap_or_else(|error| panic!("{id}: {error}"));
    }

    /// Pastes into the field with this id, in place of what it holds.
    pub async fn pastes(&self, id: &str, text: &str) {
        let script = "document.getElementById(arguments[0]).value = arguments[1]";
        let arguments = vec![serde_json::json!(id), serde_json::json!(text)];
        self.browser.client.execute(script, arguments).await.unwrap_or_else(|error| panic!("{id}: {error}"));
    }

    /// Picks from the list with this id.
    pub async fn picks(&self, id: &str, value: &str) {
        let option = self.find(&format!("//select[@id='{id}']/option[@value='{value}']")).await;
        option.click().await.unwrap_or_else(|error| panic!("{id}: {error}"));
    }

    /// Follows the link with this text, or name.
    pub async fn follows(&self, text: &str) {
        let path = format!("//main//a[normalize-space(.)='{text}' or @aria-label='{text}']");
        self.find(&path).await.click().await.unwrap_or_else(|error| panic!("{text}: {error}"));
    }

    /// Presses the button with this text, or name, which sends its form.
    pub async fn send(&mut self, button: &str) {
        self.send_within("", button).await;
    }

    /// The same, of buttons with the same text the one in the form whose address ends so, or in the row that says this.
    pub async fn send_within(&mut self, place: &str, button: &str) {
        let ends = format!("substring(@action, string-length(@action) - string-length('{place}') + 1) = '{place}'");
        let places = format!("[self::form[{ends}] or self::tr[contains(., '{place}')]]");
        let path = format!("//*{places}//button[normalize-space(.)='{button}' or @aria-label='{button}']");
        let pressed = self.find(&path).await;
        let told = serde_json::to_value(&pressed).expect("an element");
        let form = self.browser.client.execute(OF_THE_BUTTON, vec![told]).await.expect("a form");
        self.sent.extend(kind(&form));
        pressed.click().await.unwrap_or_else(|error| panic!("{button}: {error}"));
    }

    /// Waits until the page says this, and looks at it; gives its text.
    pub async fn sees(&mut self, text: &str, name: &str) -> String {
        let page = self.browser.sees(text).await;
        let forms = self.browser.ask(ON_THE_PAGE).await;
        self.seen.extend(forms.as_array().into_iter().flatten().filter_map(kind));
        look(self.world, &self.browser, &format!("{}_{name}", self.name)).await;
        page
    }

    /// Presses the button that copies what has this name, and gives what is pasted then.
    pub async fn copies(&self, name: &str) -> String {
        self.find(&format!("//button[normalize-space(.)='Copy the value of {name}']")).await.click().await.unwrap();
        let said = format!("Copied {name}.");
        self.find(&format!("//p[@role='status' and .='{said}']")).await;
        let script =
            "const field = document.createElement('textarea'); document.body.append(field); field.id = 'pasted'";
        self.browser.ask(script).await;
        let field = self.find("//*[@id='pasted']").await;
        field.send_keys("\u{e009}v\u{e000}").await.expect("Ctrl+V");
        self.browser
            .ask("const field = document.getElementById('pasted'); field.remove(); return field.value")
            .await
            .as_str()
            .expect("a text")
            .to_owned()
    }

    /// Ends the walk: it sent what it is said to send, and every form that it saw is sent in some walk.
    pub fn ends(self) {
        let own = SENT.iter().find(|(walk, _)| *walk == self.name).map(|(_, forms)| *forms).unwrap_or_default();
        let sent: Vec<&str> = self.sent.iter().map(String::as_str).collect();
        assert_eq!(sent, own, "{}: SENT says what is sent", self.name);
        let all: BTreeSet<&str> = SENT.iter().flat_map(|(_, forms)| *forms).copied().collect();
        let missing: Vec<&String> = self.seen.iter().filter(|form| !all.contains(form.as_str())).collect();
        assert!(missing.is_empty(), "{}: no walk sends {missing:?}: write it, and add it to SENT", self.name);
    }

    /// What is at this path of the page, as soon as it is there.
    pub async fn find(&self, path: &str) -> Element {
        match self.browser.client.wait().for_element(Locator::XPath(path)).await {
            Ok(found) => found,
            Err(error) => {
                panic!("{path} at {}: {error}; it says: {}", self.browser.url().await, self.browser.text().await)
            }
        }
    }
}

/// A form of the console as [`SENT`] says it: without the organization's name, and with `*` for whatever one of many has.
fn kind(form: &serde_json::Value) -> Option<String> {
    let text = |at: usize| form.get(at).and_then(serde_json::Value::as_str).unwrap_or_default();
    let (method, path, act) = (text(0), text(1), text(2));
    let path = path.strip_prefix("/.vestibule/console")?;
    let act = if act.is_empty() { String::new() } else { format!(" {act}") };
    Some(format!("{method} {}{act}", general(path)))
}

fn general(path: &str) -> String {
    let Some(rest) = path.strip_prefix("/o/") else { return format!("console{path}") };
    let parts = rest.split('/').skip(1).map(|part| match part {
        one if one.contains('.') || Uuid::parse_str(one).is_ok() => "*",
        part => part,
    });
    parts.fold(String::new(), |path, part| format!("{path}/{part}"))
}

#[test]
fn every_form_that_the_door_is_tried_with_is_sent_by_a_walk() {
    let sent = || SENT.iter().flat_map(|(_, forms)| *forms);
    for form in FORMS {
        let form = format!("post {}", general(&format!("/o/acme{form}")));
        let found = sent().any(|sent| *sent == form || sent.starts_with(&format!("{form} ")));
        assert!(found, "no walk sends {form}");
    }
    let all: BTreeSet<&&str> = sent().collect();
    assert_eq!(all.len(), sent().count(), "each is sent in one walk");
}

#[test]
fn a_form_is_told_without_the_names_in_its_address() {
    let check = |path: &str, act: &str, expected: &str| {
        let told = kind(&serde_json::json!(["post", path, act]));
        assert_eq!(told.as_deref().unwrap_or_default(), expected, "{path}");
    };
    check("/.vestibule/console", "", "post console");
    check("/.vestibule/console/create", "", "post console/create");
    check("/.vestibule/console/o/acme/sso/hand", "", "post /sso/hand");
    check("/.vestibule/console/o/acme/domains/acme.example/check", "", "post /domains/*/check");
    check("/.vestibule/console/o/acme/members/6f9619ff-8b86-4d01-b42d-00cf4fc964ff", "role", "post /members/* role");
    check("/.vestibule/sign-out", "", "");
}
