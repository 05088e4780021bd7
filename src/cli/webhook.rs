//! `webhook`: the verbs, and their answers.

use clap::{Args, Subcommand};

use super::output::table;
use super::{Context, Failure};
use crate::administration::api::{
    DeadWebhookView, WebhookDead, WebhookList, WebhookRetried, WebhookRetry, WebhookTest, WebhookTestView, WebhookView,
};
use crate::cli::text::count;
use crate::kernel::{Slug, WebhookId};

/// `webhook`
#[derive(Debug, Subcommand)]
pub enum Webhook {
    /// The endpoints with what waits; with --dead what could not be delivered, and why
    #[command(after_help = "Examples:\n  vestibule webhook list\n  vestibule webhook list --dead --endpoint app")]
    List {
        /// What was given up, the oldest first
        #[arg(long)]
        dead: bool,
        /// Of this endpoint alone
        #[arg(long, value_name = "NAME", requires = "dead")]
        endpoint: Option<Slug>,
        /// How many
        #[arg(long, value_name = "N", default_value_t = 100, requires = "dead", value_parser = clap::value_parser!(u16).range(1..=10_000))]
        last: u16,
    },
    /// Queue events anew that could not be delivered, with all their tries
    #[command(after_help = "Examples:\n  vestibule webhook retry 01988f2a-6c31-7000-8004-5d1f7c09be22\n  \
                            vestibule webhook retry --all")]
    Retry(Retry),
    /// Send an endpoint a signed webhook.test now, and print what came back; exit code 1 if it was not taken
    #[command(
        after_help = "Example:\n  vestibule webhook test app\n\nIf it is taken, an endpoint that answered 410 Gone is \
                            sent events again."
    )]
    Test {
        /// Which
        name: Slug,
    },
}

/// `webhook retry`
#[derive(Clone, Copy, Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Retry {
    /// Which
    pub id: Option<WebhookId>,
    /// All
    #[arg(long)]
    pub all: bool,
}

pub(super) fn run(context: &Context, verb: Webhook) -> Result<(), Failure> {
    match verb {
        Webhook::List { dead: false, .. } => context.ask(&WebhookList {}, |found| endpoints(found)),
        Webhook::List { dead: true, endpoint, last } => {
            context.ask(&WebhookDead { endpoint, last: usize::from(last) }, |found| dead(found))
        }
        Webhook::Retry(Retry { id, .. }) => context.ask(&WebhookRetry { id }, retried),
        Webhook::Test { name } => {
            let came = context.server()?.call(&WebhookTest { name: name.clone() })?;
            context.show(&came, tested);
            if came.taken { Ok(()) } else { Err(Failure(format!("«{name}» did not take it: {}", came.answer))) }
        }
    }
}

fn endpoints(found: &[WebhookView]) -> String {
    let row = |view: &WebhookView| {
        let state = match &view.gone_since {
            Some(since) => format!("nothing is sent since {since}: it answered 410 Gone"),
            None => String::new(),
        };
        let oldest = view.oldest.clone().unwrap_or_default();
        [view.name.clone(), view.place.clone(), view.waiting.to_string(), oldest, view.dead.to_string(), state]
    };
    let rows: Vec<[String; 6]> = found.iter().map(row).collect();
    table(["NAME", "AT", "WAITING", "OLDEST", "DEAD", ""], &rows, "No [[webhook]] is configured.")
}

fn dead(found: &[DeadWebhookView]) -> String {
    let row = |view: &DeadWebhookView| {
        let DeadWebhookView { id, endpoint, kind, happened, dead_since, failures, last } = view.clone();
        [id.to_string(), endpoint, kind, happened, dead_since, failures.to_string(), last]
    };
    let rows: Vec<[String; 7]> = found.iter().map(row).collect();
    let names = ["ID", "ENDPOINT", "TYPE", "HAPPENED", "DEAD SINCE", "TRIES", "LAST ANSWER"];
    table(names, &rows, "Nothing is dead.")
}

fn retried(done: &WebhookRetried) -> String {
    let queued = match done.queued {
        0 => "Nothing is queued anew.".to_owned(),
        1 => "1 event is queued anew.".to_owned(),
        many => format!("{} are queued anew.", count(many, "event")),
    };
    match done.left {
        0 => queued,
        left => format!("{queued} Without an endpoint of their name, {} dead.", stay(left)),
    }
}

fn stay(left: usize) -> String {
    if left == 1 { "1 event stays".to_owned() } else { format!("{} stay", count(left, "event")) }
}

fn tested(came: &WebhookTestView) -> String {
    let WebhookTestView { id, taken, answer, took_ms, back } = came;
    let taken = if *taken { "taken" } else { "not taken" };
    let back = if *back { "\nIt had answered 410 Gone, and is sent events again." } else { "" };
    format!("{answer}: {taken}, after {took_ms} ms (webhook-id {id}){back}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_queued_and_what_stays_is_told_in_good_grammar() {
        let check = |queued, left, expected: &str| assert_eq!(retried(&WebhookRetried { queued, left }), expected);
        check(0, 0, "Nothing is queued anew.");
        check(1, 0, "1 event is queued anew.");
        check(2, 1, "2 events are queued anew. Without an endpoint of their name, 1 event stays dead.");
        check(0, 2, "Nothing is queued anew. Without an endpoint of their name, 2 events stay dead.");
    }

    #[test]
    fn a_test_tells_what_came_back() {
        let id = WebhookId::from_bytes([7; 16]);
        let came = WebhookTestView { id, taken: true, answer: "204".to_owned(), took_ms: 12, back: false };
        let expected = "204: taken, after 12 ms (webhook-id 07070707-0707-0707-0707-070707070707)";
        assert_eq!(tested(&came), expected);
    }
}
