//! The programs in `examples/webhooks` take what a running Vestibule sends, once, and nothing else.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::is_here;
use crate::world::{Wishes, World, ports};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OTHER: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";
/// How long an event may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program, killed when dropped, and the lines that it prints.
struct Program {
    child: Child,
    lines: Receiver<String>,
}

impl Program {
    fn start(program: &[&str], port: u16) -> Self {
        let mut command = Command::new(program[0]);
        command.args(&program[1..]).arg(port.to_string()).args([OTHER, SECRET]).current_dir(env!("CARGO_MANIFEST_DIR"));
        let mut child = command.stdout(Stdio::piped()).spawn().expect("it starts");
        let (sender, lines) = channel();
        let out = BufReader::new(child.stdout.take().expect("its output"));
        std::thread::spawn(move || out.lines().map_while(Result::ok).all(|line| sender.send(line).is_ok()));
        Program { child, lines }
    }

    /// Waits for a line with these words in it; gives the event's id.
    fn tells(&self, words: &[&str]) -> String {
        loop {
            let line = self.lines.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("never told: {words:?}"));
            if words.iter().all(|word| line.contains(word)) {
                return line.split(' ').next().unwrap_or_default().to_owned();
            }
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn check(runs_at_all: &[&str], program: &[&str]) {
    if !is_here(runs_at_all) {
        return;
    }
    let address = ports::free();
    let running = Program::start(program, address.port());
    ports::wait_for(address, || None).await;
    let url = format!("http://{address}/");
    let configuration = format!(
        "[[webhook]]\nname = \"app\"\nurl = \"{url}\"\nsecret = \"{SECRET}\"\nevents = [\"user.*\", \"membership.created\"]\n"
    );
    let world = World::with(Wishes { configuration, ..Wishes::default() }).await;
    world.run(&["user", "add", "acme", "ada@acme.example", "--role", "owner"]);
    let id = running.tells(&["user.created", "ada@acme.example"]);
    running.tells(&["membership.created", "\"acme\"", "owner"]);

    let now = vestibule::kernel::Clock::now(&vestibule::kernel::SystemClock).seconds();
    let client = reqwest::Client::new();
    for (moment, signature) in [(now, "v1,AAAA"), (now - 3600, "v1,AAAA"), (now, ""), (now, "v2,x v1,")] {
        let request = client.post(&url).header("webhook-id", &id).header("webhook-timestamp", moment.to_string());
        let answer = request.header("webhook-signature", signature).body("{}").send().await.unwrap();
        assert_eq!(answer.status(), 401, "{program:?} takes {signature:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_receiver_takes_real_webhooks_alone() {
    check(&["/usr/bin/python3", "--version"], &["/usr/bin/python3", "examples/webhooks/receive.py"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_node_receiver_takes_real_webhooks_alone() {
    check(&["node", "--version"], &["node", "examples/webhooks/receive.mjs"]).await;
}
