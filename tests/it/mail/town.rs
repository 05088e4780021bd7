//! A site with a mail server, and with organizations of each kind: acme with single sign-on, hooli without.

use std::time::Duration;

use reqwest::StatusCode;

use crate::world::mail_server::MailServer;
use crate::world::person::{Person, Seen};
use crate::world::{Wishes, World};

/// A password that can be chosen.
pub const GOOD: &str = "wicker basket of plums";
/// Another.
pub const OTHER: &str = "a kettle on the hob sings";

/// The running binary, and the mail server that it sends to.
pub struct Town {
    pub world: World,
    pub mail: MailServer,
}

impl Town {
    /// One where mail arrives.
    pub async fn start() -> Self {
        Self::with(MailServer::start().await, "").await
    }

    pub async fn with(mail: MailServer, configuration: &str) -> Self {
        let configuration = format!("{configuration}\n{}", mail.configuration());
        let world = World::with(Wishes { configuration, ..Wishes::default() }).await;
        world.run(&["org", "create", "hooli", "--name", "Hooli"]);
        world.run(&["domain", "claim", "hooli", "hooli.example", "--trusted"]);
        Town { world, mail }
    }

    /// A member with a password.
    pub fn member(&self, slug: &str, email: &str, role: &str, password: &str) {
        let add = ["user", "add", slug, email, "--role", role, "--password-stdin"];
        self.world.run_with(&add, &format!("{password}\n"));
    }

    /// Turns `require_sso` of acme on, once its owner Ada has shown that its single sign-on works (D10).
    pub async fn require_sso(&self) {
        self.world.try_run(&["user", "add", "acme", "ada@acme.example", "--role", "owner"]);
        let mut ada = Person::new(&self.world);
        let people = self.ask(&mut ada, "ada@acme.example").await;
        let answer = ada.send(&people, people.form().fill("person", "ada@acme.example")).await;
        ada.send(&answer, answer.form()).await;
        assert_eq!(self.who(&mut ada).await, "ada@acme.example");
        self.world.run(&["org", "set", "acme", "require_sso=true"]);
    }

    /// The page at a path of the site.
    pub async fn open(&self, person: &mut Person, path: &str) -> Seen {
        person.open(&format!("{}{path}", self.world.public_url)).await
    }

    /// Tries a password at the page that is for all.
    pub async fn try_password(&self, person: &mut Person, email: &str, password: &str) -> Seen {
        let page = self.open(person, "/.vestibule/password").await;
        let form = page.form().fill("email", email).fill("password", password);
        person.send(&page, form).await
    }

    /// Answers the e-mail question.
    pub async fn ask(&self, person: &mut Person, email: &str) -> Seen {
        let page = self.open(person, "/.vestibule/sign-in?return_to=%2Fdeals").await;
        person.send(&page, page.form().fill("email", email)).await
    }

    /// Whom the app takes this browser for; the empty text: nobody.
    pub async fn who(&self, person: &mut Person) -> String {
        let seen = self.open(person, "/.vestibule/session").await;
        match seen.status {
            StatusCode::OK => serde_json::from_str::<serde_json::Value>(&seen.body).unwrap()["email"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            _ => String::new(),
        }
    }

    /// Waits until the person's session is over, as it has to be within a second.
    pub async fn is_out(&self, person: &mut Person) {
        for _ in 0..200 {
            if self.who(person).await.is_empty() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("the session goes on");
    }

    /// A value of `/metrics`.
    pub async fn metric(&self, name: &str) -> u64 {
        let text = reqwest::get(format!("http://{}/metrics", self.world.ops)).await.unwrap().text().await.unwrap();
        let line = text.lines().find(|line| line.starts_with(&format!("{name} ")));
        line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or(0)
    }

    /// Waits until the log tells of `text`.
    pub async fn until_logged(&self, text: &str) {
        for _ in 0..1200 {
            if self.world.log().contains(text) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("«{text}» was never logged: {}", self.world.log());
    }
}
