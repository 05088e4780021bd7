//! The pages of passwords and links in headless Chromium: nothing is cut off, fields have labels, no script is needed.

use super::town::{GOOD, OTHER, Town};
use crate::world::browser::Browser;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_come_in_by_invitation_password_and_link() {
    let town = Town::start().await;
    town.world.run(&["user", "invite", "hooli", "gavin@hooli.example"]);
    town.world.run(&["org", "set", "globex", "idp_managed_access=false"]);
    let browser = Browser::start().await;
    let at = |path: &str| format!("{}{path}", town.world.public_url);
    browser.go(&town.mail.mail_to("gavin@hooli.example", 1).await.link()).await;
    browser.sees("Welcome to Hooli").await;
    browser.look("invitation").await;
    browser.fill("New password", GOOD).await;
    browser.press("Set the password").await;
    browser.sees("gavin@hooli.example").await;
    browser.go(&at("/.vestibule/account/password")).await;
    browser.look("change_password").await;
    browser.fill("Present password", GOOD).await;
    browser.fill("New password", OTHER).await;
    browser.press("Set the password").await;
    browser.sees("Your password is set").await;
    browser.look("password_is_set").await;
    browser.go(&at("/.vestibule/sign-out")).await;
    browser.press("Sign out").await;
    browser.sees("You are signed out").await;

    browser.go(&at("/.vestibule/sign-in")).await;
    browser.fill("Work e-mail address", "alan@globex.example").await;
    browser.press("Continue").await;
    browser.sees("Continue with single sign-on").await;
    browser.look("single_sign_on_or_password").await;
    browser.go(&at("/.vestibule/sign-in?return_to=%2Fdeals")).await;
    browser.press("Use a password").await;
    browser.fill("Work e-mail", "gavin@hooli.example").await;
    browser.fill("Password", "wrong").await;
    browser.press("Sign in").await;
    browser.sees("do not sign anyone in").await;
    browser.look("wrong_password").await;
    browser.press("Mail me a link instead").await;
    browser.fill("Work e-mail", "gavin@hooli.example").await;
    browser.look("ask_link").await;
    browser.press("Mail me a link").await;
    browser.sees("Look into your mail").await;
    browser.go(&town.mail.mail_to("gavin@hooli.example", 3).await.link()).await;
    browser.sees("this link works once").await;
    browser.look("confirm_link").await;
    browser.press("Sign in").await;
    browser.sees("verified").await;
    assert_eq!(browser.url().await, at("/deals"));
}
