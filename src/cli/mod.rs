//! The command line: what was typed becomes a question to the server, its answer becomes text or JSON.
//!
//! Exit codes: 0 done; 1 refused or failed, with one sentence on stderr; 2 wrong usage. To add a verb: its variant in
//! `verbs`, its call in `administration::api`, its arm in [`run_command`].

mod apply;
mod audit;
mod backup;
mod check;
mod client;
mod console;
mod demo;
mod domain;
mod domain_verbs;
mod failure;
mod link;
mod local;
mod logins;
mod organization;
mod organizations_file;
mod output;
mod scim;
mod scim_log;
mod serve;
mod session;
mod sso;
mod sso_text;
mod sso_verbs;
mod team;
mod text;
mod user;
mod verbs;
mod webhook;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser as _;
use serde::Serialize;

use crate::administration::api;
use crate::config::{Config, Loaded};
use crate::kernel::{Clock as _, SystemClock};
use client::Client;
use failure::Failure;
use output::{Output, complain};
use verbs::{Cli, Command, Keys};

/// Wrong usage.
const USAGE: u8 = 2;

/// Runs a command line, the program's name first.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let program = arguments.first().map_or_else(|| "vestibule".into(), |name| name.to_string_lossy().into_owned());
    let cli = match Cli::try_parse_from(arguments).and_then(Cli::complete) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS };
        }
    };
    match run_command(cli, program) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let text = failure.to_string();
            // Several mistakes stand a line each, as compilers write them.
            complain(&if text.contains('\n') { text } else { format!("vestibule: {text}") });
            ExitCode::FAILURE
        }
    }
}

/// What every verb needs: how to find the server, and how to answer.
struct Context {
    /// The name under which this program was called.
    program: String,
    config: Option<std::path::PathBuf>,
    output: Output,
}

impl Context {
    /// The configuration.
    fn load(&self) -> Result<Loaded, Failure> {
        Ok(Config::load(self.config.as_deref(), SystemClock.now())?)
    }

    /// The running server.
    fn server(&self) -> Result<Client, Failure> {
        Ok(Client::new(&self.load()?.config.listen.admin_socket))
    }

    /// Asks the server, and shows its answer.
    fn ask<C: api::Call>(&self, call: &C, text: impl FnOnce(&C::Answer) -> String) -> Result<(), Failure> {
        let answer = self.server()?.call(call)?;
        self.show(&answer, text);
        Ok(())
    }

    fn show<T: Serialize>(&self, answer: &T, text: impl FnOnce(&T) -> String) {
        self.output.show(answer, text);
    }
}

fn run_command(cli: Cli, program: String) -> Result<(), Failure> {
    let Cli { config, json, command } = cli;
    let context = Context { program, config, output: Output { json } };
    match command {
        Command::Demo(typed) => demo::run(&context, &typed),
        Command::Serve => serve::run(&context),
        Command::Check { store } => check::run(&context, store),
        Command::Apply { file, dry_run, prune } => apply::run(&context, &file, dry_run, prune),
        Command::Org(verb) => organization::run(&context, verb),
        Command::Sso(verb) => sso::run(&context, verb),
        Command::Domain(verb) => domain::run(&context, verb),
        Command::Link(verb) => link::run(&context, verb),
        Command::User(verb) => user::run(&context, verb),
        Command::Team(verb) => team::run(&context, verb),
        Command::ScimToken(verb) => scim::run(&context, verb),
        Command::Session(verb) => session::run(&context, verb),
        Command::Webhook(verb) => webhook::run(&context, verb),
        Command::Explain { email, url } => context.ask(&api::Explain { email, url }, logins::explained),
        Command::Logins { org, last } => {
            context.ask(&api::Logins { org, last: usize::from(last) }, |found| logins::logins(found))
        }
        Command::ScimLog { org, last } => {
            context.ask(&api::ScimLog { org, last: usize::from(last) }, |found| scim_log::requests(found))
        }
        Command::Audit(typed) => audit::run(&context, typed),
        Command::Console => console::run(&context),
        Command::Keys(Keys::Rotate { now }) => context.ask(&api::KeysRotate { now }, text::changes),
        Command::Backup { file } => backup::backup(&context, &file),
        Command::Restore { file } => backup::restore(&context, &file),
        Command::Health => local::health(&context),
    }
}
