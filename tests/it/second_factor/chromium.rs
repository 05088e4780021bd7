//! The second factor in headless Chromium: set up by the QR code as it is on the screen, asked for, lost, changed, paused.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use fantoccini::Locator;
use vestibule::kernel::{Clock as _, SystemClock, Timestamp};

use crate::mail::town::{GOOD, Town};
use crate::sign_in::second_factor::shown;
use crate::world::browser::Browser;

const GAVIN: &str = "gavin@hooli.example";
const STEP: Duration = Duration::from_secs(30);

/// Gavin at his browser.
struct Gavin {
    town: Town,
    browser: Browser,
}

impl Gavin {
    async fn start(settings: &[&str]) -> Self {
        let town = Town::start().await;
        town.member("hooli", GAVIN, "owner", GOOD);
        town.world.run(&[&["org", "set", "hooli"], settings].concat());
        Gavin { town, browser: Browser::start().await }
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.town.world.public_url)
    }

    /// Signs out, if he is in, and shows his first factor.
    async fn comes(&self) {
        self.browser.go(&self.at("/.vestibule/sign-out")).await;
        if self.browser.text().await.contains("Sign out") {
            self.browser.press("Sign out").await;
        }
        self.browser.sees("signed out").await;
        self.browser.go(&self.at("/.vestibule/password?return_to=%2Fdeals")).await;
        self.browser.fill("Work e-mail", GAVIN).await;
        self.browser.fill("Password", GOOD).await;
        self.browser.press("Sign in").await;
    }

    async fn is_in(&self) {
        self.browser.sees("verified").await;
        assert_eq!(self.browser.url().await, self.at("/deals"));
    }

    /// Types a code, and presses the button.
    async fn types(&self, label: &str, code: &str, button: &str) {
        self.browser.fill(label, code).await;
        self.browser.press(button).await;
    }

    /// The secret in the QR code on the screen, read from a picture of it; the text beside says the same.
    async fn scans(&self, picture: &str) -> String {
        self.browser.width(1280).await;
        let qr = self.browser.client.find(Locator::Css(".qr svg")).await.expect("a QR code");
        let taken = qr.screenshot().await.expect("a picture");
        let file = folder().join(format!("{picture}_qr.png"));
        std::fs::write(&file, taken).expect("a file");
        let read =
            Command::new("zbarimg").args(["--quiet", "--raw"]).arg(&file).output().expect("zbarimg is installed");
        let address = String::from_utf8(read.stdout).expect("text");
        let url = url::Url::parse(address.trim()).unwrap_or_else(|error| panic!("{address}: {error}"));
        assert_eq!((url.scheme(), url.host_str()), ("otpauth", Some("totp")), "{url}");
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let value = |name: &str| pairs.iter().find(|(held, _)| held == name).map(|(_, value)| value.clone());
        let secret = value("secret").expect("a secret");
        let text = self.browser.client.find(Locator::Css("#secret")).await.expect("the secret in text");
        assert_eq!(text.text().await.expect("text").replace(' ', ""), secret);
        secret
    }

    async fn codes(&self) -> Vec<String> {
        let list = self.browser.client.find(Locator::Css("pre.codes")).await.expect("recovery codes");
        list.text().await.expect("text").split_whitespace().map(str::to_owned).collect()
    }

    /// Pictures at two widths, light and dark; nothing is cut off, and every field has a label.
    async fn look(&self, name: &str) {
        for (dark, scheme) in [(false, "light"), (true, "dark")] {
            self.browser.scheme(dark).await;
            for width in [360, 1280] {
                self.browser.width(width).await;
                self.browser.picture(&format!("{name}_{width}_{scheme}")).await;
                let wider = "return document.documentElement.scrollWidth > innerWidth";
                assert_eq!(self.asks(wider).await, false, "{name}: nothing is cut off at {width} pixels");
            }
        }
        self.browser.scheme(false).await;
        let unlabelled =
            "return [...document.querySelectorAll('input:not([type=hidden])')].filter(i => !i.labels.length).length";
        assert_eq!(self.asks(unlabelled).await, 0, "{name}: every field has a label");
    }

    async fn asks(&self, script: &str) -> serde_json::Value {
        self.browser.client.execute(script, vec![]).await.expect("an answer")
    }
}

fn folder() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/screenshots");
    std::fs::create_dir_all(&folder).expect("a directory");
    folder
}

fn now() -> Timestamp {
    SystemClock.now()
}

const APP: &str = "Code from your authenticator app";
const FIRST: &str = "Code from the app";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_is_set_up_from_the_screen_and_asked_for_from_then_on() {
    let gavin = Gavin::start(&["two_factor=password", "trusted_browser_days=30"]).await;
    let browser = &gavin.browser;
    gavin.comes().await;
    browser.sees("Set up a second factor").await;
    gavin.look("second_factor_set_up").await;
    browser.press("Not now").await;
    gavin.is_in().await;

    gavin.comes().await;
    let page = browser.sees("Set up a second factor").await;
    assert!(!page.contains("Not now"), "{page}");
    let secret = gavin.scans("second_factor_set_up").await;
    gavin.types(FIRST, "000000", "Turn it on").await;
    browser.sees("This code is wrong").await;
    gavin.look("second_factor_set_up_wrong").await;
    gavin.types(FIRST, &shown(&secret, now()), "Turn it on").await;
    browser.sees("Your recovery codes").await;
    gavin.look("second_factor_recovery_codes").await;
    assert_eq!(gavin.codes().await.len(), 10);
    browser.press("Download as a text file").await;
    browser.press("I have kept them").await;
    gavin.is_in().await;

    gavin.comes().await;
    browser.sees("Is it you?").await;
    let hints = "const c = document.querySelector('#code'); return c.autocomplete + ' ' + c.inputMode + ' ' + (document.activeElement === c)";
    assert_eq!(gavin.asks(hints).await, "one-time-code numeric true");
    gavin.look("second_factor").await;
    gavin.types(APP, "000000", "Continue").await;
    browser.sees("This code is wrong").await;
    gavin.look("second_factor_wrong").await;
    // A step ahead, since that of this moment may be the one that is used up.
    let ahead = shown(&secret, now().plus(STEP));
    browser.client.find(Locator::Css("input[name=trust]")).await.expect("a box").click().await.expect("checked");
    gavin.types(APP, &ahead, "Continue").await;
    gavin.is_in().await;

    gavin.comes().await;
    gavin.is_in().await;
    browser.go(&gavin.at("/.vestibule/account")).await;
    let page = browser.sees("Trusted browser").await;
    assert!(page.contains("Authenticator app") && page.contains("10 left") && page.contains("Chrom"), "{page}");
    gavin.look("account_with_factors").await;
    browser.press("Trust no more").await;
    browser.sees("10 left").await;
    gavin.comes().await;
    browser.sees("Is it you?").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recovery_codes_run_out_and_another_app_takes_the_place_of_the_lost_one() {
    let gavin = Gavin::start(&["two_factor=password", "grace_sign_ins=0"]).await;
    let browser = &gavin.browser;
    gavin.comes().await;
    browser.sees("Set up a second factor").await;
    let lost = gavin.scans("second_factor_lost").await;
    gavin.types(FIRST, &shown(&lost, now()), "Turn it on").await;
    browser.sees("Your recovery codes").await;
    let codes = gavin.codes().await;
    for (number, code) in codes.iter().enumerate() {
        gavin.comes().await;
        browser.press("Use a recovery code").await;
        browser.sees("Recovery code").await;
        if number == 0 {
            gavin.look("second_factor_recovery").await;
        }
        gavin.types("Recovery code", code, "Continue").await;
        if number < 9 {
            gavin.is_in().await;
        }
    }
    browser.sees("Change your authenticator app").await;
    gavin.look("second_factor_change").await;
    let new = gavin.scans("second_factor_change").await;
    assert_ne!(new, lost);
    gavin.types(FIRST, &shown(&new, now()), "Turn it on").await;
    browser.sees("Your recovery codes").await;
    browser.press("I have kept them").await;
    gavin.is_in().await;

    gavin.comes().await;
    gavin.types(APP, &shown(&lost, now().plus(STEP)), "Continue").await;
    browser.sees("This code is wrong").await;
    gavin.types(APP, &shown(&new, now().plus(STEP)), "Continue").await;
    gavin.is_in().await;

    gavin.comes().await;
    for _ in 0..5 {
        gavin.types(APP, "000000", "Continue").await;
        browser.sees("wrong").await;
    }
    let page = browser.sees("Please wait a minute").await;
    assert!(page.contains("Use a recovery code"), "{page}");
    gavin.look("second_factor_paused").await;
    let audit = gavin.town.world.run(&["audit", "--org", "hooli"]);
    assert!(audit.contains("second_factor.pause"), "{audit}");

    gavin.town.world.run(&["user", "reset-second-factor", GAVIN]);
    let shown = gavin.town.world.run(&["user", "show", GAVIN]);
    assert!(shown.contains("second factor  none") || shown.contains("none"), "{shown}");
    gavin.comes().await;
    browser.sees("Set up a second factor").await;
}
