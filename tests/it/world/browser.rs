//! A real browser: headless Chromium by way of Debian's chromium-driver.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use fantoccini::wd::Capabilities;
use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::json;
use tempfile::TempDir;

use super::ports;

/// Set where everything has to be installed, so that nothing passes by not being run.
const ALL: &str = "VESTIBULE_TEST_ALL";
/// How long a page may take to show what is waited for.
const PATIENCE: Duration = Duration::from_secs(60);
/// Keeps Chromium to itself: no sandbox (tests run as root in a container), no call home.
const FLAGS: [&str; 10] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
];

/// How many things that can be pressed or filled have no name.
const UNNAMED: &str = "return [...document.querySelectorAll('button, a, textarea, input:not([type=hidden])')].filter(\
                       one => !(one.ariaLabel || one.textContent.trim() || one.labels?.length)).length";
/// The texts whose contrast is under 4.5 : 1, each with its colours and its contrast.
const FAINT: &str = "
    // A mixed colour is told as color(srgb 0.5 …), in parts of one.
    const parts = colour => colour.match(/[\\d.]+/g).map(Number).map((part, at) =>
        colour.startsWith('color(') && at < 3 ? 255 * part : part);
    const linear = part => (part /= 255) <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    const behind = one => {
        for (; one; one = one.parentElement) {
            const found = parts(getComputedStyle(one).backgroundColor);
            if (found.length === 3 || found[3] === 1) return found;
        }
        return [255, 255, 255];
    };
    const texts = [...document.body.querySelectorAll('*')].filter(one => one.offsetParent !== null &&
        ([...one.childNodes].some(node => node.nodeType === 3 && node.data.trim()) || one.matches('input, textarea')));
    if (!texts.length) return ['no text'];
    return texts.map(one => {
        const [ink, paper] = [parts(getComputedStyle(one).color), behind(one)];
        const [low, high] = [light(ink), light(paper)].sort((a, b) => a - b);
        return [one.tagName, one.textContent.trim().slice(0, 30), ink, paper, (high + 0.05) / (low + 0.05)];
    }).filter(found => found[4] < 4.5);
";

/// A browser with an empty profile; it ends when dropped.
pub struct Browser {
    /// For what has no word here.
    pub client: Client,
    _driver: Driver,
    _profile: TempDir,
}

/// The driver's process; it ends when dropped, also if the browser never came up.
struct Driver(Child);

impl Browser {
    /// Starts one, 1280 pixels wide, that takes any certificate.
    pub async fn start() -> Browser {
        let address = ports::free();
        let profile = tempfile::tempdir().expect("a directory");
        let started = Command::new("chromedriver")
            .arg(format!("--port={}", address.port()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let mut driver = Driver(started.expect("chromedriver is not installed: `make test` installs it"));
        ports::wait_for(address, || driver.0.try_wait().expect("a process").map(|status| status.to_string())).await;
        let mut flags: Vec<String> = FLAGS.map(str::to_owned).to_vec();
        flags.push(format!("--user-data-dir={}", profile.path().display()));
        let mut capabilities = Capabilities::new();
        capabilities.insert("acceptInsecureCerts".to_owned(), json!(true));
        capabilities.insert("goog:chromeOptions".to_owned(), json!({ "args": flags }));
        // Two TLS libraries are in the tree: one must be named. It may be named already.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let mut builder = ClientBuilder::rustls().expect("TLS");
        builder.capabilities(capabilities);
        let client = builder.connect(&format!("http://{address}")).await.expect("a browser");
        let browser = Browser { client, _driver: driver, _profile: profile };
        browser.width(1280).await;
        browser
    }

    /// Makes the window that wide.
    pub async fn width(&self, pixels: u32) {
        self.client.set_window_size(pixels, 1400).await.expect("a window");
    }

    /// Has pages shown as to somebody who prefers a dark screen, or a light one.
    pub async fn scheme(&self, dark: bool) {
        let value = if dark { "dark" } else { "light" };
        let features = json!([{ "name": "prefers-color-scheme", "value": value }]);
        let command = json!({ "cmd": "Emulation.setEmulatedMedia", "params": { "features": features } });
        self.client.issue_cmd(Devtools(command)).await.expect("a colour scheme");
    }

    /// Gives the browser a key that makes passkeys (WebDriver's virtual authenticator); gives its id.
    pub async fn authenticator(&self) -> String {
        let body = json!({
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": true,
            "hasUserVerification": true, "isUserVerified": true, "isUserConsenting": true,
        });
        let id = self.client.issue_cmd(Authenticator { path: String::new(), body }).await.expect("an authenticator");
        id.as_str().expect("its id").to_owned()
    }

    /// Whether that key finds its person there from now on: their finger, face or PIN.
    pub async fn verifies(&self, authenticator: &str, verifies: bool) {
        let (path, body) = (format!("/{authenticator}/uv"), json!({ "isUserVerified": verifies }));
        self.client.issue_cmd(Authenticator { path, body }).await.expect("it is set");
    }

    /// Goes to an address.
    pub async fn go(&self, url: &str) {
        self.client.goto(url).await.unwrap_or_else(|error| panic!("{url}: {error}"));
    }

    /// Presses the browser's own back button, and waits until the page behind it, and whatever that leads to, is there.
    pub async fn back(&self) {
        self.client.back().await.unwrap_or_else(|error| panic!("back: {error}"));
        let mut before = String::new();
        loop {
            let ready = self.client.execute("return document.readyState", vec![]).await;
            let now = self.url().await;
            if now == before && ready.is_ok_and(|state| state == "complete") {
                return;
            }
            before = now;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Types into the field with this label, as a person finds it.
    pub async fn fill(&self, label: &str, text: &str) {
        let path = format!(
            "//input[@id=//label[contains(normalize-space(.), '{label}')]/@for] | //label[contains(normalize-space(.), '{label}')]//input"
        );
        let field = self.wait(Locator::XPath(&path)).await;
        field.clear().await.expect("an empty field");
        field.send_keys(text).await.expect("typed");
    }

    /// Presses the button or follows the link with this text.
    pub async fn press(&self, text: &str) {
        let path = format!(
            "(//button | //a | //input[@type='submit'])[contains(normalize-space(.), '{text}') or contains(@value, '{text}')]"
        );
        self.wait(Locator::XPath(&path)).await.click().await.unwrap_or_else(|error| panic!("{text}: {error}"));
    }

    /// Picks the choice with this label.
    pub async fn choose(&self, label: &str) {
        let path = format!("//label[contains(normalize-space(.), '{label}')]");
        self.wait(Locator::XPath(&path)).await.click().await.unwrap_or_else(|error| panic!("{label}: {error}"));
    }

    /// Waits until the page shows this text; gives all of its text.
    pub async fn sees(&self, text: &str) -> String {
        let start = std::time::Instant::now();
        loop {
            let page = self.text().await;
            if page.contains(text) {
                return page;
            }
            let url = self.url().await;
            assert!(start.elapsed() < PATIENCE, "«{text}» never came up at {url}, where it says: {page}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until the page's address has this in it no more: whatever was sent from there has its answer.
    pub async fn leaves(&self, part: &str) {
        let start = std::time::Instant::now();
        while self.url().await.contains(part) {
            assert!(start.elapsed() < PATIENCE, "{part} is never left");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The text of the page as it is.
    pub async fn text(&self) -> String {
        match self.client.find(Locator::Css("body")).await {
            Ok(body) => body.text().await.unwrap_or_default(),
            Err(_) => String::new(),
        }
    }

    /// The address shown.
    pub async fn url(&self) -> String {
        self.client.current_url().await.map(String::from).unwrap_or_default()
    }

    /// Has what is downloaded from here on put into this directory.
    pub async fn downloads_to(&self, directory: &Path) {
        let params = json!({ "behavior": "allow", "downloadPath": directory });
        let command = json!({ "cmd": "Page.setDownloadBehavior", "params": params });
        self.client.issue_cmd(Devtools(command)).await.expect("a place");
    }

    /// Keeps a picture of the whole page as `target/screenshots/NAME.png`.
    pub async fn picture(&self, name: &str) {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/screenshots");
        std::fs::create_dir_all(&folder).expect("a directory");
        let height = "return Math.max(innerHeight, document.documentElement.scrollHeight)";
        let (width, height) = (self.ask("return innerWidth").await, self.ask(height).await);
        let clip = json!({ "x": 0, "y": 0, "width": width, "height": height, "scale": 1 });
        let params = json!({ "captureBeyondViewport": true, "clip": clip });
        let command = json!({ "cmd": "Page.captureScreenshot", "params": params });
        let taken = self.client.issue_cmd(Devtools(command)).await.expect("a picture");
        let taken = BASE64.decode(taken["data"].as_str().expect("a picture")).expect("Base64");
        std::fs::write(folder.join(format!("{name}.png")), taken).expect("a file");
    }

    /// Keeps pictures of the page, narrow and wide, in light and in dark, and holds it to what is promised of every page:
    /// nothing is cut off, whatever can be pressed or filled has a name, and text stands out (WCAG 2.2 §1.4.3, AA).
    pub async fn look(&self, name: &str) {
        for dark in [false, true] {
            self.scheme(dark).await;
            let shade = if dark { "dark" } else { "light" };
            for width in [360, 1280] {
                self.width(width).await;
                self.picture(&format!("{name}_{width}_{shade}")).await;
                let wider = self.ask("return document.documentElement.scrollWidth > innerWidth").await;
                assert_eq!(wider, false, "{name}: nothing is cut off at {width} pixels");
            }
            assert_eq!(self.ask("return matchMedia('(prefers-color-scheme: dark)').matches").await, dark, "{name}");
            assert_eq!(self.ask(FAINT).await, json!([]), "{name}, {shade}: text stands out from what is behind it");
        }
        assert_eq!(self.ask(UNNAMED).await, 0, "{name}: everything that can be pressed has a name");
    }

    /// Holds the page to axe-core's rules (scripts/axe-core), all of them; left out where axe-core is not here.
    pub async fn accessible(&self, name: &str) {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/axe-core/axe.min.js");
        let Ok(script) = std::fs::read_to_string(&path) else {
            assert!(std::env::var_os(ALL).is_none(), "{ALL} is set, and scripts/axe-core did not bring axe-core");
            println!("not run: axe-core is not here");
            return;
        };
        self.client.execute(&script, vec![]).await.expect("axe-core");
        let run = "const done = arguments[arguments.length - 1]; axe.run().then(found => done(found.violations.map(one => \
                   [one.id, one.help, one.nodes.map(node => node.html.slice(0, 200))])), error => done(String(error)))";
        let found = self.client.execute_async(run, vec![]).await.expect("an answer");
        assert_eq!(found, json!([]), "{name}: axe-core finds nothing at {}", self.url().await);
    }

    /// What a script says of the page.
    pub async fn ask(&self, script: &str) -> serde_json::Value {
        self.client.execute(script, vec![]).await.expect("an answer")
    }

    async fn wait(&self, what: Locator<'_>) -> fantoccini::elements::Element {
        match self.client.wait().at_most(PATIENCE).for_element(what).await {
            Ok(found) => found,
            Err(error) => panic!("{what:?} at {}: {error}; it says: {}", self.url().await, self.text().await),
        }
    }
}

/// What WebDriver has no word for: chromedriver's way to the browser's own protocol.
#[derive(Debug)]
struct Devtools(serde_json::Value);

impl fantoccini::wd::WebDriverCompatibleCommand for Devtools {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.0.to_string()))
    }
}

/// WebDriver's commands for virtual authenticators (WebAuthn §11), for which fantoccini has no word.
#[derive(Debug)]
struct Authenticator {
    path: String,
    body: serde_json::Value,
}

impl fantoccini::wd::WebDriverCompatibleCommand for Authenticator {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/webauthn/authenticator{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.body.to_string()))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // The driver takes its Chromium along when it is asked to end, not when it is killed.
        let _ = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn a_look_finds_faint_text() {
    let browser = Browser::start().await;
    browser
        .go("data:text/html,<body style=background:white><p style=color:black>Good</p><p style=color:%23999>Bad")
        .await;
    let faint = browser.ask(FAINT).await;
    assert_eq!((faint[0][1].as_str(), faint[1].as_str()), (Some("Bad"), None), "{faint}");
    assert_eq!(faint.as_array().map(Vec::len), Some(1), "{faint}");
}

#[tokio::test]
async fn a_browser_finds_fields_by_label_and_buttons_by_text() {
    let browser = Browser::start().await;
    browser.go("data:text/html,<title>t</title><label for=a>Your name</label><input id=a><button onclick=\"document.body.textContent='Hello '%2ba.value\">Greet</button>").await;
    browser.fill("Your name", "Ada").await;
    browser.press("Greet").await;
    browser.sees("Hello Ada").await;
}
